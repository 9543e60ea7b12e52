"""How large a trade may be: ``scanner.engine.costs.walk`` on the books themselves.

The arithmetic is that of ``costs.walk``, step by step, so that both say the same to the last digit;
only that this needs no list of levels, however deep a trade reaches.
"""

from __future__ import annotations

import math

from scanner.engine import reach
from scanner.engine.conversion import Exchange
from scanner.engine.costs import EDGE, Caps
from scanner.engine.terms import Terms
from scanner.types import Side


def measure(
    context: int,
    route: tuple[int, int],
    terms: tuple[Terms, Terms],
    exchange: Exchange | None,
    caps: Caps,
) -> tuple[tuple[float, str], int]:
    """What ``costs.walk`` comes to for this route over all levels of its books; and how many levels
    of a ladder that took at most."""
    book, side, rate, unit, budget = reach.NOTHING, int(Side.BID), 1.0, 1.0, math.inf
    if exchange is not None:
        book, side, budget = exchange.book, int(exchange.side), exchange.budget
        rate, unit = exchange.factors()
    size, bound, levels = reach.steps(
        context, *route, book, side, rate, unit, caps.spend, caps.give, budget
    )
    return (size, _name(bound, terms, exchange, caps)), levels


def _name(bound: int, terms: tuple[Terms, Terms], exchange: Exchange | None, caps: Caps) -> str:
    """What ``costs.walk`` calls it."""
    match bound:
        case reach.BY_EDGE:
            return EDGE
        case reach.BY_SPEND:
            return caps.spend_of
        case reach.BY_GIVE:
            return caps.give_of
        case reach.BY_BUDGET:
            return exchange.budget_of if exchange is not None else ""
        case reach.BY_RATES:
            return f"depth of {exchange.venue if exchange is not None else ''}"
    return f"depth of {terms[bound == reach.BY_BIDS].market.venue}"
