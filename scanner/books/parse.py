"""Level lists, from JSON text into the row arrays, without a Python object per level.

The grammar is strict: anything that is not a list of levels as the venue's layout has them is an
error, and an error means that the market must resync. Numbers with more than 2^53 in their digits
or with an exponent are left to ``scanner.books.slow`` (code ``INEXACT``).
"""

from __future__ import annotations

import numpy as np

from scanner.books import layout as L
from scanner.books.jit import inlined, kernel
from scanner.books.memory import view

QUOTE, COMMA, COLON, DOT, BACKSLASH = 34, 44, 58, 46, 92
OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT = 91, 93, 123, 125

POWERS = np.array([10.0**i for i in range(23)])
FNV_START, FNV_PRIME = 0xCBF29CE484222325, 0x100000001B3


def key_hash(text: str) -> int:
    """FNV-1a, 64 bits, as the kernel computes it over a key (as a signed integer)."""
    value = FNV_START
    for byte in text.encode():
        value = ((value ^ byte) * FNV_PRIME) & 0xFFFFFFFFFFFFFFFF
    return value - (1 << 64) if value >> 63 else value


@inlined
def _blank(text, i, end):
    while i < end and (text[i] == 32 or text[i] == 10 or text[i] == 13 or text[i] == 9):
        i += 1
    return i


@inlined
def _string_end(text, i, end):
    """Index of the closing quote of a string whose first character is at ``i``, or ``end``."""
    while i < end and text[i] != QUOTE:
        i += 2 if text[i] == BACKSLASH else 1
    return min(i, end)


@inlined
def _number(text, i, end):
    """(digits as integer, decimals, index after, error) of the number at ``i``, quoted or not."""
    quoted = i < end and text[i] == QUOTE
    if quoted:
        i += 1
    units = np.int64(0)
    significant = 0
    digits = 0
    decimals = 0
    point = False
    while i < end:
        c = np.int64(text[i])
        if 48 <= c <= 57:
            if significant > 0 or c > 48:
                significant += 1
                if significant > 18:
                    return units, 0, i, L.INEXACT
            units = units * 10 + (c - 48)
            digits += 1
            if point:
                decimals += 1
        elif c == DOT and not point and digits > 0:
            point = True
            digits = 0
        else:
            break
        i += 1
    if digits == 0:
        return units, 0, i, L.NUMBER
    if i < end and (text[i] == 101 or text[i] == 69):
        return units, 0, i, L.INEXACT
    if quoted:
        if i >= end or text[i] != QUOTE:
            return units, 0, i, L.NUMBER
        i += 1
    if units > L.LARGEST_EXACT or decimals > L.LARGEST_SCALE:
        return units, decimals, i, L.INEXACT
    return units, decimals, i, 0


@inlined
def _skip_scalar(text, i, end):
    """Index after the string, number or literal at ``i``; -1 if there is none."""
    if i < end and text[i] == QUOTE:
        i = _string_end(text, i + 1, end)
        return i + 1 if i < end else -1
    start = i
    while i < end:
        c = text[i]
        if c == COMMA or c == CLOSE_LIST or c == CLOSE_OBJECT or c == 32:
            break
        if c == OPEN_LIST or c == OPEN_OBJECT or c == QUOTE or c < 32:
            return -1
        i += 1
    return i if i > start else -1


@inlined
def _trailing_integer(text, i, end):
    """The integer at ``i``, quoted or not, 0 if it is none."""
    if i < end and text[i] == QUOTE:
        i += 1
    value = np.int64(0)
    digits = 0
    while i < end and 48 <= text[i] <= 57 and digits < 18:
        value = value * 10 + np.int64(text[i]) - 48
        digits += 1
        i += 1
    return value


@inlined
def _list_level(text, i, end, rows_after):
    """The level ``[price, size, ...]`` whose bracket is at ``i``: (price digits, decimals, size
    digits, decimals, own sequence, index after, error)."""
    zero = np.int64(0)
    price, price_decimals, i, error = _number(text, _blank(text, i + 1, end), end)
    if error != 0:
        return price, 0, zero, 0, zero, i, error
    i = _blank(text, i, end)
    if i >= end or text[i] != COMMA:
        return price, 0, zero, 0, zero, i, L.SYNTAX
    size, size_decimals, i, error = _number(text, _blank(text, i + 1, end), end)
    if error != 0:
        return price, 0, size, 0, zero, i, error
    i = _blank(text, i, end)
    sequence = zero
    column = 2
    while i < end and text[i] == COMMA:
        i = _blank(text, i + 1, end)
        if column == 2 and rows_after > 0:
            sequence = _trailing_integer(text, i, end)
        i = _skip_scalar(text, i, end)
        if i < 0:
            return price, 0, size, 0, zero, i, L.SYNTAX
        i = _blank(text, i, end)
        column += 1
    if i >= end or text[i] != CLOSE_LIST:
        return price, 0, size, 0, zero, i, L.SYNTAX
    return price, price_decimals, size, size_decimals, sequence, i + 1, 0


@inlined
def _key(text, i, end):
    """(hash of the key at ``i``, index of its value); the index is -1 if there is no key."""
    if i >= end or text[i] != QUOTE:
        return np.int64(0), -1
    hashed = np.uint64(FNV_START)
    i += 1
    while i < end and text[i] != QUOTE:
        if text[i] == BACKSLASH:
            return np.int64(0), -1
        hashed = (hashed ^ np.uint64(text[i])) * np.uint64(FNV_PRIME)
        i += 1
    i = _blank(text, i + 1, end)
    if i >= end or text[i] != COLON:
        return np.int64(0), -1
    return np.int64(hashed), _blank(text, i + 1, end)


@inlined
def _side(text, i, end, keys):
    """The side that the string at ``i`` names; -1 if it names none."""
    if i >= end or text[i] != QUOTE:
        return -1
    hashed = np.uint64(FNV_START)
    i += 1
    while i < end and text[i] != QUOTE:
        hashed = (hashed ^ np.uint64(text[i])) * np.uint64(FNV_PRIME)
        i += 1
    if np.int64(hashed) == keys[3]:
        return 0
    return 1 if np.int64(hashed) == keys[4] else -1


@inlined
def _object_level(text, i, end, keys, side):
    """The level ``{"price": ..., "size": ...}`` whose brace is at ``i``: (price digits, decimals,
    size digits, decimals, side, index after, error)."""
    price = np.int64(0)
    size = np.int64(0)
    price_decimals = 0
    size_decimals = 0
    seen = 0
    mixed = side == 2
    i = _blank(text, i + 1, end)
    while True:
        key, i = _key(text, i, end)
        if i < 0:
            return price, 0, size, 0, side, i, L.SYNTAX
        error = 0
        if key == keys[0]:
            price, price_decimals, i, error = _number(text, i, end)
            seen |= 1
        elif key == keys[1]:
            size, size_decimals, i, error = _number(text, i, end)
            seen |= 2
        else:
            if mixed and key == keys[2]:
                side = _side(text, i, end, keys)
            i = _skip_scalar(text, i, end)
            if i < 0 or side < 0:
                error = L.SYNTAX
        if error != 0:
            return price, 0, size, 0, side, i, error
        i = _blank(text, i, end)
        if i >= end or text[i] != COMMA:
            break
        i = _blank(text, i + 1, end)
    if i >= end or text[i] != CLOSE_OBJECT or seen != 3:
        return price, 0, size, 0, side, i, L.SYNTAX
    return price, price_decimals, size, size_decimals, side, i + 1, 0


@kernel
def parse(context, text, side, start, keys, rows_after, powers):
    """Append the levels in ``text`` to the rows from index ``start``; the new count, or an error.

    ``side``: 0 bids, 1 asks, 2 each level says. ``keys``: hashes of the price, size and side keys
    and of what a bid's and an ask's side say, 1 if a zero price is to be skipped.
    """
    table = view(context, 2 * L.SLOTS, np.int64)
    limit = table[2 * L.ROW_PRICE + 1]
    price = view(table[2 * L.ROW_PRICE], limit, np.float64)
    size = view(table[2 * L.ROW_SIZE], limit, np.float64)
    price_units = view(table[2 * L.ROW_PRICE_UNITS], limit, np.int64)
    size_units = view(table[2 * L.ROW_SIZE_UNITS], limit, np.int64)
    decimals = view(table[2 * L.ROW_DECIMALS], limit, np.uint16)
    sides = view(table[2 * L.ROW_SIDE], limit, np.int8)
    end = len(text)
    n = start
    i = _blank(text, 0, end)
    if i >= end or text[i] != OPEN_LIST:
        return L.SYNTAX
    i = _blank(text, i + 1, end)
    if i < end and text[i] == CLOSE_LIST:
        return n if _blank(text, i + 1, end) == end else L.SYNTAX
    while i < end:
        this = side
        sequence = np.int64(0)
        if text[i] == OPEN_LIST:
            pu, pd, su, sd, sequence, i, error = _list_level(text, i, end, rows_after)
        elif text[i] == OPEN_OBJECT:
            pu, pd, su, sd, this, i, error = _object_level(text, i, end, keys, side)
        else:
            return L.SYNTAX
        if error == 0 and this == 2:
            error = L.SYNTAX
        if error == 0 and pu == 0 and keys[5] == 0:
            error = L.NUMBER
        if error != 0:
            return error
        if pu > 0 and (rows_after == 0 or sequence > rows_after):
            if n >= limit:
                return L.TOO_MANY
            price[n] = np.float64(pu) / powers[pd]
            size[n] = np.float64(su) / powers[sd]
            price_units[n] = pu
            size_units[n] = su
            decimals[n] = pd | (sd << 8)
            sides[n] = this
            n += 1
        i = _blank(text, i, end)
        if i < end and text[i] == CLOSE_LIST:
            return n if _blank(text, i + 1, end) == end else L.SYNTAX
        if i >= end or text[i] != COMMA:
            return L.SYNTAX
        i = _blank(text, i + 1, end)
    return L.SYNTAX
