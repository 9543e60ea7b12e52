"""OKX v5: public order books (spot; contracts speak the same format).

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

import msgspec
from msgspec import Raw, Struct

from scanner.types import (
    Ack,
    Best,
    ChecksumRule,
    Connect,
    Delta,
    Depth,
    Market,
    Notice,
    Proof,
    Reconnect,
    Refused,
    Reset,
    Send,
    Snapshot,
    Step,
)
from scanner.venues.parts import (
    MILLISECOND,
    Allowance,
    Int64,
    Known,
    Millis,
    Pulse,
    Requests,
    Resubscriptions,
    batched,
    decode,
)
from scanner.venues.protocol import Limits, Options, Steps, Venue
from scanner.venues.sequence import Linked, Verdict

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


class _Book(Struct):
    bids: Raw
    asks: Raw
    ts: Millis
    seqId: Int64 | None = None
    prevSeqId: Int64 | None = None
    checksum: int | None = None


class _Level(Struct, array_like=True):
    price: str
    size: str


class _Top(Struct):
    bids: list[_Level]
    asks: list[_Level]
    ts: Millis
    seqId: Int64 | None = None


NOTHING = _Level("", "")
_message = msgspec.json.Decoder(_Message)
_books = msgspec.json.Decoder(list[_Book], strict=False)
_tops = msgspec.json.Decoder(list[_Top], strict=False)
_named = re.compile(r"channel:\s*([\w-]+),\s*instId:\s*([\w-]+)")


class Okx:
    """One connection to the public stream."""

    def __init__(self, markets: Sequence[Market] | None, options: Options) -> None:
        self._known = Known(markets)
        self._options = options
        self._depth = "books" if options.depth is Depth.FULL else "books5"
        self._streams: dict[str, Linked] = {}
        self._requests = Requests()
        self._allowance = Allowance(REQUESTS_PER_HOUR, seconds=3600)
        self._resubscriptions = Resubscriptions()
        self._pulse = Pulse(every=20, quiet=5, dead=10)

    def start(self, at: int) -> Steps:
        return [Connect(f"{self._options.ws}/ws/v5/public")]

    def opened(self, at: int) -> Steps:
        self._pulse.started(at)
        batches = batched(self._known.ids, MARKETS_PER_REQUEST)
        return [self._request("subscribe", batch, at) for batch in batches]

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
        self._stream(market).forget()
        return self._resubscribe(market, at)

    def idle(self, at: int) -> Steps:
        if self._pulse.lost(at):
            return [Reconnect("the venue answers no ping")]
        steps: list[Step] = [Send("ping")] if self._pulse.due(at) else []
        leave, join = self._resubscriptions.due(at)
        steps += [self._request("unsubscribe", [market], at) for market in leave]
        steps += [self._request("subscribe", [market], at) for market in join]
        return steps

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
        if message.event == "unsubscribe" and self._resubscriptions.left(market):
            return [self._request("subscribe", [market], at)]
        return ()

    def _error(self, message: _Message, at: int) -> Steps:
        reason = f"{message.msg:.200} (code {message.code})"
        named = _named.search(message.msg)
        if named and named[2] in self._known:
            if named[1] == BEST:
                return [Notice(f"{named[2]}: no best bid and offer: {reason}")]
            return self._refused(named[2], reason, at)
        markets = self._requests.answered(message.id)
        if str(message.code) in TOO_FREQUENT:
            for market in markets:
                self._resubscriptions.later(market, at)
            return [Notice(reason)]
        if not markets:
            return [Refused(None, reason)]
        if len(markets) > 1:
            return [self._request("subscribe", [market], at) for market in markets]
        return self._refused(markets[0], reason, at)

    def _refused(self, market: str, reason: str, at: int) -> Steps:
        if self._resubscriptions.left(market):
            return [self._request("subscribe", [market], at)]
        self._resubscriptions.done(market)
        return [Refused(market, reason)]

    def _data(self, arg: _Arg, message: _Message, at: int) -> Steps:
        market, channel = arg.instId, arg.channel
        if channel != BEST and not channel.startswith("books"):
            return ()
        if market not in self._known:
            return [Notice(f"{channel!r:.40} of {market!r:.40}, which was not subscribed")]
        if channel == BEST:
            return [step for top in decode(_tops, message.data) for step in self._best(market, top)]
        books = decode(_books, message.data)
        if message.action == "update":
            return [step for book in books for step in self._update(market, book, at)]
        return [step for book in books for step in self._whole(market, book)]

    def _best(self, market: str, top: _Top) -> Steps:
        rank = self._stream(market).best(top.seqId, top.ts)
        if rank is None:
            return ()
        bid = top.bids[0] if top.bids else NOTHING
        ask = top.asks[0] if top.asks else NOTHING
        return [
            Best(
                market=market,
                bid_price=bid.price,
                bid_size=bid.size,
                ask_price=ask.price,
                ask_size=ask.size,
                order=rank,
                sent_at=top.ts * MILLISECOND,
            )
        ]

    def _whole(self, market: str, book: _Book) -> Steps:
        rank = self._stream(market).snapshot(book.prevSeqId, book.seqId, book.ts)
        if rank is None:
            return ()
        self._resubscriptions.done(market)
        return [_step(Snapshot, market, book, rank)]

    def _update(self, market: str, book: _Book, at: int) -> Steps:
        stream = self._stream(market)
        verdict, rank = stream.delta(book.prevSeqId, book.seqId, book.ts)
        if verdict is Verdict.GAP:
            reason = f"an update after id {book.prevSeqId} follows nothing that was seen"
            return self._lost(market, stream, reason, at)
        return () if rank is None else [_step(Delta, market, book, rank)]

    def _lost(self, market: str, stream: Linked, reason: str, at: int) -> Steps:
        was_synced = stream.synced
        stream.forget()
        steps = self._resubscribe(market, at)
        return [Reset(market, reason), *steps] if was_synced or steps else ()

    def _resubscribe(self, market: str, at: int) -> Sequence[Send | Reconnect]:
        if not self._resubscriptions.start(market, at):
            return ()
        return [self._request("unsubscribe", [market], at)]

    def _request(self, op: str, markets: Sequence[str], at: int) -> Send | Reconnect:
        if not self._allowance.take(at):
            return Reconnect("the venue allows this connection no more requests this hour")
        args = [{"channel": c, "instId": m} for m in markets for c in (self._depth, BEST)]
        body = {"id": str(self._requests.new(markets)), "op": op, "args": args}
        return Send(msgspec.json.encode(body).decode())

    def _stream(self, market: str) -> Linked:
        return self._streams.setdefault(market, Linked())


def _step(
    kind: type[Snapshot] | type[Delta], market: str, book: _Book, rank: int
) -> Snapshot | Delta:
    return kind(
        market=market,
        bids=bytes(book.bids),
        asks=bytes(book.asks),
        sequence=book.ts if book.seqId is None else book.seqId,
        order=rank,
        sent_at=book.ts * MILLISECOND,
        checksum=book.checksum or None,
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
    checksum=ChecksumRule.INTERLEAVED_25,
    recorded_as=("okcoin",),
    notes=(
        "The checksum has been 0 since June 2026; one that is not (recordings) is still verified.",
        "Recordings without seqId and prevSeqId prove no chain, only their checksum.",
        "A connection may send 480 subscribe and unsubscribe requests an hour.",
    ),
)
