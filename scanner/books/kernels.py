"""Rows into books: replace, change, truncate, overlay the best bid and offer."""

from __future__ import annotations

import numpy as np

from scanner.books import layout as L
from scanner.books.jit import inlined, kernel, subroutine
from scanner.books.lag import told_at
from scanner.books.memory import move, slot, view

SYNCING, LIVE, STALE, CROSSED = 1, 2, 3, 5
LINEAR_PROBES = 8


@inlined
def _find(price, low, high, value, side):
    """First index in ``[low, high)`` whose price is at least as good as ``value``."""
    top = high
    probes = 0
    while top > low and probes < LINEAR_PROBES:
        p = price[top - 1]
        if (p < value) if side == 0 else (p > value):
            return top
        top -= 1
        probes += 1
    high = top
    while low < high:
        middle = (low + high) >> 1
        p = price[middle]
        if (p < value) if side == 0 else (p > value):
            low = middle + 1
        else:
            high = middle
    return low


@inlined
def _settle_side(meta, real, price, book, side, overlaid):
    """Which depth levels the best bid or offer replaces; the best price, 0 on an empty side."""
    m = book * L.META_WIDTH
    end = meta[m + L.OFFSET_SIDE + side] + meta[m + L.COUNT_SIDE + side]
    count = meta[m + L.COUNT_SIDE + side]
    meta[m + L.SKIP_SIDE + side] = 0
    if not overlaid:
        return price[end - 1] if count > 0 else 0.0
    r = book * L.REAL_WIDTH
    if real[r + L.BEST_SIZE_SIDE + side] <= 0.0:
        meta[m + L.SKIP_SIDE + side] = count
        return 0.0
    best = real[r + L.BEST_PRICE_SIDE + side]
    skip = 0
    while skip < count:
        p = price[end - 1 - skip]
        if (p < best) if side == 0 else (p > best):
            break
        skip += 1
    meta[m + L.SKIP_SIDE + side] = skip
    return best


@inlined
def proven_at(meta, book):
    """When the oldest of what a taker meets in this book was told: the depth, and the best bid and
    offer if it lies over it."""
    m = book * L.META_WIDTH
    if meta[m + L.OVERLAID] != 0:
        return min(meta[m + L.DEPTH_AT], meta[m + L.BEST_AT])
    return meta[m + L.DEPTH_AT]


@inlined
def _contradicted(meta, parameters, m, order, at):
    """Whether a depth message speaks against the best bid and offer that stands.

    In a healthy feed a depth message that comes well after a best bid and offer is not older than
    it: in 19,000 recorded depth messages of one venue beside 103,000 best bids and offers it never
    came more than 8 ms later with a lower id. What is more than ``LEAD`` late has ids that do
    not compare with the best's: they have started anew, or the best's was wrong. Ids that fall
    within the depth channel say the same at once.
    """
    if order < meta[m + L.ORDER]:
        return True
    late = at - meta[m + L.BEST_AT] > parameters[L.MAX_LEAD]
    return late and meta[m + L.BEST_ORDER] > order


@inlined
def settle(meta, real, price, book):
    """After any change: which depth levels the best bid and offer replaces, whether both sides are
    there, and is it crossed."""
    m = book * L.META_WIDTH
    overlaid = meta[m + L.BEST_ORDER] > meta[m + L.ORDER]
    meta[m + L.OVERLAID] = 1 if overlaid else 0
    bid = _settle_side(meta, real, price, book, 0, overlaid)
    ask = _settle_side(meta, real, price, book, 1, overlaid)
    both = bid > 0.0 and ask > 0.0
    meta[m + L.TWO_SIDED] = 1 if both else 0
    if meta[m + L.STATE] == LIVE or meta[m + L.STATE] == CROSSED:
        meta[m + L.STATE] = CROSSED if both and bid >= ask else LIVE


@inlined
def _room(meta, row_price, row_size, row_side, m, rows, replace):
    """0 if the rows fit into book ``m`` (its first column); else why not. ``replace`` also wants
    each side best first with no price twice."""
    bids = 0
    asks = 0
    last_bid = np.inf
    last_ask = 0.0
    for k in range(rows):
        counts = 1 if row_size[k] > 0.0 else 0
        if row_side[k] == 0:
            if replace and row_price[k] >= last_bid:
                return L.UNSORTED
            last_bid = row_price[k]
            bids += counts
        else:
            if replace and row_price[k] <= last_ask:
                return L.UNSORTED
            last_ask = row_price[k]
            asks += counts
    if not replace:
        bids += meta[m + L.COUNT_SIDE]
        asks += meta[m + L.COUNT_SIDE + 1]
    if bids > meta[m + L.CAPACITY_SIDE] or asks > meta[m + L.CAPACITY_SIDE + 1]:
        return L.GROW
    if replace:
        meta[m + L.COUNT_SIDE] = bids
        meta[m + L.COUNT_SIDE + 1] = asks
    return 0


@inlined
def _close_up(array, i, end):
    """Take element ``i`` out of ``[i, end)``."""
    move(array, i, i + 1, end - 1 - i)


@inlined
def _open_up(array, i, end):
    """Make room for one element at ``i``."""
    move(array, i + 1, i, end - i)


@inlined
def _drop_worst(array, offset, surplus, keep):
    move(array, offset, offset + surplus, keep)


@kernel
def apply(context, book, rows, replace, depth, live, order, sequence, sent_at, at):
    """Put ``rows`` rows into a book; 0, or ``GROW``/``UNSORTED`` with nothing changed.

    ``replace``: the rows are the whole book. ``depth``: levels a side kept (-1: as before).
    ``live``: the book is proven by this, else it stays syncing.
    """
    table = view(context, 2 * L.SLOTS, np.int64)
    return apply_rows(table, book, rows, replace, depth, live, order, sequence, sent_at, at)


@subroutine
def apply_rows(table, book, rows, replace, depth, live, order, sequence, sent_at, at):
    """``apply``, by the table of the context."""
    pool = table[2 * L.PRICE + 1]
    price = view(table[2 * L.PRICE], pool, np.float64)
    size = view(table[2 * L.SIZE], pool, np.float64)
    price_units = view(table[2 * L.PRICE_UNITS], pool, np.int64)
    size_units = view(table[2 * L.SIZE_UNITS], pool, np.int64)
    decimals = view(table[2 * L.DECIMALS], pool, np.uint16)
    limit = table[2 * L.ROW_PRICE + 1]
    row_price = view(table[2 * L.ROW_PRICE], limit, np.float64)
    row_size = view(table[2 * L.ROW_SIZE], limit, np.float64)
    row_price_units = view(table[2 * L.ROW_PRICE_UNITS], limit, np.int64)
    row_size_units = view(table[2 * L.ROW_SIZE_UNITS], limit, np.int64)
    row_decimals = view(table[2 * L.ROW_DECIMALS], limit, np.uint16)
    row_side = view(table[2 * L.ROW_SIDE], limit, np.int8)
    meta = slot(table, L.META, np.int64)
    real = slot(table, L.REAL, np.float64)
    m = book * L.META_WIDTH
    keeps_text = meta[m + L.KEEPS_TEXT] != 0
    error = _room(meta, row_price, row_size, row_side, m, rows, replace)
    if error != 0:
        return error
    if depth >= 0:
        meta[m + L.DEPTH] = depth
    bids_left = meta[m + L.COUNT_SIDE]
    asks_left = meta[m + L.COUNT_SIDE + 1]
    for k in range(rows):
        side = np.int64(row_side[k])
        offset = meta[m + L.OFFSET_SIDE + side]
        if keeps_text:
            meta[m + L.PRICE_DECIMALS] = max(meta[m + L.PRICE_DECIMALS], row_decimals[k] & 255)
            meta[m + L.SIZE_DECIMALS] = max(meta[m + L.SIZE_DECIMALS], row_decimals[k] >> 8)
        if replace:
            if row_size[k] == 0.0:
                continue
            if side == 0:
                bids_left -= 1
                i = offset + bids_left
            else:
                asks_left -= 1
                i = offset + asks_left
        else:
            end = offset + meta[m + L.COUNT_SIDE + side]
            i = _find(price, offset, end, row_price[k], side)
            present = i < end and price[i] == row_price[k]
            if row_size[k] == 0.0:
                if present:
                    _close_up(price, i, end)
                    _close_up(size, i, end)
                    if keeps_text:
                        _close_up(price_units, i, end)
                        _close_up(size_units, i, end)
                        _close_up(decimals, i, end)
                    meta[m + L.COUNT_SIDE + side] -= 1
                continue
            if not present:
                _open_up(price, i, end)
                _open_up(size, i, end)
                if keeps_text:
                    _open_up(price_units, i, end)
                    _open_up(size_units, i, end)
                    _open_up(decimals, i, end)
                meta[m + L.COUNT_SIDE + side] += 1
        price[i] = row_price[k]
        size[i] = row_size[k]
        if keeps_text:
            price_units[i] = row_price_units[k]
            size_units[i] = row_size_units[k]
            decimals[i] = row_decimals[k]

    keep = meta[m + L.DEPTH]
    for side in range(2):
        surplus = meta[m + L.COUNT_SIDE + side] - keep
        if keep > 0 and surplus > 0:
            offset = meta[m + L.OFFSET_SIDE + side]
            _drop_worst(price, offset, surplus, keep)
            _drop_worst(size, offset, surplus, keep)
            if keeps_text:
                _drop_worst(price_units, offset, surplus, keep)
                _drop_worst(size_units, offset, surplus, keep)
                _drop_worst(decimals, offset, surplus, keep)
            meta[m + L.COUNT_SIDE + side] = keep

    parameters = view(table[2 * L.PARAM_INT], 8, np.int64)
    if _contradicted(meta, parameters, m, order, at):
        meta[m + L.BEST_ORDER] = -1
    meta[m + L.SEQUENCE] = sequence
    meta[m + L.ORDER] = order
    meta[m + L.DEPTH_AT] = told_at(meta, m, sent_at, at)
    meta[m + L.SENT_AT] = sent_at
    meta[m + L.STATE] = LIVE if live else SYNCING
    settle(meta, real, price, book)
    return 0


@kernel
def overlay(context, book, bid, bid_size, ask, ask_size, order, at):
    """The venue's own best bid and offer, over the depth while it is newer; 1 if anything changed.

    One with a lower order than the last contradicts it: which of the two is wrong cannot be known,
    so neither lies over the depth, and the next one counts whatever its order.
    """
    table = view(context, 2 * L.SLOTS, np.int64)
    return lay_over(table, book, bid, bid_size, ask, ask_size, order, at)


@subroutine
def lay_over(table, book, bid, bid_size, ask, ask_size, order, at):
    """``overlay``, by the table of the context."""
    pool = table[2 * L.PRICE + 1]
    price = view(table[2 * L.PRICE], pool, np.float64)
    meta = slot(table, L.META, np.int64)
    real = slot(table, L.REAL, np.float64)
    m = book * L.META_WIDTH
    r = book * L.REAL_WIDTH
    if order < meta[m + L.BEST_ORDER]:
        stood = meta[m + L.OVERLAID]
        meta[m + L.BEST_ORDER] = -1
        settle(meta, real, price, book)
        return stood
    meta[m + L.BEST_ORDER] = order
    meta[m + L.BEST_AT] = told_at(meta, m, np.int64(0), at)
    real[r + L.BEST_PRICE_SIDE] = bid
    real[r + L.BEST_PRICE_SIDE + 1] = ask
    real[r + L.BEST_SIZE_SIDE] = bid_size
    real[r + L.BEST_SIZE_SIDE + 1] = ask_size
    settle(meta, real, price, book)
    return 1


@kernel
def grow_old(context, books, at):
    """Of the first ``books`` books: live ones of which anything is older than ``MAX_AGE`` become
    stale, and no best bid and offer of that age stays over its depth."""
    table = view(context, 2 * L.SLOTS, np.int64)
    price = slot(table, L.PRICE, np.float64)
    meta = slot(table, L.META, np.int64)
    real = slot(table, L.REAL, np.float64)
    parameters = view(table[2 * L.PARAM_INT], 8, np.int64)
    oldest = at - parameters[L.MAX_AGE]
    for book in range(books):
        m = book * L.META_WIDTH
        old = proven_at(meta, book) < oldest
        if meta[m + L.OVERLAID] != 0 and meta[m + L.BEST_AT] < oldest:
            meta[m + L.BEST_ORDER] = -1
            settle(meta, real, price, book)
        if old and meta[m + L.STATE] == LIVE:
            meta[m + L.STATE] = STALE
