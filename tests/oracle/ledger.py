"""An exchange's books of account for one short, kept slowly: every mark, payment and fill is booked
as it comes, in fractions. Nothing here knows how the scanner adds up a hedge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

Fill = tuple[Fraction, Fraction]
"""A price (quote for one coin), and how many contracts."""


@dataclass
class Account:
    """What is settled in the contract's own money: quote, or coins if ``inverse``.

    ``size``: base of one contract, or quote. ``gains`` come from marks, ``fees`` (positive) go,
    ``funding`` comes; each booking of the last two with the price of its moment.
    """

    size: Fraction
    inverse: bool
    fee_rate: Fraction
    contracts: Fraction = Fraction(0)
    mark: Fraction = Fraction(0)
    gains: Fraction = Fraction(0)
    fees: list[tuple[Fraction, Fraction]] = field(default_factory=list)
    funding: list[tuple[Fraction, Fraction]] = field(default_factory=list)

    def sell(self, fills: Sequence[Fill], mark: Fraction) -> None:
        """Open the short."""
        for price, contracts in fills:
            self._gain(contracts, price, mark)
            self._fee(contracts, price)
            self.contracts += contracts
        self.mark = mark

    def move(self, mark: Fraction) -> None:
        """A new mark: what it changes is settled at once."""
        self._gain(self.contracts, self.mark, mark)
        self.mark = mark

    def settle(self, rate: Fraction) -> None:
        """A boundary of funding: the short receives ``rate`` of the notional at the mark."""
        self.funding.append((self.worth(self.contracts, self.mark) * rate, self.mark))

    def buy_back(self, fills: Sequence[Fill]) -> None:
        """Close it."""
        for price, contracts in fills:
            self._gain(contracts, self.mark, price)
            self._fee(contracts, price)
            self.contracts -= contracts
        assert self.contracts == 0

    def worth(self, contracts: Fraction, price: Fraction) -> Fraction:
        """In the money of the account."""
        return contracts * self.size / price if self.inverse else contracts * self.size * price

    def _gain(self, contracts: Fraction, before: Fraction, after: Fraction) -> None:
        # A short of an inverse contract owes quote and holds coins: as the price falls, the same
        # quote is more coins.
        change = self.worth(contracts, after) - self.worth(contracts, before)
        self.gains += change if self.inverse else -change

    def _fee(self, contracts: Fraction, price: Fraction) -> None:
        self.fees.append((self.worth(contracts, price) * self.fee_rate, price))

    @property
    def balance(self) -> Fraction:
        """What it has come to."""
        paid = sum((fee for fee, _ in self.fees), Fraction(0))
        return self.gains - paid + sum((cash for cash, _ in self.funding), Fraction(0))


def filled(levels: Sequence[Fill], contracts: Fraction) -> list[Fill]:
    """The fills of an order of so many contracts over these levels, best first."""
    fills, left = [], contracts
    for price, there in levels:
        take = min(left, there)
        if take:
            fills.append((price, take))
        left -= take
    assert left == 0, "the book does not hold it"
    return fills
