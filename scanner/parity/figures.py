"""How far from one for one two currencies trade, at a size that can be executed. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from msgspec import Struct

from scanner.engine.terms import Level, affordable, value

BPS = 1e4
PAR = 1.0
WITHIN = (10.0, 50.0, 100.0)

Side = Sequence[Level]


class Price(Struct, frozen=True, kw_only=True):
    """What one of the first currency is worth in the second: ``size`` of it (base) can be sold at
    ``bid`` and bought at ``ask``, on average and before fees. ``depths``: what stands within 10, 50
    and 100 bps of the middle, in base, both sides added."""

    bid: float
    ask: float
    size: float
    depths: tuple[float, ...]

    @property
    def bid_bps(self) -> float:
        """``1e4 ln(bid)``: 0 at parity."""
        return deviation(self.bid)

    @property
    def ask_bps(self) -> float:
        """``1e4 ln(ask)``: 0 at parity."""
        return deviation(self.ask)

    @property
    def bps(self) -> float:
        """The middle between both."""
        return (self.bid_bps + self.ask_bps) / 2


class Standing(Struct, frozen=True, kw_only=True):
    """How a pair stands somewhere. ``price``: None where ``reason`` says why there is none;
    ``fee_bps``: of the order or orders of one way; ``there_and_back_bps``: what leaving and coming
    back at once would cost, fees included."""

    venue: str
    symbol: str
    via: str
    price: Price | None
    reason: str = ""
    fee_bps: float = 0.0
    there_and_back_bps: float = 0.0


def deviation(price: float) -> float:
    """``1e4 ln(price)``: how far a price is from 1, bps; the same in both directions."""
    return BPS * math.log(price)


def direct(bids: Side, asks: Side, size: float) -> Price | None:
    """By the book of the pair itself, for ``size`` (base) or, of a thin book, what it holds; None
    where a side is empty or both cross."""
    if not bids or not asks or bids[0][0] >= asks[0][0]:
        return None
    size = min(size, total(bids), total(asks))
    return Price(
        bid=value(bids, size) / size,
        ask=value(asks, size) / size,
        size=size,
        depths=tuple(sum(standing(side, bids, asks, w) for side in (bids, asks)) for w in WITHIN),
    )


def implied(first: tuple[Side, Side], second: tuple[Side, Side], size: float) -> Price | None:
    """Through a coin: ``first`` are (bids, asks) of the coin in the first currency, ``second`` of
    it in the other. Whoever sells the first currency buys the coin with it and sells that for the
    second, and the other way round; ``size`` is in the first currency. Depths are those of the
    thinner of both books."""
    if not all((*first, *second)):
        return None
    coins = min(*map(total, first), *map(total, second))
    size = min(size, *(value(side, coins) for side in first))
    bought, sold = affordable(first[1], size), affordable(first[0], size)
    return Price(
        bid=value(second[0], bought) / size,
        ask=value(second[1], sold) / size,
        size=size,
        depths=tuple(
            min(
                sum(standing(side, *book, within) * book[0][0][0] for side in book)
                for book in (first, second)
            )
            for within in WITHIN
        ),
    )


def standing(side: Side, bids: Side, asks: Side, within: float) -> float:
    """The base that stands on one side within so many bps of the middle of the touch."""
    middle = (bids[0][0] + asks[0][0]) / 2
    return math.fsum(
        size for price, size in side if abs(deviation(price / middle)) <= within + 1e-9
    )


def total(side: Side) -> float:
    """All that stands on one side, in base."""
    return math.fsum(size for _, size in side)


def pegged_to(currency: str, stablecoins: Mapping[str, str]) -> str:
    """The money that a currency is worth one of: its own peg, or itself where others are pegged to
    it; empty: none."""
    if currency in stablecoins:
        return stablecoins[currency]
    return currency if currency in stablecoins.values() else ""


def at_par(base: str, quote: str, stablecoins: Mapping[str, str]) -> bool:
    """Whether one of each should be worth the same."""
    peg = pegged_to(base, stablecoins)
    return base != quote and bool(peg) and peg == pegged_to(quote, stablecoins)


def ordered(one: str, other: str, stablecoins: Mapping[str, str]) -> tuple[str, str]:
    """Which is priced in which: a coin in its money, else the later of ``stablecoins`` in the
    earlier (``USDC/USDT``)."""
    places = {name: place for place, name in enumerate(stablecoins)}
    first, second = sorted((one, other), key=lambda name: places.get(name, -1))
    return second, first
