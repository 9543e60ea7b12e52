"""OKX v5: perpetual swaps and dated futures, linear and inverse.

https://www.okx.com/docs-v5/en/#public-data-websocket-funding-rate-channel

Books as spot has them (``okx``), in contracts. Of each market also ``mark-price`` (200 ms on a
change, else 10 s), ``open-interest`` (3 s, in contracts) and, of swaps, ``funding-rate`` (30 to
90 s); of each underlying ``index-tickers`` (100 ms on a change, else a minute).

``fundingRate`` is paid at ``fundingTime``; ``nextFundingRate`` (empty where the venue takes the
rate of the current period) at ``nextFundingTime``, so the interval lies between these two.
``settFundingRate`` was paid last once ``settState`` says ``settled``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import Raw, Struct

from scanner.steps import DerivativeTicker, Notice
from scanner.types import ChecksumRule, Depth, Market, Proof
from scanner.venues.funding_history import FundingHistory, Pages
from scanner.venues.okx import REST_BOOK, Okx
from scanner.venues.parts import MILLISECOND, Known, Millis, decode
from scanner.venues.protocol import Limits, Options, Steps, Venue, VenueProtocol

SWAP = "-SWAP"
T = TypeVar("T")


class _Mark(Struct):
    instId: str
    markPx: str
    ts: Millis = 0


class _Index(Struct):
    instId: str
    idxPx: str
    ts: Millis = 0


class _Interest(Struct):
    instId: str
    oi: str
    ts: Millis = 0


class _Funding(Struct):
    instId: str
    fundingRate: str = ""
    nextFundingRate: str = ""
    fundingTime: str = ""
    nextFundingTime: str = ""
    settFundingRate: str = ""
    settState: str = ""
    ts: str = ""


_marks = msgspec.json.Decoder(list[_Mark], strict=False)
_indexes = msgspec.json.Decoder(list[_Index], strict=False)
_interests = msgspec.json.Decoder(list[_Interest], strict=False)
_fundings = msgspec.json.Decoder(list[_Funding])


class Tickers:
    """What is said of contracts on one connection."""

    def __init__(self, markets: Sequence[Market] | None) -> None:
        self._known = Known(markets)
        self._underlying: defaultdict[str, list[str]] = defaultdict(list)
        for market in self._known.ids:
            self._underlying[_underlying(market)].append(market)

    def args(self, market: str) -> Sequence[dict[str, str]]:
        channels = ["mark-price", "open-interest"]
        if market.endswith(SWAP):
            channels.append("funding-rate")
        args = [{"channel": channel, "instId": market} for channel in channels]
        return [*args, {"channel": "index-tickers", "instId": _underlying(market)}]

    def data(self, channel: str, of: str, data: Raw) -> Steps:
        match channel:
            case "index-tickers":
                return self._index(data)
            case "mark-price":
                return [step for one in self._of(_marks, data) for step in _mark(one)]
            case "open-interest":
                return [step for one in self._of(_interests, data) for step in _interest(one)]
            case "funding-rate":
                return [step for one in self._of(_fundings, data) for step in _funding(one)]
        return ()

    def _of(self, decoder: msgspec.json.Decoder[list[T]], data: Raw) -> list[T]:
        found: list[Any] = decode(decoder, data)
        return [one for one in found if one.instId in self._known]

    def _index(self, data: Raw) -> Steps:
        return [
            DerivativeTicker(market=market, index=one.idxPx, sent_at=one.ts * MILLISECOND)
            for one in decode(_indexes, data)
            for market in self._underlying.get(one.instId, ())
        ]


def _underlying(market: str) -> str:
    """``BTC-USDT`` of ``BTC-USDT-SWAP`` and of ``BTC-USDT-261225``."""
    return "-".join(market.split("-")[:2])


def _mark(one: _Mark) -> Steps:
    sent_at = one.ts * MILLISECOND
    return [DerivativeTicker(market=one.instId, mark=one.markPx, sent_at=sent_at)]


def _interest(one: _Interest) -> Steps:
    sent_at = one.ts * MILLISECOND
    return [DerivativeTicker(market=one.instId, open_interest=one.oi, sent_at=sent_at)]


def _funding(one: _Funding) -> Steps:
    due, after = _millis(one.fundingTime), _millis(one.nextFundingTime)
    if not one.fundingRate:
        return [Notice(f"{one.instId}: a funding rate that names none")]
    return [
        DerivativeTicker(
            market=one.instId,
            funding_rate=one.fundingRate,
            predicted=one.nextFundingRate,
            settled=one.settFundingRate if one.settState == "settled" else "",
            next_funding_at=due * MILLISECOND,
            interval=max(after - due, 0) * MILLISECOND if due and after else 0,
            sent_at=_millis(one.ts) * MILLISECOND,
        )
    ]


def _millis(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else 0


def _carries(market: Mapping[str, Any]) -> bool:
    """A contract is ctVal times ctMult; ccxt knows the first alone."""
    return str((market.get("info") or {}).get("ctMult", "1")) in ("", "1")


def _make(markets: Sequence[Market] | None, options: Options) -> VenueProtocol:
    return Okx(markets, options, Tickers(markets))


VENUE = Venue(
    id="okx",
    name="OKX contracts",
    rest="https://www.okx.com",
    ws="wss://ws.okx.com:8443",
    make=_make,
    contracts=True,
    carries=_carries,
    limits=Limits(markets=30, sends=3, connects=60),
    proof={Depth.TOP: Proof.SNAPSHOTS, Depth.FULL: Proof.CHAINED},
    channels={
        Depth.TOP: "books5 + bbo-tbt + mark-price + index-tickers + funding-rate + open-interest",
        Depth.FULL: "books + bbo-tbt + mark-price + index-tickers + funding-rate + open-interest",
    },
    checksum=ChecksumRule.INTERLEAVED_25,
    rest_book=REST_BOOK,
    funding_history=FundingHistory(
        path="/api/v5/public/funding-rate-history?instId=[id]&after=[until]&limit=100",
        pages=Pages.BACKWARD,
        within=("data",),
        code=("code", "0"),
        at="fundingTime",
        rate="realizedRate",
        market="instId",
        limit=100,
        limits="10 requests in 2 s",
    ),
    notes=(
        "Sizes are contracts of ctVal times ctMult coins; of inverse ones, of that much money.",
        "The interval of funding is nextFundingTime less fundingTime: 1, 2, 4 or 8 hours.",
        "A rate comes every 30 to 90 seconds.",
    ),
)
