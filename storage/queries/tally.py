"""Counts, sums, bests and quantiles of groups: from single values, from totals, from buckets."""

from __future__ import annotations

import numpy as np
from msgspec import Struct

from storage.columns import Array
from storage.histogram import DURATION_UNIT, PROFIT_UNIT, Cells, buckets
from storage.queries.quantiles import Buckets, Exactly, Groups, Quantiles, flat

EXACT_ROWS = 250_000
RUN = 4  # opportunities of one number in a row that are worth being taken together


class Values(Struct, frozen=True):
    """Single opportunities, an element of each array for each: its number, its peaks, and how long
    it lasted, ns (NaN: it is still open)."""

    number: Array
    profit: Array
    bps: Array
    duration: Array


class Figures(Struct, frozen=True, kw_only=True):
    """What is told of one group, which may be of none. Durations in ns, NaN where none has
    closed."""

    count: int
    total_profit: float
    median_profit: float
    median_duration: float
    p90_duration: float
    best_profit: float
    best_bps: float


class Tally:
    """Adds up, for each of the numbers from 0 to ``size``.

    Single values are kept while they are at most ``EXACT_ROWS``; then, or when buckets come in,
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
        self._profits = Buckets(size, PROFIT_UNIT)
        self._durations = Buckets(size, DURATION_UNIT)
        self.exact = True

    def values(self, values: Values) -> None:
        """Count single opportunities."""
        self.singles(values.number, values.profit, values.bps)
        self._rows += len(values.number)
        self._kept.append(values)
        if self._rows > EXACT_ROWS or not self.exact:
            self._give_up()

    def cells(self, cells: Cells) -> None:
        """Count cells, whose owners are the numbers."""
        self.totals(cells.total_owners, cells.totals)
        self.histograms(cells)

    def histograms(self, cells: Cells) -> None:
        """Count cells for quantiles alone."""
        for add, owners, entries in (
            (self.profits, cells.profit_owners, cells.profits),
            (self.durations, cells.duration_owners, cells.durations),
        ):
            add(owners, entries["bucket"], entries["count"])

    def profits(self, number: Array, bucket: Array, count: Array) -> None:
        """Count buckets of profits so many times, for quantiles alone."""
        self._give_up()
        self._profits.add_counts(number, bucket, count)

    def durations(self, number: Array, bucket: Array, count: Array) -> None:
        """Count buckets of durations so many times, for quantiles alone."""
        self._give_up()
        self._durations.add_counts(number, bucket, count)

    def singles(self, number: Array, profit: Array, bps: Array) -> None:
        """Count single opportunities, but for quantiles."""
        starts = _runs(number)
        if len(starts) * RUN < len(number):  # each run as one: five times as fast
            count = np.diff(np.append(starts, len(number)))
            number, best = number[starts], np.maximum.reduceat(profit, starts)
            profit, bps = np.add.reduceat(profit, starts), np.maximum.reduceat(bps, starts)
            self._count += np.bincount(number, count, self._size).astype(np.int64)
        else:
            best = profit
            self._count += np.bincount(number, minlength=self._size)
        self._total += np.bincount(number, profit, self._size)
        np.maximum.at(self._best_profit, number, best)
        np.maximum.at(self._best_bps, number, bps)

    def totals(self, number: Array, totals: Array) -> None:
        """Count what is counted already, but for quantiles."""
        counts = np.bincount(number, totals["count"], self._size)
        self._count += np.round(counts).astype(np.int64)
        self._total += np.bincount(number, totals["profit"], self._size)
        for best, name in ((self._best_profit, "best_profit"), (self._best_bps, "best_bps")):
            # of a column that is packed among others it takes thirty times as long
            np.maximum.at(best, number, np.ascontiguousarray(totals[name]))

    def buckets(self, number: Array, profit: Array, duration: Array, times: int = 1) -> None:
        """Count the buckets of single opportunities, for quantiles alone; ``times`` -1 takes them
        away."""
        self._give_up()
        self._profits.add(number, profit, times)
        self._durations.add(number, duration, times)

    def figures(self, groups: Groups) -> list[Figures]:
        """What is told of each group, which is the numbers that belong to it."""
        if not groups:
            return []
        members, starts = flat(groups)
        columns = (
            np.add.reduceat(self._count[members], starts),
            np.add.reduceat(self._total[members], starts),
            np.maximum.reduceat(self._best_profit[members], starts),
            np.maximum.reduceat(self._best_bps[members], starts),
        )
        sums = zip(*(column.tolist() for column in columns), strict=True)
        profits, durations = (one.of(groups).tolist() for one in self._quantiles())
        return [
            Figures(
                count=count,
                total_profit=total,
                median_profit=profit[0],
                median_duration=duration[0],
                p90_duration=duration[1],
                best_profit=best_profit,
                best_bps=best_bps,
            )
            for (count, total, best_profit, best_bps), profit, duration in zip(
                sums, profits, durations, strict=True
            )
        ]

    def _quantiles(self) -> tuple[Quantiles, Quantiles]:
        if not self.exact:
            return self._profits, self._durations
        empty = Values(np.zeros(0, np.int64), np.zeros(0), np.zeros(0), np.zeros(0))
        kept = [*self._kept, empty]
        number = np.concatenate([v.number for v in kept])
        profit = np.concatenate([v.profit for v in kept])
        duration = np.concatenate([v.duration for v in kept])
        return Exactly(number, profit, self._size), Exactly(number, duration, self._size)

    def _give_up(self) -> None:
        """From now on there are only histograms."""
        self.exact = False
        kept, self._kept = self._kept, []
        for values in kept:
            closed = ~np.isnan(values.duration)
            self._profits.add(values.number, buckets(values.profit, PROFIT_UNIT))
            lasted = buckets(values.duration[closed], DURATION_UNIT)
            self._durations.add(values.number[closed], lasted)


def _runs(number: Array) -> Array:
    """Where each run of the same number begins."""
    if not len(number):
        return np.zeros(0, np.int64)
    return np.flatnonzero(np.concatenate(([True], number[1:] != number[:-1])))
