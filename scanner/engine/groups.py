"""Which books belong together (those of one base currency), as the kernels see it.

A group is a table of rows, one for each book, and of cells, one for each route from one of them to
another. It begins with room for a few and moves to a larger place when it is full.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from scanner.books import layout as L
from scanner.books.store import BookStore
from scanner.types import Side

# The arrays of routes, and how many elements each has for one.
CELLS = (
    (L.STANDING, 1),
    (L.EDGES, L.EDGE_WIDTH),
    (L.EDGE_COUNTS, L.EDGE_COUNT_WIDTH),
    (L.REJECTS, L.CODES),
    (L.SHORTFALLS, L.CODES),
)
ROWS = ((L.MEMBERS, L.MEMBER_WIDTH), (L.TOUCHES, L.TOUCH_WIDTH))


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
        place = (int(row[L.G_MEMBERS]) + member) * L.MEMBER_WIDTH
        store.array(L.MEMBERS)[place : place + L.MEMBER_WIDTH] = book, quote
        row[L.G_COUNT] = member + 1
        meta = store.array(L.META)
        meta[book * L.META_WIDTH + L.GROUP] = group
        meta[book * L.META_WIDTH + L.MEMBER] = member
        self.see(book)

    def see(self, book: int) -> None:
        """Keep the touch of the book as its scans do: what it costs has become another."""
        store = self._store
        place = int(self._row(store.meta(book, L.GROUP))[L.G_MEMBERS]) + store.meta(book, L.MEMBER)
        rates = store.array(L.REAL)[book * L.REAL_WIDTH + L.RATE_SIDE :][:2]
        ask = next(iter(store.ladder(book, Side.ASK, 1)), (math.inf, 0.0))[0]
        bid = next(iter(store.ladder(book, Side.BID, 1)), (0.0, 0.0))[0]
        touch = store.array(L.TOUCHES)[place * L.TOUCH_WIDTH : (place + 1) * L.TOUCH_WIDTH]
        touch[L.PLAIN_ASK], touch[L.NET_ASK] = ask, ask * rates[Side.ASK]
        touch[L.PLAIN_BID], touch[L.NET_BID] = bid, bid * rates[Side.BID]

    def remove(self, book: int) -> None:
        """The book belongs to no group any more; the last of its group takes its place."""
        store = self._store
        meta = store.array(L.META)
        row = self._row(store.meta(book, L.GROUP))
        place, last = store.meta(book, L.MEMBER), int(row[L.G_COUNT]) - 1
        for slot, width in CELLS:
            _move(self._square(slot, row, width), last, place)
        first = int(row[L.G_MEMBERS])
        for slot, width in ROWS:
            array = store.array(slot)
            to, frm = (first + place) * width, (first + last) * width
            array[to : to + width] = array[frm : frm + width]
        moved = int(store.array(L.MEMBERS)[(first + place) * L.MEMBER_WIDTH])
        row[L.G_COUNT] = last
        meta[moved * L.META_WIDTH + L.MEMBER] = place
        meta[book * L.META_WIDTH + L.GROUP] = -1

    def cell(self, buy: int, sell: int) -> int:
        """Where the route from one book of a group to another stands in the arrays of routes."""
        meta = self._store.meta
        row = self._row(meta(buy, L.GROUP))
        place = meta(buy, L.MEMBER) * int(row[L.G_CAPACITY]) + meta(sell, L.MEMBER)
        return int(row[L.G_CELLS]) + place

    def books(self, group: int) -> list[int]:
        """Its books, in the order of its rows."""
        row = self._row(group)
        first, count = int(row[L.G_MEMBERS]), int(row[L.G_COUNT])
        rows = self._store.array(L.MEMBERS)[
            first * L.MEMBER_WIDTH : (first + count) * L.MEMBER_WIDTH
        ]
        found: list[int] = rows.reshape(count, L.MEMBER_WIDTH)[:, L.MEMBER_BOOK].tolist()
        return found

    def touches(self, group: int) -> list[list[float]]:
        """The touches of its books as they were seen last, in the order of its rows."""
        row = self._row(group)
        first, count = int(row[L.G_MEMBERS]), int(row[L.G_COUNT])
        rows = self._store.array(L.TOUCHES)[first * L.TOUCH_WIDTH : (first + count) * L.TOUCH_WIDTH]
        found: list[list[float]] = rows.reshape(count, L.TOUCH_WIDTH).tolist()
        return found

    def cells(self, group: int, slot: int, width: int) -> NDArray[Any]:
        """Its part of one of the arrays of routes: [bought at, sold at, column]."""
        row = self._row(group)
        count = int(row[L.G_COUNT])
        return self._square(slot, row, width)[:count, :count]

    def opened_across(self, book: int, change: int) -> None:
        """In the group of this book, so many more routes across quotes are open."""
        self._row(self._store.meta(book, L.GROUP))[L.G_OPEN_ACROSS] += change

    def _row(self, group: int) -> NDArray[Any]:
        at = group * L.GROUP_WIDTH
        return self._store.array(L.GROUPS)[at : at + L.GROUP_WIDTH]

    def _square(self, slot: int, row: NDArray[Any], width: int) -> NDArray[Any]:
        room = int(row[L.G_CAPACITY])
        at = int(row[L.G_CELLS]) * width
        return self._store.array(slot)[at : at + room**2 * width].reshape(room, room, width)

    def _move_to_larger(self, group: int) -> None:
        store, row = self._store, self._row(group)
        count, room = int(row[L.G_COUNT]), int(row[L.G_CAPACITY]) + L.ROOM
        for slot, width in CELLS:
            store.reserve(slot, (self._cells + room**2) * width)
        for slot, width in ROWS:
            store.reserve(slot, (self._rows + room) * width)
        old = row.copy()
        row[L.G_CAPACITY], row[L.G_MEMBERS], row[L.G_CELLS] = room, self._rows, self._cells
        for slot, width in CELLS:
            self._square(slot, row, width)[:count, :count] = self._square(slot, old, width)[
                :count, :count
            ]
        for slot, width in ROWS:
            array, frm = store.array(slot), int(old[L.G_MEMBERS]) * width
            to = self._rows * width
            array[to : to + count * width] = array[frm : frm + count * width]
        self._rows += room
        self._cells += room**2


def _move(routes: NDArray[Any], last: int, place: int) -> None:
    """The routes of the ``last`` member become those of the member at ``place``."""
    routes[place], routes[:, place] = routes[last], routes[:, last]
    routes[last], routes[:, last] = 0, 0
