"""Bitget v3: perpetuals (and dated contracts) paid for in USDT, sizes in coins.

https://www.bitget.com/api-doc/uta/websocket/public/Tickers-Channel

Books as spot has them (``bitget``), under the kind ``usdt-futures``: the same name is another
market there than in spot. ``ticker`` tells of marks, rates and open interest, whole each time, by
the names of v3 or of v2; how long it is from one payment to the next, REST says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Raw, Struct

from scanner.steps import DerivativeTicker, Notice
from scanner.types import ChecksumRule, Depth, Market, Proof
from scanner.venues.bitget import Bitget, Line
from scanner.venues.boundaries import PREFIX, Boundaries, Boundary
from scanner.venues.funding_history import FundingHistory, Pages
from scanner.venues.parts import MILLISECOND, SECOND, Known, Millis, decode
from scanner.venues.protocol import Limits, Options, Steps, Venue
from scanner.venues.rest_book import RestBook

HOUR = 3600 * SECOND
GOOD = "00000"
KINDS = ("usdt-futures", "mc", "umcbl")


class _Ticker(Struct):
    markPrice: str = ""
    indexPrice: str = ""
    fundingRate: str = ""
    nextFundingTime: str = ""
    openInterest: str = ""
    holdingAmount: str = ""
    ts: str = ""


class _Rate(Struct):
    symbol: str = ""
    fundingRateInterval: str = ""
    nextUpdate: Millis = 0


class _Answer(Struct):
    code: str = ""
    msg: str = ""
    data: list[_Rate] | None = None


_tickers = msgspec.json.Decoder(list[_Ticker])
_answer = msgspec.json.Decoder(_Answer, strict=False)


class BitgetFutures:
    """One connection: the books, and what is said beside them."""

    def __init__(self, markets: Sequence[Market] | None, options: Options) -> None:
        self._known = Known(markets)
        self._options = options
        self._boundaries = Boundaries(self._rate_url)
        self._books = Bitget(markets, options, Line(KINDS, self._told))
        self.shared = self._books.shared
        self._at = 0

    def start(self, at: int) -> Steps:
        return self._books.start(at)

    def opened(self, at: int) -> Steps:
        self._boundaries.start(self._known.ids, at)
        return self._books.opened(at)

    def received(self, raw: bytes, at: int) -> Steps:
        self._at = at
        return self._books.received(raw, at)

    def fetched(self, tag: str, status: int, body: bytes, at: int) -> Steps:
        market = tag.removeprefix(PREFIX)
        if status != 200:
            return self._unanswered(market, f"HTTP {status}", at)
        answer = decode(_answer, body)
        rate = next((one for one in answer.data or () if one.symbol == market), None)
        if answer.code != GOOD or rate is None:
            return self._unanswered(market, f"code {answer.code:.20}", at)
        interval = _whole_number(rate.fundingRateInterval) * HOUR
        self._boundaries.found(market, Boundary(rate.nextUpdate * MILLISECOND, interval), at)
        return ()

    def resync(self, market: str, reason: str, at: int) -> Steps:
        return self._books.resync(market, reason, at)

    def idle(self, at: int) -> Steps:
        return [*self._books.idle(at), *self._boundaries.due(at)]

    def _unanswered(self, market: str, reason: str, at: int) -> Steps:
        self._boundaries.failed(market, at)
        return [Notice(f"{market}: no funding interval ({reason}), asking again")]

    def _told(self, market: str, data: Raw) -> Steps:
        boundary = self._boundaries.of(market, self._at)
        return [
            DerivativeTicker(
                market=market,
                mark=ticker.markPrice,
                index=ticker.indexPrice,
                funding_rate=ticker.fundingRate,
                next_funding_at=_whole_number(ticker.nextFundingTime) * MILLISECOND or boundary.at,
                interval=boundary.interval,
                open_interest=ticker.openInterest or ticker.holdingAmount,
                sent_at=_whole_number(ticker.ts) * MILLISECOND,
            )
            for ticker in decode(_tickers, data)
        ]

    def _rate_url(self, market: str) -> str:
        path = "/api/v2/mix/market/current-fund-rate?productType=USDT-FUTURES&symbol="
        return f"{self._options.rest}{path}{quote(market, safe='')}"


def _whole_number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else 0


def _carries(market: Mapping[str, Any]) -> bool:
    return bool(market.get("linear")) and market.get("settle") == "USDT"


VENUE = Venue(
    id="bitget",
    name="Bitget USDT futures",
    rest="https://api.bitget.com",
    ws="wss://ws.bitget.com",
    make=BitgetFutures,
    contracts=True,
    carries=_carries,
    limits=Limits(markets=25, sends=5, connects=60),
    proof={Depth.TOP: Proof.SNAPSHOTS, Depth.FULL: Proof.CHAINED},
    channels={
        Depth.TOP: "books50 + books1 + ticker",
        Depth.FULL: "books + books1 + ticker",
    },
    checksum=ChecksumRule.INTERLEAVED_25,
    recorded_as=("bitget/umcbl",),
    rest_book=RestBook(
        path="/api/v2/mix/market/merge-depth?productType=usdt-futures&symbol={id}&limit=100",
        within=("data",),
        made=("data", "ts"),
    ),
    funding_history=FundingHistory(
        path="/api/v2/mix/market/history-fund-rate?productType=USDT-FUTURES&symbol=[id]"
        "&pageSize=100&pageNo=[page]",
        pages=Pages.NUMBERED,
        within=("data",),
        code=("code", GOOD),
        at="fundingTime",
        rate="fundingRate",
        market="symbol",
        limit=100,
        limits="20 requests a second",
    ),
    notes=(
        "The interval of funding is said over REST alone (fundingRateInterval, hours).",
        "A subscription with the wrong kind of instrument is acknowledged and stays silent.",
    ),
)
