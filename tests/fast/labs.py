"""The lab without sockets, spoken to by both lanes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from scanner.engine.tracker import Thresholds
from scanner.lab.offline import Offline, Remembered
from scanner.lab.venues import lab_venue
from scanner.lab.world import World
from scanner.types import Depth, Market
from scanner.venues.protocol import Venue
from scanner.venues.registry import native
from tests.fast.twins import Twin, Twins

BEGIN = 1_760_000_000_000_000_000
STEP = 10_000_000


def connections(
    world: World, pair: tuple[Twin, Twin], names: Sequence[str], depth: Depth
) -> dict[str, tuple[Offline, Twins]]:
    """A connection to each venue, with all markets that it lists."""
    made: dict[str, tuple[Offline, Twins]] = {}
    for name in names:
        venue = native(name)
        assert venue is not None
        twins = Twins(*pair, venue, markets(venue, world), depth)
        of = world.venues[name]
        of.base_url, of.ws_url = venue.rest, venue.ws
        made[name] = (Offline(lab_venue(name)(of), twins), twins)
    return made


def markets(venue: Venue, world: World) -> list[Market]:
    """All that a venue of the lab lists."""
    return [
        Market(
            venue=venue.id,
            id=venue.stream_id({"id": market.id, "symbol": market.symbol, "info": {}}),
            symbol=market.symbol,
            base=market.base,
            quote=market.quote,
            price_tick=float(market.tick),
            lot=float(market.lot),
            taker_fee=float(market.taker),
        )
        for market in world.venues[venue.id].markets
    ]


Call = tuple[str, tuple[Any, ...]]


@cache
def session(
    name: str, depth: Depth, milliseconds: int, most: int = 99, seed: int = 3
) -> tuple[Call, ...]:
    """All that a connection to one venue was told from its start on, about its first markets."""
    world, twin = World(seed, BEGIN, [name]), Twin(False, Thresholds())
    venue = native(name)
    assert venue is not None
    world.venues[name].base_url, world.venues[name].ws_url = venue.rest, venue.ws
    told = Remembered(twin.lane(venue, markets(venue, world)[:most], depth))
    offline = Offline(lab_venue(name)(world.venues[name]), told)
    offline.start(BEGIN)
    for at in range(BEGIN + STEP, BEGIN + milliseconds * 1_000_000, STEP):
        world.advance(at)
        offline.step(at)
    return tuple(told.calls)


@cache
def listed(name: str, most: int = 99, seed: int = 3) -> tuple[Market, ...]:
    """The markets of ``session``."""
    venue = native(name)
    assert venue is not None
    return tuple(markets(venue, World(seed, BEGIN, [name]))[:most])
