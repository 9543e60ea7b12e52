"""Kernels made ready before the first message: compiled on a machine's first run, then loaded."""

from __future__ import annotations

from contextlib import suppress
from fcntl import LOCK_EX, flock

from scanner.books.jit import cache_folder
from scanner.books.store import BookStore, Keys
from scanner.engine import scan
from scanner.engine.engine import Bounds, Engine
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


def warm_alone() -> None:
    """As ``warm``; of several processes that find nothing compiled, one compiles and the others
    wait for it."""
    if compiled():
        warm()
        return
    with suppress(OSError):  # a folder that cannot be written: each compiles for itself
        cache_folder().mkdir(parents=True, exist_ok=True)
        with (cache_folder() / "lock").open("w") as lock:
            flock(lock, LOCK_EX)
            warm()
            (cache_folder() / ALL).touch()
            return
    warm()


def warm() -> None:
    """Call every kernel once, on books of its own; blocks for 1 s, or 20 s when it compiles."""
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
    lane = FastLane(store, Shared(), WIRE, LevelLayout(), ChecksumRule.NONE)
    lane.take_one(b"{}", 1)
    lane.take(0, 0, 0, 0, 0, 1)
    scan.route(store.context, 0, 1, 0, 1)
    store.grow_old(1)
    scan.rescan(store.context, 1, 1)
    scan.convert(store.context, 0, 1)
    Overview(store, engine).best(1)
    Run(2).find(0, 2, 0)
