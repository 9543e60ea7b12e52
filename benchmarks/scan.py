"""What a scan costs by how many books a coin has.

Books of one coin, at prices around one middle, change in turn; each change is scanned against all
others, so a round touches every book. The figures are medians of rounds in CPU time of the process,
the call from Python included, side by side with the same venues in one quote currency. The last
figure is the share of routes that the sieve lets through to the exact computation.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from time import process_time_ns

import numpy as np

from benchmarks.rows import Asked, Row, rows
from scanner.books.store import BookStore, Keys
from scanner.engine import scan
from scanner.engine.bounds import Bounds
from scanner.engine.engine import Engine
from scanner.engine.ids import Ids
from scanner.engine.tracker import Thresholds
from scanner.steps import Snapshot
from scanner.types import LevelLayout, Market

ROUNDS = 300
AT = 1_000_000_000
QUOTES = {"USDT": 1.0, "USDC": 1.0, "USD": 1.0, "EUR": 0.9}


def engine(venues: int, quotes: int, converters: int) -> tuple[BookStore, list[int]]:
    """Books of one coin on each venue in each quote, and the books that convert."""
    store = BookStore()
    made = Engine(store, Thresholds(), Bounds(), Ids(lambda n: 0), lambda event: None)
    random = np.random.default_rng(1)
    names = list(QUOTES)[:quotes]

    def add(venue: str, base: str, quote: str, price: float) -> int:
        book = store.add()
        market = Market(
            venue=venue, id=base, symbol=f"{base}/{quote}", base=base, quote=quote, taker_fee=0.001
        )
        made.add(book, market)
        levels = [[price * (1 - 0.0001 * k), 1.0] for k in range(1, 21)]
        asks = [[price * (1 + 0.0001 * k), 1.0] for k in range(1, 21)]
        step = Snapshot(
            market="",
            bids=json.dumps(levels).encode(),
            asks=json.dumps(asks).encode(),
            sequence=1,
        )
        store.snapshot(book, step, Keys.of(LevelLayout()), AT)
        made.updated(book, AT)
        return book

    for venue in range(converters):
        for i, base in enumerate(names):
            for quote in names[:i]:
                add(f"v{venue}", base, quote, QUOTES[quote] / QUOTES[base])
    books = [
        add(f"v{venue}", "BTC", quote, 100_000 * QUOTES[quote] * random.normal(1, 0.0003))
        for venue in range(venues)
        for quote in names
    ]
    return store, books


def cost(
    venues: int, quotes: int, converters: int = 3, rounds: int = ROUNDS
) -> tuple[list[float], float]:
    """(microseconds for a scan, by rounds; share of its routes that pass)."""
    store, books = engine(venues, quotes, converters)
    context = store.context
    found = sum(scan.scan(context, book, AT) for book in books)
    times = []
    for _ in range(rounds):
        begin = process_time_ns()
        for book in books:
            scan.scan(context, book, AT)
        times.append((process_time_ns() - begin) / len(books) / 1e3)
    return times, found / (len(books) * 2 * (len(books) - 1))


def run(asked: Asked) -> Iterator[Row]:
    """A case for each number of quote currencies, a subject for each number of venues."""
    for quotes in (1, 4):
        found, passed = {}, []
        for venues in (5, 20, 50):
            times, share = cost(venues, quotes, rounds=30 if asked.quick else ROUNDS)
            found[f"{venues} venues"] = times
            passed.append(f"{share:.1%}")
        case = f"{quotes} quote currencies, routes passed {' / '.join(passed)}"
        yield from rows("scan", case, "us/scan", found, "5 venues")
