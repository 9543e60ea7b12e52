"""What ccxt tells of contracts beside their books: asked for now and then, over REST.

Few exchanges' rates are streamed by ccxt, and all that have them answer to a question. One that
has no such question leaves marks and rates unknown; its books go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from itertools import count
from math import isfinite
from typing import Any, TypeAlias

from scanner.steps import DerivativeTicker
from scanner.types import Market, MarketKind

MILLISECOND = 1_000_000
SECOND = 1_000_000_000
UNITS = {"m": 60, "h": 3600, "d": 86_400}
EVERY = 15.0
INTERVALS_EVERY = 240  # rounds, an hour
BETWEEN = 0.5
MOST_ONE_BY_ONE = 20

Deliver: TypeAlias = Callable[[Sequence[DerivativeTicker]], object]
Complain: TypeAlias = Callable[[Exception], object]


async def tell_rates(
    exchange: Any,
    markets: Sequence[Market],
    deliver: Deliver,
    complain: Complain,
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> None:
    """Until cancelled: rates, and marks where they are asked for apart, to ``deliver``. What goes
    wrong is told to ``complain`` and tried again."""
    by_symbol = {market.symbol: market for market in markets}
    # A future pays no rate, and an exchange that is asked for one may refuse the whole question.
    perpetual = {
        symbol: market
        for symbol, market in by_symbol.items()
        if market.kind is MarketKind.PERPETUAL
    }
    for number in count():
        try:
            if perpetual:
                deliver(await _rates(exchange, perpetual, sleep))
            deliver(await _marks(exchange, by_symbol))
            if perpetual and number % INTERVALS_EVERY == 0:
                deliver(await _intervals(exchange, perpetual))
        except Exception as error:
            complain(error)
        await sleep(EVERY)


async def _rates(
    exchange: Any,
    by_symbol: Mapping[str, Market],
    sleep: Callable[[float], Awaitable[object]],
) -> list[DerivativeTicker]:
    found: dict[str, Any] = {}
    if exchange.has.get("fetchFundingRates"):
        found = await exchange.fetch_funding_rates(list(by_symbol))
    elif exchange.has.get("fetchFundingRate"):
        for symbol in list(by_symbol)[:MOST_ONE_BY_ONE]:
            found[symbol] = await exchange.fetch_funding_rate(symbol)
            await sleep(BETWEEN)
    return [
        ticker_of_rate(by_symbol[symbol].id, rate)
        for symbol, rate in found.items()
        if symbol in by_symbol
    ]


async def _marks(exchange: Any, by_symbol: Mapping[str, Market]) -> list[DerivativeTicker]:
    if not exchange.has.get("fetchMarkPrices"):
        return []
    found = await exchange.fetch_mark_prices(list(by_symbol))
    return [
        DerivativeTicker(
            market=by_symbol[symbol].id,
            mark=_text(ticker.get("markPrice")),
            index=_text(ticker.get("indexPrice")),
        )
        for symbol, ticker in found.items()
        if symbol in by_symbol
    ]


async def _intervals(exchange: Any, by_symbol: Mapping[str, Market]) -> list[DerivativeTicker]:
    """Of exchanges whose rates do not tell them; what is not listed stays unknown."""
    if not exchange.has.get("fetchFundingIntervals"):
        return []
    found = await exchange.fetch_funding_intervals(list(by_symbol))
    return [
        DerivativeTicker(market=by_symbol[symbol].id, interval=interval_of(one.get("interval")))
        for symbol, one in found.items()
        if symbol in by_symbol
    ]


def ticker_of_rate(market: str, rate: Mapping[str, Any]) -> DerivativeTicker:
    """One of ccxt's funding rates; https://docs.ccxt.com/#/?id=funding-rate-structure

    ``fundingRate`` is due at ``fundingTimestamp``; what ccxt calls the next one comes after it.
    """
    return DerivativeTicker(
        market=market,
        mark=_text(rate.get("markPrice")),
        index=_text(rate.get("indexPrice")),
        funding_rate=_text(rate.get("fundingRate")),
        predicted=_text(rate.get("nextFundingRate")),
        settled=_text(rate.get("previousFundingRate")),
        next_funding_at=_nanoseconds(rate.get("fundingTimestamp")),
        interval=interval_of(rate.get("interval")),
        sent_at=_nanoseconds(rate.get("timestamp")),
    )


def interval_of(text: Any) -> int:
    """``8h`` in ns; 0 for what is no such length."""
    if not isinstance(text, str) or text[-1:] not in UNITS or not text[:-1].isdecimal():
        return 0
    return int(text[:-1]) * UNITS[text[-1]] * SECOND if len(text) < 5 else 0


def _text(number: Any) -> str:
    if isinstance(number, bool) or not isinstance(number, int | float) or not isfinite(number):
        return ""
    return format(Decimal(repr(number)), "f")


def _nanoseconds(milliseconds: Any) -> int:
    if not isinstance(milliseconds, int | float) or not isfinite(milliseconds):
        return 0
    at = int(milliseconds * MILLISECOND)
    return at if 0 < at < 1 << 62 else 0
