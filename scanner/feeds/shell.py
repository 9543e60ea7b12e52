"""The outside as the feeds see it: clock, chance, network, patience. All of it can be replaced."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Protocol

from msgspec import Struct

from scanner.events import FeedEvent
from scanner.feeds.socket import OpenSocket, open_socket
from scanner.steps import Step
from scanner.types import Market
from scanner.venues.protocol import Options, Venue


class Timing(Struct, frozen=True, kw_only=True):
    """Patience, in seconds.

    ``start``: until a venue has said where to connect; ``open``: for the whole opening handshake;
    ``first``: until an open connection says anything at all; ``silence``: between two messages
    (longer than any venue's heartbeat, the protocols know better and act sooner); ``beat``: between
    two calls of ``idle``; ``stall``: longer between two of them, and this process stood still;
    ``ping``, ``pong``: between WebSocket pings, and for their answers; ``send``, ``fetch``: for one
    message out, for one HTTP answer; ``close``: for a closing handshake. ``retry_first``,
    ``retry_cap``, ``steady``: see ``Backoff``. ``outbox``: how many messages may wait to be sent.
    """

    start: float = 20.0
    open: float = 10.0
    first: float = 15.0
    silence: float = 40.0
    beat: float = 0.25
    stall: float = 2.0
    ping: float = 20.0
    pong: float = 20.0
    send: float = 10.0
    fetch: float = 8.0
    close: float = 0.5
    retry_first: float = 0.5
    retry_cap: float = 30.0
    steady: float = 10.0
    outbox: int = 1024


class Lane(Protocol):
    """One connection's way through the core (``scanner.pipeline``), fresh for each try."""

    @property
    def proved(self) -> bool:
        """Some book of this connection has been live."""
        ...

    def start(self, at: int) -> Sequence[Step]: ...

    def opened(self, at: int) -> Sequence[Step]: ...

    def received(self, raw: bytes, at: int) -> Sequence[Step]: ...

    def received_many(
        self, buffer: int, starts: int, ends: int, count: int, at: int
    ) -> Sequence[Step]:
        """``count`` whole messages in the order in which they came, as ``received`` would take them
        one by one: what came of them, in that order. After a ``Reconnect`` the rest is left.

        ``buffer`` is an address; ``starts`` and ``ends`` are the addresses of ``count`` int64 each:
        message ``i`` is the bytes ``buffer + starts[i]`` up to ``buffer + ends[i]``, exclusive. All
        of it stays as it is during the call and is not kept.
        """
        ...

    def fetched(self, tag: str, status: int, body: bytes, at: int) -> Sequence[Step]: ...

    def idle(self, at: int) -> Sequence[Step]: ...

    def proven(self) -> Mapping[str, int]:
        """When each book that is live, or was until it became too old, was proven last: ns."""
        ...

    def closed(self, reason: str, at: int) -> None:
        """Every book of the lane leaves the game in this very call."""
        ...


class Lanes(Protocol):
    """Where lanes come from (``scanner.pipeline.Pipeline``)."""

    def lane(self, venue: Venue, markets: Sequence[Market] | None, options: Options) -> Lane: ...

    def ticker_lane(self, venue: Venue, markets: Sequence[Market], options: Options) -> Lane: ...


def _untold(event: FeedEvent) -> None:
    """For those who do not listen."""


class Shell(Struct, frozen=True, kw_only=True):
    """What every connection is given. ``tell`` hears of what happens to it and returns at once.

    ``processes`` share what a venue allows; the connections of this one are numbered ``first``,
    ``first + processes`` and so on, so that each number is there once.
    """

    now: Callable[[], int]
    rng: Random
    tell: Callable[[FeedEvent], None] = _untold
    timing: Timing = Timing()
    open_socket: OpenSocket = open_socket
    first: int = 1
    processes: int = 1
