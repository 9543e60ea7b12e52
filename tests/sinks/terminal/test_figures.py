"""Numbers as text: short, never wrong, never wider than they may be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.sinks.terminal import figures


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (figures.bps(9.985), "+9.98"),
        (figures.bps(-0.004), "-0.00"),
        (figures.bps(123456), "+123,456"),
        (figures.money(99.9), "+99.90"),
        (figures.money(-0.5435), "-0.5435"),
        (figures.money(11543.95), "+11,544"),
        (figures.money(-12_345_678), "-12.3M"),
        (figures.price(100_000, 2), "100,000.00"),
        (figures.price(0.00001234, 8), "0.00001234"),
        (figures.price(0.0000012345, 10), "1.23450e-6"),
        (figures.price(1234567.125, 3), "1.234567e6"),
        (figures.price(123456.75, 2), "123,456.75"),
        (figures.price(1123456.5, 1), "1123456.5"),
        (figures.price(64000.5, -1), "64,000.5"),
        (figures.amount(0.345), "0.345"),
        (figures.amount(12345.678), "12,345.7"),
        (figures.amount(0), "0"),
        (figures.amount(1e-9), "0.000000001"),
        (figures.percent(0.001), "0.1%"),
        (figures.percent(0.00075), "0.075%"),
        (figures.span(0), "0ms"),
        (figures.span(999.4), "999ms"),
        (figures.span(1000), "1.0s"),
        (figures.span(-3), "-3ms"),
        (figures.span(99_960), "2m"),
        (figures.span(3_600_000), "60m"),
        (figures.span(86_400_000 * 5), "5d"),
        (figures.rate(0), "0/s"),
        (figures.rate(3.25), "3.2/s"),
        (figures.rate(1876.4), "1,876/s"),
        (figures.clock(1_763_900_000_000_000_000), "12:13:20"),
    ],
)
def test_as_text(text: str, expected: str) -> None:
    assert text == expected


def test_sizes_below_each_other_have_the_same_decimals() -> None:
    assert figures.amounts([24.242, 3.3557, 0.5]) == ["24.242", "3.356", "0.500"]
    assert figures.amounts([123_456.0, 1.5]) == ["123,456", "2"]
    assert figures.amounts([]) == []


@given(st.floats(0, 1e15), st.integers(-1, 12))
def test_a_price_fits_its_column(value: float, places: int) -> None:
    assert len(figures.price(value, places)) <= 10


@given(st.floats(0, 1e15))
def test_a_span_fits_its_column(ms: float) -> None:
    assert len(figures.span(ms)) <= 5


@given(st.floats(-1, 2, allow_nan=False), st.integers(0, 40))
def test_a_bar_is_as_wide_as_asked(part: float, width: int) -> None:
    assert len(figures.bar(part, width)) == width


def test_bars_and_sparks() -> None:
    assert figures.bar(0.5, 4) == "██  "
    assert figures.bar(0.53, 4) == "██▏ "
    assert figures.spark([0, None, 7, 3.5], 6) == "  ▁ █▅"
    assert figures.spark([], 3) == "   "
    assert figures.spark([5, 5], 2) == "▁▁"
    assert figures.spark([1], 0) == ""


def test_columns_stand_on_the_lowest_value() -> None:
    assert figures.columns([0, 15, None], 2) == [" █ ", "▁█ "]


def test_buckets_keep_the_highest_and_the_newest_at_the_end() -> None:
    assert figures.buckets([1, 9, 2, None, 4], 2) == [9, 4]
    assert figures.buckets([1, 2], 5) == [1, 2]
    assert figures.buckets([None, None], 1) == [None]
    assert figures.buckets([1.0], 0) == []


@given(st.lists(st.floats(-1e4, 1e4) | st.none(), max_size=80), st.integers(1, 50))
def test_buckets_never_exceed_their_number(values: list[float | None], count: int) -> None:
    found = figures.buckets(values, count)
    assert len(found) <= count
    known = [value for value in values if value is not None]
    assert max(known, default=None) == max((v for v in found if v is not None), default=None)
