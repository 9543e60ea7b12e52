"""The scan: an updated book against every other book of its symbol, both directions.

The marginal rule (DESIGN: two pointers, linear, optimal without fixed costs): take from level ``i``
of the asks and ``j`` of the bids while ``bid_j (1 - f_sell) > ask_i (1 + f_buy)``.
"""

from __future__ import annotations

import numpy as np
from numba import carray

from scanner.books import layout as L
from scanner.books.jit import inlined, kernel, pointer
from scanner.books.kernels import proven_at

LIVE = 2


@inlined
def _level(meta, real, price, size, book, side, k):
    """The ``k``-th best level as a taker meets it: (price, size), (0, 0) behind the last."""
    m = book * L.META_WIDTH
    if meta[m + L.OVERLAY_SIDE + side] != 0:
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
def _walk(meta, real, price, size, buy, sell):
    """Buy at ``buy``'s asks, sell at ``sell``'s bids: (quantity, net, cost, notional) at the best
    size; cost is what the buy leg takes, fees included, all in quote."""
    buy_rate = 1.0 + real[buy * L.REAL_WIDTH + L.FEE]
    sell_rate = 1.0 - real[sell * L.REAL_WIDTH + L.FEE]
    i = 0
    j = 0
    ask, ask_size = _level(meta, real, price, size, buy, 1, 0)
    bid, bid_size = _level(meta, real, price, size, sell, 0, 0)
    quantity = 0.0
    net = 0.0
    cost = 0.0
    notional = 0.0
    while ask_size > 0.0 and bid_size > 0.0:
        edge = bid * sell_rate - ask * buy_rate
        if edge <= 0.0:
            break
        take = min(ask_size, bid_size)
        quantity += take
        net += take * edge
        cost += take * ask * buy_rate
        notional += take * ask
        ask_size -= take
        bid_size -= take
        if ask_size <= 0.0:
            i += 1
            ask, ask_size = _level(meta, real, price, size, buy, 1, i)
        if bid_size <= 0.0:
            j += 1
            bid, bid_size = _level(meta, real, price, size, sell, 0, j)
    return quantity, net, cost, notional


@inlined
def _fitness(meta, parameters, buy, sell, at):
    """Whether both legs may take part, as a route code."""
    b = buy * L.META_WIDTH
    s = sell * L.META_WIDTH
    if meta[b + L.STATE] != LIVE or meta[s + L.STATE] != LIVE:
        return L.NOT_LIVE
    buy_at = proven_at(meta, buy)
    sell_at = proven_at(meta, sell)
    if at - min(buy_at, sell_at) > parameters[L.MAX_AGE]:
        return L.TOO_OLD
    if abs(buy_at - sell_at) > parameters[L.MAX_SKEW]:
        return L.TOO_SKEWED
    return L.OK


@inlined
def _put(out, out_real, n, buy, sell, code, quantity, net, cost, notional):
    i = n * L.ROUTE_INT_WIDTH
    out[i + L.ROUTE_BUY] = buy
    out[i + L.ROUTE_SELL] = sell
    out[i + L.ROUTE_CODE] = code
    r = n * L.ROUTE_REAL_WIDTH
    out_real[r + L.ROUTE_QUANTITY] = quantity
    out_real[r + L.ROUTE_NET] = net
    out_real[r + L.ROUTE_COST] = cost
    out_real[r + L.ROUTE_NOTIONAL] = notional


@inlined
def _note_edge(edges, counts, cell, edge):
    """Add one observation of a route's net edge at the touch (bps) to its summary."""
    e = cell * L.EDGE_WIDTH
    c = cell * L.EDGE_COUNT_WIDTH
    if counts[c + L.EDGE_SAMPLES] == 0:
        edges[e + L.EDGE_LOW] = edge
        edges[e + L.EDGE_HIGH] = edge
        edges[e + L.EDGE_SUM] = 0.0
    edges[e + L.EDGE_LAST] = edge
    edges[e + L.EDGE_LOW] = min(edges[e + L.EDGE_LOW], edge)
    edges[e + L.EDGE_HIGH] = max(edges[e + L.EDGE_HIGH], edge)
    edges[e + L.EDGE_SUM] += edge
    counts[c + L.EDGE_SAMPLES] += 1
    if edge > 0.0:
        counts[c + L.EDGE_POSITIVE] += 1


@inlined
def _touch(meta, real, price, size, buy, sell):
    """(net edge in bps at the touch, 1) of a route; (0, 0) if a side is empty."""
    ask, ask_size = _level(meta, real, price, size, buy, 1, 0)
    bid, bid_size = _level(meta, real, price, size, sell, 0, 0)
    if ask_size <= 0.0 or bid_size <= 0.0:
        return 0.0, 0
    cost = ask * (1.0 + real[buy * L.REAL_WIDTH + L.FEE])
    proceeds = bid * (1.0 - real[sell * L.REAL_WIDTH + L.FEE])
    return (proceeds / cost - 1.0) * 10_000.0, 1


@inlined
def _route(table, buy, sell, cell, wanted, n, at):
    """Look at one route and write it as the ``n``-th if it meets the thresholds, is open, or is
    ``wanted`` whatever came of it; how many routes there are then."""
    pool = table[2 * L.PRICE + 1]
    price = carray(pointer(table[2 * L.PRICE]), pool, np.float64)
    size = carray(pointer(table[2 * L.SIZE]), pool, np.float64)
    meta = carray(pointer(table[2 * L.META]), table[2 * L.META + 1], np.int64)
    real = carray(pointer(table[2 * L.REAL]), table[2 * L.REAL + 1], np.float64)
    parameters = carray(pointer(table[2 * L.PARAM_INT]), 8, np.int64)
    limits = carray(pointer(table[2 * L.PARAM_REAL]), 8, np.float64)
    opened = carray(pointer(table[2 * L.OPEN]), table[2 * L.OPEN + 1], np.uint8)
    code = _fitness(meta, parameters, buy, sell, at)
    quantity = 0.0
    net = 0.0
    cost = 0.0
    notional = 0.0
    if code == L.OK:
        edge, present = _touch(meta, real, price, size, buy, sell)
        if present != 0 and not wanted:
            edges = carray(pointer(table[2 * L.EDGES]), table[2 * L.EDGES + 1], np.float64)
            counts = carray(
                pointer(table[2 * L.EDGE_COUNTS]), table[2 * L.EDGE_COUNTS + 1], np.int64
            )
            _note_edge(edges, counts, cell, edge)
        if present != 0 and edge > 0.0:
            quantity, net, cost, notional = _walk(meta, real, price, size, buy, sell)
        if quantity <= 0.0:
            code = L.NO_EDGE
    meets = (
        code == L.OK
        and net >= limits[L.MIN_PROFIT]
        and net * 10_000.0 >= limits[L.MIN_NET_BPS] * cost
    )
    if not (meets or wanted or opened[cell] != 0):
        return n
    out = carray(pointer(table[2 * L.OUT_INT]), table[2 * L.OUT_INT + 1], np.int64)
    out_real = carray(pointer(table[2 * L.OUT_REAL]), table[2 * L.OUT_REAL + 1], np.float64)
    _put(out, out_real, n, buy, sell, code, quantity, net, cost, notional)
    return n + 1


@kernel
def scan(context, book, at):
    """The routes of ``book`` that meet the thresholds or are open, to the out arrays; how many."""
    table = carray(pointer(context), 2 * L.SLOTS, np.int64)
    return scan_book(table, book, at)


@inlined
def scan_book(table, book, at):
    """``scan``, by the table of the context."""
    meta = carray(pointer(table[2 * L.META]), table[2 * L.META + 1], np.int64)
    members = carray(pointer(table[2 * L.MEMBERS]), table[2 * L.MEMBERS + 1], np.int64)
    counts = carray(pointer(table[2 * L.MEMBER_COUNT]), table[2 * L.MEMBER_COUNT + 1], np.int64)
    group = meta[book * L.META_WIDTH + L.GROUP]
    if group < 0:
        return 0
    member = meta[book * L.META_WIDTH + L.MEMBER]
    cells = group * L.MAX_MEMBERS * L.MAX_MEMBERS
    n = 0
    for k in range(counts[group]):
        if k != member:
            other = members[group * L.MAX_MEMBERS + k]
            n = _route(table, book, other, cells + member * L.MAX_MEMBERS + k, False, n, at)
            n = _route(table, other, book, cells + k * L.MAX_MEMBERS + member, False, n, at)
    return n


@kernel
def route(context, buy, sell, cell, at):
    """One route, whatever came of it, into the first row of the out arrays; its code."""
    table = carray(pointer(context), 2 * L.SLOTS, np.int64)
    _route(table, buy, sell, cell, True, 0, at)
    out = carray(pointer(table[2 * L.OUT_INT]), table[2 * L.OUT_INT + 1], np.int64)
    return out[L.ROUTE_CODE]


@inlined
def _outranks(opened, net, edge, best, best_net, best_edge):
    """Whether a route stands before the best so far: open ones first, then what leaves most, and
    where nothing is left the one that loses least."""
    if opened != best:
        return opened > best
    if net != best_net:
        return net > best_net
    return edge > best_edge


@kernel
def rank(context, groups, allowed, at, out, out_real):
    """The best route of each of the first ``groups`` symbols now, among those with a leg that is
    ``allowed`` (uint8 by book). Nothing is noted anywhere: this is for looking only.

    Rows of ``out``: buy, sell (-1: no two books can be compared), 1 if it is open, live books.
    Rows of ``out_real``: ask, its size, bid, its size, net edge at the touch in bps.
    """
    table = carray(pointer(context), 2 * L.SLOTS, np.int64)
    pool = table[2 * L.PRICE + 1]
    price = carray(pointer(table[2 * L.PRICE]), pool, np.float64)
    size = carray(pointer(table[2 * L.SIZE]), pool, np.float64)
    meta = carray(pointer(table[2 * L.META]), table[2 * L.META + 1], np.int64)
    real = carray(pointer(table[2 * L.REAL]), table[2 * L.REAL + 1], np.float64)
    parameters = carray(pointer(table[2 * L.PARAM_INT]), 8, np.int64)
    opened = carray(pointer(table[2 * L.OPEN]), table[2 * L.OPEN + 1], np.uint8)
    members = carray(pointer(table[2 * L.MEMBERS]), table[2 * L.MEMBERS + 1], np.int64)
    counts = carray(pointer(table[2 * L.MEMBER_COUNT]), table[2 * L.MEMBER_COUNT + 1], np.int64)
    for group in range(groups):
        row = group * L.MAX_MEMBERS
        out[group, 0] = -1
        out[group, 1] = -1
        out[group, 2] = 0
        out[group, 3] = 0
        best_net = 0.0
        best_edge = -np.inf
        for i in range(counts[group]):
            buy = members[row + i]
            if meta[buy * L.META_WIDTH + L.STATE] == LIVE:
                out[group, 3] += 1
            for j in range(counts[group]):
                sell = members[row + j]
                if i == j or (allowed[buy] == 0 and allowed[sell] == 0):
                    continue
                if _fitness(meta, parameters, buy, sell, at) != L.OK:
                    continue
                edge, present = _touch(meta, real, price, size, buy, sell)
                if present == 0:
                    continue
                net = 0.0
                if edge > 0.0:
                    net = _walk(meta, real, price, size, buy, sell)[1]
                stands = np.int64(opened[(row + i) * L.MAX_MEMBERS + j])
                if not _outranks(stands, net, edge, out[group, 2], best_net, best_edge):
                    continue
                best_net = net
                best_edge = edge
                out[group, 0] = buy
                out[group, 1] = sell
                out[group, 2] = stands
                ask, ask_size = _level(meta, real, price, size, buy, 1, 0)
                bid, bid_size = _level(meta, real, price, size, sell, 0, 0)
                out_real[group, 0] = ask
                out_real[group, 1] = ask_size
                out_real[group, 2] = bid
                out_real[group, 3] = bid_size
                out_real[group, 4] = edge
