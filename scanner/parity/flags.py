"""Kind ``parity``: bought below par, or sold above it, and turned back one for one later.

One leg is an order in the pair's own book now. The other is ``assumed``: the same market at a price
of exactly 1, at the same fee, whenever it trades there again. So the net is what is left if the peg
comes back, and nothing says when that is; a coin whose peg is gone for good never pays it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial

from msgspec.structs import replace

from scanner.books.store import BookStore
from scanner.engine import costs
from scanner.engine.capital import Capital, name
from scanner.engine.currencies import Currencies
from scanner.engine.following import Following, Reckon
from scanner.engine.gates import Gate, Rejection
from scanner.engine.ids import Ids
from scanner.engine.legs import Stamp, Traded, leg
from scanner.engine.paper_many import Sized
from scanner.engine.rejects import Rejects
from scanner.engine.rules import PARITY, Rules
from scanner.engine.terms import Terms
from scanner.engine.tracker import Life, Thresholds
from scanner.engine.trust import doubt
from scanner.events import Leg, Opportunity
from scanner.parity import paper
from scanner.parity.figures import PAR, at_par, deviation
from scanner.parity.pegs import SECOND, Pegs
from scanner.types import FeeIn, Market, Proof, Side

LEVELS, MOST_LEVELS = 32, 512
BACK = "it is back near its peg"

Route = tuple[int, Side]


class ParityFlags:
    """Finds and follows them; ``emit`` is called with every ``Opportunity`` event. ``pegs`` says
    which books may be used; what opens is handed to ``following``, if there is any; what looked
    good before fees and is not flagged is counted by ``rejects``, at its venue."""

    def __init__(
        self,
        store: BookStore,
        pegs: Pegs,
        currencies: Currencies,
        ids: Ids,
        emit: Callable[[Opportunity], None],
        rejects: Rejects,
        following: Following | None = None,
    ) -> None:
        self._store = store
        self._following = following
        self._pegs = pegs
        self._currencies = currencies
        self._ids = ids
        self._emit = emit
        self._rejects = rejects
        self._traded: dict[int, Traded] = {}
        self._open: dict[Route, Life] = {}
        self._next = 0
        self._over = False
        self.configure(Thresholds(), Rules())

    def configure(self, thresholds: Thresholds, rules: Rules) -> None:
        """What is worth an event, and what the user allows."""
        least = max(thresholds.min_net_bps, rules.pegs.min_net_bps)
        self._thresholds = replace(thresholds, min_net_bps=least)
        self._rules = rules
        self._capital = Capital(self._currencies, rules)

    @property
    def open_count(self) -> int:
        """How many are open."""
        return len(self._open)

    def add(self, book: int, market: Market, proof: Proof | None) -> None:
        """The book takes part from now on, or goes on, on the terms of this market."""
        self._traded[book] = Traded(Terms.of(market), proof)

    def remove(self, book: int) -> None:
        """The book, on which nothing stands (``dropped``), takes no part any more."""
        self._traded.pop(book, None)

    def dropped(self, book: int, reason: str, at: int) -> None:
        """The book has left the game: close what stood on it."""
        for route in [route for route in self._open if route[0] == book]:
            self._close(route, reason, at)

    def finish(self, reason: str, at: int) -> None:
        """The end: what is open is closed with ``reason``, and nothing opens any more."""
        self._over = True
        for route in list(self._open):
            self._close(route, reason, at)

    def tick(self, at: int) -> None:
        """A few times a second: close what may not be trusted any more; once, look for more."""
        for route in list(self._open):
            reason = self._pegs.unfit(route[0], at)
            if reason:
                self._close(route, reason, at)
        if self._over or at < self._next:
            return
        self._next = at + SECOND
        wanted = PARITY in self._rules.kinds
        coins: Mapping[str, str] = self._rules.pegs.stablecoins if wanted else {}
        for book, traded in self._traded.items():
            market = traded.terms.market
            looked_for = at_par(market.base, market.quote, coins)
            for side in (Side.ASK, Side.BID):
                if looked_for:
                    self._look((book, side), traded, at)
                elif not looked_for and (book, side) in self._open:
                    self._close((book, side), "this kind is not looked for any more", at)

    def _look(self, route: Route, traded: Traded, at: int) -> None:
        book, side = route
        if (ladder := self._store.ladder(book, side, 1)) and _pays(ladder[0][0], side):
            stopped = doubt(self._store, [book], at)
            if stopped is not None:
                self._count(traded, Rejection(stopped.gate, stopped.shortfall_bps))
        if not self._pegs.unfit(book, at):
            self._follow(route, traded, at)

    def _count(self, traded: Traded, rejection: Rejection) -> None:
        market = traded.terms.market
        self._rejects.count(PARITY, market.symbol, market.venue, market.venue, rejection)

    def _follow(self, route: Route, traded: Traded, at: int) -> None:
        found = self._evaluate(route, traded, at)
        life = self._open.get(route)
        if isinstance(found, costs.Result):
            found = self._thresholds.short(found, open_=life is not None) or found
        if not isinstance(found, costs.Result):
            if life is not None:
                self._close(route, BACK, at)
            elif found is not None:
                self._count(traded, found)
            return
        state = self._state(route, traded, found, at)
        if life is None:
            opened = replace(state, id=self._ids.new(at))
            self._open[route] = Life(opened)
            self._emit(opened)
            if self._following is not None:
                self._following.follow(opened, route[:1], self._reckon(route, traded, found))
            return
        told = life.update(state, self._thresholds.update_interval)
        if told is not None:
            self._emit(told)

    def _evaluate(self, route: Route, traded: Traded, at: int) -> costs.Result | Rejection | None:
        """At the size where the next unit would not pay, as deep into the book as it must; or what
        stops it (None: it would not pay before fees)."""
        book, side = route
        terms, levels = traded.terms, LEVELS
        while True:
            ladder = self._store.ladder(book, side, levels)
            if not ladder or not _pays(ladder[0][0], side):
                return None
            beyond = abs(deviation(ladder[0][0])) - self._rules.pegs.furthest_bps
            if beyond > 0:
                return Rejection(Gate.QUARANTINE, beyond)
            par = ((PAR, math.inf),)
            asks, bids = (ladder, par) if side is Side.ASK else (par, ladder)
            found = costs.evaluate(asks, bids, terms, terms, None, self._caps(side, terms, at))
            if not isinstance(found, costs.Result):
                return found
            whole = not found.bound.startswith("depth") or len(ladder) < levels
            if whole or levels >= MOST_LEVELS:
                return found
            levels *= 4

    def _caps(self, side: Side, terms: Terms, at: int) -> costs.Caps:
        """What is there to be spent now, or to be given now; the way back needs nothing more."""
        market = terms.market
        if side is Side.BID:
            caps = self._capital.caps(market, market, PAR, at)
            once = self._capital.once(market.quote, at)
            return costs.Caps(once, "max_trade", caps.give, caps.give_of)
        there, once = (
            self._capital.budget(market.venue, market.quote, at),
            self._capital.once(market.quote, at),
        )
        return costs.Caps(min(there, once), name(market.venue) if there <= once else "max_trade")

    def _state(self, route: Route, traded: Traded, found: costs.Result, at: int) -> Opportunity:
        book, side = route
        market, currency = traded.terms.market, self._rules.currency
        priced = self._currencies.rate(market.quote, currency, at)
        rate, where = priced or (0.0, "")
        now = (found.buy, found.size) if side is Side.ASK else (found.sell, found.sold)
        order = leg(Stamp.of(self._store, book), traded, side, *now, at)
        later = _at_par(traded, Side.BID if side is Side.ASK else Side.ASK, found)
        return Opportunity(
            event="opened",
            id="",
            kind=PARITY,
            symbol=market.symbol,
            at=at,
            buy=order if side is Side.ASK else later,
            sell=later if side is Side.ASK else order,
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
            accounting=currency,
            accounting_profit=found.net_profit * rate if priced else None,
            accounting_rate=rate,
            accounting_venue=where,
        )

    def _reckon(self, route: Route, traded: Traded, found: costs.Result) -> Reckon:
        """The order of now at its size, and what was to be turned back of it."""
        size, back = found.size, found.sold
        if route[1] is Side.BID:
            size, back = back, size
        order = Sized(*route, size, traded.terms)
        return partial(paper.fill, self._store, order, back, self._rules.pegs.furthest_bps)

    def _close(self, route: Route, reason: str, at: int) -> None:
        self._emit(self._open.pop(route).close(reason, at))


def _pays(price: float, side: Side) -> bool:
    """Whether this price against par is worth something before fees."""
    return price < PAR if side is Side.ASK else price > PAR


def _at_par(traded: Traded, side: Side, found: costs.Result) -> Leg:
    """The order that is assumed: at 1, at the market's fee."""
    market = traded.terms.market
    buys = side is Side.ASK
    size = found.size if buys else found.sold
    fee_in = market.buy_fee_in if buys else market.sell_fee_in
    return Leg(
        venue=market.venue,
        symbol=market.symbol,
        levels=((PAR, size),),
        fee_rate=market.fee_rate,
        age_ms=0.0,
        side="buy" if buys else "sell",
        size=size,
        fee_in=fee_in.value,
        fee=market.fee_rate * size * PAR,
        fee_currency=market.base if fee_in is FeeIn.BASE else market.quote,
        fee_source=market.fee_source,
        order=market.order.value,
        lot=float(traded.terms.step),
        limit=PAR,
        assumed=True,
    )
