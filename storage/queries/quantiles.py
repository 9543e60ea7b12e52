"""Medians and 90th percentiles of many groups: from all values, or from histograms of buckets."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from math import nan
from typing import Protocol, TypeAlias

import numpy as np

from storage.columns import Array
from storage.histogram import LARGEST, told

QUANTILES = (0.5, 0.9)
Groups: TypeAlias = Sequence[Sequence[int]]


class Quantiles(Protocol):
    """Whatever knows the values of each number."""

    def of(self, groups: Groups) -> Array:
        """A row for each group: the ``QUANTILES`` of the values of its numbers together,
        interpolated between neighbours; NaN if they have none."""


class Exactly:
    """Quantiles from all values; those that are NaN do not count."""

    def __init__(self, number: Array, values: Array, size: int) -> None:
        there = np.flatnonzero(~np.isnan(values))
        if len(there) < len(values):
            number, values = number[there], values[there]
        # numpy sorts short integers by their digits: ten times as fast
        short = number.astype(np.uint16) if size < 1 << 16 else number
        self._values = values[np.argsort(short, kind="stable")]
        self._ends = np.cumsum(np.bincount(number, minlength=size)).tolist()

    def of(self, groups: Groups) -> Array:
        """As in ``Quantiles``."""
        return np.array([self._of(members) for members in groups]).reshape(-1, len(QUANTILES))

    def _of(self, members: Sequence[int]) -> list[float]:
        parts = [self._values[self._ends[i - 1] if i else 0 : self._ends[i]] for i in members]
        values = parts[0] if len(parts) == 1 else np.concatenate(parts)
        if not len(values):
            return [nan] * len(QUANTILES)
        last = len(values) - 1
        places = [quantile * last for quantile in QUANTILES]
        low = [int(place) for place in places]
        high = [min(one + 1, last) for one in low]
        # faster than to part them at several places
        ranked = np.sort(values)[[*low, *high]].tolist()
        below, above = ranked[: len(low)], ranked[len(low) :]
        return [
            a + (b - a) * (place - first)
            for a, b, place, first in zip(below, above, places, low, strict=True)
        ]


class Buckets:
    """Quantiles from how often each bucket of ``storage.histogram`` occurs for each number."""

    def __init__(self, size: int, unit: float) -> None:
        self._size = size
        self._unit = unit
        self._lowest = 0
        self._counts = np.zeros((size, 0), np.int64)

    def add(self, number: Array, bucket: Array, times: int = 1) -> None:
        """Count a bucket for each of the numbers; ``times`` -1 takes it away."""
        self._count(number, bucket, np.int64(times))

    def add_counts(self, number: Array, bucket: Array, count: Array) -> None:
        """Count buckets so many times."""
        self._count(number, bucket, count.astype(np.int64))

    def of(self, groups: Groups) -> Array:
        """As in ``Quantiles``, within ``histogram.PRECISION``."""
        if not groups or not self._counts.size:
            return np.full((len(groups), len(QUANTILES)), np.nan)
        members, starts = flat(groups)
        upto = np.cumsum(np.add.reduceat(self._counts[members], starts), axis=1)
        count = upto[:, -1:]
        low, high, share = _places(count)
        below, above = (
            told((upto[:, None, :] <= rank[..., None]).sum(axis=2) + self._lowest, self._unit)
            for rank in (low, high)
        )
        return np.where(count > 0, below + (above - below) * share, np.nan)

    def _count(self, number: Array, bucket: Array, times: Array | np.int64) -> None:
        if not len(number):
            return
        self._widen(int(bucket.min()), int(bucket.max()))
        # short integers: the less memory is gone through, the faster
        short = self._counts.size < 1 << 31
        place: Array = number.astype(np.int32 if short else np.int64)
        place *= self._counts.shape[1]
        place += bucket
        place -= self._lowest
        np.add.at(self._counts.reshape(-1), place, times)

    def _widen(self, lowest: int, highest: int) -> None:
        """Make room for buckets from ``lowest`` to ``highest``, and some around them."""
        width = self._counts.shape[1]
        if width and self._lowest <= lowest and highest < self._lowest + width:
            return
        first = max(-LARGEST, min(lowest - 16, self._lowest if width else lowest))
        end = max(highest + 16, self._lowest + width if width else highest)
        wider = np.zeros((self._size, end - first), np.int64)
        wider[:, self._lowest - first : self._lowest - first + width] = self._counts
        self._lowest, self._counts = first, wider


def flat(groups: Groups) -> tuple[Array, Array]:
    """The members of all groups, one after the other, and where each group begins."""
    starts = np.cumsum([0, *map(len, groups)])[:-1]
    return np.fromiter(chain.from_iterable(groups), np.int64), starts


def _places(count: Array) -> tuple[Array, Array, Array]:
    """Between which two of ``count`` sorted values each quantile lies, and how far from the
    first."""
    place = np.array(QUANTILES) * np.maximum(count - 1, 0)
    low = place.astype(np.int64)
    return low, np.minimum(low + 1, np.maximum(count - 1, 0)), place - low
