"""The demo: the lab in a process of its own, and the scanner pointed at it."""

from __future__ import annotations

import json
import logging
import os
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from scanner.app import Output, scan
from scanner.config import DERIVATIVES, Config, Endpoints, VenueConfig
from scanner.configuration.venues import FeesIn
from scanner.errors import CrossbookError
from scanner.event_loop import run
from scanner.types import MarketKind
from scanner.venues.registry import VENUES
from scanner.warm import compile_alone, compiled

log = logging.getLogger(__name__)
START = 40.0
END = 3.0


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
    _compile()
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


def _compile() -> None:
    """What happens in the lab begins with it: none of that is to pass while kernels are made."""
    if not compiled():
        log.info("compiling kernels (up to a minute, once per machine) ...")
        compile_alone()


def _pointed_at(
    endpoints: dict[str, tuple[str, str, bool]], config: Config | None, cache: Path
) -> Config:
    """The configuration with every venue at the lab (whose fees are in quote), all that it trades
    there, and nothing kept from it."""
    known = config.venues if config else {}
    venues = {}
    for name, (rest, ws, both) in endpoints.items():
        venue = known.get(name) or VenueConfig()
        if venue.enabled:
            here: dict[str, Any] = {
                "endpoints": Endpoints(rest=rest, ws=ws),
                "fee_in": FeesIn.QUOTE,
            }
            if both:
                here["markets"] = tuple(MarketKind)
            elif name not in VENUES:
                here["markets"] = DERIVATIVES
            venues[name] = venue.model_copy(update=here)
    settings = {"venues": venues, "cache_dir": cache}
    return config.model_copy(update=settings) if config else Config(**settings)  # type: ignore[arg-type]


@contextmanager
def _lab(seed: int, truth: Path | None) -> Iterator[dict[str, tuple[str, str, bool]]]:
    """A running lab: by venue, (REST, WebSocket) bases and whether it trades coins and contracts
    alike. It ends with the block, or with us."""
    # A Ctrl-C in the terminal must not reach it, and -P keeps the current folder off its path.
    process = subprocess.Popen(
        [
            sys.executable,
            "-P",
            "-m",
            "scanner.lab.child",
            str(seed),
            *([str(truth)] if truth else []),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    serving = False
    try:
        answer = _answer(process)
        if not isinstance(answer, dict):
            raise CrossbookError(f"the lab could not be started: {answer}")
        serving = True
        yield answer
    finally:
        if serving:
            _end(process)
        process.kill()
        process.wait()


def _answer(process: subprocess.Popen[bytes]) -> object:
    """What the lab says when it serves, or cannot."""
    assert process.stdout is not None
    if not select.select([process.stdout], [], [], START)[0]:
        return "it did not start in time"
    line = process.stdout.readline()
    return json.loads(line) if line else f"it ended with code {process.wait()}"


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let the lab end by itself: what it writes is then whole."""
    assert process.stdin is not None
    process.stdin.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(END)
