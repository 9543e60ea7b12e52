"""Closed loops of orders, against the profit at every point where its slope can change."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction as F
from itertools import pairwise
from random import Random

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from scanner.engine import cycle
from scanner.engine.conversion import Exchange
from scanner.engine.gates import Gate, Rejection
from scanner.engine.terms import Terms
from scanner.types import FeeIn, Market, Side
from tests.engine import slow, slow_many
from tests.repeats import repeats

INFINITE = float("inf")
WORTH = {"U": F(1), "B": F(100), "E": F(8), "R": F(11, 10), "S": F(3)}
Ladder = list[tuple[float, float]]


def any_market(random: Random, venue: str, base: str, quote: str) -> Market:
    return Market(
        venue=venue,
        id="",
        symbol=f"{base}/{quote}",
        base=base,
        quote=quote,
        taker_fee=random.choice([0.0, 0.001, 0.0005, -0.0002]),
        lot=random.choice([0.0, 0.001, 0.01, 0.003]),
        min_amount=random.choice([0.0, 0.0, 0.02]),
        min_notional=random.choice([0.0, 0.0, 0.5]),
        buy_fee_in=random.choice(list(FeeIn)),
        sell_fee_in=random.choice(list(FeeIn)),
    )


def any_book(random: Random, market: Market) -> slow.Book:
    middle = WORTH[market.base] / WORTH[market.quote]
    middle *= F(random.randint(9_900, 10_100), 10_000)
    sides: dict[str, tuple[slow.Level, ...]] = {}
    for name, way in (("bids", -1), ("asks", 1)):
        at = middle * (1 + way * F(random.randint(1, 9), 10_000))
        rows = []
        for _ in range(random.choice([0, 1, 2, 3, 3, 3])):
            size = F(random.randint(1, 3_000), 1000) / WORTH[market.base] * 50
            rows.append((round(at, 7), max(round(size, 3), F(1, 1000))))
            at *= 1 + way * F(random.randint(2, 40), 10_000)
        sides[name] = tuple(rows)
    return slow.Book(market, sides["bids"], sides["asks"])


def any_hop(random: Random, number: int, have: str, want: str) -> slow_many.Hop:
    sells = random.random() < 0.5
    base, quote = (have, want) if sells else (want, have)
    book = any_book(random, any_market(random, f"v{number}", base, quote))
    budget = F(random.randint(1, 20_000), 100) / WORTH[have] if random.random() < 0.1 else None
    return slow_many.Hop(book, sells, budget)


def exchange(number: int, hop: slow_many.Hop) -> Exchange:
    side = "bids" if hop.sells else "asks"
    return Exchange(
        book=number,
        terms=Terms.of(hop.book.market),
        side=Side.BID if hop.sells else Side.ASK,
        levels=[(float(p), float(s)) for p, s in hop.book.real(side)],
        budget=INFINITE if hop.budget is None else float(hop.budget),
        budget_of=f"capital on {hop.book.market.venue}",
    )


@settings(max_examples=repeats(150, 3_000), deadline=None)
@given(st.randoms(use_true_random=True))
def test_a_loop_leaves_what_the_oracle_says(random: Random) -> None:
    way = random.sample(sorted(WORTH), random.randint(2, 5))
    hops = [any_hop(random, i, *pair) for i, pair in enumerate(pairwise([*way, way[0]]))]
    most = F(random.randint(1, 20_000), 100) / WORTH[way[0]] if random.random() < 0.1 else None
    try:
        expected = slow_many.loop(hops, most)
    except slow.Tie:
        assume(False)
    found = cycle.evaluate(
        [exchange(i, hop) for i, hop in enumerate(hops)], INFINITE if most is None else float(most)
    )
    event(expected if isinstance(expected, str) else "trade")
    if isinstance(expected, str):
        assert isinstance(found, Rejection), expected
        assert found.gate.value == expected
        return
    assert isinstance(found, cycle.Result), (found, expected)
    assert found.size == pytest.approx(float(expected.put_in), rel=1e-9)
    assert found.net_profit == pytest.approx(
        float(expected.net), rel=1e-9, abs=1e-12 * float(expected.put_in)
    )
    bps = float(expected.net / expected.put_in * 10_000)
    assert found.net_bps == pytest.approx(bps, rel=1e-9, abs=1e-8)
    assert [order.size for order in found.orders] == pytest.approx(
        list(map(float, expected.sizes)), rel=1e-9
    )
    assert all(after.given <= order.got * (1 + 1e-12) for order, after in pairwise(found.orders))


def hop(
    number: int, symbol: str, side: Side, levels: Ladder, fee: float = 0.0, **terms: float
) -> Exchange:
    base, quote = symbol.split("/")
    market = Market(venue="v", id="", symbol=symbol, base=base, quote=quote, taker_fee=fee, **terms)
    return Exchange(book=number, terms=Terms.of(market), side=side, levels=levels)


def triangle(fee: float = 0.001, **terms: float) -> Sequence[Exchange]:
    """USDT to BTC to ETH and back: 0.5 % before fees."""
    return (
        hop(0, "BTC/USDT", Side.ASK, [(100_000, 1), (100_100, 2)], fee, **terms),
        hop(1, "ETH/BTC", Side.ASK, [(0.03, 20), (0.0302, 100)], fee),
        hop(2, "ETH/USDT", Side.BID, [(3_015, 12), (3_000, 50)], fee),
    )


def test_a_triangle_by_hand() -> None:
    found = cycle.evaluate(triangle())
    assert isinstance(found, cycle.Result)
    # Twelve ETH can be sold at the first price; at the second nothing is left.
    btc = 12 * 0.03 * 1.001
    paid = btc * 100_000 * 1.001
    came = 12 * 3_015 * 0.999
    assert found.size == pytest.approx(paid, rel=1e-12)
    assert found.net_profit == pytest.approx(came - paid, rel=1e-9)
    assert found.gross_bps == pytest.approx((3_015 / (0.03 * 100_000) - 1) * 1e4, rel=1e-9)
    assert found.bound == "edge"
    assert [order.size for order in found.orders] == pytest.approx([btc, 12, 12], rel=1e-12)


def test_an_order_takes_no_more_than_the_next_one_needs() -> None:
    found = cycle.evaluate(
        (
            hop(0, "BTC/USDT", Side.ASK, [(100_000, 1)], lot=0.00001),
            hop(1, "ETH/BTC", Side.ASK, [(0.03, 20)], lot=1.0),
            hop(2, "ETH/USDT", Side.BID, [(3_015, 12.7)]),
        )
    )
    assert isinstance(found, cycle.Result)
    assert [order.size for order in found.orders] == [0.36, 12, 12]
    assert found.bound == "lot"
    assert found.unrounded == pytest.approx(12.7 * 0.03 * 100_000)


def test_what_bounds_it() -> None:
    found = cycle.evaluate(triangle(), most=1_000)
    assert isinstance(found, cycle.Result)
    assert (found.bound, found.size) == ("max_trade", pytest.approx(1_000))
    hops = list(triangle())
    hops[1] = Exchange(
        book=1,
        terms=hops[1].terms,
        side=Side.ASK,
        levels=hops[1].levels,
        budget=0.01,
        budget_of="capital on v",
    )
    found = cycle.evaluate(hops)
    assert isinstance(found, cycle.Result)
    assert found.bound == "capital on v"
    assert found.orders[1].given == pytest.approx(0.01)
    deep = [*triangle()[:2], hop(2, "ETH/USDT", Side.BID, [(3_015, 12)], 0.001)]
    found = cycle.evaluate(deep)
    assert isinstance(found, cycle.Result)
    assert found.bound == "depth of v"


def test_what_is_in_its_way() -> None:
    dear = cycle.evaluate(triangle(fee=0.002))
    assert isinstance(dear, Rejection)
    assert dear.gate is Gate.FEES
    each = 3_015 * 0.998 / (0.03 * 1.002 * 100_000 * 1.002)
    assert dear.shortfall_bps == pytest.approx((1 - each) * 1e4)
    small = cycle.evaluate(triangle(min_amount=1.0))
    assert isinstance(small, Rejection)
    assert small.gate is Gate.SIZE
    coarse = cycle.evaluate(triangle(lot=5.0))
    assert isinstance(coarse, Rejection)
    assert coarse.gate is Gate.LOT
    assert cycle.evaluate(triangle(), most=0.0) == Rejection(Gate.CAPITAL)
