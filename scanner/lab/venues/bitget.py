"""Bitget as a simulated venue: books of spot and of USDT futures over REST, and the public streams
v2 and v3, where futures have a ``ticker`` too.

https://www.bitget.com/api-doc/uta/websocket/public/Order-Book-Channel
https://www.bitget.com/api-doc/spot/websocket/public/Depth-Channel

``books1``, ``books5``, ``books15`` (v2) and ``books50`` (v3) are whole each time; ``books`` is a
snapshot, then changes that name the id before them. No message carries a checksum. v2 writes all
decimals of a number, v3 none that are zero.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from scanner.lab.limits import Rate
from scanner.lab.seam import (
    ASK,
    BID,
    Close,
    Connection,
    LabBook,
    Out,
    Reply,
    Request,
    Row,
    VenueWorld,
    Window,
)
from scanner.lab.units import MILLISECOND, SECOND
from scanner.lab.venues.bitget_futures import PRODUCT, Ticker, answered
from scanner.lab.venues.bitget_metadata import catalogue, failure, success
from scanner.lab.wire import decoded_object, encoded, plain_rows

SILENT = 120 * SECOND
MOST_REQUESTS_A_SECOND = 20
MOST_MESSAGES_A_SECOND = 10
MOST_SUBSCRIBES_AN_HOUR = 240
MOST_CHANNELS = 1000
MOST_BYTES = 4096
FUTURES = ("usdt-futures", "usdc-futures", "coin-futures")


class Dialect(Struct, frozen=True):
    """One version of the stream. ``channels``: name to levels and ns between messages;
    ``most_arguments``: a frame with more loses its connection (0: no such limit)."""

    channel: str
    market: str
    bids: str
    asks: str
    channels: dict[str, tuple[int, int]]
    rows: Callable[[list[Row]], list[Row]]
    most_arguments: int = 0


V2 = Dialect(
    channel="channel",
    market="instId",
    bids="bids",
    asks="asks",
    channels={
        "books1": (1, 20 * MILLISECOND),
        "books5": (5, 150 * MILLISECOND),
        "books15": (15, 150 * MILLISECOND),
        "books": (500, 100 * MILLISECOND),
    },
    rows=list,
)
V3 = Dialect(
    channel="topic",
    market="symbol",
    bids="b",
    asks="a",
    channels={
        "books1": (1, 0),
        "books5": (5, 10 * MILLISECOND),
        "books50": (50, 20 * MILLISECOND),
        "books": (1000, 50 * MILLISECOND),
    },
    rows=plain_rows,
    most_arguments=24,
)
PATHS = {"/v2/ws/public": V2, "/v3/ws/public": V3}


def market_id(base: str, quote: str) -> str:
    """``BTCUSDT``"""
    return base + quote


class BitgetLab:
    """The venue: its REST interface, and connections to its public streams."""

    id = "bitget"

    def __init__(self, world: VenueWorld) -> None:
        self._world = world
        self._asked: defaultdict[str, Rate] = defaultdict(
            lambda: Rate(MOST_REQUESTS_A_SECOND, SECOND)
        )

    def rest(self, request: Request, at: int) -> Reply:
        if not self._asked[request.path].take(at):
            return failure(429, "429", "Too Many Requests", at)
        match request.path:
            case "/api/v2/spot/market/orderbook":
                return self._book(V2, request.query, 150, "150", at)
            case "/api/v3/market/orderbook":
                return self._book(V3, request.query, 200, "5", at)
            case "/api/v2/mix/market/merge-depth":
                return self._contract_book(request.query, at)
        if (answer := answered(request, self._world.contracts, at)) is not None:
            return answer
        listed = catalogue(request, self._world.markets, at)
        return listed or failure(404, "40404", "Request URL NOT FOUND", at)

    def connect(self, path: str, query: dict[str, str], at: int) -> Connection | Reply:
        dialect = PATHS.get(path)
        if dialect is None:
            return failure(404, "40404", "Request URL NOT FOUND", at)
        return _Stream(self._world, dialect, at)

    def _book(
        self, dialect: Dialect, query: dict[str, str], most: int, default: str, at: int
    ) -> Reply:
        symbol, limit = query.get("symbol", ""), query.get("limit", default)
        if dialect is V3 and query.get("category", "").upper() != "SPOT":
            return failure(400, "40034", "Parameter category does not exist", at)
        if query.get("type", "step0") != "step0" or not (limit.isascii() and limit.isdigit()):
            return failure(400, "400172", "Parameter verification failed", at)
        return self._levels(dialect, self._world.books.get(symbol), symbol, (limit, most), at)

    def _contract_book(self, query: dict[str, str], at: int) -> Reply:
        symbol, limit = query.get("symbol", ""), query.get("limit", "100")
        limit = "1000" if limit == "max" else limit
        if not limit.isdecimal():
            return failure(400, "400172", "Parameter verification failed", at)
        ours = query.get("productType", "").upper() == PRODUCT
        contract = self._world.contracts.get(symbol) if ours else None
        return self._levels(V2, contract.book if contract else None, symbol, (limit, 1000), at)

    def _levels(
        self, dialect: Dialect, book: LabBook | None, symbol: str, limits: tuple[str, int], at: int
    ) -> Reply:
        limit, most = limits
        if book is None:
            return failure(400, "40034", f"Parameter {symbol} does not exist", at)
        levels = min(int(limit[:6]), most)
        sides = (book.levels(BID, levels), book.levels(ASK, levels))
        return success({**_sides(dialect, sides), "ts": str(at // MILLISECOND)}, at)


class _Channel:
    """One subscription of one client."""

    def __init__(self, dialect: Dialect, arg: dict[str, str], book: LabBook) -> None:
        self._dialect = dialect
        self._arg = arg
        self._book = book
        name = arg[dialect.channel]
        self._levels, self._period = dialect.channels[name]
        self._window = Window(book, self._levels) if name == "books" else None
        self._shown: tuple[list[Row], list[Row]] | None = None
        self._seen = -1
        self._seq = 0
        self._last: int | None = None

    def due(self, at: int) -> object | None:
        """What the channel says now, None for nothing."""
        waits = self._last is not None and at - self._last < self._period
        if waits or self._seen == self._book.sequence:
            return None
        self._seen = self._book.sequence
        if self._window is None:
            return self._whole(at)
        if self._last is None:
            return self._message("snapshot", self._window.snapshot(), 0, at)
        changes = self._window.changes()
        return self._message("update", changes, self._seq, at) if any(changes) else None

    def _whole(self, at: int) -> object | None:
        rows = (self._book.levels(BID, self._levels), self._book.levels(ASK, self._levels))
        if rows == self._shown:
            return None
        self._shown = rows
        return self._message("snapshot", rows, 0, at)

    def _message(
        self, action: str, rows: tuple[list[Row], list[Row]], before: int, at: int
    ) -> object:
        self._last = at
        self._seq = self._book.sequence
        now = at // MILLISECOND
        data = {**_sides(self._dialect, rows), "seq": self._seq, "pseq": before, "ts": str(now)}
        return {"action": action, "arg": self._arg, "data": [data], "ts": now}


class _Stream:
    """One connection."""

    def __init__(self, world: VenueWorld, dialect: Dialect, at: int) -> None:
        self._world = world
        self._dialect = dialect
        self._channels: dict[tuple[str, str, str], _Channel | Ticker | None] = {}
        self._messages = Rate(MOST_MESSAGES_A_SECOND, SECOND)
        self._subscribes = Rate(MOST_SUBSCRIBES_AN_HOUR, 3600 * SECOND)
        self._pinged = at

    def opened(self, at: int) -> list[Out]:
        return []

    def received(self, text: str, at: int) -> list[Out]:
        if not self._messages.take(at):
            refusal = _error(30007, "request over limit, connection close")
            return [refusal, Close(1008, "request over limit")]
        if text == "ping":
            self._pinged = at
            return ["pong"]
        request = decoded_object(text)
        if request is None:
            return [_error(30002, "illegal request")]
        return self._answer(request, text, at)

    def due(self, at: int) -> list[Out]:
        if at - self._pinged >= SILENT:
            return [Close(1000, "no ping")]
        messages = [channel.due(at) for channel in self._channels.values() if channel]
        return [encoded(message) for message in messages if message is not None]

    def _answer(self, request: dict[str, Any], text: str, at: int) -> list[Out]:
        op, args = request.get("op"), request.get("args")
        if op not in ("subscribe", "unsubscribe"):
            return [_error(30004, "User not logged in") if op == "login" else _error(30003, "op")]
        if not isinstance(args, list) or not args or len(text.encode()) > MOST_BYTES:
            return [_error(30016, "Param error")]
        if self._dialect.most_arguments and len(args) > self._dialect.most_arguments:
            return [Close(1008, "")]
        if op == "subscribe" and not self._subscribes.take(at):
            return [_error(30006, "request too many")]
        return [encoded(self._one(op, arg)) for arg in args]

    def _one(self, op: str, arg: object) -> object:
        """The answer to one argument of a request."""
        names = ("instType", self._dialect.channel, self._dialect.market)
        if not isinstance(arg, dict) or not all(isinstance(arg.get(name), str) for name in names):
            return _refusal(30016, "Param error")
        kind, channel, market = (arg[name] for name in names)
        listed = market in self._world.books or market in self._world.contracts
        known = kind.lower() in ("spot", *FUTURES)
        known = known and channel in (*self._dialect.channels, "ticker")
        if not known or not listed:
            where = ",".join(f"{name}:{arg[name]}" for name in names)
            return {**_refusal(30001, f"{where} doesn't exist"), "arg": arg, "op": op}
        key = (kind, channel, market)
        if op == "unsubscribe":
            self._channels.pop(key, None)
        elif len(self._channels) >= MOST_CHANNELS:
            return {**_refusal(30007, "request over limit"), "arg": arg, "op": op}
        elif key not in self._channels:
            self._channels[key] = self._made(kind.lower(), channel, market, arg)
        return {"event": op, "arg": arg}

    def _made(
        self, kind: str, channel: str, market: str, arg: dict[str, str]
    ) -> _Channel | Ticker | None:
        """An existing name among instruments of the wrong kind is acknowledged and stays silent."""
        contract = self._world.contracts.get(market) if kind == FUTURES[0] else None
        if channel == "ticker":
            return Ticker(arg, contract) if contract else None
        book = self._world.books.get(market) if kind == "spot" else None
        book = contract.book if contract else book
        return _Channel(self._dialect, arg, book) if book else None


LAB = BitgetLab


def _sides(dialect: Dialect, rows: tuple[list[Row], list[Row]]) -> dict[str, list[Row]]:
    return {dialect.asks: dialect.rows(rows[ASK]), dialect.bids: dialect.rows(rows[BID])}


def _refusal(code: int, text: str) -> dict[str, object]:
    return {"event": "error", "code": code, "msg": text}


def _error(code: int, text: str) -> str:
    return encoded(_refusal(code, text))
