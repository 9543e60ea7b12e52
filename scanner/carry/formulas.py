"""The formulas of carry trades. Pure; rates and bases are fractions, times ns, prices in quote.

Where each comes from is said there. A rate of funding is for the venue's own interval: nothing here
knows an interval that the venue did not say.
"""

from __future__ import annotations

import math

HOUR = 3_600_000_000_000
YEAR = 8760 * HOUR
BPS = 1e4
# What a ratio of 64-bit floats may be too high by before a further payment is counted.
FLOATS = 1e-12


def basis(short: float, long: float) -> float:
    """``F/S - 1``: how far what is sold stands over what is bought."""
    return short / long - 1


def apr(rate: float, interval: int) -> float:
    """A rate a year, not compounded, as venues put it: ``rate x 8760 h / interval``."""
    return rate * YEAR / interval


def dated_apr(gap: float, left: int) -> float:
    """A basis that is gone at expiry, a year: ``basis x 365 / days`` (Schmeling, Schrimpf and
    Todorov, Crypto carry)."""
    return gap * YEAR / left


def payments(at: int, horizon: int, due: int, interval: int) -> int:
    """How many boundaries of funding a position crosses that is held from ``at`` for ``horizon``.

    Funding is cash only at a boundary: the first is ``due``, then one comes each ``interval``.
    One that has passed by ``at`` is not crossed any more.
    """
    passed = max(-((due - at) // interval), 0)
    left = at + horizon - due - passed * interval
    return 0 if left < 0 else 1 + left // interval


def expected(rate: float, later: float, count: int) -> float:
    """The sum of ``count`` payments: the first at the venue's rate for it, the others at what is
    expected of them. Cash of one is ``-side x notional at the mark x rate``."""
    return rate + later * (count - 1) if count > 0 else 0.0


def break_even(lost: float, paid: float) -> int | None:
    """Payments until they have brought in what is lost: ``ceil((entry + exit costs - entry basis +
    exit basis) / net rate)``; None: never."""
    if lost <= 0:
        return 0
    return math.ceil(lost / paid * (1 - FLOATS)) if paid > 0 else None


def break_even_time(lost: float, paid: float, at: int, due: int, interval: int) -> int | None:
    """Until which boundary it has to be held for that, ns from ``at``; None: never."""
    count = break_even(lost, paid)
    if count is None:
        return None
    return due - at + (count - 1) * interval if count else 0


def margin(notional: float, leverage: float) -> float:
    """What has to be put up for a contract: ``notional / leverage``."""
    return notional / leverage


def liquidation(
    entry: float, leverage: float, maintenance: float, *, inverse: bool = False
) -> float | None:
    """The price at which the margin of a short is used up (isolated); None if no price does that.

    Linear: ``F (1 + 1/L) / (1 + m)``. Inverse, margined in the coin: ``F (1 - m) / (1 - 1/L)``.
    Both follow from what is left being the maintenance margin (``scanner.hedge.contract``).
    """
    if not inverse:
        return entry * (1 + 1 / leverage) / (1 + maintenance)
    left = (1 - 1 / leverage) / (1 - maintenance)
    return entry / left if left > 0 else None


def a_year(net: float, capital: float, held: int) -> float:
    """What is left, a year and of the capital that it binds: ``net / capital x 8760 h / held``."""
    return net / capital * YEAR / held
