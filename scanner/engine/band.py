"""Which sizes pay where there is a fixed cost: a withdrawal takes the same off whatever arrives.

Of ``y`` net base that is bought, ``y - w`` is sold: the profit falls until ``w`` is bought, rises
while the marginal unit pays, and falls again. It is concave from ``w`` on, so the sizes above zero
are one interval.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from scanner.engine.conversion import Exchange
from scanner.engine.costs import after
from scanner.engine.terms import Level, Terms, value


class Band(Struct, frozen=True):
    """From the least to the largest purchase that pays, in base, and how many levels of the asks,
    the bids and the conversion the latter goes to."""

    least: float
    most: float
    levels: tuple[int, int, int]


def band(
    asks: Sequence[Level],
    bids: Sequence[Level],
    buy: Terms,
    sell: Terms,
    exchange: Exchange | None,
    withdrawal: float,
    spend: float = math.inf,
) -> Band | None:
    """The sizes whose profit is above zero when ``withdrawal`` (base) is taken off on the way, as
    far as these levels and the ``spend`` (quote) go; None: no size."""
    cost, revenue = buy.buy_quote / buy.buy_base, sell.sell_quote / sell.sell_base
    sunk_size = withdrawal / buy.buy_base
    sunk = value(asks, sunk_size) * buy.buy_quote
    rest = after(asks, sunk_size)
    first = len(asks) - len(rest)
    rates = exchange.ladder() if exchange else [(1.0, math.inf)]
    i = j = k = 0
    profit, size, least = -sunk, withdrawal, None
    spend -= sunk
    budget = exchange.budget if exchange else math.inf
    ask_left = rest[0][1] * buy.buy_base if rest else 0.0
    bid_left = bids[0][1] * sell.sell_base if bids else 0.0
    rate_left = rates[0][1] if rates else 0.0
    while i < len(rest) and j < len(bids) and k < len(rates):
        price, proceeds = rest[i][0] * cost, bids[j][0] * revenue
        slope = proceeds * rates[k][0] - price
        by_rate = rate_left / proceeds
        take = min(ask_left, bid_left, by_rate)
        ends = take > spend / price or take > budget / proceeds
        if ends:
            take = min(spend / price, budget / proceeds)
        rise = slope * take
        if least is None:
            if slope <= 0:
                return None
            if profit + rise > 0:
                least = size - profit / slope
        elif profit + rise <= 0:
            size -= profit / slope
            break
        size, profit = size + take, profit + rise
        if ends:
            break
        spend, budget = spend - take * price, budget - take * proceeds
        # What is used up is said by comparing, for a difference of floats need not come to 0.
        ask_used, bid_used, rate_used = take == ask_left, take == bid_left, take == by_rate
        ask_left, bid_left = ask_left - take, bid_left - take
        rate_left -= take * proceeds
        if ask_used or ask_left <= 0:
            i += 1
            ask_left = rest[i][1] * buy.buy_base if i < len(rest) else 0.0
        if bid_used or bid_left <= 0:
            j += 1
            bid_left = bids[j][1] * sell.sell_base if j < len(bids) else 0.0
        if rate_used or rate_left <= 0:
            k += 1
            rate_left = rates[k][1] if k < len(rates) else 0.0
    if least is None:
        return None
    reached = (first + i + 1, j + 1, k + 1)
    there = (len(asks), len(bids), len(rates))
    i, j, k = map(min, reached, there)
    return Band(least / buy.buy_base, size / buy.buy_base, (i, j, k))
