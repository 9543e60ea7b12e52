"""How the cost of a message, bytes to scan, grows with symbols, venues and depth."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from benchmarks.rows import Asked, Row, in_turn, rows
from benchmarks.synthetic import Books, share_fast
from scanner.history.plot import Canvas, unicode_output

MESSAGES = 4000
SYMBOLS = (10, 30, 100, 300, 1000)
VENUES = (2, 5, 10, 20, 50)
WIDTH, HEIGHT = 60, 8
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
    sizes = sizes[:: 2 if asked.quick else 1]
    made = {f"{n} {what}": Books(*shape(n)) for n in sizes}
    found = in_turn({name: _timed(books) for name, books in made.items()}, asked.rounds)
    for name, books in made.items():
        if share_fast(books.lanes[-1]) < 0.7:
            raise SystemExit(f"{name}: the fast lane does not take them")
    told = rows("growth", f"{what}, {beside}", "us/message", found, f"{sizes[0]} {what}")
    yield from told
    plot([row.median for row in told], [str(n) for n in sizes], f"us a message by {what}")


def plot(values: Sequence[float], names: Sequence[str], title: str) -> None:
    """Values at even distances, from zero."""
    canvas, top = Canvas(WIDTH, HEIGHT), max(values)
    places = [(i / (len(values) - 1), value / top) for i, value in enumerate(values)]
    for begin, end in pairwise(places):
        canvas.line(begin, end)
    print(f"\n{title}, up to {top:.2f}")
    for row in canvas.rows(plain=not unicode_output()):
        print(f"  |{row}")
    gap = (WIDTH - sum(map(len, names))) // (len(names) - 1)
    print("   " + (" " * gap).join(names))


def _timed(books: Books) -> Callable[[], float]:
    def measure() -> float:
        changes = books.changes(max(MESSAGES, 10 * books.symbols))
        since = time.process_time()
        changes.take()
        return (time.process_time() - since) / changes.count * 1e6

    return measure
