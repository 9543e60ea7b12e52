"""What a closed loop of orders leaves, exactly: each takes what the one before it brings.

All ladders are walked together while one more unit put in brings back more than itself: the product
of the rates after fees is above 1. Then each order is rounded down to lots, in turn, and after that
no order takes more than the one behind it needs. What is left over on the way counts as nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from scanner.engine.conversion import Converted, Exchange
from scanner.engine.costs import EDGE, LOT, LOT_SHARE
from scanner.engine.gates import Gate, Rejection
from scanner.engine.terms import Level

MAX_TRADE = "max_trade"


class Result(Struct, frozen=True):
    """``orders`` in turn; ``size`` is what is put in, in the currency that the loop begins with,
    and so is ``net_profit``. The rest as in ``scanner.events.Opportunity``."""

    orders: tuple[Converted, ...]
    size: float
    gross_bps: float
    net_bps: float
    net_profit: float
    bound: str
    unrounded: float


def evaluate(hops: Sequence[Exchange], most: float = math.inf) -> Result | Rejection:
    """The best size, and what follows from it; or what is in its way. ``most``: of the first
    currency, that may be put in."""
    ladders = [hop.ladder() for hop in hops]
    if not all(ladders):
        return Rejection(Gate.FEES)
    size, bound = walk(hops, ladders, most)
    capped = bound != EDGE and not bound.startswith("depth")
    if size <= 0:
        missing = (1 - math.prod(ladder[0][0] for ladder in ladders)) * 1e4
        return Rejection(Gate.CAPITAL) if capped else Rejection(Gate.FEES, missing)
    orders = _forward(hops, size)
    if isinstance(orders, Rejection):
        return Rejection(Gate.CAPITAL, orders.shortfall_bps) if capped else orders
    trimmed = _backward(orders)
    if isinstance(trimmed, Rejection):
        return trimmed
    put_in, net = trimmed[0].given, trimmed[-1].got - trimmed[0].given
    if net <= 0:
        return Rejection(Gate.LOT, -net / put_in * 1e4)
    return Result(
        trimmed,
        put_in,
        (math.prod(order.plain for order in trimmed) - 1) * 1e4,
        net / put_in * 1e4,
        net,
        LOT if put_in < (1 - LOT_SHARE) * size else bound,
        size,
    )


def walk(
    hops: Sequence[Exchange], ladders: Sequence[Sequence[Level]], most: float
) -> tuple[float, str]:
    """How much to put in until one more unit loses or a bound is met, and which."""
    place = [0] * len(hops)
    left = [ladder[0][1] for ladder in ladders]
    budgets = [min(hop.budget, most) if i == 0 else hop.budget for i, hop in enumerate(hops)]
    size = 0.0
    while True:
        rates = [ladder[i][0] for ladder, i in zip(ladders, place, strict=True)]
        if math.prod(rates) <= 1:
            return size, EDGE
        # What of each currency comes of one that is put in.
        comes = [math.prod(rates[:i]) for i in range(len(hops))]
        depth = min(each / one for each, one in zip(left, comes, strict=True))
        means = [budget / one for budget, one in zip(budgets, comes, strict=True)]
        take = min(depth, *means)
        size += take
        if take in means:
            hop = means.index(take)
            mine = hops[hop].budget <= most or hop > 0
            return size, hops[hop].budget_of if mine else MAX_TRADE
        for i, one in enumerate(comes):
            used = take == left[i] / one
            left[i] -= take * one
            budgets[i] -= take * one
            if used or left[i] <= 0:
                place[i] += 1
                if place[i] == len(ladders[i]):
                    return size, f"depth of {hops[i].venue}"
                left[i] = ladders[i][place[i]][1]


def _forward(hops: Sequence[Exchange], size: float) -> list[Converted] | Rejection:
    orders = []
    for hop in hops:
        done = hop.convert(size)
        if isinstance(done, Rejection):
            return hop.refused(size)
        orders.append(done)
        size = done.got
    return orders


def _backward(orders: Sequence[Converted]) -> tuple[Converted, ...] | Rejection:
    """No order takes more than the one behind it needs; in lots of its own, and not under the
    smallest that its venue takes."""
    needed = orders[-1]
    trimmed = [needed]
    for order in reversed(orders[:-1]):
        less = order.exchange.bring(needed.given)
        needed = less if less is not None and less.given < order.given else order
        trimmed.append(needed)
    return tuple(reversed(trimmed))
