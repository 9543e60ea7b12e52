"""On what terms a market is traded: its units, its lots, and what its fee takes on each side.

A fee in quote is paid on top of what is bought and taken off what a sale brings. A fee in base is
taken off what arrives and given on top of what is sold. Four factors say all of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from msgspec import Struct

from scanner.types import FeeIn, Market

Level = tuple[float, float]
NONE = Fraction(0)


class Terms(Struct, frozen=True, kw_only=True):
    """``buy_base``: base that arrives for one bought, ``buy_quote``: quote paid for one of its
    price; ``sell_base``: base given for one sold, ``sell_quote``: quote that comes of one.
    ``step``: the lot in base, 0 if none is known or it is no fixed amount of base."""

    market: Market
    buy_base: float
    buy_quote: float
    sell_base: float
    sell_quote: float
    step: Fraction
    price_scale: float
    size_scale: float

    @classmethod
    def of(cls, market: Market) -> Terms:
        fee, size = market.fee_rate, market.contract_size
        if not market.inverse:
            size *= market.multiplier
        buys_base, sells_base = market.buy_fee_in is FeeIn.BASE, market.sell_fee_in is FeeIn.BASE
        return cls(
            market=market,
            buy_base=1 - fee if buys_base else 1.0,
            buy_quote=1.0 if buys_base else 1 + fee,
            sell_base=1 + fee if sells_base else 1.0,
            sell_quote=1.0 if sells_base else 1 - fee,
            step=NONE if market.inverse else exact(market.lot) * exact(size),
            price_scale=1 / market.multiplier,
            size_scale=size,
        )

    def floor(self, levels: Sequence[Level], size: float) -> float:
        """``size`` (base, of ``levels``) rounded down to whole lots."""
        if not self.market.inverse:
            return floor(size, self.step)
        notional = floor(value(levels, size), exact(self.market.lot) * exact(self.size_scale))
        return affordable(levels, notional)

    def ceil(self, levels: Sequence[Level], size: float) -> float:
        """``size`` (base, of ``levels``) rounded up to whole lots."""
        if not self.market.inverse:
            return ceil(size, self.step)
        notional = ceil(value(levels, size), exact(self.market.lot) * exact(self.size_scale))
        return affordable(levels, notional)

    def too_small(self, size: float, notional: float) -> float:
        """By what part an order is under the venue's smallest; 0 if it is not."""
        amount = notional if self.market.inverse else size
        asked = (self.market.min_amount * self.size_scale, amount)
        return max(_missing(*asked), _missing(self.market.min_notional, notional))


def _missing(least: float, there: float) -> float:
    return 1 - there / least if least > there else 0.0


def exact(number: float) -> Fraction:
    """The decimal that a float stands for, of up to 14 digits: 0.1 + 0.2 is 0.3."""
    return Fraction(*Decimal(f"{number:.14g}").as_integer_ratio())


@lru_cache(4096)
def common(one: Fraction, other: Fraction) -> Fraction:
    """The least that is a multiple of both lots (0: no lot)."""
    if not one or not other:
        return one or other
    scale = math.lcm(one.denominator, other.denominator)
    return Fraction(math.lcm(int(one * scale), int(other * scale)), scale)


def floor(size: float, step: Fraction) -> float:
    """``size`` rounded down to a multiple of ``step``."""
    if not step:
        return size
    units, scale = _decimal(size)
    steps = units * step.denominator // (scale * step.numerator)
    return steps * step.numerator / step.denominator


def ceil(size: float, step: Fraction) -> float:
    """``size`` rounded up to a multiple of ``step``."""
    if not step:
        return size
    units, scale = _decimal(size)
    steps = -(-units * step.denominator // (scale * step.numerator))
    return steps * step.numerator / step.denominator


# What is open is rounded again and again, mostly to the same sizes.
@lru_cache(4096)
def _decimal(size: float) -> tuple[int, int]:
    """A sum of sizes without its noise, as a reduced fraction: the decimal of 14 digits that it
    stands for. So three tenths are three lots of 0.1, whatever 0.1 + 0.2 is in binary."""
    return Decimal(f"{size:.14g}").as_integer_ratio()


def value(levels: Sequence[Level], size: float) -> float:
    """Quote paid or received for ``size`` taken from the best level on."""
    total = []
    left = size
    for price, available in levels:
        if left <= available:
            total.append(price * left)
            break
        total.append(price * available)
        left -= available
    return math.fsum(total)


def affordable(levels: Sequence[Level], notional: float) -> float:
    """The size that ``notional`` (quote) takes from the best level on."""
    total = []
    left = notional
    for price, available in levels:
        take = min(left / price, available)
        total.append(take)
        left -= take * price
        if left <= 0:
            break
    return math.fsum(total)
