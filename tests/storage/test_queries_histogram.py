"""What histograms and packed columns keep of single values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import columns, histogram
from storage.histogram import PRECISION, PROFIT_UNIT, buckets, told

MAGNITUDES = st.floats(1e-11, 1e20)


@given(MAGNITUDES, st.sampled_from((1.0, -1.0)))
def test_a_bucket_tells_a_value_to_its_precision(magnitude: float, sign: float) -> None:
    value = np.array([sign * magnitude])
    [found] = told(buckets(value, PROFIT_UNIT), PROFIT_UNIT)
    assert found == pytest.approx(sign * magnitude, rel=PRECISION * 1.0001)


@given(st.lists(st.floats(-1e12, 1e12), min_size=2))
def test_buckets_are_in_the_order_of_their_values(values: list[float]) -> None:
    found = buckets(np.array(sorted(values)), PROFIT_UNIT)
    assert (np.diff(found) >= 0).all()


def test_nothing_is_nothing() -> None:
    assert (
        told(buckets(np.array([0.0, -0.0, 1e-300]), PROFIT_UNIT), PROFIT_UNIT).tolist() == [0] * 3
    )


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 40), MAGNITUDES), min_size=1))
def test_cells_survive_packing_and_adding(rows: list[tuple[int, int, float]]) -> None:
    owner, slot, value = (np.array(column) for column in zip(*rows, strict=True))

    def cells(chosen: slice) -> histogram.Cells:
        v = value[chosen]
        return histogram.tally(owner[chosen], slot[chosen], v, v * 2, v * 3)

    whole, half = cells(slice(None)), len(rows) // 2
    parts = []
    for part in (cells(slice(half)), cells(slice(half, None))):
        stored = histogram.packed(part)
        parts.append(histogram.unpacked([row[0] for row in stored], [row[1:] for row in stored]))
    together = histogram.combined(parts)
    for one, other in zip(whole, together, strict=True):
        for name in one.dtype.names or ():
            assert one[name] == pytest.approx(other[name])
        assert len(one) == len(other)
    assert together.totals["count"].sum() == len(rows)
    for i, number in enumerate(together.total_owners):
        mine = (owner == number) & (slot == together.totals["slot"][i])
        assert together.totals["best_profit"][i] == value[mine].max()
        assert together.totals["profit"][i] == pytest.approx(value[mine].sum())


def test_hours_and_days_of_the_week() -> None:
    monday_noon = 20_717 * columns.DAY + 12 * columns.HOUR  # 2026-09-21T12:00Z
    times = np.array([monday_noon, monday_noon - 12 * columns.HOUR - 1, 0])
    assert columns.hour_of(times).tolist() == [12, 23, 0]
    assert columns.weekday_of(times).tolist() == [0, 6, 3]
    assert columns.hour_of_week(times).tolist() == [12, 6 * 24 + 23, 3 * 24]


def test_ids_come_back() -> None:
    ids = ["01a0c2de-1800-7000-8000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffff00"]
    assert [columns.id_text(one) for one in columns.id_bytes(ids)] == ids
