"""The formulas of carry trades against figures worked out by hand."""

from __future__ import annotations

import pytest

from scanner.carry import formulas as f
from scanner.hedge.contract import Contract, Short

HOUR = f.HOUR
DAY = 24 * HOUR


def test_a_rate_a_year_is_of_the_venues_own_interval() -> None:
    assert f.apr(0.0001, 8 * HOUR) == pytest.approx(0.1095)
    assert f.apr(0.0001, 4 * HOUR) == pytest.approx(0.219)
    assert f.apr(0.0001, HOUR) == pytest.approx(0.876)


def test_a_dated_basis_a_year() -> None:
    gap = f.basis(102_000.0, 100_000.0)
    assert gap == pytest.approx(0.02)
    assert f.dated_apr(gap, 73 * DAY) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("due", "horizon", "count"),
    [(4, 3, 0), (4, 4, 1), (4, 11, 1), (4, 12, 2), (4, 24, 3), (8, 168, 21), (1, 168, 21)],
)
def test_funding_is_paid_only_at_the_boundaries_that_are_crossed(
    due: int, horizon: int, count: int
) -> None:
    assert f.payments(0, horizon * HOUR, due * HOUR, 8 * HOUR) == count


@pytest.mark.parametrize(("since", "count"), [(0, 4), (1, 3), (8 * HOUR, 4), (8 * HOUR + 1, 3)])
def test_a_boundary_that_has_passed_is_not_crossed(since: int, count: int) -> None:
    assert f.payments(9 * HOUR + since, 24 * HOUR, 9 * HOUR, 8 * HOUR) == count


def test_the_first_payment_is_known_better_than_the_others() -> None:
    assert f.expected(0.003, 0.001, 0) == 0
    assert f.expected(0.003, 0.001, 1) == 0.003
    assert f.expected(0.003, 0.001, 4) == pytest.approx(0.006)


@pytest.mark.parametrize(
    ("lost", "paid", "count"),
    [(30, 1, 30), (30, 4, 8), (0.3, 0.1, 3), (-1, 0, 0), (1, 0, None), (1, -1, None)],
)
def test_break_even(lost: float, paid: float, count: int | None) -> None:
    assert f.break_even(lost, paid) == count


def test_break_even_is_at_a_boundary() -> None:
    assert f.break_even_time(0.7, 0.5, 0, 3 * HOUR, 8 * HOUR) == 11 * HOUR
    assert f.break_even_time(-1, 0.5, 0, 3 * HOUR, 8 * HOUR) == 0
    assert f.break_even_time(1, -0.5, 0, 3 * HOUR, 8 * HOUR) is None


def test_a_year_of_what_is_bound() -> None:
    assert f.margin(1000, 4) == 250
    assert f.a_year(8, 1600, 73 * DAY) == pytest.approx(0.025)


@pytest.mark.parametrize("inverse", [False, True])
@pytest.mark.parametrize("leverage", [1.0, 2.0, 10.0])
def test_the_liquidation_of_a_short_is_that_of_the_hedging_desk(
    inverse: bool, leverage: float
) -> None:
    short = Short(contract=Contract(inverse=inverse), contracts=1, entry=100.0)
    found = f.liquidation(100.0, leverage, 0.005, inverse=inverse)
    assert found == short.liquidation_price(leverage, 0.005)


def test_the_liquidation_of_a_short_by_hand() -> None:
    assert f.liquidation(100.0, 2.0, 0.0) == 150.0
    assert f.liquidation(100.0, 2.0, 0.0, inverse=True) == 200.0
    assert f.liquidation(100.0, 1.0, 0.0, inverse=True) is None
