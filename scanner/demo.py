"""The demo: the lab in a process of its own, and the scanner pointed at it."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory

from scanner import clock
from scanner.app import Output, run, scan
from scanner.config import Config, Endpoints, VenueConfig
from scanner.errors import CrossbookError

log = logging.getLogger(__name__)
START = 20.0


def demo(
    config: Config | None,
    *,
    seed: int,
    seconds: float | None,
    output: Output,
    truth: Path | None = None,
    db: str | None = None,
    metrics: int | None = None,
    source: Path | None = None,
) -> int:
    """Start a simulated market and scan it; the exit code.

    ``config`` gives thresholds, limits and how each venue is fed; where the venues are is the
    demo's own. ``truth``: a file for the books that the simulated venues published. The rest as in
    ``scanner.app.watch``.
    """
    with TemporaryDirectory(prefix="crossbook-") as folder, _lab(seed, truth) as endpoints:
        log.warning("SIMULATED market (seed %d): no price here is a real one", seed)

        def pointed(config: Config | None) -> Config:
            return _pointed_at(endpoints, config, Path(folder))

        return run(
            scan(
                pointed(config),
                seconds=seconds,
                output=output,
                db=db,
                metrics=metrics,
                source=source,
                pointed=pointed,
                banner=f"SIMULATED market, seed {seed}: no price here is a real one",
            )
        )


def _pointed_at(
    endpoints: dict[str, tuple[str, str]], config: Config | None, cache: Path
) -> Config:
    """The configuration with every venue at the lab, and nothing kept from it."""
    known = config.venues if config else {}
    venues = {}
    for name, (rest, ws) in endpoints.items():
        venue = known.get(name) or VenueConfig()
        if venue.enabled:
            venues[name] = venue.model_copy(update={"endpoints": Endpoints(rest=rest, ws=ws)})
    settings = {"venues": venues, "cache_dir": cache}
    return config.model_copy(update=settings) if config else Config(**settings)  # type: ignore[arg-type]


@contextmanager
def _lab(seed: int, truth: Path | None) -> Iterator[dict[str, tuple[str, str]]]:
    """A running lab: (REST, WebSocket) bases by venue. It ends with the block, or with us."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, seed, truth), daemon=True)
    process.start()
    theirs.close()
    try:
        try:
            answer = ours.recv() if ours.poll(START) else "it did not start in time"
        except EOFError:
            answer = f"it ended with code {process.exitcode}"
        if not isinstance(answer, dict):
            raise CrossbookError(f"the lab could not be started: {answer}")
        yield answer
    finally:
        ours.close()
        process.join(3)
        if process.is_alive():
            process.kill()


def _serve(pipe: Connection, seed: int, truth: Path | None) -> None:
    """The lab's process: it lives until the other end of the pipe is closed."""
    # A Ctrl-C in the terminal and its end reach both processes; the scanner decides when the lab
    # ends.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    asyncio.run(_serving(pipe, seed, truth))


async def _serving(pipe: Connection, seed: int, truth: Path | None) -> None:
    from scanner.lab.server import LabServer
    from scanner.lab.world import World

    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(pipe.fileno(), ended.set)
    try:
        async with LabServer(World(seed, clock.now()), truth=truth) as server:
            pipe.send({name: (server.url(name), server.ws(name)) for name in server.venues})
            await ended.wait()
    except OSError as error:
        pipe.send(str(error))
