"""Histograms of all rows above some slice of an order, at every few slices.

For quantiles of what is above a least figure they spare the look at every row: only the rows
between the figure and the nearest checkpoint are added, or taken away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from msgspec import Struct

from storage.columns import Array
from storage.owners import Of
from storage.slices import Keys, Order, Rows

EVERY = 2
BUCKETS = ("profit_buckets", "duration_buckets")
KEY = np.dtype([("owner", "<u4"), ("slot", "u1"), ("buckets", "<u4")])


class Checkpoint(Struct, frozen=True):
    """The histograms of the slices up to ``number`` of an order, in columns of
    ``opportunity_checkpoint``; since the one before there are so many ``rows``."""

    sorted_by: int
    kind: int
    number: int
    profit_keys: bytes
    profit_buckets: bytes
    profit_counts: bytes
    duration_keys: bytes
    duration_buckets: bytes
    duration_counts: bytes
    rows: int


class Histograms(Struct, frozen=True):
    """Buckets and how often each occurs, those of a key (``KEY``) after those of the one before."""

    keys: Array
    buckets: Array
    counts: Array

    @property
    def stored(self) -> tuple[bytes, bytes, bytes]:
        """As columns."""
        return self.keys.tobytes(), self.buckets.tobytes(), self.counts.tobytes()


def histograms(keys: bytes, buckets: bytes, counts: bytes) -> Histograms:
    """From columns."""
    return Histograms(
        np.frombuffer(keys, KEY), np.frombuffer(buckets, "<i2"), np.frombuffer(counts, "<u4")
    )


def numbers(count: int) -> list[int]:
    """After which of ``count`` slices there are checkpoints."""
    return sorted({*range(EVERY - 1, count, EVERY), count - 1})


def checkpoints(rows: Rows, owners: Mapping[Of, Keys]) -> Iterator[Checkpoint]:
    """All that there are of a segment."""
    for order in Order:
        slices = rows.ranking(order).slices
        counted = {
            of: [_Counts(keys, rows.columns[name]) for name in BUCKETS]
            for of, keys in owners.items()
        }
        begin = 0
        for number in numbers(len(slices)):
            chosen = np.concatenate(slices[begin : number + 1])
            begin = number + 1
            for of, both in counted.items():
                profits, durations = (one.with_rows(chosen) for one in both)
                yield Checkpoint(
                    *(int(order), int(of), number), *profits.stored, *durations.stored, len(chosen)
                )


def nearest(rows: Array, count: int) -> int:
    """After how many slices the checkpoint is (0: none is needed) that is fewest rows away from the
    end of the first ``count`` slices; ``rows`` are those of each slice."""
    upto = np.concatenate(([0], np.cumsum(rows)))
    ends = [0, *(number + 1 for number in numbers(len(rows)))]
    return min(ends, key=lambda end: abs(int(upto[end]) - int(upto[count])))


class _Counts:
    """Counts the buckets of a column, of more and more rows."""

    def __init__(self, keys: Keys, buckets: Array) -> None:
        self._keys = keys
        self._lowest = int(buckets.min())
        self._width = int(buckets.max()) - self._lowest + 1
        self._place = keys.of * self._width + (buckets.astype(np.int64) - self._lowest)
        self._counts = np.zeros(len(keys.owners) * self._width, np.int64)

    def with_rows(self, chosen: Array) -> Histograms:
        """With these as well."""
        np.add.at(self._counts, self._place[chosen], 1)
        places = np.flatnonzero(self._counts)
        keys = np.empty(len(self._keys.owners), KEY)
        keys["owner"], keys["slot"] = self._keys.owners, self._keys.slots
        keys["buckets"] = np.bincount(places // self._width, minlength=len(keys))
        buckets = (places % self._width + self._lowest).astype("<i2")
        return Histograms(keys, buckets, self._counts[places].astype("<u4"))
