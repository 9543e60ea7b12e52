"""The best carry of each contract for whoever looks, whether it is worth it or not. Pure.

What is reckoned is kept until its coin is looked at again, a second later: looking often costs
little, and not looking nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from msgspec import Struct

from scanner.engine.tracker import Life
from scanner.events import Opportunity

Route: TypeAlias = tuple[int, int]
Reckon: TypeAlias = Callable[[str, Route, int], tuple[Opportunity, bool] | None]
# Of each contract at most so many are tried before it is left without one.
TRIED = 3
SECOND = 1_000_000_000
# A coin that has not been looked at for so long is looked at no more.
UNSEEN = 5 * SECOND


class Near(Struct, frozen=True):
    """What the first unit leaves, a fraction of what it costs; which two books, of which kind; the
    symbol that is sold, and both venues."""

    first: float
    kind: str
    route: Route
    symbol: str
    venues: tuple[str, str]


class Best(Struct, frozen=True):
    """The best of a contract: its state (without an id if it is not open), whether it is open, and
    whether an order for it can be made, which leaves something then."""

    state: Opportunity
    open: bool
    whole: bool


class Nearest:
    """``opened``: what is open; ``reckon`` gives the state of what is not."""

    def __init__(self, opened: Mapping[Route, Life], reckon: Reckon) -> None:
        self._opened = opened
        self._reckon = reckon
        self._looked: dict[str, tuple[int, Sequence[Near]]] = {}
        self._reckoned: dict[Route, tuple[int, tuple[Opportunity, bool] | None]] = {}

    def note(self, coin: str, looked: Sequence[Near], at: int) -> None:
        """The coin has been looked at: these are the routes of which both books may be believed."""
        self._looked[coin] = at, looked

    def best(self, at: int, venue: str = "") -> dict[str, Best]:
        """By the symbol that is sold: of what is open that which leaves most, else of the others.
        ``venue``: only those with a leg there."""
        by_symbol: dict[str, list[tuple[int, Near]]] = {}
        for seen_at, looked in self._looked.values():
            for near in looked if at - seen_at <= UNSEEN else ():
                if not venue or venue in near.venues:
                    by_symbol.setdefault(near.symbol, []).append((seen_at, near))
        kept = self._reckoned
        self._reckoned = {}
        found = {}
        for symbol, those in by_symbol.items():
            those.sort(key=lambda one: (one[1].route not in self._opened, -one[1].first))
            best = next(self._states(those[:TRIED], kept, at), None)
            if best is not None:
                found[symbol] = best
        return found

    def _states(
        self,
        those: Sequence[tuple[int, Near]],
        kept: Mapping[Route, tuple[int, tuple[Opportunity, bool] | None]],
        at: int,
    ) -> Iterator[Best]:
        for seen_at, near in those:
            life = self._opened.get(near.route)
            if life is not None:
                yield Best(life.last, True, True)
                continue
            known = kept.get(near.route)
            if known is None or known[0] != seen_at:
                known = seen_at, self._reckon(near.kind, near.route, at)
            self._reckoned[near.route] = known
            if known[1] is not None:
                yield Best(known[1][0], False, known[1][1])
