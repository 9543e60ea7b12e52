"""Paper fills of what has more orders than a pair (``paper`` fills those of a pair)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from scanner.books.store import BookStore
from scanner.engine.conversion import Exchange
from scanner.engine.following import Fill
from scanner.engine.gates import Rejection
from scanner.engine.paper import TOO_FAR, deep_enough, enough, too_little
from scanner.engine.terms import Terms, value
from scanner.types import Side


class Sized(Struct, frozen=True):
    """One order as it was flagged: ``size`` (base) of ``book`` is bought (asks) or sold (bids)."""

    book: int
    side: Side
    size: float
    terms: Terms


def fill_all(store: BookStore, orders: Sequence[Sized], suspect_bps: float) -> Fill | str:
    """What orders in one coin and currency leave together, each at its size; or why that is not
    known, as in ``paper.fill``."""
    cost = came = dearest = 0.0
    cheapest = math.inf
    for order in orders:
        ladder = enough(store, order.book, order.side, order.size)
        if not ladder:
            return too_little(order.terms)
        worth = value(ladder, order.size)
        if order.side is Side.ASK:
            cost += worth * order.terms.buy_quote
            cheapest = min(cheapest, ladder[0][0])
        else:
            came += worth * order.terms.sell_quote
            dearest = max(dearest, ladder[0][0])
    if (dearest / cheapest - 1) * 1e4 > suspect_bps:
        return TOO_FAR
    return Fill(came - cost, (came - cost) / cost * 1e4)


def fill_loop(
    store: BookStore, hops: Sequence[Exchange], size: float, suspect_bps: float
) -> Fill | str:
    """What a loop leaves of ``size`` of the currency that it begins with, each order taking what
    the one before it brings; or why that is not known. In bps of what is put in."""
    put_in, gained, amount = 0.0, 1.0, size
    for hop in hops:
        assert hop.terms is not None
        there = deep_enough(store, hop, amount)
        if not there.levels:
            return too_little(hop.terms)
        best = there.levels[0][0]
        gained *= best if hop.side is Side.BID else 1 / best
        done = there.convert(amount)
        if isinstance(done, Rejection):
            return f"less comes of it than the smallest order on {hop.venue}"
        put_in = put_in or done.given
        amount = done.got
    if (gained - 1) * 1e4 > suspect_bps:
        return TOO_FAR
    return Fill(amount - put_in, (amount - put_in) / put_in * 1e4)
