"""A scan that lasts only until enough has been seen: what a command looks at live books with."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import TypeVar

from scanner import clock, ending
from scanner.config import Config
from scanner.configuration import settings
from scanner.engine.ids import Ids
from scanner.feeds.shell import Shell
from scanner.fleet import Fleet, provable, venue_feed
from scanner.pipeline import Pipeline
from scanner.types import Market
from scanner.warm import warm_alone

LOOK = 0.1

T = TypeVar("T")


async def glance(
    config: Config,
    markets: Sequence[Market],
    patience: float,
    enough: Callable[[Pipeline], bool],
    read: Callable[[Pipeline, int], T],
) -> T:
    """What ``read`` makes of the books of ``markets``, and of the time (ns), as soon as ``enough``
    is seen of them, or after ``patience`` seconds."""
    await ending.apart(warm_alone)  # else the first message waits while its kernel is compiled
    pipeline = Pipeline(
        thresholds=settings.thresholds(config),
        bounds=settings.bounds(config),
        rules=settings.rules(config),
        ids=Ids(random.SystemRandom().getrandbits),
        emit=lambda _: None,
    )
    shell = Shell(now=clock.now, rng=random.Random())
    async with asyncio.TaskGroup() as group:
        fleet = Fleet(
            group, lambda name, venue, theirs: venue_feed(name, venue, theirs, pipeline, shell)
        )
        await fleet.carry(provable(config), markets)
        end = asyncio.get_running_loop().time() + patience
        while asyncio.get_running_loop().time() < end:
            await asyncio.sleep(LOOK)
            clock.follow()
            pipeline.tick(clock.now())
            if enough(pipeline):
                break
        at = clock.now()
        pipeline.tick(at)
        seen = read(pipeline, at)
        await fleet.stop()
    return seen
