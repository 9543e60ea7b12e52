"""The kind loop: closed loops of orders, inside one venue and across venues.

Looked for a few times a second: a search over best prices (``graph``), then exactly. One life for
each loop of currencies on each venue, and one across venues. What buys a coin on one venue, sells
it on another and converts is of the kind cross-quote, and only told as such where that is on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from scanner.books import layout as L
from scanner.engine import cycle, graph
from scanner.engine.capital import name
from scanner.engine.conversion import Exchange
from scanner.engine.costs import reached
from scanner.engine.currency_graph import CurrencyGraph, Edge
from scanner.engine.desk import Desk
from scanner.engine.following import Reckon
from scanner.engine.gates import Gate, Rejection
from scanner.engine.legs import Stamp, leg
from scanner.engine.loop_moves import of_loop
from scanner.engine.opened import Opened
from scanner.engine.paper_many import fill_loop
from scanner.engine.rules import CROSS_QUOTE, LOOP
from scanner.engine.trust import Doubt
from scanner.events import Opportunity
from scanner.types import Side

FIRST_LEVELS, MOST_LEVELS = 16, 1 << 10
CANDIDATES = 256

Key = tuple[str, tuple[str, ...]]
"""The venue that all orders are on ("": several), and the currencies in their order."""
Hops = tuple[Edge, ...]


class Loops:
    """Finds and follows them. ``changes`` tells how often a book has joined or left."""

    def __init__(self, desk: Desk, opened: Opened[Key], changes: Callable[[], int]) -> None:
        self._desk = desk
        self._opened = opened
        self._changes = changes
        self._known = (-1, "")
        self._graph = CurrencyGraph({}, "")
        self._hops: dict[Key, Hops] = {}
        self._out = np.zeros(CANDIDATES * graph.ROW, np.int64)
        self._total = np.zeros(CANDIDATES)

    def look(self, at: int) -> None:
        """Look at what may have opened, and again at what is open."""
        if LOOP not in self._desk.rules.kinds:
            for key in self._opened:
                self._opened.close(key, "this kind is not looked for any more", at)
            return
        candidates = self._candidates(at)
        for key in [key for key in self._hops if key not in self._opened]:
            del self._hops[key]
        for key in dict.fromkeys([*self._opened, *candidates]):
            ways = [*candidates.get(key, ()), *([self._hops[key]] if key in self._hops else [])]
            self._follow(key, list(dict.fromkeys(ways)), at)

    def _follow(self, key: Key, ways: Sequence[Hops], at: int) -> None:
        """The best of some ways to do it, if one is worth it."""
        best: tuple[cycle.Result, Hops] | None = None
        stopped: tuple[Rejection, Hops] | None = None
        for hops in ways:
            found = self._evaluate(key, hops, at)
            if isinstance(found, cycle.Result):
                short = self._short(key, found, at)
                if short is None and (best is None or found.net_profit > best[0].net_profit):
                    best = found, hops
                found = short or found
            if isinstance(found, Rejection):
                stopped = stopped or (found, hops)
        if best is not None:
            result, hops = best
            self._hops[key] = hops
            books = [book for book, _ in hops]
            opened = self._opened.keep(key, result, at, self._writer(key, result, at), books)
            self._desk.follow(opened, books, self._reckon(result))
        elif key in self._opened:
            self._opened.close(key, self._why(key, at), at)
        elif stopped is not None:
            self._desk.rejects.count(LOOP, _name(key), *self._ends(stopped[1]), stopped[0])

    def _short(self, key: Key, found: cycle.Result, at: int) -> Rejection | None:
        """What is missing for it to be told; None: nothing."""
        thresholds, open_ = self._opened.thresholds, key in self._opened
        short = thresholds.short(found, open_=open_)
        if short is not None or not self._desk.rules.moving.withdrawn:
            return short
        told, _ = of_loop(self._desk.shipping, found, at)
        return self._desk.moves_short(told, thresholds, open_=open_)

    def _ends(self, hops: Hops) -> tuple[str, str]:
        venues = [self._desk.traded[book].terms.market.venue for book, _ in hops]
        return venues[0], venues[-1]

    # --- what may be worth a look ---------------------------------------------------------------

    def _candidates(self, at: int) -> dict[Key, list[Hops]]:
        rules = self._desk.rules
        if self._known != (self._changes(), rules.currency):
            markets = {book: traded.terms.market for book, traded in self._desk.traded.items()}
            self._graph = CurrencyGraph(markets, rules.currency)
            self._known = (self._changes(), rules.currency)
        found: dict[Key, list[Hops]] = {}
        for row in self._search(at):
            edges, currencies = self._graph.found(row)
            where = self._venue_of(row)
            venue = self._graph.venues[where] if where >= 0 else ""
            if venue or self._is_across(edges):
                begin = currencies.index(self._first(currencies))
                key = venue, (*currencies[begin:], *currencies[:begin])
                hops = (*edges[begin:], *edges[:begin])
                if hops not in found.setdefault(key, []):
                    found[key].append(hops)
        return found

    def _search(self, at: int) -> Iterator[list[int]]:
        it, store, rules = self._graph, self._desk.store, self._desk.rules
        parameters = store.array(L.PARAM_INT)
        ages = dict.fromkeys(int(parameters[column]) for column in (L.MAX_AGE, L.MAX_SKEW))
        self._layers = it.layers(list(ages))
        out_of = np.zeros(store.count, np.uint8)
        out_of[self._desk.trust.outsiders()] = 1
        least = math.log1p(max(self._opened.thresholds.min_net_bps, 0.0) / 1e4)
        count = graph.loops(
            store.context,
            it.first_arc,
            it.arc_to,
            it.first_edge,
            it.rows,
            self._layers,
            out_of,
            rules.loop_length,
            least,
            False,
            at,
            self._out,
            self._total,
        )
        yield from self._out[: count * graph.ROW].reshape(-1, graph.ROW).tolist()

    def _venue_of(self, row: Sequence[int]) -> int:
        return int(self._layers[row[0] * graph.LAYER + graph.VENUE])

    def _is_across(self, edges: Hops) -> bool:
        """Whether it is for this kind, of those on several venues."""
        markets = [self._desk.traded[book].terms.market for book, _ in edges]
        if len({market.venue for market in markets}) == 1:
            return False
        for i, (one, other) in enumerate(zip(markets, (*markets[1:], markets[0]), strict=True)):
            bought = edges[i][1] is Side.ASK and edges[(i + 1) % len(edges)][1] is Side.BID
            if not bought or one.base != other.base:
                continue
            if one.quote == other.quote:
                return False
            if len(edges) == 3 and one.venue != other.venue:
                return CROSS_QUOTE not in self._desk.rules.kinds
        return True

    def _first(self, currencies: Sequence[str]) -> str:
        """What it begins with: the accounting currency, else what most are quoted in."""
        mine = self._desk.rules.currency
        return min(currencies, key=lambda each: (each != mine, -self._graph.uses[each], each))

    # --- exactly --------------------------------------------------------------------------------

    def _evaluate(self, key: Key, hops: Hops, at: int) -> cycle.Result | Rejection:
        """Looks deeper only where all that it saw of a ladder is used up."""
        doubt = self._doubt(key, hops, at)
        if doubt is not None:
            return Rejection(doubt.gate, doubt.shortfall_bps)
        levels = FIRST_LEVELS
        most = self._desk.capital.once(key[1][0], at)
        while True:
            exchanges = self._exchanges(key, hops, levels, at)
            found = cycle.evaluate(exchanges, most)
            if isinstance(found, Rejection):
                if found.gate is not Gate.FEES:
                    return found
                least = self._opened.thresholds.min_net_bps
                return Rejection(Gate.FEES, found.shortfall_bps + least)
            whole = not found.bound.startswith(("depth", "lot"))
            if whole or levels >= MOST_LEVELS or all(len(e.levels) < levels for e in exchanges):
                return found
            levels *= 4

    def _exchanges(self, key: Key, hops: Hops, levels: int, at: int) -> list[Exchange]:
        """What the order before brings is at hand on its venue; anything else has to be there."""
        markets = [self._desk.traded[book].terms.market for book, _ in hops]
        stocked = [i for i, m in enumerate(markets) if i == 0 or markets[i - 1].venue != m.venue]
        shares = [markets[i].venue for i in stocked]
        exchanges = []
        for i, ((book, side), market) in enumerate(zip(hops, markets, strict=True)):
            ladder = self._desk.store.ladder(book, side, levels)
            budget = math.inf
            if i in stocked:
                best = ladder[0][0] if side is Side.BID and ladder else 0.0
                share = shares.count(market.venue)
                capital = self._desk.capital
                if side is Side.BID:
                    budget = capital.give(market, best, at, share)
                else:
                    budget = capital.budget(market.venue, market.quote, at, share)
            exchanges.append(
                Exchange(
                    book=book,
                    terms=self._desk.traded[book].terms,
                    side=side,
                    levels=ladder,
                    budget=budget,
                    budget_of=name(market.venue),
                )
            )
        return exchanges

    def _doubt(self, key: Key, hops: Hops, at: int) -> Doubt | None:
        """What keeps it from being believed."""
        doubt = self._desk.trust.of([book for book, _ in hops], at)
        if doubt is not None:
            return doubt
        markets = [self._desk.traded[book].terms.market for book, _ in hops]
        for i, market in enumerate(markets):
            before = markets[i - 1].venue
            gate = self._desk.trust.apart(key[1][i], before, market.venue)
            if before != market.venue and gate is not None:
                return Doubt(gate, f"{key[1][i]} may not be the same on {before}, {market.venue}")
        gained = 1.0
        for book, side in hops:
            ladder = self._desk.store.ladder(book, side, 1)
            if ladder:
                gained *= ladder[0][0] if side is Side.BID else 1 / ladder[0][0]
        beyond = (gained - 1) * 1e4 - self._desk.rules.suspect_bps
        if beyond > 0:
            return Doubt(Gate.QUARANTINE, "it is too good to be true", beyond)
        return None

    def _why(self, key: Key, at: int) -> str:
        """Why what is open is over."""
        hops = self._hops[key]
        doubt = self._doubt(key, hops, at)
        if doubt is not None:
            return doubt.reason
        found = self._evaluate(key, hops, at)
        if isinstance(found, cycle.Result):
            short = self._short(key, found, at)
            if short is not None and short.gate is Gate.TRANSFER:
                return "what it goes through cannot be moved from venue to venue"
            return "net fell below the threshold"
        if found.gate is Gate.FEES:
            return "no net edge left"
        return "less than the smallest order is left"

    def _reckon(self, found: cycle.Result) -> Reckon:
        hops = [order.exchange for order in found.orders]
        limit = self._desk.rules.suspect_bps
        return partial(fill_loop, self._desk.store, hops, found.size, limit)

    def _writer(self, key: Key, found: cycle.Result, at: int) -> Callable[[], Opportunity]:
        """Writes the state of it down later, with the books as they are now."""
        stamps = [Stamp.of(self._desk.store, order.exchange.book) for order in found.orders]
        told = self._desk.accounting(key[1][0], found.net_profit, at)
        return partial(self._state, key, found, stamps, told, at)

    def _state(
        self,
        key: Key,
        found: cycle.Result,
        stamps: Sequence[Stamp],
        told: dict[str, Any],
        at: int,
    ) -> Opportunity:
        desk, currency = self._desk, key[1][0]
        legs = []
        for order, stamp in zip(found.orders, stamps, strict=True):
            book, side = order.exchange.book, order.exchange.side
            levels = reached(order.exchange.levels, order.size)
            legs.append(leg(stamp, desk.traded[book], side, levels, order.size, at))
        transfer, prefunded = of_loop(desk.shipping, found, at)
        return Opportunity(
            event="opened",
            id="",
            kind=LOOP,
            symbol=_name(key),
            at=at,
            buy=legs[0],
            sell=legs[-1],
            legs=tuple(legs),
            size=found.size,
            gross_bps=found.gross_bps,
            net_bps=found.net_bps,
            net_profit=found.net_profit,
            currency=currency,
            opened_at=at,
            peak_net_bps=found.net_bps,
            peak_net_profit=found.net_profit,
            bound=found.bound,
            unrounded=found.unrounded,
            transfer=transfer,
            prefunded=prefunded,
            **told,
        )


def _name(key: Key) -> str:
    """As ``symbol`` of an ``Opportunity``: the currencies that it goes through."""
    return "/".join((*key[1], key[1][0]))
