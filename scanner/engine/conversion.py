"""Turning one quote currency into another at a real book: both sides, depth, lots and fee."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from scanner.engine.gates import Gate, Rejection
from scanner.engine.terms import Level, Terms, affordable, value
from scanner.types import Side


class Converted(Struct, frozen=True):
    """An order that converts: ``given`` of one currency brings ``got`` of the other, fee and all.
    ``size`` in the base of its market, ``worth`` in the quote of it, at ``levels``; ``plain`` is
    the rate before the fee."""

    exchange: Exchange
    given: float
    got: float
    size: float
    worth: float
    plain: float


class Exchange(Struct, frozen=True, kw_only=True):
    """Where and how it can be done. ``side`` is the one that is taken: bids sell the currency that
    is there for the quote of the market, asks buy the base of it. ``budget``: the most that may be
    given, of the currency that is there, and ``budget_of`` who says so. Without ``terms`` it is a
    ``rate`` that the user states, at no fee and any depth; ``symbol`` then names both currencies.
    """

    book: int = -1
    terms: Terms | None = None
    side: Side = Side.BID
    levels: Sequence[Level] = ()
    budget: float = math.inf
    budget_of: str = ""
    rate: float = 0.0
    symbol: str = ""

    @property
    def venue(self) -> str:
        """Where; empty for a stated rate."""
        return self.terms.market.venue if self.terms else ""

    def ladder(self) -> list[Level]:
        """(what one of the currency given brings after the fee, how much can be given), best
        first."""
        rate, unit = self.factors()
        if self.terms is None:
            return [(rate, math.inf)]
        if self.side is Side.BID:
            return [(price * rate, size * unit) for price, size in self.levels]
        return [(rate / price, price * size * unit) for price, size in self.levels]

    def factors(self) -> tuple[float, float]:
        """What the fee makes of a price, and how much has to be given for what a level shows."""
        terms = self.terms
        if terms is None:
            return self.rate, 1.0
        if self.side is Side.BID:
            return terms.sell_quote / terms.sell_base, terms.sell_base
        return terms.buy_base / terms.buy_quote, terms.buy_quote

    def convert(self, amount: float) -> Converted | Rejection:
        """The order for ``amount`` of the currency given, in whole lots; what they leave over is
        counted as nothing."""
        terms = self.terms
        if terms is None:
            return Converted(self, amount, amount * self.rate, amount, amount, self.rate)
        size = self._lots(terms, amount)
        if size <= 0 or terms.too_small(size, value(self.levels, size)) > 0:
            return Rejection(Gate.CONVERSION)
        return self._order(terms, size)

    def bring(self, amount: float) -> Converted | None:
        """The smallest order in whole lots that brings ``amount``; None where the venue takes none
        so small."""
        terms = self.terms
        if terms is None:
            given = amount / self.rate
            return Converted(self, given, amount, given, given, self.rate)
        if self.side is Side.BID:
            size = terms.ceil(self.levels, affordable(self.levels, amount / terms.sell_quote))
        else:
            size = terms.ceil(self.levels, amount / terms.buy_base)
        too_small = terms.too_small(size, value(self.levels, size)) > 0
        return None if too_small else self._order(terms, size)

    def refused(self, amount: float) -> Rejection:
        """Why there is no order for ``amount``: it is less than a lot, or than the venue takes."""
        terms = self.terms
        if terms is None:
            return Rejection(Gate.CONVERSION)
        size = self._lots(terms, amount)
        if size > 0:
            return Rejection(Gate.SIZE, terms.too_small(size, value(self.levels, size)) * 1e4)
        wanted = self._size(terms, amount)
        return Rejection(Gate.LOT, (1 - wanted / max(float(terms.step), wanted)) * 1e4)

    def _size(self, terms: Terms, amount: float) -> float:
        if self.side is Side.BID:
            return amount / terms.sell_base
        return affordable(self.levels, amount / terms.buy_quote)

    def _lots(self, terms: Terms, amount: float) -> float:
        return terms.floor(self.levels, self._size(terms, amount))

    def _order(self, terms: Terms, size: float) -> Converted:
        worth = value(self.levels, size)
        if self.side is Side.BID:
            given, got = size * terms.sell_base, worth * terms.sell_quote
            return Converted(self, given, got, size, worth, worth / size)
        given, got = worth * terms.buy_quote, size * terms.buy_base
        return Converted(self, given, got, size, worth, size / worth)
