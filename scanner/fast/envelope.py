"""A message's keys and values, found in one pass over its bytes."""

from __future__ import annotations

import numpy as np

from scanner.books.jit import inlined
from scanner.fast import ahead
from scanner.fast import layout as L
from scanner.fast.levels import level_list, list_level, put_row
from scanner.fast.text import (
    CLOSE_LIST,
    CLOSE_OBJECT,
    COLON,
    COMMA,
    OPEN_LIST,
    OPEN_OBJECT,
    QUOTE,
    blank,
    integer,
    moment,
    name_hash,
    number,
    same,
    scalar,
    string_end,
    words,
)
from scanner.venues.wire import What

SKIP, REFUSE, TAG, NAME, ID = (
    int(What.SKIP),
    int(What.REFUSE),
    int(What.TAG),
    int(What.NAME),
    int(What.ID),
)
TIME, TIME_TEXT, CHECKSUM, FLAG = (
    int(What.TIME),
    int(What.TIME_TEXT),
    int(What.CHECKSUM),
    int(What.FLAG),
)
BIDS, ASKS, MIXED, BID_PAIR = int(What.BIDS), int(What.ASKS), int(What.MIXED), int(What.BID_PAIR)
BID, BID_SIZE, ASK_SIZE = int(What.BID), int(What.BID_SIZE), int(What.ASK_SIZE)
PREVIOUS = int(What.PREVIOUS)
MOST_DEPTH = 8


@inlined
def find_key(keys, node_first, node_count, expected, low, high, length):
    """Which key of the node it is, as an index into its keys (that of ``expected`` is looked at
    first: keys mostly come in the order in which they were declared); -1: none of them."""
    for k in range(node_count):
        j = expected + k
        if j >= node_count:
            j -= node_count
        row = (node_first + j) * L.KEY_WIDTH
        if (
            keys[row + L.KEY_LOW] == low
            and keys[row + L.KEY_LENGTH] == length
            and keys[row + L.KEY_HIGH] == high
        ):
            return j
    return -1


@inlined
def find_name(tables, text, start, end, fields):
    """Look up the name in ``[start, end)``; whether it is known. The bytes themselves decide."""
    _, _, _, names, mask, texts, table, lane = tables
    hashed = name_hash(text, start, end)
    place = hashed & mask
    while True:
        row = place * L.NAME_WIDTH
        length = names[row + L.NAME_LENGTH]
        if length == 0:
            return False
        if (
            names[row + L.NAME_HASH] == hashed
            and length == end - start
            and same(text, start, texts, names[row + L.NAME_OFFSET], length)
        ):
            ahead.named(table, lane, names[row + L.NAME_MARKET], names[row + L.NAME_BOOK])
            fields[L.FOUND_MARKET] = names[row + L.NAME_MARKET]
            fields[L.FOUND_SHAPES] = names[row + L.NAME_SHAPES]
            fields[L.FOUND_CHANNEL] = names[row + L.NAME_CHANNEL]
            return True
        place = (place + 1) & mask


@inlined
def find_tag(tags, first, count, low, high, length):
    """The shapes that a tag's value leaves possible."""
    for k in range(count):
        row = (first + k) * L.TAG_WIDTH
        if (
            tags[row + L.TAG_LOW] == low
            and tags[row + L.TAG_LENGTH] == length
            and tags[row + L.TAG_HIGH] == high
        ):
            return tags[row + L.TAG_SHAPES]
    return np.int64(0)


@inlined
def quotes(text, i, last, what, fields, settings, powers, rows, limit):
    """What stands under a key of ``BIDS``, ``ASKS`` or ``MIXED``: (index after, what it was)."""
    side = what - BIDS
    if text[i] == QUOTE:
        units, decimals, i, _ = number(text, i)
        if i < 0 or side == 2 or units == 0:
            return -1, 0
        fields[BID + side] = units
        fields[L.SCALES + side] = decimals
        return i, BID + side
    if text[i] != OPEN_LIST:
        return -1, 0
    after = blank(text, i + 1)
    if text[after] != QUOTE:
        return level_list(text, i, last, side, fields, settings, powers, rows, limit), what
    units, scale, size_units, size_scale, i = list_level(text, after, last, fields)
    n = fields[L.ROWS]
    if i < 0 or side == 2 or units == 0 or n >= limit:
        return -1, 0
    put_row(rows, n, units, scale, size_units, size_scale, side, powers)
    fields[L.ROWS] = n + 1
    return i, BID_PAIR + side


@inlined
def walk(text, i, last, tables, fields, settings, powers, rows, limit):
    """Read the message in ``[i, last]``, whose last character is a brace, into ``fields``: which
    shapes it may be, as bits; 0: it is for the reference lane."""
    nodes, keys, tags, _, _, _, _, _ = tables
    nothing = np.int64(0)
    shapes = np.int64(-1)
    seen = np.int64(0)
    fields[L.ROWS] = 0
    fields[L.MOST_COLUMNS] = 0
    fields[L.UNQUOTED] = 0
    fields[CHECKSUM] = 0
    lax = settings[L.LAX]
    above = np.int64(0)
    depth = 0
    node = np.int64(0)
    expected = np.int64(0)
    i = blank(text, i)
    if text[i] != OPEN_OBJECT or i >= last:
        return nothing
    i += 1
    while True:
        i = blank(text, i)
        if text[i] != QUOTE:
            return nothing
        start = i + 1
        low, high, i = words(text, start, last)
        if i < 0:
            return nothing
        length = i - start
        i = blank(text, i + 1)
        if text[i] != COLON:
            return nothing
        i = blank(text, i + 1)
        first = nodes[node * L.NODE_WIDTH + L.NODE_FIRST]
        count = nodes[node * L.NODE_WIDTH + L.NODE_COUNT]
        j = find_key(keys, first, count, expected, low, high, length)
        what = np.int64(SKIP)
        row = np.int64(0)
        if j >= 0:
            expected = j + 1 if j + 1 < count else np.int64(0)
            row = (first + j) * L.KEY_WIDTH
            what = keys[row + L.KEY_WHAT]
            shapes &= keys[row + L.KEY_SHAPES]
        if what >= L.OBJECT:
            if what == L.ONE_OBJECT:
                if text[i] != OPEN_LIST:
                    return nothing
                i = blank(text, i + 1)
            if text[i] != OPEN_OBJECT or i >= last:
                return nothing
            i = blank(text, i + 1)
            bit = np.int64(1) << keys[row + L.KEY_BIT]
            if seen & bit != 0:
                return nothing
            seen |= bit
            # The way back: node, next key and whether a list is to be closed, in 16 bits.
            above = (above << 16) | (node << 9) | (expected << 1) | (what - L.OBJECT)
            depth += 1
            if depth > 3:
                return nothing
            node = keys[row + L.KEY_TARGET]
            expected = np.int64(0)
            continue
        bit = np.int64(0)
        if what == SKIP:
            i = scalar(text, i, last)
        elif what == REFUSE:
            return nothing
        elif what == TAG:
            if text[i] != QUOTE:
                return nothing
            start = i + 1
            low, high, i = words(text, start, last)
            if i < 0:
                return nothing
            shapes &= find_tag(
                tags, keys[row + L.KEY_TARGET], keys[row + L.KEY_VALUES], low, high, i - start
            )
            bit = np.int64(1) << keys[row + L.KEY_BIT]
            i += 1
        elif what == NAME or what == ID:
            if text[i] != QUOTE:
                return nothing
            start = i + 1
            i = string_end(text, start, last)
            if i < 0:
                return nothing
            if what == NAME:
                if not find_name(tables, text, start, i, fields):
                    return nothing
                shapes &= fields[L.FOUND_SHAPES]
            else:
                fields[L.ID_START] = start
                fields[L.ID_END] = i
            bit = np.int64(1) << what
            i += 1
        elif what == BIDS or what == ASKS or what == MIXED:
            i, what = quotes(text, i, last, what, fields, settings, powers, rows, limit)
            bit = np.int64(1) << what
        elif what == BID_SIZE or what == ASK_SIZE:
            units, decimals, i, unquoted = number(text, i)
            if unquoted == 1:
                return nothing
            fields[what] = units
            fields[L.SCALES + what - BID] = decimals
            bit = np.int64(1) << what
        elif what == TIME_TEXT:
            fields[what], i = moment(text, i)
            bit = np.int64(1) << what
        elif what == FLAG:
            if text[i] != 102:
                return nothing
            i = scalar(text, i, last)
        else:
            fields[what], i = integer(text, i, lax)
            if fields[what] >= 0 or what == CHECKSUM or what == PREVIOUS:
                bit = np.int64(1) << what
            else:
                return nothing
        if i < 0 or shapes == 0 or seen & bit != 0:
            return nothing
        seen |= bit
        i = blank(text, i)
        while text[i] == CLOSE_OBJECT:
            if depth == 0:
                fields[L.SEEN] = seen
                return shapes if i == last else nothing
            if i >= last:
                return nothing
            i = blank(text, i + 1)
            if above & 1 != 0:
                if text[i] != CLOSE_LIST:
                    return nothing
                i = blank(text, i + 1)
            expected = (above >> 1) & 255
            node = (above >> 9) & 127
            above >>= 16
            depth -= 1
        if text[i] != COMMA:
            return nothing
        i += 1
