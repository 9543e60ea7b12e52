"""Sizes and profits against arithmetic done by hand and by brute force."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.engine import costs
from scanner.engine.gates import Gate, Rejection
from scanner.engine.terms import Terms, common, exact, floor
from scanner.types import Market

ASKS = [(100_000.0, 1.0)]
BIDS = [(100_200.0, 1.0)]


def terms(venue: str, fee: float, lot: float = 0.0) -> Terms:
    return Terms.of(
        Market(venue=venue, id="X", symbol="X/Q", base="X", quote="Q", taker_fee=fee, lot=lot)
    )


def round_down(size: float, one: float, other: float) -> float:
    return floor(size, common(exact(one), exact(other)))


def evaluate(
    asks: list[costs.Level],
    bids: list[costs.Level],
    buy_fee: float,
    sell_fee: float,
    lots: tuple[float, float] = (0.0, 0.0),
) -> costs.Result | Rejection:
    return costs.evaluate(asks, bids, terms("a", buy_fee, lots[0]), terms("b", sell_fee, lots[1]))


def best(*arguments: Any) -> costs.Result:
    result = evaluate(*arguments)
    assert isinstance(result, costs.Result)
    return result


def test_the_trade_that_looks_good_and_is_not() -> None:
    assert evaluate(ASKS, BIDS, 0.001, 0.001) == Rejection(Gate.FEES)


def test_the_same_at_half_the_fee() -> None:
    result = best(ASKS, BIDS, 0.0005, 0.0005)
    assert result.size == 1.0
    assert result.net_profit == pytest.approx(99.90, abs=1e-9)
    assert result.gross_bps == pytest.approx(20.0)
    assert result.net_bps == pytest.approx(99.90 / 100_050 * 1e4)


def test_takes_levels_while_the_next_one_pays() -> None:
    asks = [(100.0, 1.0), (100.5, 2.0), (103.0, 9.0)]
    bids = [(102.0, 1.5), (101.0, 1.0), (99.0, 9.0)]
    result = best(asks, bids, 0.001, 0.001)
    assert result.size == 2.5
    assert result.buy == ((100.0, 1.0), (100.5, 2.0))
    assert result.sell == ((102.0, 1.5), (101.0, 1.0))
    paid, received = 100 + 1.5 * 100.5, 1.5 * 102 + 101
    assert result.net_profit == pytest.approx(received * 0.999 - paid * 1.001, abs=1e-12)


def test_rounds_down_to_both_lots() -> None:
    result = best([(100.0, 1.2345)], [(110.0, 9.0)], 0.0, 0.0, (0.001, 0.01))
    assert result.size == 1.23


def test_a_size_of_whole_lots_stays_whole() -> None:
    assert floor(0.1 + 0.2, exact(0.1)) == 0.3
    assert floor(0.00012, exact(1e-05)) == 0.00012


def test_rounds_to_what_both_venues_take_not_to_one_lot_after_the_other() -> None:
    assert round_down(0.98, 0.3, 0.5) == 0.0
    assert round_down(4.9, 0.3, 0.5) == 4.5
    assert round_down(2.0, 0.07, 0.1) == 1.4
    assert round_down(2.0, 0.07, 0.0) == 1.96


def test_a_lot_that_was_computed_is_the_decimal_it_stands_for() -> None:
    assert 3 * 0.1 != 0.3
    assert round_down(1.0, 3 * 0.1, 0.1) == 0.9


def test_without_lots_a_size_stays_as_it_is() -> None:
    assert round_down(0.1 + 0.2, 0.0, 0.0) == 0.1 + 0.2


decimal_lot = st.builds(
    lambda digits, places: Decimal(digits).scaleb(-places), st.integers(1, 120), st.integers(0, 8)
)


@given(
    st.lists(st.integers(1, 10**7), min_size=1, max_size=30),
    st.integers(0, 8),
    decimal_lot,
    decimal_lot,
)
def test_a_rounded_size_is_the_greatest_multiple_of_both_lots(
    taken: list[int], places: int, one: Decimal, other: Decimal
) -> None:
    """Against Decimal; the size is a sum of floats, as it is after a walk over levels."""
    whole = sum(Decimal(units).scaleb(-places) for units in taken)
    size = sum(float(Decimal(units).scaleb(-places)) for units in taken)
    rounded = round_down(size, float(one), float(other))
    units = math.lcm(int(one.scaleb(8)), int(other.scaleb(8)))
    step = Decimal(units).scaleb(-8)
    assert rounded == float(whole // step * step)


def test_less_than_a_lot_is_nothing() -> None:
    found = evaluate([(100.0, 0.4)], [(110.0, 9.0)], 0.0, 0.0, (1.0, 0.0))
    assert isinstance(found, Rejection)
    assert (found.gate, found.shortfall_bps) == (Gate.LOT, pytest.approx(6000.0))


def test_empty_ladders() -> None:
    assert evaluate([], BIDS, 0.0, 0.0) == Rejection(Gate.FEES)
    assert evaluate(ASKS, [], 0.0, 0.0) == Rejection(Gate.FEES)


ladder = st.lists(st.tuples(st.integers(90, 110), st.integers(1, 9)), min_size=1, max_size=6)


@given(ladder, ladder, st.sampled_from([0, 1, 5, 20]), st.sampled_from([0, 1, 5, 20]))
def test_no_other_size_earns_more(
    asks: list[tuple[int, int]], bids: list[tuple[int, int]], buy_bps: int, sell_bps: int
) -> None:
    """Brute force in exact arithmetic over every whole size (levels are whole)."""
    up = sorted(dict(asks).items())
    down = sorted(dict(bids).items(), reverse=True)
    buy_fee, sell_fee = Decimal(buy_bps) / 10_000, Decimal(sell_bps) / 10_000
    best_net = Decimal(0)
    for size in range(1, min(sum(s for _, s in up), sum(s for _, s in down)) + 1):
        units_up = [Decimal(p) for p, s in up for _ in range(s)][:size]
        units_down = [Decimal(p) for p, s in down for _ in range(s)][:size]
        net = sum(units_down) * (1 - sell_fee) - sum(units_up) * (1 + buy_fee)
        best_net = max(best_net, Decimal(net))
    result = evaluate(
        [(float(p), float(s)) for p, s in up],
        [(float(p), float(s)) for p, s in down],
        float(buy_fee),
        float(sell_fee),
    )
    found = result.net_profit if isinstance(result, costs.Result) else 0.0
    assert found == pytest.approx(float(best_net), rel=1e-9, abs=1e-9)
