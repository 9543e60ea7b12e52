"""What segments with crossings (``storage.crossings``) and checkpoints (``storage.checkpoints``)
tell of groups above one least figure, or two.

Counts, sums and bests of the slices above stand ready. Quantiles of what is above one figure are
those of the nearest checkpoint, and of the rows between; of what is above two, those of one figure
without the rows that are below the other, or of the rows that are above both, whichever are fewer.
Rows are looked at but for three or four bytes: their buckets, and in which slice of the other order
they are. The figures themselves are read of one slice of each order, into which the least figure
falls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from msgspec import Struct

from storage import checkpoints, crossings
from storage.checkpoints import Histograms
from storage.columns import Array
from storage.owners import Of
from storage.queries.filter import By, Filter
from storage.queries.question import Question
from storage.queries.sliced import BUCKETS, Sliced
from storage.queries.slices import Segment
from storage.slices import FIGURE, PLACE, Order, whole

# What a row costs that is counted, where one that is only looked at costs 1.
COUNTED = 2
FIGURES = ("peak_net_bps", "peak_net_profit")
Work: TypeAlias = tuple[Callable[[Any], None], Any]


class _Edge(Struct, frozen=True):
    """Where a least figure is in an order of a segment: after how many slices, whether the next is
    in part above it, and how many rows each slice has."""

    order: Order
    count: int
    part: bool
    rows: Array

    @property
    def above(self) -> int:
        """Rows of the whole slices above."""
        return int(self.rows[: self.count].sum())

    @property
    def below(self) -> int:
        """All other rows."""
        return int(self.rows[self.count :].sum())

    @property
    def checkpoint(self) -> int:
        """After how many slices the nearest is."""
        return checkpoints.nearest(self.rows, self.count)

    @property
    def between(self) -> int:
        """Rows between it and the checkpoint."""
        return abs(int(self.rows[: self.checkpoint].sum()) - self.above)


class _Way(Struct, frozen=True):
    """A way to the quantiles of what is above two edges: the rows of the slices from ``begin`` to
    before ``end`` of one order are looked at, and those counted that are ``above`` (or not)
    ``edge``; they are taken from what is above ``base``, if that is given."""

    cost: int
    order: Order
    begin: int
    end: int
    edge: _Edge
    above: bool
    base: _Edge | None


def kind_for(asked: Filter, by: By) -> Of | None:
    """The sums and histograms that know what is asked for; None if none do."""
    if len(asked.tested) > 2:
        return None
    if by is By.SYMBOL:
        return None if asked.of_venues else Of.SYMBOL
    if by in (By.ROUTE, By.VENUE, By.KIND):
        return None if asked.symbols else Of.ROUTE
    if asked.symbols or asked.of_venues:
        return None
    return Of.HOUR if by is By.HOUR else Of.WEEKDAY


def add(question: Question, segments: Sequence[Segment], of: Of) -> None:
    """Add what these segments have, all of which are ``crossed``."""
    reader = _Reader(question, of)
    for work, found in reader.found(segments):
        work(found)


def _ways(one: _Edge, other: _Edge, both: int) -> Iterator[_Way]:
    """All ways to what is above two edges, which are ``both`` rows."""
    for a, b in ((one, other), (other, one)):
        rest = a.between + a.above - both
        yield _Way(a.above + COUNTED * both, a.order, 0, a.count, b, True, None)
        yield _Way(a.above + COUNTED * rest, a.order, 0, a.count, b, False, a)
        yield _Way(b.below + COUNTED * rest, b.order, b.count, len(b.rows), a, True, a)


class _Reader:
    """Reads what is needed, and adds it up."""

    def __init__(self, question: Question, of: Of) -> None:
        self._question = question
        self._of = of
        self._sliced = Sliced(question)
        thresholds = dict(question.asked.least)
        self._least = {
            order: least
            for order, name in FIGURE.items()
            if (least := thresholds[name]) is not None
        }

    def found(self, segments: Sequence[Segment]) -> Iterator[Work]:
        """What is read, each with what is to be done with it."""
        for segment in segments:
            first, edges = segment.first, []
            for order, least in self._least.items():
                bounds = segment.bounds[order]
                edges.append(_Edge(order, *whole(bounds, least), bounds["rows"].astype(int)))
            if all(edge.count for edge in edges):
                if len(edges) == 1:
                    yield from self._above_one(first, edges[0])
                else:
                    yield from self._above_two(first, *edges)
            yield from self._parts(first, edges)

    def _above_one(self, first: int, edge: _Edge) -> Iterator[Work]:
        """All of the slices above."""
        yield self._add_sums, self._sums(first, edge, edge)
        yield from self._quantiles(first, edge)

    def _above_two(self, first: int, one: _Edge, other: _Edge) -> Iterator[Work]:
        """All of what the slices above have in common."""
        sums = self._sums(first, one, other)
        yield self._add_sums, sums
        way = min(_ways(one, other, int(sums[1]["count"].sum())), key=lambda way: way.cost)
        if way.base is not None:
            yield from self._quantiles(first, way.base)
        place = PLACE[way.edge.order]
        read = self._sliced.read(way.order, first, way.begin, way.end, [*BUCKETS, place])
        for columns in read:
            above = columns[place] < way.edge.count
            chosen = above if way.above else ~above
            yield self._add_buckets, (columns, chosen, -1 if way.base else 1)

    def _sums(self, first: int, one: _Edge, other: _Edge) -> tuple[Array, Array]:
        """Owners and totals of what is in slices above both edges, which may be the same."""
        ((others, owners, totals),) = self._sliced.fetch(
            "SELECT others, owners, totals FROM opportunity_crossing WHERE sorted_by = ?"
            " AND crossed_by = ? AND kind = ? AND first_day = ? AND number = ?",
            (int(one.order), int(other.order), int(self._of), first, one.count - 1),
        )
        return crossings.above(others, owners, totals, other.count)

    def _quantiles(self, first: int, edge: _Edge) -> Iterator[Work]:
        """The histograms of the slices above."""
        end = edge.checkpoint
        if end:
            for row in self._sliced.fetch(
                "SELECT profit_keys, profit_buckets, profit_counts,"
                " duration_keys, duration_buckets, duration_counts FROM opportunity_checkpoint"
                " WHERE sorted_by = ? AND kind = ? AND first_day = ? AND number = ?",
                (int(edge.order), int(self._of), first, end - 1),
            ):
                yield self._add_histograms, row
        begin, stop = sorted((end, edge.count))
        for columns in self._sliced.read(edge.order, first, begin, stop, BUCKETS):
            yield self._add_buckets, (columns, None, 1 if end < edge.count else -1)

    def _parts(self, first: int, edges: Sequence[_Edge]) -> Iterator[Work]:
        """The rows of the slices that edges go through; what two go through is the last one's, so
        that of an earlier one the slice of a row says enough of later figures."""
        for number, edge in enumerate(edges, 1):
            if not edge.part:
                continue
            tested, later = edges[:number], edges[number:]
            figures = dict.fromkeys((*FIGURES, *(FIGURE[one.order] for one in tested)))
            names = [*figures, *BUCKETS, *(PLACE[one.order] for one in later)]
            for columns in self._sliced.read(edge.order, first, edge.count, edge.count + 1, names):
                meets: Any = True
                for one in tested:
                    meets &= columns[FIGURE[one.order]] >= self._least[one.order]
                for one in later:
                    meets &= columns[PLACE[one.order]] < one.count
                yield self._add_rows, (columns, meets)

    def _add_sums(self, found: tuple[Array, Array]) -> None:
        self._sliced.add_sums(*found)

    def _add_histograms(self, row: Sequence[bytes]) -> None:
        tally = self._question.tally
        tally.profits(*self._numbered(checkpoints.histograms(*row[:3])))
        tally.durations(*self._numbered(checkpoints.histograms(*row[3:])))

    def _numbered(self, found: Histograms) -> tuple[Array, Array, Array]:
        """The number of each bucket that is asked for, the buckets, and how often each occurs."""
        slots = self._question.labels.slots
        number = self._question.numbers[found.keys["owner"]]
        asked = number >= 0
        if slots > 1:
            number = number * slots + found.keys["slot"]
        lengths = found.keys["buckets"]
        number = np.repeat(number.astype(np.int32), lengths)
        if asked.all():
            return number, found.buckets, found.counts
        kept = np.flatnonzero(np.repeat(asked, lengths))
        return number[kept], found.buckets[kept], found.counts[kept]

    def _add_buckets(self, found: tuple[Mapping[str, Array], Array | None, int]) -> None:
        columns, chosen, times = found
        number, kept = self._sliced.numbers(
            columns, None if chosen is None else np.flatnonzero(chosen)
        )
        self._sliced.add_buckets(number, columns, kept, times)

    def _add_rows(self, found: tuple[Mapping[str, Array], Array]) -> None:
        columns, meets = found
        number, kept = self._sliced.numbers(columns, np.flatnonzero(meets))
        self._sliced.add_figures(number, columns, kept)
        self._sliced.add_buckets(number, columns, kept)
