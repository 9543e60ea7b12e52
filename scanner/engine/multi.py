"""The kind multi: one symbol bought on several venues and sold on several others, at once.

Looked for a few times a second where a sieve over best prices finds three books or more and a route
that pays. One life for each symbol, whatever the orders of the moment are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import repeat
from typing import Any

import numpy as np

from scanner.books import layout as L
from scanner.engine import allocation, graph
from scanner.engine.capital import name
from scanner.engine.desk import Desk
from scanner.engine.following import Reckon
from scanner.engine.gates import Gate, Rejection
from scanner.engine.legs import Stamp, leg
from scanner.engine.multi_moves import of_multi
from scanner.engine.opened import Opened
from scanner.engine.orders import Offer
from scanner.engine.paper_many import Sized, fill_all
from scanner.engine.rules import MULTI
from scanner.events import Leg, Opportunity
from scanner.types import Side

FIRST_LEVELS, MOST_LEVELS = 16, 1 << 10
LEAST_ORDERS = 3
CANDIDATES = 512
LOST = "no net edge left"
# Stands for the venues where rejections are counted.
SEVERAL = "several"

Symbol = tuple[int, int]
"""A coin and a currency: the numbers of the group and of the quote."""


class Multi:
    """Finds and follows them."""

    def __init__(self, desk: Desk, opened: Opened[Symbol]) -> None:
        self._desk = desk
        self._opened = opened
        self._out = np.zeros(2 * CANDIDATES, np.int64)

    def look(self, at: int) -> None:
        """Look at what may have opened, and again at what is open."""
        if MULTI not in self._desk.rules.kinds:
            for symbol in self._opened:
                self._opened.close(symbol, "this kind is not looked for any more", at)
            return
        for symbol in dict.fromkeys([*self._opened, *self._candidates(at)]):
            found = self._evaluate(symbol, at)
            if isinstance(found, allocation.Result):
                missing = self._short(symbol, found, at)
                if missing is None:
                    books = [part.offer.book for part in (*found.buys, *found.sells)]
                    write = self._writer(found, at)
                    opened = self._opened.keep(symbol, found, at, write, books)
                    self._desk.follow(opened, books, self._reckon(found))
                    continue
                found = missing
            if symbol in self._opened:
                self._opened.close(symbol, self._why(symbol, found, at), at)
            elif found is not None:
                market = self._desk.traded[self._books(symbol)[0]].terms.market
                self._desk.rejects.count(MULTI, market.symbol, SEVERAL, SEVERAL, found)

    def _short(self, symbol: Symbol, found: allocation.Result, at: int) -> Rejection | None:
        """What is missing for it to be told; None: nothing."""
        thresholds, open_ = self._opened.thresholds, symbol in self._opened
        short = thresholds.short(found, open_=open_)
        if short is not None or not self._desk.rules.moving.withdrawn:
            return short
        told, _ = of_multi(self._desk.shipping, found, at)
        return self._desk.moves_short(told, thresholds, open_=open_)

    def _candidates(self, at: int) -> Iterator[Symbol]:
        least = max(self._opened.thresholds.min_net_bps, 0.0) / 1e4
        groups = len(self._desk.groups.numbers)
        count = graph.wide(self._desk.store.context, groups, least, at, self._out)
        rows = self._out[: 2 * count].tolist()
        yield from zip(rows[::2], rows[1::2], strict=True)

    def _books(self, symbol: Symbol) -> list[int]:
        group, quote = symbol
        books = self._desk.groups.books(group)
        return [book for book in books if self._desk.store.meta(book, L.QUOTE) == quote]

    def _why(self, symbol: Symbol, found: Rejection | None, at: int) -> str:
        """Why it is over: what is wrong with a leg, before that it leaves nothing."""
        doubt = self._desk.trust.of(self._opened.books(symbol), at)
        if doubt is not None:
            return doubt.reason
        if found is None:
            return "less than three orders are left of it"
        if found.gate in (Gate.THRESHOLD, Gate.PROFIT):
            return "net fell below the threshold"
        if found.gate is Gate.TRANSFER:
            return "what is bought cannot be moved to where it is sold"
        if found.gate in (Gate.QUARANTINE, Gate.IDENTITY):
            return f"a route of it is barred: {found.gate}"
        return LOST if found.gate is Gate.FEES else "less than the smallest order is left"

    def _evaluate(self, symbol: Symbol, at: int) -> allocation.Result | Rejection | None:
        """The best of any books that are close enough in time; None: two orders are all of it."""
        found: allocation.Result | Rejection = Rejection(Gate.TRUST)
        # What is open may lose more of what an order adds before it is told without that.
        part = self._opened.thresholds.close_ratio if symbol in self._opened else 1.0
        for books in self._together(symbol, at):
            other = self._among(books, allocation.SHARE * part, at)
            best = isinstance(found, allocation.Result)
            if isinstance(other, Rejection):
                found = found if best else other
            elif not isinstance(found, allocation.Result) or other.net_profit > found.net_profit:
                found = other
        if isinstance(found, allocation.Result):
            return found if len(found.buys) + len(found.sells) >= LEAST_ORDERS else None
        return found

    def _together(self, symbol: Symbol, at: int) -> list[list[int]]:
        """The largest sets of books that may take part together."""
        trust, proven_at = self._desk.trust, self._desk.store.proven_at
        fit = [book for book in self._books(symbol) if trust.of((book,), at) is None]
        times = sorted((proven_at(book), book) for book in fit)
        sets: list[list[int]] = []
        for i, (first, _) in enumerate(times):
            books = [book for time, book in times[i:] if time - first <= trust.max_skew]
            if not sets or not set(books) <= set(sets[-1]):
                sets.append(sorted(books))
        return sets

    def _among(self, books: Sequence[int], share: float, at: int) -> allocation.Result | Rejection:
        """Looks deeper only where all that it saw of a ladder is used up."""
        levels = FIRST_LEVELS
        while True:
            asks = [self._offer(book, Side.ASK, levels, at) for book in books]
            bids = [self._offer(book, Side.BID, levels, at) for book in books]
            market = self._desk.traded[books[0]].terms.market
            most = self._desk.capital.once(market.quote, at)
            found = allocation.best(
                [offer for offer in asks if offer.levels],
                [offer for offer in bids if offer.levels],
                self._apart,
                most,
                share=share,
            )
            if isinstance(found, Rejection) or levels >= MOST_LEVELS:
                return found
            if all(len(part.levels) < levels for part in (*found.buys, *found.sells)):
                return found
            levels *= 4

    def _offer(self, book: int, side: Side, levels: int, at: int) -> Offer:
        terms, capital = self._desk.traded[book].terms, self._desk.capital
        market = terms.market
        ladder = self._desk.store.ladder(book, side, levels)
        best = ladder[0][0] if ladder else 0.0
        if side is Side.ASK:
            budget = capital.budget(market.venue, market.quote, at)
        else:
            budget = capital.give(market, best, at)
        return Offer(book, terms, ladder, budget, name(market.venue))

    def _apart(self, buy: int, sell: int) -> Gate | None:
        if buy == sell:
            return Gate.FEES
        ask = self._desk.store.ladder(buy, Side.ASK, 1)[0][0]
        bid = self._desk.store.ladder(sell, Side.BID, 1)[0][0]
        if (bid / ask - 1) * 1e4 > self._desk.rules.suspect_bps:
            return Gate.QUARANTINE
        return self._desk.trust.barred(buy, sell)

    def _writer(self, found: allocation.Result, at: int) -> Callable[[], Opportunity]:
        """Writes the state of it down later, with the books as they are now."""
        parts = (*found.buys, *found.sells)
        stamps = [Stamp.of(self._desk.store, part.offer.book) for part in parts]
        market = self._desk.traded[parts[0].offer.book].terms.market
        told = self._desk.accounting(market.quote, found.net_profit, at)
        return partial(self._state, found, stamps, told, at)

    def _state(
        self, found: allocation.Result, stamps: Sequence[Stamp], told: dict[str, Any], at: int
    ) -> Opportunity:
        count = len(found.buys)
        buys = list(map(self._leg, found.buys, stamps, repeat(Side.ASK), repeat(at)))
        sells = list(map(self._leg, found.sells, stamps[count:], repeat(Side.BID), repeat(at)))
        market = self._desk.traded[found.buys[0].offer.book].terms.market
        transfer, prefunded = of_multi(self._desk.shipping, found, at)
        return Opportunity(
            event="opened",
            id="",
            kind=MULTI,
            symbol=market.symbol,
            at=at,
            buy=buys[0],
            sell=sells[0],
            legs=(*buys, *sells),
            size=found.size,
            gross_bps=found.gross_bps,
            net_bps=found.net_bps,
            net_profit=found.net_profit,
            currency=market.quote,
            opened_at=at,
            peak_net_bps=found.net_bps,
            peak_net_profit=found.net_profit,
            bound=found.bound,
            unrounded=found.unrounded,
            transfer=transfer,
            prefunded=prefunded,
            **told,
        )

    def _reckon(self, found: allocation.Result) -> Reckon:
        orders = [
            Sized(part.offer.book, side, part.size, part.offer.terms)
            for side, parts in ((Side.ASK, found.buys), (Side.BID, found.sells))
            for part in parts
        ]
        return partial(fill_all, self._desk.store, orders, self._desk.rules.suspect_bps)

    def _leg(self, part: allocation.Part, stamp: Stamp, side: Side, at: int) -> Leg:
        traded = self._desk.traded[part.offer.book]
        return leg(stamp, traded, side, part.levels, part.size, at)
