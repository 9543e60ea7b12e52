"""The truth a simulated market published, as JSON lines.

One line for each market at the start, and one each time its book changed, in the order of time::

    {"t": 1789000000000000000, "venue": "okx", "symbol": "BTC/USDT", "market": "BTC-USDT",
     "sequence": 4711, "bids": [[91000.1, 0.5], ...], "asks": [[91000.2, 0.3], ...]}

``t`` is the time (ns since the epoch, UTC) from which clients could see this state, ``market`` the
venue's REST id, ``sequence`` the id of the last change in the state. ``bids`` and ``asks`` are the
best ``DEPTH`` levels as numbers, price and size, best first. The state holds until the next line of
the same market.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import IO

from scanner.lab.book import ASK, BID, LabBook, Row

DEPTH = 50
BUFFER = 1 << 20
FLUSH_EVERY = 1_000_000_000


class Truth:
    """Writes the truth to ``path``, replacing what is there. Flushed every second and on close."""

    def __init__(self, path: Path) -> None:
        self._file: IO[str] = path.open("w", encoding="ascii", buffering=BUFFER)
        self._flushed = 0

    def write(self, at: int, books: Iterable[tuple[str, LabBook]]) -> None:
        """The books (with their venues) that clients see from ``at`` on."""
        for venue, book in books:
            self._file.write(line(at, venue, book))
        if at - self._flushed > FLUSH_EVERY:
            self._file.flush()
            self._flushed = at

    def close(self) -> None:
        """Everything written is in the file afterwards."""
        self._file.close()


def line(at: int, venue: str, book: LabBook) -> str:
    """One line of the truth; prices and sizes are the book's own decimal text."""
    market = book.market
    return (
        f'{{"t": {at}, "venue": "{venue}", "symbol": "{market.symbol}", "market": "{market.id}", '
        f'"sequence": {book.sequence}, "bids": {_rows(book.levels(BID, DEPTH))}, '
        f'"asks": {_rows(book.levels(ASK, DEPTH))}}}\n'
    )


def _rows(rows: list[Row]) -> str:
    return "[" + ", ".join([f"[{price}, {size}]" for price, size in rows]) + "]"
