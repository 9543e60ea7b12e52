"""The scan: an updated book against every other book of its base currency, both directions.

The marginal rule (DESIGN: two pointers, linear, optimal without fixed costs): take from level ``i``
of the asks and ``j`` of the bids while ``bid_j (1 - f_sell) x > ask_i (1 + f_buy)``, ``x`` turning
the quote of the sale into that of the purchase (1 where they are the same).

It is a sieve for what is then computed exactly (``scanner.engine.costs``) and lets nothing through
its holes that would be flagged: a route passes on what its first unit leaves (no size leaves more
bps) and on what it would leave without lots, with the best conversion for all of it.
"""

from __future__ import annotations

import numpy as np

from scanner.books import layout as L
from scanner.books.jit import inlined, kernel, subroutine
from scanner.books.memory import fetch, slot, view
from scanner.engine.ladders import (
    ASK,
    BID,
    best_rate,
    books_of,
    cell_of,
    conversions_of,
    fitness,
    level,
    members_of,
    standing,
    standings_of,
    touch,
    walk,
)


@inlined
def _put(out, n, buy, sell, code):
    i = n * L.ROUTE_INT_WIDTH
    out[i + L.ROUTE_BUY] = buy
    out[i + L.ROUTE_SELL] = sell
    out[i + L.ROUTE_CODE] = code


@inlined
def _summaries_of(table):
    """The records of routes three times: as reals of 64 and of 32 bits, and as integers."""
    address = table[2 * L.RECORDS]
    length = table[2 * L.RECORDS + 1] * L.RECORD_BYTES
    return (
        view(address, length >> 3, np.float64),
        view(address, length >> 2, np.float32),
        view(address, length >> 2, np.int32),
    )


@inlined
def _note_edge(summaries, cell, edge):
    """Add one observation of a route's net edge at the touch (bps) to its summary."""
    edge = min(edge, L.MOST_EDGE)
    sums, edges, counts = summaries
    s = cell * (L.RECORD_BYTES >> 3) + L.RECORD_SUM
    e = cell * (L.RECORD_BYTES >> 2)
    if counts[e + L.RECORD_SAMPLES] == 0:
        edges[e + L.RECORD_LOW] = edge
        edges[e + L.RECORD_HIGH] = edge
        sums[s] = 0.0
    edges[e + L.RECORD_LAST] = edge
    edges[e + L.RECORD_LOW] = min(edges[e + L.RECORD_LOW], np.float32(edge))
    edges[e + L.RECORD_HIGH] = max(edges[e + L.RECORD_HIGH], np.float32(edge))
    sums[s] += edge
    counts[e + L.RECORD_SAMPLES] += 1
    if edge > 0.0:
        counts[e + L.RECORD_POSITIVE] += 1


@inlined
def _note_reject(rejects, least, cell, code, shortfall):
    """Add one observation of what stopped a route, and by how much, to its summary."""
    i = cell * L.CODES + code
    if rejects[i] == 0 or shortfall < least[i]:
        least[i] = shortfall
    rejects[i] += 1


@inlined
def _at_touch(ask, cost, bid, proceeds, rate, plain):
    """A route at the touches of its books, plain and after fees, times what converts the sale: (net
    edge in bps, whether it is positive before costs, 1); zeros if a side is empty."""
    if ask == np.inf or bid == 0.0:
        return 0.0, False, 0
    return (proceeds * rate / cost - 1.0) * 10_000.0, bid * plain > ask, 1


@inlined
def _verdict(limits, code, shortfall, edge, present, across, rate):
    """(code, shortfall) of two books that may take part, by what is left at the touch."""
    if present == 0 or edge <= 0.0:
        code = L.NO_CONVERSION if across and rate == 0.0 else L.NO_EDGE
        shortfall = limits[L.MIN_NET_BPS] - edge if rate > 0.0 else 0.0
    elif edge < limits[L.MIN_NET_BPS]:
        code = L.LESS_THAN_BPS
        shortfall = limits[L.MIN_NET_BPS] - edge
    return code, shortfall


@inlined
def _verdict_of_all(meta, real, price, size, limits, buy, sell, rate):
    """The same by what is left of the whole, where there is a least profit."""
    net = walk(meta, real, price, size, buy, sell, rate)
    if net < limits[L.MIN_PROFIT]:
        return L.LESS_THAN_PROFIT, (1.0 - net / limits[L.MIN_PROFIT]) * 10_000.0
    return L.OK, 0.0


@inlined
def _judged(meta, real, price, size, parameters, limits, buy, sell, stands, rate, plain, at):
    """The code of a route by its books as they are; ``rate`` and ``plain`` as in ``touch``, -1
    where both quotes are the same."""
    across = rate >= 0.0
    if not across:
        rate = 1.0
        plain = 1.0
    code, shortfall = fitness(meta, parameters, buy, sell, at)
    if code == L.OK and stands > L.STANDS:
        code = stands >> 1
    if code == L.OK:
        edge, _, present = touch(meta, real, price, size, buy, sell, rate, plain)
        code, shortfall = _verdict(limits, code, shortfall, edge, present, across, rate)
        if code == L.OK and limits[L.MIN_PROFIT] > 0.0:
            code, shortfall = _verdict_of_all(meta, real, price, size, limits, buy, sell, rate)
    return code


@inlined
def _row(out, room, n, buy, sell, code):
    """Write a route as the ``n``-th, if it fits into ``room`` numbers; how many there are then.
    What is less than the thresholds may still hold open: the engine decides."""
    if (n + 1) * L.ROUTE_INT_WIDTH > room:
        return n
    if code == L.LESS_THAN_BPS or code == L.LESS_THAN_PROFIT:
        code = L.OK
    _put(out, n, buy, sell, code)
    return n + 1


@inlined
def _rates(meta, real, price, size, parameters, converters, rates, buy_quote, sell_quote, at):
    """What now turns the quote of a sale into that of a purchase best: (after fees, before)."""
    pair = sell_quote * L.QUOTES + buy_quote
    if at - converters[L.CONVERTED_AT + pair] > parameters[L.MAX_AGE]:
        best_rate(meta, real, price, size, parameters, converters, rates, pair, at)
    return rates[L.RATE_NET + pair], rates[L.RATE_PLAIN + pair]


@inlined
def _see(meta, real, price, size, touches, book, row):
    """Keep the touch of a book, after fees and before, in its row."""
    r = book * L.REAL_WIDTH
    t = row * L.MEMBER_WIDTH
    ask, ask_size = level(meta, real, price, size, book, ASK, 0)
    bid, bid_size = level(meta, real, price, size, book, BID, 0)
    touches[t + L.PLAIN_ASK] = ask if ask_size > 0.0 else np.inf
    touches[t + L.NET_ASK] = ask * real[r + L.RATE_SIDE + ASK] if ask_size > 0.0 else np.inf
    touches[t + L.PLAIN_BID] = bid if bid_size > 0.0 else 0.0
    touches[t + L.NET_BID] = bid * real[r + L.RATE_SIDE + BID] if bid_size > 0.0 else 0.0


@inlined
def _see_conversion(meta, real, price, size, parameters, converters, rates, book, at):
    """A book that converts one quote into another says anew what that brings."""
    base = meta[book * L.META_WIDTH + L.CONVERTS] - 1
    if base >= 0:
        quote = meta[book * L.META_WIDTH + L.QUOTE]
        for way in range(2):
            pair = base * L.QUOTES + quote if way == 0 else quote * L.QUOTES + base
            best_rate(meta, real, price, size, parameters, converters, rates, pair, at)


@inlined
def _promising(touches, rates, t_buy, t_sell, pair):
    """Whether a route across quotes could be worth a look, by the touches as they were last seen:
    positive before costs or after."""
    bid = touches[t_sell + L.NET_BID] * rates[L.RATE_NET + pair]
    if bid > touches[t_buy + L.NET_ASK]:
        return True
    return touches[t_sell + L.PLAIN_BID] * rates[L.RATE_PLAIN + pair] > touches[t_buy + L.PLAIN_ASK]


@subroutine
def scan_book(table, book, at):
    """The routes of ``book`` that may meet the thresholds or are open, to the out array; how
    many."""
    meta, real, price, size, parameters = books_of(table)
    limits = view(table[2 * L.PARAM_REAL], 8, np.float64)
    standings = standings_of(table)
    rates, converters = conversions_of(table)
    out = slot(table, L.OUT_INT, np.int64)
    outs = table[2 * L.OUT_INT + 1]
    touches, members = members_of(table)
    groups = slot(table, L.GROUPS, np.int64)
    summaries = _summaries_of(table)
    rejects = slot(table, L.REJECTS, np.int32)
    least = slot(table, L.SHORTFALLS, np.float32)
    m = book * L.META_WIDTH
    group = meta[m + L.GROUP]
    if group < 0:
        return 0
    g = group * L.GROUP_WIDTH
    member = meta[m + L.MEMBER]
    quote = meta[m + L.QUOTE]
    first = groups[g + L.G_MEMBERS]
    cells = groups[g + L.G_CELLS]
    open_across = groups[g + L.G_OPEN_ACROSS]
    _see(meta, real, price, size, touches, book, first + member)
    _see_conversion(meta, real, price, size, parameters, converters, rates, book, at)
    own = (first + member) * L.MEMBER_WIDTH
    n = 0
    for k in range(groups[g + L.G_COUNT]):
        book_of = members[(first + k) * L.MEMBER_WIDTH + L.MEMBER_BOOK]
        fetch(table, L.META, book_of * L.META_WIDTH, L.OFFSET_SIDE)
    for k in range(groups[g + L.G_COUNT]):
        if k == member:
            continue
        t = (first + k) * L.MEMBER_WIDTH
        other = members[t + L.MEMBER_BOOK]
        theirs = members[t + L.MEMBER_QUOTE]
        across = theirs != quote
        if across and max(theirs, quote) >= L.QUOTES:
            continue
        judged = False
        fit_code = L.OK
        unfit_by = 0.0
        for way in range(2):
            buys = way == 0
            cell = cells + (cell_of(member, k) if buys else cell_of(k, member))
            t_buy = own if buys else t
            t_sell = t if buys else own
            rate = 1.0
            plain = 1.0
            stands = standing(standings, cell)
            if across:
                pair = theirs * L.QUOTES + quote if buys else quote * L.QUOTES + theirs
                held = open_across != 0 and stands & L.STANDS != 0
                if not (held or _promising(touches, rates, t_buy, t_sell, pair)):
                    continue
                rate, plain = _rates(
                    meta,
                    real,
                    price,
                    size,
                    parameters,
                    converters,
                    rates,
                    quote if buys else theirs,
                    theirs if buys else quote,
                    at,
                )
            if not judged:  # it is the same for both ways
                fit_code, unfit_by = fitness(meta, parameters, book, other, at)
                judged = True
            edge, gross, present = _at_touch(
                touches[t_buy + L.PLAIN_ASK],
                touches[t_buy + L.NET_ASK],
                touches[t_sell + L.PLAIN_BID],
                touches[t_sell + L.NET_BID],
                rate,
                plain,
            )
            code = fit_code
            shortfall = unfit_by
            if code == L.OK and stands > L.STANDS:
                code = stands >> 1
            if code == L.OK:
                if present != 0 and not across:
                    _note_edge(summaries, cell, edge)
                code, shortfall = _verdict(limits, code, shortfall, edge, present, across, rate)
                if code == L.OK and limits[L.MIN_PROFIT] > 0.0:
                    buy = book if buys else other
                    sell = other if buys else book
                    code, shortfall = _verdict_of_all(
                        meta, real, price, size, limits, buy, sell, rate
                    )
            if code == L.OK or stands & L.STANDS != 0:
                n = _row(out, outs, n, book if buys else other, other if buys else book, code)
            elif present != 0 and (gross or edge > 0.0):
                _note_reject(rejects, least, cell, code, shortfall)
    if meta[m + L.WATCHED] != 0:
        n = _row(out, outs, n, -1, book, L.DEPENDS)
    return n


@kernel
def scan(context, book, at):
    """``scan_book``, called from Python."""
    table = view(context, 2 * L.SLOTS, np.int64)
    return scan_book(table, book, at)


@kernel
def rescan(context, groups, at):
    """The routes across quotes of the first ``groups`` groups that may meet the thresholds, after
    a conversion has become better; as ``scan``, but nothing is noted."""
    table = view(context, 2 * L.SLOTS, np.int64)
    meta, real, price, size, parameters = books_of(table)
    limits = view(table[2 * L.PARAM_REAL], 8, np.float64)
    standings = standings_of(table)
    rates, converters = conversions_of(table)
    out = slot(table, L.OUT_INT, np.int64)
    outs = table[2 * L.OUT_INT + 1]
    touches, members = members_of(table)
    group_rows = slot(table, L.GROUPS, np.int64)
    parameters[L.CONVERSIONS_ROSE] = 0
    n = 0
    for group in range(groups):
        g = group * L.GROUP_WIDTH
        first = group_rows[g + L.G_MEMBERS]
        cells = group_rows[g + L.G_CELLS]
        for i in range(group_rows[g + L.G_COUNT]):
            buy = (first + i) * L.MEMBER_WIDTH
            ours = members[buy + L.MEMBER_QUOTE]
            ask = touches[buy + L.NET_ASK]
            for j in range(group_rows[g + L.G_COUNT]):
                sell = (first + j) * L.MEMBER_WIDTH
                theirs = members[sell + L.MEMBER_QUOTE]
                if ours == theirs or max(ours, theirs) >= L.QUOTES:
                    continue
                bid = touches[sell + L.NET_BID]
                if bid * rates[L.RATE_NET + theirs * L.QUOTES + ours] <= ask:
                    continue
                rate, plain = _rates(
                    meta, real, price, size, parameters, converters, rates, ours, theirs, at
                )
                bought_at = members[buy + L.MEMBER_BOOK]
                sold_at = members[sell + L.MEMBER_BOOK]
                stands = standing(standings, cells + cell_of(i, j))
                judged = _judged(
                    meta,
                    real,
                    price,
                    size,
                    parameters,
                    limits,
                    bought_at,
                    sold_at,
                    stands,
                    rate,
                    plain,
                    at,
                )
                if judged == L.OK or stands & L.STANDS != 0:
                    n = _row(out, outs, n, bought_at, sold_at, judged)
    return n


@kernel
def route(context, buy, sell, cell, at):
    """One route, whatever came of it, into the first row of the out array; its code."""
    table = view(context, 2 * L.SLOTS, np.int64)
    meta, real, price, size, parameters = books_of(table)
    limits = view(table[2 * L.PARAM_REAL], 8, np.float64)
    standings = standings_of(table)
    rates, converters = conversions_of(table)
    out = slot(table, L.OUT_INT, np.int64)
    outs = table[2 * L.OUT_INT + 1]
    ours = meta[buy * L.META_WIDTH + L.QUOTE]
    theirs = meta[sell * L.META_WIDTH + L.QUOTE]
    rate = -1.0
    plain = -1.0
    if ours != theirs:
        rate, plain = _rates(
            meta, real, price, size, parameters, converters, rates, ours, theirs, at
        )
    stands = standing(standings, cell)
    judged = _judged(
        meta, real, price, size, parameters, limits, buy, sell, stands, rate, plain, at
    )
    _row(out, outs, 0, buy, sell, judged)
    return out[L.ROUTE_CODE]


@kernel
def convert(context, pair, at):
    """Look anew for what turns one currency into another (``best_rate``)."""
    table = view(context, 2 * L.SLOTS, np.int64)
    meta, real, price, size, parameters = books_of(table)
    rates, converters = conversions_of(table)
    best_rate(meta, real, price, size, parameters, converters, rates, pair, at)
