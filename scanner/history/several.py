"""The figures of a stored state of many orders, computed again from their levels and fee rates.

``multi``: all that is bought and all that is sold. ``loop``: each order takes what the one before
it brings.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

from msgspec import Struct

from scanner.history import moves, moving
from scanner.history.arithmetic import (
    TOLERANCE,
    Converted,
    Side,
    account,
    converted,
    impossible,
    is_multi,
    misdated,
    same,
    side,
    untrusted,
)
from storage.queries import State


class Together(Struct, frozen=True):
    """All orders of a ``multi``, in its quote and bps: what is paid and received before fees, what
    it costs and brings with them, what is bought and sold and left over, in base."""

    buys: list[Side]
    sells: list[Side]
    paid: float
    received: float
    cost: float
    brought: float
    bought: float
    sold: float
    left: float
    gross: float
    net: float
    gross_bps: float
    net_bps: float
    disagrees: list[str]


class Chain(Struct, frozen=True):
    """The orders of a ``loop`` in turn, what is put in and comes back, in its first currency."""

    orders: list[Converted]
    put_in: float
    back: float
    net: float
    gross_bps: float
    net_bps: float
    disagrees: list[str]


def disagreements(state: State) -> list[str]:
    """What of any state is another than what is stored."""
    if state.legs:
        a = several(state)
        paid = a.cost if isinstance(a, Together) else a.put_in
        return list(dict.fromkeys([*a.disagrees, *moves.disagreements(state, a.net, paid)]))
    one = account(state)
    return one.disagrees + moving.disagreements(state, one)


def several(state: State) -> Together | Chain:
    """Compute it all again."""
    return together(state) if is_multi(state) else chain(state)


def together(state: State) -> Together:
    """Of a ``multi``."""
    buys = [side(leg, leg.size, 1) for leg in state.legs if leg.side == "buy"]
    sells = [side(leg, leg.size, -1) for leg in state.legs if leg.side != "buy"]
    paid, received = (math.fsum(each.value for each in sides) for sides in (buys, sells))
    cost, brought = (math.fsum(each.total for each in sides) for sides in (buys, sells))
    bought, sold = (math.fsum(each.size for each in sides) for sides in (buys, sells))
    arrives, given = (math.fsum(each.net_size for each in sides) for sides in (buys, sells))
    gross = received * (bought / sold) - paid if sold else math.nan
    net = brought - cost
    gross_bps = gross / paid * 1e4 if paid else math.nan
    net_bps = net / cost * 1e4 if cost else math.nan
    disagrees = list(_told(state, gross_bps, net_bps, net, cost, bought))
    disagrees += _orders(state, [*buys, *sells])
    if arrives - given < -TOLERANCE * bought:
        disagrees.append("size sold")
    return Together(
        buys,
        sells,
        paid,
        received,
        cost,
        brought,
        bought,
        sold,
        arrives - given,
        gross,
        net,
        gross_bps,
        net_bps,
        list(dict.fromkeys(disagrees)),
    )


def chain(state: State) -> Chain:
    """Of a ``loop``."""
    orders = [converted(leg) for leg in state.legs]
    put_in, back = orders[0].given, orders[-1].got
    net = back - put_in
    gross_bps = (math.prod(order.plain for order in orders) - 1) * 1e4
    net_bps = net / put_in * 1e4 if put_in else math.nan
    disagrees = list(_told(state, gross_bps, net_bps, net, put_in, put_in))
    disagrees += _orders(state, [order.side for order in orders])
    disagrees += [
        f"order on {after.side.leg.venue}"
        for before, after in pairwise(orders)
        if after.given > before.got * (1 + TOLERANCE)
    ]
    ways = [_way(order) for order in orders]
    if any(one[1] != other[0] for one, other in pairwise([*ways, ways[0]])):
        disagrees.append("order of the legs")
    return Chain(orders, put_in, back, net, gross_bps, net_bps, list(dict.fromkeys(disagrees)))


def _way(order: Converted) -> tuple[str, str]:
    """What it gives, and what that becomes."""
    base, _, quote = order.side.leg.symbol.partition("/")
    return (quote, base) if order.side.leg.side == "buy" else (base, quote)


def _told(
    state: State, gross_bps: float, net_bps: float, net: float, cost: float, size: float
) -> Iterator[str]:
    """The stored figures that are others than these."""
    told = (
        ("gross bps", state.gross_bps, gross_bps, 1e4),
        ("net bps", state.net_bps, net_bps, 1e4),
        ("net profit", state.net_profit, net, cost),
        ("size", state.size, size, size),
    )
    yield from (name for name, is_, ought, scale in told if not same(is_, ought, scale))
    profit = state.accounting_profit
    if profit is not None and not same(profit, net * state.accounting_rate, profit):
        yield f"profit in {state.accounting}"


def _orders(state: State, sides: list[Side]) -> Iterator[str]:
    """What could not have been done as it is stored."""
    yield from impossible(sides)
    for each in sides:
        yield from untrusted(each.leg)
        if misdated(each.leg, state):
            yield f"age on {each.leg.venue}"
    if state.buy not in state.legs or state.sell not in state.legs:
        yield "legs"
