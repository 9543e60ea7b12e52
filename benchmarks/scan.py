"""What a scan costs by how many books a coin has: ``python benchmarks/scan.py``.

Books of one coin, at prices around one middle, change in turn; each change is scanned against all
others, so a round touches every book. The figures are medians of rounds in CPU time of the process,
the call from Python included, side by side with the same venues in one quote currency. The last
column is the share of routes that the sieve lets through to the exact computation.
"""

from __future__ import annotations

import json
from statistics import median
from time import process_time_ns

import numpy as np

from scanner.books.store import BookStore, Keys
from scanner.engine import scan
from scanner.engine.engine import Bounds, Engine
from scanner.engine.ids import Ids
from scanner.engine.tracker import Thresholds
from scanner.types import LevelLayout, Market, Snapshot

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


def cost(venues: int, quotes: int, converters: int = 3) -> tuple[float, float]:
    """(microseconds for a scan, share of its routes that pass)."""
    store, books = engine(venues, quotes, converters)
    context = store.context
    found = sum(scan.scan(context, book, AT) for book in books)
    times = []
    for _ in range(ROUNDS):
        begin = process_time_ns()
        for book in books:
            scan.scan(context, book, AT)
        times.append((process_time_ns() - begin) / len(books) / 1e3)
    return median(times), found / (len(books) * 2 * (len(books) - 1))


def main() -> None:
    """Print the table."""
    print("venues quotes  books  us a scan  passed")
    for venues, quotes in ((8, 1), (20, 1), (8, 4), (20, 4)):
        microseconds, passed = cost(venues, quotes)
        print(f"{venues:6} {quotes:6} {venues * quotes:6} {microseconds:10.2f} {passed:7.2%}")


if __name__ == "__main__":
    main()
