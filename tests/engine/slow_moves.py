"""Slow oracles of moves between venues: every choice of routes, and exact fractions.

As ``slow``, they share nothing with the engine but the descriptions of markets and moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction as F
from itertools import combinations, product
from typing import Any

from scanner.events import Leg
from scanner.moving import Move
from scanner.types import Market, Network, Wallet
from tests.engine.slow import SMALL, accepts, exact, factors, lots_of, spendable, take


def cheapest(
    there: Sequence[float], wanted: Sequence[float], costs: Sequence[Sequence[Any]]
) -> Any:
    """The least that any set of routes costs along which all that is wanted can come, costs added
    up part by part. It can, if all that any of the targets want together is at sources from which
    a route leads to one of them."""
    sources, targets = range(len(there)), range(len(wanted))
    has, lacks = [exact(each) for each in there], [exact(each) for each in wanted]
    groups = [g for n in targets for g in combinations(targets, n + 1)]
    arcs = list(product(sources, targets))
    best = None
    for mask in range(1 << len(arcs)):
        used = [arc for bit, arc in enumerate(arcs) if mask >> bit & 1]
        cost = tuple(map(sum, zip(*(costs[i][j] for i, j in used), strict=True)))
        if best is not None and cost >= best:
            continue
        if len({j for _, j in used}) == len(wanted) and all(
            sum(lacks[j] for j in group) <= sum(has[i] for i in {i for i, j in used if j in group})
            for group in groups
        ):
            best = cost
    return best


def open_fee(source: Wallet, target: Wallet) -> F | None:
    """What the cheapest network takes that is open at both ends; None: there is none."""
    fees = [
        exact(one.fee)
        for one, other in product(source.networks, target.networks)
        if _fits(one, other) and one.fee is not None
    ]
    return min(fees, default=None)


def _fits(one: Network, other: Network) -> bool:
    return one.name == other.name and one.withdraw is True and other.deposit is True


def levels(leg: Leg) -> list[tuple[F, F]]:
    return [(exact(price), exact(size)) for price, size in leg.levels]


def given_got(market: Market, leg: Leg, size: F) -> tuple[F, F]:
    """What an order of this size takes and brings."""
    buy_base, buy_quote, sell_base, sell_quote = factors(market)
    size = min(size, sum(there for _, there in levels(leg)))
    worth = take(levels(leg), size)
    if leg.side == "buy":
        return worth * buy_quote, size * buy_base
    return size * sell_base, worth * sell_quote


def ordered(market: Market, leg: Leg, amount: F) -> F | None:
    """The size of the order for ``amount`` of what it takes, no larger than the leg; None: the
    venue takes none so small."""
    _, buy_quote, sell_base, _ = factors(market)
    shown = levels(leg)
    size = spendable(shown, amount / buy_quote) if leg.side == "buy" else amount / sell_base
    # Amounts are floats that stand for a decimal: their noise is no lot.
    most = min(exact(leg.size), sum(there for _, there in shown))
    size = min(lots_of(market, shown, size * (1 + SMALL)), most)
    return size if size > 0 and accepts(market, size, take(shown, size)) else None


def loop_left(markets: Sequence[Market], legs: Sequence[Leg], moves: dict[int, Move]) -> F | None:
    """What a loop leaves whose ``moves``, by the place of the order before, are made within it."""
    put_in, amount = given_got(markets[0], legs[0], exact(legs[0].size))
    for i, (market, leg) in enumerate(zip(markets, legs, strict=True)):
        if i:
            size = ordered(market, leg, amount)
            if size is None:
                return None
            _, amount = given_got(market, leg, size)
        if i in moves:
            if amount < exact(moves[i].min_withdraw or 0.0):
                return None
            amount -= exact(moves[i].fee or 0.0)
    return amount - put_in


def multi_left(markets: Sequence[Market], legs: Sequence[Leg], moves: Sequence[Move]) -> F | None:
    """What is left of a multi of which the coins are sent along ``moves``, one leg a venue."""
    there: dict[str, F] = {}
    net = F(0)
    for market, leg in zip(markets, legs, strict=True):
        if leg.side == "buy":
            paid, there[leg.venue] = given_got(market, leg, exact(leg.size))
            net -= paid
    for move in moves:
        if exact(move.amount) < exact(move.min_withdraw or 0.0):
            return None
        sent = exact(move.amount)
        there[move.source] -= sent
        there[move.target] = there.get(move.target, F(0)) + sent - exact(move.fee or 0.0)
    for market, leg in zip(markets, legs, strict=True):
        if leg.side == "sell":
            size = ordered(market, leg, there.get(leg.venue, F(0)))
            if size is None:
                return None
            net += given_got(market, leg, size)[1]
    return net
