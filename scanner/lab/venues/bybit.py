"""Bybit v5, spot and linear contracts, as a simulated venue.

https://bybit-exchange.github.io/docs/v5/intro

Stream topics: ``orderbook.{1|50|200|1000}.<symbol>`` below ``/v5/public/spot`` and ``/linear``, and
``tickers.<symbol>`` of contracts. The other categories answer, and are empty.
"""

from __future__ import annotations

import re
from itertools import count
from typing import Any, Protocol

import msgspec

from scanner.lab.limits import Budget
from scanner.lab.past import number, page
from scanner.lab.seam import (
    ASK,
    BID,
    Close,
    Connection,
    LabBook,
    LabContract,
    Out,
    Reply,
    Request,
    Row,
    VenueWorld,
    Window,
)
from scanner.lab.units import MILLISECOND, SECOND
from scanner.lab.venues.bybit_metadata import listed, listed_contract, ticker
from scanner.lab.wire import decoded, encoded, plain, plain_rows

PERIODS = {1: 10, 50: 20, 200: 100, 1000: 200}
DEPTHS = tuple(map(str, PERIODS))
REPEAT_TOUCH = 3 * SECOND
MOST_ARGS = 10
MOST_CHARACTERS = 21_000
MOST_REQUESTS = 600
REQUEST_PERIOD = 5 * SECOND
IDLE_EMPTY = 60 * SECOND
IDLE_SUBSCRIBED = 600 * SECOND
REST_LEVELS = 200
MOST_SETTLED = 200
NUMBER = re.compile(r"[0-9]{1,4}")
CATEGORIES = ("spot", "linear", "inverse", "option")
TICKERS = "tickers."
TOPIC = re.compile(r"orderbook\.(\d+)\.([A-Z0-9]+)")


def market_id(base: str, quote: str) -> str:
    """``BTCUSDT``"""
    return base + quote


class BybitLab:
    """The venue: its REST interface, and connections to its public streams."""

    id = "bybit"

    def __init__(self, world: VenueWorld) -> None:
        self._world = world
        self._connections = count(1)
        self._requests = Budget(MOST_REQUESTS, REQUEST_PERIOD)

    def rest(self, request: Request, at: int) -> Reply:
        if not self._requests.spend(1, at):
            return Reply(403, "access too frequent, please try again later", {"Content-Type": TEXT})
        match request.path:
            case "/v5/market/time":
                now = {"timeSecond": str(at // SECOND), "timeNano": str(at)}
                return _reply(now, at)
            case "/v5/market/instruments-info":
                return self._instruments(request.query, at)
            case "/v5/market/orderbook":
                return self._orderbook(request.query, at)
            case "/v5/market/funding/history":
                return self._settled(request.query, at)
            case "/v5/market/tickers":
                return self._tickers(request.query, at)
        return Reply(404, "", {"Content-Type": TEXT})

    def connect(self, path: str, query: dict[str, str], at: int) -> Connection | Reply:
        category = path.removeprefix("/v5/public/")
        if category == path or category not in CATEGORIES:
            return Reply(404, "", {"Content-Type": TEXT})
        contracts = self._world.contracts if category == "linear" else {}
        name = f"d9lab{next(self._connections):08d}-bybit"
        return _Stream(self._books(category), contracts, category, name, at)

    def _books(self, category: str) -> dict[str, LabBook]:
        if category == "linear":
            return {name: contract.book for name, contract in self._world.contracts.items()}
        return self._world.books if category == "spot" else {}

    def _settled(self, query: dict[str, str], at: int) -> Reply:
        contract = self._world.contracts.get(query.get("symbol", ""))
        if query.get("category") != "linear" or contract is None:
            return _error(10001, "params error: symbol invalid", at)
        since, until = (number(query.get(key), 0) for key in ("startTime", "endTime"))
        if since and not until:
            return _error(10001, "params error: EndTime is required", at)
        limit = min(number(query.get("limit"), MOST_SETTLED), MOST_SETTLED)
        bounds = {"since": since * MILLISECOND, "until": until * MILLISECOND}
        rows = [
            {
                "symbol": contract.market.id,
                "fundingRate": plain(f"{one.rate:.8f}"),
                "fundingRateTimestamp": str(one.at // MILLISECOND),
            }
            for one in page(contract.settled, limit, newest=True, **bounds)
        ]
        return _reply({"category": "linear", "list": rows}, at)

    def _instruments(self, query: dict[str, str], at: int) -> Reply:
        category = query.get("category", "")
        if category not in CATEGORIES:
            return _error(10001, "params error: Category is invalid", at)
        markets = [book.market for book in self._books(category).values()]
        entry = listed if category == "spot" else listed_contract
        found = [entry(number, market) for number, market in enumerate(markets, 1)]
        if symbol := query.get("symbol"):
            found = [row for row in found if row["symbol"] == symbol]
        if status := query.get("status"):
            found = [row for row in found if row["status"] == status]
        result: dict[str, Any] = {"category": category, "list": found}
        if category != "spot":
            result["nextPageCursor"] = ""
        return _reply(result, at)

    def _orderbook(self, query: dict[str, str], at: int) -> Reply:
        if query.get("category") not in CATEGORIES:
            return _error(10001, "params error: Category is invalid", at)
        book = self._books(query["category"]).get(query.get("symbol", ""))
        if book is None:
            return _error(10001, "Not supported symbols", at)
        limit = query.get("limit", "1")
        if not (NUMBER.fullmatch(limit) and 1 <= int(limit) <= REST_LEVELS):
            return _error(10001, "params error: limit exceeds the range", at)
        result = {
            "s": book.market.id,
            "b": plain_rows(book.levels(BID, int(limit))),
            "a": plain_rows(book.levels(ASK, int(limit))),
            "ts": at // MILLISECOND,
            "u": book.sequence,
            "seq": book.sequence,
            "cts": book.changed_at // MILLISECOND,
        }
        return _reply(result, at)

    def _tickers(self, query: dict[str, str], at: int) -> Reply:
        if query.get("category") != "linear":
            return _error(10001, "params error: Category is invalid", at)
        rows = [ticker(contract) for contract in self._world.contracts.values()]
        if symbol := query.get("symbol"):
            rows = [row for row in rows if row["symbol"] == symbol]
        return _reply({"category": "linear", "list": rows}, at)


class _Topic(Protocol):
    """One topic of one client."""

    def due(self, at: int) -> object | None:
        """The message that the topic pushes now, None for nothing; the first one is whole."""
        ...


class _Touch:
    """``orderbook.1``: whole every time, and again when nothing has changed for a while."""

    def __init__(self, topic: str, book: LabBook) -> None:
        self._topic = topic
        self._book = book
        self._update = book.sequence
        self._sequence = -1
        self._best: tuple[Row | None, Row | None] | None = None
        self._next = self._said = 0

    def due(self, at: int) -> object | None:
        repeats = at - self._said >= REPEAT_TOUCH
        if at < self._next or (self._sequence == self._book.sequence and not repeats):
            return None
        self._sequence = self._book.sequence
        best = self._book.best()
        if best == self._best and not repeats:
            return None
        self._update += best != self._best
        self._best = best
        self._next, self._said = at + PERIODS[1] * MILLISECOND, at
        bids, asks = ([row] if row else [] for row in best)
        return _message(self._topic, "snapshot", self._book, (bids, asks), self._update, at)


class _Depth:
    """A topic of several levels: a snapshot, then what changes among them."""

    def __init__(self, topic: str, book: LabBook, levels: int) -> None:
        self._topic = topic
        self._book = book
        self._window = Window(book, levels)
        self._period = PERIODS[levels] * MILLISECOND
        self._update = book.sequence
        self._next = 0

    def due(self, at: int) -> object | None:
        if at < self._next or self._window.sequence == self._book.sequence:
            return None
        kind = "delta" if self._next else "snapshot"
        rows = self._window.changes() if self._next else self._window.snapshot()
        self._next = at + self._period
        if kind == "delta" and not any(rows):
            return None
        self._update += 1
        return _message(self._topic, kind, self._book, rows, self._update, at)


class _Ticker:
    """``tickers``: whole at first, then what has changed, ten times in three seconds."""

    PERIOD = 300 * MILLISECOND

    def __init__(self, topic: str, contract: LabContract) -> None:
        self._topic = topic
        self._contract = contract
        self._said: dict[str, str] = {}
        self._next = 0

    def due(self, at: int) -> object | None:
        if at < self._next:
            return None
        self._next = at + self.PERIOD
        now, before = ticker(self._contract), self._said
        self._said = now
        changed = {key: value for key, value in now.items() if before.get(key) != value}
        if not changed:
            return None
        kind = "delta" if before else "snapshot"
        data = changed | {"symbol": now["symbol"]}
        stamps = {"cs": self._contract.book.sequence, "ts": at // MILLISECOND}
        return {"topic": self._topic, "type": kind, "data": data, **stamps}


class _Stream:
    """One connection to the public stream of one category."""

    def __init__(
        self,
        books: dict[str, LabBook],
        contracts: dict[str, LabContract],
        category: str,
        name: str,
        at: int,
    ) -> None:
        self._books = books
        self._contracts = contracts
        self._category = category
        self._name = name
        self._topics: dict[str, _Topic] = {}
        self._heard = at

    def opened(self, at: int) -> list[Out]:
        return []

    def received(self, text: str, at: int) -> list[Out]:
        self._heard = at
        try:
            request = decoded(text, dict[str, Any])
        except msgspec.DecodeError as error:
            return [self._reply(False, f"Failed to decode incoming data:{error}", {}, "")]
        op = request.get("op")
        if op == "ping":
            return [self._reply(True, "pong", request, "ping")]
        args = request.get("args")
        if not isinstance(args, list) or not all(isinstance(arg, str) for arg in args):
            args = []
        if op == "unsubscribe":
            for topic in args:
                self._topics.pop(topic, None)
            return [self._reply(True, self._word(op), request, op)]
        if op != "subscribe":
            return [self._reply(False, "error:invalid op", request, str(op or ""))]
        if refusal := self._refusal(args):
            return [self._reply(False, refusal, request, op)]
        self._topics |= {topic: self._made(topic) for topic in args}
        return [self._reply(True, self._word(op), request, op), *self._pushed(args, at)]

    def due(self, at: int) -> list[Out]:
        idle = IDLE_SUBSCRIBED if self._topics else IDLE_EMPTY
        if at - self._heard > idle:
            return [Close(1000, "")]
        return self._pushed(self._topics, at)

    def _pushed(self, topics: list[str] | dict[str, _Topic], at: int) -> list[Out]:
        messages = (self._topics[topic].due(at) for topic in topics)
        return [encoded(message) for message in messages if message is not None]

    def _refusal(self, args: list[str]) -> str:
        """Why a request is refused, empty if it is not: one bad topic fails all of it."""
        if not args:
            return "error:request args invalid"
        if self._category == "spot" and len(args) > MOST_ARGS:
            return f"args size >{MOST_ARGS}"
        if sum(len(topic) for topic in [*self._topics, *args]) > MOST_CHARACTERS:
            return f"error:args length exceeds {MOST_CHARACTERS}"
        for topic in args:
            match = TOPIC.fullmatch(topic)
            if topic.removeprefix(TICKERS) in self._contracts and topic not in self._topics:
                continue
            if match is None or match[1] not in DEPTHS:
                return f"error:handler not found,topic:{topic}"
            if match[2] not in self._books:
                return f"Invalid symbol :[{topic}]"
            if topic in self._topics:
                return f"error:already subscribed,topic:{topic}"
        return ""

    def _made(self, topic: str) -> _Topic:
        if topic.startswith(TICKERS):
            return _Ticker(topic, self._contracts[topic.removeprefix(TICKERS)])
        _, levels, symbol = topic.split(".")
        book = self._books[symbol]
        return _Touch(topic, book) if levels == "1" else _Depth(topic, book, int(levels))

    def _word(self, op: str) -> str:
        """Spot repeats the operation, the other categories say nothing."""
        return op if self._category == "spot" else ""

    def _reply(self, success: bool, said: str, request: dict[str, Any], op: str) -> str:
        body: dict[str, Any] = {"success": success, "ret_msg": said, "conn_id": self._name}
        if "req_id" in request or self._category != "spot":
            body["req_id"] = str(request.get("req_id", ""))
        return encoded(body | {"op": op})


LAB = BybitLab
TEXT = "text/plain"


def _reply(result: object, at: int, code: int = 0, said: str = "OK") -> Reply:
    body = {"retCode": code, "retMsg": said, "result": result, "retExtInfo": {}}
    return Reply(200, encoded(body | {"time": at // MILLISECOND}))


def _error(code: int, said: str, at: int) -> Reply:
    return _reply({}, at, code, said)


def _message(
    topic: str, kind: str, book: LabBook, rows: tuple[list[Row], list[Row]], update: int, at: int
) -> object:
    return {
        "topic": topic,
        "ts": at // MILLISECOND,
        "type": kind,
        "data": {
            "s": book.market.id,
            "b": plain_rows(rows[BID]),
            "a": plain_rows(rows[ASK]),
            "u": update,
            "seq": book.sequence,
        },
        "cts": book.changed_at // MILLISECOND,
    }
