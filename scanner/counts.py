"""What came of one market over one connection, in cells that compiled code counts in too."""

from __future__ import annotations

from array import array

MESSAGES, SNAPSHOTS, DELTAS, BESTS, GAPS, CHECKSUMS_OK, CHECKSUMS_BAD, FAST = range(8)
# When a book was proven since it was last asked: first and last (0: not).
PROVEN_FIRST, PROVEN_LAST = 8, 9
# 1 once the book has been live.
EVER_PROVEN = 10
# How often something was said of a contract beside its book.
TICKERS = 11
WIDTH = 12


class _Count:
    """An attribute that stands in a cell."""

    def __init__(self, place: int) -> None:
        self._place = place

    def __get__(self, counts: Counts, owner: type[Counts]) -> int:
        return counts.cells[self._place]

    def __set__(self, counts: Counts, value: int) -> None:
        counts.cells[self._place] = value


class Counts:
    """``messages`` with data of the market, of which ``fast`` took the fast lane; ``gaps``: how
    often the book was lost on a connection that went on."""

    __slots__ = ("cells",)

    messages = _Count(MESSAGES)
    snapshots = _Count(SNAPSHOTS)
    deltas = _Count(DELTAS)
    bests = _Count(BESTS)
    gaps = _Count(GAPS)
    checksums_ok = _Count(CHECKSUMS_OK)
    checksums_bad = _Count(CHECKSUMS_BAD)
    fast = _Count(FAST)
    tickers = _Count(TICKERS)

    def __init__(self) -> None:
        self.cells: array[int] = array("q", bytes(8 * WIDTH))

    def take_proven(self) -> tuple[int, int]:
        """When compiled code has found the book live since the last call: first and last time,
        ns; 0 and 0 if it has not."""
        first, last = self.cells[PROVEN_FIRST], self.cells[PROVEN_LAST]
        self.cells[PROVEN_FIRST] = self.cells[PROVEN_LAST] = 0
        return first, last
