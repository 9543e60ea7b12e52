"""Kraken spot as a simulated venue: REST, and WebSocket v2 with its ``book`` channel.

https://docs.kraken.com/api/docs/websocket-v2/book

Numbers on the stream are JSON numbers with all the decimals of the market. The venue keeps for each
client the book that the client must have after cutting it to the subscribed depth: it deletes no
level that is only pushed out of that depth, and sends it anew when it comes back.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any

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
)
from scanner.lab.units import MICROSECOND, SECOND
from scanner.lab.venues.kraken_metadata import assets, listed, names_of, pair_id
from scanner.lab.wire import decoded_object, encoded

DEPTHS = (10, 25, 100, 500, 1000)
CHECKED_LEVELS = 10
HEARTBEAT = SECOND
IDLE = 60 * SECOND
MOST_MESSAGES_A_SECOND = 100
REST_LEVELS = 500
NUMBER = re.compile(r"[0-9]{1,4}")


def market_id(base: str, quote: str) -> str:
    """``XXBTZUSD``, ``SOLUSD``"""
    return pair_id(base, quote)


class KrakenLab:
    """The venue: its REST interface, and connections to its v2 stream.

    ``system`` may be set to ``maintenance``, ``cancel_only`` ...: every client is told.
    """

    id = "kraken"

    def __init__(self, world: VenueWorld) -> None:
        self._world = world
        self._connections = count(1)
        self.system = "online"

    def rest(self, request: Request, at: int) -> Reply:
        match request.path:
            case "/0/public/Time":
                return _result({"unixtime": at // SECOND})
            case "/0/public/SystemStatus":
                return _result({"status": self.system, "timestamp": _when(at)[:19] + "Z"})
            case "/0/public/Assets":
                return _result(assets(self._world.markets))
            case "/0/public/AssetPairs":
                return _result({market.id: listed(market) for market in self._world.markets})
            case "/0/public/Depth":
                return self._depth(request.query)
        return _failure("EGeneral:Unknown method", 404)

    def connect(self, path: str, query: dict[str, str], at: int) -> Connection | Reply:
        if path.rstrip("/") != "/v2":
            return _failure("EGeneral:Unknown method", 404)
        books = {book.market.symbol: book for book in self._world.books.values()}
        return _Stream(books, lambda: self.system, next(self._connections), at)

    def _depth(self, query: dict[str, str]) -> Reply:
        name, levels = query.get("pair", ""), query.get("count", "100")
        book = next((b for b in self._world.books.values() if name in names_of(b.market)), None)
        if book is None:
            return _failure("EQuery:Unknown asset pair")
        if not (NUMBER.fullmatch(levels) and 1 <= int(levels) <= REST_LEVELS):
            return _failure("EGeneral:Invalid arguments:count")
        since = book.changed_at // SECOND
        sides = {
            name: [_rest_row(row, since) for row in book.levels(side, int(levels))]
            for name, side in (("asks", ASK), ("bids", BID))
        }
        return _result({book.market.id: sides})


class _Book:
    """One market as one client keeps it."""

    def __init__(self, book: LabBook, depth: int) -> None:
        self.book = book
        self.depth = depth
        self._shown: tuple[dict[str, str], dict[str, str]] = ({}, {})
        self._sequence = book.sequence

    def snapshot(self, at: int) -> str:
        """The whole book, and the start of the updates."""
        sides = self._look()
        return self._frame("snapshot", sides, at)

    def update(self, at: int) -> str | None:
        """What the client must be told now, None for nothing."""
        if self._sequence == self.book.sequence:
            return None
        before, since = self._shown, self._sequence
        now = self._look()
        rows = [self._rows(side, before[side], now[side], since) for side in (BID, ASK)]
        return self._frame("update", rows, at) if any(rows) else None

    def _look(self) -> list[list[Row]]:
        sides = [self.book.levels(side, self.depth) for side in (BID, ASK)]
        self._shown = (dict(sides[BID]), dict(sides[ASK]))
        self._sequence = self.book.sequence
        return sides

    def _rows(
        self, side: int, before: dict[str, str], rows: Sequence[Row], since: int
    ) -> list[Row]:
        """The rows for one side: what is gone, every step of what changed, what came back."""
        now = dict(rows)
        full = len(rows) == self.depth
        gone = [(price, self._zero()) for price in before if price not in now]
        if full:
            gone = [row for row in gone if not self._worse(side, row[0], rows[-1][0])]
        changes = self.book.changes_since(since) or ()
        steps = [
            (change.price, change.size)
            for change in changes
            if change.side == side and change.price in now and change.size != "0"
        ]
        last = before | dict(steps)
        back = [row for row in rows if last.get(row[0]) != row[1]]
        return [*gone, *steps, *back]

    def _worse(self, side: int, price: str, than: str) -> bool:
        """Pushed out: beyond the last level of a full side, where the client cuts by itself."""
        return float(price) < float(than) if side == BID else float(price) > float(than)

    def _zero(self) -> str:
        return f"{0:.{self.book.market.size_decimals}f}"

    def _frame(self, kind: str, sides: Sequence[Sequence[Row]], at: int) -> str:
        bids, asks = (",".join(_level(row) for row in rows) for rows in sides)
        return (
            f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"{self.book.market.symbol}",'
            f'"bids":[{bids}],"asks":[{asks}],"checksum":{_checksum(self.book)},'
            f'"timestamp":"{_when(at)}"}}]}}'
        )


class _Stream:
    """One connection to the v2 stream."""

    def __init__(
        self, books: dict[str, LabBook], system: Callable[[], str], number: int, at: int
    ) -> None:
        self._books = books
        self._number = number
        self._venue_system = system
        self._system = system()
        self._subscribed: dict[str, _Book] = {}
        self._messages = Rate(MOST_MESSAGES_A_SECOND, SECOND, strict=True)
        self._heard = self._said = at

    def opened(self, at: int) -> list[Out]:
        return [self._status()]

    def received(self, text: str, at: int) -> list[Out]:
        self._heard = self._said = at
        if not self._messages.take(at):
            return [encoded({"error": "Exceeded msg rate", "success": False})]
        request = decoded_object(text)
        if request is None:
            return [encoded({"error": "Malformed request", "success": False})]
        method, number = request.get("method"), request.get("req_id")
        if method == "ping":
            return [_answer({"method": "pong"}, number, at)]
        if method not in ("subscribe", "unsubscribe"):
            return [_answer({"error": f"Unsupported method: {method}"} | REFUSED, number, at)]
        params = request.get("params")
        symbols = params.get("symbol") if isinstance(params, dict) else None
        if not isinstance(params, dict) or (error := _fault(params)):
            error = error if isinstance(params, dict) else "Params field must be an object"
            return [_answer({"error": error, "method": method} | REFUSED, number, at)]
        outs: list[Out] = []
        for symbol in symbols or ():
            outs += self._one(str(method), symbol, params, number, at)
        return outs

    def due(self, at: int) -> list[Out]:
        if not self._subscribed and at - self._heard > IDLE:
            return [Close(1000, "Inactivity")]
        outs: list[Out] = []
        if self._system != self._venue_system():
            self._system = self._venue_system()
            outs.append(self._status())
        updates = (book.update(at) for book in self._subscribed.values())
        outs += [update for update in updates if update is not None]
        if outs:
            self._said = at
        elif self._subscribed and at - self._said >= HEARTBEAT:
            self._said = at
            outs.append('{"channel":"heartbeat"}')
        return outs

    def _one(
        self, method: str, symbol: str, params: dict[str, Any], number: object, at: int
    ) -> list[Out]:
        """The answer for one symbol of a request."""
        if error := self._refusal(method, symbol):
            body = {"error": error, "method": method, "symbol": symbol} | REFUSED
            return [_answer(body, number, at)]
        depth, snapshot = params.get("depth") or 10, params.get("snapshot", True)
        result = {"channel": "book", "depth": depth, "snapshot": snapshot, "symbol": symbol}
        if method == "unsubscribe":
            result["depth"] = self._subscribed.pop(symbol).depth
            del result["snapshot"]
        ack = _answer({"method": method, "result": result, "success": True}, number, at)
        if method == "unsubscribe":
            return [ack]
        book = self._subscribed[symbol] = _Book(self._books[symbol], depth)
        frame = book.snapshot(at)
        return [ack, frame] if snapshot else [ack]

    def _refusal(self, method: str, symbol: str) -> str:
        if symbol not in self._books:
            return f"Currency pair not supported {symbol}"
        if method == "subscribe":
            return "Already subscribed" if symbol in self._subscribed else ""
        return "" if symbol in self._subscribed else "Subscription Not Found"

    def _status(self) -> str:
        data: dict[str, Any] = {"version": "2.0.10", "system": self._system, "api_version": "v2"}
        data["connection_id"] = self._number
        return encoded({"channel": "status", "type": "update", "data": [data]})


LAB = KrakenLab
REFUSED = {"success": False}


def _fault(params: dict[str, Any]) -> str:
    """What is wrong with a request as a whole, empty if nothing is."""
    channel, symbols, depth = (params.get(key) for key in ("channel", "symbol", "depth"))
    if channel != "book":
        return f"Unsupported channel: {channel}"
    if not isinstance(symbols, list) or not all(isinstance(name, str) for name in symbols):
        return "Symbol field must be an array"
    if not symbols:
        return "Symbol(s) not found"
    if depth is not None and not (type(depth) is int and depth in DEPTHS):
        return "Subscription depth not supported"
    if not isinstance(params.get("snapshot", True), bool):
        return "Snapshot field must be a boolean"
    return ""


def _answer(body: dict[str, Any], number: object, at: int) -> str:
    if isinstance(number, int):
        body = body | {"req_id": number}
    return encoded(body | {"time_in": _when(at), "time_out": _when(at + 40 * MICROSECOND)})


def _when(at: int) -> str:
    """RFC 3339 with microseconds."""
    moment = datetime.fromtimestamp(at // SECOND, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at % SECOND // MICROSECOND:06d}Z"


def _level(row: Row) -> str:
    return f'{{"price":{row[0]},"qty":{row[1]}}}'


def _checksum(book: LabBook) -> int:
    """CRC-32 of the digits of the ten best asks, then the ten best bids, prices before sizes."""
    rows = [*book.levels(ASK, CHECKED_LEVELS), *book.levels(BID, CHECKED_LEVELS)]
    digits = (number.replace(".", "").lstrip("0") for row in rows for number in row)
    return zlib.crc32("".join(digits).encode())


def _result(result: object) -> Reply:
    return Reply(200, encoded({"error": [], "result": result}))


def _failure(error: str, status: int = 200) -> Reply:
    return Reply(status, encoded({"error": [error]}))


def _rest_row(row: Row, since: int) -> tuple[str, str, int]:
    """REST gives five decimals of the price and cuts the size to three."""
    whole, _, part = row[0].partition(".")
    size, _, fraction = row[1].partition(".")
    return f"{whole}.{part:0<5}", f"{size}.{fraction[:3]:0<3}", since
