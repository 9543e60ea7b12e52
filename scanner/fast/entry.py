"""The calls into the fast lane: one message, or all that one read from a socket brought."""

from __future__ import annotations

import numpy as np

from scanner import counts as N
from scanner.books import layout as B
from scanner.books.checksums import checksum_of
from scanner.books.jit import bytes_address, inlined, kernel, subroutine
from scanner.books.kernels import apply_rows, lay_over
from scanner.books.memory import slot, view
from scanner.engine.scan import scan_book
from scanner.fast import ahead
from scanner.fast import layout as L
from scanner.fast.envelope import walk
from scanner.fast.rules import (
    BEST,
    DELTA,
    TIME,
    WHOLE,
    follow,
    follows,
    has,
    identity,
    pick_shape,
    rank_of,
)
from scanner.fast.text import CLOSE_OBJECT
from scanner.types import BookState
from scanner.venues import cells as C
from scanner.venues.wire import What

LIVE, STALE, CROSSED = int(BookState.LIVE), int(BookState.STALE), int(BookState.CROSSED)
TIME_TEXT, CHECKSUM, ID, BID = (
    int(What.TIME_TEXT),
    int(What.CHECKSUM),
    int(What.ID),
    int(What.BID),
)
ASK, FIRST = int(What.ASK), int(What.FIRST)
BID_SIZE, ASK_SIZE = int(What.BID_SIZE), int(What.ASK_SIZE)
MILLISECOND = 1_000_000
MOST_MILLISECONDS = (1 << 63) // MILLISECOND
UNSIGNED_32 = 0xFFFFFFFF


@inlined
def _row_arrays(table):
    limit = table[2 * B.ROW_PRICE + 1]
    return (
        view(table[2 * B.ROW_PRICE], limit, np.float64),
        view(table[2 * B.ROW_SIZE], limit, np.float64),
        view(table[2 * B.ROW_PRICE_UNITS], limit, np.int64),
        view(table[2 * B.ROW_SIZE_UNITS], limit, np.int64),
        view(table[2 * B.ROW_DECIMALS], limit, np.uint16),
        view(table[2 * B.ROW_SIDE], limit, np.int8),
    )


@inlined
def _keep_known(rows, fields, cells, reals):
    """Leave out the rows beyond the horizon; False where the reference lane has to see them."""
    if fields[FIRST] <= cells[C.SHOWN] or fields[L.UNQUOTED] != 0:
        return False
    price, size, price_units, size_units, decimals, sides = rows
    n = 0
    for k in range(fields[L.ROWS]):
        p = price[k]
        if sides[k] == 0:
            if p >= reals[C.HIGH] and size[k] > 0.0:
                return False
            known = p >= reals[C.FLOOR]
        else:
            if p <= reals[C.LOW] and size[k] > 0.0:
                return False
            known = p <= reals[C.CEILING]
        if known:
            price[n] = p
            size[n] = size[k]
            price_units[n] = price_units[k]
            size_units[n] = size_units[k]
            decimals[n] = decimals[k]
            sides[n] = sides[k]
            n += 1
    fields[L.ROWS] = n
    return True


@inlined
def _touches(rows, fields, columns, powers):
    """(bid, its size, ask, its size, 1) of a best bid and offer; 0 at the end: something is odd."""
    if has(fields, BID):
        s = L.SCALES
        return (
            np.float64(fields[BID]) / powers[fields[s]],
            np.float64(fields[BID_SIZE]) / powers[fields[s + BID_SIZE - BID]],
            np.float64(fields[ASK]) / powers[fields[s + ASK - BID]],
            np.float64(fields[ASK_SIZE]) / powers[fields[s + ASK_SIZE - BID]],
            1,
        )
    price = rows[0]
    size = rows[1]
    sides = rows[5]
    if fields[L.ROWS] != 2 or fields[L.UNQUOTED] != 0 or sides[0] == sides[1]:
        return 0.0, 0.0, 0.0, 0.0, 0
    if fields[L.MOST_COLUMNS] > columns:
        return 0.0, 0.0, 0.0, 0.0, 0
    b = np.int64(sides[0])
    return price[b], size[b], price[1 - b], size[1 - b], 1


@inlined
def _sum(fields, no_sum, rule):
    """(1 if a checksum is to be verified, 0 if none stands, -1 if it is odd; its value)."""
    if rule == 0 or not has(fields, CHECKSUM):
        return 0, np.int64(0)
    value = fields[CHECKSUM]
    if no_sum == 0 and (value < 0 or value > UNSIGNED_32):
        return -1, value
    return (0 if no_sum != 0 and value == 0 else 1), value & UNSIGNED_32


@subroutine
def _change(table, shapes, shape, fields, book, order, at):
    """Put a whole book or a change into the book; 0 or why not, with nothing changed."""
    sent_at = np.int64(0)
    if has(fields, TIME):
        sent_at = fields[TIME] * MILLISECOND
    elif has(fields, TIME_TEXT):
        sent_at = fields[TIME_TEXT]
    whole = shapes[shape + L.SHAPE_KIND] == WHOLE
    number = identity(shapes, shape, fields)
    depth = 0 if whole else -1
    return apply_rows(table, book, fields[L.ROWS], whole, depth, True, order, number, sent_at, at)


@subroutine
def _take(table, lane, text, start, end, at):
    """One message; a code."""
    fields = slot(lane, L.FIELDS, np.int64)
    settings = slot(lane, L.LEVEL_KEYS, np.int64)
    shapes = slot(lane, L.SHAPES, np.int64)
    powers = view(lane[2 * L.POWERS], 23, np.float64)
    texts = slot(lane, L.TEXT, np.uint8)
    tables = (
        slot(lane, L.NODES, np.int64),
        slot(lane, L.KEYS, np.int64),
        slot(lane, L.TAGS, np.int64),
        slot(lane, L.NAMES, np.int64),
        lane[2 * L.NAMES + 1] // L.NAME_WIDTH - 1,
        texts,
        table,
        lane,
    )
    rows = _row_arrays(table)
    last = end - 1
    while last > start and text[last] <= 32:
        last -= 1
    if last <= start or text[last] != CLOSE_OBJECT:
        return L.DECLINED
    possible = walk(
        text, start, last, tables, fields, settings, powers, rows, table[2 * B.ROW_PRICE + 1]
    )
    if possible == 0:
        return L.DECLINED
    shape = pick_shape(shapes, lane[2 * L.SHAPES + 1] // L.SHAPE_WIDTH, possible, fields[L.SEEN])
    if shape < 0:
        return L.DECLINED
    if has(fields, TIME) and fields[TIME] > MOST_MILLISECONDS:
        return L.DECLINED
    market = fields[L.FOUND_MARKET]
    markets = slot(lane, L.MARKETS, np.int64)
    row = market * L.MARKET_WIDTH
    cells = view(markets[row + L.MARKET_CELLS], C.WIDTH, np.int64)
    counts = view(markets[row + L.MARKET_COUNTS], N.WIDTH, np.int64)
    connection = view(lane[2 * L.CONNECTION], C.CONNECTION_WIDTH, np.int64)
    meta = slot(table, B.META, np.int64)
    book = markets[row + L.MARKET_BOOK]
    m = book * B.META_WIDTH
    channel = fields[L.FOUND_CHANNEL]
    if cells[C.READY] == 0 or (channel != 0 and channel != cells[C.READY]):
        return L.DECLINED
    state = meta[m + B.STATE]
    if meta[m + B.SEQUENCE] < 0 or (state != LIVE and state != STALE and state != CROSSED):
        return L.DECLINED
    if has(fields, ID):
        length = fields[L.ID_END] - fields[L.ID_START]
        if length != markets[row + L.MARKET_ID_LENGTH]:
            return L.DECLINED
        for k in range(length):
            if text[fields[L.ID_START] + k] != texts[markets[row + L.MARKET_ID] + k]:
                return L.DECLINED
    if not follows(shapes, shape, fields, cells, connection):
        return L.DECLINED
    ahead.compared(table, meta, slot(table, B.GROUPS, np.int64), book)
    order = rank_of(shapes, shape, fields, cells)
    if order < 0:
        return L.DECLINED
    verify, wanted = _sum(fields, shapes[shape + L.SHAPE_NO_SUM], settings[L.SUM_RULE])
    if verify < 0:
        return L.DECLINED
    kind = shapes[shape + L.SHAPE_KIND]
    taken = 1
    if kind == BEST:
        bid, bid_size, ask, ask_size, good = _touches(
            rows, fields, shapes[shape + L.SHAPE_COLUMNS], powers
        )
        if good == 0:
            return L.DECLINED
        taken = lay_over(table, book, bid, bid_size, ask, ask_size, order, at)
        counts[N.BESTS] += 1
        verify = 0
    else:
        if shapes[shape + L.SHAPE_HORIZON] != 0:
            reals = view(markets[row + L.MARKET_CELLS], C.WIDTH, np.float64)
            if not _keep_known(rows, fields, cells, reals):
                return L.DECLINED
        if _change(table, shapes, shape, fields, book, order, at) != 0:
            return L.DECLINED
        counts[N.DELTAS if kind == DELTA else N.SNAPSHOTS] += 1
    follow(shapes, shape, fields, cells, connection)
    connection[C.HEARD] = at
    counts[N.MESSAGES] += 1
    counts[N.FAST] += 1
    if taken == 0:
        return L.TAKEN
    fields[L.AT_MARKET] = market
    if verify == 1:
        if checksum_of(table, book, settings[L.SUM_RULE]) != wanted:
            return L.SUM_WRONG
        counts[N.CHECKSUMS_OK] += 1
    state = meta[m + B.STATE]
    if state == LIVE:
        if counts[N.PROVEN_FIRST] == 0:
            counts[N.PROVEN_FIRST] = at
        counts[N.PROVEN_LAST] = at
        counts[N.EVER_PROVEN] = 1
        found = scan_book(table, book, at)
        if found > 0:
            fields[L.ROUTES] = found
            return L.ROUTES_FOUND
    elif state == CROSSED:
        return L.BOOK_CROSSED
    return L.TAKEN


@subroutine
def _take_all(table, lane, buffer, starts, ends, first, count, at):
    """The messages from ``first`` on; stops at the first that needs more than this."""
    fields = slot(lane, L.FIELDS, np.int64)
    begins = view(starts, count, np.int64)
    stops = view(ends, count, np.int64)
    for k in range(first, count):
        text = view(buffer, stops[k], np.uint8)
        code = _take(table, lane, text, begins[k], stops[k], at)
        if code != L.TAKEN:
            fields[L.AT_MESSAGE] = k
            return code
    return L.TAKEN


@kernel
def take(context, lane_context, buffer, starts, ends, first, count, at):
    """Messages from ``first`` on up to ``count`` (as ``scanner.feeds.shell.Lane``); a code of
    ``scanner.fast.layout``, other than ``TAKEN`` of the message ``AT_MESSAGE``."""
    table = view(context, 2 * B.SLOTS, np.int64)
    lane = view(lane_context, 2 * L.SLOTS, np.int64)
    return _take_all(table, lane, buffer, starts, ends, first, count, at)


@kernel
def place(lane_context, raw):
    """Where a single message lies; its bounds are written to ``ALONE_START`` and ``ALONE_END``.

    Not one call with ``take``, because all of that would be compiled once more.
    """
    lane = view(lane_context, 2 * L.SLOTS, np.int64)
    fields = slot(lane, L.FIELDS, np.int64)
    fields[L.ALONE_START] = 0
    fields[L.ALONE_END] = len(raw)
    return bytes_address(raw)
