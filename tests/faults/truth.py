"""What each simulated venue showed, and when: flags are held against it.

It shares nothing with the scanner: levels are taken from the venues' own books, and what a trade
would leave is computed again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from scanner.events import Leg, Opportunity
from scanner.lab.book import ASK, BID, LabBook

NEVER = -1
FOREVER = 1 << 62
EDGE = 1e-4

Place = tuple[str, str]
"""A venue and a symbol."""


class Rule(Struct, frozen=True, kw_only=True):
    """What a flag must keep (ns), ``slack`` allowing for the way from the venue to us.

    ``told``: for how long a level may be gone by what has arrived. Sequence rules doubt messages
    that seem older for a second, and a best bid and offer may lead the depth by a quarter of one.
    """

    max_age: int = 3_000_000_000
    max_skew: int = 1_500_000_000
    told: int = 1_500_000_000
    slack: int = 250_000_000


class Shown:
    """One book over time: of every price and size, when it was shown last."""

    def __init__(self, book: LabBook, at: int) -> None:
        self._book = book
        self._sequence = book.sequence
        self._now: dict[tuple[int, float], tuple[float, int]] = {}
        self._gone: dict[tuple[int, float, float], tuple[int, int]] = {}
        self.crossed_since = FOREVER
        for side in (BID, ASK):
            for price, size in book.levels(side):
                self._now[side, float(price)] = (float(size), at)

    def changed(self, at: int) -> int:
        """The book has changed; how many rows did."""
        changes = self._book.changes_since(self._sequence)
        assert changes is not None, "the book forgets too early"
        self._sequence = self._book.sequence
        for change in changes:
            place = (change.side, float(change.price))
            size = float(change.size)
            before = self._now.get(place)
            if before is not None:
                self._gone[(*place, before[0])] = (before[1], at)
            if size:
                # One that is there again may be known from its first time.
                since = self._gone.get((*place, size), (at, at))[0]
                self._now[place] = (size, since)
            else:
                self._now.pop(place, None)
        bid, ask = self._book.best()
        if bid is None or ask is None or float(bid[0]) < float(ask[0]):
            self.crossed_since = FOREVER
        elif self.crossed_since == FOREVER:
            self.crossed_since = at
        return len(changes)

    def span(self, side: int, price: float, size: float) -> tuple[int, int]:
        """From when first to when last that level was shown; ``NEVER`` if it was not."""
        now = self._now.get((side, price))
        if now is not None and now[0] == size:
            return now[1], FOREVER
        return self._gone.get((side, price, size), (NEVER, NEVER))


def faults_of(
    flag: Opportunity,
    books: dict[Place, Shown],
    told: dict[Place, int],
    down: set[str],
    at: int,
    rule: Rule,
) -> list[str]:
    """Why the flag, seen at the true time ``at``, is false; nothing if it is not.

    ``told``: up to which moment of the venue what reached us unharmed has told of a book.
    ``down``: venues to which there is no connection.
    """
    found: list[str] = []
    spans: list[tuple[int, int]] = []
    for leg in _legs(flag):
        place, side = (leg.venue, leg.symbol), ASK if leg.side == "buy" else BID
        each = [books[place].span(side, price, size) for price, size in leg.levels]
        since = max(start for start, _ in each)
        until = min(end for _, end in each)
        spans.append((since, until))
        name = f"{leg.venue} {leg.symbol} {leg.side} {leg.levels[0]}"
        if until < at - rule.max_age:
            found.append(f"stale: {name}")
        elif until < told.get(place, NEVER) - rule.told:
            found.append(f"contradicted: {name}")
        if leg.venue in down:
            found.append(f"disconnected: {name}")
        if books[place].crossed_since < at - rule.slack - rule.slack:
            found.append(f"crossed: {name}")
    # What converts for a pair has its own bounds.
    compared = spans if flag.legs else spans[:2]
    apart = max(since for since, _ in compared) - min(until for _, until in compared)
    if apart > rule.max_skew + rule.slack:
        found.append(f"skewed: {apart / 1e9:.2f} s")
    return found


def still_false(flag: Opportunity, books: dict[Place, Shown], at: int, rule: Rule) -> list[str]:
    """Why what is open since the state ``flag`` should have been closed by the true time ``at``."""
    found = []
    for leg in _legs(flag):
        side = ASK if leg.side == "buy" else BID
        shown = books[leg.venue, leg.symbol]
        until = min(shown.span(side, price, size)[1] for price, size in leg.levels)
        if until < at - rule.max_age - 3 * rule.slack:
            found.append(f"open all the same: {leg.venue} {leg.symbol} {leg.side} {leg.levels[0]}")
    return found


def _legs(flag: Opportunity) -> list[Leg]:
    legs = list(flag.legs) or [flag.buy, flag.sell]
    if flag.conversion is not None and not flag.conversion.assumed:
        legs.append(flag.conversion)
    return legs


def net_bps(asks: Iterable[tuple[str, str]], bids: Sequence[tuple[str, str]], fee: float) -> float:
    """What the most profitable trade between two books leaves of what its purchase costs, bps."""
    paid = got = 0.0
    rest = iter(bids)
    bid, left = 0.0, 0.0
    for ask_text, size_text in asks:
        ask, size = float(ask_text) * (1 + fee), float(size_text)
        while size > 0:
            if left <= 0:
                row = next(rest, None)
                if row is None:
                    return _bps(got, paid)
                bid, left = float(row[0]) * (1 - fee), float(row[1])
            if bid <= ask:
                return _bps(got, paid)
            part = min(size, left)
            paid += part * ask
            got += part * bid
            size -= part
            left -= part
    return _bps(got, paid)


def _bps(got: float, paid: float) -> float:
    return (got - paid) / paid / EDGE if paid else 0.0
