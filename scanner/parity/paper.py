"""Paper fills of parities: the order that is real, filled again; the way back is assumed again."""

from __future__ import annotations

from scanner.books.store import BookStore
from scanner.engine import costs
from scanner.engine.following import Fill
from scanner.engine.gates import Rejection
from scanner.engine.paper import TOO_FAR, enough, too_little
from scanner.engine.paper_many import Sized
from scanner.engine.terms import value
from scanner.parity.figures import PAR, deviation
from scanner.types import Side


def fill(store: BookStore, order: Sized, back: float, furthest_bps: float) -> Fill | str:
    """What the order leaves once ``back`` (base) of it is turned back at par, at the same fee; or
    why that is not known: not as much is shown, or what looks like a gain is further than
    ``furthest_bps`` from par, where none is flagged either."""
    ladder = enough(store, order.book, order.side, order.size)
    if not ladder:
        return too_little(order.terms)
    buys = order.side is Side.ASK
    gained_bps = deviation(ladder[0][0]) * (-1 if buys else 1)
    if gained_bps > furthest_bps:
        return TOO_FAR
    now, later = value(ladder, order.size), PAR * back
    done = costs.left(*((now, later) if buys else (later, now)), order.terms, order.terms)
    assert not isinstance(done, Rejection), "only a conversion can be too small"
    return Fill(done.net, done.net / done.cost * 1e4)
