"""Rounded orders of an allocation, made better lot by lot.

Rounding each order down may leave more over than a lot of another venue: one in lots of 0.1 brings
what two others in lots of 0.01 do not quite take. So one order becomes a lot larger or smaller and
another follows as far as it has to, or may; the best such step is taken, and again, until none is
worth it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from scanner.engine.orders import NOISE, Order
from scanner.engine.terms import ceil

MOST_STEPS = 12
# What brings less than this part of the profit is not worth a step.
LEAST_GAIN = 1e-4


class Limits(Struct, frozen=True):
    """``least`` and ``largest``: what each order may have (base), by place, if it is made at all;
    ``most``: quote that all purchases may cost; ``share``: the part of the profit that an order has
    to add to be made. ``may`` says whether a purchase and a sale may be made together."""

    least: Sequence[float]
    largest: Sequence[float]
    most: float
    share: float
    may: Callable[[Order, Order], bool]


class _Step(Struct, frozen=True):
    """Two orders by place, the sizes (base) that they get, what that gains (quote)."""

    gain: float
    one: int
    size: float
    other: int
    follows: float


def profit(orders: Sequence[Order]) -> float:
    """What they leave, in quote."""
    return math.fsum(-order.quote if order.buys else order.quote for order in orders)


def polish(orders: Sequence[Order], limits: Limits) -> None:
    """Change the sizes of ``orders`` for the better; no more is sold than arrives, before and
    after."""
    for _ in range(MOST_STEPS):
        step = max(_steps(orders, limits), default=None, key=lambda step: step.gain)
        if step is None or step.gain <= LEAST_GAIN * abs(profit(orders)):
            return
        orders[step.one].size, orders[step.other].size = step.size, step.follows


def _steps(orders: Sequence[Order], limits: Limits) -> Iterator[_Step]:
    """All that gain and are allowed."""
    now = [order.quote for order in orders]
    cost = math.fsum(quote for quote, order in zip(now, orders, strict=True) if order.buys)
    left = math.fsum(order.net if order.buys else -order.net for order in orders)
    asked = limits.share * abs(profit(orders))
    for i, one in enumerate(orders):
        for size in _sizes(one, limits.least[i], limits.largest[i]):
            more = one.worth(size) - now[i]
            rest = left + (size - one.size) * one.offer.unit(buys=one.buys) * _sign(one)
            for j, other in enumerate(orders):
                if j == i:
                    continue
                follows = _follows(other, rest, limits.least[j], limits.largest[j])
                if follows is None:
                    continue
                after = other.worth(follows) - now[j]
                gain = -more * _sign(one) - after * _sign(other)
                new = [k for k, to in ((i, size), (j, follows)) if to > 0 >= orders[k].size]
                if gain <= (asked if new else 0.0):
                    continue
                if cost + more * one.buys + after * other.buys > limits.most:
                    continue
                sizes = {i: size, j: follows}
                if all(_may_open(orders, sizes, place, limits.may) for place in new):
                    yield _Step(gain, i, size, j, follows)


def _sign(order: Order) -> int:
    return 1 if order.buys else -1


def _sizes(order: Order, least: float, largest: float) -> Iterator[float]:
    """A lot more, and a lot less; from nothing to the smallest that there is, and back."""
    terms = order.offer.terms
    step = float(terms.step)
    if not step or not math.isfinite(least):
        return
    more = max(terms.floor((), order.size + step), least)
    if more <= largest * (1 + NOISE):
        yield more
    if order.size > 0:
        less = terms.floor((), order.size - step)
        yield less if less >= least * (1 - NOISE) else 0.0


def _follows(order: Order, left: float, least: float, largest: float) -> float | None:
    """What the order becomes if so much net base were left over (below zero: missing): a purchase
    as little as it must be, a sale as much as it may; None: it cannot."""
    terms = order.offer.terms
    change = left / order.offer.unit(buys=order.buys)
    noise = NOISE * max(order.size, abs(change))
    if order.buys:
        wanted = order.size - change
        size = ceil(wanted, terms.step) if wanted > noise else 0.0
        size = max(size, least) if size > 0 else 0.0
    else:
        wanted = order.size + change
        if wanted < -noise:
            return None
        size = terms.floor((), min(max(wanted, 0.0), largest))
        size = size if size >= least * (1 - NOISE) else 0.0
    return size if size <= largest * (1 + NOISE) else None


def _may_open(
    orders: Sequence[Order],
    sizes: dict[int, float],
    place: int,
    may: Callable[[Order, Order], bool],
) -> bool:
    """Whether the order, which is not there yet, may be made together with all that then are."""
    one = orders[place]
    others = [each for k, each in enumerate(orders) if sizes.get(k, each.size) > 0]
    return all(
        may(one, other) if one.buys else may(other, one)
        for other in others
        if other.buys != one.buys
    )
