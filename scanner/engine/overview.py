"""A look at the engine from outside: the best route of every symbol, every venue's touch.

Nothing here changes what the engine does or sums up, however often it is asked.
"""

from __future__ import annotations

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from scanner.books import layout as L
from scanner.books.store import BookStore
from scanner.engine import costs, rank
from scanner.engine.engine import Engine
from scanner.engine.gates import Gate, Rejection
from scanner.engine.rejects import Beside
from scanner.events import Opportunity
from scanner.moving import Prefunded, Transfer
from scanner.types import BookState, Market, Side


class Route(Struct, frozen=True, kw_only=True):
    """The best route of one symbol: its books (``buy`` is -1 where no two can be compared), the
    touch, what is open on it, and what it would leave at its best size (None: nothing, or less
    than the smallest order; ``rejection`` then says what stops it). Prices in quote, sizes in base,
    ``edge_bps`` net at the touch. ``plain`` and ``rate`` turn the quote of the sale into that of
    the purchase, before and after the fee of it (1: they are the same)."""

    symbol: str
    live: int
    books: int
    buy: int = -1
    sell: int = -1
    ask: float = 0.0
    ask_size: float = 0.0
    bid: float = 0.0
    bid_size: float = 0.0
    edge_bps: float = 0.0
    plain: float = 1.0
    rate: float = 1.0
    opened: Opportunity | None = None
    result: costs.Result | None = None
    rejection: Rejection | None = None


class Quote(Struct, frozen=True, kw_only=True):
    """One venue's touch; a side that is empty, or not to be trusted, is 0."""

    market: Market
    state: BookState
    age_ms: float
    bid: float
    bid_size: float
    ask: float
    ask_size: float


class Trust(Struct, frozen=True):
    """How many books of a venue are live, and the median time from the venue's own timestamp to
    ours in ms (None: it says none)."""

    live: int
    lag_ms: float | None


class Overview:
    """Reads an engine and the books under it."""

    def __init__(self, store: BookStore, engine: Engine) -> None:
        self._store = store
        self._engine = engine
        self._venues: dict[str, NDArray[np.int64]] = {}
        self._known_symbols: list[str] = []
        self._known = -1
        self._symbols = np.zeros((0, 2), np.int64)
        self._integers = np.zeros((0, rank.INTEGERS), np.int64)
        self._reals = np.zeros((0, rank.REALS))

    def best(self, at: int, venue: str = "") -> list[Route]:
        """The best route of each symbol: an open one if there is one, else what leaves most, else
        what loses least. ``venue``: only among the routes with a leg there."""
        self._follow()
        count = len(self._symbols)
        if len(self._integers) < count:
            self._integers = np.zeros((2 * count, rank.INTEGERS), np.int64)
            self._reals = np.zeros((2 * count, rank.REALS))
        rank.rank(
            self._store.context,
            self._symbols,
            count,
            self._allowed(venue),
            at,
            self._integers,
            self._reals,
        )
        integers, reals = self._integers[:count].tolist(), self._reals[:count].tolist()
        return [
            self._route(symbol, found, touch, at)
            for symbol, found, touch in zip(self._known_symbols, integers, reals, strict=True)
        ]

    def quotes(self, symbol: str, at: int) -> list[Quote]:
        """What each venue shows of a symbol."""
        return [self._quote(book, at) for book in self._engine.members.get(symbol, ())]

    def trust(self) -> dict[str, Trust]:
        """How far the books of each venue are to be trusted."""
        self._follow()
        meta = self._store.array(L.META)[: self._store.count * L.META_WIDTH]
        table = meta.reshape(-1, L.META_WIDTH)
        return {venue: _trust(table[books]) for venue, books in self._venues.items()}

    def market(self, book: int) -> Market:
        """Which market a book is of."""
        return self._engine.markets[book]

    def ladder(self, book: int, side: Side, levels: int) -> list[costs.Level]:
        """The best levels of a book as a taker meets them, best first."""
        return self._store.ladder(book, side, levels)

    def age_ms(self, book: int, at: int) -> float:
        """The time since the last proof of a book."""
        return (at - self._store.proven_at(book)) / 1e6

    def why_not(self, buy: int, sell: int) -> dict[Gate, tuple[int, float]]:
        """What has stopped a route within this minute: how often, and what was missing at least."""
        return self._engine.rejects.of(buy, sell)

    def why_not_beside(self, symbol: str) -> list[Beside]:
        """The same of other kinds that the symbol takes part in, the most often first."""
        return sorted(self._engine.rejects.beside(symbol), key=lambda one: -one.count)

    def moving(self, route: Route, at: int) -> tuple[Transfer, Prefunded | None]:
        """What moving the coin of a route comes to."""
        return self._engine.moving(route.buy, route.sell, route.result, at)

    def _route(self, symbol: str, found: list[int], touch: list[float], at: int) -> Route:
        buy, sell, live = found[rank.BUY], found[rank.SELL], found[rank.LIVE_BOOKS]
        books = len(self._engine.members[symbol])
        if buy < 0:
            return Route(symbol=symbol, live=live, books=books)
        edge = touch[rank.EDGE]
        outcome = self._engine.evaluate(buy, sell, at) if edge > 0 else None
        return Route(
            symbol=symbol,
            live=live,
            books=books,
            buy=buy,
            sell=sell,
            ask=touch[rank.ASK_PRICE],
            ask_size=touch[rank.ASK_SIZE],
            bid=touch[rank.BID_PRICE],
            bid_size=touch[rank.BID_SIZE],
            edge_bps=edge,
            plain=touch[rank.PLAIN],
            rate=touch[rank.NET],
            opened=self._engine.open_between(buy, sell),
            result=outcome if isinstance(outcome, costs.Result) else None,
            rejection=outcome if isinstance(outcome, Rejection) else None,
        )

    def _quote(self, book: int, at: int) -> Quote:
        state = self._store.state(book)
        bids = asks = [(0.0, 0.0)]
        if state is BookState.LIVE:
            bids = self._store.ladder(book, Side.BID, 1) or bids
            asks = self._store.ladder(book, Side.ASK, 1) or asks
        (bid, bid_size), (ask, ask_size) = bids[0], asks[0]
        return Quote(
            market=self._engine.markets[book],
            state=state,
            age_ms=self.age_ms(book, at),
            bid=bid,
            bid_size=bid_size,
            ask=ask,
            ask_size=ask_size,
        )

    def _allowed(self, venue: str) -> NDArray[np.uint8]:
        if not venue:
            return np.ones(self._store.count, np.uint8)
        allowed = np.zeros(self._store.count, np.uint8)
        if venue in self._venues:
            allowed[self._venues[venue]] = 1
        return allowed

    def _follow(self) -> None:
        """Take over which books there are."""
        if self._engine.changes == self._known:
            return
        by_venue: dict[str, list[int]] = {}
        for book, market in self._engine.markets.items():
            by_venue.setdefault(market.venue, []).append(book)
        self._venues = {name: np.array(books) for name, books in by_venue.items()}
        places = {
            symbol: self._engine.place(books[0])
            for symbol, books in self._engine.members.items()
            if books and self._engine.place(books[0])[0] >= 0
        }
        self._known_symbols = list(places)
        self._symbols = np.array(list(places.values()), np.int64).reshape(-1, 2)
        self._known = self._engine.changes


def _trust(meta: NDArray[np.generic]) -> Trust:
    live = meta[meta[:, L.STATE] == BookState.LIVE]
    dated = live[live[:, L.SENT_AT] > 0]
    lags = dated[:, L.DEPTH_AT] - dated[:, L.SENT_AT]
    return Trust(len(live), float(np.median(lags)) / 1e6 if len(lags) else None)
