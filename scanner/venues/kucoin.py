"""KuCoin classic spot: public order books.

https://www.kucoin.com/docs-new/websocket-api/base-info/introduction

The address of the stream comes with a token from REST; nothing may be sent before the venue's
``welcome``. ``top``: ``level2Depth50``, whole snapshots ordered by their time. ``full``:
``/market/level2`` changes joined to a REST snapshot of 100 levels a side, which is fetched again
when the price has moved through half of them. Both with ``level1`` for the best bid and offer,
ordered by the same time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from urllib.parse import quote

import msgspec
from msgspec import Meta, Raw, Struct

from scanner.steps import (
    Ack,
    Best,
    Connect,
    Delta,
    Fetch,
    Notice,
    Reconnect,
    Refused,
    Send,
    Snapshot,
)
from scanner.types import Depth, FeeSide, LevelLayout, Market, Proof
from scanner.venues.bridged import BridgedBooks, market_of
from scanner.venues.cells import READY, Cells, Shared
from scanner.venues.horizon import ShallowBridge
from scanner.venues.kucoin_token import grant
from scanner.venues.parts import (
    MILLISECOND,
    Fetches,
    Known,
    Millis,
    Pulse,
    Requests,
    UpdateId,
    batched,
    decode,
    encoded,
    levels,
)
from scanner.venues.protocol import Limits, Options, Steps, Venue
from scanner.venues.rest_book import RestBook
from scanner.venues.sequence import Newest, Verdict
from scanner.venues.wire import Chain, Kind, Order, Shape, What, Wire

REST, WS = "https://api.kucoin.com", "wss://ws-api-spot.kucoin.com"
SYMBOLS_PER_REQUEST = 100
SNAPSHOT_LEVELS = 100
QUIET_SECONDS = 5
INCOMPARABLE = (1 << 63) - 1  # the order of a book without a time: no best bid and offer is newer
GOOD = "200000"
TOKEN = "token"
DEPTH_50, CHANGES, LEVEL_1 = "/spotMarket/level2Depth50", "/market/level2", "/spotMarket/level1"

_Touch = Annotated[list[str], Meta(max_length=8)]


class _Envelope(Struct):
    type: str = ""
    id: str | int | None = None
    topic: str = ""
    data: Raw = Raw(b"")
    code: int | str = 0


class _Depth50(Struct):
    asks: Raw
    bids: Raw
    timestamp: Millis


class _Level1(Struct):
    timestamp: Millis
    asks: _Touch | None = None
    bids: _Touch | None = None


class _Changes(Struct):
    asks: Raw = Raw(b"[]")
    bids: Raw = Raw(b"[]")


class _Level2(Struct):
    sequenceStart: UpdateId
    sequenceEnd: UpdateId
    changes: _Changes
    time: Millis = 0


class _Book(Struct):
    asks: Raw = Raw(b"null")
    bids: Raw = Raw(b"null")
    sequence: UpdateId | None = None
    time: Millis = 0


class _BookAnswer(Struct):
    code: str = ""
    msg: str = ""
    data: _Book | None = None


_envelope = msgspec.json.Decoder(_Envelope)
_depth_50 = msgspec.json.Decoder(_Depth50)
_level_1 = msgspec.json.Decoder(_Level1)
_level_2 = msgspec.json.Decoder(_Level2)
# REST writes the sequence as text.
_book_answer = msgspec.json.Decoder(_BookAnswer, strict=False)


class KuCoin:
    """One connection to the classic public stream."""

    def __init__(self, markets: Sequence[Market] | None, options: Options) -> None:
        self.shared = Shared()
        self._known = Known(markets)
        self._options = options
        self._depth = CHANGES if options.depth is Depth.FULL else DEPTH_50
        self._requests = Requests()
        self._wanted = Fetches()
        self._pulse = Pulse(18, QUIET_SECONDS, dead=10, connection=self.shared.connection)
        many = len(self._known.ids)
        self._books = BridgedBooks(_bridge, self._snapshot_url, self._wanted, many, self.shared)

    def start(self, at: int) -> Steps:
        return [Fetch(TOKEN, f"{self._options.rest}/api/v1/bullet-public", "POST")]

    def opened(self, at: int) -> Steps:
        self._pulse.started(at)
        return ()

    def received(self, raw: bytes, at: int) -> Steps:
        envelope = decode(_envelope, raw)
        self._pulse.heard(at)
        match envelope.type:
            case "message":
                return self._message(envelope.topic, envelope.data, at)
            case "welcome":
                return self._subscriptions()
            case "ack":
                topic, markets = self._answered(envelope.id)
                return [Ack(market) for market in markets] if topic == self._depth else ()
            case "error":
                return self._error(envelope)
            case "pong":
                return ()
            case other:
                return [Notice(f"unexpected message of type {other!r:.40}")]

    def fetched(self, tag: str, status: int, body: bytes, at: int) -> Steps:
        if tag == TOKEN:
            return self._connect(status, body, at)
        market = market_of(tag)
        if status != 200:
            return self._books.failed(market, f"HTTP {status}", at)
        answer = decode(_book_answer, body)
        if answer.code != GOOD:
            return self._books.failed(market, f"code {answer.code} {answer.msg}"[:200], at)
        if answer.data is None or answer.data.sequence is None:
            return self._books.failed(market, "no book in the answer", at)
        book = answer.data
        snapshot = Snapshot(
            market=market,
            bids=levels(book.bids),
            asks=levels(book.asks),
            sequence=answer.data.sequence,
            order=book.time or INCOMPARABLE,
            sent_at=book.time * MILLISECOND,
            live=False,
        )
        return self._books.joined(snapshot, at)

    def resync(self, market: str, reason: str, at: int) -> Steps:
        if not self._wanted.start(market, at):
            return ()
        steps = self._resubscribed(market)
        if self._options.depth is Depth.FULL:
            self._books[market].restart()
            return [*steps, self._books.request(market)]
        self._newest(market).last = None
        return steps

    def idle(self, at: int) -> Steps:
        if self._pulse.lost(at):
            return [Reconnect("the venue is silent and does not answer a ping")]
        steps: list[Send | Fetch] = []
        if self._pulse.due(at):
            ping = encoded({"id": str(at), "type": "ping"})
            steps.append(Send(ping, heartbeat=True))
        for market in self._wanted.due(at):
            if self._options.depth is Depth.FULL:
                steps.append(self._books.request(market))
            else:
                steps += self._resubscribed(market)
        return steps

    def _connect(self, status: int, body: bytes, at: int) -> Steps:
        granted = grant(status, body, self._options.ws, moved=self._options.ws != WS, name=at)
        if isinstance(granted, Reconnect):
            return [granted]
        timeout = max(granted.answers_within, 2 * QUIET_SECONDS)
        every, connection = granted.ping_every, self.shared.connection
        self._pulse = Pulse(every, QUIET_SECONDS, dead=timeout, connection=connection)
        return [Connect(granted.url)]

    def _subscriptions(self) -> list[Send]:
        batches = list(batched(self._known.ids, SYMBOLS_PER_REQUEST))
        topics = (self._depth, LEVEL_1)
        return [self._request("subscribe", topic, batch) for batch in batches for topic in topics]

    def _resubscribed(self, market: str) -> list[Send | Fetch]:
        verbs = ("unsubscribe", "subscribe")
        return [self._request(verb, self._depth, [market]) for verb in verbs]

    def _request(self, verb: str, topic: str, markets: Sequence[str]) -> Send:
        number = self._requests.new(markets if verb == "subscribe" else ())
        body = {
            # The id comes back with the answer, which says nothing else.
            "id": f"{topic}#{number}",
            "type": verb,
            "topic": f"{topic}:{','.join(markets)}",
            "privateChannel": False,
            "response": True,
        }
        return Send(encoded(body))

    def _answered(self, identity: str | int | None) -> tuple[str, tuple[str, ...]]:
        topic, _, number = str(identity).rpartition("#")
        return topic, self._requests.answered(number)

    def _error(self, envelope: _Envelope) -> Steps:
        reason = f"{bytes(envelope.data).decode(errors='replace')} (code {envelope.code})"[:200]
        if "token" in reason:
            return [Reconnect(f"the venue refuses this connection: {reason}")]
        topic, markets = self._answered(envelope.id)
        if len(markets) > 1:
            return [self._request("subscribe", topic, [market]) for market in markets]
        if markets and topic == LEVEL_1:
            return [Notice(f"{markets[0]}: best bid and offer refused: {reason}")]
        return [Refused(markets[0] if markets else None, reason)]

    def _message(self, topic: str, data: Raw, at: int) -> Steps:
        channel, _, market = topic.rpartition(":")
        if channel not in (DEPTH_50, CHANGES, LEVEL_1):
            return ()
        if market not in self._known:
            return [Notice(f"data of {topic!r:.80}, which was not subscribed")]
        if channel == LEVEL_1:
            return self._best(market, data)
        if channel == DEPTH_50:
            return self._whole(market, data, at)
        return self._changes(market, data, at)

    def _best(self, market: str, data: Raw) -> Steps:
        best = decode(_level_1, data)
        bid_price, bid_size = _touch(best.bids)
        ask_price, ask_size = _touch(best.asks)
        return [
            Best(
                market=market,
                bid_price=bid_price,
                bid_size=bid_size,
                ask_price=ask_price,
                ask_size=ask_size,
                order=best.timestamp,
                sent_at=best.timestamp * MILLISECOND,
            )
        ]

    def _whole(self, market: str, data: Raw, at: int) -> Steps:
        book = decode(_depth_50, data)
        if self._newest(market).snapshot(book.timestamp, at) is Verdict.SKIP:
            return ()
        self._wanted.done(market)
        self.shared[market][READY] = 1
        return [
            Snapshot(
                market=market,
                bids=bytes(book.bids),
                asks=bytes(book.asks),
                sequence=book.timestamp,
                sent_at=book.timestamp * MILLISECOND,
            )
        ]

    def _changes(self, market: str, data: Raw, at: int) -> Steps:
        update = decode(_level_2, data)
        first, last = update.sequenceStart, update.sequenceEnd
        delta = Delta(
            market=market,
            bids=bytes(update.changes.bids),
            asks=bytes(update.changes.asks),
            sequence=last,
            order=update.time or INCOMPARABLE,
            sent_at=update.time * MILLISECOND,
        )
        bridge = self._books[market]
        verdict, delta = bridge.delta(first, last, delta, at)
        if verdict is Verdict.APPLY:
            fetch = self._books.fetch(market, at) if bridge.worn else []
            if fetch:
                bridge.renew()
            return [delta, *fetch]
        reason = f"sequence {first}..{last} does not follow the last one"
        return self._books.missed(market, verdict, reason, at)

    def _newest(self, market: str) -> Newest:
        return Newest(self.shared[market])

    def _snapshot_url(self, market: str) -> str:
        path = f"/api/v1/market/orderbook/level2_{SNAPSHOT_LEVELS}"
        return f"{self._options.rest}{path}?symbol={quote(market)}"


def _bridge(cells: Cells, room: int) -> ShallowBridge:
    return ShallowBridge(SNAPSHOT_LEVELS, cells, room)


def _touch(side: list[str] | None) -> tuple[str, str]:
    """Price and size; an empty side has none, or a price of zero."""
    if not side or not side[0].strip("0."):
        return "", ""
    if len(side) < 2:
        raise msgspec.ValidationError("a best price without its size")
    return side[0], side[1]


MESSAGE = {"type": ("message",)}
WIRE = Wire(
    shapes=(
        Shape(
            kind=Kind.BEST,
            names={f"{LEVEL_1}:{{id}}": 0},
            tags=MESSAGE,
            keys={
                "topic": What.NAME,
                "subject": What.SKIP,
                "data.asks": What.ASK_PAIR,
                "data.bids": What.BID_PAIR,
                "data.timestamp": What.TIME,
            },
            timed=True,
        ),
        Shape(
            kind=Kind.DELTA,
            names={f"{CHANGES}:{{id}}": 1},
            tags=MESSAGE,
            keys={
                "topic": What.NAME,
                "data.symbol": What.SKIP,
                "data.changes.asks": What.ASKS,
                "data.changes.bids": What.BIDS,
                "data.sequenceStart": What.FIRST,
                "data.sequenceEnd": What.LAST,
                "data.time": What.TIME,
            },
            may=(What.TIME,),
            chain=Chain.NEXT,
            order=Order.TIME,
            horizon=True,
        ),
        Shape(
            kind=Kind.WHOLE,
            names={f"{DEPTH_50}:{{id}}": 1},
            tags=MESSAGE,
            keys={
                "topic": What.NAME,
                "data.asks": What.ASKS,
                "data.bids": What.BIDS,
                "data.timestamp": What.TIME,
            },
            chain=Chain.NEWEST,
            timed=True,
        ),
    ),
    refused=("id", "code"),
)

VENUE = Venue(
    id="kucoin",
    name="KuCoin",
    rest=REST,
    ws=WS,
    make=KuCoin,
    limits=Limits(markets=150, sends=8, connects=25),
    proof={Depth.TOP: Proof.SNAPSHOTS, Depth.FULL: Proof.CHAINED},
    channels={
        Depth.TOP: "level2Depth50 + level1",
        Depth.FULL: "/market/level2 + REST level2_100 + level1",
    },
    layout=LevelLayout(zero_price_skips=True),
    wire=WIRE,
    fee_side=FeeSide.QUOTE,
    rest_book=RestBook(
        path="/api/v1/market/orderbook/level2_100?symbol={id}",
        within=("data",),
        made=("data", "time"),
    ),
    notes=(
        "The address of the stream comes with a token from REST, a new one for each connection.",
        "A subscription to an unknown symbol is acknowledged and stays silent.",
        "full: the public snapshot has 100 levels a side; the book ends where it did.",
        "level2Depth50 and level1 carry no sequence: they are ordered by their time, in ms.",
    ),
)
