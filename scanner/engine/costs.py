"""What a trade of a given size over two ladders costs and leaves, line by line.

The kernel finds the size; this recomputes it once, from the levels that are kept as evidence.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

Level = tuple[float, float]
ROUNDING = 1e-9


class Result(Struct, frozen=True):
    """``size`` in base, the rest in quote or bps (``scanner.types.Opportunity``); ``buy`` and
    ``sell`` are the levels that the size reaches."""

    size: float
    gross_bps: float
    net_bps: float
    net_profit: float
    buy: tuple[Level, ...]
    sell: tuple[Level, ...]


def best_size(
    asks: Sequence[Level], bids: Sequence[Level], buy_fee: float, sell_fee: float
) -> float:
    """The size (base) at which the marginal net edge ends; 0 if it never begins."""
    i = j = 0
    size = 0.0
    ask_left = asks[0][1] if asks else 0.0
    bid_left = bids[0][1] if bids else 0.0
    while i < len(asks) and j < len(bids):
        if bids[j][0] * (1 - sell_fee) <= asks[i][0] * (1 + buy_fee):
            break
        take = min(ask_left, bid_left)
        size += take
        ask_left -= take
        bid_left -= take
        if ask_left <= 0:
            i += 1
            ask_left = asks[i][1] if i < len(asks) else 0.0
        if bid_left <= 0:
            j += 1
            bid_left = bids[j][1] if j < len(bids) else 0.0
    return size


def round_down(size: float, lots: Sequence[float]) -> float:
    """The largest multiple of every lot at once that is not above ``size`` (0: no lot known).

    Lots and sizes are decimals that have become floats: they are taken for the decimals that they
    were, of up to 14 digits, so that three lots of 0.1 are 0.3 whatever 0.1 + 0.2 is in binary.
    Rounding to one lot after the other would not do: a multiple of 0.5 below a multiple of 0.3 need
    be none of 0.3.
    """
    known = [_ratio(lot) for lot in lots if lot > 0]
    if not known:
        return size
    # The least common multiple of reduced fractions.
    step = math.lcm(*(numerator for numerator, _ in known))
    parts = math.gcd(*(denominator for _, denominator in known))
    numerator, denominator = _ratio(size)
    return numerator * parts // (denominator * step) * step / parts


def _ratio(value: float) -> tuple[int, int]:
    """The decimal that a float stands for, as a reduced fraction."""
    return Decimal(f"{value:.14g}").as_integer_ratio()


def reached(levels: Sequence[Level], size: float) -> tuple[Level, ...]:
    """The levels, best first, that a taker of ``size`` meets."""
    used: list[Level] = []
    left = size
    for level in levels:
        if left <= size * ROUNDING:
            break
        used.append(level)
        left -= level[1]
    return tuple(used)


def value(levels: Sequence[Level], size: float) -> float:
    """Quote paid or received for ``size`` taken from the best level on."""
    total = []
    left = size
    for price, available in levels:
        take = min(left, available)
        total.append(price * take)
        left -= take
        if left <= 0:
            break
    return math.fsum(total)


def evaluate(
    asks: Sequence[Level],
    bids: Sequence[Level],
    buy_fee: float,
    sell_fee: float,
    lots: Sequence[float] = (),
) -> Result | None:
    """The best size after rounding, and all that follows from it; None if nothing is left."""
    size = round_down(best_size(asks, bids, buy_fee, sell_fee), lots)
    if size <= 0:
        return None
    paid, received = value(asks, size), value(bids, size)
    cost = paid * (1 + buy_fee)
    gross, net = received - paid, received * (1 - sell_fee) - cost
    return Result(
        size,
        gross / paid * 1e4,
        net / cost * 1e4,
        net,
        reached(asks, size),
        reached(bids, size),
    )
