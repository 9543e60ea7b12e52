"""Which books say how a peg holds, and what they say now: once a second, for it changes slowly.

A price is of the pair's own book, or through a coin that the venue trades in both currencies. The
same is asked of a book as of one that is compared: live, young, proven; where there is none such,
that is said and no price.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct

from scanner.books import layout as L
from scanner.books.store import BookStore
from scanner.engine.terms import Level
from scanner.events import ParitySample, Peg
from scanner.parity.figures import Price, at_par, direct, implied, ordered
from scanner.types import BookState, Market, MarketKind, Side

SECOND = 1_000_000_000
LEVELS = 256
VIA = "BTC"
MEDIAN = "median"
# A peg is told again when it has moved by so much, or after so long.
MOVED = 1.0
TOLD_EVERY = 5 * SECOND

Key = tuple[str, str, str]


class Place(Struct, frozen=True):
    """A price: its venue, its pair, the coin through which it is implied ("": none), and the
    books, one or two, that it comes from."""

    venue: str
    base: str
    quote: str
    via: str
    books: tuple[int, ...]

    @property
    def key(self) -> Key:
        """What it is known by."""
        return self.venue, f"{self.base}/{self.quote}", self.via


class Course:
    """The middles since the last summary, and the newest price."""

    def __init__(self) -> None:
        self.middles: list[float] = []
        self.last: Price | None = None
        self.told: Peg | None = None


class Pegs:
    """Looks at the pegs; ``tell``, which may be set, gets a ``Peg`` whenever one has moved, was
    lost or is back."""

    def __init__(self, store: BookStore) -> None:
        self._store = store
        self.tell: Callable[[Peg], None] = lambda peg: None
        self._markets: dict[int, Market] = {}
        self._places: list[Place] | None = None
        self._courses: dict[Key, Course] = {}
        self._next = 0
        self.configure({}, 0.0)

    def configure(self, stablecoins: Mapping[str, str], size: float) -> None:
        """Which coin is pegged to what, and the size that prices are for, in that money."""
        self._stablecoins, self._size = stablecoins, size
        self._places = None

    def add(self, book: int, market: Market) -> None:
        """The book is there from now on."""
        if market.kind is MarketKind.SPOT:
            self._markets[book] = market
            self._places = None

    def remove(self, book: int) -> None:
        """The book is there no more."""
        if self._markets.pop(book, None) is not None:
            self._places = None

    @property
    def places(self) -> list[Place]:
        """Every price that the books can say."""
        if self._places is None:
            self._places = [*self._direct(), *self._implied()]
            known = {place.key for place in self._places}
            known |= {(MEDIAN, symbol, VIA) for symbol in self._symbols()}
            self._courses = {key: c for key, c in self._courses.items() if key in known}
        return self._places

    def tick(self, at: int) -> None:
        """A few times a second."""
        if at < self._next:
            return
        self._next = at + SECOND
        for place in self.places:
            price, reason = self.price(place, at)
            self._note(place.key, price, reason, at)
        for symbol, ratio in self.medians(at).items():
            price = Price(bid=ratio, ask=ratio, size=0.0, depths=(0.0, 0.0, 0.0))
            self._note((MEDIAN, symbol, VIA), price, "", at)

    def price(self, place: Place, at: int) -> tuple[Price | None, str]:
        """What the books say now, or why they say nothing."""
        for book in place.books:
            reason = self.unfit(book, at)
            if reason:
                return None, reason
        times = [self._store.proven_at(book) for book in place.books]
        if max(times) - min(times) > self._store.parameter(L.MAX_SKEW):
            return None, "the books are too far apart in time"
        sides = [self._sides(book) for book in place.books]
        if place.via:
            found = implied(sides[0], sides[1], self._size)
        else:
            found = direct(*sides[0], self._size)
        return found, "" if found else "a side of the book is empty"

    def medians(self, at: int) -> dict[str, float]:
        """Of each pair the median, over every two venues, of what it is worth through the coin:
        the coin's middle in the one currency by that in the other."""
        middles: dict[str, list[float]] = {}
        for book, market in self._markets.items():
            if market.base == VIA and not self.unfit(book, at):
                bids, asks = self._sides(book, 1)
                if bids and asks:
                    middles.setdefault(market.quote, []).append((bids[0][0] + asks[0][0]) / 2)
        return {
            symbol: statistics.median(
                there / here for here in middles[base] for there in middles[quote]
            )
            for symbol in self._symbols()
            for base, _, quote in [symbol.partition("/")]
            if base in middles and quote in middles
        }

    def unfit(self, book: int, at: int) -> str:
        """Why the book may not be used; empty: it may."""
        state = self._store.state(book)
        parameters = self._store.array(L.PARAM_INT)
        if state is not BookState.LIVE:
            return f"the book is {state.name.lower()}"
        if at - self._store.proven_at(book) > parameters[L.MAX_AGE]:
            return "the book is too old"
        if not self._store.two_sided(book):
            return "the book shows one side only"
        if self._store.meta(book, L.UNPROVEN) and not parameters[L.UNPROVEN_TOO]:
            return "nothing proves the book"
        return ""

    def take_samples(self, at: int) -> list[ParitySample]:
        """What each came to since that was last asked; nothing of what could not be said."""
        samples = []
        for (venue, symbol, via), course in self._courses.items():
            price, middles = course.last, course.middles
            if price is None or not middles:
                continue
            samples.append(
                ParitySample(
                    at=at,
                    venue=venue,
                    symbol=symbol,
                    via=via,
                    samples=len(middles),
                    low_bps=min(middles),
                    high_bps=max(middles),
                    mean_bps=statistics.fmean(middles),
                    bid_bps=price.bid_bps,
                    ask_bps=price.ask_bps,
                    size=price.size,
                    depth_10=price.depths[0],
                    depth_50=price.depths[1],
                    depth_100=price.depths[2],
                )
            )
            course.middles = []
        return samples

    def _note(self, key: Key, price: Price | None, reason: str, at: int) -> None:
        course = self._courses.setdefault(key, Course())
        venue, symbol, via = key
        peg = Peg(at=at, venue=venue, symbol=symbol, via=via, reason=reason)
        if price is not None:
            course.middles.append(price.bps)
            course.last = price
            peg = Peg(
                at=at,
                venue=venue,
                symbol=symbol,
                via=via,
                bps=price.bps,
                bid_bps=price.bid_bps,
                ask_bps=price.ask_bps,
                size=price.size,
            )
        told = course.told
        if (
            told is None
            or peg.reason != told.reason
            or abs(peg.bps - told.bps) >= MOVED
            or at - told.at >= TOLD_EVERY
        ):
            course.told = peg
            self.tell(peg)

    def _sides(self, book: int, levels: int = LEVELS) -> tuple[list[Level], list[Level]]:
        bids, asks = (self._store.ladder(book, side, levels) for side in (Side.BID, Side.ASK))
        return bids, asks

    def _direct(self) -> Iterator[Place]:
        for book, one in self._markets.items():
            if at_par(one.base, one.quote, self._stablecoins):
                yield Place(one.venue, one.base, one.quote, "", (book,))

    def _implied(self) -> Iterator[Place]:
        by_venue: dict[str, dict[str, int]] = {}
        for book, one in self._markets.items():
            if one.base == VIA:
                by_venue.setdefault(one.venue, {})[one.quote] = book
        for venue, books in by_venue.items():
            for base, quote in self._pairs(books):
                yield Place(venue, base, quote, VIA, (books[base], books[quote]))

    def _symbols(self) -> list[str]:
        quotes = {one.quote: 0 for one in self._markets.values() if one.base == VIA}
        return [f"{base}/{quote}" for base, quote in self._pairs(quotes)]

    def _pairs(self, currencies: Mapping[str, int]) -> Iterator[tuple[str, str]]:
        names = list(currencies)
        for place, one in enumerate(names):
            for other in names[place + 1 :]:
                if at_par(one, other, self._stablecoins):
                    yield ordered(one, other, self._stablecoins)
