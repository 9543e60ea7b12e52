"""A connection beside the books: only what a venue says of its contracts comes over it.

Some venues send marks and rates over a connection of their own. It leaves the books alone, and what
it said goes with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from scanner.derivatives import Derivatives
from scanner.steps import (
    Ack,
    Best,
    Clock,
    Connect,
    Delta,
    DerivativeTicker,
    Fetch,
    Notice,
    Reconnect,
    Refused,
    Reset,
    Send,
    Snapshot,
    Step,
)
from scanner.types import Market
from scanner.venues.frames import messages
from scanner.venues.protocol import VenueProtocol

Action: TypeAlias = Connect | Send | Fetch | Ack | Refused | Reset | Reconnect | Notice


class TickerLane:
    """One such connection's way through the core. ``books``: the number of each market's book."""

    def __init__(
        self,
        derivatives: Derivatives,
        protocol: VenueProtocol,
        markets: Sequence[Market],
        books: Mapping[str, int],
    ) -> None:
        self._derivatives = derivatives
        self._protocol = protocol
        self._markets = {market.id: market for market in markets}
        self._books = books
        self._over = False
        self.proved = False

    def start(self, at: int) -> list[Action]:
        """Before the connection: what leads to it."""
        return self._run(self._protocol.start, at)

    def opened(self, at: int) -> list[Action]:
        """The socket is open: subscribe."""
        return self._run(self._protocol.opened, at)

    def received(self, raw: bytes, at: int) -> list[Action]:
        """One message from the socket."""
        return self._run(lambda at: self._protocol.received(raw, at), at)

    def received_many(
        self, buffer: int, starts: int, ends: int, count: int, at: int
    ) -> list[Action]:
        """As that of a lane of books."""
        actions: list[Action] = []
        for raw in messages(buffer, starts, ends, count):
            actions += self.received(raw, at)
            if self._over:
                break
        return actions

    def proven(self) -> dict[str, int]:
        """It carries no books."""
        return {}

    def fetched(self, tag: str, status: int, body: bytes, at: int) -> list[Action]:
        """The answer to a ``Fetch``; status 0: there was none."""
        return self._run(lambda at: self._protocol.fetched(tag, status, body, at), at)

    def idle(self, at: int) -> list[Action]:
        """A few times a second: heartbeats, requests that are due."""
        return self._run(self._protocol.idle, at)

    def closed(self, reason: str, at: int) -> None:
        """The connection is gone, and what was said over it."""
        for book in self._books.values():
            self._derivatives.forget(book)

    def live(self) -> int:
        """It carries no books."""
        return 0

    def _run(self, ask: Callable[[int], Sequence[Step]], at: int) -> list[Action]:
        try:
            steps = ask(at)
        except (ValueError, RecursionError) as error:
            reason = f"a message could not be read ({error})"
            self._over = True
            self.closed(reason, at)
            return [Reconnect(reason)]
        actions: list[Action] = []
        for step in steps:
            if isinstance(step, DerivativeTicker):
                actions += self._said(step, at)
            elif not isinstance(step, Snapshot | Delta | Best | Clock):
                if isinstance(step, Reconnect):
                    self._over = True
                    self.closed(step.reason, at)
                actions.append(step)
        return actions

    def _said(self, ticker: DerivativeTicker, at: int) -> Sequence[Notice]:
        market = self._markets.get(ticker.market)
        if market is None:
            return [Notice(f"data of {ticker.market!r:.40}, which was not subscribed")]
        self.proved = True
        wrong = self._derivatives.update(self._books[market.id], market, ticker, at)
        return [Notice(f"{market.id}: makes no sense: {wrong}")] if wrong else ()
