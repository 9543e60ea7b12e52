"""Binance spot: public order books.

https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams

``top``: ``@depth20@100ms``, whole snapshots without a symbol of their own (hence the combined
stream, whose envelope names it). ``full``: ``@depth@100ms`` diffs joined to a REST snapshot. Both
with ``@bookTicker`` for the best bid and offer, ordered by the same update id ``u``. What ``top``
sends bears no time; the trades of the busiest market, on the same connection, tell it.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Raw, Struct

from scanner.steps import (
    Ack,
    Best,
    Clock,
    Connect,
    Delta,
    Notice,
    Reconnect,
    Refused,
    Send,
    Snapshot,
    Step,
)
from scanner.types import Depth, Market, Proof
from scanner.venues.bridged import BridgedBooks, market_of
from scanner.venues.cells import READY, Shared
from scanner.venues.parts import (
    MILLISECOND,
    Fetches,
    Known,
    Millis,
    Requests,
    UpdateId,
    batched,
    decode,
    encoded,
)
from scanner.venues.protocol import Limits, Options, Steps, Venue
from scanner.venues.rest_book import RestBook
from scanner.venues.sequence import Bridge, Newest, Verdict
from scanner.venues.wire import Chain, Kind, Shape, What, Wire

STREAMS_PER_REQUEST = 100
CLOCK = "btcusdt@aggTrade"
SNAPSHOT_LEVELS = 1000
CLOSING = (Reconnect("the venue announced that it closes this connection"),)


class _Error(Struct):
    code: int = 0
    msg: str = ""


class _Envelope(Struct):
    stream: str = ""
    data: Raw = Raw(b"")
    id: int | str | None = None
    error: _Error | None = None
    code: int | None = None
    msg: str = ""
    e: str = ""


class _BookTicker(Struct):
    u: UpdateId
    s: str
    b: str
    B: str
    a: str
    A: str


class _Partial(Struct):
    lastUpdateId: UpdateId
    bids: Raw
    asks: Raw


class _Trade(Struct):
    E: Millis


class _Diff(Struct):
    E: Millis
    s: str
    U: UpdateId
    u: UpdateId
    b: Raw
    a: Raw
    pu: UpdateId | None = None


_envelope = msgspec.json.Decoder(_Envelope)
_book_ticker = msgspec.json.Decoder(_BookTicker)
_partial = msgspec.json.Decoder(_Partial)
_diff = msgspec.json.Decoder(_Diff)
_trade = msgspec.json.Decoder(_Trade)


class Binance:
    """One connection to the combined stream."""

    def __init__(self, markets: Sequence[Market] | None, options: Options) -> None:
        self.shared = Shared()
        self._known = Known(markets)
        self._options = options
        self._requests = Requests()
        self._wanted = Fetches()
        many = len(self._known.ids)
        self._books = BridgedBooks(Bridge, self._snapshot_url, self._wanted, many, self.shared)

    def start(self, at: int) -> Steps:
        return [Connect(f"{self._options.ws}/stream")]

    def opened(self, at: int) -> Steps:
        steps: list[Send] = []
        for markets in batched(self._known.ids, STREAMS_PER_REQUEST // 2):
            steps.append(self._request("SUBSCRIBE", markets))
        if self._options.depth is Depth.TOP:
            steps.append(self._send("SUBSCRIBE", [CLOCK], self._requests.new()))
        return steps

    def received(self, raw: bytes, at: int) -> Steps:
        envelope = decode(_envelope, raw)
        if envelope.stream:
            return self._stream(envelope.stream, envelope.data, at)
        if envelope.e == "depthUpdate":
            return self._difference(raw, at)
        if envelope.e == "serverShutdown":
            return CLOSING
        if envelope.error is not None:
            return self._refused(envelope.id, envelope.error.code, envelope.error.msg)
        if envelope.code is not None:
            return self._refused(envelope.id, envelope.code, envelope.msg)
        if envelope.id is not None:
            return [Ack(market) for market in self._requests.answered(envelope.id)]
        if not envelope.e and b'"u"' in raw:
            return self._best(raw)
        return [Notice(f"unexpected message of type {envelope.e or 'unknown'!r}")]

    def fetched(self, tag: str, status: int, body: bytes, at: int) -> Steps:
        market = market_of(tag)
        if self._books[market].synced:
            self._wanted.done(market)
            return ()
        if status != 200:
            return self._books.failed(market, f"HTTP {status}", at)
        partial = decode(_partial, body)
        snapshot = Snapshot(
            market=market,
            bids=bytes(partial.bids),
            asks=bytes(partial.asks),
            sequence=partial.lastUpdateId,
            live=False,
        )
        return self._books.joined(snapshot, at)

    def resync(self, market: str, reason: str, at: int) -> Steps:
        if not self._wanted.start(market, at):
            return ()
        if self._options.depth is Depth.TOP:
            return self._resubscribe(market)
        # What waits for a snapshot is as good as new; only a book that stands is thrown away.
        if self._books[market].synced:
            self._books[market].restart()
        # The stream itself may be what is missing; to subscribe twice does no harm.
        return [self._request("SUBSCRIBE", [market]), self._books.request(market)]

    def idle(self, at: int) -> Steps:
        steps: list[Step] = []
        for market in self._wanted.due(at):
            if market in self._books:
                steps.append(self._books.request(market))
            else:
                steps += self._resubscribe(market)
        return steps

    def _stream(self, stream: str, data: Raw, at: int) -> Steps:
        name, _, channel = stream.partition("@")
        if channel == "bookTicker":
            return self._best(data)
        if channel.startswith("depth@") or channel == "depth":
            return self._difference(data, at)
        if channel.startswith("depth"):
            return self._partial(name.upper(), data, at)
        if stream == CLOCK:
            return [Clock(decode(_trade, data).E * MILLISECOND)]
        # The combined stream wraps whatever it sends, and nothing says under which name this comes.
        return CLOSING if b'"serverShutdown"' in bytes(data) else ()

    def _best(self, data: Raw | bytes) -> Steps:
        best = decode(_book_ticker, data)
        if best.s not in self._known:
            return [Notice(f"best bid and offer of {best.s!r}, which was not subscribed")]
        return [
            Best(
                market=best.s,
                bid_price=best.b,
                bid_size=best.B,
                ask_price=best.a,
                ask_size=best.A,
                order=best.u,
            )
        ]

    def _partial(self, market: str, data: Raw, at: int) -> Steps:
        partial = decode(_partial, data)
        if market not in self._known:
            return [Notice(f"book of {market!r}, which was not subscribed")]
        if self._newest(market).snapshot(partial.lastUpdateId, at) is Verdict.SKIP:
            return ()
        self._wanted.done(market)
        self.shared[market][READY] = 1
        return [
            Snapshot(
                market=market,
                bids=bytes(partial.bids),
                asks=bytes(partial.asks),
                sequence=partial.lastUpdateId,
            )
        ]

    def _difference(self, data: Raw | bytes, at: int) -> Steps:
        diff = decode(_diff, data)
        market = diff.s
        if market not in self._known:
            return [Notice(f"changes of {market!r}, which was not subscribed")]
        delta = Delta(
            market=market,
            bids=bytes(diff.b),
            asks=bytes(diff.a),
            sequence=diff.u,
            sent_at=diff.E * MILLISECOND,
        )
        verdict = self._books[market].delta(diff.U, diff.u, delta, at, diff.pu)
        if verdict is Verdict.APPLY:
            return [delta]
        reason = f"update ids {diff.U}..{diff.u} do not follow the last one"
        return self._books.missed(market, verdict, reason, at)

    def _resubscribe(self, market: str) -> list[Send]:
        self._newest(market).last = None
        return [self._request("UNSUBSCRIBE", [market]), self._request("SUBSCRIBE", [market])]

    def _newest(self, market: str) -> Newest:
        return Newest(self.shared[market])

    def _snapshot_url(self, market: str) -> str:
        return f"{self._options.rest}/api/v3/depth?symbol={market}&limit={SNAPSHOT_LEVELS}"

    def _request(self, method: str, markets: Sequence[str]) -> Send:
        depth = "@depth@100ms" if self._options.depth is Depth.FULL else "@depth20@100ms"
        streams = [m.lower() + channel for m in markets for channel in (depth, "@bookTicker")]
        number = self._requests.new(markets if method == "SUBSCRIBE" else ())
        return self._send(method, streams, number)

    def _send(self, method: str, streams: Sequence[str], number: int) -> Send:
        return Send(encoded({"method": method, "params": streams, "id": number}))

    def _refused(self, number: int | str | None, code: int, message: str) -> Steps:
        markets = self._requests.answered(number)
        if len(markets) > 1:
            return [self._request("SUBSCRIBE", [market]) for market in markets]
        return [Refused(markets[0] if markets else None, f"{message} (code {code})")]


WIRE = Wire(
    shapes=(
        Shape(
            kind=Kind.BEST,
            names={"{lower}@bookTicker": 0},
            keys={
                "stream": What.NAME,
                "data.e": What.SKIP,
                "data.E": What.TIME,
                "data.u": What.LAST,
                "data.s": What.ID,
                "data.b": What.BID,
                "data.B": What.BID_SIZE,
                "data.a": What.ASK,
                "data.A": What.ASK_SIZE,
            },
            may=(What.TIME,),
        ),
        Shape(
            kind=Kind.DELTA,
            names={"{lower}@depth@100ms": 1, "{lower}@depth@0ms": 1, "{lower}@depth": 1},
            keys={
                "stream": What.NAME,
                "data.E": What.TIME,
                "data.s": What.ID,
                "data.U": What.FIRST,
                "data.u": What.LAST,
                "data.pu": What.PREVIOUS,
                "data.b": What.BIDS,
                "data.a": What.ASKS,
            },
            may=(What.PREVIOUS,),
            chain=Chain.EITHER,
        ),
        Shape(
            kind=Kind.WHOLE,
            names={"{lower}@depth20@100ms": 1},
            keys={
                "stream": What.NAME,
                "data.lastUpdateId": What.LAST,
                "data.bids": What.BIDS,
                "data.asks": What.ASKS,
            },
            chain=Chain.NEWEST,
        ),
    ),
    refused=("id", "error", "code", "msg", "e"),
)

VENUE = Venue(
    id="binance",
    name="Binance",
    rest="https://api.binance.com",
    ws="wss://stream.binance.com:9443",
    make=Binance,
    limits=Limits(markets=200, sends=4, connects=60, fetches=2),
    proof={Depth.TOP: Proof.SNAPSHOTS, Depth.FULL: Proof.CHAINED},
    channels={
        Depth.TOP: "depth20@100ms + bookTicker",
        Depth.FULL: "depth@100ms + REST snapshot + bookTicker",
    },
    wire=WIRE,
    clocked=frozenset({Depth.TOP}),
    rest_book=RestBook(path="/api/v3/depth?symbol={id}&limit=100"),
    notes=(
        "bookTicker carries no time of its own; it is ordered by its update id. Nor does depth20:"
        " btcusdt@aggTrade on the same connection tells how late all of it comes.",
        "A subscription to an unknown symbol is acknowledged and stays silent.",
    ),
)
