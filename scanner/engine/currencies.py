"""Quote currencies, and the books that turn one into another.

A book converts if its base is itself a quote currency of some other market: USDC/USDT turns USDC
into USDT at its bids and USDT into USDC at its asks. What the user states stands before any book.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from scanner.books import layout as L
from scanner.books.store import BookStore
from scanner.engine import scan
from scanner.types import BookState, Market, Side

Pair = tuple[str, str]


class Currencies:
    """Knows the currencies by number and keeps the kernels' lists of what converts them."""

    def __init__(self, store: BookStore) -> None:
        self._store = store
        self._numbers: dict[str, int] = {}
        self._markets: dict[int, Market] = {}
        self._books: dict[Pair, dict[int, Side]] = {}
        self._assumed: Mapping[Pair, float] = {}
        self._on = True

    def configure(self, on: bool, assumed: Mapping[Pair, float]) -> None:
        """Whether anything is converted at all, and at which stated rates."""
        for pair in assumed:
            for currency in pair:
                self._number(currency)
        self._on, self._assumed = on, assumed
        self._write()

    def add(self, book: int, market: Market) -> int:
        """The number of the market's quote currency; its book may convert from now on."""
        self._markets[book] = market
        number = self._number(market.quote)
        if market.base in self._numbers:
            self._link(book, market)
            self._write()
        return number

    def remove(self, book: int) -> None:
        """The book converts nothing any more."""
        market = self._markets.pop(book)
        for pair in (market.base, market.quote), (market.quote, market.base):
            self._books.get(pair, {}).pop(book, None)
        self._store.array(L.META)[book * L.META_WIDTH + L.CONVERTS] = 0
        self._write()

    def assumed(self, have: str, want: str) -> float:
        """The stated rate from one to the other; 0 if none is."""
        return self._assumed.get((have, want), 0.0)

    def books(self, have: str, want: str) -> Mapping[int, Side]:
        """The books that turn one into the other, and the side of each that is taken for it."""
        return self._books.get((have, want), {}) if self._on else {}

    def rate(self, have: str, want: str, at: int) -> tuple[float, str] | None:
        """What one of a currency brings of the other now, after the fee, and where ("": stated, or
        they are the same); None where no live book of it is young enough."""
        if have == want:
            return 1.0, ""
        stated = self.assumed(have, want)
        if stated:
            return stated, ""
        oldest = at - self._store.parameter(L.MAX_AGE)
        found = [
            (self._after_fee(book, side), self._markets[book].venue)
            for book, side in self._books.get((have, want), {}).items()
            if self._store.state(book) is BookState.LIVE
            and self._store.proven_at(book) >= oldest
            and self._store.two_sided(book)
        ]
        best = max(found, default=(0.0, ""))
        return best if best[0] > 0 else None

    def changed(self, book: int, at: int) -> None:
        """The book is not what it was, and no scan has seen that."""
        if self._store.meta(book, L.CONVERTS):
            market = self._markets[book]
            for pair in (market.base, market.quote), (market.quote, market.base):
                scan.convert(self._store.context, self._pair(pair), at)

    def _after_fee(self, book: int, side: Side) -> float:
        levels = self._store.ladder(book, side, 1)
        if not levels:
            return 0.0
        after = levels[0][0] * float(
            self._store.array(L.REAL)[book * L.REAL_WIDTH + L.RATE_SIDE + side]
        )
        return after if side is Side.BID else 1 / after

    def _number(self, currency: str) -> int:
        number = self._numbers.get(currency)
        if number is None:
            number = self._numbers[currency] = len(self._numbers)
            for book, market in self._markets.items():
                if market.base == currency:
                    self._link(book, market)
            self._write()
        return number

    def _link(self, book: int, market: Market) -> None:
        base, quote = market.base, market.quote
        if max(self._numbers[base], self._numbers[quote]) < L.QUOTES:
            self._books.setdefault((base, quote), {})[book] = Side.BID
            self._books.setdefault((quote, base), {})[book] = Side.ASK

    def _pair(self, pair: Pair) -> int:
        return self._numbers[pair[0]] * L.QUOTES + self._numbers[pair[1]]

    def _write(self) -> None:
        """Write the kernels' lists anew; rates come with the next look at each book."""
        store, meta = self._store, self._store.array(L.META)
        rows = sum(len(books) for books in self._books.values()) if self._on else 0
        store.reserve(L.CONVERTERS, L.CONVERTER_ROWS + (rows + 1) * L.CONVERTER_WIDTH)
        lists, rates = store.array(L.CONVERTERS), store.array(L.RATES)
        lists[: L.CONVERTER_ROWS] = 0
        kept = rates.copy()
        rates[:] = 0
        row = L.CONVERTER_ROWS
        for pair, books in self._books.items() if self._on else ():
            number, following = self._pair(pair), 0
            for book, side in books.items():
                lists[row : row + L.CONVERTER_WIDTH] = book, side, following, 0
                following, row = row, row + L.CONVERTER_WIDTH
                base = self._numbers[self._markets[book].base]
                meta[book * L.META_WIDTH + L.CONVERTS] = base + 1
            lists[L.CONVERTER_FIRST + number] = following
            for column in (L.RATE_NET, L.RATE_PLAIN):
                rates[column + number] = kept[column + number] if books else 0.0
        if not self._on:
            meta.reshape(-1, L.META_WIDTH)[:, L.CONVERTS] = 0
            return
        for pair, rate in self._assumed.items():
            number = self._pair(pair)
            if max(self._numbers[pair[0]], self._numbers[pair[1]]) < L.QUOTES:
                rates[L.RATE_NET + number] = rates[L.RATE_PLAIN + number] = np.float64(rate)
                lists[L.CONVERTED_AT + number] = L.ALWAYS
