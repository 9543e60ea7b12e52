"""All order books of a process: preallocated arrays behind one context, and the calls into them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import DTypeLike, NDArray

from scanner.books import checksums, kernels, parse, slow
from scanner.books import layout as L
from scanner.books.memory import LINE
from scanner.books.reading import Reading
from scanner.steps import Best, Delta, Snapshot
from scanner.types import BookState, ChecksumRule, LevelLayout, Side

ROW_LIMIT = 1 << 17
LEVEL_LIMIT = 1 << 17
FIRST_CAPACITY = 64
TEXT_BYTES = 1 << 14
ROUTES = 1 << 12
# What is kept of a route (``layout.RECORD_SUM`` and so on), as Python sees it.
RECORD = np.dtype(
    [
        ("sum", np.float64),
        ("last", np.float32),
        ("low", np.float32),
        ("high", np.float32),
        ("samples", np.int32),
        ("positive", np.int32),
        ("standing", np.uint32),
    ]
)
ERRORS = {
    L.SYNTAX: "a level list is malformed",
    L.NUMBER: "a price or size is no positive finite number",
    L.TOO_MANY: f"more than {ROW_LIMIT} levels in one message",
}


class Keys(Struct, frozen=True):
    """A ``LevelLayout`` as the parser takes it."""

    layout: LevelLayout
    array: NDArray[np.int64]

    @classmethod
    def of(cls, layout: LevelLayout) -> Keys:
        keys = (layout.price_key, layout.size_key, layout.side_key)
        words = (*keys, layout.bid_value, layout.ask_value)
        hashes = [parse.key_hash(word) for word in words]
        return cls(layout, np.array([*hashes, int(layout.zero_price_skips)], np.int64))


class BookStore(Reading):
    """The books; each is known by its number.

    ``capacity`` levels a side are reserved for a new book; it grows as needed up to 131,072.
    Methods that take levels raise ``slow.BadLevels`` when they are malformed, and then leave the
    book as it was: the caller resets it.
    """

    def __init__(self, books: int = 64) -> None:
        super().__init__()
        zeros = aligned
        pool = books * 2 * FIRST_CAPACITY
        self._arrays: list[NDArray[np.generic]] = [
            zeros(pool),
            zeros(pool),
            zeros(pool, np.int64),
            zeros(pool, np.int64),
            zeros(pool, np.uint16),
            zeros(books * L.META_WIDTH, np.int64),
            zeros(books * L.REAL_WIDTH),
            zeros(ROW_LIMIT),
            zeros(ROW_LIMIT),
            zeros(ROW_LIMIT, np.int64),
            zeros(ROW_LIMIT, np.int64),
            zeros(ROW_LIMIT, np.uint16),
            zeros(ROW_LIMIT, np.int8),
            zeros(16 * L.ROOM * L.MEMBER_WIDTH),
            zeros(16 * L.GROUP_WIDTH, np.int64),
            zeros(ROUTES * L.ROUTE_INT_WIDTH, np.int64),
            zeros(8, np.int64),
            zeros(8),
            _crc_tables(),
            zeros(TEXT_BYTES, np.uint8),
            zeros(16 * L.ROOM**2, RECORD),
            zeros(16 * L.ROOM**2 * L.CODES, np.int32),
            zeros(16 * L.ROOM**2 * L.CODES, np.float32),
            zeros(L.CONVERTER_ROWS + books * L.CONVERTER_WIDTH, np.int64),
            zeros(2 * L.PAIRS),
        ]
        self._arrays[L.PARAM_INT][L.MAX_LEAD] = L.LEAD
        self._table = zeros(2 * L.SLOTS, np.int64)
        self._used = 0
        self.count = 0
        for slot in range(L.SLOTS):
            self._point(slot)
        self.context = self._table.ctypes.data

    def array(self, slot: int) -> NDArray[np.generic]:
        """One of the arrays named in ``scanner.books.layout`` (replaced when it grows)."""
        return self._arrays[slot]

    def add(self, *, keeps_text: bool = False, decimals: tuple[int, int] = (0, 0)) -> int:
        """A new empty book. ``keeps_text``: also keep digits for checksums, written with at least
        ``decimals`` (price, size) places."""
        book = self.count
        self.count += 1
        self._reserve(L.META, self.count * L.META_WIDTH)
        self._reserve(L.REAL, self.count * L.REAL_WIDTH)
        row = self._meta(book)
        row[L.KEEPS_TEXT] = int(keeps_text)
        row[L.PRICE_DECIMALS], row[L.SIZE_DECIMALS] = decimals
        row[L.GROUP] = -1
        self.scale(book)
        for side in Side:
            row[L.OFFSET_SIDE + side] = self._segment(FIRST_CAPACITY)
            row[L.CAPACITY_SIDE + side] = FIRST_CAPACITY
        self.clear(book, BookState.EMPTY)
        return book

    def scale(
        self, book: int, price: float = 1.0, size: float = 1.0, inverse: bool = False
    ) -> None:
        """What the venue shows, times these, is a price in quote for one of base and a size in base
        (``inverse``: in quote). It is what takers are shown; what is stored stays the venue's."""
        real = self._arrays[L.REAL][book * L.REAL_WIDTH : (book + 1) * L.REAL_WIDTH]
        real[L.PRICE_SCALE], real[L.SIZE_SCALE], real[L.INVERSE] = price, size, inverse

    def clear(self, book: int, state: BookState) -> None:
        """Empty the book and say why it is."""
        row = self._meta(book)
        row[L.COUNT_SIDE : L.COUNT_SIDE + 2] = 0
        row[L.OVERLAID] = row[L.TWO_SIDED] = 0
        row[L.SKIP_SIDE : L.SKIP_SIDE + 2] = 0
        row[L.STATE] = state
        row[L.SEQUENCE] = row[L.ORDER] = row[L.BEST_ORDER] = -1
        if state is BookState.EMPTY:
            # A quiet market's first book on a connection bears the time of its last change. What
            # comes later on it may have waited, also where the book was lost meanwhile.
            row[L.BEHIND_SINCE] = 0

    def snapshot(self, book: int, step: Snapshot, keys: Keys, at: int) -> None:
        """Replace the book by ``step``."""
        self._levels(book, step, keys, at, replace=True, depth=step.depth, live=step.live)

    def delta(self, book: int, step: Delta, keys: Keys, at: int) -> None:
        """Change the levels that ``step`` names; this proves a syncing book."""
        self._levels(book, step, keys, at, replace=False, depth=-1, live=True)

    def best(self, book: int, step: Best, at: int) -> bool:
        """Lay the best bid and offer over the book while it is newer; False if nothing changed
        (``kernels.overlay``)."""
        bid, bid_size = _touch(step.bid_price, step.bid_size)
        ask, ask_size = _touch(step.ask_price, step.ask_size)
        taken = kernels.overlay(self.context, book, bid, bid_size, ask, ask_size, step.order, at)
        return bool(taken)

    def as_of(self, books: list[int], at: int) -> None:
        """What comes of these books without a time of its own is of ``at`` at the latest, from now
        on (0: is new)."""
        columns = np.array(books, np.int64) * L.META_WIDTH + L.AS_OF
        self._arrays[L.META][columns] = at

    def grow_old(self, at: int) -> None:
        """What is older than ``MAX_AGE`` now is stale."""
        kernels.grow_old(self.context, self.count, at)

    def shows(
        self, book: int, bids: bytes, asks: bytes, keys: Keys, levels: int, step: float = 0.0
    ) -> bool:
        """Whether the best levels of the book, as a taker meets them, are those of the lists, value
        by value, or with sizes that are rounded to multiples of ``step``. ``levels``: how many a
        side were asked for; a list with fewer, and any where it is 0, is all that there is. The
        book may end where its channel does."""
        for side, text in ((Side.BID, bids), (Side.ASK, asks)):
            rows = self._parse(text, side, 0, keys, 0)
            prices = self._arrays[L.ROW_PRICE][:rows].tolist()
            theirs = list(zip(prices, self._arrays[L.ROW_SIZE][:rows].tolist(), strict=True))
            ours = self.shown(book, side, rows + 1)
            if (theirs and not ours) or (len(ours) > rows and rows != levels):
                return False
            for (price, size), (there, shown) in zip(ours, theirs, strict=False):
                if price != there or (size != shown and abs(size - shown) >= step):
                    return False
        return True

    def confirm(self, book: int, at: int, now: int) -> None:
        """What a taker meets in the book is known to have been true at ``at`` (ns), as of ``now``:
        one that was too old is live again if that is recent enough, or crossed if it is that."""
        row = self._meta(book)
        row[L.DEPTH_AT] = max(int(row[L.DEPTH_AT]), at)
        if row[L.OVERLAID]:
            row[L.BEST_AT] = max(int(row[L.BEST_AT]), at)
        young = now - self.proven_at(book) <= self._arrays[L.PARAM_INT][L.MAX_AGE]
        if row[L.STATE] == BookState.STALE and young:
            bids, asks = (self.shown(book, side, 1) for side in (Side.BID, Side.ASK))
            crossed = bids and asks and bids[0][0] >= asks[0][0]
            row[L.STATE] = BookState.CROSSED if crossed else BookState.LIVE

    def checksum(self, book: int, rule: ChecksumRule) -> int:
        """The venue's checksum over the book as it stands, unsigned."""
        return int(checksums.checksum(self.context, book, int(rule)))

    def set_state(self, book: int, state: BookState) -> None:
        self._meta(book)[L.STATE] = state

    def _meta(self, book: int) -> NDArray[np.int64]:
        return self._arrays[L.META][book * L.META_WIDTH : (book + 1) * L.META_WIDTH]  # type: ignore[return-value]

    def _levels(
        self,
        book: int,
        step: Snapshot | Delta,
        keys: Keys,
        at: int,
        *,
        replace: bool,
        depth: int,
        live: bool,
    ) -> None:
        after = step.rows_after if isinstance(step, Delta) else 0
        if step.mixed:
            rows = self._parse(step.mixed, 2, 0, keys, after)
        else:
            rows = self._parse(step.bids, Side.BID, 0, keys, after)
            rows = self._parse(step.asks, Side.ASK, rows, keys, after)
        order = step.sequence if step.order < 0 else step.order
        while True:
            code = kernels.apply(
                self.context,
                book,
                rows,
                replace,
                depth,
                live,
                order,
                step.sequence,
                step.sent_at,
                at,
            )
            if code == 0:
                return
            if code == L.GROW:
                self._grow(book, rows)
            else:
                rows = self._sort_rows(rows)

    def _parse(self, text: bytes, side: int, start: int, keys: Keys, after: int) -> int:
        count = parse.parse(self.context, text, int(side), start, keys.array, after, parse.POWERS)
        if count >= 0:
            return int(count)
        if count != L.INEXACT:
            raise slow.BadLevels(ERRORS[count])
        rows = slow.rows(text, side, keys.layout, after)
        if start + len(rows) > ROW_LIMIT:
            raise slow.BadLevels(ERRORS[L.TOO_MANY])
        for i, row in enumerate(rows, start):
            decimals = row.price_decimals | row.size_decimals << 8
            for slot, value in zip(ROW_SLOTS, (*row[:4], decimals, row.side), strict=True):
                self._arrays[slot][i] = value
        return start + len(rows)

    def _sort_rows(self, rows: int) -> int:
        """Best first on each side, of equal prices the last one; how many rows are left."""
        price, side = self._arrays[L.ROW_PRICE][:rows], self._arrays[L.ROW_SIDE][:rows]
        key = np.where(side == Side.BID, -1.0, 1.0) * price
        order = np.lexsort((-np.arange(rows), key, side))
        keep = np.ones(rows, bool)
        keep[1:] = (key[order][1:] != key[order][:-1]) | (side[order][1:] != side[order][:-1])
        chosen = order[keep]
        for slot in ROW_SLOTS:
            self._arrays[slot][: len(chosen)] = self._arrays[slot][:rows][chosen]
        return len(chosen)

    def _grow(self, book: int, rows: int) -> None:
        for side in Side:
            row = self._meta(book)
            count = int(row[L.COUNT_SIDE + side])
            capacity = int(row[L.CAPACITY_SIDE + side])
            while capacity < count + rows:
                capacity *= 2
            if capacity == row[L.CAPACITY_SIDE + side]:
                continue
            if capacity > 2 * LEVEL_LIMIT:
                raise slow.BadLevels(f"more than {LEVEL_LIMIT} levels on one side")
            old, new = int(row[L.OFFSET_SIDE + side]), self._segment(capacity)
            for slot in LEVEL_SLOTS:
                self._arrays[slot][new : new + count] = self._arrays[slot][old : old + count]
            row = self._meta(book)
            row[L.OFFSET_SIDE + side], row[L.CAPACITY_SIDE + side] = new, capacity

    def _segment(self, capacity: int) -> int:
        offset = self._used
        self._used += capacity
        for slot in LEVEL_SLOTS:
            self._reserve(slot, self._used)
        return offset

    def reserve(self, slot: int, length: int) -> None:
        """See that an array has at least this many elements."""
        self._reserve(slot, length)

    def _reserve(self, slot: int, length: int) -> None:
        old = self._arrays[slot]
        if len(old) >= length:
            return
        new = aligned(max(length, 2 * len(old)), old.dtype)
        new[: len(old)] = old
        self._arrays[slot] = new
        self._point(slot)

    def _point(self, slot: int) -> None:
        self._table[2 * slot] = self._arrays[slot].ctypes.data
        self._table[2 * slot + 1] = len(self._arrays[slot])
        self._view(slot, self._arrays[slot])


LEVEL_SLOTS: Sequence[int] = (L.PRICE, L.SIZE, L.PRICE_UNITS, L.SIZE_UNITS, L.DECIMALS)
ROW_SLOTS: Sequence[int] = (
    L.ROW_PRICE,
    L.ROW_SIZE,
    L.ROW_PRICE_UNITS,
    L.ROW_SIZE_UNITS,
    L.ROW_DECIMALS,
    L.ROW_SIDE,
)


def aligned(length: int, dtype: DTypeLike = np.float64) -> NDArray[Any]:
    """Zeros that begin with a cache line: what is laid out in lines then takes no more of them."""
    wanted = length * np.dtype(dtype).itemsize
    memory = np.zeros(wanted + LINE, np.uint8)
    start = -memory.ctypes.data % LINE
    return memory[start : start + wanted].view(dtype)


def _touch(price: str, size: str) -> tuple[float, float]:
    if not price or not size:
        return 0.0, 0.0
    price_value, size_value = slow.number(price)[0], slow.number(size)[0]
    return (price_value, size_value) if price_value > 0 else (0.0, 0.0)


def _crc_tables() -> NDArray[np.uint32]:
    """What each byte does to the checksum at once, one byte later, and so on up to seven."""
    tables = np.zeros((8, 256), np.uint32)
    tables[0] = [_crc_entry(i) for i in range(256)]
    for k in range(1, 8):
        before = tables[k - 1]
        tables[k] = tables[0][before & 255] ^ (before >> 8)
    return tables.reshape(-1)


def _crc_entry(index: int) -> int:
    """One entry of the table for the reflected CRC-32 polynomial (IEEE 802.3)."""
    crc = index
    for _ in range(8):
        crc = crc >> 1 ^ (0xEDB88320 if crc & 1 else 0)
    return crc
