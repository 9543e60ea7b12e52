"""What a short has received through funding since it was opened, by what is stored. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from scanner.hedge.contract import Short

# Venues name the boundary to the second at worst.
ROUNDED = 1_000_000_000


class Paid(Struct, frozen=True):
    """One payment of funding: ``rate`` of the notional, at the boundary ``at`` (ns), for
    ``interval`` ns (0: not said). ``mark``: what one coin stood at then (None: not stored)."""

    at: int
    rate: float
    interval: int
    mark: float | None


class Received(Struct, frozen=True, kw_only=True):
    """``amount``: in quote, what all payments since opening came to (negative: paid; None: not
    known). ``known``: the sum of the ``payments`` that are known, be they all or not, of which
    ``earned`` came in and ``given`` (positive) went out. ``since``: the boundary of the first (ns,
    0: none). ``at_entry``: how many of them are valued at the entry price, no mark of then being
    stored."""

    amount: float | None = None
    known: float = 0.0
    payments: int = 0
    earned: float = 0.0
    given: float = 0.0
    since: int = 0
    at_entry: int = 0


def received(short: Short, paid: Sequence[Paid] | None, opened: int | None, at: int) -> Received:
    """From ``opened`` to ``at`` (ns). ``-side x notional(mark) x rate`` at each boundary; of an
    inverse contract the notional in quote is the same at any mark. Where no mark is stored, as of
    what was paid before the first scan, the entry price stands for it.

    The amount is known only if no boundary is missing: each payment begins where the one before
    ended, the first before the opening, and the next one is not due yet.
    """
    if paid is None or opened is None or opened > at:
        return Received()
    ordered = sorted((one for one in paid if one.at <= at), key=lambda one: one.at)
    since = [one for one in ordered if one.at > opened]
    cash = [one.rate * short.notional(one.mark or short.entry) for one in since]
    marked = short.contract.inverse or all(one.mark for one in since)
    return Received(
        amount=sum(cash) if _gapless(ordered, opened, at) else None,
        known=sum(cash),
        payments=len(cash),
        earned=sum(value for value in cash if value > 0),
        given=-sum(value for value in cash if value < 0),
        since=since[0].at if since else 0,
        at_entry=0 if marked else sum(not one.mark for one in since),
    )


def _gapless(paid: Sequence[Paid], opened: int, at: int) -> bool:
    """No boundary is missing in all of ``paid``, which may begin before the opening."""
    before = max((one for one in paid if one.at <= opened), key=lambda one: one.at, default=None)
    chain = [one for one in paid if one.at > opened]
    last = chain[-1] if chain else before
    if last is None or not all(one.interval for one in (last, *chain)):
        return False
    reached = opened
    for one in chain:
        if one.at - one.interval > reached + ROUNDED:
            return False
        reached = one.at
    return at < last.at + last.interval
