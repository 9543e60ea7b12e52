"""Can a venue be reached? One market of it is subscribed to for real, until the first of its book.

The way is that of a scan (address, token, handshake, subscription), without books and engine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress

from msgspec import Struct

from scanner.config import VenueConfig
from scanner.feeds.feed import Feed
from scanner.feeds.shell import Shell
from scanner.fleet import spoken_natively, venue_feed
from scanner.steps import Best, Delta, Refused, Snapshot, Step
from scanner.types import Market, MarketKind
from scanner.venues.frames import messages
from scanner.venues.protocol import Options, Venue, VenueProtocol

PATIENCE = 10.0
CCXT_PATIENCE = 25.0
TRIES = 2
LOOK = 0.1


class Reach(Struct, frozen=True, kw_only=True):
    """How far one got. ``connect_ms``, ``data_ms``: from the start (None: it did not come to that);
    ``market``: whose data was asked for (empty: none is known)."""

    connect_ms: float | None = None
    data_ms: float | None = None
    market: str = ""
    error: str = ""

    @property
    def good(self) -> bool:
        """The connection stands, and data came if any was asked for."""
        return self.connect_ms is not None and (self.data_ms is not None or not self.market)


class _Notes:
    """What was seen. ``done``: all that was wanted."""

    def __init__(self, market: Market | None) -> None:
        self.market = market
        self.opened_at = 0
        self.data_at = 0
        self.refused = ""
        self.done = asyncio.Event()

    def opened(self, at: int) -> None:
        self.opened_at = self.opened_at or at
        if self.market is None:
            self.done.set()

    def seen(self, steps: Sequence[Step], at: int) -> Sequence[Step]:
        for step in steps:
            if isinstance(step, Snapshot | Delta | Best):
                self.data_at = self.data_at or at
                self.done.set()
            elif isinstance(step, Refused):
                self.refused = step.reason
        return steps


class _Lane:
    """Lets a protocol speak. A fresh one for each try."""

    proved = False

    def __init__(self, protocol: VenueProtocol, notes: _Notes) -> None:
        self._protocol = protocol
        self._notes = notes

    def start(self, at: int) -> Sequence[Step]:
        return self._protocol.start(at)

    def opened(self, at: int) -> Sequence[Step]:
        self._notes.opened(at)
        return self._protocol.opened(at)

    def received(self, raw: bytes, at: int) -> Sequence[Step]:
        return self._notes.seen(self._protocol.received(raw, at), at)

    def received_many(
        self, buffer: int, starts: int, ends: int, count: int, at: int
    ) -> Sequence[Step]:
        raws = messages(buffer, starts, ends, count)
        return [step for raw in raws for step in self.received(raw, at)]

    def fetched(self, tag: str, status: int, body: bytes, at: int) -> Sequence[Step]:
        return self._notes.seen(self._protocol.fetched(tag, status, body, at), at)

    def idle(self, at: int) -> Sequence[Step]:
        return self._protocol.idle(at)

    def proven(self) -> Mapping[str, int]:
        return {}

    def closed(self, reason: str, at: int) -> None:
        """There are no books to lose."""


class _Lanes(Struct, frozen=True):
    notes: _Notes

    def lane(self, venue: Venue, markets: Sequence[Market] | None, options: Options) -> _Lane:
        known = [self.notes.market] if self.notes.market else []
        return _Lane(venue.make(known, options), self.notes)

    def ticker_lane(self, venue: Venue, markets: Sequence[Market], options: Options) -> _Lane:
        assert venue.tickers is not None
        known = [self.notes.market] if self.notes.market else []
        return _Lane(venue.tickers(known, options), _Notes(self.notes.market))


async def probe(
    name: str, venue: VenueConfig, market: Market | None, shell: Shell, patience: float = PATIENCE
) -> Reach:
    """Try to reach the stream of one venue; raises nothing but cancellation."""
    contracts = market.is_contract if market else not venue.spot
    if spoken_natively(name, venue, contracts=contracts) is None:
        if market is None:
            return Reach(error="none of its markets is known, and ccxt connects for markets only")
        patience = max(patience, CCXT_PATIENCE)
    notes = _Notes(market)
    # Without a market there is nothing to subscribe to, but the connection can still be tried.
    kind = MarketKind.PERPETUAL if contracts else MarketKind.SPOT
    carried = market or Market(
        venue=name, id="", symbol="", base="", quote="", taker_fee=0.0, kind=kind
    )
    feed = venue_feed(name, venue, [carried], _Lanes(notes), shell)
    began = shell.now()
    running = asyncio.create_task(feed.run())
    try:
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await _outcome(notes, feed)
        failed = feed.health()[0].last_error
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    return Reach(
        connect_ms=(notes.opened_at - began) / 1e6 if notes.opened_at else None,
        data_ms=(notes.data_at - began) / 1e6 if notes.data_at else None,
        market=market.symbol if market else "",
        error="" if notes.done.is_set() else notes.refused or failed or _silence(notes, patience),
    )


async def _outcome(notes: _Notes, feed: Feed) -> None:
    """Until all that was wanted is seen, or enough tries have failed."""
    while not notes.done.is_set() and feed.health()[0].reconnects < TRIES:
        with suppress(TimeoutError):
            await asyncio.wait_for(notes.done.wait(), LOOK)


def _silence(notes: _Notes, patience: float) -> str:
    if notes.opened_at and notes.market:
        return f"connected, but no book of {notes.market.symbol} within {patience:g} s"
    return f"no connection within {patience:g} s"
