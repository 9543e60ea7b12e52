"""Bybit v5: public order books.

https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook

``top``: ``orderbook.50`` (every 20 ms), ``full``: ``orderbook.200`` (every 100 ms): a snapshot on
the stream, then deltas. Both with ``orderbook.1`` (every 10 ms, whole each time) for the best bid
and offer. ``u`` counts the messages of one topic, ``seq`` is the matching engine's and orders the
topics of a market against each other. Contracts speak the same format on streams of their own
(``bybit_linear``), where more is told of each market (``Beside``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

import msgspec
from msgspec import Raw, Struct

from scanner.steps import (
    Ack,
    Best,
    Connect,
    Delta,
    Notice,
    Reconnect,
    Refused,
    Reset,
    Send,
    Snapshot,
    Step,
)
from scanner.types import Depth, Market, Proof
from scanner.venues.cells import ORDER, READY, Cells, Shared
from scanner.venues.parts import (
    MILLISECOND,
    Known,
    Millis,
    Pulse,
    Requests,
    Resubscriptions,
    UpdateId,
    batched,
    decode,
    encoded,
)
from scanner.venues.protocol import Limits, Options, Steps, Venue
from scanner.venues.rest_book import RestBook
from scanner.venues.sequence import Contiguous, Doubt, Verdict
from scanner.venues.wire import Chain, Kind, Order, Shape, What, Wire

TOPICS_PER_REQUEST = 10
TOPIC_CHARACTERS = 21_000
RESTARTED = 1
PING = Send('{"op":"ping"}', heartbeat=True)

Row = tuple[str, str]
S = TypeVar("S", Snapshot, Delta)


class _Message(Struct):
    topic: str = ""
    type: str = ""
    ts: Millis = 0
    data: Raw = Raw(b"null")
    op: str = ""
    success: bool | None = None
    ret_msg: str = ""
    req_id: str | int | None = None


class _Book(Struct):
    s: str
    b: Raw
    a: Raw
    u: UpdateId
    seq: UpdateId


class _Touch(Struct):
    s: str
    b: list[Row]
    a: list[Row]
    u: UpdateId
    seq: UpdateId


_message = msgspec.json.Decoder(_Message)
_book = msgspec.json.Decoder(_Book)
_touch = msgspec.json.Decoder(_Touch)
_named_topic = re.compile(r"orderbook\.(\d+)\.([\w-]+)")


class _Stream:
    """One market's depth topic.

    1. A snapshot replaces the book whenever it comes; only one that both ids say is older does not,
    and that for no longer than ``Doubt`` allows.
    2. ``u == 1`` means that the service has restarted: what comes is the whole book, even if it
    says delta. 3. Otherwise a delta applies if its ``u`` is the last one plus one; the same ``u``
    repeats, a smaller one is older, unless ``seq`` has moved on: then the ids were reset unseen.
    4. Anything else is a gap.
    """

    __slots__ = ("_cells", "_doubt", "_rule", "topic")

    def __init__(self, topic: str, cells: Cells) -> None:
        self.topic = topic
        self._cells = cells
        self._rule = Contiguous(cells)
        self._doubt = Doubt()
        self.forget()

    @property
    def last(self) -> int | None:
        """The ``u`` of the last message that counted; None while a snapshot is missing."""
        return self._rule.last

    def ready(self) -> None:
        """What follows needs nothing but the cells."""
        self._cells[READY] = int(self.topic.split(".")[1])

    def forget(self) -> None:
        """Nothing seen so far counts: wait for a snapshot."""
        self._rule.last = None
        self._doubt.ends()
        self._cells[ORDER] = -1

    def snapshot(self, book: _Book, at: int) -> Verdict:
        last = self._rule.last
        older = last is not None and RESTARTED != book.u < last and book.seq < self._cells[ORDER]
        if older and not self._doubt.grows(at):
            return Verdict.SKIP
        self._doubt.ends()
        self._cells[ORDER] = book.seq
        return self._rule.snapshot(book.u)

    def delta(self, book: _Book, at: int) -> Verdict:
        last = self._rule.last
        verdict = self._rule.delta(book.u, book.u, at)
        if verdict is Verdict.SKIP and book.u != last and book.seq > self._cells[ORDER]:
            verdict = Verdict.GAP
        if verdict is Verdict.APPLY:
            self._cells[ORDER] = book.seq
        elif verdict is Verdict.GAP:
            self.forget()
        return verdict


class Beside(Protocol):
    """What is subscribed of each market beside its book."""

    def topics(self, market: str) -> Sequence[str]:
        """The topics, none of which is a book's."""
        ...

    def published(self, topic: str, kind: str, data: Raw, ts: int) -> Steps:
        """A message of any topic that is no book's; ``ts`` in ms."""
        ...


class Bybit:
    """One connection to the public stream of one category."""

    def __init__(
        self,
        markets: Sequence[Market] | None,
        options: Options,
        category: str = "spot",
        beside: Beside | None = None,
    ) -> None:
        self.shared = Shared()
        self._known = Known(markets)
        self._options = options
        self._category = category
        self._beside = beside
        self._levels = 200 if options.depth is Depth.FULL else 50
        self._streams = {
            market: _Stream(self._deep(market), self.shared[market]) for market in self._known.ids
        }
        self._requests = Requests()
        self._renewals = Resubscriptions()
        self._pulse = Pulse(every=20, quiet=5, dead=10, connection=self.shared.connection)

    def start(self, at: int) -> Steps:
        return [Connect(f"{self._options.ws}/v5/public/{self._category}")]

    def opened(self, at: int) -> Steps:
        self._pulse.started(at)
        topics = [topic for market in self._known.ids for topic in self._topics(market)]
        # Those beside the books are asked for apart: one bad topic fails the request it stands in.
        beside = self._beside.topics if self._beside is not None else lambda market: ()
        more = [topic for market in self._known.ids for topic in beside(market)]
        batches = [*batched(topics, TOPICS_PER_REQUEST), *batched(more, TOPICS_PER_REQUEST)]
        return [self._request("subscribe", batch) for batch in batches]

    def received(self, raw: bytes, at: int) -> Steps:
        self._pulse.heard(at)
        message = decode(_message, raw)
        if message.topic:
            return self._published(message, at)
        topics = self._requests.answered(message.req_id)
        if message.op == "subscribe":
            return self._answered(message, topics)
        if message.op == "unsubscribe":
            return self._left(topics)
        if message.op in ("ping", "pong"):
            return ()
        if message.success is False:
            return [Refused(None, message.ret_msg)]
        return [Notice(f"unexpected message with op {message.op!r}")]

    def fetched(self, tag: str, status: int, body: bytes, at: int) -> Steps:
        return ()

    def resync(self, market: str, reason: str, at: int) -> Steps:
        if market in self._streams:
            self._streams[market].forget()
        return self._renew(market, at)

    def idle(self, at: int) -> Steps:
        if self._pulse.lost(at):
            return [Reconnect("the venue has fallen silent and answers no ping")]
        steps: list[Step] = [PING] if self._pulse.due(at) else []
        leave, join = self._renewals.due(at)
        steps += [self._request("unsubscribe", self._topics(market)) for market in leave]
        steps += [self._request("subscribe", self._topics(market)) for market in join]
        return steps

    def _published(self, message: _Message, at: int) -> Steps:
        channel, _, rest = message.topic.partition(".")
        levels, _, market = rest.partition(".")
        if channel != "orderbook" or not levels.isdecimal():
            if self._beside is None:
                return ()
            return self._beside.published(message.topic, message.type, message.data, message.ts)
        if market not in self._known:
            return [Notice(f"book of {market!r}, which was not subscribed")]
        if levels == "1" and market in self._streams:
            return self._best(market, message)
        book = decode(_book, message.data)
        _check(market, book.s)
        if levels == "1":
            # Recorded without a deeper topic: the one level is all there is of the book.
            one = msgspec.structs.replace(_step(Snapshot, message, book), depth=1)
            return [one] if message.type == "snapshot" else ()
        stream = self._streams.get(market)
        if stream is None:
            stream = self._streams[market] = _Stream(message.topic, self.shared[market])
        if stream.topic != message.topic:
            return ()
        if message.type == "snapshot" or book.u == RESTARTED:
            return self._replace(stream, message, book, at)
        if message.type == "delta":
            return self._change(stream, message, book, at)
        raise msgspec.ValidationError(f"book of type {message.type!r}")

    def _best(self, market: str, message: _Message) -> Steps:
        touch = decode(_touch, message.data)
        _check(market, touch.s)
        if message.type != "snapshot":
            return ()
        bid, ask = (rows[0] if rows else ("", "") for rows in (touch.b, touch.a))
        return [
            Best(
                market=market,
                bid_price=bid[0],
                bid_size=bid[1],
                ask_price=ask[0],
                ask_size=ask[1],
                order=touch.seq,
                sent_at=message.ts * MILLISECOND,
            )
        ]

    def _replace(self, stream: _Stream, message: _Message, book: _Book, at: int) -> Steps:
        if stream.snapshot(book, at) is Verdict.SKIP:
            return ()
        self._renewals.done(book.s)
        if book.s not in self._renewals:
            stream.ready()
        return [_step(Snapshot, message, book)]

    def _change(self, stream: _Stream, message: _Message, book: _Book, at: int) -> Steps:
        last = stream.last
        if last is None:
            return ()
        verdict = stream.delta(book, at)
        if verdict is Verdict.SKIP:
            return ()
        if verdict is Verdict.GAP:
            reason = f"update id {book.u} does not follow {last}"
            return [Reset(book.s, reason), *self._renew(book.s, at)]
        return [_step(Delta, message, book)]

    def _answered(self, message: _Message, topics: Sequence[str]) -> Steps:
        if message.success:
            return self._accepted(topics)
        if len(topics) > 1:
            # One bad topic fails its whole request, and the good ones with it.
            return [self._request("subscribe", [topic]) for topic in topics]
        if "already subscribed" in message.ret_msg:
            return self._accepted(topics)
        named = _named_topic.search(topics[0] if topics else message.ret_msg)
        if named is None and topics:
            return [Notice(f"{topics[0]} refused: {message.ret_msg!r:.200}")]
        if named is None:
            return [Refused(None, message.ret_msg)]
        if named[1] == "1":
            return [Notice(f"{named[0]} refused: {message.ret_msg!r}")]
        self._renewals.done(named[2])
        return [Refused(named[2], message.ret_msg)]

    def _accepted(self, topics: Iterable[str]) -> Steps:
        return [Ack(market) for market in self._known.ids if self._deep(market) in topics]

    def _left(self, topics: Sequence[str]) -> Steps:
        # Whatever was said to it: what is subscribed still will be refused by name.
        markets = {topic.split(".", 2)[2]: None for topic in topics}
        left = [market for market in markets if self._renewals.left(market)]
        return [self._request("subscribe", self._topics(market)) for market in left]

    def _renew(self, market: str, at: int) -> Steps:
        if not self._renewals.start(market, at):
            return ()
        return [self._request("unsubscribe", self._topics(market))]

    def _request(self, verb: str, topics: Sequence[str]) -> Send:
        body = {"req_id": str(self._requests.new(topics)), "op": verb, "args": topics}
        return Send(encoded(body))

    def _deep(self, market: str) -> str:
        return f"orderbook.{self._levels}.{market}"

    def _topics(self, market: str) -> tuple[str, str]:
        return (self._deep(market), f"orderbook.1.{market}")


def _check(market: str, symbol: str) -> None:
    if symbol != market:
        raise msgspec.ValidationError(f"topic of {market!r} carries the book of {symbol!r}")


def _step(kind: type[S], message: _Message, book: _Book) -> S:
    return kind(
        market=book.s,
        bids=bytes(book.b),
        asks=bytes(book.a),
        sequence=book.u,
        order=book.seq,
        sent_at=message.ts * MILLISECOND,
    )


KEYS = {
    "topic": What.NAME,
    "ts": What.TIME,
    "data.s": What.ID,
    "data.b": What.BIDS,
    "data.a": What.ASKS,
    "data.u": What.LAST,
    "data.seq": What.ORDER,
    "cts": What.SKIP,
}
WIRE = Wire(
    shapes=(
        Shape(
            kind=Kind.DELTA,
            names={f"orderbook.{levels}.{{id}}": levels for levels in (50, 200, 1000)},
            tags={"type": ("delta",)},
            keys=KEYS,
            chain=Chain.NEXT,
            order=Order.FIELD,
        ),
        Shape(
            kind=Kind.BEST,
            names={"orderbook.1.{id}": 0},
            tags={"type": ("snapshot",)},
            keys=KEYS,
            order=Order.FIELD,
        ),
    ),
    refused=("op", "success", "ret_msg", "req_id"),
)

VENUE = Venue(
    id="bybit",
    name="Bybit",
    rest="https://api.bybit.com",
    ws="wss://stream.bybit.com",
    make=Bybit,
    limits=Limits(markets=150, sends=10, connects=60),
    proof={Depth.TOP: Proof.CHAINED, Depth.FULL: Proof.CHAINED},
    channels={
        Depth.TOP: "orderbook.50 + orderbook.1",
        Depth.FULL: "orderbook.200 + orderbook.1",
    },
    wire=WIRE,
    rest_book=RestBook(
        path="/v5/market/orderbook?category=spot&symbol={id}&limit=100",
        within=("result",),
        bids="b",
        asks="a",
        made=("result", "ts"),
    ),
    notes=(
        "Spot takes ten topics in one request; one unknown topic fails the whole request.",
        "orderbook.1 repeats its last state after three seconds without a change.",
    ),
)
