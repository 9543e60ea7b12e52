"""Shorts: size, profit, margin, liquidation, by hand and over any price."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.hedge.contract import Contract, Short, TooSmall, short_of

LINEAR = Contract(contract_size=0.001, lot=1.0)
INVERSE = Contract(contract_size=100.0, inverse=True, lot=1.0)
amounts = st.floats(0.01, 1e6)
prices = st.floats(0.01, 1e6)


def test_whole_linear_contracts_nearest_to_the_quantity() -> None:
    short = short_of(1.2346, 100_000.0, LINEAR)
    assert (short.contracts, short.quantity) == (1235.0, 1.235)


def test_an_inverse_contract_matches_base_at_its_entry() -> None:
    short = short_of(1.0, 100_000.0, INVERSE)
    assert (short.contracts, short.quantity) == (1000.0, 1.0)


def test_less_than_one_contract_is_refused_with_the_least() -> None:
    with pytest.raises(TooSmall) as error:
        short_of(0.0004, 100_000.0, LINEAR)
    assert error.value.least == pytest.approx(0.001)


def test_less_than_the_minimum_is_refused() -> None:
    with pytest.raises(TooSmall):
        short_of(0.004, 100.0, Contract(contract_size=0.001, lot=1.0, minimum=5.0))


def test_an_inverse_short_pays_in_the_coin() -> None:
    """10 contracts of 100 USD from 100,000 down to 50,000: 1,000 (1/50,000 - 1/100,000) BTC."""
    short = Short(contract=INVERSE, contracts=10.0, entry=100_000.0)
    assert short.profit_in_base(50_000.0) == pytest.approx(0.01)
    assert short.profit(50_000.0) == pytest.approx(500.0)


@given(amounts, prices, prices)
def test_the_coin_as_its_own_collateral_locks_its_value(
    quantity: float, entry: float, price: float
) -> None:
    """H coins and an inverse short of ``H x F`` USD are worth that at any price."""
    short = short_of(quantity, entry, Contract(contract_size=1.0, inverse=True))
    worth = (quantity + short.profit_in_base(price)) * price
    assert worth == pytest.approx(quantity * entry, rel=1e-9, abs=quantity * price * 1e-9)


def test_a_linear_short_is_liquidated_where_its_margin_is_gone() -> None:
    short = Short(contract=Contract(), contracts=1.0, entry=100_000.0)
    price = short.liquidation_price(leverage=10.0, maintenance=0.005)
    assert price == pytest.approx(109_452.7363, abs=1e-3)
    left = short.margin(10.0) + short.profit(price)
    assert left == pytest.approx(0.005 * price)


def test_an_inverse_short_is_liquidated_where_its_margin_is_gone() -> None:
    short = Short(contract=INVERSE, contracts=1000.0, entry=100_000.0)
    price = short.liquidation_price(leverage=4.0, maintenance=0.01)
    assert price == pytest.approx(132_000.0)
    left = short.margin(4.0) / 100_000.0 + short.profit_in_base(price)
    assert left == pytest.approx(0.01 * 100_000.0 / price)


def test_an_inverse_short_that_owns_its_coin_cannot_be_liquidated() -> None:
    short = Short(contract=INVERSE, contracts=1000.0, entry=100_000.0)
    assert short.liquidation_price(leverage=1.0, maintenance=0.01) is None
