"""Gate, spot and USDT futures, as a simulated venue.

https://www.gate.com/docs/developers/apiv4/ws/en/

Channels: ``spot.obu`` (50 levels at 20 ms, 400 at 100 ms), ``spot.book_ticker``, and the older
``spot.order_book_update``; the same of ``futures``, on a stream of their own and in contracts, and
``futures.tickers``. The book of a pair that does not exist is acknowledged and stays silent,
as there; any other channel refuses it.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

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
    merged,
)
from scanner.lab.units import MILLISECOND, SECOND
from scanner.lab.venues.gate_futures import (
    Ticker,
    contracts_of,
    listed_contract,
    objects,
    pairs,
    settled,
    ticker,
)
from scanner.lab.venues.gate_metadata import currency, listed
from scanner.lab.wire import decoded_object, encoded, plain_row, plain_rows

UNSUBSCRIBED_LIFE = 30 * SECOND
WHOLE_AGAIN = 30 * SECOND
CLOCK_SKEW = 60
MOST_STREAMS = 2000
MOST_REQUESTS, REQUEST_PERIOD = 200, 10 * SECOND
BOOK_STREAM = re.compile(r"ob\.([^.]+)\.(50|400)")
PACE = {"50": 20 * MILLISECOND, "400": 100 * MILLISECOND}
INTERVALS = {"20ms": 20 * MILLISECOND, "100ms": 100 * MILLISECOND}
FUTURES = "/futures/usdt/"
EMPTY = {
    "/margin/currency_pairs",
    "/futures/btc/contracts",
    "/delivery/usdt/contracts",
    "/delivery/btc/contracts",
    "/options/underlyings",
}


def market_id(base: str, quote: str) -> str:
    """``BTC_USDT``"""
    return f"{base}_{quote}"


class GateLab:
    """The venue: its REST interface, and connections to its stream."""

    id = "gate"

    def __init__(self, world: VenueWorld) -> None:
        self._world = world
        self._requests: defaultdict[str, Rate] = defaultdict(
            lambda: Rate(MOST_REQUESTS, REQUEST_PERIOD)
        )
        self._connections = 0

    def rest(self, request: Request, at: int) -> Reply:
        path = request.path.removeprefix("/api/v4")
        answer = self._answer(path, request, at) if path != request.path else None
        if answer is None or request.method != "GET":
            text = f"Request url does not exist: {request.path[:200]}"
            return _failed(404, "NOT_FOUND", text)
        requests = self._requests[path]
        if not requests.take(at):
            text = f"Request Rate limit Exceeded ({MOST_REQUESTS})"
            headers = {
                "X-Gate-RateLimit-Requests-Remain": "0",
                "X-Gate-RateLimit-Limit": str(MOST_REQUESTS),
                "X-Gate-RateLimit-Reset-Timestamp": str(requests.free_at // SECOND),
            }
            return _failed(429, "TOO_MANY_REQUESTS", text, headers)
        return answer

    def connect(self, path: str, query: dict[str, str], at: int) -> Connection | Reply:
        line = {"/ws/v4": SPOT, "/v4/ws/usdt": USDT_FUTURES}.get(path.rstrip("/"))
        if line is None:
            return Reply(404, "", {"Content-Type": "text/html"})
        self._connections += 1
        identity = _hexadecimal(f"connection {self._connections}")[:16]
        return _Stream(self._world, line, identity, at)

    def _answer(self, path: str, request: Request, at: int) -> Reply | None:
        match path:
            case "/spot/time":
                return Reply(200, encoded({"server_time": at // MILLISECOND}))
            case "/spot/currency_pairs":
                return Reply(200, encoded([listed(market) for market in self._world.markets]))
            case "/spot/currencies":
                return Reply(200, encoded([currency(name) for name in self._world.currencies]))
            case "/spot/order_book":
                return self._depth("currency_pair", self._world.books, request.query, at)
        if path.startswith(FUTURES):
            return self._futures(path.removeprefix(FUTURES), request.query, at)
        return Reply(200, "[]") if path in EMPTY else None

    def _futures(self, path: str, query: dict[str, str], at: int) -> Reply | None:
        contracts = self._world.contracts
        kind, _, name = path.partition("/")
        match kind:
            case "contracts" if name:
                if name not in contracts:
                    return _failed(400, "CONTRACT_NOT_FOUND", "contract not found")
                return Reply(200, encoded(listed_contract(contracts[name])))
            case "contracts":
                return Reply(200, encoded([listed_contract(c) for c in contracts.values()]))
            case "funding_rate":
                if query.get("contract") not in contracts:
                    return _failed(400, "CONTRACT_NOT_FOUND", "contract not found")
                return Reply(200, encoded(settled(contracts[query["contract"]], query)))
            case "tickers":
                wanted = query.get("contract")
                found = [ticker(c) for n, c in contracts.items() if wanted in (None, n)]
                return Reply(200, encoded(found))
            case "order_book":
                books = {name: contract.book for name, contract in contracts.items()}
                return self._depth("contract", books, query, at)
        return None

    def _depth(
        self, parameter: str, books: dict[str, LabBook], query: dict[str, str], at: int
    ) -> Reply:
        pair, limit = query.get(parameter, ""), query.get("limit", "10")
        if not pair:
            text = f"Missing required parameter: {parameter}"
            return _failed(400, "MISSING_REQUIRED_PARAM", text)
        book = books.get(pair)
        if book is None:
            text = f"Invalid currency pair {pair[:40]}"
            return _failed(400, "INVALID_CURRENCY_PAIR", text)
        if not (limit.isascii() and limit.isdigit() and 0 < int(limit[:9]) <= 1000):
            return _failed(400, "INVALID_PARAM_VALUE", "Invalid limit parameter value")
        body: dict[str, Any] = {"id": book.sequence} if query.get("with_id") == "true" else {}
        rows = plain_rows if parameter == "currency_pair" else objects
        # Futures write times as seconds.
        unit = MILLISECOND if parameter == "currency_pair" else SECOND
        body |= {
            "current": at // unit,
            "update": book.changed_at // unit,
            "asks": rows(book.levels(ASK, int(limit))),
            "bids": rows(book.levels(BID, int(limit))),
        }
        return Reply(200, encoded(body))


class Line(Struct, frozen=True):
    """What is traded where: how its channels begin, and how they write levels."""

    prefix: str
    pairs: Callable[[Sequence[Row]], Sequence[object]]
    rows: Callable[[Sequence[Row]], Sequence[object]]
    size: Callable[[str], object]


SPOT = Line("spot", plain_rows, plain_rows, str)
USDT_FUTURES = Line("futures", pairs, objects, contracts_of)


class _Book:
    """``spot.obu``: the whole book, then what changes; the whole book again now and then. A change
    outside the window still advances the id, in a frame without sides."""

    def __init__(self, stream: str, book: LabBook, levels: str, line: Line) -> None:
        self._stream = stream
        self._rows = line.pairs
        self._window = Window(book, int(levels))
        self._pace = PACE[levels]
        self._next = 0
        self._whole_at = 0

    def due(self, at: int) -> object | None:
        window, book = self._window, self._window.book
        if at >= self._whole_at:
            self._whole_at, self._next = at + WHOLE_AGAIN, at + self._pace
            bids, asks = window.snapshot()
            head = {"t": book.changed_at // MILLISECOND, "full": True, "s": self._stream}
            return {**head, "u": book.sequence, "b": self._rows(bids), "a": self._rows(asks)}
        if at < self._next or window.sequence == book.sequence:
            return None
        self._next, first = at + self._pace, window.sequence + 1
        bids, asks = window.changes()
        change = {"t": book.changed_at // MILLISECOND, "s": self._stream}
        sides = {name: self._rows(rows) for name, rows in (("b", bids), ("a", asks)) if rows}
        return {**change, "U": first, "u": book.sequence, **sides}


class _Best:
    """``spot.book_ticker``: the best bid and offer whenever they change."""

    def __init__(self, book: LabBook, line: Line) -> None:
        self._book = book
        self._size = line.size
        self._best: tuple[Row | None, Row | None] | None = None

    def due(self, at: int) -> object | None:
        best = self._book.best()
        if best == self._best:
            return None
        self._best = best
        nothing = ("", "0" if self._size is contracts_of else "")
        bid, ask = (plain_row(row) if row else nothing for row in best)
        return {
            "t": self._book.changed_at // MILLISECOND,
            "u": self._book.sequence,
            "s": self._book.market.id,
            "b": bid[0],
            "B": self._size(bid[1]),
            "a": ask[0],
            "A": self._size(ask[1]),
        }


class _Update:
    """``spot.order_book_update``: every change, to be joined to a snapshot over REST."""

    def __init__(self, book: LabBook, pace: int, line: Line) -> None:
        self._book = book
        self._pace = pace
        self._rows = line.rows
        self._next = 0
        self._sequence = book.sequence

    def due(self, at: int) -> object | None:
        book = self._book
        if at < self._next or book.sequence == self._sequence:
            return None
        self._next = at + self._pace
        first, changes = book.range_since(self._sequence)
        self._sequence = book.sequence
        bids, asks = merged(changes)
        return {
            "t": book.changed_at // MILLISECOND,
            "e": "depthUpdate",
            "E": at // SECOND,
            "s": book.market.id,
            "U": first,
            "u": book.sequence,
            "b": self._rows(bids),
            "a": self._rows(asks),
        }


_Channel: TypeAlias = _Book | _Best | _Update | Ticker
_Name: TypeAlias = tuple[str, str]


class _Stream:
    """One connection."""

    def __init__(self, world: VenueWorld, line: Line, identity: str, at: int) -> None:
        self._line = line
        self._contracts = world.contracts if line is USDT_FUTURES else {}
        self._books = world.books
        if line is USDT_FUTURES:
            self._books = {name: contract.book for name, contract in world.contracts.items()}
        self._identity = identity
        self._answers = 0
        self._channels: dict[_Name, _Channel | None] = {}
        self._heard = at

    def opened(self, at: int) -> list[Out]:
        return []

    def received(self, text: str, at: int) -> list[Out]:
        self._heard = at
        request = decoded_object(text)
        if request is None:
            return [self._reply({}, at, (1, "Invalid request body format"))]
        channel = request.get("channel")
        if channel == f"{self._line.prefix}.ping":
            pong: dict[str, Any] = {"time": at // SECOND, "time_ms": at // MILLISECOND}
            pong |= {"channel": f"{self._line.prefix}.pong"}
            return [encoded({**pong, "event": "", "result": None})]
        return [self._reply(request, at, self._carry_out(request, at))]

    def due(self, at: int) -> list[Out]:
        if not self._channels and at - self._heard > UNSUBSCRIBED_LIFE:
            return [Close(1000, "")]
        outs: list[Out] = []
        for (name, _), channel in self._channels.items():
            if channel is None or (data := channel.due(at)) is None:
                continue
            head = {"channel": name, "result": data}
            outs.append(encoded({**head, "time_ms": at // MILLISECOND, "event": "update"}))
        return outs

    def _carry_out(self, request: dict[str, Any], at: int) -> tuple[int, str] | None:
        """Do what is asked; what is wrong with it, if anything."""
        channel, payload, when = (request.get(key) for key in ("channel", "payload", "time"))
        if not isinstance(when, int) or abs(when - at // SECOND) > CLOCK_SKEW:
            return 2, "invalid argument: time differs by more than 60 seconds"
        if not isinstance(payload, list) or not all(isinstance(item, str) for item in payload):
            return 2, "invalid argument: payload"
        channels = self._channels_of(channel, payload)
        if isinstance(channels, str):
            return 2, channels
        names = {(str(channel), stream): made for stream, made in channels.items()}
        match request.get("event"):
            case "subscribe":
                return self._subscribe(names)
            case "unsubscribe":
                for name in names:
                    self._channels.pop(name, None)
                return None
        return 2, "invalid argument: event"

    def _subscribe(self, names: dict[_Name, _Channel | None]) -> tuple[int, str] | None:
        for name in names:
            if name in self._channels and name[0].endswith(".obu"):
                return 2, f"Alert sub {name[1]}"
        if len({*self._channels, *names}) > MOST_STREAMS:
            return 2, "too many subscriptions"
        for name, channel in names.items():
            self._channels.setdefault(name, channel)
        return None

    def _channels_of(self, channel: object, payload: list[str]) -> dict[str, _Channel | None] | str:
        """The streams that ``payload`` names on ``channel``, or what is wrong with it."""
        if not payload:
            return "invalid argument: payload"
        prefix, _, kind = str(channel).partition(".")
        if prefix != self._line.prefix:
            return f"invalid argument: {channel!r:.40}"
        if kind == "obu":
            return self._book_streams(payload)
        names = payload[:1] if kind == "order_book_update" else payload
        for name in names:
            if name not in self._books:
                return f"unknown currency pair: {name[:40]}"
        books = [self._books[name] for name in names]
        if kind == "book_ticker":
            return {book.market.id: _Best(book, self._line) for book in books}
        if kind == "tickers" and self._contracts:
            return {name: Ticker(self._contracts[name]) for name in names}
        if kind == "order_book_update" and payload[1:2] and payload[1] in INTERVALS:
            pace = INTERVALS[payload[1]]
            return {"@".join(payload): _Update(books[0], pace, self._line)}
        return f"invalid argument: {channel!r:.40} {payload!r:.80}"

    def _book_streams(self, payload: list[str]) -> dict[str, _Channel | None] | str:
        streams: dict[str, _Channel | None] = {}
        for name in payload:
            match = BOOK_STREAM.fullmatch(name)
            if match is None:
                return f"invalid argument: {name[:40]}"
            book = self._books.get(match[1])
            streams[name] = _Book(name, book, match[2], self._line) if book else None
        return streams

    def _reply(self, request: dict[str, Any], at: int, error: tuple[int, str] | None) -> str:
        self._answers += 1
        trace = _hexadecimal(f"{self._identity} {self._answers}")[:32]
        body: dict[str, Any] = {"time": at // SECOND, "time_ms": at // MILLISECOND}
        if "id" in request:
            body["id"] = request["id"]
        body |= {"conn_id": self._identity, "trace_id": trace}
        body |= {key: request.get(key) for key in ("channel", "event", "payload")}
        if error:
            body["error"] = {"code": error[0], "message": error[1]}
        body["result"] = {"status": "fail" if error else "success"}
        return encoded({**body, "requestId": trace})


LAB = GateLab


def _hexadecimal(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _failed(status: int, label: str, text: str, headers: dict[str, str] | None = None) -> Reply:
    return Reply(status, encoded({"label": label, "message": text}), headers or {})
