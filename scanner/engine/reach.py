"""How far a trade reaches into its books: ``costs.walk`` as a kernel."""

from __future__ import annotations

import numpy as np

from scanner.books import layout as L
from scanner.books.jit import inlined, kernel
from scanner.books.memory import view
from scanner.engine.ladders import ASK, BID, books_of, level

BY_EDGE, BY_ASKS, BY_BIDS, BY_RATES, BY_SPEND, BY_GIVE, BY_BUDGET = 0, 1, 2, 3, 4, 5, 6
STATED, NOTHING = -1, -2


@inlined
def _rate(meta, real, price, size, book, side, rate, unit, k):
    """The ``k``-th step of a conversion: what one of the currency given brings, and how much can be
    given; (0, 0) behind the last."""
    if book < 0:
        return (rate, np.inf) if k == 0 else (0.0, 0.0)
    p, s = level(meta, real, price, size, book, side, k)
    if s <= 0.0:
        return 0.0, 0.0
    if side == BID:
        return p * rate, s * unit
    return rate / p, p * s * unit


@kernel
def steps(context, buy, sell, book, side, rate, unit, spend, give, budget):
    """(net base, what bounds it, how many levels are looked at of the ladder that is looked at
    deepest). ``book`` and ``side`` convert, with the factors ``rate`` and ``unit`` of
    ``Exchange.factors``; ``STATED``: the rate does, ``NOTHING``: nothing has to. Then what may be
    spent, given away and given to the conversion."""
    table = view(context, 2 * L.SLOTS, np.int64)
    meta, real, price, size, _ = books_of(table)
    buy_rate = real[buy * L.REAL_WIDTH + L.RATE_SIDE + ASK]
    buy_unit = real[buy * L.REAL_WIDTH + L.UNIT_SIDE + ASK]
    sell_rate = real[sell * L.REAL_WIDTH + L.RATE_SIDE + BID]
    sell_unit = real[sell * L.REAL_WIDTH + L.UNIT_SIDE + BID]
    i = 0
    j = 0
    k = 0
    ask, ask_left = level(meta, real, price, size, buy, ASK, 0)
    bid, bid_left = level(meta, real, price, size, sell, BID, 0)
    worth, rate_left = _rate(meta, real, price, size, book, side, rate, unit, 0)
    ask_there, bid_there, rate_there = ask_left > 0.0, bid_left > 0.0, rate_left > 0.0
    ask_left *= buy_unit
    bid_left *= sell_unit
    total = 0.0
    bound = -1
    while ask_there and bid_there and rate_there:
        cost = ask * buy_rate
        proceeds = bid * sell_rate
        if proceeds * worth <= cost:
            bound = BY_EDGE
            break
        by_rate = rate_left / proceeds
        by_spend = spend / cost
        by_budget = budget / proceeds
        take = min(min(min(ask_left, bid_left), min(by_rate, by_spend)), min(give, by_budget))
        total += take
        if take == by_spend:
            bound = BY_SPEND
            break
        if take == give:
            bound = BY_GIVE
            break
        if book != NOTHING and take == by_budget:
            bound = BY_BUDGET
            break
        spend -= take * cost
        give -= take
        budget -= take * proceeds
        # What is used up is said by comparing, for a difference of floats need not come to 0.
        asks_used = take == ask_left
        bids_used = take == bid_left
        rate_used = take == by_rate
        ask_left -= take
        bid_left -= take
        rate_left -= take * proceeds
        if asks_used or ask_left <= 0.0:
            i += 1
            ask, ask_left = level(meta, real, price, size, buy, ASK, i)
            ask_there = ask_left > 0.0
            ask_left *= buy_unit
        if bids_used or bid_left <= 0.0:
            j += 1
            bid, bid_left = level(meta, real, price, size, sell, BID, j)
            bid_there = bid_left > 0.0
            bid_left *= sell_unit
        if rate_used or rate_left <= 0.0:
            k += 1
            worth, rate_left = _rate(meta, real, price, size, book, side, rate, unit, k)
            rate_there = rate_left > 0.0
    if bound < 0:
        bound = BY_ASKS if not ask_there else (BY_BIDS if not bid_there else BY_RATES)
    return total, bound, max(i, max(j, k)) + 1
