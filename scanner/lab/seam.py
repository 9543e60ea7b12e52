"""The seam between a simulated venue and the server that lets clients reach it.

A simulated venue is one file that knows neither sockets nor clocks: requests, texts and times (ns
since the epoch) in, replies and frames out. ``scanner.lab.venues.<ccxt id>`` exports the class as
``LAB`` and ``market_id(base, quote)``, the REST id of a market. Paths reach it without the prefix
under which the server mounts it, and always start with a slash.
"""

from __future__ import annotations

from typing import Protocol, TypeAlias, runtime_checkable

from msgspec import Struct, field

from scanner.lab.book import ASK, BID, Change, LabBook, LabMarket, Row, Window, merged
from scanner.lab.contracts import LabContract, Said

__all__ = [
    "ASK",
    "BID",
    "Change",
    "Close",
    "Connection",
    "HearsPongs",
    "LabBook",
    "LabContract",
    "LabMarket",
    "LabVenue",
    "Out",
    "Ping",
    "Reply",
    "Request",
    "Row",
    "Said",
    "VenueWorld",
    "Window",
    "merged",
]


class Ping(Struct, frozen=True):
    """A WebSocket ping."""

    payload: bytes = b""


class Close(Struct, frozen=True):
    """Close the connection; nothing after it is sent."""

    code: int = 1000
    reason: str = ""


Out: TypeAlias = str | bytes | Ping | Close
"""What goes to a client: a text frame, a binary frame, a ping, or the end."""


class Request(Struct, frozen=True):
    """One HTTP request. Header names are lower-case."""

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Reply(Struct, frozen=True):
    """The answer to a request; JSON unless a header says otherwise."""

    status: int
    body: str
    headers: dict[str, str] = field(default_factory=dict)


class Connection(Protocol):
    """One WebSocket client of a simulated venue. It may raise nothing, whatever the client says."""

    def opened(self, at: int) -> list[Out]:
        """The connection stands: what the venue says first."""
        ...

    def received(self, text: str, at: int) -> list[Out]:
        """The client sent a text frame."""
        ...

    def due(self, at: int) -> list[Out]:
        """Called about every 10 ms, after the books have changed: what the channels may push at
        their own pace, heartbeats, time-outs."""
        ...


@runtime_checkable
class HearsPongs(Protocol):
    """A connection of a venue that expects answers to its WebSocket pings."""

    def ponged(self, payload: bytes, at: int) -> list[Out]:
        """The client sent a WebSocket pong."""
        ...


class VenueWorld:
    """What one simulated venue stands on: its books by REST id, and where clients reach it. Its
    contracts, by theirs, are apart: some venues give a contract the name of a spot market.

    ``base_url`` (``http://127.0.0.1:PORT/<venue>``) and ``ws_url`` (``ws://...``) have no trailing
    slash and are set once the server listens.
    """

    def __init__(
        self,
        venue: str,
        books: dict[str, LabBook],
        contracts: dict[str, LabContract] | None = None,
    ) -> None:
        self.venue = venue
        self.books = books
        self.contracts = contracts or {}
        self.base_url = ""
        self.ws_url = ""

    @property
    def markets(self) -> list[LabMarket]:
        """What the venue lists."""
        return [book.market for book in self.books.values()]

    @property
    def currencies(self) -> list[str]:
        """The currencies of its markets, in the order of the alphabet."""
        return sorted({name for market in self.markets for name in (market.base, market.quote)})

    def book(self, symbol: str) -> LabBook:
        """The book of a unified symbol. Raises KeyError where the venue does not list it."""
        contracts = [contract.book for contract in self.contracts.values()]
        for book in (*self.books.values(), *contracts):
            if book.market.symbol == symbol:
                return book
        raise KeyError(symbol)

    def contract(self, symbol: str) -> LabContract:
        """The contract of a unified symbol. Raises KeyError as ``book``."""
        for contract in self.contracts.values():
            if contract.market.symbol == symbol:
                return contract
        raise KeyError(symbol)


class LabVenue(Protocol):
    """A simulated venue. ``rest`` and ``connect`` may raise nothing, whatever they are asked."""

    id: str

    def __init__(self, world: VenueWorld) -> None: ...

    def rest(self, request: Request, at: int) -> Reply:
        """Answer a REST request as the venue does, errors included."""
        ...

    def connect(self, path: str, query: dict[str, str], at: int) -> Connection | Reply:
        """A client asks for a WebSocket at ``path``; a ``Reply`` refuses it (unknown path, bad
        token)."""
        ...
