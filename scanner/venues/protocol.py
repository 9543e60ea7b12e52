"""The seam between a venue and everything else.

A venue is one pure file: bytes and time in, steps out (``scanner.types``). It knows no socket, no
clock and no other venue. One protocol object lives as long as one connection, so a new connection
starts with no state at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from msgspec import Struct

from scanner.steps import Step
from scanner.types import ChecksumRule, Depth, FeeSide, LevelLayout, Market, Proof
from scanner.venues.cells import Shared
from scanner.venues.funding_history import FundingHistory
from scanner.venues.rest_book import RestBook
from scanner.venues.wire import Wire

Steps: TypeAlias = Sequence[Step]


class VenueProtocol(Protocol):
    """One connection to one venue, without the connection."""

    @property
    def shared(self) -> Shared:
        """What the fast lane goes on from."""
        ...

    def start(self, at: int) -> Steps:
        """Before any connection: ``Connect``, or a ``Fetch`` whose answer leads to it."""
        ...

    def opened(self, at: int) -> Steps:
        """The socket is open: the subscriptions, if the venue takes them at once."""
        ...

    def received(self, raw: bytes, at: int) -> Steps:
        """One message. The odd becomes a ``Notice``, the harmful a ``Reset``, a ``Refused`` or a
        ``Reconnect``. What cannot be decoded raises ``msgspec.DecodeError`` (of which
        ``ValidationError`` is one): the caller then drops every book of this connection and starts
        a new one, for a stream that has said nonsense once is not believed again. Nothing else may
        be raised."""
        ...

    def fetched(self, tag: str, status: int, body: bytes, at: int) -> Steps:
        """The answer to a ``Fetch``; status 0 means that no answer came. Raises as ``received``."""
        ...

    def resync(self, market: str, reason: str, at: int) -> Steps:
        """The book of ``market`` was found wrong from outside (checksum, malformed levels, crossed,
        silent): ask the venue for a fresh one. One request is in flight at a time."""
        ...

    def idle(self, at: int) -> Steps:
        """Called a few times a second: heartbeats that are due, requests that got no answer."""
        ...


class Options(Struct, frozen=True, kw_only=True):
    """How a protocol is to run: which depth, and where the venue is (no trailing slash)."""

    depth: Depth
    rest: str
    ws: str


class Limits(Struct, frozen=True, kw_only=True):
    """What a venue allows. Rates are upper bounds that the shell keeps by pacing.

    ``markets`` per connection; ``sends`` messages per second per connection; ``connects`` new
    connections per minute; ``message_bytes`` the largest message, after decompression;
    ``fetches`` REST requests per second.
    """

    markets: int
    sends: float
    connects: int
    message_bytes: int = 4 << 20
    fetches: float = 5.0


Make: TypeAlias = Callable[[Sequence[Market] | None, Options], VenueProtocol]


def ccxt_id(market: Mapping[str, Any]) -> str:
    """The stream id of a venue that names its markets alike everywhere: ccxt's ``id``."""
    return str(market["id"])


def everything(market: Mapping[str, Any]) -> bool:
    """Of a venue that can stream whatever ccxt lists of its kind."""
    return True


class Venue(Struct, frozen=True, kw_only=True):
    """What the registry knows of a venue.

    ``make(markets, options)`` builds a protocol; ``markets=None`` means that any market the wire
    names is taken (a recording whose subscriptions are unknown). ``stream_id`` turns a ccxt market
    into the id used on the stream. ``wire``: its data messages, for the fast lane. ``contracts``:
    it trades those, not the coins themselves; of what ccxt lists, it speaks the ones that it
    ``carries``. ``tickers`` builds the protocol of a second connection for what is said of
    contracts, where the books' connection does not carry it. ``recorded_as``: folders, or folders
    and markets (``folder/market``), under which recordings of the same protocol are kept.
    ``fee_side``: which currency it takes its fee in, where ccxt does not know. ``clocked``: the
    depths at which books bear no time of the venue, and ``Clock`` steps tell it instead.
    ``partly``: the depths at which what proves a book proves its best levels alone.
    ``rest_book``: how its books are asked for over REST, in the units of the stream (None: they are
    not), which tells a quiet market from a dead feed (``scanner.quiet``). ``funding_history``: how
    what it settled of funding is asked for (None: it is not).
    ``notes``: one line each for the documentation, facts that surprise.
    """

    id: str
    name: str
    rest: str
    ws: str
    make: Make
    limits: Limits
    proof: Mapping[Depth, Proof]
    channels: Mapping[Depth, str]
    stream_id: Callable[[Mapping[str, Any]], str] = ccxt_id
    contracts: bool = False
    carries: Callable[[Mapping[str, Any]], bool] = everything
    tickers: Make | None = None
    layout: LevelLayout = LevelLayout()
    checksum: ChecksumRule = ChecksumRule.NONE
    wire: Wire | None = None
    recorded_as: tuple[str, ...] = ()
    fee_side: FeeSide | None = None
    clocked: frozenset[Depth] = frozenset()
    partly: frozenset[Depth] = frozenset()
    rest_book: RestBook | None = None
    funding_history: FundingHistory | None = None
    notes: tuple[str, ...] = ()
