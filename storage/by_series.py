"""The rows of a segment by series: whoever asks about few series reads theirs, and no others.

They stand in the tables of slices, as a sort of slice of their own: ``sorted_by`` is ``SORTED_BY``
and ``number`` that of the series.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from storage.columns import Array
from storage.slices import Order, Rows, figures_of, slice_of

SORTED_BY = len(Order)
AT_ONCE = 25_000  # rows that are written at once, about

Stored = tuple[list[dict[str, Any]], list[dict[str, Any]], int]


def by_series(rows: Rows, first_day: int) -> Iterator[Stored]:
    """Some series after the other: what is to stand in ``opportunity_slice`` and in
    ``opportunity_figures``, and of how many opportunities that is."""
    slices: list[dict[str, Any]] = []
    figures: list[dict[str, Any]] = []
    count = 0
    for number, chosen in _of_each(rows.columns["series_id"]):
        key = {"sorted_by": SORTED_BY, "first_day": first_day, "number": number}
        slices.append(key | slice_of(rows.columns, chosen))
        figures.append(key | figures_of(rows.columns, chosen))
        count += len(chosen)
        if count >= AT_ONCE:
            yield slices, figures, count
            slices, figures, count = [], [], 0
    if slices:
        yield slices, figures, count


def _of_each(series: Array) -> Iterator[tuple[int, Array]]:
    order = np.argsort(series, kind="stable")
    numbers, starts = np.unique(series[order], return_index=True)
    yield from zip(numbers.tolist(), np.split(order, starts[1:]), strict=True)
