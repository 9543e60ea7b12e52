"""Level lists of a message, straight into the row arrays of the books."""

from __future__ import annotations

import numpy as np

from scanner.books.jit import inlined
from scanner.fast import layout as L
from scanner.fast.text import (
    CLOSE_LIST,
    CLOSE_OBJECT,
    COLON,
    COMMA,
    OPEN_LIST,
    OPEN_OBJECT,
    QUOTE,
    blank,
    number,
    scalar,
    words,
)


@inlined
def list_level(text, i, last, fields):
    """The level ``[price, size, ...]`` after whose bracket ``i`` stands: (price digits, decimals,
    size digits, decimals, index after)."""
    zero = np.int64(0)
    price, price_decimals, i, unquoted = number(text, blank(text, i))
    if i < 0:
        return zero, 0, zero, 0, -1
    i = blank(text, i)
    if text[i] != COMMA:
        return zero, 0, zero, 0, -1
    size, size_decimals, i, other = number(text, blank(text, i + 1))
    if i < 0:
        return zero, 0, zero, 0, -1
    i = blank(text, i)
    fields[L.UNQUOTED] |= unquoted | other
    columns = 2
    while text[i] == COMMA:
        i = blank(text, i + 1)
        if text[i] != QUOTE:
            fields[L.UNQUOTED] = 1
        i = scalar(text, i, last)
        if i < 0:
            return zero, 0, zero, 0, -1
        i = blank(text, i)
        columns += 1
    if text[i] != CLOSE_LIST:
        return zero, 0, zero, 0, -1
    fields[L.MOST_COLUMNS] = max(fields[L.MOST_COLUMNS], columns)
    return price, price_decimals, size, size_decimals, i + 1


@inlined
def _word_is(settings, place, low, high, length):
    return settings[place] == low and settings[place + 1] == high and settings[place + 2] == length


@inlined
def side_of(text, i, last, settings):
    """(side, index after) of the string whose quote is at ``i``."""
    low, high, end = words(text, i + 1, last)
    length = end - i - 1
    if end < 0 or length == 0:
        return np.int64(2), -1
    if _word_is(settings, L.LEVEL_BID, low, high, length):
        return np.int64(0), end + 1
    if _word_is(settings, L.LEVEL_ASK, low, high, length):
        return np.int64(1), end + 1
    return np.int64(2), -1


@inlined
def object_level(text, i, last, side, settings):
    """The level ``{"price": ..., "size": ...}`` after whose brace ``i`` stands: as ``list_level``,
    and its side."""
    zero = np.int64(0)
    price = zero
    size = zero
    price_decimals = 0
    size_decimals = 0
    seen = 0
    while True:
        i = blank(text, i)
        if text[i] != QUOTE:
            return zero, 0, zero, 0, -1, side
        start = i + 1
        low, high, i = words(text, start, last)
        if i < 0:
            return zero, 0, zero, 0, -1, side
        length = i - start
        i = blank(text, i + 1)
        if text[i] != COLON:
            return zero, 0, zero, 0, -1, side
        i = blank(text, i + 1)
        bit = 0
        if _word_is(settings, L.LEVEL_PRICE, low, high, length):
            bit = 1
            price, price_decimals, i, _ = number(text, i)
        elif _word_is(settings, L.LEVEL_SIZE, low, high, length):
            bit = 2
            size, size_decimals, i, _ = number(text, i)
        elif _word_is(settings, L.LEVEL_SIDE, low, high, length):
            bit = 4
            if text[i] != QUOTE:
                return zero, 0, zero, 0, -1, side
            side, i = side_of(text, i, last, settings)
        else:
            i = scalar(text, i, last)
        if i < 0 or (seen & bit) != 0:
            return zero, 0, zero, 0, -1, side
        seen |= bit
        i = blank(text, i)
        if text[i] != COMMA:
            break
        i += 1
    if text[i] != CLOSE_OBJECT or (seen & 3) != 3 or i >= last:
        return zero, 0, zero, 0, -1, side
    return price, price_decimals, size, size_decimals, i + 1, side


@inlined
def put_row(rows, n, units, scale, size_units, size_scale, side, powers):
    """Write one row."""
    price, size, price_digits, size_digits, decimals, sides = rows
    price[n] = np.float64(units) / powers[scale]
    size[n] = np.float64(size_units) / powers[size_scale]
    price_digits[n] = units
    size_digits[n] = size_units
    decimals[n] = scale | (size_scale << 8)
    sides[n] = side


@inlined
def level_list(text, i, last, side, fields, settings, powers, rows, limit):
    """The list whose bracket is at ``i``, appended to the rows; the index after. ``side``: 0 bids,
    1 asks, 2 each level says."""
    n = fields[L.ROWS]
    i = blank(text, i + 1)
    if text[i] == CLOSE_LIST:
        return i + 1
    while True:
        this = np.int64(side)
        if text[i] == OPEN_LIST:
            units, scale, size_units, size_scale, i = list_level(text, i + 1, last, fields)
        elif text[i] == OPEN_OBJECT:
            units, scale, size_units, size_scale, i, this = object_level(
                text, i + 1, last, this, settings
            )
        else:
            return -1
        if i < 0 or this == 2 or n >= limit or (units == 0 and settings[L.ZERO_SKIPS] == 0):
            return -1
        if units > 0:
            put_row(rows, n, units, scale, size_units, size_scale, this, powers)
            n += 1
        i = blank(text, i)
        if text[i] == CLOSE_LIST:
            fields[L.ROWS] = n
            return i + 1
        if text[i] != COMMA:
            return -1
        i = blank(text, i + 1)
