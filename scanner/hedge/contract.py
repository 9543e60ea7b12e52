"""A short position in a contract: its size, its profit and loss, its margin.

Linear: one contract is ``contract_size`` of base, settled in quote. Inverse: one contract is
``contract_size`` of quote, settled in base; a short of N of them, each worth V, earns
``N V (1/P - 1/F)`` of base when the price goes from F to P (the exchanges' contract specifications;
Deng, Pan, Zhang and Zou, Minimum-variance hedging of bitcoin inverse futures).
"""

from __future__ import annotations

from fractions import Fraction

from msgspec import Struct

ROUNDING = Fraction(1, 10**9)


class Contract(Struct, frozen=True, kw_only=True):
    """What is sold short. ``contract_size``: base per contract, quote if ``inverse``; ``lot`` and
    ``minimum`` in contracts (``lot`` 0: any size can be had)."""

    contract_size: float = 1.0
    inverse: bool = False
    lot: float = 0.0
    minimum: float = 0.0


class Short(Struct, frozen=True, kw_only=True):
    """``contracts`` sold at the average price ``entry`` (quote per base)."""

    contract: Contract
    contracts: float
    entry: float

    @property
    def quantity(self) -> float:
        """What it hedges, in base: the price moves its value by so much."""
        units = self.contracts * self.contract.contract_size
        return units / self.entry if self.contract.inverse else units

    def notional(self, price: float) -> float:
        """Its value at ``price``, in quote."""
        units = self.contracts * self.contract.contract_size
        return units if self.contract.inverse else units * price

    def profit(self, price: float) -> float:
        """Profit and loss in quote when it is bought back at ``price``.

        Of an inverse contract the profit in base is valued at ``price``:
        ``N V (1/P - 1/F) P = N V (1 - P/F)``, which is linear in the price like the other.
        """
        return self.quantity * (self.entry - price)

    def profit_in_base(self, price: float) -> float:
        """As ``profit``, in base: what an inverse contract really pays."""
        if price <= 0:
            raise ValueError("a price is positive")
        return self.profit(price) / price

    def margin(self, leverage: float) -> float:
        """Initial margin in quote at ``leverage`` (1: all of the notional)."""
        return self.notional(self.entry) / leverage

    def liquidation_price(self, leverage: float, maintenance: float) -> float | None:
        """The price at which its own margin is used up; None if no price does that.

        ``maintenance``: part of the notional that must be left. Linear, isolated:
        ``F (1 + 1/L) / (1 + m)``. Inverse, with ``N V / (F L)`` of base as margin: what the loss
        ``N V (1/F - 1/P)`` leaves of it is ``m N V / P`` at ``P = F (1 - m) / (1 - 1/L)``; at a
        leverage of 1 the margin is the coin itself, and no price takes it.
        """
        if not self.contract.inverse:
            return self.entry * (1 + 1 / leverage) / (1 + maintenance)
        left = (1 - 1 / leverage) / (1 - maintenance)
        return self.entry / left if left > 0 else None


class TooSmall(Exception):
    """Less than one contract, or than the venue takes; ``least`` is that, in base."""

    def __init__(self, least: float) -> None:
        super().__init__(f"the smallest short is {least:.10g}")
        self.least = least


def short_of(quantity: float, price: float, contract: Contract) -> Short:
    """The short at ``price`` that comes nearest to ``quantity`` of base. Raises ``TooSmall``.

    It matches base, not notional: where the contract's price differs from spot, the two values
    differ by the basis, and only equal quantities cancel when the price moves.
    """
    per_contract = Fraction(contract.contract_size)
    if contract.inverse:
        per_contract /= Fraction(price)
    wanted = Fraction(quantity) / per_contract
    contracts = wanted
    if contract.lot > 0:
        lot = Fraction(str(contract.lot))
        contracts = round(wanted / lot) * lot
    least = max(Fraction(str(contract.minimum)), Fraction(str(contract.lot)))
    if contracts <= 0 or contracts < least * (1 - ROUNDING):
        raise TooSmall(float(least * per_contract))
    return Short(contract=contract, contracts=float(contracts), entry=price)
