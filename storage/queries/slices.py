"""What the slices of whole segments (``storage.segments``) tell of groups above a least figure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from storage import segments
from storage.columns import Array
from storage.queries import blocks
from storage.queries.access import direct
from storage.queries.blocks import Days
from storage.queries.filter import By, Filter
from storage.queries.question import Question
from storage.queries.sliced import BUCKETS, Sliced
from storage.queries.tally import Values
from storage.slices import FIGURE, Level, Order, whole


class Segment(Struct, frozen=True):
    """A segment, and the bounds of its slices by their order. ``ready``: what it has, as in
    ``storage.segments``."""

    first: int
    last: int
    bounds: list[Array]
    ready: int

    @property
    def crossed(self) -> bool:
        """Has it crossings?"""
        return self.ready >= segments.CROSSED

    @property
    def by_series(self) -> bool:
        """Has it its rows by series?"""
        return self.ready >= segments.READY

    @property
    def days(self) -> range:
        """Its days."""
        return range(self.first, self.last + 1)


class Plan(Struct, frozen=True):
    """Which segments, in which order, how many rows they have above its least figure, and in all.

    ``below``: what is below is taken from the quantiles of all, in place of adding what is above.
    """

    segments: list[Segment]
    order: Order
    least: float
    rows: int
    total: int
    below: bool = False

    @property
    def days(self) -> set[int]:
        """The days of the segments."""
        return {day for one in self.segments for day in one.days}

    def within(self, days: Collection[int]) -> Plan:
        """The same of those segments alone whose days are all among these."""
        kept = [one for one in self.segments if all(day in days for day in one.days)]
        return replace(self, segments=kept)


def whole_segments(connection: Connection, when: Sequence[Days]) -> list[Segment]:
    """The segments that are asked for whole."""
    return [
        Segment(first, last, segments.bounds_of(bounds), ready)
        for first, last, bounds, ready in direct(
            connection,
            "SELECT first_day, last_day, bounds, ready FROM opportunity_segment"
            " WHERE ready > 0 ORDER BY first_day",
        )
        if any(some.whole and some.first <= first and last <= some.last for some in when)
    ]


def plan(
    connection: Connection, asked: Filter, when: Sequence[Days]
) -> tuple[Plan | None, list[Days]]:
    """The segments that are asked for whole, in the order that leaves fewest rows; and the days
    that are left. None if there are no segments, or no least figure."""
    found = whole_segments(connection, when)
    thresholds = dict(asked.least)
    total = sum(int(one.bounds[0]["rows"].sum()) for one in found)
    plans = [
        Plan(found, order, least, sum(_rows(one.bounds[order], least) for one in found), total)
        for order, name in FIGURE.items()
        if (least := thresholds[name]) is not None
    ]
    if not found or not plans:
        return None, list(when)
    best = min(plans, key=lambda one: one.rows)
    return best, list(blocks.without(when, best.days))


def add(question: Question, plan: Plan, *, exactly: bool = False) -> None:
    """Add what the plan's segments have. ``exactly``: row by row, with no buckets."""
    level = None if exactly else level_for(question.asked, question.by)
    reader = _Reader(question, plan, exactly, Sliced(question))
    for work, found in reader.found(level):
        work(found)


def level_for(asked: Filter, by: By) -> Level | None:
    """The sums that know what is asked for; None if none do."""
    if len(asked.tested) > 1:
        return None
    if by not in (By.HOUR, By.WEEKDAY):
        return Level.SERIES
    if asked.symbols and asked.of_venues:
        return None
    if asked.of_venues:
        return Level.ROUTE_HOUR if by is By.HOUR else Level.ROUTE_WEEKDAY
    return Level.SYMBOL_HOUR if by is By.HOUR else Level.SYMBOL_WEEKDAY


def _rows(bounds: Array, least: float) -> int:
    count, part = whole(bounds, least)
    return int(bounds["rows"][: count + part].sum())


class _Reader(Struct, frozen=True):
    question: Question
    plan: Plan
    exactly: bool
    sliced: Sliced

    def found(self, level: Level | None) -> Iterator[tuple[Callable[[Any], None], Any]]:
        """What is read, each with what is to be done with it."""
        order = self.plan.order
        for segment in self.plan.segments:
            bounds = segment.bounds[order]
            count, part = whole(bounds, self.plan.least)
            ready = count if level is not None else 0
            if ready and level is not None:
                yield self._sums, self.sliced.sums(order, segment.first, ready - 1, level)
            begin, end = (count + part, len(bounds)) if self.plan.below else (0, ready)
            for one in self.sliced.read(order, segment.first, begin, end, BUCKETS):
                yield self._buckets, one
            read = self.sliced.read(order, segment.first, ready, count + part, self._needed())
            for one in read:
                yield self._rows, one

    def _sums(self, found: tuple[Array, Array]) -> None:
        """Counts, sums and bests."""
        self.sliced.add_sums(*found)

    def _buckets(self, columns: Mapping[str, Array]) -> None:
        """The buckets of a whole slice."""
        number, kept = self.sliced.numbers(columns)
        self.sliced.add_buckets(number, columns, kept, -1 if self.plan.below else 1)

    def _rows(self, columns: Mapping[str, Array]) -> None:
        """Single rows of a slice, as far as they meet all conditions."""
        meets = self.question.asked.meets(columns)
        number, kept = self.sliced.numbers(columns, np.flatnonzero(meets))
        if self.exactly:
            duration = columns["duration"][kept].astype(float)
            profit, bps = columns["peak_net_profit"][kept], columns["peak_net_bps"][kept]
            self.question.tally.values(Values(number, profit, bps, duration))
            return
        self.sliced.add_figures(number, columns, kept)
        if self.plan.below:
            number, kept = self.sliced.numbers(columns, np.flatnonzero(~meets))
        self.sliced.add_buckets(number, columns, kept, -1 if self.plan.below else 1)

    def _needed(self) -> list[str]:
        more = ("duration",) if self.exactly else BUCKETS
        wanted = ("peak_net_bps", "peak_net_profit", *self.question.asked.tested, *more)
        return [*dict.fromkeys(wanted)]
