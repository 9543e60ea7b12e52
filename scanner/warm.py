"""Kernels made ready before the first message: compiled on a machine's first run, then loaded."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from contextlib import suppress
from fcntl import LOCK_EX, flock

from scanner.books.jit import cache_folder
from scanner.books.store import BookStore, Keys
from scanner.engine import reach, scan
from scanner.engine.bounds import Bounds
from scanner.engine.engine import Engine
from scanner.engine.ids import Ids
from scanner.engine.overview import Overview
from scanner.engine.tracker import Thresholds
from scanner.fast.lane import FastLane
from scanner.feeds.frames import Run
from scanner.steps import Best, Delta, Snapshot
from scanner.types import ChecksumRule, LevelLayout, Market
from scanner.venues.cells import Shared
from scanner.venues.wire import Kind, Shape, What, Wire

ALL = "all"
WIRE = Wire(shapes=(Shape(kind=Kind.BEST, names={"{id}": 0}, keys={"id": What.NAME}),))


def compiled() -> bool:
    """Whether this machine has all kernels as they now are; some are there from the first on."""
    return (cache_folder() / ALL).exists()


def compile_alone() -> None:
    """What is not compiled yet is compiled in processes of its own, once for all that wait for it.
    The compiler leaves so much behind that each collection of garbage in its process holds
    everything up for seconds."""
    if not compiled():
        with suppress(OSError):  # a folder that cannot be written: each compiles for itself
            cache_folder().mkdir(parents=True, exist_ok=True)
            with (cache_folder() / "lock").open("w") as lock:
                flock(lock, LOCK_EX)
                if not compiled() and _compile():
                    (cache_folder() / ALL).touch()


def warm_alone() -> None:
    """As ``warm``, after ``compile_alone``."""
    compile_alone()
    warm()
    gc.collect()
    gc.freeze()  # what is there now stays: it need not be looked through again


def _compile() -> bool:
    """Fill the cache; False where that went wrong, and will where it can be told. Half of the
    work is what takes messages: each half has a process, and with two cores both are done at
    once."""
    quiet = subprocess.DEVNULL
    paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
    halves = [
        subprocess.Popen(
            (sys.executable, "-c", f"from scanner.warm import {half}; {half}()"),
            env={**os.environ, "PYTHONPATH": paths},
            stdin=quiet,
            stdout=quiet,
            stderr=quiet,
        )
        for half in ("warm_lane", "warm_engine")
    ]
    try:
        return [half.wait() for half in halves] == [0, 0]
    finally:
        for half in halves:
            half.kill()  # one that still runs: whoever waited for it has been interrupted


def warm() -> None:
    """Call every kernel once, on books of its own; blocks for 1 s, or for as long as it takes to
    compile them."""
    warm_engine()
    warm_lane()


def warm_lane() -> None:
    """The kernels that take messages."""
    lane = FastLane(BookStore(4), Shared(), WIRE, LevelLayout(), ChecksumRule.NONE)
    lane.take_one(b"{}", 1)
    lane.take(0, 0, 0, 0, 0, 1)
    Run(2).find(0, 2, 0)


def warm_engine() -> None:
    """All others."""
    store = BookStore(4)
    keys = Keys.of(LevelLayout())
    found: list[object] = []
    engine = Engine(store, Thresholds(), Bounds(), Ids(lambda n: 0), found.append)
    levels = {"bids": b'[["2","1"]]', "asks": b'[["3","1"]]'}
    for venue in ("a", "b"):
        book = store.add(keeps_text=True)
        engine.add(book, Market(venue=venue, id="", symbol="", base="", quote="", taker_fee=0.0))
        store.snapshot(book, Snapshot(market="", sequence=1, **levels), keys, 1)  # type: ignore[arg-type]
        store.delta(book, Delta(market="", sequence=2, **levels), keys, 1)  # type: ignore[arg-type]
        store.best(
            book,
            Best(market="", bid_price="2", bid_size="1", ask_price="3", ask_size="1", order=3),
            1,
        )
        store.checksum(book, ChecksumRule.DIGITS_10)
        engine.updated(book, 1)
    scan.route(store.context, 0, 1, 0, 1)
    store.grow_old(1)
    scan.rescan(store.context, 1, 1)
    scan.convert(store.context, 0, 1)
    reach.steps(store.context, 0, 1, -1, 0, 1.0, 1.0, 1.0, 1.0, 1.0)
    engine.several.tick(1 << 60)
    Overview(store, engine).best(1)
    engine.tick(1)
