"""One connection's fast lane: its memory, its markets, and the calls."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scanner.books.parse import POWERS
from scanner.books.store import BookStore, aligned
from scanner.fast import entry, plan
from scanner.fast import layout as L
from scanner.types import ChecksumRule, LevelLayout
from scanner.venues.cells import Cells, Shared
from scanner.venues.wire import Wire

MASK = (1 << 64) - 1


class FastLane:
    """Takes messages of the markets that were added. ``market`` and ``routes`` tell of the one
    that ended a call: which market's it was, and how many routes the scan found."""

    def __init__(
        self,
        store: BookStore,
        shared: Shared,
        wire: Wire,
        layout: LevelLayout,
        checksum: ChecksumRule,
    ) -> None:
        self._store = store
        self._wire = wire
        self._shared = shared
        self._kept: list[Cells] = []
        self._ids: list[str] = []
        self._names: dict[bytes, list[int]] = {}
        self._hashed = True
        self._fields = np.zeros(L.FIELD_WIDTH, np.int64)
        self._alone = self._fields.ctypes.data + 8 * L.ALONE_START
        made = plan.compiled(wire)
        connection = np.frombuffer(shared.connection, np.int64)
        self._arrays: list[NDArray[np.generic]] = [
            made.nodes,
            made.keys,
            made.tags,
            made.shapes,
            aligned(16 * L.NAME_WIDTH, np.int64),
            np.zeros(0, np.uint8),
            np.zeros(0, np.int64),
            self._fields,
            POWERS,
            connection,
            plan.settings(layout, checksum, wire),
        ]
        self._table = np.zeros(2 * L.SLOTS, np.int64)
        self._context = self._table.ctypes.data
        for slot in range(L.SLOTS):
            self._point(slot)

    def add(self, market: str, book: int, counts: array[int]) -> None:
        """Messages of ``market`` change ``book`` from now on."""
        if not market.isascii() or not market.isprintable():
            return
        cells, number = self._shared[market], len(self._ids)
        self._kept += [cells, counts]
        self._ids.append(market)
        text = self._append(market.encode())
        rows = aligned((number + 1) * L.MARKET_WIDTH, np.int64)
        rows[: -L.MARKET_WIDTH] = self._arrays[L.MARKETS]
        row = [book, cells.buffer_info()[0], counts.buffer_info()[0], text, len(market)]
        rows[-L.MARKET_WIDTH :][: len(row)] = row
        self._replace(L.MARKETS, rows)
        for bit, shape in enumerate(self._wire.shapes):
            for template, channel in shape.names.items():
                if "{lower}" not in template or market == market.upper():
                    name = template.format(id=market, lower=market.lower()).encode()
                    self._name(name, number, 1 << bit, channel, book)

    def take_one(self, raw: bytes, at: int) -> int:
        """One message; a code of ``scanner.fast.layout``."""
        buffer = entry.place(self._context, raw)
        return self.take(buffer, self._alone, self._alone + 8, 0, 1, at)

    def take(self, buffer: int, starts: int, ends: int, first: int, count: int, at: int) -> int:
        """Messages ``first`` to ``count`` of a read (``scanner.feeds.shell.Lane``), up to one that
        is not simply taken; a code of ``scanner.fast.layout``, for the message ``message``."""
        if not self._hashed:
            self._hash_names()
        return entry.take(  # type: ignore[no-any-return]
            self._store.context, self._context, buffer, starts, ends, first, count, at
        )

    @property
    def message(self) -> int:
        return int(self._fields[L.AT_MESSAGE])

    @property
    def market(self) -> str:
        return self._ids[int(self._fields[L.AT_MARKET])]

    @property
    def routes(self) -> int:
        return int(self._fields[L.ROUTES])

    def _name(self, name: bytes, market: int, shapes: int, channel: int, book: int) -> None:
        """Enter a name; one that two markets or two channels share is nobody's."""
        known = self._names.get(name)
        if known is None:
            self._names[name] = [self._append(name), len(name), market, shapes, channel, book]
        elif known[2:] == [market, known[3], channel, book]:
            known[3] |= shapes
        else:
            known[3] = 0
        self._hashed = False

    def _hash_names(self) -> None:
        self._hashed = True
        size = 16
        while size < 4 * len(self._names):
            size *= 2
        table = aligned(size * L.NAME_WIDTH, np.int64).reshape(size, L.NAME_WIDTH)
        for name, row in self._names.items():
            hashed = name_hash(name)
            place = hashed & (size - 1)
            while table[place, L.NAME_LENGTH]:
                place = (place + 1) & (size - 1)
            table[place, : len(row) + 1] = [hashed, *row]
        self._replace(L.NAMES, table.reshape(-1))

    def _append(self, text: bytes) -> int:
        old = self._arrays[L.TEXT]
        self._replace(L.TEXT, np.concatenate([old, np.frombuffer(text, np.uint8)]))
        return len(old)

    def _replace(self, slot: int, array: NDArray[np.generic]) -> None:
        self._arrays[slot] = array
        self._point(slot)

    def _point(self, slot: int) -> None:
        self._table[2 * slot] = self._arrays[slot].ctypes.data
        self._table[2 * slot + 1] = len(self._arrays[slot])


def name_hash(name: Sequence[int]) -> int:
    """What ``scanner.fast.text.name_hash`` computes, as a signed integer."""
    value = L.HASH_START
    for start in range(0, len(name) - len(name) % 8, 8):
        word = int.from_bytes(bytes(name[start : start + 8]), "little")
        value = ((value ^ word) * L.HASH_PRIME) & MASK
        value ^= value >> 32
    rest = int.from_bytes(bytes(name[len(name) - len(name) % 8 :]), "little")
    value = ((value ^ rest) * L.HASH_PRIME) & MASK
    value ^= value >> 32
    return value - (1 << 64) if value >> 63 else value
