"""Totals and histograms that can be added up: what is left of millions of opportunities.

A value's bucket is the logarithm of its magnitude to the base ``GAMMA``, with its sign; whatever is
told of a bucket is within ``PRECISION`` of every value in it (Masson, Rim, Lee: DDSketch, VLDB
2019). Counts, sums and bests are exact.

A cell is what belongs to one *owner* (a number the caller gives meaning to) and one *slot* of a
division: the whole, an hour of the day, or a day of the week.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import IntEnum
from itertools import pairwise
from math import log
from typing import NamedTuple

import numpy as np

from storage.columns import Array

PRECISION = 0.01
GAMMA = (1 + PRECISION) / (1 - PRECISION)
PROFIT_UNIT = 1e-12
DURATION_UNIT = 1.0  # ns
LARGEST = 4095

TOTAL = np.dtype(
    [
        ("slot", "<u1"),
        ("count", "<u4"),
        ("profit", "<f8"),
        ("best_profit", "<f8"),
        ("best_bps", "<f8"),
    ]
)
ENTRY = np.dtype([("slot", "<u1"), ("bucket", "<i2"), ("count", "<u4")])


class Division(IntEnum):
    """Into which slots a summary is divided."""

    WHOLE = 0
    HOUR = 1
    WEEKDAY = 2


class Cells(NamedTuple):
    """Cells as they are stored: for each row of ``totals``, ``profits`` and ``durations`` (record
    arrays of the types above) its owner."""

    total_owners: Array
    totals: Array
    profit_owners: Array
    profits: Array
    duration_owners: Array
    durations: Array


def buckets(values: Array, unit: float) -> Array:
    """The bucket of each value; magnitudes below ``unit`` are in bucket 0."""
    magnitudes = np.abs(values) / unit
    exponents = np.floor(np.log(np.maximum(magnitudes, 1.0)) / log(GAMMA)) + 1
    numbers = np.where(magnitudes < 1, 0, np.minimum(exponents, LARGEST))
    return np.copysign(numbers, values).astype(np.int16)


def told(bucket: Array, unit: float) -> Array:
    """The value that stands for a bucket."""
    middle = unit * 2 * GAMMA ** np.abs(bucket.astype(float)) / (GAMMA + 1)
    return np.where(bucket == 0, 0.0, np.copysign(middle, bucket))


def tally(owner: Array, slot: Array, profit: Array, bps: Array, duration: Array) -> Cells:
    """The cells of single opportunities, an element of each array for each of them."""
    totals = np.zeros(len(owner), TOTAL)
    totals["slot"], totals["count"], totals["profit"] = slot, 1, profit
    totals["best_profit"], totals["best_bps"] = profit, bps
    return added(
        Cells(
            *(owner, totals),
            *(owner, _entries(slot, buckets(profit, PROFIT_UNIT))),
            *(owner, _entries(slot, buckets(duration, DURATION_UNIT))),
        )
    )


def combined(parts: Sequence[Cells]) -> Cells:
    """All cells of all parts, those of the same owner and slot added up."""
    return added(Cells(*(np.concatenate(column) for column in zip(*parts, strict=True))))


def added(cells: Cells) -> Cells:
    """Cells of the same owner and slot added up, in the order of owners and slots."""
    return Cells(
        *_added_totals(cells.total_owners, cells.totals),
        *_added_entries(cells.profit_owners, cells.profits),
        *_added_entries(cells.duration_owners, cells.durations),
    )


def unpacked(owners: Iterable[int], rows: Sequence[Sequence[bytes]]) -> Cells:
    """Cells from what is stored: the row of each owner."""
    numbers = np.fromiter(owners, np.int32)
    columns: list[Array] = []
    for i, kind in enumerate((TOTAL, ENTRY, ENTRY)):
        lengths = np.fromiter((len(row[i]) for row in rows), np.int64, len(rows))
        columns.append(np.repeat(numbers, lengths // kind.itemsize))
        columns.append(np.frombuffer(b"".join(row[i] for row in rows), kind))
    return Cells(*columns)


def numbered(cells: Cells, slots: int) -> Cells:
    """With ``owner * slots + slot`` in place of the owner."""
    columns: list[Array] = []
    for owners, rows in zip(cells[::2], cells[1::2], strict=True):
        columns += (owners * slots + rows["slot"], rows)
    return Cells(*columns)


def packed(cells: Cells) -> list[tuple[int, bytes, bytes, bytes]]:
    """A row for each owner; the cells must be in order (``added``)."""
    owners, first = np.unique(cells.total_owners, return_index=True)
    parts = [_split(cells.totals, [*first.tolist(), len(cells.totals)])]
    for of, rows in (
        (cells.profit_owners, cells.profits),
        (cells.duration_owners, cells.durations),
    ):
        parts.append(_split(rows, [*np.searchsorted(of, owners).tolist(), len(rows)]))
    return list(zip(owners.tolist(), *parts, strict=True))


def _split(rows: Array, bounds: list[int]) -> list[bytes]:
    return [rows[a:b].tobytes() for a, b in pairwise(bounds)]


def _entries(slot: Array, bucket: Array) -> Array:
    entries = np.empty(len(bucket), ENTRY)
    entries["slot"], entries["bucket"], entries["count"] = slot, bucket, 1
    return entries


def _added_totals(owners: Array, rows: Array) -> tuple[Array, Array]:
    order, starts = _runs(owners.astype(np.int64) << 8 | rows["slot"])
    if not len(starts):
        return owners, rows
    rows = rows[order]
    result = rows[starts]
    result["count"] = np.add.reduceat(rows["count"], starts)
    result["profit"] = np.add.reduceat(rows["profit"], starts)
    result["best_profit"] = np.maximum.reduceat(rows["best_profit"], starts)
    result["best_bps"] = np.maximum.reduceat(rows["best_bps"], starts)
    return owners[order][starts], result


def _added_entries(owners: Array, rows: Array) -> tuple[Array, Array]:
    bucket = rows["bucket"].astype(np.int64) + LARGEST
    order, starts = _runs((owners.astype(np.int64) << 8 | rows["slot"]) << 16 | bucket)
    if not len(starts):
        return owners, rows
    rows = rows[order]
    result = rows[starts]
    result["count"] = np.add.reduceat(rows["count"], starts)
    return owners[order][starts], result


def _runs(key: Array) -> tuple[Array, Array]:
    """The order that sorts the keys, and where in it each run of equal ones begins."""
    order = np.argsort(key, kind="stable")
    key = key[order]
    starts = np.flatnonzero(np.concatenate(([True], key[1:] != key[:-1])) if len(key) else key)
    return order, starts
