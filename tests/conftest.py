"""Settings for every test, and on how many cores the suite runs."""

from __future__ import annotations

import gc
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from scanner.warm import compiled

# What tests and the commands they start are made of is compiled once, not in each process anew,
# though the environment may ask for no bytecode beside sources (as images of containers do).
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Databases are tested by the hundred, each of which waits for its disk to have written: files that
# live in memory are written by the same calls and do not wait.
MEMORY = Path("/dev/shm")
if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > 4 << 30:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

# Modules that are imported and tests that are found stay: nothing of them is garbage.
gc.disable()

MOST_WORKERS = 4
# Begun first, so that none of them is left to one worker when the others have done: those that take
# seconds, what keeps a processor busy beside what waits for sockets.
FIRST = (
    "test_end_to_end.py",
    "storage/test_slices.py",
    "soak/test_kill_demo.py",
    "faults/test_faults.py",
    "workers/test_crew.py",
    "replay/test_recordings.py",
    "storage/test_crossings.py",
    "test_reload_end_to_end.py",
    "lab/test_contracts_ccxt.py",
    "commands/test_hedge_live.py",
    "storage/test_queries.py",
    "sinks/alerts/test_restart.py",
    "funding/test_commands.py",
    "history/test_history.py",
    "test_markets.py",
    "test_demo.py",
    "sinks/alerts/test_delivery.py",
    "storage/test_survivals.py",
    "lab/test_gate.py",
    "test_broken_databases.py",
    "lab/test_world.py",
    "hedging/test_live.py",
    "storage/test_trouble.py",
    "fast/test_wire.py",
    "sinks/terminal/test_real_terminal.py",
    "lab/test_kucoin.py",
    "storage/test_runs.py",
    "fast/test_lab.py",
    "feeds/test_lanes.py",
    "storage/test_crash.py",
    "books/test_jit.py",
    "lab/test_recording_wire.py",
    "test_contracts_end_to_end.py",
)
WARM = "from scanner.warm import warm_alone; warm_alone()"

# The machine is shared: how long an example takes says nothing about the code.
settings.register_profile("shared-machine", deadline=None, print_blob=True)
settings.load_profile("shared-machine")


@pytest.fixture(autouse=True)
def log_levels_as_they_were() -> Iterator[None]:
    """A command says how much is logged for its whole process: not for the tests after it."""
    loggers = [logging.getLogger(name) for name in (None, "scanner.feeds")]
    before = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """The whole suite keeps all cores busy, two workers more than there are, as half of the time
    is waiting for sockets and processes; what is chosen from it runs here, which starts at once."""
    chosen = config.args_source is pytest.Config.ArgsSource.INVOCATION_DIR
    chosen |= config.args_source is pytest.Config.ArgsSource.ARGS
    if chosen or config.option.keyword or config.option.markexpr or config.getoption("lf", False):
        return 0
    return min((os.cpu_count() or 1) + 2, MOST_WORKERS)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The order in which the files of the whole suite are begun."""
    if hasattr(config, "workerinput"):
        places = {config.rootpath / "tests" / name: place for place, name in enumerate(FIRST)}
        items.sort(key=lambda item: places.get(item.path, len(FIRST)))


def pytest_collection_finish() -> None:
    """What is there now stays: each collection of garbage need not look through it again. New
    databases are made quickly."""
    if migrate := sys.modules.get("storage.migrate"):
        from tests.storage import quick

        migrate._run = quick.run  # type: ignore[attr-defined]
    gc.collect()
    gc.freeze()
    gc.enable()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Where workers are about to start, the kernels are compiled once for all of them."""
    if not session.config.getoption("tx", []):
        return
    gc.enable()  # nothing is collected here
    if not compiled():
        print("compiling kernels, once for all workers ...", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-c", WARM], cwd=session.config.rootpath, check=False)
