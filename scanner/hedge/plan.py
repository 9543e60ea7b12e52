"""A hedge: a holding, a short against it, and what becomes of both at other prices.

``net = H (P - S) + short + funding - costs + yield`` with H the holding, S its price now and P the
price then, at which the short is bought back too: whatever basis there is has closed. The holding
stays, so the fees are those of two trades, the short's entry and its exit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from scanner.hedge.contract import Short

STEPS = (-0.1, -0.05, 0.0, 0.05, 0.1)


class Hedge(Struct, frozen=True, kw_only=True):
    """``quantity`` of base at ``spot_price``, and the ``short``.

    ``fee_rate`` is that of each of the short's trades. ``entry_spread`` and ``exit_spread`` (quote)
    are what each loses against the middle beside its fee; that of the entry is in the price of
    ``short`` already. ``funding_rate`` is paid to the short at each of
    ``intervals`` boundaries (negative: by it). ``earned`` (quote): what the holding itself brings
    while it is locked.
    """

    quantity: float
    spot_price: float
    short: Short
    fee_rate: float = 0.0
    entry_spread: float = 0.0
    exit_spread: float = 0.0
    funding_rate: float = 0.0
    intervals: int = 1
    earned: float = 0.0

    @property
    def residual(self) -> float:
        """Base that is not hedged; below zero: more is short than held."""
        return self.quantity - self.short.quantity

    @property
    def basis(self) -> float:
        """``F/S - 1``, a fraction."""
        return self.short.entry / self.spot_price - 1

    @property
    def value_gap(self) -> float:
        """Value of the short less that of what it hedges, in quote: the basis in money."""
        return self.short.quantity * (self.short.entry - self.spot_price)

    @property
    def funding(self) -> float:
        """Received at the boundaries, in quote, on the notional at entry.

        Each boundary really pays on the mark price of its own moment (``-side x notional x rate``),
        which nobody knows in advance.
        """
        return self.short.notional(self.short.entry) * self.funding_rate * self.intervals

    @property
    def entry_cost(self) -> float:
        """Its fee and its spread, in quote."""
        return self._fee(self.short.entry) + self.entry_spread

    def exit_cost(self, price: float) -> float:
        """Likewise, where the middle is ``price``."""
        return self._fee(price) + self.exit_spread

    def costs(self, price: float) -> float:
        """What is lost beside the prices of both: the fees, and the spread of the exit at
        ``price``, in quote."""
        return self._fee(self.short.entry) + self.exit_cost(price)

    def _fee(self, price: float) -> float:
        return self.short.notional(price) * self.fee_rate


class Row(Struct, frozen=True, kw_only=True):
    """All in quote; ``net`` is the sum, with ``costs`` taken off. ``earned`` is the yield."""

    price: float
    spot_pnl: float
    short_pnl: float
    funding: float
    costs: float
    earned: float
    net: float


def row(hedge: Hedge, price: float) -> Row:
    """What has become of it when the price is ``price``."""
    spot = hedge.quantity * (price - hedge.spot_price)
    short = hedge.short.profit(price)
    costs = hedge.costs(price)
    return Row(
        price=price,
        spot_pnl=spot,
        short_pnl=short,
        funding=hedge.funding,
        costs=costs,
        earned=hedge.earned,
        net=math.fsum((spot, short, hedge.funding, -costs, hedge.earned)),
    )


def prices_around(price: float) -> tuple[float, ...]:
    """Where to look if nobody says: at the price now and 5 and 10 % around it."""
    return tuple(float(f"{price * (1 + step):.12g}") for step in STEPS)


def break_even_intervals(hedge: Hedge) -> int | None:
    """Boundaries until what they pay has brought in the costs, at the prices now; None: never.

    ``ceil((costs - basis gained) / funding per interval)``: a short above spot gains the basis when
    it closes.
    """
    lost = hedge.costs(hedge.spot_price) - hedge.value_gap - hedge.earned
    if lost <= 0:
        return 0
    paid = hedge.short.notional(hedge.short.entry) * hedge.funding_rate
    return math.ceil(lost / paid * (1 - 1e-12)) if paid > 0 else None


def rows(hedge: Hedge, prices: Sequence[float]) -> list[Row]:
    """A row for each price."""
    return [row(hedge, price) for price in prices]
