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
    venue, budget_of = "", ""
    if exchange is not None:
        book, side, budget = exchange.book, int(exchange.side), exchange.budget
        (rate, unit), venue, budget_of = exchange.factors(), exchange.venue, exchange.budget_of
    size, bound, levels = reach.steps(
        context, *route, book, side, rate, unit, caps.spend, caps.give, budget
    )
    names = {
        reach.BY_EDGE: EDGE,
        reach.BY_ASKS: f"depth of {terms[0].market.venue}",
        reach.BY_BIDS: f"depth of {terms[1].market.venue}",
        reach.BY_RATES: f"depth of {venue}",
        reach.BY_SPEND: caps.spend_of,
        reach.BY_GIVE: caps.give_of,
        reach.BY_BUDGET: budget_of,
    }
    return (size, names[bound]), levels
