"""What a carry leaves: worked out by hand, and against its own cash flows in fractions."""

from __future__ import annotations

from fractions import Fraction as F

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.carry.evaluate import (
    Held,
    Money,
    Paid,
    Result,
    at_touch,
    evaluate,
    first_unit,
    per_base,
    top,
    touch_bps,
)
from scanner.carry.formulas import HOUR
from scanner.engine.gates import Gate, Rejection
from scanner.engine.rules import Holding
from scanner.engine.terms import Terms
from scanner.types import FeeIn, Market, MarketKind

DAY = 24 * HOUR
HOLDING = Holding(horizon=DAY, leverage=2.0)
Levels = list[tuple[float, float]]


def market(kind: MarketKind, fee: float, **more: object) -> Market:
    given_ = {"venue": kind.value, "id": "x", "symbol": "BTC/USDT", "base": "BTC", "quote": "USDT"}
    return Market(**given_, kind=kind, taker_fee=fee, **more)  # type: ignore[arg-type]


def paid(rate: float, *, later: float | None = None, mark: float = 100.2) -> Paid:
    after = rate if later is None else later
    return Paid(rate=rate, later=after, due=4 * HOUR, interval=8 * HOUR, mark=mark)


def spot(asks: Levels, bids: Levels, fee: float = 0.001, **more: object) -> Held:
    return Held(terms=Terms.of(market(MarketKind.SPOT, fee, **more)), asks=asks, bids=bids)


def perp(asks: Levels, bids: Levels, pays: Paid, fee: float = 0.0005, **more: object) -> Held:
    terms = Terms.of(market(MarketKind.PERPETUAL, fee, **more))
    return Held(terms=terms, asks=asks, bids=bids, paid=pays)


COIN = spot([(100.0, 10.0)], [(99.8, 12.0)])


def short(rate: float = 0.005, **more: object) -> Held:
    return perp([(100.3, 11.0)], [(100.1, 11.0)], paid(rate), **more)


def result(*asked: object, **more: object) -> Result:
    found = evaluate(*asked, **more)  # type: ignore[arg-type]
    assert isinstance(found, Result)
    return found


def test_a_coin_against_a_perpetual_by_hand() -> None:
    """Bought at 100 and sold at 100.1 (+10 bps) for fees of 10 + 5.005; three payments of 0.5 % at
    a mark of 100.2; unwound at 99.8 and 100.3 for 9.98 + 5.015 of fees and 20 of spreads, when
    the middles are still 0.3 apart."""
    found = result(COIN, short(), HOLDING, 0, DAY)
    carry = found.carry
    assert (found.bought, found.sold, found.bound) == (10.0, 10.0, "depth of spot")
    assert carry.basis_bps == found.gross_bps == pytest.approx(10.0)
    assert carry.entry_cost_bps == pytest.approx(15.005)
    assert carry.exit_cost_bps == pytest.approx(34.995)
    assert carry.exit_basis_bps == pytest.approx(30.0)
    assert carry.funding_bps == pytest.approx(150.3)
    assert (carry.buy_payments, carry.sell_payments, carry.sell_interval_h) == (0, 3, 8.0)
    assert carry.sell_funding_bps == pytest.approx(50.1)
    assert carry.funding_apr == pytest.approx(0.005 * 3 * 365)
    assert found.net_profit == pytest.approx(8.03)
    assert found.net_bps == pytest.approx(8.03 / 1001 * 1e4)
    assert (carry.margin, carry.capital) == (pytest.approx(500.5), pytest.approx(1501.5))
    assert carry.net_apr == pytest.approx(8.03 / 1501.5 * 365)
    assert carry.liquidation_price == pytest.approx(100.1 * 1.5 / 1.005)
    assert carry.break_even_h == 12.0  # the costs of 70 bps take two payments: at 4 h and at 12 h


def test_a_basis_is_not_counted_on_unless_the_user_does() -> None:
    held = result(COIN, short(), HOLDING, 0, DAY)
    gone = result(COIN, short(), Holding(horizon=DAY, leverage=2.0, reverts=True), 0, DAY)
    assert gone.net_profit - held.net_profit == pytest.approx(3.0)
    assert gone.carry.exit_basis_bps == 0


def test_a_basis_against_it_counts_as_lost() -> None:
    below = perp([(99.1, 10.0)], [(98.9, 10.0)], paid(0.02, mark=99.0))
    carry = result(COIN, below, HOLDING, 0, DAY).carry
    assert carry.exit_basis_bps == 0
    assert carry.basis_bps == pytest.approx(-110.0)


def test_the_venues_forecast_stands_for_what_follows_the_next_payment() -> None:
    forecast = perp([(100.3, 10.0)], [(100.1, 10.0)], paid(0.02, later=0.001))
    assert result(COIN, forecast, HOLDING, 0, DAY).carry.funding_bps == pytest.approx(0.022 * 10020)


def test_no_boundary_no_funding() -> None:
    assert evaluate(COIN, short(), HOLDING, 0, 3 * HOUR) == Rejection(
        Gate.FEES, pytest.approx(70 / 1.001)
    )


def test_two_perpetuals_pay_both_ways_and_bind_two_margins() -> None:
    long = perp([(100.0, 10.0)], [(99.9, 10.0)], paid(-0.004, mark=100.0))
    found = result(long, short(0.001), HOLDING, 0, DAY)
    assert found.carry.funding_bps == pytest.approx((0.001 * 100.2 + 0.004 * 100.0) * 3 * 100)
    assert found.carry.buy_funding_bps == pytest.approx(40.0)
    assert found.carry.capital == found.carry.margin == pytest.approx(1000.5)


def test_a_dated_contract_ends_at_the_coin() -> None:
    terms = Terms.of(market(MarketKind.FUTURE, 0.0005, expiry=73 * DAY))
    future = Held(terms=terms, asks=[(103.1, 5.0)], bids=[(102.9, 5.0)])
    found = result(spot([(100.05, 9.0)], [(99.95, 9.0)]), future, HOLDING, 0, 73 * DAY)
    carry = found.carry
    assert (carry.exit_basis_bps, carry.funding_bps) == (0, 0)
    assert carry.funding_apr == pytest.approx(0.15)
    assert carry.break_even_h == carry.horizon_h == 73 * 24
    fees = (100.05 + 99.95) * 0.001 + (102.9 + 103.1) * 0.0005
    assert found.net_profit == pytest.approx(5 * (3.0 - 0.3 - fees))


def test_the_size_ends_where_the_next_unit_would_lose() -> None:
    deep = spot([(100.0, 1.0), (100.5, 1.0), (101.5, 9.0)], [(99.8, 20.0)])
    found = result(deep, short(), HOLDING, 0, DAY)
    assert (found.bought, found.bound) == (2.0, "edge")


def test_lots_of_contracts_round_the_size_down() -> None:
    found = result(COIN, short(lot=3.0, contract_size=1.0), HOLDING, 0, DAY)
    assert (found.bought, found.sold, found.bound) == (9.0, 9.0, "lot")
    least = evaluate(COIN, short(lot=1.0, contract_size=20.0), HOLDING, 0, DAY)
    assert isinstance(least, Rejection) and least.gate is Gate.LOT


def test_a_fee_in_coins_is_bought_on_top() -> None:
    coin = spot([(100.0, 10.0)], [(99.8, 12.0)], buy_fee_in=FeeIn.BASE)
    found = result(coin, short(), HOLDING, 0, DAY)
    assert found.sold == pytest.approx(found.bought * 0.999)


def test_an_inverse_contract_is_sold_in_money() -> None:
    inverse = short(inverse=True, contract_size=100.0, lot=1.0)
    found = result(COIN, inverse, HOLDING, 0, DAY)
    assert found.sold * 100.1 == pytest.approx(1000.0)
    assert found.carry.liquidation_price == pytest.approx(100.1 * 0.995 / 0.5)


def test_money_bounds_the_size() -> None:
    there = Money(500.5, 1.0, 0.5, "capital on x")
    found = result(COIN, short(), HOLDING, 0, DAY, [there])
    assert found.bound == "capital on x"
    assert found.bought == pytest.approx(500.5 / (100.1 + 50.05))
    none = evaluate(COIN, short(), HOLDING, 0, DAY, [Money(0.0, 1.0, 0.0, "max_trade")])
    assert isinstance(none, Rejection) and none.gate is Gate.CAPITAL


steps = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 50)), min_size=1, max_size=5)


def ladder(first: int, sign: int, found: list[tuple[int, int]]) -> Levels:
    levels, price = [], first
    for step, size in found:
        price += sign * step
        levels.append((price / 100, size / 10))
    return levels


def taken(levels: Levels, size: F) -> F:
    total, left = F(0), size
    for price, there in levels:
        take = min(left, F(there))
        total, left = total + take * F(price), left - take
    assert left <= F(1, 10**9)
    return total


@given(steps, steps, steps, steps, st.integers(-300, 300), st.integers(0, 400), st.booleans())
def test_what_is_left_is_what_all_its_cash_flows_come_to(
    asks: list[tuple[int, int]],
    bids: list[tuple[int, int]],
    over: list[tuple[int, int]],
    under: list[tuple[int, int]],
    gap: int,
    rate: int,
    reverts: bool,
) -> None:
    long = spot(ladder(10_000, 1, asks), ladder(10_000, -1, bids))
    middle = 10_000 + gap
    pays = paid(rate / 1e4, mark=middle / 100)
    sold = perp(ladder(middle, 1, over), ladder(middle, -1, under), pays)
    holding = Holding(horizon=DAY, reverts=reverts)
    found = evaluate(long, sold, holding, 0, DAY)

    def left(size: F) -> F:
        """Both orders of entry, three payments, both of the exit at books that have moved."""
        mids = F(sold.mid) - F(long.mid)
        end = F(0) if reverts else max(mids, F(0))
        entry = taken(list(sold.bids), size) * F(0.9995) - taken(list(long.asks), size) * F(1.001)
        out, back = taken(list(long.bids), size), taken(list(sold.asks), size)
        leaving = out * F(0.999) - back * F(1.0005) + size * (mids - end)
        return entry + leaving + 3 * size * F(pays.rate) * F(pays.mark)

    tops = top(long, 0, DAY), top(sold, 0, DAY)
    kept = per_base(long, sold, holding, 0, DAY)
    cost = long.asks[0][0] * 1.001
    assert first_unit(*tops, ends=reverts) == pytest.approx(
        touch_bps(long, sold, kept) * cost / 1e4, rel=1e-9, abs=1e-9
    )
    small = F(1, 10**6)
    if isinstance(found, Rejection):
        assert left(small) <= small * F(1, 10**9)
        return
    size = F(found.bought)
    assert found.net_profit == pytest.approx(float(left(size)), rel=1e-6, abs=1e-9)
    for other in (size * F(9, 10), size / 2, size * F(999, 1000)):
        assert left(other) <= left(size) + F(1, 10**8)


def test_what_would_lose_is_told_as_of_the_best_prices() -> None:
    losing = short(rate=-0.001)
    assert isinstance(evaluate(COIN, losing, HOLDING, 0, DAY), Rejection)
    found = at_touch(COIN, losing, HOLDING, 0, DAY)
    assert (found.bought, found.sold, found.bound) == (10.0, 10.0, "touch")
    paid_, received = 1000.0, 1001.0
    fees = (paid_ + 998.0) * 0.001 + (received + 1003.0) * 0.0005
    funding = 3 * -0.001 * 100.2 * 10
    kept = max(100.2 - 99.9, 0.0)
    left = received - paid_ + 998.0 - 1003.0 + 10 * (100.2 - 99.9 - kept) - fees + funding
    assert found.net_profit == pytest.approx(left)
    assert found.net_bps == pytest.approx(touch_bps(COIN, losing, per_base_of(losing)))


def per_base_of(losing: Held) -> float:
    return per_base(COIN, losing, HOLDING, 0, DAY)


def test_of_what_pays_the_touch_is_the_first_unit() -> None:
    paying = short(rate=0.005)
    found = at_touch(COIN, paying, HOLDING, 0, DAY)
    whole = result(COIN, paying, HOLDING, 0, DAY)
    assert (found.net_profit, found.bought) == (pytest.approx(whole.net_profit), whole.bought)
