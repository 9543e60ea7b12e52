"""Kraken spot, WebSocket v2: public order books.

https://docs.kraken.com/api/docs/websocket-v2/book

One channel, ``book``: ``top`` with 10 levels, ``full`` with 1000. A snapshot on the stream, then
updates without any number; a CRC-32 over the ten best levels of each side comes with every message
and is the only proof. The venue keeps as many levels as were subscribed and deletes none that are
pushed out, so the book must be cut to that depth.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw, Struct

from scanner.steps import (
    Ack,
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
from scanner.types import ChecksumRule, Depth, FeeSide, LevelLayout, Market, Proof
from scanner.venues.cells import READY, Shared
from scanner.venues.parts import (
    Known,
    Moment,
    Pulse,
    Requests,
    Resubscriptions,
    batched,
    decode,
    encoded,
    nanoseconds,
)
from scanner.venues.protocol import Limits, Options, Steps, Venue
from scanner.venues.rest_book import ONLY, RestBook
from scanner.venues.wire import Kind, Shape, What, Wire

SYMBOLS_PER_REQUEST = 50
DEPTHS = (10, 25, 100, 500, 1000)
# What the checksum covers: below it a lost update would be seen by nobody.
CHECKED = 10
RENAMED = {"XBT": "BTC", "XDG": "DOGE"}
ORIGINAL = {new: old for old, new in RENAMED.items()}
PING = Send('{"method":"ping"}', heartbeat=True)
ONLINE = "online"

Crc = Annotated[int, Meta(ge=0, le=2**32 - 1)]


class _Subscription(Struct):
    channel: str = ""
    symbol: str = ""
    depth: int = 0


class _Message(Struct):
    channel: str = ""
    type: str = ""
    data: Raw = Raw(b"[]")
    method: str = ""
    success: bool | None = None
    result: _Subscription | None = None
    error: str = ""
    symbol: str = ""
    req_id: int | None = None


class _Book(Struct):
    symbol: str
    checksum: Crc
    bids: Raw = Raw(b"[]")
    asks: Raw = Raw(b"[]")
    timestamp: Moment | None = None


class _Status(Struct):
    system: str = ONLINE


_message = msgspec.json.Decoder(_Message)
_books = msgspec.json.Decoder(list[_Book])
_status = msgspec.json.Decoder(list[_Status])


class Kraken:
    """One connection to the public v2 stream."""

    def __init__(self, markets: Sequence[Market] | None, options: Options) -> None:
        self.shared = Shared()
        self._known = Known(markets)
        self._options = options
        self._depth = 1000 if options.depth is Depth.FULL else CHECKED
        self._depths = dict.fromkeys(self._known.ids, self._depth)
        self._system = ONLINE
        self._requests = Requests()
        self._renewals = Resubscriptions()
        self._pulse = Pulse(every=30, quiet=3, dead=6, connection=self.shared.connection)

    def start(self, at: int) -> Steps:
        return [Connect(f"{self._options.ws}/v2")]

    def opened(self, at: int) -> Steps:
        self._pulse.started(at)
        return self._ask("subscribe", self._known.ids)

    def received(self, raw: bytes, at: int) -> Steps:
        self._pulse.heard(at)
        message = decode(_message, raw)
        if message.channel == "book":
            return self._published(message)
        if message.channel == "status":
            return self._status(decode(_status, message.data))
        markets = self._requests.answered(message.req_id)
        if message.method == "subscribe":
            return self._answered(message, markets)
        if message.method == "unsubscribe":
            return self._left(message, markets)
        if message.channel or message.method == "pong":
            return ()
        if message.error:
            return [Refused(None, message.error)]
        return [Notice(f"unexpected message of method {message.method!r}")]

    def fetched(self, tag: str, status: int, body: bytes, at: int) -> Steps:
        return ()

    def resync(self, market: str, reason: str, at: int) -> Steps:
        self.shared[market][READY] = 0
        if self._system != ONLINE or not self._renewals.start(market, at):
            return ()
        return self._ask("unsubscribe", [market])

    def idle(self, at: int) -> Steps:
        if self._pulse.lost(at):
            return [Reconnect("the venue has fallen silent and answers no ping")]
        steps: list[Step] = [PING] if self._pulse.due(at) else []
        leave, join = self._renewals.due(at)
        return [*steps, *self._ask("unsubscribe", leave), *self._ask("subscribe", join)]

    def _published(self, message: _Message) -> Steps:
        if message.type not in ("snapshot", "update"):
            raise msgspec.ValidationError(f"book of type {message.type!r}")
        steps: list[Step] = []
        for book in decode(_books, message.data):
            if book.symbol not in self._known:
                steps.append(Notice(f"book of {book.symbol!r}, which was not subscribed"))
            elif self._system != ONLINE:
                continue
            elif message.type == "snapshot":
                steps.append(self._snapshot(book))
            elif self.shared[book.symbol][READY]:
                steps.append(_delta(book))
        return steps

    def _snapshot(self, book: _Book) -> Snapshot:
        self.shared[book.symbol][READY] = 1
        self._renewals.done(book.symbol)
        bids, asks = bytes(book.bids), bytes(book.asks)
        if book.symbol not in self._depths:
            self._depths[book.symbol] = _subscribed_depth(bids, asks)
        return Snapshot(
            market=book.symbol,
            bids=bids,
            asks=asks,
            sent_at=nanoseconds(book.timestamp) if book.timestamp else 0,
            checksum=book.checksum,
            depth=self._depths[book.symbol],
        )

    def _status(self, items: list[_Status]) -> Steps:
        before = self._system
        for item in items:
            self._system = item.system
        if self._system == before:
            return ()
        if self._system == ONLINE:
            return [Reconnect("the venue's system is online again")]
        self.shared.close()
        return [Reset(None, f"the venue's system is {self._system!r}")]

    def _answered(self, message: _Message, markets: Sequence[str]) -> Steps:
        result = message.result
        if message.success and result is not None:
            if result.channel != "book" or result.symbol not in self._known:
                return ()
            self._depths[result.symbol] = result.depth or self._depth
            return [Ack(result.symbol)]
        if message.symbol and message.error == "Already subscribed":
            return [Ack(message.symbol)]
        if message.symbol:
            self._renewals.done(message.symbol)
            return [Refused(message.symbol, message.error)]
        if len(markets) > 1 and "rate" not in message.error.lower():
            return [self._request("subscribe", [market]) for market in markets]
        return [Refused(market, message.error) for market in markets or (None,)]

    def _left(self, message: _Message, markets: Sequence[str]) -> Steps:
        # An error says that there was no subscription: just as well.
        symbol = message.result.symbol if message.result else message.symbol
        left = [m for m in ([symbol] if symbol else markets) if self._renewals.left(m)]
        return self._ask("subscribe", left)

    def _ask(self, method: str, markets: Iterable[str]) -> list[Send]:
        return [self._request(method, batch) for batch in batched(markets, SYMBOLS_PER_REQUEST)]

    def _request(self, method: str, markets: Sequence[str]) -> Send:
        params: dict[str, Any] = {"channel": "book", "symbol": markets, "depth": self._depth}
        if method == "subscribe":
            params["snapshot"] = True
        body = {"method": method, "params": params, "req_id": self._requests.new(markets)}
        return Send(encoded(body))


def _delta(book: _Book) -> Delta:
    return Delta(
        market=book.symbol,
        bids=bytes(book.bids),
        asks=bytes(book.asks),
        sent_at=nanoseconds(book.timestamp) if book.timestamp else 0,
        checksum=book.checksum,
    )


def _subscribed_depth(bids: bytes, asks: bytes) -> int:
    """The depth of a recorded subscription that was not recorded: the smallest that holds this."""
    levels = max(bids.count(b'"price"'), asks.count(b'"price"'))
    return next((depth for depth in DEPTHS if depth >= levels), 0)


def stream_id(market: Mapping[str, Any]) -> str:
    """The v2 symbol (``BTC/USD``) of a ccxt market.

    REST's ``wsname`` has the v1 names; v2 renamed two assets and kept the rest, unlike ccxt, whose
    unified codes differ more (``LUNA`` is ``LUNC`` there).
    """
    name = (market.get("info") or {}).get("wsname") or market["symbol"]
    return "/".join(RENAMED.get(asset, asset) for asset in str(name).split("/"))


def _rest_name(market: str) -> str:
    """What REST calls a market of the stream (its ``altname``: ``XBTUSD``)."""
    return "".join(ORIGINAL.get(asset, asset) for asset in market.split("/"))


WIRE = Wire(
    shapes=(
        Shape(
            kind=Kind.DELTA,
            names={"{id}": 1},
            tags={"channel": ("book",), "type": ("update",)},
            keys={
                "data[].symbol": What.NAME,
                "data[].bids": What.BIDS,
                "data[].asks": What.ASKS,
                "data[].checksum": What.CHECKSUM,
                "data[].timestamp": What.TIME_TEXT,
            },
            may=(What.BIDS, What.ASKS, What.TIME_TEXT),
        ),
    ),
    refused=("method", "success", "result", "error", "symbol", "req_id"),
)

VENUE = Venue(
    id="kraken",
    name="Kraken",
    rest="https://api.kraken.com",
    ws="wss://ws.kraken.com",
    make=Kraken,
    limits=Limits(markets=150, sends=4, connects=12),
    proof={Depth.TOP: Proof.CHECKSUM, Depth.FULL: Proof.CHECKSUM},
    channels={Depth.TOP: "book, 10 levels", Depth.FULL: "book, 1000 levels"},
    stream_id=stream_id,
    layout=LevelLayout(price_key="price", size_key="qty"),
    # Unless an order asks otherwise (oflags fcib, fciq): quote when buying, base when selling.
    fee_side=FeeSide.GIVE,
    checksum=ChecksumRule.DIGITS_10,
    partly=frozenset({Depth.FULL}),
    recorded_as=("kraken-v2",),
    wire=WIRE,
    rest_book=RestBook(
        path="/0/public/Depth?pair={id}&count=100",
        within=("result", ONLY),
        step=0.001,
        per_second=1.0,
        name=_rest_name,
    ),
    notes=(
        "Updates carry no number: the checksum of the ten best levels is the only proof, and "
        "nothing shows a lost update below them. So `full` is `top`, unless `limits.unverified` "
        "takes what nothing proves.",
        "While the venue's system is not online, its books take no part.",
        "REST rounds sizes to three decimals: what it shows of a quiet book agrees to that.",
    ),
)
