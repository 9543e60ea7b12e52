"""Which books belong together (those of one base currency), as the kernels see it.

A group is a table of rows, one for each book, and of cells, one for each route from one of them to
another: by pairs, a route and its way back side by side, the pairs of the second book first, then
those of the third (with the first, with the second), and so on. It begins with room for a few and
moves to a larger place when it is full.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanner.books import layout as L
from scanner.books.store import BookStore
from scanner.engine.ladders import cell_of
from scanner.types import Side

# The arrays of routes, and how many elements each has for one.
_cell_of: Callable[[int, int], int] = cell_of.py_func
CELLS = ((L.RECORDS, 1), (L.REJECTS, L.CODES), (L.SHORTFALLS, L.CODES))


class Groups:
    """The groups of a store, by base currency, in the order in which they were made."""

    def __init__(self, store: BookStore) -> None:
        self._store = store
        self._numbers: dict[str, int] = {}
        self._rows = 0
        self._cells = 0

    @property
    def numbers(self) -> Mapping[str, int]:
        """The number of each group."""
        return self._numbers

    def add(self, base: str, book: int, quote: int) -> None:
        """The book, whose quote currency has this number, belongs to the group from now on."""
        store = self._store
        group = self._numbers.setdefault(base, len(self._numbers))
        store.reserve(L.GROUPS, (group + 1) * L.GROUP_WIDTH)
        row = self._row(group)
        member = int(row[L.G_COUNT])
        if member == row[L.G_CAPACITY]:
            self._move_to_larger(group)
            row = self._row(group)
        of_member = self._members(row)[member].view(np.int64)
        of_member[L.MEMBER_BOOK], of_member[L.MEMBER_QUOTE] = book, quote
        row[L.G_COUNT] = member + 1
        meta = store.array(L.META)
        meta[book * L.META_WIDTH + L.GROUP] = group
        meta[book * L.META_WIDTH + L.MEMBER] = member
        self.see(book)

    def see(self, book: int) -> None:
        """Keep the touch of the book as its scans do: what it costs has become another."""
        store = self._store
        row = self._row(store.meta(book, L.GROUP))
        touch = self._members(row)[store.meta(book, L.MEMBER)]
        rates = store.array(L.REAL)[book * L.REAL_WIDTH + L.RATE_SIDE :][:2]
        ask = next(iter(store.ladder(book, Side.ASK, 1)), (math.inf, 0.0))[0]
        bid = next(iter(store.ladder(book, Side.BID, 1)), (0.0, 0.0))[0]
        touch[L.PLAIN_ASK], touch[L.NET_ASK] = ask, ask * rates[Side.ASK]
        touch[L.PLAIN_BID], touch[L.NET_BID] = bid, bid * rates[Side.BID]

    def remove(self, book: int) -> None:
        """The book belongs to no group any more; the last of its group takes its place."""
        store = self._store
        meta = store.array(L.META)
        row = self._row(store.meta(book, L.GROUP))
        place, last = store.meta(book, L.MEMBER), int(row[L.G_COUNT]) - 1
        for slot, width in CELLS:
            _move(self._cells_of(row, slot, width), last, place)
        members = self._members(row)
        members[place] = members[last]
        moved = int(members[place].view(np.int64)[L.MEMBER_BOOK])
        row[L.G_COUNT] = last
        meta[moved * L.META_WIDTH + L.MEMBER] = place
        meta[book * L.META_WIDTH + L.GROUP] = -1

    def cell(self, buy: int, sell: int) -> int:
        """Where the route from one book of a group to another stands in the arrays of routes."""
        meta = self._store.meta
        row = self._row(meta(buy, L.GROUP))
        return int(row[L.G_CELLS]) + _cell_of(meta(buy, L.MEMBER), meta(sell, L.MEMBER))

    def record(self, buy: int, sell: int) -> np.void:
        """What is kept of the route (``RECORD``), to be read and written."""
        records: NDArray[Any] = self._store.array(L.RECORDS)
        return records[self.cell(buy, sell)]  # type: ignore[no-any-return]

    def books(self, group: int) -> list[int]:
        """Its books, in the order of its rows."""
        row = self._row(group)
        rows = self._members(row)[: int(row[L.G_COUNT])].view(np.int64)
        found: list[int] = rows[:, L.MEMBER_BOOK].tolist()
        return found

    def touches(self, group: int) -> list[list[float]]:
        """The touches of its books as they were seen last, in the order of its rows."""
        row = self._row(group)
        rows = self._members(row)[: int(row[L.G_COUNT]), : L.PLAIN_BID + 1]
        found: list[list[float]] = rows.tolist()
        return found

    def cells(self, group: int, slot: int, width: int = 1) -> NDArray[Any]:
        """Its part of one of the arrays of routes: [cell, column]. Whose it is, says ``routes``."""
        row = self._row(group)
        count = int(row[L.G_COUNT])
        return self._cells_of(row, slot, width)[: count * (count - 1)]

    def routes(self, group: int) -> list[tuple[int, int]]:
        """Which of its books each of its cells is about: (bought at, sold at)."""
        books = self.books(group)
        return [
            route
            for later in range(len(books))
            for earlier in range(later)
            for route in (
                (books[earlier], books[later]),
                (books[later], books[earlier]),
            )
        ]

    def opened_across(self, book: int, change: int) -> None:
        """In the group of this book, so many more routes across quotes are open."""
        self._row(self._store.meta(book, L.GROUP))[L.G_OPEN_ACROSS] += change

    def _row(self, group: int) -> NDArray[Any]:
        at = group * L.GROUP_WIDTH
        return self._store.array(L.GROUPS)[at : at + L.GROUP_WIDTH]

    def _members(self, row: NDArray[Any]) -> NDArray[Any]:
        first, room = int(row[L.G_MEMBERS]), int(row[L.G_CAPACITY])
        rows = self._store.array(L.MEMBERS).reshape(-1, L.MEMBER_WIDTH)
        return rows[first : first + room]

    def _cells_of(self, row: NDArray[Any], slot: int, width: int) -> NDArray[Any]:
        first, room = int(row[L.G_CELLS]), int(row[L.G_CAPACITY])
        cells = self._store.array(slot)[first * width : (first + room * (room - 1)) * width]
        return cells.reshape(-1, width)

    def _move_to_larger(self, group: int) -> None:
        store, row = self._store, self._row(group)
        count, room = int(row[L.G_COUNT]), int(row[L.G_CAPACITY]) + L.ROOM
        kept, cells = count * (count - 1), room * (room - 1)
        for slot, width in CELLS:
            store.reserve(slot, (self._cells + cells) * width)
        store.reserve(L.MEMBERS, (self._rows + room) * L.MEMBER_WIDTH)
        old = row.copy()
        row[L.G_CAPACITY], row[L.G_MEMBERS], row[L.G_CELLS] = room, self._rows, self._cells
        for slot, width in CELLS:
            self._cells_of(row, slot, width)[:kept] = self._cells_of(old, slot, width)[:kept]
        self._members(row)[:count] = self._members(old)[:count]
        self._rows += room
        self._cells += cells


def _move(cells: NDArray[Any], last: int, place: int) -> None:
    """The routes of the ``last`` member become those of the member at ``place``."""
    for other in range(last):
        if other != place:
            cells[_cell_of(place, other)] = cells[_cell_of(last, other)]
            cells[_cell_of(other, place)] = cells[_cell_of(other, last)]
    cells[last * (last - 1) : last * (last + 1)] = np.zeros((), cells.dtype)
