"""Books that are changes from the stream, joined to a snapshot from REST."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from scanner.types import Delta, Fetch, Notice, Reset, Snapshot
from scanner.venues.cells import Cells, Shared
from scanner.venues.parts import Fetches
from scanner.venues.protocol import Steps
from scanner.venues.sequence import Verdict


class Joins(Protocol):
    """``Bridge``, or what does its work."""

    @property
    def synced(self) -> bool: ...

    def snapshot(self, sequence: int, step: Snapshot) -> list[Snapshot | Delta] | None: ...


B = TypeVar("B", bound=Joins)


class BridgedBooks(Generic[B]):
    """The books of one connection, a bridge each, and the requests for their snapshots.

    ``make`` builds a bridge upon the cells of a market, ``url`` says where its snapshot is.
    ``wanted`` keeps one request in flight for a market, whoever makes it.
    """

    __slots__ = ("_bridges", "_make", "_shared", "_url", "_wanted")

    def __init__(
        self,
        make: Callable[[Cells], B],
        url: Callable[[str], str],
        wanted: Fetches,
        shared: Shared | None = None,
    ) -> None:
        self._bridges: dict[str, B] = {}
        self._make = make
        self._shared = shared or Shared()
        self._url = url
        self._wanted = wanted

    def __contains__(self, market: str) -> bool:
        return market in self._bridges

    def __getitem__(self, market: str) -> B:
        """The bridge of ``market``, a new one where there is none."""
        bridge = self._bridges.get(market)
        if bridge is None:
            bridge = self._bridges[market] = self._make(self._shared[market])
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
        return () if self[market].synced else self.fetch(market, at)

    def joined(self, snapshot: Snapshot, at: int) -> Steps:
        """The answer to a request was ``snapshot``."""
        market = snapshot.market
        steps = self[market].snapshot(snapshot.sequence, snapshot)
        if steps is None:
            return self.failed(market, "older than the stream", at)
        self._wanted.done(market)
        return steps

    def failed(self, market: str, reason: str, at: int) -> list[Notice]:
        """The answer to a request was of no use."""
        self._wanted.failed(market, at)
        return [Notice(f"{market}: no order book snapshot ({reason}), asking again")]


def market_of(tag: str) -> str:
    """The market that a request was for."""
    return tag.partition(":")[2]
