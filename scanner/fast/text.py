"""JSON, as strictly as any decoder reads it and more narrowly than most: what is odd is declined.

All functions look at ``text`` from an index ``i`` on and answer with the index after what they
read, or -1. ``last`` is the index of the message's last character, which is a closing brace: no
number and no blank goes past it, so only strings have to watch for the end.
"""

from __future__ import annotations

import numpy as np

from scanner.books import layout as B
from scanner.books.jit import inlined
from scanner.books.memory import bytes_below, word
from scanner.fast import layout as L

QUOTE, COMMA, COLON, DOT, MINUS, BACKSLASH = 34, 44, 58, 46, 45, 92
OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT = 91, 93, 123, 125
NS = 1_000_000_000
ONES, TOPS = 0x01010101_01010101, 0x80808080_80808080


@inlined
def blank(text, i):
    c = text[i]
    while c == 32 or c == 10 or c == 13 or c == 9:
        i += 1
        c = text[i]
    return i


@inlined
def _bytes_of(value, byte):
    """The top bit of each byte of ``value`` that is ``byte``; above the first, perhaps more."""
    value ^= byte * np.uint64(ONES)
    return (value - np.uint64(ONES)) & ~value & np.uint64(TOPS)


@inlined
def _odd_bytes(value):
    """The top bit of each byte that is no plain character of a string (below 32, a backslash,
    above 127), or comes after one."""
    low = (value - np.uint64(32) * np.uint64(ONES)) & ~value
    return (value | low | _bytes_of(value, np.uint64(BACKSLASH))) & np.uint64(TOPS)


@inlined
def _below(count):
    """A mask of the first ``count`` bytes of a word, less than eight."""
    return (np.uint64(1) << np.uint64(8 * count)) - np.uint64(1)


@inlined
def string_end(text, i, last):
    """Index of the closing quote of a string whose first character is at ``i``."""
    while i + 7 <= last:
        value = word(text, i)
        quotes = _bytes_of(value, np.uint64(QUOTE))
        odd = _odd_bytes(value)
        if quotes != 0:
            before = bytes_below(quotes)
            return i + before if odd & _below(before) == 0 else -1
        if odd != 0:
            return -1
        i += 8
    while i <= last:
        c = text[i]
        if c == QUOTE:
            return i
        if c < 32 or c > 127 or c == BACKSLASH:
            return -1
        i += 1
    return -1


@inlined
def words(text, i, last):
    """The first 16 bytes of a string as two numbers, and the index of its closing quote."""
    nothing = np.int64(0)
    if i + 15 > last:
        return _words_by_bytes(text, i, last)
    low = word(text, i)
    quotes = _bytes_of(low, np.uint64(QUOTE))
    odd = _odd_bytes(low)
    if quotes != 0:
        before = bytes_below(quotes)
        mask = _below(before)
        if odd & mask != 0:
            return nothing, nothing, -1
        return np.int64(low & mask), nothing, i + before
    if odd != 0:
        return nothing, nothing, -1
    high = word(text, i + 8)
    quotes = _bytes_of(high, np.uint64(QUOTE))
    odd = _odd_bytes(high)
    if quotes != 0:
        before = bytes_below(quotes)
        mask = _below(before)
        if odd & mask != 0:
            return nothing, nothing, -1
        return np.int64(low), np.int64(high & mask), i + 8 + before
    if odd != 0:
        return nothing, nothing, -1
    return np.int64(low), np.int64(high), string_end(text, i + 16, last)


@inlined
def _words_by_bytes(text, i, last):
    """``words`` near the end of the message."""
    low = np.uint64(0)
    high = np.uint64(0)
    end = string_end(text, i, last)
    for k in range(min(end - i, 16)):
        if k < 8:
            low |= np.uint64(text[i + k]) << np.uint64(8 * k)
        else:
            high |= np.uint64(text[i + k]) << np.uint64(8 * (k - 8))
    return np.int64(low), np.int64(high), end


@inlined
def _rest(text, start, i, end):
    """The bytes in ``[i, end)``, less than eight, as a number; the string begins at ``start``."""
    if i < end and end - start >= 8:
        return word(text, end - 8) >> np.uint64(8 * (8 - end + i))
    rest = np.uint64(0)
    for k in range(end - i):
        rest |= np.uint64(text[i + k]) << np.uint64(8 * k)
    return rest


@inlined
def name_hash(text, i, end):
    """A hash of the bytes in ``[i, end)``."""
    start = i
    value = np.uint64(L.HASH_START)
    while i + 8 <= end:
        value = (value ^ word(text, i)) * np.uint64(L.HASH_PRIME)
        value ^= value >> np.uint64(32)
        i += 8
    value = (value ^ _rest(text, start, i, end)) * np.uint64(L.HASH_PRIME)
    return np.int64(value ^ (value >> np.uint64(32)))


@inlined
def same(text, i, other, j, length):
    """Whether ``length`` bytes are equal."""
    if length < 8:
        for k in range(length):
            if text[i + k] != other[j + k]:
                return False
        return True
    last = length - 8
    for k in range(0, last, 8):
        if word(text, i + k) != word(other, j + k):
            return False
    return word(text, i + last) == word(other, j + last)


@inlined
def number(text, i):
    """(digits as integer, decimals, index after, 1 if unquoted) of a number, quoted or not."""
    unquoted = 1
    if text[i] == QUOTE:
        unquoted = 0
        i += 1
    start = i
    units = np.int64(0)
    c = np.int64(text[i])
    while 48 <= c <= 57:
        units = units * 10 + (c - 48)
        i += 1
        c = np.int64(text[i])
    digits = i - start
    if digits == 0 or (unquoted == 1 and digits > 1 and text[start] == 48):
        return units, 0, -1, unquoted
    decimals = 0
    if c == DOT:
        i += 1
        start = i
        c = np.int64(text[i])
        while 48 <= c <= 57:
            units = units * 10 + (c - 48)
            i += 1
            c = np.int64(text[i])
        decimals = i - start
        if decimals == 0:
            return units, 0, -1, unquoted
    if digits + decimals > 18 or units > B.LARGEST_EXACT:
        return units, 0, -1, unquoted
    if unquoted == 0:
        if c != QUOTE:
            return units, 0, -1, unquoted
        i += 1
    return units, decimals, i, unquoted


@inlined
def integer(text, i, lax):
    """(value, index after) of a whole number of at most 18 digits; ``lax``: it may be quoted."""
    quoted = text[i] == QUOTE
    if quoted:
        if lax == 0:
            return np.int64(0), -1
        i += 1
    negative = text[i] == MINUS
    if negative:
        i += 1
    start = i
    value = np.int64(0)
    c = np.int64(text[i])
    while 48 <= c <= 57:
        value = value * 10 + (c - 48)
        i += 1
        c = np.int64(text[i])
    digits = i - start
    if digits == 0 or digits > 18 or (digits > 1 and text[start] == 48):
        return value, -1
    if quoted:
        if c != QUOTE:
            return value, -1
        i += 1
    return -value if negative else value, i


@inlined
def _digits(text, i):
    """The index after a run of digits."""
    while 48 <= text[i] <= 57:
        i += 1
    return i


@inlined
def _plain_number(text, i):
    if text[i] == MINUS:
        i += 1
    start = i
    i = _digits(text, i)
    if i == start or (i - start > 1 and text[start] == 48):
        return -1
    if text[i] == DOT:
        start = i + 1
        i = _digits(text, start)
        if i == start:
            return -1
    if text[i] == 101 or text[i] == 69:
        return -1
    return i


@inlined
def scalar(text, i, last):
    """Past a string, a number or a literal."""
    c = text[i]
    if c == QUOTE:
        i = string_end(text, i + 1, last)
        return i + 1 if i >= 0 else -1
    if c == 116:
        good = text[i + 1] == 114 and text[i + 2] == 117 and text[i + 3] == 101
        return i + 4 if good else -1
    if c == 102:
        good = text[i + 1] == 97 and text[i + 2] == 108 and text[i + 3] == 115
        return i + 5 if good and text[i + 4] == 101 else -1
    if c == 110:
        good = text[i + 1] == 117 and text[i + 2] == 108 and text[i + 3] == 108
        return i + 4 if good else -1
    return _plain_number(text, i)


@inlined
def _two(text, i):
    """A number of two digits, -1 if there is none; reads no further than a non-digit."""
    high = np.int64(text[i]) - 48
    if high < 0 or high > 9:
        return -1
    low = np.int64(text[i + 1]) - 48
    if low < 0 or low > 9:
        return -1
    return high * 10 + low


@inlined
def moment(text, i):
    """(ns since the epoch, index after) of a quoted RFC 3339 time in UTC, rounded to microseconds;
    years 1970 to 2099 (in which every fourth one is a leap year)."""
    zero = np.int64(0)
    if text[i] != QUOTE:
        return zero, -1
    century = _two(text, i + 1)
    if century != 19 and century != 20:
        return zero, -1
    year = _two(text, i + 3)
    if year < 0 or text[i + 5] != MINUS or (century == 19 and year < 70):
        return zero, -1
    year += century * 100
    month = _two(text, i + 6)
    if month < 1 or month > 12 or text[i + 8] != MINUS:
        return zero, -1
    day = _two(text, i + 9)
    leap = 1 if year % 4 == 0 else 0
    length = 30 + (month + (month >> 3)) % 2
    if month == 2:
        length = 28 + leap
    if day < 1 or day > length or text[i + 11] != 84:
        return zero, -1
    hour = _two(text, i + 12)
    if hour < 0 or hour > 23 or text[i + 14] != COLON:
        return zero, -1
    minute = _two(text, i + 15)
    if minute < 0 or minute > 59 or text[i + 17] != COLON:
        return zero, -1
    second = _two(text, i + 18)
    if second < 0 or second > 59:
        return zero, -1
    i += 20
    micros = zero
    if text[i] == DOT:
        i += 1
        start = i
        scale = np.int64(100_000)
        c = np.int64(text[i])
        while 48 <= c <= 57 and i - start < 9:
            if i - start < 6:
                micros += (c - 48) * scale
                scale //= 10
            elif i - start == 6 and c >= 53:
                micros += 1
            i += 1
            c = np.int64(text[i])
        if i == start:
            return zero, -1
    if text[i] != 90 or text[i + 1] != QUOTE:
        return zero, -1
    # Days before a month of a year that begins in March (the months then follow a pattern).
    years = year - (1 if month <= 2 else 0)
    months = month + 9 if month <= 2 else month - 3
    days = 365 * years + years // 4 - years // 100 + years // 400
    days += (153 * months + 2) // 5 + day - 1 - 719468
    return (days * 86_400 + hour * 3600 + minute * 60 + second) * NS + micros * 1000, i + 2
