"""What ccxt tells of contracts, asked for now and then."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from scanner.feeds.ccxt_rates import MILLISECOND, SECOND, interval_of, tell_rates, ticker_of_rate
from scanner.steps import DerivativeTicker
from scanner.types import Market, MarketKind

HOUR = 3600 * SECOND
RATE = {
    "symbol": "BTC/USDT:USDT",
    "markPrice": 91000.5,
    "indexPrice": 91010,
    "fundingRate": -3.21e-05,
    "fundingTimestamp": 1_790_006_400_000,
    "nextFundingRate": None,
    "previousFundingRate": 0.0001,
    "interval": "4h",
    "timestamp": 1_790_000_000_000,
}


def market(symbol: str, kind: MarketKind = MarketKind.PERPETUAL) -> Market:
    base, quote = symbol.partition(":")[0].split("/")
    return Market(
        venue="v",
        id=symbol.lower(),
        symbol=symbol,
        base=base,
        quote=quote,
        taker_fee=0.001,
        kind=kind,
    )


def test_a_rate_is_told_to_the_last_digit() -> None:
    assert ticker_of_rate("btc", RATE) == DerivativeTicker(
        market="btc",
        mark="91000.5",
        index="91010",
        funding_rate="-0.0000321",
        settled="0.0001",
        next_funding_at=1_790_006_400_000 * MILLISECOND,
        interval=4 * HOUR,
        sent_at=1_790_000_000_000 * MILLISECOND,
    )


@pytest.mark.parametrize(
    ("text", "length"),
    [("8h", 8 * HOUR), ("30m", HOUR // 2), ("1d", 24 * HOUR), ("h", 0), ("-8h", 0), (8, 0)],
)
def test_intervals(text: Any, length: int) -> None:
    assert interval_of(text) == length


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), "1", True, [1]])
def test_what_is_no_number_is_not_said(odd: Any) -> None:
    names = ("markPrice", "fundingRate", "fundingTimestamp", "timestamp")
    told = ticker_of_rate("btc", dict.fromkeys(names, odd))
    assert (told.mark, told.funding_rate) == ("", "")


class Exchange:
    def __init__(self, **has: bool) -> None:
        self.has = has
        self.asked: list[object] = []
        self.fails = False

    async def fetch_funding_rates(self, symbols: list[str]) -> dict[str, Any]:
        self.asked.append(symbols)
        if self.fails:
            raise OSError("away")
        return {"BTC/USDT:USDT": RATE, "ETH/USDT:USDT": RATE}

    async def fetch_funding_rate(self, symbol: str) -> dict[str, Any]:
        self.asked.append(symbol)
        return RATE

    async def fetch_funding_intervals(self, symbols: list[str]) -> dict[str, Any]:
        return {"BTC/USDT:USDT": {"interval": "4h"}, "ETH/USDT:USDT": {"interval": "8h"}}

    async def fetch_mark_prices(self, symbols: list[str]) -> dict[str, Any]:
        return {"BTC/USDT:USDT": {"markPrice": 91001.0, "indexPrice": None}}


async def rounds(
    exchange: Exchange, count: int, *markets: Market
) -> tuple[list[DerivativeTicker], list[str]]:
    """What is told, and what goes wrong, in so many rounds."""
    told: list[DerivativeTicker] = []
    wrong: list[str] = []
    left = count

    async def sleep(seconds: float) -> None:
        nonlocal left
        left -= seconds > 1
        if left == 0:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await tell_rates(
            exchange,
            markets or [market("BTC/USDT:USDT")],
            told.extend,
            lambda error: wrong.append(str(error)),
            sleep,
        )
    return told, wrong


async def test_all_at_once_where_the_exchange_can_and_only_what_is_wanted() -> None:
    exchange = Exchange(fetchFundingRates=True, fetchFundingRate=True)
    told, _ = await rounds(exchange, 2)
    assert [one.market for one in told] == ["btc/usdt:usdt"] * 2
    assert exchange.asked == [["BTC/USDT:USDT"]] * 2


async def test_a_future_is_not_asked_for_a_rate() -> None:
    dated = market("BTC/USDT:USDT-270611", MarketKind.FUTURE)
    exchange = Exchange(fetchFundingRates=True, fetchFundingIntervals=True)
    told, wrong = await rounds(exchange, 1, dated, market("BTC/USDT:USDT"))
    assert [one.market for one in told] == ["btc/usdt:usdt"] * 2
    assert (exchange.asked, wrong) == ([["BTC/USDT:USDT"]], [])
    assert await rounds(exchange, 1, dated) == ([], [])
    assert exchange.asked == [["BTC/USDT:USDT"]], "no question at all, for an empty one means all"


async def test_one_by_one_else() -> None:
    exchange = Exchange(fetchFundingRate=True)
    told, _ = await rounds(exchange, 1)
    assert (len(told), exchange.asked) == (1, ["BTC/USDT:USDT"])


async def test_marks_where_they_are_asked_for_apart() -> None:
    told, _ = await rounds(Exchange(fetchMarkPrices=True), 1)
    assert told == [DerivativeTicker(market="btc/usdt:usdt", mark="91001.0")]


async def test_intervals_are_asked_for_once_an_hour_where_rates_do_not_tell_them() -> None:
    told, _ = await rounds(Exchange(fetchFundingIntervals=True), 241)
    assert told == [DerivativeTicker(market="btc/usdt:usdt", interval=4 * HOUR)] * 2


async def test_what_fails_is_told_and_tried_again() -> None:
    exchange = Exchange(fetchFundingRates=True)
    exchange.fails = True
    assert await rounds(exchange, 3) == ([], ["away"] * 3)
