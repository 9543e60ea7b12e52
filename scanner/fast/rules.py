"""Whether a message is the next one of its stream, by the cells that its protocol keeps too.

These are the rules of ``scanner.venues.sequence`` in the one case that the fast lane takes. Nothing
is written before the book has been changed.
"""

from __future__ import annotations

import numpy as np

from scanner.books.jit import inlined
from scanner.fast import layout as L
from scanner.venues import cells as C
from scanner.venues.wire import Chain, Kind, Order, What

NEWEST, NEXT, PREVIOUS_ID, EITHER = (
    int(Chain.NEWEST),
    int(Chain.NEXT),
    int(Chain.PREVIOUS),
    int(Chain.EITHER),
)
WHOLE, DELTA, BEST = int(Kind.WHOLE), int(Kind.DELTA), int(Kind.BEST)
BY_RANK, BY_FIELD, BY_TIME = int(Order.RANK), int(Order.FIELD), int(Order.TIME)
FIRST, LAST, PREVIOUS = int(What.FIRST), int(What.LAST), int(What.PREVIOUS)
ORDER, COUNT, TIME = int(What.ORDER), int(What.COUNT), int(What.TIME)
INCOMPARABLE = (1 << 63) - 1
# At some venues an id of 0 or 1 begins the stream anew.
FIRST_IDS = 1


@inlined
def pick_shape(shapes, count, possible, seen):
    """The first possible shape that the message fits, as an index into its row; -1: none."""
    for k in range(count):
        if possible & (np.int64(1) << k) == 0:
            continue
        row = k * L.SHAPE_WIDTH
        needs = shapes[row + L.SHAPE_NEEDS]
        said = seen & ((np.int64(1) << L.FREE_BITS) - 1)
        if seen & needs == needs and said & ~(needs | shapes[row + L.SHAPE_MAY]) == 0:
            return row
    return -1


@inlined
def has(fields, what):
    return fields[L.SEEN] & (np.int64(1) << what) != 0


@inlined
def identity(shapes, shape, fields):
    """The id of the message: its own, its number on the connection, its time; 0 without any."""
    if has(fields, LAST):
        return fields[LAST]
    if shapes[shape + L.SHAPE_COUNTED] != 0:
        return fields[COUNT]
    if shapes[shape + L.SHAPE_TIMED] != 0:
        return fields[TIME]
    return np.int64(0)


@inlined
def follows(shapes, shape, fields, cells, connection):
    """Whether the message is the next one of its market's stream and of its connection."""
    if shapes[shape + L.SHAPE_COUNTED] != 0:
        if connection[C.HAS] == 0 or fields[COUNT] != connection[C.LAST] + 1:
            return False
    chain = shapes[shape + L.SHAPE_CHAIN]
    if chain != 0 and cells[C.DOUBT] != 0:
        return False
    number = identity(shapes, shape, fields)
    named = has(fields, PREVIOUS)
    if chain == NEWEST:
        return cells[C.HAS] != 0 and number >= cells[C.LAST]
    if chain == NEXT or (chain == EITHER and not named):
        first = fields[FIRST] if has(fields, FIRST) else number
        if number <= FIRST_IDS or number < first:
            return False
        return cells[C.HAS] != 0 and first == cells[C.LAST] + 1
    if chain == EITHER:
        if number <= cells[C.LAST]:
            return False
        return cells[C.HAS] != 0 and fields[PREVIOUS] == cells[C.LAST]
    if chain == PREVIOUS_ID and shapes[shape + L.SHAPE_KIND] == DELTA:
        if not named:
            return cells[C.NAMED] == 0
        if fields[PREVIOUS] <= 0 or not has(fields, LAST):
            return False
        return cells[C.HAS] != 0 and fields[PREVIOUS] == cells[C.LAST]
    return True


@inlined
def _older(number, time, last, last_time):
    if number == last and time == last_time:
        return False
    return number <= last and time <= last_time


@inlined
def ranked(shapes, shape, fields, cells):
    """The rank of the message among the channels of its market (``sequence.Ranks``), -1 if it has
    none, or if ids start anew with it."""
    number = identity(shapes, shape, fields)
    time = fields[TIME]
    timed = 0 if has(fields, LAST) else 1
    if cells[C.TIMED] != timed:
        return np.int64(-1)
    if shapes[shape + L.SHAPE_KIND] == BEST:
        older = _older(number, time, cells[C.BEST_ID], cells[C.BEST_TIME])
        if older or time < cells[C.SINCE] or cells[C.BEST_DOUBT] != 0:
            return np.int64(-1)
        return number
    if number < cells[C.BOOK_ID] or cells[C.BOOK_DOUBT] != 0:
        return np.int64(-1)
    # A change that follows by its chain is not held to its time.
    proven = shapes[shape + L.SHAPE_KIND] == DELTA and (
        has(fields, PREVIOUS) or shapes[shape + L.SHAPE_CHAIN] == NEXT
    )
    if not proven and _older(number, time, cells[C.BOOK_ID], cells[C.BOOK_TIME]):
        return np.int64(-1)
    return number


@inlined
def rank_of(shapes, shape, fields, cells):
    """What orders the message among the channels of its market; -1: the reference lane knows."""
    order = shapes[shape + L.SHAPE_ORDER]
    if order == BY_RANK:
        return ranked(shapes, shape, fields, cells)
    if order == BY_FIELD:
        return fields[ORDER]
    if order == BY_TIME:
        if has(fields, TIME) and fields[TIME] > 0:
            return fields[TIME]
        return np.int64(INCOMPARABLE)
    return identity(shapes, shape, fields)


@inlined
def follow(shapes, shape, fields, cells, connection):
    """Write what the protocol would have written."""
    number = identity(shapes, shape, fields)
    best = shapes[shape + L.SHAPE_KIND] == BEST
    if shapes[shape + L.SHAPE_COUNTED] != 0:
        connection[C.LAST] = fields[COUNT]
    chain = shapes[shape + L.SHAPE_CHAIN]
    if chain != 0 and not best:
        if chain == PREVIOUS_ID and shapes[shape + L.SHAPE_KIND] == WHOLE:
            if cells[C.NAMED] != C.ALWAYS:
                cells[C.NAMED] = 1 if has(fields, PREVIOUS) else 0
            cells[C.HAS] = 1 if has(fields, LAST) else 0
        if chain != PREVIOUS_ID or (has(fields, LAST) and _names(shapes, shape, fields)):
            cells[C.LAST] = number
    if shapes[shape + L.SHAPE_ORDER] == BY_FIELD and not best:
        cells[C.ORDER] = fields[ORDER]
    if shapes[shape + L.SHAPE_ORDER] == BY_RANK:
        if best:
            cells[C.BEST_ID] = number
            cells[C.BEST_TIME] = fields[TIME]
        else:
            cells[C.BOOK_ID] = number
            cells[C.BOOK_TIME] = fields[TIME]


@inlined
def _names(shapes, shape, fields):
    """Whether the id of the message goes into the chain."""
    return shapes[shape + L.SHAPE_KIND] == WHOLE or has(fields, PREVIOUS)
