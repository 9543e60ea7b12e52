"""Binance spot as a simulated venue.

https://developers.binance.com/docs/binance-spot-api-docs

Streams: ``<symbol>@bookTicker``, ``@depth[5|10|20][@100ms]``, ``@aggTrade`` (small trades at the
best bid, ten a second), raw below ``/ws`` and wrapped below ``/stream``. A stream that does not
exist is acknowledged and stays silent, as there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from scanner.lab.limits import Budget, Rate
from scanner.lab.seam import (
    ASK,
    BID,
    Close,
    Connection,
    LabBook,
    Out,
    Ping,
    Reply,
    Request,
    Row,
    VenueWorld,
    merged,
)
from scanner.lab.units import MILLISECOND, SECOND
from scanner.lab.venues.binance_metadata import WEIGHT_A_MINUTE, exchange_info, padded
from scanner.lab.wire import decoded, encoded

MOST_STREAMS = 1024
MOST_MESSAGES_A_SECOND = 5
PING_EVERY = 20 * SECOND
PONG_WITHIN = 60 * SECOND
LIFE = 24 * 3600 * SECOND
NOTICE_BEFORE_END = 10 * SECOND
TOO_OFTEN = Close(1008, "Too many requests")
STREAM = re.compile(r"([a-z0-9]+)@(bookTicker|aggTrade|depth(5|10|20)?(@100ms|@1000ms)?)")
TRADES_EVERY = 100 * MILLISECOND
METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")


def market_id(base: str, quote: str) -> str:
    """``BTCUSDT``"""
    return base + quote


class BinanceLab:
    """The venue: its REST interface, and connections to its streams."""

    id = "binance"

    def __init__(self, world: VenueWorld) -> None:
        self._world = world
        self._budget = Budget(WEIGHT_A_MINUTE, 60 * SECOND)

    def rest(self, request: Request, at: int) -> Reply:
        match request.path:
            case "/api/v3/ping":
                return _json({})
            case "/api/v3/time":
                return _json({"serverTime": at // MILLISECOND})
            case "/api/v3/exchangeInfo":
                return self._weighed(20, at, exchange_info(self._world.markets, at))
            case "/fapi/v1/exchangeInfo" | "/dapi/v1/exchangeInfo":
                return _json(exchange_info([], at))
            case "/api/v3/depth":
                return self._depth(request.query, at)
        return Reply(404, "<html><body><h2>404 Not found</h2></body></html>", HTML)

    def connect(self, path: str, query: dict[str, str], at: int) -> Connection | Reply:
        parts = path.strip("/").split("/")
        if "ws" in parts[:2]:
            streams = parts[parts.index("ws") + 1 :]
            return Streams(self._channel, [name for name in streams if name], False, at)
        if parts == ["stream"]:
            streams = query.get("streams", "").split("/")
            return Streams(self._channel, [name for name in streams if name], True, at)
        return Reply(404, "", HTML)

    def _channel(self, name: str, at: int) -> Channel | None:
        match = STREAM.fullmatch(name)
        book = self._world.books.get(match[1].upper()) if match else None
        if not book or not match:
            return None
        return _Trades(book, at) if match[2] == "aggTrade" else _Channel(name, book, match, at)

    def _depth(self, query: dict[str, str], at: int) -> Reply:
        symbol, limit = query.get("symbol", ""), query.get("limit", "100")
        if not symbol:
            text = "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."
            return _error(-1102, text)
        if not (limit.isascii() and limit.isdigit() and len(limit) <= 20):
            text = "Illegal characters found in parameter 'limit'; legal range is '^[0-9]{1,20}$'."
            return _error(-1100, text)
        book = self._world.books.get(symbol)
        if book is None:
            return _error(-1121, "Invalid symbol.")
        levels = min(int(limit), 5000)
        weight = 5 if levels <= 100 else 25 if levels <= 500 else 50 if levels <= 1000 else 250
        return self._weighed(weight, at, _partial(book, levels))

    def _weighed(self, weight: int, at: int, body: object) -> Reply:
        """``body``, unless this minute's requests have become too heavy."""
        if not self._budget.spend(weight, at):
            text = f"Too much request weight used; current limit is {WEIGHT_A_MINUTE} per 1 MINUTE."
            left = 60 - at // SECOND % 60
            return Reply(429, encoded({"code": -1003, "msg": text}), {"Retry-After": str(left)})
        return Reply(200, encoded(body), {"x-mbx-used-weight-1m": str(self._budget.spent)})


class Channel(Protocol):
    """One stream of one client."""

    def due(self, at: int) -> object | None:
        """What the stream says now, None for nothing."""
        ...


class _Channel:
    """A stream of a book."""

    def __init__(self, name: str, book: LabBook, match: re.Match[str], at: int) -> None:
        self._name = name
        self._book = book
        self._kind = match[2]
        self._levels = int(match[3] or 0)
        slow = self._kind != "bookTicker" and match[4] != "@100ms"
        self._period = 0 if self._kind == "bookTicker" else (1000 if slow else 100) * MILLISECOND
        self._next = at + self._period
        self._sequence = book.sequence if self._kind != "bookTicker" and not self._levels else -1
        self._best: tuple[Row | None, Row | None] = (None, None)

    def due(self, at: int) -> object | None:
        """What the stream says now, None for nothing."""
        if at < self._next or self._sequence == self._book.sequence:
            return None
        self._next = at + self._period
        before, self._sequence = self._sequence, self._book.sequence
        if self._kind == "bookTicker":
            return self._ticker()
        if self._levels:
            return _partial(self._book, self._levels)
        return self._difference(before, at)

    def _ticker(self) -> object | None:
        best = self._book.best()
        if best == self._best:
            return None
        self._best = best
        bid, ask = (row or ("0", "0") for row in best)
        return {
            "u": self._book.sequence,
            "s": self._book.market.id,
            "b": padded(bid[0]),
            "B": padded(bid[1]),
            "a": padded(ask[0]),
            "A": padded(ask[1]),
        }

    def _difference(self, before: int, at: int) -> object:
        first, changes = self._book.range_since(before)
        bids, asks = merged(changes)
        return {
            "e": "depthUpdate",
            "E": at // MILLISECOND,
            "s": self._book.market.id,
            "U": first,
            "u": self._book.sequence,
            "b": _rows(bids),
            "a": _rows(asks),
        }


class _Trades:
    """Trades of a market: somebody always sells a little."""

    def __init__(self, book: LabBook, at: int) -> None:
        self._book = book
        self._next = at
        self._count = 0

    def due(self, at: int) -> object | None:
        """The next trade, None until then."""
        bid = self._book.best()[0]
        if at < self._next or bid is None:
            return None
        self._next = at + TRADES_EVERY
        self._count += 1
        return {
            "e": "aggTrade",
            "E": at // MILLISECOND,
            "s": self._book.market.id,
            "a": self._count,
            "p": padded(bid[0]),
            "q": padded(self._book.market.lot),
            "f": self._count,
            "l": self._count,
            "T": at // MILLISECOND,
            "m": True,
            "M": True,
        }


class Streams:
    """One connection; ``find`` knows the stream of a name, where there is one."""

    def __init__(
        self,
        find: Callable[[str, int], Channel | None],
        names: list[str],
        combined: bool,
        at: int,
        most_messages: int = MOST_MESSAGES_A_SECOND,
    ) -> None:
        self._find = find
        self._combined = combined
        self._channels: dict[str, Channel | None] = {}
        self._messages = Rate(most_messages, SECOND, strict=True)
        self._began = at
        self._pinged = at
        self._payload = b""
        self._unanswered: int | None = None
        self._noticed = False
        self._subscribe(names[:MOST_STREAMS], at)

    def opened(self, at: int) -> list[Out]:
        return []

    def received(self, text: str, at: int) -> list[Out]:
        if not self._messages.take(at):
            return [TOO_OFTEN]
        try:
            request = decoded(text)
        except msgspec.DecodeError as error:
            return [encoded({"code": 3, "msg": f"Invalid JSON: {error}"})]
        if not isinstance(request, dict):
            return [encoded({"code": 2, "msg": "Invalid request: expected an object"})]
        return [encoded(self._answer(request, at))]

    def ponged(self, payload: bytes, at: int) -> list[Out]:
        if payload == self._payload:
            self._unanswered = None
        return [] if self._messages.take(at) else [TOO_OFTEN]

    def due(self, at: int) -> list[Out]:
        outs: list[Out] = []
        for name, channel in self._channels.items():
            if channel is None or (data := channel.due(at)) is None:
                continue
            outs.append(encoded({"stream": name, "data": data} if self._combined else data))
        return outs + self._alive(at)

    def _alive(self, at: int) -> list[Out]:
        """Pings, and the end of the connection."""
        if self._unanswered is not None and at - self._unanswered > PONG_WITHIN:
            return [Close(1008, "Pong timeout")]
        if at - self._began > LIFE:
            return [Close(1001, "Connection lifetime exceeded")]
        outs: list[Out] = []
        if at - self._began > LIFE - NOTICE_BEFORE_END and not self._noticed:
            self._noticed = True
            outs.append(encoded({"e": "serverShutdown", "E": at // MILLISECOND}))
        if at - self._pinged >= PING_EVERY:
            self._pinged = at
            self._payload = str(at // MILLISECOND).encode()
            self._unanswered = self._unanswered if self._unanswered is not None else at
            outs.append(Ping(self._payload))
        return outs

    def _answer(self, request: dict[str, Any], at: int) -> object:
        number, params = request.get("id"), request.get("params", [])
        method = request.get("method")
        if method not in METHODS:
            expected = ", ".join(f"`{name}`" for name in METHODS)
            return _refusal(number, f"unknown variant `{method}`, expected one of {expected}")
        if not (number is None or isinstance(number, int | str)):
            return _refusal(None, "request ID must be an unsigned integer or a string")
        if method == "LIST_SUBSCRIPTIONS":
            return {"result": list(self._channels), "id": number}
        if not isinstance(params, list):
            return _refusal(number, "invalid type: expected a sequence for `params`")
        if method == "GET_PROPERTY":
            return {"result": self._combined, "id": number}
        if method == "SET_PROPERTY":
            self._combined = params[:2] == ["combined", True]
            return {"result": None, "id": number}
        if not all(isinstance(name, str) for name in params):
            return _refusal(number, "params must be stream names")
        if method == "UNSUBSCRIBE":
            for name in params:
                self._channels.pop(name, None)
        elif len({*self._channels, *params}) > MOST_STREAMS:
            return _refusal(number, f"more than {MOST_STREAMS} streams")
        else:
            self._subscribe(params, at)
        return {"result": None, "id": number}

    def _subscribe(self, names: list[str], at: int) -> None:
        for name in names:
            if name not in self._channels:
                self._channels[name] = self._find(name, at)


LAB = BinanceLab
HTML = {"Content-Type": "text/html"}


def _json(body: object) -> Reply:
    return Reply(200, encoded(body))


def _error(code: int, text: str) -> Reply:
    return Reply(400, encoded({"code": code, "msg": text}))


def _refusal(number: object, reason: str) -> object:
    return {"error": {"code": 2, "msg": f"Invalid request: {reason}"}, "id": number}


def _rows(rows: list[Row]) -> list[Row]:
    return [(padded(price), padded(size)) for price, size in rows]


def _partial(book: LabBook, levels: int) -> object:
    return {
        "lastUpdateId": book.sequence,
        "bids": _rows(book.levels(BID, levels)),
        "asks": _rows(book.levels(ASK, levels)),
    }
