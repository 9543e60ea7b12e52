"""Binance USD-M futures: perpetuals and dated contracts on coins, paid for in stablecoins.

https://developers.binance.com/docs/derivatives/usds-margined-futures/websocket-market-streams

``top``: ``@depth20@100ms``, ``full``: ``@depth@100ms`` joined to a REST snapshot; both with
``@bookTicker``, ordered by the same update id ``u``, all below ``/public``. Marks and rates
(``@markPrice@1s``) are streamed below ``/market`` alone, so they have a connection of their own.

How a book is kept (the venue's steps): buffer the stream; fetch a snapshot; drop what ends before
its ``lastUpdateId``; the first event has ``U <= lastUpdateId <= u``; each one after it has the last
one's ``u`` as its ``pu``. ``U`` says nothing about the event before.

A top of twenty levels has the shape of a change of the book: only the stream's name tells them
apart. Since June 2026 frames say whose contracts they are of: ``st`` 2 is coin-margined.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Raw, Struct

from scanner.steps import Best, Connect, Delta, DerivativeTicker, Fetch, Notice, Snapshot, Step
from scanner.types import Depth, Market, Proof
from scanner.venues.bridged import BridgedBooks, market_of
from scanner.venues.cells import Shared
from scanner.venues.combined_stream import Message, Streams, read
from scanner.venues.funding_history import FundingHistory, Pages
from scanner.venues.parts import MILLISECOND, SECOND, Fetches, Int64, Known, Millis, decode
from scanner.venues.protocol import Limits, Options, Steps, Venue
from scanner.venues.rest_book import RestBook
from scanner.venues.sequence import Bridge, Newest, Verdict

SNAPSHOT_LEVELS = 1000
COIN_MARGINED = 2
HOUR = 3600 * SECOND
USUAL_INTERVAL = 8 * HOUR
INTERVALS = "intervals"
INTERVALS_EVERY = HOUR
OPEN_INTEREST_EVERY = 300 * SECOND
FASTEST = SECOND


class _BookTicker(Struct):
    u: Int64
    s: str
    b: str
    B: str
    a: str
    A: str
    E: Millis = 0
    st: int = 1


class _Depth(Struct):
    E: Millis
    s: str
    U: Int64
    u: Int64
    b: Raw
    a: Raw
    pu: Int64
    st: int = 1


class _Snapshot(Struct):
    lastUpdateId: Int64
    bids: Raw
    asks: Raw


class _Mark(Struct):
    E: Millis
    s: str
    p: str
    i: str = ""
    r: str = ""
    T: Millis = 0
    st: int = 1


class _Interval(Struct):
    symbol: str
    fundingIntervalHours: int


class _OpenInterest(Struct):
    openInterest: str


_book_ticker = msgspec.json.Decoder(_BookTicker)
_depth = msgspec.json.Decoder(_Depth)
_snapshot = msgspec.json.Decoder(_Snapshot)
_mark = msgspec.json.Decoder(_Mark)
_intervals = msgspec.json.Decoder(list[_Interval])
_open_interest = msgspec.json.Decoder(_OpenInterest)


class BinanceUsdm:
    """One connection to the books."""

    def __init__(self, markets: Sequence[Market] | None, options: Options) -> None:
        self.shared = Shared()
        self._known = Known(markets)
        self._options = options
        depth = "depth@100ms" if options.depth is Depth.FULL else "depth20@100ms"
        self._streams = Streams((depth, "bookTicker"))
        self._wanted = Fetches()
        self._books = BridgedBooks(
            Bridge, self._snapshot_url, self._wanted, len(self._known.ids), self.shared
        )
        self._newest: dict[str, Newest] = {}
        # Until 2026 one connection carried everything.
        self._tickers = BinanceUsdmTickers(markets, options)

    def start(self, at: int) -> Steps:
        return [Connect(f"{self._options.ws}/public/stream")]

    def opened(self, at: int) -> Steps:
        return self._streams.subscribe(self._known.ids)

    def received(self, raw: bytes, at: int) -> Steps:
        message = read(raw)
        channel = message.stream.partition("@")[2]
        if channel == "bookTicker":
            return self._best(message.data)
        if channel in ("depth", "depth@100ms", "depth@0ms", "depth@250ms", "depth@500ms"):
            return self._difference(message.data, at)
        if channel.startswith("depth"):
            return self._whole(message.data, at)
        if channel.startswith("markPrice"):
            return self._tickers.received(raw, at)
        if message.stream:
            return self._streams.unknown(message)
        return self._streams.answered(message)

    def fetched(self, tag: str, status: int, body: bytes, at: int) -> Steps:
        market = market_of(tag)
        if self._books[market].synced:
            self._wanted.done(market)
            return ()
        if status != 200:
            return self._books.failed(market, f"HTTP {status}", at)
        found = decode(_snapshot, body)
        snapshot = Snapshot(
            market=market,
            bids=bytes(found.bids),
            asks=bytes(found.asks),
            sequence=found.lastUpdateId,
            live=False,
        )
        return self._books.joined(snapshot, at)

    def resync(self, market: str, reason: str, at: int) -> Steps:
        if not self._wanted.start(market, at):
            return ()
        if self._options.depth is Depth.TOP:
            return self._again(market)
        # What waits for a snapshot is as good as new; only a book that stands is thrown away.
        if self._books[market].synced:
            self._books[market].restart()
        # The stream itself may be what is missing; to subscribe twice does no harm.
        return [*self._streams.subscribe([market]), self._books.request(market)]

    def idle(self, at: int) -> Steps:
        steps: list[Step] = []
        for market in self._wanted.due(at):
            if market in self._books:
                steps.append(self._books.request(market))
            else:
                steps += self._again(market)
        return steps

    def _best(self, data: Raw) -> Steps:
        best = decode(_book_ticker, data)
        if unwanted := self._unwanted(best.s, best.st):
            return unwanted
        return [
            Best(
                market=best.s,
                bid_price=best.b,
                bid_size=best.B,
                ask_price=best.a,
                ask_size=best.A,
                order=best.u,
                sent_at=best.E * MILLISECOND,
            )
        ]

    def _whole(self, data: Raw, at: int) -> Steps:
        book = decode(_depth, data)
        if unwanted := self._unwanted(book.s, book.st):
            return unwanted
        newest = self._newest.setdefault(book.s, Newest())
        if newest.snapshot(book.u, at) is Verdict.SKIP:
            return ()
        self._wanted.done(book.s)
        return [
            Snapshot(
                market=book.s,
                bids=bytes(book.b),
                asks=bytes(book.a),
                sequence=book.u,
                sent_at=book.E * MILLISECOND,
            )
        ]

    def _difference(self, data: Raw, at: int) -> Steps:
        diff = decode(_depth, data)
        if unwanted := self._unwanted(diff.s, diff.st):
            return unwanted
        delta = Delta(
            market=diff.s,
            bids=bytes(diff.b),
            asks=bytes(diff.a),
            sequence=diff.u,
            sent_at=diff.E * MILLISECOND,
        )
        verdict = self._books[diff.s].delta(diff.U, diff.u, delta, at, diff.pu)
        if verdict is Verdict.APPLY:
            return [delta]
        reason = f"update id {diff.pu} before {diff.u} is not the last one"
        return self._books.missed(diff.s, verdict, reason, at)

    def _unwanted(self, market: str, family: int) -> list[Notice]:
        if family == COIN_MARGINED or market not in self._known:
            return [Notice(f"data of {market!r:.40}, which was not subscribed")]
        return []

    def _again(self, market: str) -> Steps:
        self._newest.pop(market, None)
        return self._streams.again(market)

    def _snapshot_url(self, market: str) -> str:
        return f"{self._options.rest}/fapi/v1/depth?symbol={market}&limit={SNAPSHOT_LEVELS}"


class BinanceUsdmTickers:
    """One connection to marks and rates.

    The venue lists the interval of those contracts where it is not eight hours (``fundingInfo``);
    until that list has come, no interval is known. Open interest is asked for market by market.
    """

    def __init__(self, markets: Sequence[Market] | None, options: Options) -> None:
        self.shared = Shared()
        self._known = Known(markets)
        self._options = options
        self._streams = Streams(("markPrice@1s",))
        self._wanted = Fetches()
        self._listed_at: int | None = None
        self._interest_at = 0
        self._turn = 0

    def start(self, at: int) -> Steps:
        return [Connect(f"{self._options.ws}/market/stream")]

    def opened(self, at: int) -> Steps:
        self._wanted.start(INTERVALS, at)
        self._interest_at = at
        return [*self._streams.subscribe(self._known.ids), self._intervals()]

    def received(self, raw: bytes, at: int) -> Steps:
        message = read(raw)
        if message.stream.partition("@")[2].startswith("markPrice"):
            return self._mark(message)
        if message.stream:
            return self._streams.unknown(message)
        return self._streams.answered(message)

    def fetched(self, tag: str, status: int, body: bytes, at: int) -> Steps:
        if tag != INTERVALS:
            return self._interest(market_of(tag), status, body)
        if status != 200:
            self._wanted.failed(INTERVALS, at)
            return [Notice(f"no list of funding intervals (HTTP {status}), asking again")]
        self._wanted.done(INTERVALS)
        self._listed_at = at
        listed = {one.symbol: one.fundingIntervalHours for one in decode(_intervals, body)}
        return [
            DerivativeTicker(
                market=market,
                interval=listed[market] * HOUR if market in listed else USUAL_INTERVAL,
            )
            for market in self._known.ids
        ]

    def resync(self, market: str, reason: str, at: int) -> Steps:
        return ()

    def idle(self, at: int) -> Steps:
        steps: list[Step] = [self._intervals() for _ in self._wanted.due(at)]
        listed = self._listed_at
        if listed is not None and at - listed > INTERVALS_EVERY:
            self._listed_at = at
            if self._wanted.start(INTERVALS, at):
                steps.append(self._intervals())
        ids = self._known.ids
        if ids and at - self._interest_at >= max(OPEN_INTEREST_EVERY // len(ids), FASTEST):
            self._interest_at = at
            market = ids[self._turn % len(ids)]
            self._turn += 1
            url = f"{self._options.rest}/fapi/v1/openInterest?symbol={market}"
            steps.append(Fetch(f"interest:{market}", url))
        return steps

    def _mark(self, message: Message) -> Steps:
        mark = decode(_mark, message.data)
        if mark.st == COIN_MARGINED or mark.s not in self._known:
            return [Notice(f"data of {mark.s!r:.40}, which was not subscribed")]
        return [
            DerivativeTicker(
                market=mark.s,
                mark=mark.p,
                index=mark.i,
                funding_rate=mark.r,
                next_funding_at=mark.T * MILLISECOND,
                sent_at=mark.E * MILLISECOND,
            )
        ]

    def _interest(self, market: str, status: int, body: bytes) -> Steps:
        if status != 200:
            return ()
        found = decode(_open_interest, body)
        return [DerivativeTicker(market=market, open_interest=found.openInterest)]

    def _intervals(self) -> Fetch:
        return Fetch(INTERVALS, f"{self._options.rest}/fapi/v1/fundingInfo")


def _carries(market: Mapping[str, Any]) -> bool:
    return bool(market.get("linear"))


VENUE = Venue(
    id="binanceusdm",
    name="Binance USD-M",
    rest="https://fapi.binance.com",
    ws="wss://fstream.binance.com",
    make=BinanceUsdm,
    tickers=BinanceUsdmTickers,
    contracts=True,
    carries=_carries,
    limits=Limits(markets=100, sends=5, connects=60, fetches=2),
    proof={Depth.TOP: Proof.SNAPSHOTS, Depth.FULL: Proof.CHAINED},
    channels={
        Depth.TOP: "depth20@100ms + bookTicker + markPrice@1s",
        Depth.FULL: "depth@100ms + REST snapshot + bookTicker + markPrice@1s",
    },
    recorded_as=("binance/usdm",),
    rest_book=RestBook(path="/fapi/v1/depth?symbol={id}&limit=100", made=("E",)),
    funding_history=FundingHistory(
        path="/fapi/v1/fundingRate?symbol=[id]&startTime=[since]&limit=1000",
        pages=Pages.FORWARD,
        at="fundingTime",
        rate="fundingRate",
        market="symbol",
        mark="markPrice",
        limit=1000,
        limits="500 requests in 5 minutes, with fundingInfo",
    ),
    notes=(
        "Marks and rates come over a connection of their own (/market), books over /public.",
        "The funding interval is 8 h unless fundingInfo lists another for the contract.",
        "A subscription to an unknown symbol is acknowledged and stays silent.",
    ),
)
