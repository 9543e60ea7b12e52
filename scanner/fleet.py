"""The feeds of all venues: how one is made, and how they follow a configuration that changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import TypeAlias

from msgspec import Struct

from scanner.config import Config, VenueConfig
from scanner.config import Feed as Way
from scanner.feeds.feed import Feed, socket_feed
from scanner.feeds.shell import Lanes, Shell
from scanner.types import Depth, Market
from scanner.venues.protocol import Options, Venue
from scanner.venues.registry import native

Make: TypeAlias = Callable[[str, VenueConfig, Sequence[Market]], Feed]


def spoken_natively(name: str, venue: VenueConfig, *, contracts: bool = False) -> Venue | None:
    """The protocol of ours that is to be used, or None where it is to be ccxt."""
    return None if venue.feed is Way.CCXT else native(name, contracts=contracts)


def venue_feed(
    name: str, venue: VenueConfig, markets: Sequence[Market], lanes: Lanes, shell: Shell
) -> Feed:
    """The feed of one venue, as its configuration says: coins and contracts, which are streamed
    apart even where they are one venue's."""
    parts: list[Feed] = []
    for contracts in (False, True):
        theirs = [market for market in markets if market.is_contract == contracts]
        if theirs:
            first = 1 + sum(len(part.health()) for part in parts)
            parts.append(_feed(name, venue, theirs, lanes, shell, contracts, first))
    return reduce(Feed.beside, parts)


def _feed(
    name: str,
    venue: VenueConfig,
    markets: Sequence[Market],
    lanes: Lanes,
    shell: Shell,
    contracts: bool,
    first: int,
) -> Feed:
    per_connection = venue.markets_per_connection or 0
    spoken = spoken_natively(name, venue, contracts=contracts)
    if spoken is not None:
        return socket_feed(
            spoken,
            markets,
            options_of(spoken, venue),
            lanes,
            shell,
            per_connection=per_connection,
            first=first,
        )
    from scanner.feeds.ccxt_feed import ccxt_feed

    return ccxt_feed(
        name,
        markets,
        lanes,
        shell,
        rest=venue.endpoints.rest,
        ws=venue.endpoints.ws,
        per_connection=per_connection,
        contracts=contracts,
        first=first,
    )


def provable(config: Config) -> dict[str, VenueConfig]:
    """The venues as they are streamed: no deeper than what proves a book goes, unless the user
    takes what nothing proves."""
    return {
        name: venue
        if config.limits.unverified or not _is_partly_proved(name, venue)
        else venue.model_copy(update={"depth": Depth.TOP})
        for name, venue in config.venues.items()
    }


def _is_partly_proved(name: str, venue: VenueConfig) -> bool:
    spoken = spoken_natively(name, venue, contracts=False)
    return spoken is not None and venue.depth in spoken.partly


def options_of(spoken: Venue, venue: VenueConfig) -> Options:
    """Which depth, and where the venue is."""
    return Options(
        depth=venue.depth,
        rest=venue.endpoints.rest or spoken.rest,
        ws=venue.endpoints.ws or spoken.ws,
    )


class _Running(Struct):
    """``task`` ends when it is cancelled, and not before."""

    load: object
    feed: Feed
    task: asyncio.Task[None]


class Fleet:
    """Running feeds, one for each venue. What one of them raises ends the task group."""

    def __init__(self, group: asyncio.TaskGroup, make: Make) -> None:
        self._group = group
        self._make = make
        self._running: dict[str, _Running] = {}

    @property
    def feeds(self) -> list[Feed]:
        """Those that run, in the order of the markets."""
        return [running.feed for running in self._running.values()]

    async def carry(
        self, venues: Mapping[str, VenueConfig], markets: Sequence[Market]
    ) -> dict[str, str]:
        """Carry these markets from now on; what was "started", "restarted" or "stopped".

        Only the feeds of venues whose settings or markets differ are touched, and of those all
        books are lost first. A fee is none of a feed's settings.
        """
        wanted: dict[str, list[Market]] = {}
        for market in markets:
            wanted.setdefault(market.venue, []).append(market)
        loads = {name: _load(venues[name], theirs) for name, theirs in wanted.items()}
        old = {name: running for name, running in self._running.items()}
        ended = [name for name, running in old.items() if loads.get(name) != running.load]
        await self._stop(ended)
        kept = {name: old[name] for name in old if name not in ended}
        self._running = {
            name: kept.get(name) or self._start(name, venues[name], theirs, loads[name])
            for name, theirs in wanted.items()
        }
        done = {name: "restarted" if name in wanted else "stopped" for name in ended}
        return done | {name: "started" for name in wanted if name not in old}

    async def stop(self) -> None:
        """End them all."""
        await self._stop(list(self._running))
        self._running = {}

    def _start(
        self, name: str, venue: VenueConfig, markets: Sequence[Market], load: object
    ) -> _Running:
        feed = self._make(name, venue, markets)
        return _Running(load, feed, self._group.create_task(feed.run(), name=name))

    async def _stop(self, names: Sequence[str]) -> None:
        tasks = [self._running[name].task for name in names]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _load(venue: VenueConfig, markets: Sequence[Market]) -> object:
    """What makes a feed what it is."""
    settings = venue.model_dump(exclude=set(VenueConfig.COSTS))
    return settings, [(market.kind, market.id, market.symbol) for market in markets]
