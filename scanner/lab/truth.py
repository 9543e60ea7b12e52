"""The truth a simulated market published, as JSON lines.

One line for each market at the start, and one each time its book changed, in the order of time::

    {"t": 1789000000000000000, "venue": "okx", "symbol": "BTC/USDT", "market": "BTC-USDT",
     "sequence": 4711, "bids": [[91000.1, 0.5], ...], "asks": [[91000.2, 0.3], ...],
     "changed_bids": [[91000.1, 0.5], [90987.3, 0]], "changed_asks": []}

``t`` is the time (ns since the epoch, UTC) from which clients could see this state, ``market`` the
venue's REST id, ``sequence`` the id of the last change in the state. Levels are numbers, price and
size. ``bids`` and ``asks`` are the best ``DEPTH`` levels, best first; in the first line of a market
they are the whole book. The changed rows are those of any depth since the market's line before
(size 0: gone). The state holds until the next line of the same market.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import IO

from scanner.lab.book import ASK, BID, LabBook, Row, merged
from scanner.lab.units import SECOND

DEPTH = 50
BUFFER = 1 << 20
FLUSH_EVERY = SECOND


class Truth:
    """Writes the truth to ``path``, replacing what is there. Flushed every second and on close."""

    def __init__(self, path: Path) -> None:
        self._file: IO[str] = path.open("w", encoding="ascii", buffering=BUFFER)
        self._flushed = 0
        self._written: dict[LabBook, int] = {}

    def write(self, at: int, books: Iterable[tuple[str, LabBook]]) -> None:
        """The books (with their venues) that clients see from ``at`` on."""
        for venue, book in books:
            self._file.write(line(at, venue, book, self._written.get(book)))
            self._written[book] = book.sequence
        if at - self._flushed > FLUSH_EVERY:
            self._file.flush()
            self._flushed = at

    def close(self) -> None:
        """Everything written is in the file afterwards."""
        self._file.close()


def line(at: int, venue: str, book: LabBook, before: int | None) -> str:
    """One line of the truth; ``before`` is the sequence of the market's last line, if there is one.

    Prices and sizes are the book's own decimal text.
    """
    market = book.market
    changes = None if before is None else book.changes_since(before)
    depth = None if changes is None else DEPTH
    bids, asks = merged(changes or ())
    return (
        f'{{"t": {at}, "venue": "{venue}", "symbol": "{market.symbol}", "market": "{market.id}", '
        f'"sequence": {book.sequence}, '
        f'"bids": {_rows(book.levels(BID, depth))}, "asks": {_rows(book.levels(ASK, depth))}, '
        f'"changed_bids": {_rows(bids)}, "changed_asks": {_rows(asks)}}}\n'
    )


def _rows(rows: list[Row]) -> str:
    return "[" + ", ".join([f"[{price}, {size}]" for price, size in rows]) + "]"
