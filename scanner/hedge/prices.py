"""What the hedge book is valued at, as those have it who hold the books: once a second. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from scanner.books.store import BookStore
from scanner.configuration.hedge import HedgeBook
from scanner.derivatives import Derivative, Derivatives
from scanner.engine.trust import distrust
from scanner.hedge_events import HedgePrice
from scanner.types import Market, Side

SECOND = 1_000_000_000


class HedgePrices:
    """Looks at the contracts that are sold, and at their coins on every venue. The same is asked of
    a book as of one that is compared: live, young, proven, with both sides."""

    def __init__(self, store: BookStore, derivatives: Derivatives) -> None:
        self._store = store
        self._derivatives = derivatives
        self._next = 0
        self.configure(HedgeBook())

    def configure(self, book: HedgeBook) -> None:
        """This is the hedge book from now on."""
        self._sold = {(one.venue, one.symbol) for one in book.shorts}
        self._coins = {one.coin for one in book.holdings} | {one.coin for one in book.shorts}

    def due(self, markets: Mapping[int, Market], at: int) -> Iterator[HedgePrice]:
        """What the books say, if a second is over; ``markets`` by the number of the book."""
        if not self._coins or at < self._next:
            return
        self._next = at + SECOND
        for book, market in markets.items():
            if market.base in self._coins and self._matters(market):
                yield self._price(book, market, at)

    def _matters(self, market: Market) -> bool:
        return not market.is_contract or (market.venue, market.symbol) in self._sold

    def _price(self, book: int, market: Market, at: int) -> HedgePrice:
        bid, ask = (self._store.ladder(book, side, 1) for side in (Side.BID, Side.ASK))
        reason = distrust(self._store, (book,), at)
        if reason:
            return HedgePrice(at=at, venue=market.venue, symbol=market.symbol, reason=reason)
        said = self._derivatives.latest(book, at) if market.is_contract else Derivative()
        return HedgePrice(
            at=at,
            venue=market.venue,
            symbol=market.symbol,
            bid=bid[0][0],
            ask=ask[0][0],
            mark=said.mark,
            funding_rate=said.funding_rate,
        )
