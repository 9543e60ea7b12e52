"""A running lab for tests: real sockets on a free port, a seeded market that can be stopped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import pytest

from scanner.lab.server import Clock, LabServer
from scanner.lab.venues import VENUES
from scanner.lab.world import World
from scanner.types import Depth
from tests.lab.native import NativeFeed

StartNative = Callable[[str, Sequence[str] | Mapping[str, str], Depth], NativeFeed]


@pytest.fixture
def lab_seed() -> int:
    """The market's seed; a test module may override it."""
    return 7


@pytest.fixture
def lab_venues() -> tuple[str, ...]:
    """The venues that the lab runs; a test module overrides it with those it needs."""
    return tuple(VENUES)


@pytest.fixture
def lab_contracts() -> bool:
    """Whether the lab lists contracts; a test module that needs them overrides it."""
    return False


@pytest.fixture
async def lab(
    lab_seed: int, lab_venues: tuple[str, ...], lab_contracts: bool
) -> AsyncIterator[LabServer]:
    """A lab that serves ``lab_venues``: ``url(venue)``, ``ws(venue)``, ``world``, ``freeze()``."""
    clock = Clock()
    world = World(lab_seed, clock(), lab_venues, contracts=lab_contracts)
    async with LabServer(world, clock=clock) as server:
        yield server


@pytest.fixture
async def start_native(lab: LabServer) -> AsyncIterator[StartNative]:
    """Starts our own feed of a venue in the background: ``start_native(venue, symbols, depth)``.

    Where the stream names markets differently from the REST interface, ``symbols`` maps each
    unified symbol to its name on the stream.
    """
    running: list[asyncio.Task[None]] = []

    def start(venue: str, symbols: Sequence[str] | Mapping[str, str], depth: Depth) -> NativeFeed:
        assert lab.world is not None
        world = lab.world
        ids = (
            symbols
            if isinstance(symbols, Mapping)
            else {symbol: world.book(venue, symbol).market.id for symbol in symbols}
        )
        feed = NativeFeed(lab, venue, ids, depth)
        running.append(asyncio.create_task(feed.run()))
        return feed

    yield start
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
