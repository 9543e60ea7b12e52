"""How the cost of a message, bytes to scan, grows with symbols, venues and depth."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

from benchmarks.rows import Asked, Row, in_turn, rows
from benchmarks.synthetic import Books, share_fast
from scanner.history.plot import chart

MESSAGES = 4000
SYMBOLS = (10, 30, 100, 300, 1000)
VENUES = (2, 5, 10, 20, 50)
LEVELS = (20, 50, 400, 1000, 5000)


def run(asked: Asked) -> Iterator[Row]:
    """Ratios are to the first of each row of cases; each ends with a plot."""
    yield from _row("symbols", "5 venues of 50 levels", SYMBOLS, lambda n: (5, n, 50), asked)
    yield from _row("venues", "10 symbols of 50 levels", VENUES, lambda n: (n, 10, 50), asked)
    yield from _row("levels", "5 venues of 10 symbols", LEVELS, lambda n: (5, 10, n), asked)


def _row(
    what: str,
    beside: str,
    sizes: tuple[int, ...],
    shape: Callable[[int], tuple[int, int, int]],
    asked: Asked,
) -> Iterator[Row]:
    made = {f"{n} {what}": Books(*shape(n)) for n in sizes}
    found = in_turn({name: _timed(books) for name, books in made.items()}, asked.rounds)
    for name, books in made.items():
        if share_fast(books.lanes[-1]) < 0.5:
            raise SystemExit(f"{name}: the fast lane does not take them")
    told = rows("growth", f"{what}, {beside}", "us/message", found, f"{sizes[0]} {what}")
    yield from told
    points = [(math.log10(n), row.median) for n, row in zip(sizes, told, strict=True)]
    for line in chart(points, f"us a message by log10 of {what}", 60, 8, joined=True):
        print(line)


def _timed(books: Books) -> Callable[[], float]:
    def measure() -> float:
        changes = books.changes(MESSAGES)
        since = time.process_time()
        changes.take()
        return (time.process_time() - since) / changes.count * 1e6

    return measure
