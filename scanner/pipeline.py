"""THE PATH: frame -> protocol -> book -> engine. Live feeds, replay and benchmarks all use it.

A ``Pipeline`` owns the books and the engine; a ``Lane`` (``scanner.lane``) is one connection's way
through it. Like the rest of the core it has no clock and no I/O: bytes and time go in.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence

from scanner.books.store import BookStore
from scanner.carry.carries import Carries
from scanner.derivatives import Derivatives
from scanner.engine.bounds import Bounds, Probing
from scanner.engine.engine import Emit, Engine
from scanner.engine.following import Following
from scanner.engine.ids import Ids
from scanner.engine.quarantine import Tell
from scanner.engine.rules import Rules
from scanner.engine.tracker import Thresholds
from scanner.events import Survival
from scanner.lane import Identify, Lane
from scanner.parity.flags import ParityFlags
from scanner.parity.pegs import Pegs
from scanner.quiet import Turns
from scanner.ticker_lane import TickerLane
from scanner.types import BookState, ChecksumRule, Depth, Market
from scanner.venues.protocol import Options, Venue
from scanner.watch import Patience


class Pipeline:
    """All books, the engine over them, and the lanes that feed them.

    ``breaks`` counts, by venue, how often a book was lost on a connection that went on: a gap, a
    wrong checksum, levels that could not be read. ``contracts`` are the markets of books that
    take no part in the scan, which compares what trades the same thing for the same money;
    ``derivatives`` is what their venues say of them, and ``carries`` holds them against coins.
    ``pegs`` is how stablecoins stand; ``parities`` what that pays.
    ``following`` looks again at what has opened; ``survived`` is called with what it finds. Whoever
    changes a book at a time lets it settle that time first.
    ``probing``: how books of which nothing is heard are asked for over REST (None: they are not).
    """

    def __init__(
        self,
        *,
        thresholds: Thresholds,
        bounds: Bounds,
        ids: Ids,
        emit: Emit,
        patience: Patience | None = None,
        rules: Rules | None = None,
        suspect: Tell = lambda found: None,
        survived: Callable[[Survival], None] = lambda found: None,
    ) -> None:
        self.store = BookStore()
        self.following = Following(self.store, survived)
        self.engine = Engine(
            self.store, thresholds, bounds, ids, emit, rules, suspect, self.following
        )
        self.bounds = bounds
        self.patience = patience or Patience()
        self.probing: Probing | None = None
        self.turns: defaultdict[str, Turns] = defaultdict(Turns)
        self.breaks: Counter[str] = Counter()
        self.contracts: dict[int, Market] = {}
        self.derivatives = Derivatives()
        engine, currencies = self.engine, self.engine.currencies
        self.carries = Carries(
            *(self.store, self.derivatives, currencies, ids, emit),
            *(engine.rejects, self.following),
        )
        self.carries.configure(thresholds, rules)
        self.pegs = Pegs(self.store)
        self.parities = ParityFlags(
            *(self.store, self.pegs, currencies, ids, emit),
            *(engine.rejects, self.following),
        )
        self._peg(thresholds, rules)
        self._books: dict[tuple[str, bool, str], int] = {}

    def lane(
        self,
        venue: Venue,
        markets: Sequence[Market] | None,
        options: Options,
        identify: Identify | None = None,
    ) -> Lane:
        """A fresh connection: its books are empty. ``markets=None``: whatever the wire names;
        ``identify`` may then tell which market an id is, so that it takes part in the scan."""
        return Lane(self, venue, markets, options, identify)

    def ticker_lane(self, venue: Venue, markets: Sequence[Market], options: Options) -> TickerLane:
        """A fresh connection for what the venue says of its contracts beside their books."""
        assert venue.tickers is not None
        books = {market.id: self.book(venue, market.id, market) for market in markets}
        protocol = venue.tickers(markets, options)
        return TickerLane(self.derivatives, protocol, markets, books)

    def book(
        self, venue: Venue, market_id: str, market: Market | None, depth: Depth = Depth.TOP
    ) -> int:
        """The number of this market's book; made when it is first asked for."""
        key = (venue.id, venue.contracts, market_id)
        book = self._books.get(key)
        if book is None:
            keeps_text = venue.checksum is not ChecksumRule.NONE
            decimals = _decimals(market) if market else (0, 0)
            book = self._books[key] = self.store.add(keeps_text=keeps_text, decimals=decimals)
        if market is None:
            return book
        if book in self.contracts or book in self.engine.markets:
            return book
        if market.is_contract:
            self.contracts[book] = market
        else:
            self.engine.add(book, market, venue.proof[depth])
            self.pegs.add(book, market)
            self.parities.add(book, market, venue.proof[depth])
        self.carries.add(book, market, venue.proof[depth])
        return book

    @property
    def markets(self) -> Mapping[int, Market]:
        """The market of each book of which it is known, scanned or not."""
        return {**self.engine.markets, **self.contracts}

    def live_contracts(self) -> Counter[str]:
        """How many books of contracts are live, by venue."""
        live = (book for book in self.contracts if self.store.state(book) is BookState.LIVE)
        return Counter(self.contracts[book].venue for book in live)

    def contract_books(self) -> dict[str, tuple[int, int]]:
        """Of each contract, by its symbol: how many books are live, and how many there are."""
        counts: dict[str, tuple[int, int]] = {}
        for book, market in self.contracts.items():
            live, books = counts.get(market.symbol, (0, 0))
            live += self.store.state(book) is BookState.LIVE
            counts[market.symbol] = live, books + 1
        return counts

    def configure(self, thresholds: Thresholds, bounds: Bounds, rules: Rules | None = None) -> None:
        """What is worth an event, how fresh books must be, and what else the user allows (None: as
        before), from now on."""
        self.bounds = bounds
        self.engine.configure(thresholds, bounds, rules)
        self.carries.configure(thresholds, rules)
        self._peg(thresholds, rules)

    def carry(self, markets: Sequence[Market], at: int) -> None:
        """These markets are all from now on: the books of others, which no lane feeds any more,
        leave the engine; fees, lots and minimums are those given."""
        self.following.settle(at)
        wanted = {(market.venue, market.is_contract, market.id): market for market in markets}
        for key, book in self._books.items():
            market = wanted.get(key)
            if book in self.contracts:
                self._carry_contract(book, market, at)
            if book not in self.engine.markets:
                continue
            if market is None:
                self._leave(book, "it is scanned no more", at)
                self.engine.remove(book)
                self.carries.remove(book)
                self.pegs.remove(book)
                self.parities.remove(book)
            elif market.symbol != self.engine.markets[book].symbol:
                self._leave(book, "it has another symbol now", at)
                self.engine.rename(book, market)
                self.carries.rename(book, market)
                self._peg_again(book, market)
            elif market != self.engine.markets[book]:
                self.engine.revalue(book, market)
                self.carries.revalue(book, market)
                self._peg_again(book, market)

    def _carry_contract(self, book: int, market: Market | None, at: int) -> None:
        if market is not None:
            if market != self.contracts[book]:
                self.contracts[book] = market
                self.carries.revalue(book, market)
            return
        self._leave(book, "it is scanned no more", at)
        self.derivatives.forget(book)
        self.carries.remove(book)
        del self.contracts[book]

    def _leave(self, book: int, reason: str, at: int) -> None:
        """The book is not what it was any more."""
        self.drop(book, BookState.EMPTY, reason, at)
        self.following.leave(book, reason)

    def drop(self, book: int, state: BookState, reason: str, at: int) -> None:
        """The book leaves the game in this very call, and what stood on it is closed."""
        self.store.clear(book, state)
        self.dropped(book, reason, at)

    def dropped(self, book: int, reason: str, at: int) -> None:
        """The book has left the game: what stood on it is closed."""
        self.engine.dropped(book, reason, at)
        self.carries.dropped(book, reason, at)
        self.parities.dropped(book, reason, at)

    def finish(self, reason: str, at: int) -> None:
        """The end: what is open is closed with ``reason``, everything leaves the game, and whatever
        a feed still says until it ends, nothing is told any more."""
        self.following.finish(reason, at)
        self.engine.finish(reason, at)
        self.carries.finish(reason, at)
        self.parities.finish(reason, at)
        for book in self._books.values():
            self.drop(book, BookState.UNSYNCHRONISED, reason, at)

    def tick(self, at: int) -> None:
        """A few times a second: what has become too old is stale, and closed."""
        self.following.settle(at)
        self.engine.tick(at)
        self.store.grow_old(at)
        self.carries.tick(at)
        self.pegs.tick(at)
        self.parities.tick(at)

    def _peg(self, thresholds: Thresholds, rules: Rules | None) -> None:
        if rules is not None:
            self.pegs.configure(rules.pegs.stablecoins, rules.pegs.size)
            self.parities.configure(thresholds, rules)

    def _peg_again(self, book: int, market: Market) -> None:
        self.pegs.add(book, market)
        self.parities.add(book, market, self.carries.proof(book))


def _decimals(market: Market) -> tuple[int, int]:
    return _places(market.price_tick), _places(market.lot)


def _places(step: float) -> int:
    """Decimals of a step such as 0.01 (a lot of 5e-08 has 8)."""
    text = f"{step:.15f}".rstrip("0")
    return len(text.partition(".")[2]) if step > 0 else 0
