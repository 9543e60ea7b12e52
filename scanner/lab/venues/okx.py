"""OKX v5 as a simulated venue: spot books over REST and the public stream.

https://www.okx.com/docs-v5/en/

Channels ``bbo-tbt``, ``books5`` (whole each time) and ``books`` (snapshot, then changes that name
the id before them; the checksum is always 0). Numbers are written without trailing zeros.
"""

from __future__ import annotations

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
    Window,
)
from scanner.lab.units import MILLISECOND, SECOND
from scanner.lab.venues.okx_contracts import PERIODS as BESIDE
from scanner.lab.venues.okx_contracts import (
    Beside,
    contract_instrument,
    row,
    settled,
    underlying,
)
from scanner.lab.venues.okx_contracts import kind as kind_of
from scanner.lab.venues.okx_metadata import instrument, missing_parameter
from scanner.lab.wire import decoded_object, encoded, plain

QUIET = 30 * SECOND
HEARTBEAT = 60 * SECOND
MOST_CONNECTS_A_SECOND = 3
MOST_REQUESTS_AN_HOUR = 480
MOST_BYTES = 64 * 1024
BOOKS_PER_TWO_SECONDS = 40
BOOK_LEVELS, FULL_LEVELS = 400, 5000
PERIODS = {"bbo-tbt": 10 * MILLISECOND, "books5": 100 * MILLISECOND, "books": 100 * MILLISECOND}
FOR_MEMBERS = ("books50-l2-tbt", "books-l2-tbt")
KINDS = ("SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION")


def market_id(base: str, quote: str) -> str:
    """``BTC-USDT``"""
    return f"{base}-{quote}"


class OkxLab:
    """The venue: its REST interface, and connections to its public stream."""

    id = "okx"

    def __init__(self, world: VenueWorld) -> None:
        self._world = world
        self._connects = Rate(MOST_CONNECTS_A_SECOND, SECOND)
        self._books_asked = Rate(BOOKS_PER_TWO_SECONDS, 2 * SECOND)
        self._connections = 0

    def rest(self, request: Request, at: int) -> Reply:
        query = request.query
        match request.path:
            case "/api/v5/public/time":
                return _data([{"ts": str(at // MILLISECOND)}])
            case "/api/v5/public/instruments":
                return self._instruments(query)
            case "/api/v5/public/funding-rate":
                return self._beside("funding-rate", query, at)
            case "/api/v5/public/funding-rate-history":
                contract = self._world.contracts.get(query.get("instId", ""))
                return _data(settled(contract, query)) if contract else missing_parameter("instId")
            case "/api/v5/public/mark-price":
                return self._beside("mark-price", query, at)
            case "/api/v5/public/open-interest":
                return self._beside("open-interest", query, at)
            case "/api/v5/market/books":
                return self._book(query, BOOK_LEVELS, at)
            case "/api/v5/market/books-full":
                return self._book(query, FULL_LEVELS, at)
        if request.path.startswith(("/api/v5/account/", "/api/v5/asset/", "/api/v5/trade/")):
            return _error(401, "50103", 'Request header "OK-ACCESS-KEY" can not be empty.')
        return _error(404, "404", "Not Found")

    def connect(self, path: str, query: dict[str, str], at: int) -> Connection | Reply:
        if path != "/ws/v5/public":
            return _error(404, "404", "Not Found")
        if not self._connects.take(at):
            return _error(429, "50011", "Too Many Requests")
        self._connections += 1
        return _Stream(self._world, f"{self._connections:08x}", at)

    def _instruments(self, query: dict[str, str]) -> Reply:
        kind = query.get("instType", "")
        if not kind:
            return missing_parameter("instType")
        if kind not in KINDS:
            return _error(400, "51000", "Parameter instType error")
        if kind == "OPTION" and not (query.get("uly") or query.get("instFamily")):
            return missing_parameter("uly or instFamily")
        wanted = query.get("instId")
        contracts = self._world.contracts.values()
        found = [contract_instrument(c) for c in contracts if kind_of(c) == kind]
        if kind == "SPOT":
            found = [instrument(market) for market in self._world.markets]
        return _data([one for one in found if wanted in (None, one["instId"])])

    def _beside(self, channel: str, query: dict[str, str], at: int) -> Reply:
        wanted, kind = query.get("instId"), query.get("instType")
        if channel == "funding-rate" and not wanted:
            return missing_parameter("instId")
        found = [
            said
            for contract in self._world.contracts.values()
            if wanted in (None, "ANY", contract.market.id) and kind in (None, kind_of(contract))
            if (said := row(channel, contract, at)) is not None
        ]
        return _data(found) if found else _error(200, "51001", "Instrument ID doesn't exist.")

    def _book(self, query: dict[str, str], most: int, at: int) -> Reply:
        market, levels = query.get("instId", ""), query.get("sz", "1")
        if not self._books_asked.take(at):
            return _error(429, "50011", "Too Many Requests")
        if not market:
            return missing_parameter("instId")
        if not (levels.isascii() and levels.isdigit() and len(levels) < 5):
            return _error(400, "51000", "Parameter sz error")
        if not 0 < int(levels) <= most:
            return _error(400, "51000", "Parameter sz error")
        book = book_of(self._world, market)
        if book is None:
            return _error(200, "51001", "Instrument ID doesn't exist.")
        sides = {"asks": _rows(book.levels(ASK, int(levels)))}
        sides["bids"] = _rows(book.levels(BID, int(levels)))
        return _data([{**sides, "ts": str(at // MILLISECOND)}])


class _Channel:
    """One subscription of one client."""

    def __init__(self, channel: str, book: LabBook) -> None:
        self.arg = {"channel": channel, "instId": book.market.id}
        self._book = book
        self._period = PERIODS[channel]
        self._window = Window(book, BOOK_LEVELS) if channel == "books" else None
        self._levels = 1 if channel == "bbo-tbt" else 5
        self._shown: tuple[list[Row], list[Row]] | None = None
        self._sent_id = -1
        self._sequence = -1
        self._last: int | None = None

    def due(self, at: int) -> object | None:
        """What the channel says now, None for nothing."""
        if self._last is not None and at - self._last < self._period:
            return None
        changed = self._sequence != self._book.sequence
        if self._window is None:
            return self._whole(at) if changed else None
        if self._last is None:
            return self._snapshot(self._window, at)
        if changed or at - self._last >= HEARTBEAT:
            return self._update(self._window, at)
        return None

    def _whole(self, at: int) -> object | None:
        self._sequence = self._book.sequence
        bids, asks = self._book.levels(BID, self._levels), self._book.levels(ASK, self._levels)
        if (bids, asks) == self._shown:
            return None
        self._shown = (bids, asks)
        self._last = at
        data = {"asks": _rows(asks), "bids": _rows(bids), "ts": str(at // MILLISECOND)}
        if self._levels > 1:
            data["instId"] = self._book.market.id
        return {"arg": self.arg, "data": [{**data, "seqId": self._book.sequence}]}

    def _snapshot(self, window: Window, at: int) -> object:
        return self._books("snapshot", window.snapshot(), at)

    def _update(self, window: Window, at: int) -> object | None:
        changes = window.changes()
        self._sequence = self._book.sequence
        if any(changes):
            return self._books("update", changes, at)
        if self._last is not None and at - self._last < HEARTBEAT:
            return None
        return self._books("update", changes, at, self._sent_id)

    def _books(
        self, action: str, rows: tuple[list[Row], list[Row]], at: int, number: int | None = None
    ) -> object:
        self._last = at
        self._sequence = self._book.sequence
        before = self._sent_id
        self._sent_id = self._book.sequence if number is None else number
        bids, asks = rows
        data = {
            "asks": _rows(asks),
            "bids": _rows(bids),
            "ts": str(at // MILLISECOND),
            "checksum": 0,
            "prevSeqId": before,
            "seqId": self._sent_id,
        }
        return {"arg": self.arg, "action": action, "data": [data]}


class _Stream:
    """One connection."""

    def __init__(self, world: VenueWorld, name: str, at: int) -> None:
        self._world = world
        self._name = name
        self._channels: dict[tuple[str, str], _Channel | Beside] = {}
        self._requests = Rate(MOST_REQUESTS_AN_HOUR, 3600 * SECOND)
        self._alive = at

    def opened(self, at: int) -> list[Out]:
        return []

    def received(self, text: str, at: int) -> list[Out]:
        self._alive = at
        if text == "ping":
            return ["pong"]
        request = decoded_object(text)
        if request is None:
            return [self._error("60012", f"Invalid request: {text:.200}", {})]
        return self._answer(request, text, at)

    def due(self, at: int) -> list[Out]:
        outs: list[Out] = []
        for channel in self._channels.values():
            if (message := channel.due(at)) is not None:
                outs.append(encoded(message))
        if outs:
            self._alive = at
        if at - self._alive >= QUIET:
            return [Close(4004, "No data received in 30s.")]
        return outs

    def _answer(self, request: dict[str, Any], text: str, at: int) -> list[Out]:
        number, op, args = request.get("id"), request.get("op"), request.get("args")
        named = {"id": number} if isinstance(number, str) else {}
        if op == "login":
            return [self._error("60005", "Invalid apiKey", named)]
        if op not in ("subscribe", "unsubscribe") or not isinstance(args, list) or not args:
            return [self._error("60012", f"Invalid request: {text:.200}", named)]
        if len(text.encode()) > MOST_BYTES:
            return [self._error("60013", "Invalid args", named)]
        if not self._requests.take(at):
            return [self._error("60014", "Requests too frequent", named)]
        return [encoded(self._one(str(op), arg, named)) for arg in args]

    def _one(self, op: str, arg: object, named: dict[str, str]) -> object:
        """The answer to one argument of a request."""
        fields = arg if isinstance(arg, dict) else {}
        channel, market = fields.get("channel"), fields.get("instId")
        if not (isinstance(channel, str) and isinstance(market, str)):
            return self._refusal("60013", "Invalid args", named)
        if channel in FOR_MEMBERS and op == "subscribe":
            return self._refusal("60011", "Please log in", named)
        made = self._made(channel, market)
        if made is None:
            text = (
                f"Wrong URL or channel:{channel},instId:{market} doesn't exist. Please use the "
                "correct URL, channel and parameters referring to API document."
            )
            return self._refusal("60018", text, named)
        if op == "unsubscribe":
            self._channels.pop((channel, market), None)
        elif (channel, market) not in self._channels:
            self._channels[channel, market] = made
        return {**named, "event": op, "arg": arg, "connId": self._name}

    def _made(self, channel: str, market: str) -> _Channel | Beside | None:
        """The subscription; None for what does not exist."""
        if channel in PERIODS:
            book = book_of(self._world, market)
            return _Channel(channel, book) if book else None
        if channel not in BESIDE:
            return None
        for contract in self._world.contracts.values():
            name = underlying(contract) if channel == "index-tickers" else contract.market.id
            if name == market and row(channel, contract, 0) is not None:
                return Beside(channel, market, contract)
        return None

    def _refusal(self, code: str, text: str, named: dict[str, str]) -> object:
        return {**named, "event": "error", "code": code, "msg": text, "connId": self._name}

    def _error(self, code: str, text: str, named: dict[str, str]) -> str:
        return encoded(self._refusal(code, text, named))


LAB = OkxLab


def book_of(world: VenueWorld, market: str) -> LabBook | None:
    """The book of an instrument of any kind."""
    contract = world.contracts.get(market)
    return contract.book if contract else world.books.get(market)


def _rows(rows: list[Row]) -> list[list[str]]:
    """Levels as the venue writes them: price, size, a field of old, the number of orders."""
    return [[plain(price), plain(size), "0", "0" if size == "0" else "1"] for price, size in rows]


def _data(data: list[Any]) -> Reply:
    return Reply(200, encoded({"code": "0", "data": data, "msg": ""}))


def _error(status: int, code: str, text: str) -> Reply:
    return Reply(status, encoded({"code": code, "data": [], "msg": text}))
