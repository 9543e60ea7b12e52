"""What a protocol knows of its streams, in 64-bit cells that compiled code reads and writes too.

The fast lane (``scanner.fast``) takes a message without asking the protocol, where these cells
alone say that it is the next one; it then leaves in them what the protocol would have left. Cells
are plain memory: a protocol works the same with no fast lane beside it.
"""

from __future__ import annotations

from array import array
from typing import TypeAlias

Cells: TypeAlias = "array[int]"

# One market. READY: the channel whose next message needs nothing but the cells (0: none, because no
# snapshot stands, or one has been asked for and its arrival must be seen). HAS, LAST: whether there
# is a last id, and it. DOUBT: since when what comes is older (``sequence.Doubt``; 0: it is not).
# NAMED: whether a change must name the one before it (``Linked``); once it is ALWAYS, it stays so.
READY, HAS, LAST, ORDER, NAMED, DOUBT = range(6)
ALWAYS = 2
# ``Ranks``. TIMED is -1 while unknown.
SINCE, TIMED, BOOK_ID, BOOK_TIME, BOOK_DOUBT, BEST_ID, BEST_TIME, BEST_DOUBT = range(6, 14)
# ``Horizon`` (reals) and the id that its snapshot shows.
SHOWN, FLOOR, CEILING, LOW, HIGH = range(14, 19)
WIDTH = 20

# One connection. HEARD: when something came last, -1 for never; HAS and LAST as above, of a counter
# over all its messages.
HEARD = 0
CONNECTION_WIDTH = 4

NEVER = -1


def new_cells(width: int = WIDTH) -> Cells:
    """Cells that hold zeros."""
    return array("q", bytes(8 * width))


def reals(cells: Cells) -> memoryview[float]:
    """The same cells as 64-bit floating-point numbers."""
    return memoryview(cells).cast("B").cast("d")


class Shared:
    """The cells of one protocol object: those of the ``connection``, and by market its own."""

    __slots__ = ("_markets", "connection")

    def __init__(self) -> None:
        self.connection = new_cells(CONNECTION_WIDTH)
        self.connection[HEARD] = NEVER
        self._markets: dict[str, Cells] = {}

    def __getitem__(self, market: str) -> Cells:
        """The cells of ``market``, which stay where they are as long as this object lives."""
        cells = self._markets.get(market)
        if cells is None:
            cells = self._markets[market] = new_cells()
        return cells

    def close(self) -> None:
        """No market's next message can do without the protocol."""
        for cells in self._markets.values():
            cells[READY] = 0


class LastId:
    """An id that may be unknown, in two cells. While it is, no channel is ready."""

    __slots__ = ("_cells",)

    def __init__(self, cells: Cells | None = None) -> None:
        self._cells = new_cells() if cells is None else cells

    @property
    def last(self) -> int | None:
        """The last id; None if there is none."""
        return self._cells[LAST] if self._cells[HAS] else None

    @last.setter
    def last(self, last: int | None) -> None:
        self._cells[HAS] = last is not None
        if last is None:
            self._cells[READY] = 0
        else:
            self._cells[LAST] = last
