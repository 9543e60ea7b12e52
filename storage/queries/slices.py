"""What the slices of whole segments (``storage.segments``) tell of groups above a least figure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from storage import segments
from storage.columns import DERIVED, Array
from storage.columns import TYPES as COLUMNS
from storage.histogram import TOTAL
from storage.queries import blocks
from storage.queries.ahead import ahead
from storage.queries.blocks import Days
from storage.queries.filter import By, Filter
from storage.queries.question import Question
from storage.queries.tally import Values
from storage.slices import FIGURE, RUN, Level, Order, whole

BUCKETS = ("profit_buckets", "duration_buckets")
TYPES: dict[str, np.dtype[Any]] = {
    "runs": RUN,
    **COLUMNS,
    **DERIVED,
}


class Segment(Struct, frozen=True):
    """A segment, and in each order how many slices are asked for whole, and whether the one after
    them is in part."""

    first: int
    last: int
    bounds: list[Array]


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
        return {day for one in self.segments for day in range(one.first, one.last + 1)}

    def within(self, days: Collection[int]) -> Plan:
        """The same of those segments alone whose days are all among these."""
        kept = [
            one
            for one in self.segments
            if all(day in days for day in range(one.first, one.last + 1))
        ]
        return replace(self, segments=kept)


def plan(
    connection: Connection, asked: Filter, when: Sequence[Days]
) -> tuple[Plan | None, list[Days]]:
    """The segments that are asked for whole, in the order that leaves fewest rows; and the days
    that are left. None if there are no segments, or no least figure."""
    found = [
        Segment(first, last, segments.bounds_of(bounds))
        for first, last, bounds in connection.exec_driver_sql(
            "SELECT first_day, last_day, bounds FROM opportunity_segment"
            " WHERE ready = 1 ORDER BY first_day"
        )
        if any(some.whole and some.first <= first and last <= some.last for some in when)
    ]
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
    reader = _Reader(question, plan, exactly)
    for work, found in ahead(reader.found(level)):
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


def _rows_of(runs: Array, count: Array) -> Array | slice:
    """The rows of some runs of so many rows each."""
    if not len(runs):
        return slice(0, 0)
    first, last = int(runs[0]), int(runs[-1])
    if last - first + 1 == len(runs):
        begin = int(count[:first].sum())
        return slice(begin, begin + int(count[first : last + 1].sum()))
    chosen = np.zeros(len(count), bool)
    chosen[runs] = True
    return np.flatnonzero(np.repeat(chosen, count))


class _Reader(Struct, frozen=True):
    question: Question
    plan: Plan
    exactly: bool

    def found(self, level: Level | None) -> Iterator[tuple[Callable[[Any], None], Any]]:
        """What is read, each with what is to be done with it."""
        for segment in self.plan.segments:
            bounds = segment.bounds[self.plan.order]
            count, part = whole(bounds, self.plan.least)
            ready = count if level is not None else 0
            if ready and level is not None:
                yield self._sums, self._read_sums(segment.first, ready - 1, level)
            begin, end = (count + part, len(bounds)) if self.plan.below else (0, ready)
            if begin < end:
                columns = self._read(segment.first, begin, end, self._names(BUCKETS))
                yield self._buckets, [*columns]
            if ready < count + part:
                names = self._names(self._needed())
                for one in self._read(segment.first, ready, count + part, names):
                    yield self._rows, one

    def _sums(self, found: tuple[Array, Array]) -> None:
        """Counts, sums and bests."""
        owners, totals = found
        number = self.question.numbers[owners]
        kept = np.flatnonzero(number >= 0)
        number, totals = number[kept], totals[kept]
        if self.question.labels.slots > 1:
            number = number * self.question.labels.slots + totals["slot"]
        self.question.tally.totals(number, totals)

    def _buckets(self, parts: Sequence[Mapping[str, Array]]) -> None:
        """The buckets of whole slices."""
        if not self.question.asked.symbols:  # whose rows stand together in each slice
            names = parts[0]
            parts = [{name: np.concatenate([part[name] for part in parts]) for name in names}]
        for columns in parts:
            number, kept = self._numbers(columns)
            self._count(number, columns, kept, -1 if self.plan.below else 1)

    def _rows(self, found: Mapping[str, Array]) -> None:
        """Single rows of a slice, as far as they meet all conditions."""
        meets = self.question.asked.meets(found)
        number, kept = self._numbers(found, np.flatnonzero(meets))
        profit, bps = found["peak_net_profit"][kept], found["peak_net_bps"][kept]
        if self.exactly:
            duration = found["duration"][kept].astype(float)
            self.question.tally.values(Values(number, profit, bps, duration))
            return
        self.question.tally.singles(number, profit, bps)
        if self.plan.below:
            number, kept = self._numbers(found, np.flatnonzero(~meets))
        self._count(number, found, kept, -1 if self.plan.below else 1)

    def _count(
        self, number: Array, columns: Mapping[str, Array], kept: Array | slice, times: int
    ) -> None:
        profit, duration = columns["profit_buckets"][kept], columns["duration_buckets"][kept]
        self.question.tally.buckets(number, profit, duration, times)

    def _needed(self) -> list[str]:
        more = ("duration",) if self.exactly else BUCKETS
        wanted = ("peak_net_bps", "peak_net_profit", *self.question.asked.tested, *more)
        return [*dict.fromkeys(wanted)]

    def _names(self, names: Sequence[str]) -> list[str]:
        return ["runs", *names, *(["hours"] if self.question.labels.slots > 1 else [])]

    def _numbers(
        self, columns: Mapping[str, Array], among: Array | None = None
    ) -> tuple[Array, Array | slice]:
        """The number of each row that is asked for, of those ``among`` (None: of all), and which
        these are."""
        runs, slots = columns["runs"], self.question.labels.slots
        keys = self.question.numbers[runs["series"]]
        kept: Array | slice = slice(None) if among is None else among
        count: Array = runs["count"]
        asked = np.flatnonzero(keys >= 0)
        if among is not None:
            number = np.repeat(keys, count)[among]
            if len(asked) < len(keys):
                rows = np.flatnonzero(number >= 0)
                number, kept = number[rows], among[rows]
        else:
            number = np.repeat(keys[asked], count[asked])
            if len(asked) < len(keys):
                kept = _rows_of(asked, count)
        if slots > 1:
            number *= slots
            number += self.question.labels.slot(columns["hours"][kept])
        return number, kept

    def _read_sums(self, first: int, number: int, level: Level) -> tuple[Array, Array]:
        """Owners and totals of all slices up to this one."""
        (row,) = self._fetch(
            "SELECT owners, totals FROM opportunity_sum WHERE sorted_by = ? AND level = ?"
            " AND first_day = ? AND number = ?",
            (int(self.plan.order), int(level), first, number),
        )
        return np.frombuffer(row[0], "<u4"), np.frombuffer(row[1], TOTAL)

    def _read(
        self, first: int, begin: int, end: int, names: Sequence[str]
    ) -> Iterator[dict[str, Array]]:
        """Columns of some slices."""
        tables = "opportunity_slice"
        if "peak_net_bps" in names:
            tables += " JOIN opportunity_figures USING (sorted_by, first_day, number)"
        rows = self._fetch(
            f"SELECT {', '.join(names)} FROM {tables} WHERE sorted_by = ?"
            " AND first_day = ? AND number >= ? AND number < ?",
            (int(self.plan.order), first, begin, end),
        )
        for row in rows:
            yield {
                name: np.frombuffer(value, TYPES[name])
                for name, value in zip(names, row, strict=True)
            }

    def _fetch(self, statement: str, values: tuple[int, ...]) -> Iterable[Any]:
        if self.question.connection.dialect.name != "sqlite":
            statement = statement.replace("?", "%s")
        return self.question.connection.exec_driver_sql(statement, values)
