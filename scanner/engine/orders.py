"""Orders of an allocation in whole lots: rounded down, and then no more sold than arrives."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from scanner.engine.terms import Level, Terms, affordable, ceil, value

NOISE = 1e-12


class Offer(Struct, frozen=True):
    """One side of a book that may take part. ``budget``: the most that may be spent there (quote,
    fees included) or given away (base), and ``budget_of`` who says so."""

    book: int
    terms: Terms
    levels: Sequence[Level]
    budget: float = math.inf
    budget_of: str = ""

    def unit(self, *, buys: bool) -> float:
        """Net base of one of base: what arrives, or has to be given."""
        return self.terms.buy_base if buys else self.terms.sell_base

    def rate(self, *, buys: bool) -> float:
        """Quote that is paid, or comes, for one of net base at a price of one."""
        terms = self.terms
        if buys:
            return terms.buy_quote / terms.buy_base
        return terms.sell_quote / terms.sell_base

    def pieces(self, *, buys: bool) -> list[Level]:
        """The levels as (quote for one of net base, net base), as far as the budget goes, in whole
        lots."""
        rate, unit = self.rate(buys=buys), self.unit(buys=buys)
        quote = self.terms.buy_quote if buys else 1.0
        whole = math.fsum(size for _, size in self.levels)
        left = affordable(self.levels, self.budget / quote) if buys else self.budget / unit
        left = self.terms.floor((), min(left, whole))
        pieces = []
        for price, size in self.levels:
            take = min(size, left)
            if take <= 0:
                break
            pieces.append((price * rate, take * unit))
            left -= take
        return pieces

    def is_cut(self, pieces: Sequence[Level], *, buys: bool) -> bool:
        """Whether the budget is what ends them."""
        whole = math.fsum(size for _, size in self.levels) * self.unit(buys=buys)
        return math.fsum(size for _, size in pieces) < whole * (1 - NOISE)

    def least(self, *, buys: bool) -> float:
        """The smallest size in lots that the venue takes (infinite: more than it shows)."""
        market = self.terms.market
        asked = market.min_amount * self.terms.size_scale
        if market.min_notional:
            asked = max(asked, affordable(self.levels, market.min_notional))
        size = ceil(asked, self.terms.step)
        if self.terms.too_small(size, value(self.levels, size)) > 0:
            size = size + float(self.terms.step) or size * (1 + NOISE)
        return size if self.terms.too_small(size, value(self.levels, size)) <= 0 else math.inf


class Order(Struct):
    """``size`` (base) of an offer is bought or sold; at least so much is to be."""

    offer: Offer
    buys: bool
    size: float
    least: float

    @property
    def net(self) -> float:
        """Net base."""
        return self.size * self.offer.unit(buys=self.buys)

    @property
    def quote(self) -> float:
        """What it costs or brings, fees included."""
        return self.worth(self.size)

    def worth(self, size: float) -> float:
        """The same of another size."""
        terms = self.offer.terms
        factor = terms.buy_quote if self.buys else terms.sell_quote
        return value(self.offer.levels, size) * factor

    def too_small(self) -> float:
        """By what part it is under the venue's smallest."""
        return self.offer.terms.too_small(self.size, value(self.offer.levels, self.size))

    def reduced(self, net: float) -> float:
        """The size in lots with at least ``net`` less of net base, or as little as is allowed."""
        wanted = max(self.size - net / self.offer.unit(buys=self.buys), 0.0)
        terms = self.offer.terms
        less = ceil(wanted, terms.step) if self.buys else terms.floor((), wanted)
        return max(less, self.least)


def settle(buys: Sequence[Order], sells: Sequence[Order]) -> bool:
    """Take off what has to be, so that all that is given arrives before, and what need not be
    bought; False where that cannot be."""
    while (over := _net(sells) - _net(buys)) > NOISE * _net(sells):
        choices = [(order, less) for order in sells if (less := order.reduced(over)) < order.size]
        if not choices:
            return False
        order, less = min(choices, key=lambda choice: _loss(choice[0], choice[1], over))
        order.size = less
    while (left := _net(buys) - _net(sells)) > 0:
        choices = [
            (order, less)
            for order in buys
            if (less := order.reduced(left)) < order.size * (1 - NOISE)
        ]
        if not choices:
            break
        order, less = max(choices, key=lambda choice: choice[0].quote - choice[0].worth(choice[1]))
        order.size = less
    return True


def _net(orders: Sequence[Order]) -> float:
    return math.fsum(order.net for order in orders)


def _loss(order: Order, less: float, over: float) -> tuple[bool, float]:
    """Those that take off all of it come first, the cheapest of them foremost; of the others what
    loses least for each unit."""
    off = (order.size - less) * order.offer.unit(buys=False)
    lost = order.quote - order.worth(less)
    whole = off >= over * (1 - NOISE)
    return (not whole, lost if whole else lost / off)
