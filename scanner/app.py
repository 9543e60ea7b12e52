"""The composition root: builds everything, owns the tasks, the signals and the shutdown."""

from __future__ import annotations

import asyncio
import logging
import random
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from enum import StrEnum
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from scanner import clock, ending, logs, places, settings
from scanner.config import Config, VenueConfig
from scanner.engine.ids import Ids
from scanner.feeds.feed import Feed
from scanner.feeds.shell import Shell
from scanner.fleet import Fleet, venue_feed
from scanner.frame import ServiceLine
from scanner.markets import load
from scanner.pipeline import Pipeline
from scanner.reload import ConfigFile, Live, follow
from scanner.services import Services, services
from scanner.sinks.fanout import Fanout
from scanner.sinks.formats import to_json, to_line
from scanner.sinks.lines import Lines
from scanner.types import Market, Opportunity
from scanner.view import View
from scanner.warm import compiled, warm

log = logging.getLogger(__name__)
TICK = 0.1
MINUTE = 60_000_000_000
WATCH_DATABASE = 0.5


class Output(StrEnum):
    """What is shown on standard output: a line for each event, or a screen."""

    PLAIN = "plain"
    JSON = "json"
    SCREEN = "screen"


FORMS = {Output.PLAIN: to_line, Output.JSON: to_json}


def run(main: Coroutine[Any, Any, int]) -> int:
    """Run a command's coroutine, which begins with a ``stop_event``, to its end on the fastest
    event loop there is."""
    try:
        loops = import_module("uvloop" if find_spec("uvloop") else "asyncio")
        with ending.held():
            return int(loops.run(main))
    finally:
        main.close()


def watch(
    config: Config,
    *,
    seconds: float | None,
    output: Output,
    db: str | None = None,
    metrics: int | None = None,
    source: Path | None = None,
) -> int:
    """Scan until a signal comes or ``seconds`` have passed; the exit code.

    ``db``: where to keep what is found, in place of what the configuration says ("": nowhere).
    ``metrics``: a port to serve them on (0: any). ``source``: the file that ``config`` comes from,
    which is followed while it changes.
    """
    scanning = scan(config, seconds=seconds, output=output, db=db, metrics=metrics, source=source)
    return run(scanning)


async def scan(
    config: Config,
    *,
    seconds: float | None,
    output: Output,
    db: str | None = None,
    metrics: int | None = None,
    source: Path | None = None,
    pointed: Callable[[Config], Config] = lambda config: config,
    banner: str = "",
) -> int:
    """As ``watch``; ``pointed`` says where the venues of a changed configuration are, ``banner``
    what is to be seen all the time (that the market is simulated, and then the database is the
    demo's)."""
    stop = ending.stop_event()
    file = ConfigFile(source) if source is not None else None  # as it is now, before the wait
    markets = await _unless(stop, asyncio.create_task(_ready(config)))
    if markets is None:
        return 0
    fanout = Fanout()
    pipeline = _pipeline(config, fanout)
    health: list[Callable[[], ServiceLine]] = []
    view = View(pipeline, (), markets, services=health)
    database = places.database_to_write(db, config.database.location, simulated=bool(banner))

    def warning() -> str:
        wrong = (
            f"WRONG CONFIGURATION, not in effect: {file.problem}" if file and file.problem else ""
        )
        return "\n".join(text for text in (running.banner(), wrong, banner) if text)

    with services(config, database, fanout, view) as running:
        health += [running.database_line, running.alerts_line]
        fanout.add(view)
        async with (
            _shown(output, fanout, view, stop, warning) as lines,
            asyncio.TaskGroup() as group,
        ):
            shell = Shell(now=clock.now, rng=random.Random(), tell=fanout)
            fleet = Fleet(group, _maker(pipeline, shell))
            await fleet.carry(config.venues, markets)
            view.watch(fleet.feeds, markets)
            live = Live(
                config,
                pipeline=pipeline,
                fleet=fleet,
                watched=view.watch,
                alerts=running.alerts,
                pointed=pointed,
            )
            beside = [
                group.create_task(_tick(pipeline)),
                group.create_task(_minutes(pipeline, fanout)),
                group.create_task(_warn(running)),
            ]
            if file is not None:
                beside.append(group.create_task(follow(file, live.apply)))
            async with _measured(metrics, pipeline, fleet, running, lines, fanout):
                with suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), seconds)
            pipeline.finish("the scanner stopped", clock.now())
            _take_minutes(pipeline, fanout)
            for task in beside:
                task.cancel()
            await fleet.stop()
    return 0


async def _ready(config: Config) -> Sequence[Market]:
    """Markets, and warm kernels, at the same time."""
    if not compiled():
        log.info("compiling kernels (about 15 s, once per machine) ...")
    markets, _ = await asyncio.gather(load(config), ending.apart(warm))
    return markets


def _pipeline(config: Config, emit: Callable[[Opportunity], None]) -> Pipeline:
    return Pipeline(
        thresholds=settings.thresholds(config),
        bounds=settings.bounds(config),
        rules=settings.rules(config),
        ids=Ids(random.SystemRandom().getrandbits),
        emit=emit,
    )


def _maker(
    pipeline: Pipeline, shell: Shell
) -> Callable[[str, VenueConfig, Sequence[Market]], Feed]:
    def make(name: str, venue: VenueConfig, markets: Sequence[Market]) -> Feed:
        return venue_feed(name, venue, markets, pipeline, shell)

    return make


@asynccontextmanager
async def _shown(
    output: Output,
    fanout: Fanout,
    view: View,
    stop: asyncio.Event,
    banner: Callable[[], str],
) -> AsyncIterator[Lines | None]:
    """Events as lines, or the screen, while the block runs. When the reader or the user is gone,
    ``stop`` is set."""
    if output is Output.SCREEN:
        from scanner.sinks.terminal.app import run_terminal

        logs.to_file(places.log_file())
        screen = asyncio.create_task(run_terminal(view, now=clock.now, stop=stop, banner=banner))
        screen.add_done_callback(lambda _: stop.set())
        try:
            yield None
        finally:
            stop.set()
            await screen
        return
    lines = Lines(sys.stdout, FORMS[output], gone=_threadsafe(stop.set))
    fanout.add(lines)
    try:
        yield lines
    finally:
        lines.close()
        if lines.dropped:
            log.warning("%d lines were not printed: the reader is too slow", lines.dropped)


@asynccontextmanager
async def _measured(
    port: int | None,
    pipeline: Pipeline,
    fleet: Fleet,
    running: Services,
    lines: Lines | None,
    fanout: Fanout,
) -> AsyncIterator[None]:
    """Metrics on a port of this machine, if they are asked for."""
    if port is None:
        yield
        return
    from scanner.metrics import Metrics, Sources
    from scanner.metrics_server import serving

    metrics = Metrics(
        Sources(
            pipeline=pipeline,
            feeds=lambda: fleet.feeds,
            lines=lines,
            writer=running.writer.state if running.writer else None,
            alerts=running.alerts.state,
        )
    )
    fanout.add(metrics)
    async with serving(metrics.text, port):
        yield


async def _tick(pipeline: Pipeline) -> None:
    while True:
        await asyncio.sleep(TICK)
        clock.follow()
        pipeline.tick(clock.now())


async def _minutes(pipeline: Pipeline, fanout: Fanout) -> None:
    """At the full minute, what every route showed in it."""
    while True:
        at = clock.now()
        await asyncio.sleep((MINUTE - at % MINUTE) / 1e9)
        _take_minutes(pipeline, fanout)


def _take_minutes(pipeline: Pipeline, fanout: Fanout) -> None:
    at = clock.now()
    for minute in (*pipeline.engine.take_minutes(at), *pipeline.engine.take_rejects(at)):
        fanout(minute)
    for sample in pipeline.derivatives.take_samples(at):
        fanout(sample)


async def _warn(running: Services) -> None:
    """Say in the log when the database stops taking what is found, and when it does again."""
    before = ""
    while True:
        await asyncio.sleep(WATCH_DATABASE)
        now = running.banner()
        if bool(now) != bool(before):
            if now:
                log.error("%s", now)
            else:
                log.warning("persisting again")
        before = now


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
