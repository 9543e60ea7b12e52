"""The best route of every symbol at this moment, for whoever looks: nothing is noted anywhere."""

from __future__ import annotations

import numpy as np

from scanner.books import layout as L
from scanner.books.jit import inlined, kernel
from scanner.books.memory import slot, view
from scanner.engine.ladders import (
    ASK,
    BID,
    LIVE,
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

# columns of what comes out
BUY, SELL, OPEN, LIVE_BOOKS = 0, 1, 2, 3
INTEGERS = 4
ASK_PRICE, ASK_SIZE, BID_PRICE, BID_SIZE, EDGE, PLAIN, NET = 0, 1, 2, 3, 4, 5, 6
REALS = 8


@inlined
def _outranks(opened, net, edge, best, best_net, best_edge):
    """Whether a route stands before the best so far: open ones first, then what leaves most, and
    where nothing is left the one that loses least."""
    if opened != best:
        return opened > best
    if net != best_net:
        return net > best_net
    return edge > best_edge


@inlined
def _conversion(rates, converters, parameters, theirs, ours, at):
    """(after fees, before) of what turns one quote into another; zeros where nothing does now."""
    if theirs == ours:
        return 1.0, 1.0
    if max(theirs, ours) >= L.QUOTES:
        return 0.0, 0.0
    pair = theirs * L.QUOTES + ours
    if at - converters[L.CONVERTED_AT + pair] > parameters[L.MAX_AGE]:
        return 0.0, 0.0
    return rates[L.RATE_NET + pair], rates[L.RATE_PLAIN + pair]


@kernel
def rank(context, symbols, count, allowed, at, out, out_real):
    """The best route that buys each of the first ``count`` ``symbols`` (rows of group and quote),
    among those with a leg that is ``allowed`` (uint8 by book).

    Rows of ``out``: buy, sell (-1: no two books can be compared), 1 if it is open, live books of
    the symbol. Rows of ``out_real``: ask, its size, bid, its size, net edge at the touch in bps,
    what turns the quote of the sale into that of the purchase, before fees and after (1: the same).
    """
    table = view(context, 2 * L.SLOTS, np.int64)
    meta, real, price, size, parameters = books_of(table)
    standings = standings_of(table)
    _, members = members_of(table)
    groups = slot(table, L.GROUPS, np.int64)
    rates, converters = conversions_of(table)
    for s in range(count):
        g = symbols[s, 0] * L.GROUP_WIDTH
        ours = symbols[s, 1]
        first = groups[g + L.G_MEMBERS]
        cells = groups[g + L.G_CELLS]
        out[s, BUY] = -1
        out[s, SELL] = -1
        out[s, OPEN] = 0
        out[s, LIVE_BOOKS] = 0
        best_net = 0.0
        best_edge = -np.inf
        for i in range(groups[g + L.G_COUNT]):
            if members[(first + i) * L.MEMBER_WIDTH + L.MEMBER_QUOTE] != ours:
                continue
            buy = members[(first + i) * L.MEMBER_WIDTH + L.MEMBER_BOOK]
            if meta[buy * L.META_WIDTH + L.STATE] == LIVE:
                out[s, LIVE_BOOKS] += 1
            for j in range(groups[g + L.G_COUNT]):
                sell = members[(first + j) * L.MEMBER_WIDTH + L.MEMBER_BOOK]
                theirs = members[(first + j) * L.MEMBER_WIDTH + L.MEMBER_QUOTE]
                if i == j or (allowed[buy] == 0 and allowed[sell] == 0):
                    continue
                rate, plain = _conversion(rates, converters, parameters, theirs, ours, at)
                stands = standing(standings, cells + cell_of(i, j))
                if rate == 0.0 or stands > L.STANDS:
                    continue
                if fitness(meta, parameters, buy, sell, at)[0] != L.OK:
                    continue
                edge, _, present = touch(meta, real, price, size, buy, sell, rate, plain)
                if present == 0:
                    continue
                net = 0.0
                if edge > 0.0:
                    net = walk(meta, real, price, size, buy, sell, rate)
                if not _outranks(stands, net, edge, out[s, OPEN], best_net, best_edge):
                    continue
                best_net = net
                best_edge = edge
                out[s, BUY] = buy
                out[s, SELL] = sell
                out[s, OPEN] = stands
                ask, ask_size = level(meta, real, price, size, buy, ASK, 0)
                bid, bid_size = level(meta, real, price, size, sell, BID, 0)
                out_real[s, ASK_PRICE] = ask
                out_real[s, ASK_SIZE] = ask_size
                out_real[s, BID_PRICE] = bid
                out_real[s, BID_SIZE] = bid_size
                out_real[s, EDGE] = edge
                out_real[s, PLAIN] = plain
                out_real[s, NET] = rate
