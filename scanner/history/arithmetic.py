"""The figures of a stored state, computed again from its levels and fee rates alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from scanner.types import Leg
from storage.queries import State

TOLERANCE = 1e-9


class Taken(Struct, frozen=True):
    """What is taken of one level: ``size`` of the ``offered``, for ``value`` in quote."""

    price: float
    offered: float
    size: float
    value: float


class Side(Struct, frozen=True):
    """One leg of the trade: its value in quote, the fee on it, and what is left after it (or has to
    be paid with it). ``missing`` is the size that its levels do not cover."""

    leg: Leg
    taken: list[Taken]
    value: float
    fee: float
    total: float
    missing: float


class Account(Struct, frozen=True):
    """Both legs and what follows from them, in quote and bps. ``disagrees`` names the stored
    figures that are others than these; none if all agree to 1e-9 of what is paid."""

    buy: Side
    sell: Side
    gross: float
    fees: float
    net: float
    gross_bps: float
    net_bps: float
    disagrees: list[str]


def account(state: State) -> Account:
    """Compute it all again."""
    buy, sell = side(state.buy, state.size, 1), side(state.sell, state.size, -1)
    gross, net = sell.value - buy.value, sell.total - buy.total
    gross_bps = gross / buy.value * 1e4 if buy.value else math.nan
    net_bps = net / buy.total * 1e4 if buy.total else math.nan
    told = (
        ("gross bps", state.gross_bps, gross_bps, 1e4),
        ("net bps", state.net_bps, net_bps, 1e4),
        ("net profit", state.net_profit, net, buy.total),
    )
    disagrees = [name for name, is_, ought, scale in told if not _same(is_, ought, scale)]
    if max(buy.missing, sell.missing) > TOLERANCE * state.size:
        disagrees.append("size")
    return Account(buy, sell, gross, buy.fee + sell.fee, net, gross_bps, net_bps, disagrees)


def side(leg: Leg, size: float, sign: int) -> Side:
    """Take ``size`` from its levels; the fee is added (sign 1) or taken off (-1)."""
    taken, left = _take(leg.levels, size)
    value = math.fsum(level.value for level in taken)
    fee = value * leg.fee_rate
    return Side(leg, taken, value, fee, value + sign * fee, left)


def _take(levels: Sequence[tuple[float, float]], size: float) -> tuple[list[Taken], float]:
    taken = []
    left = size
    for price, offered in levels:
        part = min(left, offered)
        taken.append(Taken(price, offered, part, price * part))
        left -= part
        if left <= 0:
            break
    return taken, max(0.0, left)


def _same(stored: float, computed: float, scale: float) -> bool:
    return abs(stored - computed) <= TOLERANCE * max(abs(scale), abs(computed))
