"""What shorts and ways out cost, at executable prices, by hand."""

from __future__ import annotations

import pytest

from scanner.derivatives import Derivative
from scanner.hedge.offers import Seen, exits, offers
from scanner.hedge.plan import row
from scanner.types import Market, MarketKind

HOUR = 3_600_000_000_000


def market(venue: str, kind: MarketKind, quote: str = "USDT", **more: object) -> Market:
    of: dict[str, object] = {
        "id": "x",
        "symbol": f"BTC/{quote}" + (f":{quote}" if kind is not MarketKind.SPOT else ""),
        "base": "BTC",
        "quote": quote,
        "taker_fee": 0.001,
    }
    return Market(venue=venue, kind=kind, **(of | more))  # type: ignore[arg-type]


def said(rate: float, hours: int, due: int = HOUR) -> Derivative:
    return Derivative(mark=100.0, funding_rate=rate, interval=hours * HOUR, next_funding_at=due)


def coin(venue: str = "alpha", quote: str = "USDT") -> Seen:
    of = market(venue, MarketKind.SPOT, quote)
    return Seen(market=of, bids=[(99.0, 1.0), (98.0, 9.0)], asks=[(101.0, 1.0), (102.0, 9.0)])


def contract(venue: str, told: Derivative, **more: object) -> Seen:
    of = market(venue, MarketKind.PERPETUAL, **more)
    return Seen(market=of, bids=[(99.9, 5.0)], asks=[(100.1, 5.0)], said=told)


def test_a_short_is_reckoned_at_what_its_book_gives() -> None:
    deep = Seen(
        market=market("beta", MarketKind.PERPETUAL, lot=0.1),
        bids=[(99.0, 1.0), (98.0, 9.0)],
        asks=[(101.0, 9.0)],
        said=said(0.001, 8),
    )
    (one,), refused = offers([coin(), deep], 2.04, 0, 24 * HOUR)
    assert refused == []
    assert one.short.contracts == pytest.approx(2.0)
    assert one.short.entry == pytest.approx(98.5)
    assert one.entry_cost == pytest.approx(2 * 1.5 + 2 * 98.5 * 0.001)
    assert one.exit_cost == pytest.approx(2 * 1.0 + 2 * 101.0 * 0.001)
    assert (one.payments, one.funding_day) == (3, pytest.approx(0.6))
    assert one.funding == pytest.approx(0.6)
    assert one.cost == pytest.approx(5.399 - 0.6)
    assert one.bps(one.entry_cost) == pytest.approx(3.197 / 200 * 1e4)


def test_a_plan_leaves_what_the_trades_leave() -> None:
    """2 sold at 98.5 and bought back at 101 in the same books: what the entry lost against the
    middle is in its price, and must not be taken off again."""
    deep = Seen(
        market=market("beta", MarketKind.PERPETUAL, lot=0.1),
        bids=[(99.0, 1.0), (98.0, 9.0)],
        asks=[(101.0, 9.0)],
        said=said(0.001, 8),
    )
    (one,), _ = offers([coin(), deep], 2.0, 0, 24 * HOUR)
    plan = one.plan(2.0, 0.0)
    found = row(plan, deep.mid)
    fees = 2 * 98.5 * 0.001 + 2 * deep.mid * 0.001
    assert found.spot_pnl == 0.0
    assert found.net == pytest.approx(2 * (98.5 - 101.0) - fees + 2 * 98.5 * 0.001 * 3)
    assert plan.entry_cost == pytest.approx(one.entry_cost)
    assert plan.exit_cost(101.0) == pytest.approx(one.exit_cost)


def test_the_cheapest_over_the_horizon_comes_first_at_each_venues_own_interval() -> None:
    books = [
        coin(),
        contract("slow", said(0.0004, 8)),
        contract("fast", said(0.0001, 1)),
        contract("unsaid", Derivative(mark=100.0, funding_rate=0.9)),
        contract("cost", said(-0.001, 8)),
    ]
    found, _ = offers(books, 1.0, 0, 24 * HOUR)
    assert [one.market.venue for one in found] == ["fast", "slow", "cost", "unsaid"]
    assert [one.payments for one in found] == [24, 3, 3, 0]
    assert (found[-1].funding, found[-1].cost, found[-1].funding_day) == (None, None, None)


def test_no_boundary_within_the_horizon_no_funding() -> None:
    (one,), _ = offers([coin(), contract("beta", said(0.01, 8))], 1.0, 0, HOUR // 2)
    assert (one.payments, one.funding) == (0, 0.0)


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (
            contract("beta", said(0.0, 8), lot=1.0, contract_size=10.0),
            "1 is less than its smallest order, 10",
        ),
        (contract("beta", said(0.0, 8), quote="EUR"), "nothing says what the coin costs in EUR"),
    ],
)
def test_what_cannot_be_had_is_said(seen: Seen, reason: str) -> None:
    found, refused = offers([coin(), seen], 1.0, 0, HOUR)
    assert found == [] and [one.reason for one in refused] == [reason]


def test_a_book_that_ends_before_the_size_is_no_offer() -> None:
    found, (refused,) = offers([coin(), contract("beta", said(0.0, 8))], 6.0, 0, HOUR)
    assert found == [] and refused.reason == "its bids that are streamed hold only 5"
    ways, (thin,) = exits([coin()], 11.0, "USDT")
    assert ways == [] and thin.reason == "its bids that are streamed hold only 10"


def test_an_inverse_contract_is_hedged_by_quantity() -> None:
    inverse = contract("beta", said(0.001, 8), inverse=True, contract_size=10.0, lot=1.0)
    (one,), _ = offers([coin(), inverse], 1.0, 0, 24 * HOUR)
    assert one.short.contracts == 10 and one.short.quantity == pytest.approx(100 / 99.9)
    assert one.funding == pytest.approx(3 * 100 * 0.001)


def test_leaving_and_coming_back_pays_both_books_and_both_fees() -> None:
    found, _ = exits([coin(), coin("beta", "USDC"), contract("gamma", said(0, 8))], 2.0, "USDT")
    (one,) = found
    assert one.out == pytest.approx(200 - (99 + 98) * 0.999)
    assert one.back == pytest.approx((101 + 102) * 1.001 - 200)
    assert one.bps == pytest.approx((6 + 0.4) / 200 * 1e4)
