"""Carries over live books: looked for once a second for each coin, for they change slowly.

The same is asked of both books as of those of a pair: live, young, close to each other in time,
proven. A perpetual takes part only while what its venue says of its funding is fresh and whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import permutations

from msgspec.structs import replace

from scanner.books import layout as L
from scanner.books.store import BookStore
from scanner.carry import evaluate as exact
from scanner.carry.evaluate import Held, Money, Paid
from scanner.carry.formulas import BPS, YEAR
from scanner.carry.nearest import Near, Nearest
from scanner.carry.opportunity import opportunity
from scanner.derivatives import Derivatives
from scanner.engine import paper
from scanner.engine.capital import Capital, name
from scanner.engine.currencies import Currencies
from scanner.engine.following import Following
from scanner.engine.gates import Gate, Rejection
from scanner.engine.ids import Ids
from scanner.engine.legs import Traded
from scanner.engine.rejects import Rejects, symbols
from scanner.engine.rules import CARRIES, PERP_PERP, SPOT_FUTURE, SPOT_PERP, Rules
from scanner.engine.terms import Terms
from scanner.engine.tracker import Life, Thresholds
from scanner.engine.trust import Doubt, doubt
from scanner.events import Opportunity
from scanner.types import Market, MarketKind, Proof, Side

SECOND = 1_000_000_000
# The coins are looked at one after the other over this many parts of a second.
PARTS = 10
LEVELS, MOST_LEVELS = 32, 512
# A contract that stands further from what is bought (a fraction) is none on the same coin.
FURTHEST = 0.1
# Both legs bind nearly the same: their prices are no further apart than that.
NEARLY = 0.9
KINDS = {
    (MarketKind.SPOT, MarketKind.PERPETUAL): SPOT_PERP,
    (MarketKind.PERPETUAL, MarketKind.PERPETUAL): PERP_PERP,
    (MarketKind.SPOT, MarketKind.FUTURE): SPOT_FUTURE,
}
NO_RATE = "its venue does not say its funding any more"
LOST = "its net has fallen below the threshold"

Route = tuple[int, int]


class Carries:
    """Finds and follows them; ``emit`` is called with every ``Opportunity`` event, what opens is
    handed to ``following``, if there is any, and what stops one that looked good before fees is
    counted by ``rejects``. ``nearest`` has the best of each contract, open or not."""

    def __init__(
        self,
        store: BookStore,
        derivatives: Derivatives,
        currencies: Currencies,
        ids: Ids,
        emit: Callable[[Opportunity], None],
        rejects: Rejects,
        following: Following | None = None,
    ) -> None:
        self._store = store
        self._following = following
        self._derivatives = derivatives
        self._currencies = currencies
        self._ids = ids
        self._emit = emit
        self._rejects = rejects
        self._traded: dict[int, Traded] = {}
        self._coins: dict[str, set[int]] = {}
        self._routes: dict[str, list[tuple[str, int, int]]] = {}
        self._due: dict[str, int] = {}
        self._open: dict[Route, Life] = {}
        self._over = False
        self.nearest = Nearest(self._open, self._reckon)
        self.configure(Thresholds(), Rules())

    def configure(self, thresholds: Thresholds, rules: Rules | None) -> None:
        """What is worth an event, what the user allows (None: as before); what is open stays so
        until it is looked at again."""
        self._thresholds = thresholds
        if rules is not None:
            self._rules = rules
            self._routes.clear()
            self._capital = Capital(self._currencies, rules)

    @property
    def open_count(self) -> int:
        """How many are open."""
        return len(self._open)

    def add(self, book: int, market: Market, proof: Proof | None) -> None:
        """The book takes part from now on, or goes on, on the terms of this market."""
        traded = self._traded[book] = Traded(Terms.of(market), proof)
        if market.is_contract:
            terms = traded.terms
            meta = self._store.array(L.META)
            meta[book * L.META_WIDTH + L.UNPROVEN] = proof is Proof.NONE
            self._store.scale(book, terms.price_scale, terms.size_scale, market.inverse)
        self._coins.setdefault(market.base, set()).add(book)
        self._routes.clear()

    def proof(self, book: int) -> Proof | None:
        """What shows that the book is the venue's."""
        return self._traded[book].proof

    def revalue(self, book: int, market: Market) -> None:
        """The market has another fee, lot or minimum from now on."""
        self.add(book, market, self._traded[book].proof)

    def rename(self, book: int, market: Market) -> None:
        """The book, on which nothing stands (``dropped``), is of another symbol from now on."""
        proof = self._traded[book].proof
        self.remove(book)
        self.add(book, market, proof)

    def remove(self, book: int) -> None:
        """The book, on which nothing stands (``dropped``), takes no part any more."""
        self._coins[self._traded.pop(book).terms.market.base].remove(book)
        self._routes.clear()

    def dropped(self, book: int, reason: str, at: int) -> None:
        """The book has left the game: close what stood on it."""
        for route in [route for route in self._open if book in route]:
            self._close(route, reason, at)

    def finish(self, reason: str, at: int) -> None:
        """The end: what is open is closed with ``reason``, and nothing opens any more."""
        self._over = True
        for route in list(self._open):
            self._close(route, reason, at)

    def tick(self, at: int) -> None:
        """A few times a second: close what may not be trusted any more, and look at the coins whose
        turn it is."""
        for route in list(self._open):
            found = doubt(self._store, route, at)
            if found is not None:
                self._close(route, found.reason, at)
        if self._over or not self._rules.kinds.intersection(CARRIES):
            return
        for number, coin in enumerate(self._coins):
            due = self._due.setdefault(coin, at + number % PARTS * SECOND // PARTS)
            if at >= due:
                self._due[coin] = at + SECOND
                self._look(coin, at)

    def _look(self, coin: str, at: int) -> None:
        books = sorted(self._coins[coin])
        seen = {book: held for book in books if (held := self._seen(book, at))}
        doubts = {book: self._doubt(book, held, at) for book, held in seen.items()}
        holding = self._rules.holding
        tops = {book: exact.top(one, at, holding.horizon) for book, one in seen.items()}
        routes = self._routes.get(coin)
        if routes is None:
            routes = self._routes[coin] = list(self._looked_for(books))
        looked: list[Near] = []
        for kind, buy, sell in routes:
            route = buy, sell
            if buy not in seen or sell not in seen:
                self._end(route, NO_RATE, at)
                continue
            ends = holding.reverts or kind == SPOT_FUTURE
            first = exact.first_unit(tops[buy], tops[sell], ends=ends) / tops[buy].enter
            least = self._least(kind, open_=route in self._open)
            stopped: Doubt | Rejection | None = doubts[buy] or doubts[sell]
            if stopped is None:
                venues = self._venue(buy), self._venue(sell)
                looked.append(Near(first, kind, route, self._symbol(sell), venues))
            if stopped is None and first > 0 and first >= least:
                stopped = self._follow(kind, route, seen[buy], seen[sell], at)
            elif stopped is None:
                gate = Gate.THRESHOLD if first > 0 else Gate.FEES
                stopped = Rejection(gate, (least - first) * BPS)
            if stopped is None:
                continue
            if route not in self._open and exact.before_fees(tops[buy], tops[sell], ends=ends) > 0:
                self._count(kind, route, stopped)
            self._end(route, stopped.reason if isinstance(stopped, Doubt) else LOST, at)
        self.nearest.note(coin, looked, at)
        left = {(buy, sell) for _, buy, sell in routes}
        for route in [r for r in self._open if r[0] in self._coins[coin] and r not in left]:
            self._close(route, "this kind is not looked for any more", at)

    def _count(self, kind: str, route: Route, stopped: Doubt | Rejection) -> None:
        """What looked good before fees was not flagged."""
        buy, sell = (self._traded[book].terms.market for book in route)
        rejection = Rejection(stopped.gate, stopped.shortfall_bps)
        self._rejects.count(kind, symbols(buy, sell), buy.venue, sell.venue, rejection)

    def _least(self, kind: str, *, open_: bool) -> float:
        """What the first unit must leave, a fraction of what it costs, for any size to be worth it:
        a little less than the thresholds ask for, which are looked at exactly."""
        part = self._thresholds.close_ratio if open_ else 1.0
        least = self._thresholds.min_net_bps / BPS
        if kind != SPOT_FUTURE:
            holding = self._rules.holding
            bound = (1.0 if kind == SPOT_PERP else 1 / holding.leverage) + 1 / holding.leverage
            least = max(least, holding.min_net_apr * bound * NEARLY * holding.horizon / YEAR)
        return least * part

    def _looked_for(self, books: Sequence[int]) -> Iterator[tuple[str, int, int]]:
        """What can be bought and sold among them, and of what kind that is."""
        for buy, sell in permutations(books, 2):
            one, other = self._traded[buy].terms.market, self._traded[sell].terms.market
            kind = KINDS.get((one.kind, other.kind))
            if kind in self._rules.kinds and one.quote == other.quote:
                yield kind, buy, sell

    def _follow(
        self, kind: str, route: Route, long: Held, short: Held, at: int
    ) -> Doubt | Rejection | None:
        """It opens or goes on; else what stops it."""
        found = self._evaluate(route, long, short, at)
        if isinstance(found, Rejection):
            return found
        stopped = doubt(self._store, route, at) or self._short(found, open_=route in self._open)
        if stopped is None:
            self._keep(route, self._state(kind, route, found, at))
        return stopped

    def _end(self, route: Route, reason: str, at: int) -> None:
        """It is over if it was there."""
        if route in self._open:
            found = doubt(self._store, route, at)
            self._close(route, found.reason if found else reason, at)

    def _seen(self, book: int, at: int) -> Held | None:
        """The top of the book and what is known of its funding, to be believed or not; None where
        there is nothing to be seen."""
        asks = self._store.ladder(book, Side.ASK, 1)
        bids = self._store.ladder(book, Side.BID, 1)
        terms = self._traded[book].terms
        market = terms.market
        if not asks or not bids or (market.kind is MarketKind.FUTURE and market.expiry <= at):
            return None
        paid = None
        if market.kind is MarketKind.PERPETUAL:
            paid = self._paid(book, market, bids[0][0], at)
        return Held(terms=terms, asks=asks, bids=bids, paid=paid)

    def _doubt(self, book: int, held: Held, at: int) -> Doubt | None:
        """Why the book, or what its venue says of it, may not be used."""
        unfit = doubt(self._store, (book,), at)
        if unfit is None and held.paid is None and held.terms.market.kind is MarketKind.PERPETUAL:
            return Doubt(Gate.FUNDING, NO_RATE)
        return unfit

    def _paid(self, book: int, market: Market, bid: float, at: int) -> Paid | None:
        known = self._derivatives.latest(book, at)
        if (
            known.funding_rate is None
            or known.mark is None
            or known.next_funding_at is None
            or known.interval is None
        ):
            return None
        later = known.predicted if known.predicted is not None else known.funding_rate
        mark = known.mark / market.multiplier
        if bid <= 0 or abs(mark / bid - 1) > FURTHEST:
            return None
        return Paid(
            rate=known.funding_rate,
            later=later,
            due=known.next_funding_at,
            interval=known.interval,
            # An inverse contract is worth a fixed sum: it pays on that of its entry.
            mark=bid if market.inverse else mark,
        )

    def _evaluate(self, route: Route, long: Held, short: Held, at: int) -> exact.Result | Rejection:
        """Looks deeper only if the first unit is worth it, and only as deep as it must."""
        beyond = abs(short.mid / long.mid - 1) - FURTHEST
        if beyond > 0:
            return Rejection(Gate.QUARANTINE, beyond * BPS)
        holding = self._rules.holding
        expiry = short.terms.market.expiry
        horizon = expiry - at if expiry else holding.horizon
        moneys = list(self._moneys(long.terms.market, short.terms.market, at))
        levels = LEVELS
        while True:
            long = self._deeper(route[0], long, levels)
            short = self._deeper(route[1], short, levels)
            found = exact.evaluate(long, short, holding, at, horizon, moneys)
            if isinstance(found, Rejection):
                return found
            seen = (long.asks, long.bids, short.asks, short.bids)
            whole = not found.bound.startswith("depth") or all(len(one) < levels for one in seen)
            if whole or levels >= MOST_LEVELS:
                return found
            levels *= 4

    def _reckon(self, kind: str, route: Route, at: int) -> tuple[Opportunity, bool] | None:
        """What it would be now, and whether an order for it can be made; None: it cannot be said,
        or what stands there is another coin."""
        long, short = (self._seen(book, at) for book in route)
        if long is None or short is None or abs(short.mid / long.mid - 1) > FURTHEST:
            return None
        if any(self._doubt(book, one, at) for book, one in zip(route, (long, short), strict=True)):
            return None
        found = self._evaluate(route, long, short, at)
        if isinstance(found, exact.Result):
            return self._state(kind, route, found, at), True
        holding, expiry = self._rules.holding, short.terms.market.expiry
        horizon = expiry - at if expiry else holding.horizon
        long, short = (
            self._deeper(book, one, LEVELS) for book, one in zip(route, (long, short), strict=True)
        )
        found = exact.at_touch(long, short, holding, at, horizon)
        return self._state(kind, route, found, at), False

    def _symbol(self, book: int) -> str:
        return self._traded[book].terms.market.symbol

    def _venue(self, book: int) -> str:
        return self._traded[book].terms.market.venue

    def _deeper(self, book: int, held: Held, levels: int) -> Held:
        return replace(
            held,
            asks=self._store.ladder(book, Side.ASK, levels),
            bids=self._store.ladder(book, Side.BID, levels),
        )

    def _moneys(self, buy: Market, sell: Market, at: int) -> Iterator[Money]:
        """What bounds the size: a coin is paid whole, of a contract its margin."""
        part = 1 / self._rules.holding.leverage
        buying = part if buy.is_contract else 1.0
        once = self._capital.once(buy.quote, at)
        yield Money(once, 1.0, 0.0, "max_trade")
        there = self._capital.budget(buy.venue, buy.quote, at)
        if buy.venue == sell.venue:
            yield Money(there, buying, part, name(buy.venue))
            return
        yield Money(there, buying, 0.0, name(buy.venue))
        yield Money(self._capital.budget(sell.venue, sell.quote, at), 0.0, part, name(sell.venue))

    def _short(self, found: exact.Result, *, open_: bool) -> Rejection | None:
        """What is missing for it to open, or to stay so; None: nothing."""
        short = self._thresholds.short(found, open_=open_)
        part = self._thresholds.close_ratio if open_ else 1.0
        least = self._rules.holding.min_net_apr * part
        if short is None and found.carry.net_apr < least:
            missing = 1 - found.carry.net_apr / least if least else 0.0
            return Rejection(Gate.THRESHOLD, missing * BPS)
        return short

    def _state(self, kind: str, route: Route, found: exact.Result, at: int) -> Opportunity:
        currency = self._rules.currency
        buy, sell = ((book, self._traded[book]) for book in route)
        priced = self._currencies.rate(buy[1].terms.market.quote, currency, at)
        return opportunity(self._store, kind, buy, sell, found, currency, priced, at)

    def _keep(self, route: Route, state: Opportunity) -> None:
        life = self._open.get(route)
        if life is None:
            opened = replace(state, id=self._ids.new(state.at))
            self._open[route] = Life(opened)
            self._emit(opened)
            if self._following is not None:
                orders = self._orders(route, opened)
                reckon = partial(paper.fill, self._store, orders)
                self._following.follow(opened, orders.books, reckon)
            return
        told = life.update(state, self._thresholds.update_interval)
        if told is not None:
            self._emit(told)

    def _orders(self, route: Route, opened: Opportunity) -> paper.Orders:
        """Both entries; what holding and unwinding bring stays as it was expected."""
        carry, held = opened.carry, 0.0
        if carry is not None:
            held = carry.funding_bps - carry.exit_cost_bps - carry.exit_basis_bps
        return paper.Orders(
            buy=route[0],
            sell=route[1],
            buyer=self._traded[route[0]].terms,
            seller=self._traded[route[1]].terms,
            bought=opened.size,
            sold=opened.sell.size,
            held_bps=held,
            suspect_bps=FURTHEST * BPS,
        )

    def _close(self, route: Route, reason: str, at: int) -> None:
        self._emit(self._open.pop(route).close(reason, at))
