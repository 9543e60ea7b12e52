"""Bitget v3: public spot order books; the frames of v2 and v1 are understood as well. Contracts
speak the same format (``bitget_futures``).

https://www.bitget.com/api-doc/uta/websocket/public/Order-Book-Channel

``top``: ``books50``, fifty whole levels every 20 ms. ``full``: ``books``, 1000 levels every 50 ms,
a snapshot on the stream and then deltas that name the id before them. Both with ``books1`` (1 ms)
for the best bid and offer, ordered by the same ``seq``. A snapshot comes only in answer to a
subscribe.

Updates chain: the snapshot's ``pseq`` is 0, each update's is the last ``seq``; an update whose
``pseq`` is 0 says that the venue has restarted; the last ``seq`` again is a duplicate; anything
else is a gap.

v3 says ``topic``, ``symbol``, ``a`` and ``b``; v2 and v1 ``channel``, ``instId``, ``asks`` and
``bids``. Before June 2026 there was no ``pseq``: such deltas are taken as they come and their
checksum (gone today) is passed on; without a ``seq`` their time orders them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

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
    UpdateId,
    batched,
    decode,
    encoded,
)
from scanner.venues.protocol import Limits, Options, Steps, Venue
from scanner.venues.rest_book import RestBook
from scanner.venues.wire import Chain, Kind, Order, Shape, What, Wire

BEST = "books1"
TICKER = "ticker"
SPOT = ("spot", "sp")
MARKETS_PER_REQUEST = 10  # of two channels each: frames with 25 arguments lost their connection
REQUESTS_PER_HOUR = 240
RESTARTED = 0
ABSENT = Raw(b"")
TOO_FREQUENT = "30006"
OVER_LIMIT = "30007"


class _Arg(Struct):
    instType: str = ""
    topic: str = ""
    channel: str = ""
    symbol: str = ""
    instId: str = ""


class _Message(Struct):
    event: str = ""
    arg: _Arg | None = None
    action: str = ""
    data: Raw = Raw(b"[]")
    code: str | int = ""
    msg: str = ""


class _Book(Struct, rename={"time": "ts", "sequence": "seq", "previous": "pseq"}):
    time: Millis
    sequence: UpdateId | None = None
    previous: Int64 | None = None
    checksum: int | None = None
    b: Raw = ABSENT
    a: Raw = ABSENT
    bids: Raw = ABSENT
    asks: Raw = ABSENT

    def sides(self) -> tuple[bytes, bytes]:
        """Bids and asks by their long or short names."""
        bids, asks = self.b or self.bids, self.a or self.asks
        if not (bids and asks):
            raise msgspec.ValidationError("a book without its two sides")
        return bytes(bids), bytes(asks)


class _Touch(Struct, rename={"time": "ts", "sequence": "seq"}):
    time: Millis
    sequence: UpdateId | None = None
    b: list[Level] | None = None
    a: list[Level] | None = None
    bids: list[Level] | None = None
    asks: list[Level] | None = None

    def best(self) -> tuple[Level, Level]:
        bids = self.bids if self.b is None else self.b
        asks = self.asks if self.a is None else self.a
        if bids is None or asks is None:
            raise msgspec.ValidationError("a best bid and offer without its two sides")
        return bids[0] if bids else NO_LEVEL, asks[0] if asks else NO_LEVEL


_message = msgspec.json.Decoder(_Message)
_books = msgspec.json.Decoder(list[_Book], strict=False)
_touches = msgspec.json.Decoder(list[_Touch], strict=False)


class Line(Struct, frozen=True):
    """What is traded: ``kinds`` are its names on the stream, the first one is today's. ``told`` is
    given what a market's ticker says, which is subscribed then."""

    kinds: tuple[str, ...] = SPOT
    told: Callable[[str, Raw], Steps] | None = None


class Bitget:
    """One connection to the public stream."""

    def __init__(
        self, markets: Sequence[Market] | None, options: Options, line: Line | None = None
    ) -> None:
        self.shared = Shared()
        self._line = line or Line()
        self._known = Known(markets)
        self._any = markets is None
        self._options = options
        self._depth = "books" if options.depth is Depth.FULL else "books50"
        self._unanswered: deque[list[str]] = deque()
        self._allowance = Allowance(REQUESTS_PER_HOUR, seconds=3600)
        self._books = LinkedBooks(self._request, self.shared, recorded=markets is None)
        self._pulse = Pulse(every=20, quiet=10, dead=25, connection=self.shared.connection)

    def start(self, at: int) -> Steps:
        return [Connect(f"{self._options.ws}/v3/ws/public")]

    def opened(self, at: int) -> Steps:
        self._pulse.started(at)
        batches = list(batched(self._known.ids, MARKETS_PER_REQUEST))
        steps = [self._request("subscribe", batch, at) for batch in batches]
        if self._line.told is not None:
            steps += [self._tickers(batch, at) for batch in batches]
        return steps

    def received(self, raw: bytes, at: int) -> Steps:
        self._pulse.heard(at)
        if raw == b"pong":
            return ()
        message = decode(_message, raw)
        if message.event == "error":
            return self._error(message, at)
        if message.arg is None:
            return [Notice(f"a message that names no channel: {message.event!r:.40}")]
        market = message.arg.symbol or message.arg.instId
        channel = message.arg.topic or message.arg.channel
        if not channel.startswith("books"):
            ticker = channel == TICKER and not message.event and self._line.told
            wanted = market in self._known and self._is_ours(message.arg)
            return ticker(market, message.data) if ticker and wanted else ()
        if message.event:
            return self._answered(message.event, channel, market, at)
        return self._data(message.arg, channel, market, message, at)

    def fetched(self, tag: str, status: int, body: bytes, at: int) -> Steps:
        return ()

    def resync(self, market: str, reason: str, at: int) -> Steps:
        return self._books.renew(market, at)

    def idle(self, at: int) -> Steps:
        if self._pulse.lost(at):
            return [Reconnect("the venue answers no ping")]
        steps: list[Step] = [Send("ping", heartbeat=True)] if self._pulse.due(at) else []
        return [*steps, *self._books.due(at)]

    def _answered(self, event: str, channel: str, market: str, at: int) -> Steps:
        if channel == BEST:
            return ()
        self._tick_off(market)
        if event == "subscribe" and market in self._known:
            return [Ack(market)]
        return self._books.left(market, at) if event == "unsubscribe" else ()

    def _error(self, message: _Message, at: int) -> Steps:
        reason = f"{message.msg:.200} (code {message.code})"
        if str(message.code) == OVER_LIMIT:
            return [Reconnect(reason)]
        if message.arg is None:
            return self._unnamed(str(message.code), reason, at)
        market = message.arg.symbol or message.arg.instId
        channel = message.arg.topic or message.arg.channel
        if not channel.startswith("books") or channel == BEST:
            what = "best bid and offer" if channel == BEST else f"{channel:.20}"
            return [Notice(f"{market!r:.40}: no {what}: {reason}")]
        self._tick_off(market)
        return self._refused(market, reason, at)

    def _unnamed(self, code: str, reason: str, at: int) -> Steps:
        """An error that names no channel is about the oldest request not answered in full."""
        markets = self._unanswered.popleft() if self._unanswered else []
        if code == TOO_FREQUENT:
            self._books.later(markets, at)
            return [Notice(reason)]
        if not markets:
            return [Refused(None, reason)]
        if len(markets) > 1:
            return [self._request("subscribe", [market], at) for market in markets]
        return self._refused(markets[0], reason, at)

    def _refused(self, market: str, reason: str, at: int) -> Steps:
        if market not in self._known:
            return [Refused(None, reason)]
        return self._books.refused(market, reason, at)

    def _tick_off(self, market: str) -> None:
        for request in self._unanswered:
            if market in request:
                request.remove(market)
                break
        while self._unanswered and not self._unanswered[0]:
            self._unanswered.popleft()

    def _data(self, arg: _Arg, channel: str, market: str, message: _Message, at: int) -> Steps:
        if market not in self._known or not self._is_ours(arg):
            name = f"{arg.instType!r:.20} {market!r:.40}"
            return [Notice(f"{channel!r:.40} of {name}, which was not subscribed")]
        if channel == BEST:
            touches = decode(_touches, message.data)
            return [step for touch in touches for step in self._books.best(market, touch, at)]
        books = decode(_books, message.data)
        if message.action == "update":
            return [step for book in books for step in self._update(market, book, at)]
        return [step for book in books for step in self._books.whole(market, book, at)]

    def _is_ours(self, arg: _Arg) -> bool:
        return self._any or arg.instType.lower() in self._line.kinds

    def _update(self, market: str, book: _Book, at: int) -> Steps:
        if book.previous == RESTARTED:
            return self._books.lost(market, "the venue has started its ids anew", at)
        return self._books.update(market, book, at)

    def _request(self, op: str, markets: Sequence[str], at: int) -> Send | Reconnect:
        if not self._allowance.take(at):
            return Reconnect("the venue allows this connection no more requests this hour")
        self._unanswered.append(list(markets))
        channels = (self._depth, BEST)
        args = [
            {"instType": self._line.kinds[0], "topic": c, "symbol": market}
            for market in markets
            for c in channels
        ]
        return Send(encoded({"op": op, "args": args}))

    def _tickers(self, markets: Sequence[str], at: int) -> Send | Reconnect:
        if not self._allowance.take(at):
            return Reconnect("the venue allows this connection no more requests this hour")
        kind = self._line.kinds[0]
        args = [{"instType": kind, "topic": TICKER, "symbol": market} for market in markets]
        return Send(encoded({"op": "subscribe", "args": args}))


def _shapes(channel: str, market: str, bids: str, asks: str) -> tuple[Shape, ...]:
    """The shapes of one generation of frames, by its names of things."""
    touch = {
        f"arg.{market}": What.NAME,
        f"data[].{asks}": What.ASKS,
        f"data[].{bids}": What.BIDS,
        "data[].checksum": What.CHECKSUM,
        "data[].seq": What.LAST,
        "data[].pseq": What.PREVIOUS,
        "data[].ts": What.TIME,
        "ts": What.SKIP,
    }
    chosen = {"action": ("snapshot",), "arg.instType": (*SPOT, "SPOT")}
    optional = (What.LAST, What.PREVIOUS, What.CHECKSUM)
    best = Shape(
        kind=Kind.BEST,
        names={"{id}": 0},
        tags={**chosen, f"arg.{channel}": (BEST,)},
        keys=touch,
        may=optional,
        order=Order.RANK,
        timed=True,
    )
    whole = msgspec.structs.replace(
        best,
        kind=Kind.WHOLE,
        tags={**chosen, f"arg.{channel}": ("books50",)},
        chain=Chain.PREVIOUS,
        no_sum=True,
    )
    change = msgspec.structs.replace(
        whole,
        kind=Kind.DELTA,
        tags={**chosen, f"arg.{channel}": ("books",), "action": ("update",)},
    )
    return best, whole, change


WIRE = Wire(
    shapes=(*_shapes("topic", "symbol", "b", "a"), *_shapes("channel", "instId", "bids", "asks")),
    refused=("event", "code", "msg"),
    lax=True,
)

VENUE = Venue(
    id="bitget",
    name="Bitget",
    rest="https://api.bitget.com",
    ws="wss://ws.bitget.com",
    make=Bitget,
    limits=Limits(markets=25, sends=5, connects=60),
    proof={Depth.TOP: Proof.SNAPSHOTS, Depth.FULL: Proof.CHAINED},
    channels={Depth.TOP: "books50 + books1", Depth.FULL: "books + books1"},
    fee_side=FeeSide.GET,
    checksum=ChecksumRule.INTERLEAVED_25,
    wire=WIRE,
    rest_book=RestBook(
        path="/api/v2/spot/market/orderbook?symbol={id}&type=step0&limit=100",
        within=("data",),
        made=("data", "ts"),
    ),
    notes=(
        "The checksum is gone since June 2026; one that is there (recordings) is still verified.",
        "Recordings without pseq prove no chain, only their checksum.",
        "A connection may send 240 subscribe requests an hour, no more than 20 arguments each.",
        "A subscription with the wrong kind of instrument is acknowledged and stays silent.",
    ),
)
