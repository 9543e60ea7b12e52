"""Opportunities sorted by a figure, and cut into slices: what is asked of all above some figure.

An order sorts the rows of a segment (``storage.segments``) by one figure, the greatest first, and
cuts them into slices of up to ``SLICE`` rows, the first ones smaller. Whoever asks for a least
figure takes the slices above it whole, and looks at single rows only in the one slice that it falls
into. Of whole slices, counts, sums and bests stand ready, those of all slices above included
(``Level``); for quantiles there are the numbers of the buckets (``storage.histogram``) of every
row, four bytes in place of sixteen.

For whoever asks for several least figures every row says in which slice of each order it is, and
``storage.crossings`` has the sums of what two orders have in common.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import IntEnum

import numpy as np
from msgspec import Struct

from storage.columns import DERIVED, Array
from storage.histogram import TOTAL
from storage.series import Wider

FIRST, SLICE = 1_000, 25_000
MOST = 200  # slices of an order, but for the small ones
RUN = np.dtype([("series", "<u4"), ("count", "<u4")])
BOUND = np.dtype([("least", "<f8"), ("most", "<f8"), ("rows", "<u4")])


class Order(IntEnum):
    """By which figure rows are sorted."""

    NET_BPS = 0
    PROFIT = 1
    DURATION = 2


FIGURE = {
    Order.NET_BPS: "peak_net_bps",
    Order.PROFIT: "peak_net_profit",
    Order.DURATION: "duration",
}


# The columns of ``opportunity_place``.
PLACE = {order: f"{order.name.lower()}_slice" for order in Order}


class Level(IntEnum):
    """What sums are of: of each series; or of each hour of the day, or day of the week, of each
    symbol or of each route."""

    SERIES = 0
    SYMBOL_HOUR = 1
    ROUTE_HOUR = 2
    SYMBOL_WEEKDAY = 3
    ROUTE_WEEKDAY = 4


class Keys(Struct, frozen=True):
    """The pairs of owner and slot that a level has, and which of them each row belongs to."""

    owners: Array
    slots: Array
    of: Array


class Ranking(Struct, frozen=True):
    """The rows of a segment in an order: which stand in each slice, and in which slice each is."""

    slices: list[Array]
    number: Array


class Rows(Struct, frozen=True):
    """The rows of a segment: the columns of ``storage.columns`` but ids and times, their keys, and
    the place of each in the order of series within a slice."""

    columns: Mapping[str, Array]
    keys: Mapping[Level, Keys]
    place: Array
    ranked: dict[Order, Ranking] = {}

    def ranking(self, order: Order) -> Ranking:
        """How an order ranks them; the first time it takes some 50 ms for 400,000."""
        if order not in self.ranked:
            self.ranked[order] = _ranking(self.columns[FIGURE[order]])
        return self.ranked[order]


class Slice(Struct, frozen=True):
    """One slice as it is stored: columns of ``opportunity_slice``, ``opportunity_figures`` and
    ``opportunity_place``, and owners and totals of each level."""

    bound: Array
    columns: dict[str, bytes]
    figures: dict[str, bytes]
    places: dict[str, bytes]
    sums: dict[Level, tuple[bytes, bytes]]


def keyed(columns: Mapping[str, Array], wider: Wider) -> Rows:
    """Rows with their keys."""
    series, hours = columns["series_id"], columns["hours"].astype(np.int64)
    slots = {24: hours % 24, 7: hours // 24, 1: hours * 0}
    owners = {Level.SERIES: (series, 1)}
    for level, owner, count in (
        (Level.SYMBOL_HOUR, wider.symbol, 24),
        (Level.ROUTE_HOUR, wider.route, 24),
        (Level.SYMBOL_WEEKDAY, wider.symbol, 7),
        (Level.ROUTE_WEEKDAY, wider.route, 7),
    ):
        owners[level] = owner[series], count
    keys = {level: keys_of(of, slots[count], count) for level, (of, count) in owners.items()}
    return Rows(columns, keys, wider.place[series])


def cut(rows: Rows, order: Order) -> Iterator[Slice]:
    """All slices of an order."""
    figures = rows.columns[FIGURE[order]]
    sums = {level: Sums(keys) for level, keys in rows.keys.items()}
    for part in rows.ranking(order).slices:
        chosen = part[np.argsort(rows.place[part], kind="stable")]
        told: dict[Level, tuple[bytes, bytes]] = {}
        for level, sum_ in sums.items():
            sum_.add(rows.columns, chosen)
            told[level] = sum_.told()
        kept = figures_of(rows.columns, chosen)
        beside = {PLACE[one]: rows.ranking(one).number[chosen].tobytes() for one in Order}
        yield Slice(_bound(figures[chosen]), slice_of(rows.columns, chosen), kept, beside, told)


def slice_of(columns: Mapping[str, Array], chosen: Array) -> dict[str, bytes]:
    """Rows as columns of ``opportunity_slice``."""
    derived = {name: columns[name][chosen].tobytes() for name in DERIVED}
    return {"runs": _runs(columns["series_id"][chosen]).tobytes(), **derived}


def figures_of(columns: Mapping[str, Array], chosen: Array) -> dict[str, bytes]:
    """Rows as columns of ``opportunity_figures``."""
    return {name: columns[name][chosen].tobytes() for name in FIGURE.values()}


def _ranking(figures: Array) -> Ranking:
    ranked = np.argsort(figures, kind="stable")[::-1]
    slices = np.split(ranked, _ends(len(ranked)))
    number = np.empty(len(ranked), np.uint8)
    number[ranked] = np.repeat(np.arange(len(slices)), [len(one) for one in slices])
    return Ranking(slices, number)


def _ends(rows: int) -> list[int]:
    """Where slices end; the highest figures, which few come to, are in small ones. There are no
    more than a byte can number."""
    ends, size, most = [0], FIRST, max(SLICE, rows // MOST)
    while ends[-1] < rows:
        ends.append(ends[-1] + size)
        size = min(2 * size, most)
    return ends[1:-1]


def whole(bounds: Array, least: float) -> tuple[int, bool]:
    """How many slices are at or above ``least``, and whether the one after has such rows too."""
    count = int(np.count_nonzero(bounds["least"] >= least))
    return count, count < len(bounds) and bool(bounds["most"][count] >= least)


class Sums:
    """Adds up slice after slice."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._totals = np.zeros(len(keys.owners), TOTAL)
        self._totals["slot"] = keys.slots
        for best in ("best_profit", "best_bps"):
            self._totals[best] = -np.inf

    def add(self, columns: Mapping[str, Array], chosen: Array) -> None:
        """Add the rows ``chosen``."""
        key, totals = self._keys.of[chosen], self._totals
        profit, bps = columns["peak_net_profit"][chosen], columns["peak_net_bps"][chosen]
        totals["count"] += np.bincount(key, minlength=len(totals)).astype("<u4")
        totals["profit"] += np.bincount(key, profit, len(totals))
        for name, values in (("best_profit", profit), ("best_bps", bps)):
            best = totals[name].copy()
            np.maximum.at(best, key, values)
            totals[name] = best

    def told(self) -> tuple[bytes, bytes]:
        """Owners and totals of those that have any."""
        places, totals = self.some()
        return self._keys.owners[places].tobytes(), totals.tobytes()

    def some(self) -> tuple[Array, Array]:
        """The keys that have any, by their places, and their totals."""
        places = np.flatnonzero(self._totals["count"])
        return places, self._totals[places]


def keys_of(owner: Array, slot: Array, slots: int) -> Keys:
    """The keys of rows by their owners and slots, of which there are ``slots``."""
    code = owner.astype(np.int64) * slots + slot
    there = np.bincount(code) > 0
    codes = np.flatnonzero(there)
    return Keys((codes // slots).astype("<u4"), codes % slots, (np.cumsum(there) - 1)[code])


def _bound(figures: Array) -> Array:
    """A figure that no float is exactly lies within its bounds all the same."""
    least, most = figures.min().item(), figures.max().item()
    low, high = float(least), float(most)
    low = np.nextafter(low, -np.inf) if low > least else low
    high = np.nextafter(high, np.inf) if high < most else high
    return np.array([(low, high, len(figures))], BOUND)


def _runs(series: Array) -> Array:
    starts = np.flatnonzero(np.concatenate(([True], series[1:] != series[:-1])))
    runs = np.empty(len(starts), RUN)
    runs["series"] = series[starts]
    runs["count"] = np.diff(np.append(starts, len(series)))
    return runs
