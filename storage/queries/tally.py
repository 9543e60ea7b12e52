"""Counts, sums, bests and quantiles of groups, from single values or from stored histograms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeAlias

import numpy as np
from msgspec import Struct

from storage.columns import Array
from storage.histogram import DURATION_UNIT, PROFIT_UNIT, Cells, buckets, told

EXACT_ROWS = 250_000
COMPACT = 2_000_000
MEDIAN, P90 = 0.5, 0.9
Pair: TypeAlias = tuple[float, float]


class Values(Struct, frozen=True):
    """Single opportunities, an element of each array for each: its number, its peaks, and how long
    it lasted, ns (NaN: it is still open)."""

    number: Array
    profit: Array
    bps: Array
    duration: Array


class Figures(Struct, frozen=True, kw_only=True):
    """What is told of one group. Durations in ns, NaN where none has closed."""

    count: int
    total_profit: float
    median_profit: float
    median_duration: float
    p90_duration: float
    best_profit: float
    best_bps: float


class Tally:
    """Adds up, for each of the numbers from 0 to ``size``.

    Single values are kept while they are at most ``EXACT_ROWS``; then, or when cells come in,
    quantiles are told from histograms and ``exact`` is False.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._count = np.zeros(size, np.int64)
        self._total = np.zeros(size)
        self._best_profit = np.full(size, -np.inf)
        self._best_bps = np.full(size, -np.inf)
        self._kept: list[Values] = []
        self._rows = 0
        self._profits = _Histograms(size, PROFIT_UNIT)
        self._durations = _Histograms(size, DURATION_UNIT)
        self.exact = True

    def values(self, values: Values) -> None:
        """Count single opportunities."""
        number = values.number
        self._count += np.bincount(number, minlength=self._size)
        self._total += np.bincount(number, values.profit, self._size)
        np.maximum.at(self._best_profit, number, values.profit)
        np.maximum.at(self._best_bps, number, values.bps)
        self._rows += len(number)
        self._kept.append(values)
        if self._rows > EXACT_ROWS or not self.exact:
            self._give_up()

    def cells(self, cells: Cells) -> None:
        """Count cells, whose owners are the numbers."""
        self._give_up()
        number, totals = cells.total_owners, cells.totals
        counts = np.bincount(number, totals["count"], self._size)
        self._count += np.round(counts).astype(np.int64)
        self._total += np.bincount(number, totals["profit"], self._size)
        np.maximum.at(self._best_profit, number, totals["best_profit"])
        np.maximum.at(self._best_bps, number, totals["best_bps"])
        for histograms, owners, entries in (
            (self._profits, cells.profit_owners, cells.profits),
            (self._durations, cells.duration_owners, cells.durations),
        ):
            histograms.add(owners, entries["bucket"], entries["count"])

    def figures(self, groups: Sequence[Sequence[int]]) -> Iterator[Figures | None]:
        """What is told of each group, which is the numbers that belong to it; None if it has
        none."""
        quantiles: _Quantiles = _Exactly(self._kept, self._size) if self.exact else self
        for members in groups:
            count = int(self._count[members].sum())
            if not count:
                yield None
                continue
            profits, durations = quantiles.of(members)
            yield Figures(
                count=count,
                total_profit=float(self._total[members].sum()),
                median_profit=profits[0],
                median_duration=durations[0],
                p90_duration=durations[1],
                best_profit=float(self._best_profit[members].max()),
                best_bps=float(self._best_bps[members].max()),
            )

    def of(self, members: Sequence[int]) -> tuple[Pair, Pair]:
        """Median and 90th percentile of profit and duration, from the histograms."""
        return self._profits.quantiles(members), self._durations.quantiles(members)

    def _give_up(self) -> None:
        """From now on there are only histograms."""
        self.exact = False
        kept, self._kept = self._kept, []
        for values in kept:
            closed = ~np.isnan(values.duration)
            self._profits.values(values.number, values.profit)
            self._durations.values(values.number[closed], values.duration[closed])


class _Quantiles(Protocol):
    def of(self, members: Sequence[int]) -> tuple[Pair, Pair]: ...


class _Exactly:
    """Quantiles from all values."""

    def __init__(self, kept: Sequence[Values], size: int) -> None:
        empty = np.zeros(0)
        number = np.concatenate([v.number for v in kept] or [empty.astype(int)])
        # numpy sorts short integers by their digits: ten times as fast
        short = number.astype(np.uint16) if size < 1 << 16 else number
        order = np.argsort(short, kind="stable")
        self._ends = np.cumsum(np.bincount(number, minlength=size))
        self._profit = np.concatenate([v.profit for v in kept] or [empty])[order]
        self._duration = np.concatenate([v.duration for v in kept] or [empty])[order]

    def of(self, members: Sequence[int]) -> tuple[Pair, Pair]:
        """Of the values of these numbers."""
        parts = [slice(self._ends[i - 1] if i else 0, self._ends[i]) for i in members]
        profit = np.concatenate([self._profit[part] for part in parts])
        duration = np.concatenate([self._duration[part] for part in parts])
        return _pair(profit), _pair(duration[~np.isnan(duration)])


def _pair(values: Array) -> Pair:
    if not len(values):
        return np.nan, np.nan
    median, p90 = np.quantile(values, (MEDIAN, P90)).tolist()
    return median, p90


class _Histograms:
    """How often each bucket occurs for each number."""

    def __init__(self, size: int, unit: float) -> None:
        self._size = size
        self._unit = unit
        self._parts: list[tuple[Array, Array, Array]] = []
        self._rows = 0
        self._dense: tuple[Array, int] | None = None

    def values(self, number: Array, values: Array) -> None:
        """Count single values."""
        self.add(number, buckets(values, self._unit), np.ones(len(number)))

    def add(self, number: Array, bucket: Array, count: Array) -> None:
        """Count what is in buckets already."""
        self._parts.append((number, bucket, count))
        self._rows += len(number)
        self._dense = None
        if self._rows > COMPACT:
            matrix, lowest = self._matrix()
            number, bucket = np.nonzero(matrix)
            self._parts = [(number, bucket + lowest, matrix[number, bucket])]
            self._rows = len(number)

    def quantiles(self, members: Sequence[int]) -> Pair:
        """Median and 90th percentile, interpolated between neighbours."""
        matrix, lowest = self._dense = self._dense or self._matrix()
        row = matrix[members[0]] if len(members) == 1 else matrix[members].sum(axis=0)
        filled = np.flatnonzero(row)
        if not len(filled):
            return np.nan, np.nan
        upto = np.cumsum(row[filled])
        places = np.array((MEDIAN, P90)) * (upto[-1] - 1)
        ranks = np.concatenate((np.floor(places), np.ceil(places)))
        values = told(filled[np.searchsorted(upto, ranks, side="right")] + lowest, self._unit)
        low, high = values[:2], values[2:]
        median, p90 = (low + (high - low) * (places - ranks[:2])).tolist()
        return median, p90

    def _matrix(self) -> tuple[Array, int]:
        """A row for each number, a column for each bucket from the lowest that occurs."""
        if not self._rows:
            return np.zeros((self._size, 0)), 0
        lowest = min(int(bucket.min()) for _, bucket, _ in self._parts if len(bucket))
        highest = max(int(bucket.max()) for _, bucket, _ in self._parts if len(bucket))
        width = highest - lowest + 1
        matrix = np.zeros(self._size * width)
        for number, bucket, count in self._parts:
            place = number.astype(np.int64)
            place *= width
            place += bucket
            place -= lowest
            matrix += np.bincount(place, count, len(matrix))
        return matrix.reshape(self._size, width), lowest
