"""OKX v5: public order books (spot; contracts speak the same format: ``okx_contracts``).

https://www.okx.com/docs-v5/en/#order-book-trading-market-data-ws-order-book-channel

``top``: ``books5``, five whole levels every 100 ms. ``full``: ``books``, 400 levels, a snapshot on
the stream and then deltas that name the id before them. Both with ``bbo-tbt`` (10 ms) for the best
bid and offer, ordered by the same ``seqId``. A snapshot comes only in answer to a subscribe.

Updates chain: the snapshot's ``prevSeqId`` is -1, each update's is the last ``seqId``, whatever its
own is (the same after a minute without change, smaller after maintenance); the last ``seqId`` again
is a duplicate; anything else is a gap.

Recordings from before 2023 carry neither ``seqId`` nor ``prevSeqId``: their deltas are taken as
they come, their checksum (0 since June 2026) is passed on, their time orders them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

import msgspec
from msgspec import Raw, Struct

from scanner.steps import Ack, Connect, Notice, Reconnect, Refused, Send, Step
from scanner.types import ChecksumRule, Depth, FeeSide, Market, Proof
from scanner.venues.cells import Shared
from scanner.venues.linked import NO_LEVEL, Level, LinkedBooks
from scanner.venues.parts import (
    Allowance,
    Int64,
    Known,
    Millis,
    Pulse,
    Requests,
    UpdateId,
    batched,
    decode,
    encoded,
)
from scanner.venues.protocol import Limits, Options, Steps, Venue
from scanner.venues.rest_book import RestBook
from scanner.venues.wire import Chain, Kind, Order, Shape, What, Wire

BEST = "bbo-tbt"
MARKETS_PER_REQUEST = 20
REQUESTS_PER_HOUR = 480
CLOSES_FOR_UPGRADE = "64008"
TOO_FREQUENT = ("60014", "50011")


class _Arg(Struct):
    channel: str = ""
    instId: str = ""


class _Message(Struct):
    event: str = ""
    arg: _Arg | None = None
    action: str = ""
    data: Raw = Raw(b"[]")
    id: str | int | None = None
    code: str | int = ""
    msg: str = ""


class _Book(Struct, rename={"time": "ts", "sequence": "seqId", "previous": "prevSeqId"}):
    bids: Raw
    asks: Raw
    time: Millis
    sequence: UpdateId | None = None
    previous: Int64 | None = None
    checksum: int | None = None

    def sides(self) -> tuple[bytes, bytes]:
        return bytes(self.bids), bytes(self.asks)


class _Touch(Struct, rename={"time": "ts", "sequence": "seqId"}):
    bids: list[Level]
    asks: list[Level]
    time: Millis
    sequence: UpdateId | None = None

    def best(self) -> tuple[Level, Level]:
        bids, asks = self.bids, self.asks
        return bids[0] if bids else NO_LEVEL, asks[0] if asks else NO_LEVEL


_message = msgspec.json.Decoder(_Message)
_books = msgspec.json.Decoder(list[_Book], strict=False)
_touches = msgspec.json.Decoder(list[_Touch], strict=False)
_named = re.compile(r"channel:\s*([\w-]+),\s*instId:\s*([\w-]+)")


class Beside(Protocol):
    """What is subscribed of each market beside its book."""

    def args(self, market: str) -> Sequence[dict[str, str]]:
        """Channels and what they are of, none of which is a book's."""
        ...

    def data(self, channel: str, of: str, data: Raw) -> Steps:
        """Data of any channel that is no book's."""
        ...


class Okx:
    """One connection to the public stream."""

    def __init__(
        self, markets: Sequence[Market] | None, options: Options, beside: Beside | None = None
    ) -> None:
        self.shared = Shared()
        self._known = Known(markets)
        self._beside = beside
        self._options = options
        self._depth = "books" if options.depth is Depth.FULL else "books5"
        self._requests = Requests()
        self._allowance = Allowance(REQUESTS_PER_HOUR, seconds=3600)
        self._books = LinkedBooks(self._request, self.shared, recorded=markets is None)
        self._pulse = Pulse(every=20, quiet=5, dead=10, connection=self.shared.connection)

    def start(self, at: int) -> Steps:
        return [Connect(f"{self._options.ws}/ws/v5/public")]

    def opened(self, at: int) -> Steps:
        self._pulse.started(at)
        batches = list(batched(self._known.ids, MARKETS_PER_REQUEST))
        steps = [self._request("subscribe", batch, at) for batch in batches]
        if self._beside is not None:
            steps += [self._ask_beside(self._beside, batch, at) for batch in batches]
        return steps

    def received(self, raw: bytes, at: int) -> Steps:
        self._pulse.heard(at)
        if raw == b"pong":
            return ()
        message = decode(_message, raw)
        if message.event:
            return self._event(message, at)
        if message.arg is None:
            return [Notice("a message that names no channel")]
        return self._data(message.arg, message, at)

    def fetched(self, tag: str, status: int, body: bytes, at: int) -> Steps:
        return ()

    def resync(self, market: str, reason: str, at: int) -> Steps:
        return self._books.renew(market, at)

    def idle(self, at: int) -> Steps:
        if self._pulse.lost(at):
            return [Reconnect("the venue answers no ping")]
        steps: list[Step] = [Send("ping", heartbeat=True)] if self._pulse.due(at) else []
        return [*steps, *self._books.due(at)]

    def _event(self, message: _Message, at: int) -> Steps:
        if message.event == "notice" and str(message.code) == CLOSES_FOR_UPGRADE:
            return [Reconnect("the venue announced that it closes this connection")]
        if message.event == "error":
            return self._error(message, at)
        if message.arg is None or not message.arg.channel.startswith("books"):
            return () if message.arg else [Notice(f"{message.event!r:.40}: {message.msg!r:.200}")]
        market = message.arg.instId
        if message.event == "subscribe" and market in self._known:
            return [Ack(market)]
        return self._books.left(market, at) if message.event == "unsubscribe" else ()

    def _error(self, message: _Message, at: int) -> Steps:
        reason = f"{message.msg:.200} (code {message.code})"
        named = _named.search(message.msg)
        if named and named[2] in self._known:
            if not named[1].startswith("books"):
                return [Notice(f"{named[2]}: no {named[1]}: {reason}")]
            return self._books.refused(named[2], reason, at)
        markets = self._requests.answered(message.id)
        if str(message.code) in TOO_FREQUENT:
            self._books.later(markets, at)
            return [Notice(reason)]
        if not markets and named:
            return [Notice(reason)]
        if not markets:
            return [Refused(None, reason)]
        if len(markets) > 1:
            return [self._request("subscribe", [market], at) for market in markets]
        return self._books.refused(markets[0], reason, at)

    def _data(self, arg: _Arg, message: _Message, at: int) -> Steps:
        market, channel = arg.instId, arg.channel
        if channel != BEST and not channel.startswith("books"):
            return self._beside.data(channel, market, message.data) if self._beside else ()
        if market not in self._known:
            return [Notice(f"{channel!r:.40} of {market!r:.40}, which was not subscribed")]
        if channel == BEST:
            touches = decode(_touches, message.data)
            return [step for touch in touches for step in self._books.best(market, touch, at)]
        books = decode(_books, message.data)
        if message.action == "update":
            return [step for book in books for step in self._books.update(market, book, at)]
        return [step for book in books for step in self._books.whole(market, book, at)]

    def _request(self, op: str, markets: Sequence[str], at: int) -> Send | Reconnect:
        if not self._allowance.take(at):
            return Reconnect("the venue allows this connection no more requests this hour")
        args = [{"channel": c, "instId": m} for m in markets for c in (self._depth, BEST)]
        body = {"id": str(self._requests.new(markets)), "op": op, "args": args}
        return Send(encoded(body))

    def _ask_beside(self, beside: Beside, markets: Sequence[str], at: int) -> Send | Reconnect:
        if not self._allowance.take(at):
            return Reconnect("the venue allows this connection no more requests this hour")
        args = {(a["channel"], a["instId"]): a for m in markets for a in beside.args(m)}
        body = {"id": str(self._requests.new()), "op": "subscribe", "args": list(args.values())}
        return Send(encoded(body))


TOUCH = {
    "arg.instId": What.NAME,
    "data[].asks": What.ASKS,
    "data[].bids": What.BIDS,
    "data[].instId": What.SKIP,
    "data[].ts": What.TIME,
    "data[].seqId": What.LAST,
}
BOOK = {**TOUCH, "data[].checksum": What.CHECKSUM, "data[].prevSeqId": What.PREVIOUS}
WIRE = Wire(
    shapes=(
        Shape(
            kind=Kind.BEST,
            names={"{id}": 0},
            tags={"arg.channel": (BEST,)},
            keys=TOUCH,
            may=(What.LAST,),
            order=Order.RANK,
            timed=True,
            columns=4,
        ),
        Shape(
            kind=Kind.DELTA,
            names={"{id}": 0},
            tags={"arg.channel": ("books", "books-l2-tbt"), "action": ("update",)},
            keys=BOOK,
            may=(What.LAST, What.PREVIOUS, What.CHECKSUM),
            chain=Chain.PREVIOUS,
            order=Order.RANK,
            timed=True,
            no_sum=True,
        ),
        Shape(
            kind=Kind.WHOLE,
            names={"{id}": 0},
            tags={"arg.channel": ("books5",)},
            keys=BOOK,
            may=(What.LAST, What.PREVIOUS, What.CHECKSUM),
            chain=Chain.PREVIOUS,
            order=Order.RANK,
            timed=True,
            no_sum=True,
        ),
    ),
    refused=("event", "id", "code", "msg"),
    lax=True,
)

REST_BOOK = RestBook(
    path="/api/v5/market/books?instId={id}&sz=100", within=("data", 0), made=("data", 0, "ts")
)

VENUE = Venue(
    id="okx",
    name="OKX",
    rest="https://www.okx.com",
    ws="wss://ws.okx.com:8443",
    make=Okx,
    limits=Limits(markets=30, sends=3, connects=60),
    proof={Depth.TOP: Proof.SNAPSHOTS, Depth.FULL: Proof.CHAINED},
    channels={Depth.TOP: "books5 + bbo-tbt", Depth.FULL: "books + bbo-tbt"},
    fee_side=FeeSide.GET,
    checksum=ChecksumRule.INTERLEAVED_25,
    recorded_as=("okcoin",),
    wire=WIRE,
    rest_book=REST_BOOK,
    notes=(
        "The checksum has been 0 since June 2026; one that is not (recordings) is still verified.",
        "Recordings without seqId and prevSeqId prove no chain, only their checksum.",
        "A connection may send 480 subscribe and unsubscribe requests an hour.",
    ),
)
