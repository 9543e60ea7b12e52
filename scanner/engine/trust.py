"""Whether books may be believed together at a moment: what the kernels ask of two legs before they
compare them (``scanner.engine.ladders.fitness``), asked of any number, and said in words; and what
is barred between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from scanner.books import layout as L
from scanner.books.lag import UNTOLD
from scanner.books.store import BookStore
from scanner.engine.gates import GATES, Gate
from scanner.engine.groups import Groups
from scanner.engine.legs import Traded
from scanner.types import BookState, MarketKind


class Doubt(Struct, frozen=True):
    """Why not: the gate, the reason in words, what is missing as in
    ``scanner.events.RejectMinute``."""

    gate: Gate
    reason: str
    shortfall_bps: float = 0.0


def distrust(store: BookStore, books: Sequence[int], at: int) -> str:
    """Why they may not be believed together at the time ``at`` (ns); empty: they may."""
    found = doubt(store, books, at)
    return found.reason if found is not None else ""


def doubt(store: BookStore, books: Sequence[int], at: int) -> Doubt | None:
    """The same with the gate that it is about; None: they may."""
    max_age, max_skew = store.parameter(L.MAX_AGE), store.parameter(L.MAX_SKEW)
    proven = []
    for book in books:
        state = store.state(book)
        if state is not BookState.LIVE:
            gate = Gate.STALENESS if state is BookState.STALE else Gate.TRUST
            return Doubt(gate, f"a book is {state.name.lower()}")
        proven_at = store.proven_at(book)
        over = at - proven_at - max_age
        if over > 0:
            known = over if proven_at > UNTOLD else 0
            return Doubt(Gate.STALENESS, "a book is too old", known / max_age * 1e4)
        if not store.two_sided(book):
            return Doubt(Gate.TRUST, "a book shows one side only")
        if store.meta(book, L.UNPROVEN) and not store.parameter(L.UNPROVEN_TOO):
            return Doubt(Gate.UNVERIFIED, "nothing proves a book any more")
        proven.append(proven_at)
    over = max(proven) - min(proven) - max_skew
    if over > 0:
        return Doubt(Gate.SKEW, "the books are too far apart in time", over / max_skew * 1e4)
    return None


class Trust:
    """Looks at the books of a store; ``traded`` by the number of the book."""

    def __init__(self, store: BookStore, groups: Groups, traded: Mapping[int, Traded]) -> None:
        self._store = store
        self._groups = groups
        self._traded = traded

    @property
    def max_skew(self) -> int:
        """How far apart in time books may be, ns."""
        return self._store.parameter(L.MAX_SKEW)

    def of(self, books: Sequence[int], at: int) -> Doubt | None:
        """What is wrong with a book, or with their times together; None: nothing is."""
        return doubt(self._store, books, at)

    def barred(self, buy: int, sell: int) -> Gate | None:
        """Why what is bought at the one may not be sold at the other, of the same coin."""
        standing = int(self._groups.record(buy, sell)["standing"])
        return GATES[standing >> 1] if standing > L.STANDS else None

    def apart(self, coin: str, buy: str, sell: str) -> Gate | None:
        """The same of two venues, by all of their books of the coin."""
        group = self._groups.numbers.get(coin)
        if group is None:
            return None
        books = self._groups.books(group)
        there = [book for book in books if self._venue(book) == buy]
        here = [book for book in books if self._venue(book) == sell]
        gates = (self.barred(one, other) for one in there for other in here)
        return next((gate for gate in gates if gate), None)

    def outsiders(self) -> list[int]:
        """The books that are barred from most others of their coin and currency."""
        found = []
        for group in self._groups.numbers.values():
            bars = self._groups.cells(group, L.RECORDS)[:, 0]["standing"] > L.STANDS
            if not bars.any():
                continue
            barred_routes = {
                route for route, bar in zip(self._groups.routes(group), bars, strict=True) if bar
            }
            books = self._groups.books(group)
            quotes = {book: self._store.meta(book, L.QUOTE) for book in books}
            for book in books:
                others = [
                    other
                    for other in books
                    if other != book
                    and quotes[other] == quotes[book]
                    and self._store.state(other) is BookState.LIVE
                ]
                barred = sum({(book, other), (other, book)} <= barred_routes for other in others)
                if 2 * barred > len(others):
                    found.append(book)
        return found

    def _venue(self, book: int) -> str:
        market = self._traded[book].terms.market
        return market.venue if market.kind is MarketKind.SPOT else ""
