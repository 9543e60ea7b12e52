"""The hedge book of a running scan, from books to what is told of all of it."""

from __future__ import annotations

import pytest

from scanner.configuration.hedge import HedgeBook, Holding, Position
from scanner.hedge.desk import UNHEARD, UNSCANNED, HedgeDesk
from scanner.hedge.prices import HedgePrices
from scanner.hedge.received import Paid
from scanner.hedge_events import HedgePrice
from scanner.types import MarketKind
from tests.carry.test_carries import SECOND, START, Desk, quote, say, ticker
from tests.hedge.test_book import AT, HOUR, OPENED, PERPETUAL, SPOT

BOOK = HedgeBook(
    holdings=(Holding(venue="alpha", coin="BTC", amount=1.0, price=90_000.0),),
    shorts=(
        Position(
            venue="beta",
            symbol="BTC/USDT:USDT",
            contracts=90.0,
            entry_price=100_000.0,
            opened_at=OPENED,
            leverage=2.0,
        ),
    ),
)
COIN = HedgePrice(at=AT, venue="alpha", symbol="BTC/USDT", bid=94_999.0, ask=95_001.0)
SOLD = HedgePrice(
    at=AT,
    venue="beta",
    symbol="BTC/USDT:USDT",
    bid=95_099.0,
    ask=95_101.0,
    mark=95_190.0,
    funding_rate=-0.0001,
)


def desk(*prices: HedgePrice) -> HedgeDesk:
    made = HedgeDesk((SPOT, PERPETUAL))
    made.use(BOOK, 0.005, "USDT")
    for price in prices:
        made(price)
    return made


def test_the_documented_example_by_prices_that_workers_tell() -> None:
    (coin,) = desk(COIN, SOLD).state(AT).coins
    assert (coin.coin, coin.quote, coin.amount) == ("BTC", "USDT", 1.0)
    assert coin.hedged == pytest.approx(0.9)
    assert coin.drift_pct == pytest.approx(10.0)
    assert (coin.spot_value, coin.contracts_value) == (95_000.0, pytest.approx(85_671.0))
    assert coin.unrealised == pytest.approx(4_329.0)
    assert coin.funding is None
    (short,) = coin.shorts
    assert short.basis_bps == pytest.approx(20.0)
    assert short.liquidation_price == pytest.approx(149_253.7313)
    assert short.distance_pct == pytest.approx(56.79559)
    assert (short.rate, short.reason) == (-0.0001, "")


def test_funding_earned_and_paid_since_opening() -> None:
    made = desk(COIN, SOLD)
    boundaries = range(AT - 32 * HOUR + 8 * HOUR, AT + 1, 8 * HOUR)
    rates = (0.0001, 0.0002, -0.0001, 0.0001)
    paid = [Paid(at, rate, 8 * HOUR, 100_000.0) for at, rate in zip(boundaries, rates, strict=True)]
    made.pay(BOOK.shorts[0], paid)
    (coin,) = made.state(AT + 1).coins
    (short,) = coin.shorts
    assert coin.funding == short.funding == pytest.approx(27.0)
    assert (short.earned, short.given) == (pytest.approx(36.0), pytest.approx(9.0))


def test_what_is_not_told_any_more_is_unknown() -> None:
    made = desk(COIN, SOLD)
    assert made.state(AT + UNHEARD).coins[0].spot_value == 95_000.0
    (coin,) = made.state(AT + UNHEARD + 1).coins
    assert (coin.spot_value, coin.contracts_value, coin.unrealised) == (None, None, None)
    assert coin.shorts[0].reason == "its book is not live"
    assert coin.drift_pct == pytest.approx(10.0)


def test_why_a_book_is_not_believed_is_passed_on() -> None:
    dead = HedgePrice(at=AT, venue="beta", symbol="BTC/USDT:USDT", reason="a book is crossed")
    (coin,) = desk(COIN, SOLD, dead).state(AT).coins
    assert coin.shorts[0].reason == "a book is crossed"
    assert coin.contracts_value is None


def test_a_contract_that_is_not_scanned_says_so() -> None:
    made = desk(COIN, SOLD)
    made.watch((SPOT,))
    (coin,) = made.state(AT).coins
    assert (coin.shorts[0].reason, coin.hedged) == (UNSCANNED, None)


def test_without_a_book_there_is_nothing_to_tell() -> None:
    made = desk(COIN, SOLD)
    made.use(HedgeBook(), 0.005, "USDT")
    assert made.state(AT).coins == ()


def test_other_events_are_left_out() -> None:
    made = desk()
    made("anything")
    assert made.state(AT).coins[0].spot_value is None


def test_a_worker_tells_of_the_coin_everywhere_and_of_the_contracts_that_are_sold() -> None:
    held = Desk()
    coin, perp = held.lane("coin", MarketKind.SPOT), held.lane("perp", MarketKind.PERPETUAL)
    other = held.lane("other", MarketKind.PERPETUAL)
    ticker(perp)
    for lane, bid, ask in ((coin, 99.0, 101.0), (perp, 100.0, 102.0), (other, 100.0, 102.0)):
        quote(lane, bid, ask)
    pipeline = held.pipeline
    prices = HedgePrices(pipeline.store, pipeline.derivatives)
    assert list(prices.due(pipeline.markets, START)) == []
    sold = Position(venue="perp", symbol="BTC/USDT:USDT", amount=1.0, entry_price=100.0)
    prices.configure(HedgeBook(shorts=(sold,)))
    of_coin = HedgePrice(at=START, venue="coin", symbol="BTC/USDT", bid=99.0, ask=101.0)
    of_perp = HedgePrice(
        at=START,
        venue="perp",
        symbol="BTC/USDT:USDT",
        bid=100.0,
        ask=102.0,
        mark=100.0,
        funding_rate=0.001,
    )
    assert list(prices.due(pipeline.markets, START)) == [of_coin, of_perp]
    assert list(prices.due(pipeline.markets, START + SECOND - 1)) == []
    perp.closed("lost", START + SECOND)
    told = list(prices.due(pipeline.markets, START + SECOND))
    assert [(one.venue, one.reason) for one in told] == [
        ("coin", ""),
        ("perp", "a book is unsynchronised"),
    ]
    quote(coin, 99.0, 101.0, START + SECOND)
    say(coin, START + SECOND, bids=[], asks=[["101", "5"]])
    (empty, _) = prices.due(pipeline.markets, START + 2 * SECOND)
    assert (empty.bid, empty.reason) == (0.0, "a book shows one side only")
