"""Shorts and ways out as they are printed."""

from __future__ import annotations

from scanner.derivatives import Derivative
from scanner.hedge import offered
from scanner.hedge.offers import exits, offers
from scanner.types import MarketKind
from tests.hedge.test_offers import HOUR, coin, contract, market, said


def test_the_cheapest_first_with_each_cost_and_why_there_is_none_elsewhere() -> None:
    thin = contract("thin", said(0.0, 8), lot=50.0)
    books = [coin(), contract("dear", said(-0.001, 8)), contract("good", said(0.0004, 8)), thin]
    found, refused = offers(books, 1.0, 0, 24 * HOUR)
    lines = list(offered.lines(found, refused, 24.0, 140))
    assert [line.split()[0] for line in lines[1:3]] == ["good", "dear"]
    assert "cost of 24 h" in lines[0]
    # 0.1 of spread and 0.0999 of fee each way, three payments of 0.04
    assert lines[1].split()[5:] == [
        "+0.20",
        "19.99",
        "+0.20",
        "+0.12",
        "8",
        "h",
        "+0.28",
        "+28.00",
        "USDT",
    ]
    assert lines[3] == "thin BTC/USDT:USDT: 1 is less than its smallest order, 50"


def test_which_insurance_is_cheaper() -> None:
    books = [coin(), contract("good", said(0.0004, 8))]
    found, _ = offers(books, 1.0, 0, 24 * HOUR)
    ways, refused = exits(books, 1.0, "USDT")
    lines = list(offered.ways_out(ways, refused, "USDT", found[0], 24.0, 120))
    assert lines[1].split() == ["alpha", "1.10", "1.10", "2.20", "220.00"]
    assert lines[-1] == (
        "over 24 h the short on good costs +28.00 bps, leaving for USDT on alpha and coming back"
        " +220.00 bps: the short is cheaper"
    )


def test_an_unknown_cost_is_not_compared() -> None:
    silent = contract("silent", Derivative(mark=100.0, funding_rate=0.001))
    found, _ = offers([coin(), silent], 1.0, 0, 24 * HOUR)
    ways, refused = exits([coin()], 1.0, "USDT")
    lines = list(offered.ways_out(ways, refused, "USDT", found[0], 24.0, 120))
    assert lines[-1] == "what the short costs over 24 h is not known: its funding is not said"
    none = list(offered.ways_out([], [], "USDC", found[0], 24.0, 120))
    assert none == ["no venue shows books of the coin in USDC that are deep enough to leave by"]


def test_the_same_as_numbers() -> None:
    dated = market("dated", MarketKind.FUTURE, expiry=9 * HOUR)
    books = [coin(), contract("good", said(0.0004, 8))]
    found, refused = offers(books, 1.0, 0, 24 * HOUR)
    (one,) = offered.fields(found, refused, 2.0)["shorts"]
    assert (one["venue"], one["interval_h"], one["payments"], one["contracts"]) == (
        "good",
        8.0,
        3,
        1,
    )
    assert one["margin"] == one["price"] / 2
    late = books[1].__class__(market=dated, bids=books[1].bids, asks=books[1].asks)
    _, (gone,) = offers([coin(), late], 1.0, 10 * HOUR, HOUR)
    assert offered.fields([], [gone], 1.0)["no_short"] == [
        {"venue": "dated", "symbol": "BTC/USDT:USDT", "reason": "it has expired"}
    ]
