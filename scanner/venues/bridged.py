"""Books that are changes from the stream, joined to a snapshot from REST."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from scanner.steps import Delta, Fetch, Notice, Reset, Snapshot
from scanner.venues.cells import Cells, Shared
from scanner.venues.parts import Fetches
from scanner.venues.protocol import Steps
from scanner.venues.sequence import Verdict


class Joins(Protocol):
    """``Bridge``, or what does its work."""

    @property
    def synced(self) -> bool: ...

    @property
    def spilt(self) -> bool: ...

    def snapshot(self, sequence: int, step: Snapshot) -> list[Snapshot | Delta] | None: ...


B = TypeVar("B", bound=Joins)


class BridgedBooks(Generic[B]):
    """The books of one connection, a bridge each, and the requests for their snapshots.

    ``make`` builds a bridge upon the cells of a market, with so many bytes of room: what the
    connection has, dealt out to its ``markets`` (0: it is not known how many there are). ``url``
    says where the snapshot of a market is. ``wanted`` keeps one request in flight for a market,
    whoever makes it.
    """

    ROOM = 32 << 20
    LEAST = 64 << 10
    __slots__ = ("_bridges", "_make", "_room", "_shared", "_spilt", "_url", "_wanted")

    def __init__(
        self,
        make: Callable[[Cells, int], B],
        url: Callable[[str], str],
        wanted: Fetches,
        markets: int,
        shared: Shared | None = None,
    ) -> None:
        self._bridges: dict[str, B] = {}
        self._spilt: set[str] = set()
        self._make = make
        self._room = max(self.ROOM // max(markets, 1), self.LEAST)
        self._shared = shared or Shared()
        self._url = url
        self._wanted = wanted

    def __contains__(self, market: str) -> bool:
        return market in self._bridges

    def __getitem__(self, market: str) -> B:
        """The bridge of ``market``, a new one where there is none."""
        bridge = self._bridges.get(market)
        if bridge is None:
            bridge = self._bridges[market] = self._make(self._shared[market], self._room)
        return bridge

    def request(self, market: str) -> Fetch:
        """The request for a snapshot; its answer is for ``market_of`` the tag."""
        return Fetch(f"depth:{market}", self._url(market))

    def fetch(self, market: str, at: int) -> list[Fetch]:
        """The request for a snapshot, if none is under way."""
        return [self.request(market)] if self._wanted.start(market, at) else []

    def missed(self, market: str, verdict: Verdict, reason: str, at: int) -> Steps:
        """What a delta leads to that did not apply; ``reason`` says why if it is a gap."""
        if verdict is Verdict.GAP:
            return [Reset(market, reason), *self.fetch(market, at)]
        if self[market].synced:
            return ()
        if self[market].spilt and market not in self._spilt:
            self._spilt.add(market)
            text = f"more than {self._room >> 10} KB of changes wait for the order book snapshot"
            return [Notice(f"{market}: {text}, the oldest are given up"), *self.fetch(market, at)]
        return self.fetch(market, at)

    def joined(self, snapshot: Snapshot, at: int) -> Steps:
        """The answer to a request was ``snapshot``."""
        market = snapshot.market
        steps = self[market].snapshot(snapshot.sequence, snapshot)
        if steps is None:
            return self.failed(market, "older than the stream", at)
        self._wanted.done(market)
        self._spilt.discard(market)
        return steps

    def failed(self, market: str, reason: str, at: int) -> list[Notice]:
        """The answer to a request was of no use."""
        self._wanted.failed(market, at)
        return [Notice(f"{market}: no order book snapshot ({reason}), asking again")]


def market_of(tag: str) -> str:
    """The market that a request was for."""
    return tag.partition(":")[2]
