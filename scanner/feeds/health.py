"""How a connection is doing."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from scanner.events import FeedEvent


class ConnectionState(StrEnum):
    """Where in its life a connection is."""

    WAITING = "waiting"
    CONNECTING = "connecting"
    OPEN = "open"
    STOPPED = "stopped"


class Health(Struct, frozen=True, kw_only=True):
    """One connection as it was at one moment.

    ``since``: when ``state`` began, ns. Counters are over all tries; ``reconnects`` counts the
    tries after the first. ``heard_at``: when the last message came, ns, 0 before the first.
    ``silent_since``: when it last gave what it is expected to give all the time, ns; 0: it does.
    """

    venue: str
    connection: int
    markets: int
    state: ConnectionState
    since: int
    messages: int
    bytes: int
    heard_at: int
    reconnects: int
    last_error: str
    silent_since: int = 0


class Meter:
    """The counters behind ``Health``."""

    __slots__ = (
        "_names",
        "bytes",
        "heard_at",
        "last_error",
        "messages",
        "silent_since",
        "since",
        "state",
        "tries",
    )

    def __init__(self, venue: str, connection: int, markets: int) -> None:
        self._names = (venue, connection, markets)
        self.state = ConnectionState.WAITING
        self.since = 0
        self.messages = 0
        self.bytes = 0
        self.heard_at = 0
        self.silent_since = 0
        self.tries = 0
        self.last_error = ""

    @property
    def name(self) -> str:
        """What the log calls the connection."""
        return f"{self._names[0]} #{self._names[1]}"

    @property
    def markets(self) -> int:
        """How many markets the connection carries."""
        return self._names[2]

    def event(self, kind: str, at: int, market: str = "", reason: str = "") -> FeedEvent:
        """Something that happens to this connection at ``at``."""
        venue, connection, _ = self._names
        return FeedEvent(
            at=at, venue=venue, connection=connection, kind=kind, market=market, reason=reason
        )

    def enter(self, state: ConnectionState, at: int) -> None:
        """The connection goes over into ``state``."""
        self.state = state
        self.since = at
        self.silent_since = 0
        if state is ConnectionState.CONNECTING:
            self.tries += 1

    def heard(self, count: int, size: int, at: int) -> None:
        """``count`` messages of ``size`` bytes together came."""
        self.messages += count
        self.bytes += size
        self.heard_at = at

    def snapshot(self) -> Health:
        """How things stand."""
        venue, connection, markets = self._names
        return Health(
            venue=venue,
            connection=connection,
            markets=markets,
            state=self.state,
            since=self.since,
            messages=self.messages,
            bytes=self.bytes,
            heard_at=self.heard_at,
            reconnects=max(0, self.tries - 1),
            last_error=self.last_error,
            silent_since=self.silent_since,
        )
