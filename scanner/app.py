"""The composition root: builds everything, owns the tasks, the signals and the shutdown."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from scanner import clock, ending, logs
from scanner.config import Config, Feed
from scanner.configuration import places
from scanner.event_loop import run
from scanner.fleet import provable
from scanner.funding.service import SettledFunding
from scanner.hedge.desk import HedgeDesk
from scanner.hedging import worst_funding
from scanner.hedging.watch import HedgeWatch
from scanner.markets import at_hand, load
from scanner.persistence import Persistence
from scanner.reload import ConfigFile, Live, follow
from scanner.services import Services, services
from scanner.sinks.apart import KeptApart
from scanner.sinks.fanout import Fanout
from scanner.sinks.formats import to_json, to_line
from scanner.sinks.lines import Lines
from scanner.types import Market
from scanner.view.frame import ServiceLine
from scanner.view.window import Window
from scanner.workers.crew import Crew

log = logging.getLogger(__name__)
STOPPED = "the scanner stopped"
WATCH_DATABASE = 0.5
BRIEFLY = 0.1
LONGEST_START = 300.0


class Output(StrEnum):
    """What is shown on standard output: a line for each event, or a screen."""

    PLAIN = "plain"
    JSON = "json"
    SCREEN = "screen"


FORMS = {Output.PLAIN: to_line, Output.JSON: to_json}


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
    fanout = Fanout()
    hedged = HedgeWatch(config)
    async with asyncio.TaskGroup() as group:
        crew = Crew(
            config.workers,
            tell=fanout,
            measured=metrics is not None,
            hedge_book=lambda: hedged.book,
        )
        crew.start(group)  # they make themselves ready while the markets are asked for
        try:
            await asyncio.sleep(0)  # the processes first
            wanted = hedged.scoped(config)
            at_once = await at_hand(wanted)
            markets = at_once or await _unless(stop, asyncio.create_task(load(wanted)))
            if markets is None:
                return 0
            tell_unverified(config)
            health: list[Callable[[], ServiceLine]] = []
            window = Window(crew.look, markets, services=health)
            database = places.database_to_write(
                db, config.database.location, simulated=bool(banner)
            )
            with services(config, database, fanout, window) as running:
                apart = KeptApart(clock.now)
                health += [crew.line, running.database_line, running.alerts_line, apart.line]
                fanout.add(window)
                fanout.add(apart)
                fanout.add(hedged.desk)
                warning = partial(_warning, running, crew, file, banner)
                async with _shown(output, fanout, window, stop, warning) as lines:
                    settled = SettledFunding(config, fanout, hedged.openings)
                    watched = partial(_watch_all, (window, hedged.desk, settled))
                    watched(markets)
                    crew.carry(config, markets)
                    live = Live(
                        config,
                        crew=crew,
                        markets=markets,
                        watched=watched,
                        alerts=running.alerts,
                        pointed=pointed,
                        applied=partial(_apply_all, (hedged, settled)),
                        scoped=hedged.scoped,
                    )
                    beside = [
                        group.create_task(_warn(running)),
                        group.create_task(_keep_time()),
                        group.create_task(live.keep_renewed(at_once=bool(at_once))),
                        group.create_task(hedged.keep(database, fanout, live.again)),
                        group.create_task(live.keep_scoped()),
                    ]
                    if database:
                        fanout.add(settled)
                        beside.append(group.create_task(settled.keep()))
                        keeping = worst_funding.keep(database, window.know, settled.learned)
                        beside.append(group.create_task(keeping))
                    if file is not None:
                        beside.append(group.create_task(follow(file, live.apply)))
                    async with _measured(metrics, crew, running, lines, fanout):
                        await _over(stop, crew, seconds)
                    for task in beside:
                        task.cancel()
                    await crew.stop(STOPPED)
        finally:
            await crew.stop(STOPPED)
    return 0


async def _over(stop: asyncio.Event, crew: Crew, seconds: float | None) -> None:
    """Until a signal has come, or ``seconds`` of scanning have passed: kernels that are compiled
    first, on a new machine, take none of them."""
    loop = asyncio.get_running_loop()
    latest = loop.time() + LONGEST_START
    while seconds is not None and not (crew.scanning or stop.is_set() or loop.time() > latest):
        await asyncio.sleep(BRIEFLY)
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


def _warning(running: Services, crew: Crew, file: ConfigFile | None, banner: str) -> str:
    """What must not be overlooked."""
    problem = file.problem if file is not None else ""
    wrong = f"WRONG CONFIGURATION, not in effect: {problem}" if problem else ""
    told = (running.banner(), wrong, crew.banner(), banner)
    return "\n".join(text for text in told if text)


def _watch_all(
    lookers: Sequence[Window | HedgeDesk | SettledFunding], markets: Sequence[Market]
) -> None:
    for one in lookers:
        one.watch(markets)


def _apply_all(those: Sequence[HedgeWatch | SettledFunding], config: Config) -> None:
    for one in those:
        one.apply(config)


def tell_unverified(config: Config) -> None:
    """Say which venues take no part because nothing proves their books."""
    names = [name for name, venue in config.enabled.items() if venue.feed is Feed.CCXT]
    if names and not config.limits.unverified:
        text = "%s: nothing proves the books of ccxt's client, so none is compared"
        log.warning(f"{text} (limits.unverified: true takes them)", ", ".join(names))
    streamed = provable(config)
    partly = [name for name in config.enabled if streamed[name].depth != config.venues[name].depth]
    if partly:
        text = "%s: nothing proves what is deeper than depth top, so no more is taken"
        log.warning(f"{text} (limits.unverified: true takes it)", ", ".join(partly))


@asynccontextmanager
async def _shown(
    output: Output,
    fanout: Fanout,
    window: Window,
    stop: asyncio.Event,
    banner: Callable[[], str],
) -> AsyncIterator[Lines | None]:
    """Events as lines, or the screen, while the block runs. When the reader or the user is gone,
    ``stop`` is set."""
    if output is Output.SCREEN:
        from scanner.sinks.terminal.app import run_terminal

        logs.to_file(places.log_file())
        screen = asyncio.create_task(run_terminal(window, now=clock.now, stop=stop, banner=banner))
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
    crew: Crew,
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
            scan=crew.state,
            workers=crew.workers,
            lines=lines,
            writer=running.writer.state if running.writer else None,
            alerts=running.alerts.state,
        )
    )
    fanout.add(metrics)
    async with serving(metrics.text, port):
        yield


async def _warn(running: Services) -> None:
    """Say in the log when the database stops taking what is found, and when it does again."""
    if running.writer is None:
        return
    followed = Persistence()
    while True:
        await asyncio.sleep(WATCH_DATABASE)
        state, at = running.writer.state(), time.monotonic_ns()
        if state.persisting:
            if followed.ends(at):
                lost = f"{state.dropped} rows were lost" if state.dropped else "nothing was lost"
                log.warning("persisting again: %s", lost)
        elif followed.begins(state.remedy, at):
            log.error("%s", running.banner())


async def _keep_time() -> None:
    """The workers follow the time of day for themselves."""
    while True:
        await asyncio.sleep(1.0)
        clock.follow()


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
