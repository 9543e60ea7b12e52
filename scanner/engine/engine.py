"""The engine: books in, opportunities out.

It knows which books are of one base currency, runs the scan kernel after each change and follows
what it finds. It has no clock and no I/O: time is an argument, results go to ``emit``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial

from scanner.books import layout as L
from scanner.books.store import BookStore
from scanner.engine import costs, paper, scan
from scanner.engine.apart import Apart
from scanner.engine.bounds import Bounds
from scanner.engine.currencies import Currencies
from scanner.engine.desk import Desk
from scanner.engine.following import Following
from scanner.engine.gates import CODES, Gate, Rejection
from scanner.engine.groups import Groups
from scanner.engine.ids import Ids
from scanner.engine.legs import Traded
from scanner.engine.lives import Lives, Route
from scanner.engine.minutes import take_minutes
from scanner.engine.pairs import Pairs
from scanner.engine.quarantine import Quarantine, Tell
from scanner.engine.rejects import Rejects
from scanner.engine.rules import CROSS_QUOTE, LOOP, SPOT_SPOT, Rules
from scanner.engine.several import Several
from scanner.engine.terms import Terms
from scanner.engine.tracker import Thresholds
from scanner.engine.trust import Trust
from scanner.events import Opportunity, RejectMinute, RouteMinute
from scanner.moving import Prefunded, Transfer
from scanner.types import BookState, Market, MarketKind, Proof, Side

Emit = Callable[[Opportunity], None]

CLOSED_BECAUSE = {
    L.NOT_LIVE: "a leg is no longer live, or shows one side only",
    L.TOO_OLD: "a leg is too old",
    L.TOO_SKEWED: "the legs are too far apart in time",
    L.NO_EDGE: "no net edge left",
    L.NOT_PROVEN: "nothing proves the book of a leg any more",
    L.OTHER_ASSET: "the legs are not of the same asset",
    L.IN_QUARANTINE: "the route is in quarantine",
    L.NO_CONVERSION: "no book to be trusted converts what the sale brings",
    L.NO_TRANSFER: "the coin cannot be moved to where it is sold",
    L.NO_CAPITAL: "your capital is less than the smallest order",
}


class Engine:
    """Scans the books of a store. ``emit`` is called with every ``Opportunity`` event, ``suspect``
    with what is kept apart; what opens is handed to ``following``, if there is any.

    ``changes`` counts how often a book has joined or left.
    """

    def __init__(
        self,
        store: BookStore,
        thresholds: Thresholds,
        bounds: Bounds,
        ids: Ids,
        emit: Emit,
        rules: Rules | None = None,
        suspect: Tell = lambda found: None,
        following: Following | None = None,
    ) -> None:
        self._store = store
        self._following = following
        self._groups = Groups(store)
        self._currencies = Currencies(store)
        self._markets: dict[int, Market] = {}
        self._traded: dict[int, Traded] = {}
        self._members: dict[str, list[int]] = {}
        self._pairs = Pairs(store, self._currencies, self._traded)
        self._lives = Lives(store, self._groups, ids, emit)
        self._apart = Apart(store, self._groups, self._markets, self.bar)
        self._quarantine = Quarantine(
            store, self._groups, self._markets, self._apart, self.bar, suspect
        )
        self.rejects = Rejects(store, self._groups)
        self.changes = 0
        self._over = False
        self._waiting: dict[Route, None] = {}
        desk = Desk(
            store=store,
            groups=self._groups,
            traded=self._traded,
            currencies=self._currencies,
            pairs=self._pairs,
            rejects=self.rejects,
            trust=Trust(store, self._groups, self._traded),
            following=following,
        )
        self.several = Several(desk, ids, emit, lambda: self.changes)
        self.configure(thresholds, bounds, rules or Rules())

    def configure(self, thresholds: Thresholds, bounds: Bounds, rules: Rules | None = None) -> None:
        """What is worth an event, how fresh books must be and what else the user allows (None: as
        before), from now on; what is open stays so until it is looked at again."""
        self._thresholds = self._lives.thresholds = thresholds
        self.several.configure(thresholds)
        parameters, limits = self._store.array(L.PARAM_INT), self._store.array(L.PARAM_REAL)
        parameters[L.MAX_AGE], parameters[L.MAX_SKEW] = bounds.max_age, bounds.max_skew
        parameters[L.MAX_LEAD] = min(bounds.max_lead, bounds.max_age)
        limits[L.MIN_NET_BPS], limits[L.MIN_PROFIT] = thresholds.min_net_bps, thresholds.min_profit
        if rules is not None and rules != self._pairs.rules:
            self._lives.write_down()
            self.several.write_down()
            self._pairs.configure(rules)
            self._currencies.configure(CROSS_QUOTE in rules.kinds, rules.assumed)
            parameters[L.UNPROVEN_TOO] = rules.unverified
            for book in self._traded:
                self._price(book)

    @property
    def open_count(self) -> int:
        """How many opportunities are open now."""
        return len(self._lives.open) + self.several.open_count

    @property
    def currencies(self) -> Currencies:
        """What quote currencies are worth in each other."""
        return self._currencies

    @property
    def markets(self) -> Mapping[int, Market]:
        """The market of each book that takes part, by the number of the book."""
        return self._markets

    @property
    def members(self) -> Mapping[str, list[int]]:
        """The books of each symbol, in the order in which they came."""
        return self._members

    def place(self, book: int) -> tuple[int, int]:
        """The numbers of the group and of the quote currency of a book."""
        return self._store.meta(book, L.GROUP), self._store.meta(book, L.QUOTE)

    def open_between(self, buy: int, sell: int) -> Opportunity | None:
        """The newest state of what is open on this route, told or not."""
        life = self._lives.open.get((buy, sell))
        return life.last if life is not None else None

    def add(self, book: int, market: Market, proof: Proof | None = None) -> None:
        """The book takes part from now on, against all others of its base currency; contracts are
        for other kinds than pairs and only known. ``proof``: what shows that it is the venue's
        (None: it is not asked)."""
        self._markets[book] = market
        self._traded[book] = Traded(Terms.of(market), proof)
        self._members.setdefault(market.symbol, []).append(book)
        meta = self._store.array(L.META)
        meta[book * L.META_WIDTH + L.UNPROVEN] = proof is Proof.NONE
        self._price(book)
        if market.kind is MarketKind.SPOT:
            quote = self._currencies.add(book, market)
            meta[book * L.META_WIDTH + L.QUOTE] = quote
            self._groups.add(market.base, book, quote)
            self._apart.look(book)
        self.changes += 1

    def remove(self, book: int) -> None:
        """The book, on which nothing stands (``dropped``), takes no part any more; the last of its
        group takes its place."""
        market = self._markets.pop(book)
        del self._traded[book]
        self._pairs.transfers.removed(book)
        self._apart.forget(book)
        self._members[market.symbol].remove(book)
        if market.kind is MarketKind.SPOT:
            self._currencies.remove(book)
            self._groups.remove(book)
        self.changes += 1

    def revalue(self, book: int, market: Market) -> None:
        """The market has another fee, lot or minimum from now on."""
        self._lives.write_down()
        self.several.write_down()
        self._markets[book] = market
        self._traded[book] = Traded(Terms.of(market), self._traded[book].proof)
        self._pairs.transfers.forget()
        if market.kind is MarketKind.SPOT:
            self._apart.look(book)
        self._price(book)

    def rename(self, book: int, market: Market) -> None:
        """The book, on which nothing stands (``dropped``), is compared under the symbol of
        ``market`` from now on."""
        proof = self._traded[book].proof
        self.remove(book)
        self.add(book, market, proof)

    def bar(self, buy: int, sell: int, gate: Gate | None) -> None:
        """Nothing opens on this route from now on, because of this gate (None: it may again, if the
        two are of one coin as far as is known)."""
        if self._apart.why(buy, sell):
            gate = Gate.IDENTITY
        record = self._groups.record(buy, sell)
        opened = int(record["standing"]) & L.STANDS
        record["standing"] = opened | (CODES[gate] << 1 if gate else 0)

    def updated(self, book: int, at: int) -> None:
        """The book has changed: scan it against the others."""
        found = scan.scan(self._store.context, book, at)
        if found:
            self.follow(found, at)

    def follow(self, rows: int, at: int, *, more_to_come: bool = False) -> None:
        """A scan has written ``rows`` rows to the out array. ``more_to_come``: of messages that
        came together this was not the last; what is open waits for ``follow_open``, for what they
        say in turn stood for no time at all."""
        for buy, sell, code in self._rows(rows):
            if code == L.DEPENDS:
                routes = self._lives.on_conversion(sell)
                if more_to_come:
                    self._waiting.update(dict.fromkeys(routes))
                else:
                    self._look_again(routes, at)
            elif more_to_come and (buy, sell) in self._lives.open:
                self._waiting[buy, sell] = None
            else:
                self._follow(buy, sell, code, at, noted=True)

    def follow_open(self, at: int) -> None:
        """The last of the messages that came together has been taken."""
        if self._waiting:
            routes = [route for route in self._waiting if route in self._lives.open]
            self._waiting.clear()
            self._look_again(routes, at)

    def dropped(self, book: int, reason: str, at: int) -> None:
        """The book has left the game: close what stood on it."""
        self._currencies.changed(book, at)
        self._lives.close_all(book, reason, at)
        self._look_again(self._lives.on_conversion(book), at)
        self.several.dropped(book, reason, at)

    def finish(self, reason: str, at: int) -> None:
        """The end: what is open is closed with ``reason``, and nothing is told any more."""
        self._over = True
        self._lives.finish(reason, at)
        self.several.finish(reason, at)

    def tick(self, at: int) -> None:
        """Look again at what is open, for time alone can end it; and at what conversions that have
        become better may have opened; before that, at what must be kept apart."""
        if self._over:
            return
        self._quarantine.look(self._pairs.rules, at)
        self._pairs.transfers.look(at)
        self._look_again(list(self._lives.open), at)
        # With transfers one that is not the best there is may open something where the sale is.
        withdrawn = self._pairs.rules.moving.withdrawn
        if withdrawn or self._store.parameter(L.CONVERSIONS_ROSE):
            rows = scan.rescan(self._store.context, len(self._groups.numbers), at)
            for buy, sell, code in self._rows(rows):
                self._follow(buy, sell, code, at, noted=False)
        self.several.tick(at)

    def take_minutes(self, at: int) -> list[RouteMinute]:
        """The summaries of all routes since they were last taken, as of the time ``at``."""
        return list(take_minutes(self._groups, self._markets, at))

    def take_rejects(self, at: int) -> list[RejectMinute]:
        """What stopped the routes that looked good, since that was last taken."""
        return list(self.rejects.take(self._markets, at))

    def evaluate(self, buy: int, sell: int, at: int) -> costs.Result | Rejection:
        """What a route leaves at its best size, exactly, from the levels; or what stops it."""
        return self._pairs.evaluate(buy, sell, at)

    def moving(
        self, buy: int, sell: int, result: costs.Result | None, at: int
    ) -> tuple[Transfer, Prefunded | None]:
        """What moving the coin of a route comes to, at the size of its result."""
        return self._pairs.moving(buy, sell, result, at)

    def _rows(self, rows: int) -> list[tuple[int, int, int]]:
        integers = self._store.array(L.OUT_INT)[: rows * L.ROUTE_INT_WIDTH].tolist()
        return [
            (integers[i + L.ROUTE_BUY], integers[i + L.ROUTE_SELL], integers[i + L.ROUTE_CODE])
            for i in range(0, len(integers), L.ROUTE_INT_WIDTH)
        ]

    def _look_again(self, routes: list[Route], at: int) -> None:
        for buy, sell in routes:
            code = scan.route(self._store.context, buy, sell, self._groups.cell(buy, sell), at)
            self._follow(buy, sell, code, at, noted=False)

    def _follow(self, buy: int, sell: int, code: int, at: int, *, noted: bool) -> None:
        life = self._lives.open.get((buy, sell))
        if not self._is_looked_for(buy, sell):
            if life is not None:
                self._lives.close((buy, sell), "this kind is not looked for any more", at)
            return
        outcome: costs.Result | Rejection | None = None
        if code == L.OK:
            outcome = self._pairs.evaluate(buy, sell, at)
        if isinstance(outcome, costs.Result):
            short = self._thresholds.short(outcome, open_=life is not None)
            if short is None:
                write = partial(self._pairs.opportunity, self._pairs.moment(buy, sell, outcome, at))
                done = outcome.conversion
                at_book = done.exchange.book if done else -1
                opened = self._lives.keep((buy, sell), outcome, at, write, at_book)
                if opened is not None and self._following is not None:
                    orders = self._pairs.orders(buy, sell, outcome)
                    reckon = partial(paper.fill, self._store, orders)
                    self._following.follow(opened, orders.books, reckon)
            elif life is not None:
                self._lives.close((buy, sell), "net fell below the threshold", at)
            elif noted:
                self.rejects.note(buy, sell, short)
        elif life is not None:
            self._lives.close((buy, sell), self._why(buy, sell, code, outcome, at), at)
        elif noted and outcome is not None:
            if outcome.gate is Gate.FEES:  # what is missing counts up to the threshold
                missing = outcome.shortfall_bps + self._thresholds.min_net_bps
                outcome = Rejection(Gate.FEES, missing)
            self.rejects.note(buy, sell, outcome)

    def _is_looked_for(self, buy: int, sell: int) -> bool:
        """Whether this pair is told as one: both orders on one venue, for two currencies, are part
        of a loop where those are."""
        one, other, kinds = self._markets[buy], self._markets[sell], self._pairs.rules.kinds
        if one.quote == other.quote:
            return SPOT_SPOT in kinds
        return CROSS_QUOTE in kinds and not (one.venue == other.venue and LOOP in kinds)

    def _why(self, buy: int, sell: int, code: int, outcome: Rejection | None, at: int) -> str:
        if code == L.NOT_LIVE:
            for book in (buy, sell):
                state = self._store.state(book)
                if state is not BookState.LIVE:
                    return f"the book on {self._markets[book].venue} is {state.name.lower()}"
        if outcome is not None:
            code = CODES[outcome.gate]
        why = self._quarantine.why(buy, sell)
        if code == L.OTHER_ASSET and self._apart.why(buy, sell):
            return f"{CLOSED_BECAUSE[code]}: {self._apart.why(buy, sell)}"
        if code == L.NO_TRANSFER:
            way = self._pairs.transfers.way(buy, sell, at)
            return f"{CLOSED_BECAUSE[code]}: {way.reason or 'too little is left to withdraw'}"
        if code == L.NO_CONVERSION and self._pairs.rules.moving.withdrawn:
            return f"{CLOSED_BECAUSE[code]} on {self._markets[sell].venue}, where it lies"
        if code == L.IN_QUARANTINE and why:
            return f"{CLOSED_BECAUSE[code]}: {why}"
        return CLOSED_BECAUSE.get(code, "less than the smallest order is left")

    def _price(self, book: int) -> None:
        """Tell the kernels what the market costs, in what units, and what may be spent on it."""
        terms, real = self._traded[book].terms, self._store.array(L.REAL)
        self._store.scale(book, terms.price_scale, terms.size_scale, terms.market.inverse)
        r = book * L.REAL_WIDTH
        real[r + L.RATE_SIDE + Side.ASK] = terms.buy_quote / terms.buy_base
        real[r + L.RATE_SIDE + Side.BID] = terms.sell_quote / terms.sell_base
        real[r + L.UNIT_SIDE + Side.ASK] = terms.buy_base
        real[r + L.UNIT_SIDE + Side.BID] = terms.sell_base
        spend, give = self._pairs.capital.known(terms.market, terms.market)
        if self._pairs.rules.moving.withdrawn:
            give = math.inf
        real[r + L.CAP_SIDE + Side.ASK], real[r + L.CAP_SIDE + Side.BID] = spend, give
        if self._store.meta(book, L.GROUP) >= 0:
            self._groups.see(book)
