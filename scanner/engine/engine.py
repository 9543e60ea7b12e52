"""The engine: books in, opportunities out.

It knows which books are the same symbol, runs the scan kernel after each change and follows what it
finds. It has no clock and no I/O: time is an argument, results go to ``emit``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import permutations
from typing import Any

from msgspec import Struct
from numpy.typing import NDArray

from scanner.books import layout as L
from scanner.books.store import MAX_LEAD, BookStore
from scanner.engine import costs, scan
from scanner.engine.ids import Ids
from scanner.engine.tracker import Life, Thresholds
from scanner.types import BookState, Leg, Market, Opportunity, RouteMinute, Side

Emit = Callable[[Opportunity], None]
EVIDENCE_LEVELS = 64

CLOSED_BECAUSE = {
    L.NOT_LIVE: "a leg is no longer live",
    L.TOO_OLD: "a leg is too old",
    L.TOO_SKEWED: "the legs are too far apart in time",
    L.NO_EDGE: "no net edge left",
}


class Bounds(Struct, frozen=True, kw_only=True):
    """What legs must keep (ns): ``max_age`` since the last proof, ``max_skew`` between the two.

    ``max_lead``: how long a best bid and offer may be newer than depth that is still received; past
    it, or past ``max_age``, the two contradict each other (``scanner.books.kernels``).
    """

    max_age: int = 3_000_000_000
    max_skew: int = 1_500_000_000
    max_lead: int = MAX_LEAD


class Engine:
    """Scans the books of a store. ``emit`` is called with every ``Opportunity`` event.

    ``changes`` counts how often a book has joined or left.
    """

    def __init__(
        self, store: BookStore, thresholds: Thresholds, bounds: Bounds, ids: Ids, emit: Emit
    ) -> None:
        self._store = store
        self._ids = ids
        self._emit = emit
        self._groups: dict[str, int] = {}
        self._markets: dict[int, Market] = {}
        self._members: dict[str, list[int]] = {}
        self._open: dict[tuple[int, int], Life] = {}
        self.changes = 0
        self.configure(thresholds, bounds)

    def configure(self, thresholds: Thresholds, bounds: Bounds) -> None:
        """What is worth an event, and how fresh books must be, from now on; what is open stays so
        until it is looked at again."""
        self._thresholds = thresholds
        parameters, limits = self._store.array(L.PARAM_INT), self._store.array(L.PARAM_REAL)
        parameters[L.MAX_AGE], parameters[L.MAX_SKEW] = bounds.max_age, bounds.max_skew
        parameters[L.MAX_LEAD] = min(bounds.max_lead, bounds.max_age)
        limits[L.MIN_NET_BPS], limits[L.MIN_PROFIT] = thresholds.min_net_bps, thresholds.min_profit

    @property
    def open_count(self) -> int:
        """How many opportunities are open now."""
        return len(self._open)

    @property
    def markets(self) -> Mapping[int, Market]:
        """The market of each book that takes part, by the number of the book."""
        return self._markets

    @property
    def members(self) -> Mapping[str, list[int]]:
        """The books of each symbol; the symbols stand in the order of their groups."""
        return self._members

    def open_between(self, buy: int, sell: int) -> Opportunity | None:
        """The newest state of what is open on this route, told or not."""
        life = self._open.get((buy, sell))
        return life.last if life is not None else None

    def add(self, book: int, market: Market) -> None:
        """The book takes part from now on, against all others of its symbol.

        Raises ``ValueError`` beyond 64 venues for one symbol.
        """
        group = self._groups.setdefault(market.symbol, len(self._groups))
        store = self._store
        store.reserve(L.MEMBERS, (group + 1) * L.MAX_MEMBERS)
        store.reserve(L.MEMBER_COUNT, group + 1)
        cells = (group + 1) * L.MAX_MEMBERS**2
        store.reserve(L.OPEN, cells)
        store.reserve(L.EDGES, cells * L.EDGE_WIDTH)
        store.reserve(L.EDGE_COUNTS, cells * L.EDGE_COUNT_WIDTH)
        counts = store.array(L.MEMBER_COUNT)
        member = int(counts[group])
        if member >= L.MAX_MEMBERS:
            raise ValueError(f"more than {L.MAX_MEMBERS} venues trade {market.symbol}")
        store.array(L.MEMBERS)[group * L.MAX_MEMBERS + member] = book
        counts[group] = member + 1
        meta, real = store.array(L.META), store.array(L.REAL)
        meta[book * L.META_WIDTH + L.GROUP] = group
        meta[book * L.META_WIDTH + L.MEMBER] = member
        real[book * L.REAL_WIDTH + L.FEE] = market.taker_fee
        self._markets[book] = market
        self._members.setdefault(market.symbol, []).append(book)
        self.changes += 1

    def remove(self, book: int) -> None:
        """The book, on which nothing stands (``dropped``), takes no part any more; the last of its
        symbol's books takes its place."""
        symbol = self._markets.pop(book).symbol
        self._members[symbol].remove(book)
        group, counts = self._groups[symbol], self._store.array(L.MEMBER_COUNT)
        meta, members = self._store.array(L.META), self._store.array(L.MEMBERS)
        place, last = self._store.meta(book, L.MEMBER), int(counts[group]) - 1
        for slot, width in (
            (L.OPEN, 1),
            (L.EDGES, L.EDGE_WIDTH),
            (L.EDGE_COUNTS, L.EDGE_COUNT_WIDTH),
        ):
            _move(self._store.array(slot), group, width, last, place)
        moved = int(members[group * L.MAX_MEMBERS + last])
        members[group * L.MAX_MEMBERS + place] = moved
        counts[group] = last
        meta[moved * L.META_WIDTH + L.MEMBER] = place
        meta[book * L.META_WIDTH + L.GROUP] = -1
        self.changes += 1

    def revalue(self, book: int, market: Market) -> None:
        """The market has another fee, lot or minimum from now on."""
        self._markets[book] = market
        self._store.array(L.REAL)[book * L.REAL_WIDTH + L.FEE] = market.taker_fee

    def updated(self, book: int, at: int) -> None:
        """The book has changed: scan it against the others."""
        found = scan.scan(self._store.context, book, at)
        if found:
            self._found(found, at)

    def follow(self, routes: int, at: int) -> None:
        """A scan of compiled code has found ``routes`` routes and put them where ``updated`` would
        have."""
        self._found(routes, at)

    def dropped(self, book: int, reason: str, at: int) -> None:
        """The book has left the game: close what stood on it."""
        for route in [route for route in self._open if book in route]:
            self._close(route, reason, at)

    def tick(self, at: int) -> None:
        """Look again at what is open: time alone can end it."""
        for buy, sell in list(self._open):
            scan.route(self._store.context, buy, sell, self._cell(buy, sell), at)
            self._found(1, at)

    def take_minutes(self, at: int) -> list[RouteMinute]:
        """The summaries of all routes since they were last taken, as of the time ``at``."""
        minutes: list[RouteMinute] = []
        edges, counts = self._store.array(L.EDGES), self._store.array(L.EDGE_COUNTS)
        for books in self._members.values():
            for buy, sell in permutations(books, 2):
                cell = self._cell(buy, sell)
                c, e = cell * L.EDGE_COUNT_WIDTH, cell * L.EDGE_WIDTH
                samples, positive = counts[c : c + L.EDGE_COUNT_WIDTH].tolist()
                if samples:
                    last, low, high, total = edges[e : e + L.EDGE_WIDTH].tolist()
                    counts[c : c + L.EDGE_COUNT_WIDTH] = 0
                    buyer, seller = self._markets[buy], self._markets[sell]
                    minutes.append(
                        RouteMinute(
                            at=at,
                            symbol=buyer.symbol,
                            buy=buyer.venue,
                            sell=seller.venue,
                            samples=samples,
                            positive=positive,
                            low_bps=low,
                            high_bps=high,
                            mean_bps=total / samples,
                            last_bps=last,
                        )
                    )
        return minutes

    def _found(self, routes: int, at: int) -> None:
        integers = self._store.array(L.OUT_INT)[: routes * L.ROUTE_INT_WIDTH].tolist()
        for i in range(0, len(integers), L.ROUTE_INT_WIDTH):
            buy, sell, code = integers[i : i + 3]
            self._follow(buy, sell, code, at)

    def _follow(self, buy: int, sell: int, code: int, at: int) -> None:
        life = self._open.get((buy, sell))
        result = self.evaluate(buy, sell) if code == L.OK else None
        if life is None:
            if result is not None and self._thresholds.opens(result):
                self._begin(buy, sell, result, at)
        elif result is None:
            self._close((buy, sell), self._why(buy, sell, code), at)
        elif not self._thresholds.holds(result):
            self._close((buy, sell), "net fell below the threshold", at)
        else:
            told = life.update(self._state(buy, sell, result, at), self._thresholds.update_interval)
            if told is not None:
                self._emit(told)

    def _begin(self, buy: int, sell: int, result: costs.Result, at: int) -> None:
        opened = self._state(buy, sell, result, at)
        self._open[buy, sell] = Life(opened)
        self._mark(buy, sell, 1)
        self._emit(opened)

    def _close(self, route: tuple[int, int], reason: str, at: int) -> None:
        life = self._open.pop(route)
        self._mark(*route, 0)
        self._emit(life.close(reason, at))

    def _mark(self, buy: int, sell: int, value: int) -> None:
        self._store.array(L.OPEN)[self._cell(buy, sell)] = value

    def _cell(self, buy: int, sell: int) -> int:
        """Where the route stands in the arrays of routes."""
        meta = self._store.meta
        row = meta(buy, L.GROUP) * L.MAX_MEMBERS + meta(buy, L.MEMBER)
        return row * L.MAX_MEMBERS + meta(sell, L.MEMBER)

    def evaluate(self, buy: int, sell: int) -> costs.Result | None:
        """What a route leaves at its best size, exactly, from the levels; None where both venues
        would take nothing of it. Looks deeper only when all that it saw is used up."""
        buyer, seller = self._markets[buy], self._markets[sell]
        levels = EVIDENCE_LEVELS
        while True:
            asks = self._store.ladder(buy, Side.ASK, levels)
            bids = self._store.ladder(sell, Side.BID, levels)
            lots = (buyer.lot, seller.lot)
            result = costs.evaluate(asks, bids, buyer.taker_fee, seller.taker_fee, lots)
            used = max(len(result.buy), len(result.sell)) if result else 0
            if used < levels:
                break
            levels *= 4
        if result is None or not _executable(result, buyer, seller):
            return None
        return result

    def _state(self, buy: int, sell: int, result: costs.Result, at: int) -> Opportunity:
        market = self._markets[buy]
        return Opportunity(
            event="opened",
            id=self._ids.new(at) if (buy, sell) not in self._open else "",
            kind="spot-spot",
            symbol=market.symbol,
            at=at,
            buy=self._leg(buy, result.buy, at),
            sell=self._leg(sell, result.sell, at),
            size=result.size,
            gross_bps=result.gross_bps,
            net_bps=result.net_bps,
            net_profit=result.net_profit,
            currency=market.quote,
            opened_at=at,
            peak_net_bps=result.net_bps,
            peak_net_profit=result.net_profit,
        )

    def _leg(self, book: int, levels: tuple[costs.Level, ...], at: int) -> Leg:
        market = self._markets[book]
        return Leg(
            venue=market.venue,
            symbol=market.symbol,
            levels=levels,
            fee_rate=market.taker_fee,
            age_ms=(at - self._store.proven_at(book)) / 1e6,
        )

    def _why(self, buy: int, sell: int, code: int) -> str:
        if code == L.NOT_LIVE:
            for book in (buy, sell):
                state = self._store.state(book)
                if state is not BookState.LIVE:
                    return f"the book on {self._markets[book].venue} is {state.name.lower()}"
        return CLOSED_BECAUSE.get(code, "less than the smallest order is left")


def _move(cells: NDArray[Any], group: int, width: int, last: int, place: int) -> None:
    """The routes of a symbol's ``last`` member become those of the member at ``place``."""
    size = L.MAX_MEMBERS**2 * width
    routes = cells[group * size : (group + 1) * size].reshape(L.MAX_MEMBERS, L.MAX_MEMBERS, width)
    routes[place], routes[:, place] = routes[last], routes[:, last]
    routes[last], routes[:, last] = 0, 0


def _executable(result: costs.Result, buyer: Market, seller: Market) -> bool:
    """Both venues would take orders of this size."""
    paid = costs.value(result.buy, result.size)
    received = costs.value(result.sell, result.size)
    return (
        result.size >= max(buyer.min_amount, seller.min_amount)
        and paid >= buyer.min_notional
        and received >= seller.min_notional
    )
