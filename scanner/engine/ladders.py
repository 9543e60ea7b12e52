"""What the kernels see of a book: levels as a taker meets them, the touch after fees, the walk.

Prices are in quote for one of base, sizes in base, whatever units the venue shows (``scale`` of the
store). Fees are in two factors of each side: ``RATE`` turns a price into quote for one of *net*
base, ``UNIT`` a size into net base, which is what arrives (bought) or has to be given (sold).
"""

from __future__ import annotations

import numpy as np

from scanner.books import layout as L
from scanner.books.jit import inlined
from scanner.books.kernels import proven_at
from scanner.books.lag import UNTOLD
from scanner.books.memory import slot, view

LIVE, STALE = 2, 3
BID, ASK = 0, 1


@inlined
def books_of(table):
    """What the kernels of the engine see of all books: (META, REAL, PRICE, SIZE, PARAM_INT)."""
    pool = table[2 * L.PRICE + 1]
    return (
        slot(table, L.META, np.int64),
        slot(table, L.REAL, np.float64),
        view(table[2 * L.PRICE], pool, np.float64),
        view(table[2 * L.SIZE], pool, np.float64),
        view(table[2 * L.PARAM_INT], 8, np.int64),
    )


@inlined
def conversions_of(table):
    """What turns one quote into another: (RATES, CONVERTERS)."""
    return (
        slot(table, L.RATES, np.float64),
        slot(table, L.CONVERTERS, np.int64),
    )


@inlined
def members_of(table):
    """The rows of the groups' books twice, as reals and as integers."""
    length = table[2 * L.MEMBERS + 1]
    return (
        view(table[2 * L.MEMBERS], length, np.float64),
        view(table[2 * L.MEMBERS], length, np.int64),
    )


@inlined
def cell_of(buy, sell):
    """Where the route from one member of a group to another stands among the cells of the group
    (``scanner.engine.groups``)."""
    if buy < sell:
        return sell * (sell - 1) + 2 * buy
    return buy * (buy - 1) + 2 * sell + 1


@inlined
def standings_of(table):
    """What stands of each route, in every ``RECORD_BYTES`` bytes."""
    length = table[2 * L.RECORDS + 1] * L.RECORD_BYTES
    return view(table[2 * L.RECORDS], length, np.uint8)


@inlined
def standing(standings, cell):
    """The ``RECORD_STANDING`` of a route."""
    return np.int64(standings[cell * L.RECORD_BYTES + L.RECORD_STANDING])


@inlined
def shown(meta, real, price, size, book, side, k):
    """The ``k``-th best level as the venue shows it: (price, size), (0, 0) behind the last."""
    m = book * L.META_WIDTH
    if meta[m + L.OVERLAID] != 0:
        best_size = real[book * L.REAL_WIDTH + L.BEST_SIZE_SIDE + side]
        if best_size <= 0.0:
            return 0.0, 0.0
        if k == 0:
            return real[book * L.REAL_WIDTH + L.BEST_PRICE_SIDE + side], best_size
        k -= 1
    i = meta[m + L.COUNT_SIDE + side] - 1 - meta[m + L.SKIP_SIDE + side] - k
    if i < 0:
        return 0.0, 0.0
    i += meta[m + L.OFFSET_SIDE + side]
    return price[i], size[i]


@inlined
def level(meta, real, price, size, book, side, k):
    """The same in quote for one of base, and in base."""
    p, s = shown(meta, real, price, size, book, side, k)
    r = book * L.REAL_WIDTH
    p *= real[r + L.PRICE_SCALE]
    s *= real[r + L.SIZE_SCALE]
    if real[r + L.INVERSE] != 0.0 and p > 0.0:
        s /= p
    return p, s


@inlined
def touch(meta, real, price, size, buy, sell, rate, plain):
    """A route at the touch: (net edge in bps, whether it is positive before costs, 1); zeros if a
    side is empty. ``rate`` and ``plain`` turn the quote of the sale into that of the purchase,
    after and before the fee of it."""
    ask, ask_size = level(meta, real, price, size, buy, ASK, 0)
    bid, bid_size = level(meta, real, price, size, sell, BID, 0)
    if ask_size <= 0.0 or bid_size <= 0.0:
        return 0.0, False, 0
    cost = ask * real[buy * L.REAL_WIDTH + L.RATE_SIDE + ASK]
    proceeds = bid * real[sell * L.REAL_WIDTH + L.RATE_SIDE + BID] * rate
    return (proceeds / cost - 1.0) * 10_000.0, bid * plain > ask, 1


@inlined
def walk(meta, real, price, size, buy, sell, rate):
    """Buy at ``buy``'s asks, sell at ``sell``'s bids, convert at ``rate``: the net (quote of the
    purchase) at the best size within both caps."""
    b = buy * L.REAL_WIDTH
    s = sell * L.REAL_WIDTH
    buy_rate = real[b + L.RATE_SIDE + ASK]
    buy_unit = real[b + L.UNIT_SIDE + ASK]
    sell_rate = real[s + L.RATE_SIDE + BID] * rate
    sell_unit = real[s + L.UNIT_SIDE + BID]
    may_spend = real[b + L.CAP_SIDE + ASK]
    may_give = real[s + L.CAP_SIDE + BID]
    i = 0
    j = 0
    ask, ask_size = level(meta, real, price, size, buy, ASK, 0)
    bid, bid_size = level(meta, real, price, size, sell, BID, 0)
    ask_size *= buy_unit
    bid_size *= sell_unit
    net = 0.0
    while ask_size > 0.0 and bid_size > 0.0:
        edge = bid * sell_rate - ask * buy_rate
        if edge <= 0.0:
            break
        take = min(ask_size, bid_size)
        take = min(take, min(may_spend / (ask * buy_rate), may_give))
        if take <= 0.0:
            break
        net += take * edge
        may_spend -= take * ask * buy_rate
        may_give -= take
        ask_size -= take
        bid_size -= take
        if ask_size <= 0.0:
            i += 1
            ask, ask_size = level(meta, real, price, size, buy, ASK, i)
            ask_size *= buy_unit
        if bid_size <= 0.0:
            j += 1
            bid, bid_size = level(meta, real, price, size, sell, BID, j)
            bid_size *= sell_unit
        if may_spend <= 0.0 or may_give <= 0.0:
            break
    return net


@inlined
def fitness(meta, parameters, buy, sell, at):
    """Whether both legs may take part (as a route code), and by how much they fail, in bps of what
    is allowed; 0 where that is not known."""
    b = buy * L.META_WIDTH
    s = sell * L.META_WIDTH
    buy_state = meta[b + L.STATE]
    sell_state = meta[s + L.STATE]
    stale = buy_state == STALE or sell_state == STALE
    if (buy_state != LIVE and buy_state != STALE) or (sell_state != LIVE and sell_state != STALE):
        return L.NOT_LIVE, 0.0
    buy_at = proven_at(meta, buy)
    sell_at = proven_at(meta, sell)
    oldest = min(buy_at, sell_at)
    over = at - oldest - parameters[L.MAX_AGE]
    if over > 0 or stale:
        known = over if oldest > UNTOLD else 0
        return L.TOO_OLD, max(known, 0) / parameters[L.MAX_AGE] * 10_000.0
    over = abs(buy_at - sell_at) - parameters[L.MAX_SKEW]
    if over > 0:
        return L.TOO_SKEWED, over / parameters[L.MAX_SKEW] * 10_000.0
    if meta[b + L.UNPROVEN] + meta[s + L.UNPROVEN] != 0 and parameters[L.UNPROVEN_TOO] == 0:
        return L.NOT_PROVEN, 0.0
    # nobody can tell of one side alone whether it crosses the other
    if meta[b + L.TWO_SIDED] == 0 or meta[s + L.TWO_SIDED] == 0:
        return L.NOT_LIVE, 0.0
    return L.OK, 0.0


@inlined
def best_rate(meta, real, price, size, parameters, converters, rates, pair, at):
    """Find what now turns the first currency of ``pair`` into the second best, and keep it. Only
    books that are live, proven and young enough count; the rate before fees stays as it was where
    there is none."""
    if converters[L.CONVERTED_AT + pair] == L.ALWAYS:
        return
    best = 0.0
    plain = 0.0
    proven = np.int64(0)
    row = converters[L.CONVERTER_FIRST + pair]
    while row != 0:
        book = converters[row + L.CONVERTER_BOOK]
        side = converters[row + L.CONVERTER_SIDE]
        row = converters[row + L.CONVERTER_NEXT]
        m = book * L.META_WIDTH
        if meta[m + L.STATE] != LIVE or at - proven_at(meta, book) > parameters[L.MAX_AGE]:
            continue
        if meta[m + L.UNPROVEN] != 0 and parameters[L.UNPROVEN_TOO] == 0:
            continue
        p, s = level(meta, real, price, size, book, side, 0)
        if s <= 0.0:
            continue
        after = p * real[book * L.REAL_WIDTH + L.RATE_SIDE + side]
        if side == ASK:
            p = 1.0 / p
            after = 1.0 / after
        if after > best:
            best = after
            plain = p
            proven = proven_at(meta, book)
    if best > rates[L.RATE_NET + pair]:
        parameters[L.CONVERSIONS_ROSE] = 1
    rates[L.RATE_NET + pair] = best
    if best > 0.0:
        rates[L.RATE_PLAIN + pair] = plain
    converters[L.CONVERTED_AT + pair] = proven
