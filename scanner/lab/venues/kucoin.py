"""KuCoin classic spot as a simulated venue.

https://www.kucoin.com/docs-new

A token from ``bullet-public`` opens the stream, the venue welcomes, the client subscribes. Topics:
``/spotMarket/level1``, ``/spotMarket/level2Depth5`` and ``Depth50``, ``/market/level2``. A symbol
that does not exist is acknowledged and stays silent, as there.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable
from typing import Any, Protocol

from scanner.lab.limits import Budget, Rate
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
from scanner.lab.units import MILLISECOND, SECOND
from scanner.lab.venues.kucoin_metadata import currency, listed, ticker
from scanner.lab.wire import decoded_object, encoded, plain_row, plain_rows

MOST_SYMBOLS = 100
MOST_TOPICS = 300
MOST_MESSAGES, MESSAGE_PERIOD = 100, 10 * SECOND
SILENCE = 60 * SECOND
TOKEN_LIFE = 24 * 3600 * SECOND
MOST_TOKENS = 5000
MOST_WEIGHT, WEIGHT_PERIOD = 2000, 30 * SECOND


def market_id(base: str, quote: str) -> str:
    """``BTC-USDT``"""
    return f"{base}-{quote}"


class KuCoinLab:
    """The venue: its REST interface, and connections to its stream."""

    id = "kucoin"

    def __init__(self, world: VenueWorld) -> None:
        self._world = world
        self._tokens: dict[str, int] = {}
        self._issued = 0
        self._budget = Budget(MOST_WEIGHT, WEIGHT_PERIOD)

    def rest(self, request: Request, at: int) -> Reply:
        match request.method, request.path:
            case "POST", "/api/v1/bullet-public":
                return self.weighed(10, at, self._bullet(at))
            case "GET", "/api/v1/timestamp":
                return self.weighed(3, at, at // MILLISECOND)
            case "GET", "/api/v1/status":
                return self.weighed(3, at, {"status": "open", "msg": ""})
            case "GET", "/api/v1/symbols" | "/api/v2/symbols":
                return self.weighed(4, at, [listed(market) for market in self._world.markets])
            case "GET", "/api/v1/market/allTickers":
                tickers = [ticker(book) for book in self._world.books.values()]
                return self.weighed(15, at, {"time": at // MILLISECOND, "ticker": tickers})
            case "GET", "/api/v3/currencies":
                return self.weighed(3, at, [currency(name) for name in self._world.currencies])
            case "GET", "/api/v1/contracts/active":
                return self.weighed(3, at, [])
            case "GET", "/api/v1/market/orderbook/level2_20":
                return self._depth(request.query, 20, 2, at)
            case "GET", "/api/v1/market/orderbook/level2_100":
                return self._depth(request.query, 100, 4, at)
            case "GET", "/api/v3/market/orderbook/level2":
                text = "Please check the header of your request for KC-API-KEY"
                return failed(401, "400001", text)
        return failed(404, "404", "Not Found")

    def connect(self, path: str, query: dict[str, str], at: int) -> Connection | Reply:
        if path not in ("/", "/endpoint"):
            return failed(404, "404", "Not Found")
        trouble = self.trouble_with(query.get("token", ""), at)
        return Stream(tuple(TOPICS), self._channel, query.get("connectId", ""), trouble, at)

    def trouble_with(self, token: str, at: int) -> str:
        """What is wrong with a token; empty if nothing is."""
        issued = self._tokens.get(token)
        if issued is None:
            return "token is invalid"
        return "token is expired" if at - issued > TOKEN_LIFE else ""

    def _channel(self, topic: str, symbol: str) -> Channel | None:
        book = self._world.books.get(symbol)
        return TOPICS[topic](book) if book else None

    def _bullet(self, at: int) -> object:
        self._issued += 1
        digest = hashlib.sha512(f"{self._issued}:{at}".encode()).digest()
        token = f"2neA{b64encode(digest).decode()}.{b64encode(digest[:16]).decode()}"
        self._tokens[token] = at
        if len(self._tokens) > MOST_TOKENS:
            del self._tokens[next(iter(self._tokens))]
        server = {
            "endpoint": f"{self._world.ws_url}/",
            "encrypt": False,
            "protocol": "websocket",
            "pingInterval": 18000,
            "pingTimeout": 10000,
        }
        return {"token": token, "instanceServers": [server]}

    def _depth(self, query: dict[str, str], levels: int, weight: int, at: int) -> Reply:
        book = self._world.books.get(query.get("symbol", ""))
        if book is None:
            return failed(400, "900001", "symbol not exists")
        body = {
            "time": at // MILLISECOND,
            "sequence": str(book.sequence),
            "bids": plain_rows(book.levels(BID, levels)),
            "asks": plain_rows(book.levels(ASK, levels)),
        }
        return self.weighed(weight, at, body)

    def weighed(self, weight: int, at: int, data: object) -> Reply:
        """``data``, unless the requests of these 30 s have become too heavy."""
        served = self._budget.spend(weight, at)
        left = WEIGHT_PERIOD - at % WEIGHT_PERIOD
        headers = {
            "gw-ratelimit-limit": str(MOST_WEIGHT),
            "gw-ratelimit-remaining": str(max(MOST_WEIGHT - self._budget.spent, 0)),
            "gw-ratelimit-reset": str(left // MILLISECOND),
        }
        if not served:
            return failed(429, "429000", "Too many requests in a short period of time", headers)
        return Reply(200, encoded({"code": "200000", "data": data}), headers)


class Channel(Protocol):
    """One topic of one client. ``due`` is asked again until it has nothing more to say; ``subject``
    is that of what it said last."""

    subject: str

    def due(self, at: int) -> object | None:
        """What is to be said now, None for nothing."""
        ...


class _Whole:
    """The best levels of a book, at most every 100 ms."""

    subject = "level2"

    def __init__(self, book: LabBook, levels: int) -> None:
        self._book = book
        self._levels = levels
        self._sequence = -1
        self._next = 0

    def due(self, at: int) -> object | None:
        book = self._book
        if at < self._next or book.sequence == self._sequence:
            return None
        self._next, self._sequence = at + 100 * MILLISECOND, book.sequence
        return {
            "asks": plain_rows(book.levels(ASK, self._levels)),
            "bids": plain_rows(book.levels(BID, self._levels)),
            "timestamp": book.changed_at // MILLISECOND,
        }


class _Touch:
    """Best bid and offer, at most every 10 ms."""

    subject = "level1"

    def __init__(self, book: LabBook) -> None:
        self._book = book
        self._best: tuple[Row | None, Row | None] | None = None
        self._next = 0

    def due(self, at: int) -> object | None:
        best = self._book.best()
        if at < self._next or best == self._best:
            return None
        self._next, self._best = at + 10 * MILLISECOND, best
        bid, ask = (plain_row(row) if row else ("0", "0") for row in best)
        return {"asks": ask, "bids": bid, "timestamp": self._book.changed_at // MILLISECOND}


class _Changes:
    """Every change of a book. What changed in between is left out, so that a range covers more ids
    than it has rows; what came back to its old size is a row without a price."""

    subject = "trade.l2update"

    def __init__(self, book: LabBook) -> None:
        self._book = book
        self._sequence = book.sequence
        self._shown = {
            (side, price): size for side in (BID, ASK) for price, size in book.levels(side)
        }

    def due(self, at: int) -> object | None:
        book = self._book
        if book.sequence == self._sequence:
            return None
        first, changes = book.range_since(self._sequence)
        self._sequence = book.sequence
        rows: tuple[list[object], list[object]] = ([], [])
        for change in {(change.side, change.price): change for change in changes}.values():
            key = (change.side, change.price)
            price, size = plain_row((change.price, change.size))
            if self._shown.get(key, "0") == change.size:
                price, size = "0", "0"
            self._shown[key] = change.size
            rows[change.side].append((price, size, str(change.sequence)))
        return {
            "changes": {"asks": rows[ASK], "bids": rows[BID]},
            "sequenceEnd": book.sequence,
            "sequenceStart": first,
            "symbol": book.market.id,
            "time": book.changed_at // MILLISECOND,
        }


TOPICS: dict[str, Callable[[LabBook], Channel]] = {
    "/spotMarket/level1": _Touch,
    "/spotMarket/level2Depth5": lambda book: _Whole(book, 5),
    "/spotMarket/level2Depth50": lambda book: _Whole(book, 50),
    "/market/level2": _Changes,
}


class Stream:
    """One connection; ``find`` makes the channel of one of ``topics`` and a symbol, where there is
    one."""

    def __init__(
        self,
        topics: tuple[str, ...],
        find: Callable[[str, str], Channel | None],
        identity: str,
        trouble: str,
        at: int,
    ) -> None:
        self._topics = topics
        self._find = find
        self._identity = identity
        self._trouble = trouble
        self._channels: dict[str, Channel | None] = {}
        self._messages = Rate(MOST_MESSAGES, MESSAGE_PERIOD, strict=True)
        self._heard = at

    def opened(self, at: int) -> list[Out]:
        if self._trouble:
            return [_error(self._identity, 401, self._trouble), Close(1000, self._trouble)]
        return [encoded({"id": self._identity, "type": "welcome"})]

    def received(self, text: str, at: int) -> list[Out]:
        self._heard = at
        in_time = self._messages.take(at)
        request = decoded_object(text)
        if request is None:
            return [_error("", 400, "message is not a JSON object")]
        if not in_time:
            return [_error(request.get("id"), 509, "exceed max permits per second")]
        return self._answer(request, at)

    def due(self, at: int) -> list[Out]:
        if at - self._heard > SILENCE:
            return [Close(1000, "no message from the client")]
        outs: list[Out] = []
        for topic, channel in self._channels.items():
            while channel is not None and (data := channel.due(at)) is not None:
                frame = {"topic": topic, "type": "message", "subject": channel.subject}
                outs.append(encoded(frame | {"data": data}))
        return outs

    def _answer(self, request: dict[str, Any], at: int) -> list[Out]:
        identity, topic = request.get("id"), request.get("topic")
        match request.get("type"):
            case "ping":
                return [encoded({"id": identity, "type": "pong"})]
            case "subscribe" | "unsubscribe" as verb:
                if not isinstance(topic, str):
                    return [_error(identity, 400, "topic is required")]
            case _:
                return [_error(identity, 415, "type is not supported")]
        channel, _, symbols = topic.partition(":")
        topics = [f"{channel}:{symbol}" for symbol in symbols.split(",") if symbol]
        if channel not in self._topics or not topics:
            return [_error(identity, 404, "topic does not exist")]
        if verb == "unsubscribe":
            for name in topics:
                self._channels.pop(name, None)
        elif limit := self._too_many(topics):
            return [_error(identity, 509, f"exceed max subscription count limitation of {limit}")]
        else:
            self._subscribe(channel, topics)
        return [encoded({"id": identity, "type": "ack"})] if request.get("response") else []

    def _too_many(self, topics: list[str]) -> str:
        if len(topics) > MOST_SYMBOLS:
            return f"{MOST_SYMBOLS} per time"
        many = len({*self._channels, *topics}) > MOST_TOPICS
        return f"{MOST_TOPICS} per session" if many else ""

    def _subscribe(self, channel: str, topics: list[str]) -> None:
        for topic in topics:
            if topic not in self._channels:
                self._channels[topic] = self._find(channel, topic.partition(":")[2])


LAB = KuCoinLab


def failed(status: int, code: str, text: str, headers: dict[str, str] | None = None) -> Reply:
    return Reply(status, encoded({"code": code, "msg": text}), headers or {})


def _error(identity: object, code: int, text: str) -> str:
    return encoded({"id": identity, "type": "error", "code": code, "data": text})
