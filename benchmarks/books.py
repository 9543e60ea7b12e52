"""What a change of a book costs by its depth: the lane without other books to scan against, beside
the book in C."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from benchmarks.rows import Asked, Row, in_turn, rows
from benchmarks.synthetic import Books

MESSAGES = 4000
DEPTHS = (20, 400, 5000)
TOUCHED = (5, 25)


def run(asked: Asked) -> Iterator[Row]:
    """Bytes to book; a case for each number of levels that a message touches."""
    for touched in TOUCHED:
        subjects = {
            f"ours, {depth} levels": _timed(Books(1, 10, depth), touched) for depth in DEPTHS
        }
        case = f"{touched} levels changed"
        found = in_turn(subjects, asked.rounds)
        yield from rows("books", case, "us/message", found, f"ours, {DEPTHS[0]} levels")


def _timed(books: Books, touched: int) -> Callable[[], float]:
    def measure() -> float:
        changes = books.changes(MESSAGES, touched)
        since = time.process_time()
        changes.take()
        return (time.process_time() - since) / changes.count * 1e6

    return measure
