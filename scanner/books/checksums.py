"""The checksums that venues send with their books: the text of the best levels, hashed."""

from __future__ import annotations

import numpy as np

from scanner.books import layout as L
from scanner.books.jit import inlined, kernel, subroutine
from scanner.books.memory import bytes_below, put_word, slot, view, word


@inlined
def _eight_digits(value):
    """The decimal digits of a number below 10^8, one in a byte, the first in the lowest.

    Halves, quarters and eighths in the lanes of one word; the multiplications are divisions by 100
    and 10 that are exact for what a lane holds.
    """
    top = value // np.uint64(10_000)
    lanes = top | ((value - top * np.uint64(10_000)) << np.uint64(32))
    tops = ((lanes * np.uint64(10_486)) >> np.uint64(20)) & np.uint64(0x0000007F_0000007F)
    lanes = tops | ((lanes - tops * np.uint64(100)) << np.uint64(16))
    tops = ((lanes * np.uint64(103)) >> np.uint64(10)) & np.uint64(0x000F000F_000F000F)
    return tops | ((lanes - tops * np.uint64(10)) << np.uint64(8))


@inlined
def _put_integer(text, n, value):
    """Write a positive integer's digits at ``n`` (and up to 7 bytes behind them); the index
    after."""
    zeros = np.uint64(0x30303030_30303030)
    rest = np.uint64(value)
    part = np.uint64(100_000_000)
    upper = rest // part
    if upper >= part:
        n = _put_eight(text, n, _eight_digits(upper // part))
        put_word(text, n, _eight_digits(upper % part) | zeros)
        n += 8
    elif upper > 0:
        n = _put_eight(text, n, _eight_digits(upper))
    else:
        return _put_eight(text, n, _eight_digits(rest))
    put_word(text, n, _eight_digits(rest % part) | zeros)
    return n + 8


@inlined
def _put_eight(text, n, digits):
    """Write digits that are not all zero, without the leading zeros; the index after."""
    before = bytes_below(digits)
    put_word(text, n, (digits | np.uint64(0x30303030_30303030)) >> np.uint64(8 * before))
    return n + 8 - before


@inlined
def _put_digits(text, n, units, decimals, wanted):
    """Digits only, with zeros up to the wanted decimals, no leading ones; the index after."""
    if units > 0:
        n = _put_integer(text, n, units)
    for _ in range(wanted - decimals):
        text[n] = 48
        n += 1
    return n


@inlined
def _put_decimal(text, n, units, decimals):
    """The number as it stood on the wire; the index after."""
    scale = np.int64(1)
    for _ in range(min(decimals, 18)):
        scale *= 10
    whole = units // scale if decimals <= 18 else np.int64(0)
    if whole > 0:
        n = _put_integer(text, n, whole)
    else:
        text[n] = 48
        n += 1
    if decimals == 0:
        return n
    rest = units - whole * scale
    if decimals <= 18:
        # A one before the decimals keeps their leading zeros; the dot then takes its place.
        after = _put_integer(text, n, scale + rest)
        text[n] = 46
        return after
    text[n] = 46
    n += 1
    for k in range(decimals - 1, -1, -1):
        text[n + k] = 48 + rest % 10
        rest //= 10
    return n + decimals


@inlined
def _crc32(table, text, length):
    """CRC-32 by eight tables, eight bytes at a time: ``table[256 k + i]`` is what byte ``i`` does
    ``k`` bytes later."""
    crc = np.uint64(0xFFFFFFFF)
    low = np.uint64(255)
    whole = length - length % 8
    for k in range(0, whole, 8):
        v = word(text, k) ^ crc
        crc = np.uint64(0)
        for j in range(8):
            at = np.int64((v >> np.uint64(8 * j)) & low)
            crc ^= np.uint64(table[256 * (7 - j) + at])
    for k in range(whole, length):
        at = np.int64((crc ^ np.uint64(text[k])) & low)
        crc = np.uint64(table[at]) ^ (crc >> np.uint64(8))
    return np.int64(crc ^ np.uint64(0xFFFFFFFF))


@kernel
def checksum(context, book, rule):
    """CRC-32 of the top of a book by ``scanner.types.ChecksumRule``."""
    table = view(context, 2 * L.SLOTS, np.int64)
    return checksum_of(table, book, rule)


@subroutine
def checksum_of(table, book, rule):
    """``checksum``, by the table of the context."""
    pool = table[2 * L.PRICE + 1]
    price_units = view(table[2 * L.PRICE_UNITS], pool, np.int64)
    size_units = view(table[2 * L.SIZE_UNITS], pool, np.int64)
    decimals = view(table[2 * L.DECIMALS], pool, np.uint16)
    meta = slot(table, L.META, np.int64)
    crc_table = view(table[2 * L.CRC_TABLE], 8 * 256, np.uint32)
    text = slot(table, L.TEXT, np.uint8)
    m = book * L.META_WIDTH
    levels = 10 if rule == 1 else 25
    n = 0
    for k in range(2 * levels):
        if rule == 1:
            side = 1 if k < levels else 0
            depth = k % levels
        else:
            side = k & 1
            depth = k >> 1
        count = meta[m + L.COUNT_SIDE + side]
        if depth >= count:
            continue
        i = meta[m + L.OFFSET_SIDE + side] + count - 1 - depth
        price_decimals = np.int64(decimals[i] & 255)
        size_decimals = np.int64(decimals[i] >> 8)
        if rule == 1:
            n = _put_digits(text, n, price_units[i], price_decimals, meta[m + L.PRICE_DECIMALS])
            n = _put_digits(text, n, size_units[i], size_decimals, meta[m + L.SIZE_DECIMALS])
        else:
            if n > 0:
                text[n] = 58
                n += 1
            n = _put_decimal(text, n, price_units[i], price_decimals)
            text[n] = 58
            n = _put_decimal(text, n + 1, size_units[i], size_decimals)
    return _crc32(crc_table, text, n)
