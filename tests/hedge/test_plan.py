"""The worked examples of hedging, and the identity that every hedge has to meet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.hedge.contract import Contract, short_of
from scanner.hedge.plan import Hedge, break_even_intervals, prices_around, row, rows

EXACT = Contract(contract_size=1.0)


def hedge(
    quantity: float, spot: float, sold_at: float, contract: Contract = EXACT, **more: float
) -> Hedge:
    short = short_of(quantity, sold_at, contract)
    return Hedge(quantity=quantity, spot_price=spot, short=short, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("price", "spot", "short"), [(95_000, -5_000, 5_000), (105_000, 5_000, -5_000)]
)
def test_one_bitcoin_held_and_one_short(price: float, spot: float, short: float) -> None:
    found = row(hedge(1.0, 100_000.0, 100_000.0), price)
    assert (found.spot_pnl, found.short_pnl, found.net) == (spot, short, 0.0)


@pytest.mark.parametrize(("price", "spot"), [(590, -30), (610, 30)])
@pytest.mark.parametrize("earned", [50, 150])
def test_three_coins_locked_for_a_yield(price: float, spot: float, earned: float) -> None:
    """3 BNB at 600 with a short of 1,800: the yield is what is left."""
    found = row(hedge(3.0, 600.0, 600.0, earned=earned), price)
    assert (found.spot_pnl, found.short_pnl, found.net) == (spot, -spot, earned)


def test_the_cost_of_security() -> None:
    """The same with a fee of 5 bps a trade, half a unit of spread and three payments of 1 bps."""
    plan = hedge(
        3.0, 600.0, 600.0, earned=50, fee_rate=5e-4, exit_spread=1.5, funding_rate=1e-4, intervals=3
    )
    found = row(plan, 590.0)
    assert found.funding == pytest.approx(0.54)
    assert found.costs == pytest.approx((1_800 + 1_770) * 5e-4 + 1.5)
    assert found.net == pytest.approx(50 + 0.54 - 1.785 - 1.5)


def test_the_gap_between_the_values_is_the_basis() -> None:
    plan = hedge(1.0, 100_000.0, 100_200.0)
    assert plan.basis == pytest.approx(0.002)
    assert plan.value_gap == pytest.approx(200.0)
    assert [found.net for found in rows(plan, [90_000, 110_000])] == pytest.approx([200.0, 200.0])


def test_a_coin_margined_short_needs_more_than_the_holding() -> None:
    """1,000 of an inverse contract cancel the 0.01 coin that is its own collateral; a further 0.01
    held elsewhere is not hedged by it: for both, the ratio to the holding is 2, not 1."""
    contract = Contract(contract_size=100.0, inverse=True, lot=1.0)
    collateral = held = 0.01
    one = short_of(held, 100_000.0, contract)
    both = short_of(held + collateral, 100_000.0, contract)
    assert (one.contracts, both.contracts) == (10.0, 20.0)
    for price in (80_000.0, 125_000.0):
        moved = (held + collateral) * (price - 100_000.0)
        assert moved + one.profit(price) == pytest.approx(held * (price - 100_000.0))
        assert moved + both.profit(price) == pytest.approx(0.0, abs=1e-9)


def test_break_even() -> None:
    plan = hedge(1.0, 100_000.0, 100_000.0, fee_rate=5e-4, funding_rate=1e-4)
    assert break_even_intervals(plan) == 10
    assert break_even_intervals(hedge(1.0, 100_000.0, 100_000.0, fee_rate=5e-4)) is None
    assert break_even_intervals(hedge(1.0, 100_000.0, 100_200.0, fee_rate=5e-4)) == 0


def test_prices_if_nobody_says_which() -> None:
    assert prices_around(600.0) == (540.0, 570.0, 600.0, 630.0, 660.0)


positive = st.floats(0.01, 1e5)
contracts = st.one_of(
    st.builds(Contract, contract_size=st.sampled_from([1.0, 0.001, 0.01, 10.0])),
    st.builds(
        Contract, contract_size=st.sampled_from([0.001, 0.01]), lot=st.sampled_from([1.0, 10.0])
    ),
    st.builds(
        Contract,
        contract_size=st.sampled_from([1.0, 100.0]),
        inverse=st.just(True),
        lot=st.sampled_from([0.0, 1.0]),
    ),
)


@given(
    quantity=st.floats(1.0, 1e4),
    spot=st.floats(150.0, 1e5),
    basis=st.floats(-0.05, 0.05),
    contract=contracts,
    moves=st.lists(st.floats(-0.5, 0.5), min_size=1, max_size=20),
    fee=st.floats(0, 0.002),
    spread=st.floats(0, 100),
    rate=st.floats(-0.01, 0.01),
)
def test_the_accounting_identity_over_any_path(
    quantity: float,
    spot: float,
    basis: float,
    contract: Contract,
    moves: list[float],
    fee: float,
    spread: float,
    rate: float,
) -> None:
    """Profit and loss = -(fees + spreads) + funding + basis that closed + residual delta x move,
    to the cent, whatever the way to the last price was."""
    price = spot
    for move in moves:
        price = min(max(price * (1 + move), 0.01), 1e6)
    plan = hedge(
        quantity,
        spot,
        spot * (1 + basis),
        contract,
        fee_rate=fee,
        exit_spread=spread,
        funding_rate=rate,
        intervals=3,
    )
    found = row(plan, price)
    expected = -found.costs + found.funding + plan.value_gap + plan.residual * (price - spot)
    assert found.net == pytest.approx(expected, abs=0.005, rel=1e-9)


@pytest.mark.parametrize(
    ("price", "spot", "short", "left"),
    [(95_000.0, -5_000.0, 5_200.0, 102.4), (105_000.0, 5_000.0, -4_800.0, 97.4)],
)
def test_a_coin_on_one_venue_and_its_contract_on_another(
    price: float, spot: float, short: float, left: float
) -> None:
    free = row(hedge(1.0, 100_000.0, 100_200.0), price)
    assert (free.spot_pnl, free.short_pnl, free.net) == (spot, short, 200.0)
    assert row(hedge(1.0, 100_000.0, 100_200.0, fee_rate=5e-4), price).net == pytest.approx(left)
