"""Bybit v5 linear: perpetuals and dated contracts on coins, paid for in USDT or USDC.

https://bybit-exchange.github.io/docs/v5/websocket/public/ticker

Books as spot has them (``bybit``), on a connection of their own, and ``tickers.<symbol>`` for marks
and rates: a snapshot, then changes in which an omitted field has stayed as it was. Each message is
therefore word of everything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Raw, Struct

from scanner.steps import DerivativeTicker, Notice
from scanner.types import Depth, Market, Proof
from scanner.venues.bybit import TOPIC_CHARACTERS, WIRE, Bybit
from scanner.venues.funding_history import FundingHistory, Pages
from scanner.venues.parts import MILLISECOND, SECOND, Known, decode
from scanner.venues.protocol import Limits, Options, Steps, Venue, VenueProtocol
from scanner.venues.rest_book import RestBook

HOUR = 3600 * SECOND
CHANNEL = "tickers"
LONGEST_TOPICS = 3 * len('"orderbook.200.1000000BABYDOGEUSDT-25DEC26",')


class _Ticker(Struct):
    """None: not said, so as it was."""

    symbol: str
    markPrice: str | None = None
    indexPrice: str | None = None
    fundingRate: str | None = None
    nextFundingTime: str | None = None
    fundingIntervalHour: str | None = None
    openInterest: str | None = None


_ticker = msgspec.json.Decoder(_Ticker)


class Tickers:
    """The tickers of one connection, each put together from what was said of it so far."""

    def __init__(self, markets: Sequence[Market] | None) -> None:
        self._known = Known(markets)
        self._whole: dict[str, _Ticker] = {}

    def topics(self, market: str) -> Sequence[str]:
        return (f"{CHANNEL}.{market}",)

    def published(self, topic: str, kind: str, data: Raw, ts: int) -> Steps:
        channel, _, market = topic.partition(".")
        if channel != CHANNEL:
            return ()
        if market not in self._known:
            return [Notice(f"ticker of {market!r:.40}, which was not subscribed")]
        said = decode(_ticker, data)
        if said.symbol != market:
            raise msgspec.ValidationError(f"topic of {market!r} carries {said.symbol!r:.40}")
        before = self._whole.get(market)
        if kind == "delta":
            if before is None:
                return ()
            said = _merged(before, said)
        self._whole[market] = said
        return [_step(said, ts)]


def _merged(before: _Ticker, said: _Ticker) -> _Ticker:
    said_now = msgspec.structs.asdict(said)
    named = {name: value for name, value in said_now.items() if value is not None}
    return msgspec.structs.replace(before, **named)


def _step(ticker: _Ticker, ts: int) -> DerivativeTicker:
    return DerivativeTicker(
        market=ticker.symbol,
        mark=ticker.markPrice or "",
        index=ticker.indexPrice or "",
        funding_rate=ticker.fundingRate or "",
        next_funding_at=_whole_number(ticker.nextFundingTime) * MILLISECOND,
        interval=_whole_number(ticker.fundingIntervalHour) * HOUR,
        open_interest=ticker.openInterest or "",
        sent_at=ts * MILLISECOND,
    )


def _whole_number(text: str | None) -> int:
    """Of a contract with a date of expiry they are empty."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 16 else 0


def _make(markets: Sequence[Market] | None, options: Options) -> VenueProtocol:
    return Bybit(markets, options, "linear", Tickers(markets))


def _carries(market: Mapping[str, Any]) -> bool:
    return bool(market.get("linear"))


VENUE = Venue(
    id="bybit",
    name="Bybit linear",
    rest="https://api.bybit.com",
    ws="wss://stream.bybit.com",
    make=_make,
    contracts=True,
    carries=_carries,
    limits=Limits(markets=TOPIC_CHARACTERS // LONGEST_TOPICS, sends=10, connects=60),
    proof={Depth.TOP: Proof.CHAINED, Depth.FULL: Proof.CHAINED},
    channels={
        Depth.TOP: "orderbook.50 + orderbook.1 + tickers",
        Depth.FULL: "orderbook.200 + orderbook.1 + tickers",
    },
    recorded_as=("bybit/linear",),
    wire=WIRE,
    rest_book=RestBook(
        path="/v5/market/orderbook?category=linear&symbol={id}&limit=100",
        within=("result",),
        bids="b",
        asks="a",
        made=("result", "ts"),
    ),
    funding_history=FundingHistory(
        path="/v5/market/funding/history?category=linear&symbol=[id]"
        "&startTime=[since]&endTime=[until]&limit=200",
        pages=Pages.BACKWARD,
        within=("result", "list"),
        code=("retCode", "0"),
        at="fundingRateTimestamp",
        rate="fundingRate",
        market="symbol",
        limit=200,
        limits="600 requests in 5 s, of all kinds",
    ),
    notes=(
        "A ticker's change names only what is new; the rest stands and is as fresh.",
        "The interval of funding comes with every ticker (fundingIntervalHour).",
    ),
)
