"""The composition root: builds everything, owns the tasks, the signals and the shutdown."""

from __future__ import annotations

import asyncio
import logging
import random
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Any

from scanner import clock, settings
from scanner.config import Config, Feed, VenueConfig
from scanner.engine.ids import Ids
from scanner.feeds.feed import Feed as VenueFeed
from scanner.feeds.feed import socket_feed
from scanner.feeds.shell import Shell
from scanner.markets import load
from scanner.pipeline import Pipeline
from scanner.sinks.formats import to_json, to_line
from scanner.sinks.lines import Lines
from scanner.types import Market
from scanner.venues.protocol import Options, Venue
from scanner.venues.registry import native
from scanner.warm import compiled, warm

log = logging.getLogger(__name__)
TICK = 0.1


class Output(StrEnum):
    """How events are printed on standard output."""

    PLAIN = "plain"
    JSON = "json"


FORMS = {Output.PLAIN: to_line, Output.JSON: to_json}


def run(main: Coroutine[Any, Any, int]) -> int:
    """Run a command's coroutine to its end on the fastest event loop there is."""
    try:
        from uvloop import run as fast_run
    except ImportError:
        return asyncio.run(main)
    return int(fast_run(main))


def watch(config: Config, *, seconds: float | None, output: Output) -> int:
    """Scan until a signal comes or ``seconds`` have passed; the exit code."""
    return run(scan(config, seconds=seconds, output=output))


async def scan(config: Config, *, seconds: float | None, output: Output) -> int:
    """Load markets, connect, and print every opportunity; the exit code."""
    stop = _stop_event()
    getting_ready = asyncio.create_task(_ready(config))
    markets = await _unless(stop, getting_ready)
    if markets is None:
        return 0
    lines = Lines(sys.stdout, FORMS[output], gone=_threadsafe(stop.set))
    try:
        pipeline = _pipeline(config, lines)
        feeds = _feeds(config, markets, pipeline)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(feed.run()) for feed in feeds]
            tasks.append(group.create_task(_tick(pipeline)))
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), seconds)
            pipeline.finish("the scanner stopped", clock.now())
            for task in tasks:
                task.cancel()
    finally:
        lines.close()
    if lines.dropped:
        log.warning("%d lines were not printed: the reader is too slow", lines.dropped)
    return 0


async def _ready(config: Config) -> Sequence[Market]:
    """Markets, and warm kernels, at the same time."""
    if not compiled():
        log.info("compiling kernels (about 15 s, once per machine) ...")
    warming = asyncio.to_thread(warm)
    markets, _ = await asyncio.gather(load(config), warming)
    return markets


def _pipeline(config: Config, emit: Lines) -> Pipeline:
    return Pipeline(
        thresholds=settings.thresholds(config),
        bounds=settings.bounds(config),
        ids=Ids(random.SystemRandom().getrandbits),
        emit=emit,
    )


def _feeds(config: Config, markets: Sequence[Market], pipeline: Pipeline) -> list[VenueFeed]:
    by_venue: dict[str, list[Market]] = {}
    for market in markets:
        by_venue.setdefault(market.venue, []).append(market)
    shell = Shell(now=clock.now, rng=random.Random())
    return [
        _feed(name, config.venues[name], theirs, pipeline, shell)
        for name, theirs in by_venue.items()
    ]


def _feed(
    name: str, venue: VenueConfig, markets: Sequence[Market], pipeline: Pipeline, shell: Shell
) -> VenueFeed:
    spoken = None if venue.feed is Feed.CCXT else native(name)
    if spoken is None:
        from scanner.feeds.ccxt_feed import ccxt_feed

        return ccxt_feed(
            name,
            markets,
            pipeline,
            shell,
            rest=venue.endpoints.rest,
            ws=venue.endpoints.ws,
            per_connection=venue.markets_per_connection or 0,
        )
    return socket_feed(
        spoken,
        markets,
        _options(spoken, venue),
        pipeline,
        shell,
        per_connection=venue.markets_per_connection or 0,
    )


def _options(spoken: Venue, venue: VenueConfig) -> Options:
    return Options(
        depth=venue.depth,
        rest=venue.endpoints.rest or spoken.rest,
        ws=venue.endpoints.ws or spoken.ws,
    )


async def _tick(pipeline: Pipeline) -> None:
    while True:
        await asyncio.sleep(TICK)
        pipeline.tick(clock.now())


def _stop_event() -> asyncio.Event:
    """Set by the first SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stop.set)
    return stop


def _threadsafe(call: Callable[[], object]) -> Callable[[], None]:
    loop = asyncio.get_running_loop()

    def later() -> None:
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(call)

    return later


async def _unless(stop: asyncio.Event, task: asyncio.Task[Any]) -> Any:
    """What the task gives, or None if the stop came first."""
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if task.done():
        return task.result()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return None
