"""The kinds spot-spot and cross-quote: one purchase, one sale, a conversion where they differ.

``evaluate`` is exact and is asked for candidates only; ``opportunity`` writes down all that it
rests on.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from msgspec.structs import replace

from scanner.books import layout as L
from scanner.books.store import BookStore
from scanner.engine import costs
from scanner.engine.capital import Capital, name
from scanner.engine.conversion import Converted, Exchange
from scanner.engine.currencies import Currencies
from scanner.engine.gates import Gate, Rejection
from scanner.engine.legs import Stamp, Traded, leg
from scanner.engine.measure import measure
from scanner.engine.moment import Moment
from scanner.engine.paper import Orders
from scanner.engine.rules import CROSS_QUOTE, SPOT_SPOT, Rules
from scanner.engine.terms import Terms
from scanner.engine.transfers import Seen, Transfers
from scanner.events import Leg, Opportunity
from scanner.moving import OPEN, Prefunded, Transfer
from scanner.types import BookState, Market, Side

FIRST_LEVELS = 16


class Pairs:
    """Evaluates routes over the books of a store; ``traded`` by the number of the book."""

    def __init__(
        self, store: BookStore, currencies: Currencies, traded: Mapping[int, Traded]
    ) -> None:
        self._store = store
        self._currencies = currencies
        self._traded = traded
        self.transfers = Transfers(store, traded)
        self.configure(Rules())

    def configure(self, rules: Rules) -> None:
        """These rules hold from now on."""
        self.rules = rules
        self.capital = Capital(self._currencies, rules)
        self.transfers.configure(rules.moving)

    def evaluate(self, buy: int, sell: int, at: int) -> costs.Result | Rejection:
        """What a route leaves at its best size, exactly, from the levels; or what stops it."""
        buyer, seller = self._traded[buy].terms, self._traded[sell].terms
        if self.rules.moving.withdrawn and self.transfers.way(buy, sell, at).state != OPEN:
            return Rejection(Gate.TRANSFER)
        if buyer.market.quote == seller.market.quote:
            return self._evaluate(buy, sell, None, at)
        first: Rejection | None = None
        for exchange in self._exchanges(buy, sell, at):
            found = self._evaluate(buy, sell, exchange, at)
            if isinstance(found, costs.Result):
                return found
            if found.gate is Gate.QUARANTINE:
                return found
            first = first or found
        return first or Rejection(Gate.CONVERSION)

    def moment(self, buy: int, sell: int, result: costs.Result, at: int) -> Moment:
        """All that the books say of the result now."""
        quote, done = self._traded[buy].terms.market.quote, result.conversion
        book = done.exchange.book if done is not None else -1
        return Moment(
            route=(buy, sell),
            result=result,
            at=at,
            buy=Stamp.of(self._store, buy),
            sell=Stamp.of(self._store, sell),
            conversion=Stamp.of(self._store, book) if book >= 0 else None,
            seen=self._seen(buy, sell, result),
            spend=self._caps(buy, sell, result.sell[0][0], at).spend,
            priced=self._currencies.rate(quote, self.rules.currency, at),
        )

    def opportunity(self, then: Moment) -> Opportunity:
        """The whole state of it at that moment, without an id."""
        (buy, sell), result, at = then.route, then.result, then.at
        market = self._traded[buy].terms.market
        done = result.conversion
        rate, where = then.priced or (0.0, "")
        transfer, prefunded = self._moving(then.route, result, then.seen, then.spend, at)
        return Opportunity(
            event="opened",
            id="",
            kind=SPOT_SPOT if done is None else CROSS_QUOTE,
            symbol=market.symbol,
            at=at,
            buy=leg(then.buy, self._traded[buy], Side.ASK, result.buy, result.size, at),
            sell=leg(then.sell, self._traded[sell], Side.BID, result.sell, result.sold, at),
            size=result.size,
            gross_bps=result.gross_bps,
            net_bps=result.net_bps,
            net_profit=result.net_profit,
            currency=market.quote,
            opened_at=at,
            peak_net_bps=result.net_bps,
            peak_net_profit=result.net_profit,
            conversion=self._converting(done, then.conversion, at) if done else None,
            bound=result.bound,
            unrounded=result.unrounded,
            accounting=self.rules.currency,
            accounting_profit=result.net_profit * rate if then.priced else None,
            accounting_rate=rate,
            accounting_venue=where,
            transfer=transfer,
            prefunded=prefunded,
        )

    def moving(
        self, buy: int, sell: int, result: costs.Result | None, at: int
    ) -> tuple[Transfer, Prefunded | None]:
        """What moving the coin does to the trade; of none, how it could be moved."""
        if result is None:
            return self.transfers.told(buy, sell, at), None
        spend = self._caps(buy, sell, result.sell[0][0], at).spend
        return self._moving((buy, sell), result, self._seen(buy, sell, result), spend, at)

    def _moving(
        self, route: tuple[int, int], result: costs.Result, seen: Seen, spend: float, at: int
    ) -> tuple[Transfer, Prefunded]:
        return (
            self.transfers.transfer(route, result, seen, spend, at),
            self.transfers.prefunded(route, result, seen, at),
        )

    def _seen(self, buy: int, sell: int, result: costs.Result) -> Seen:
        deep = max(FIRST_LEVELS, len(result.buy), len(result.sell))
        ladder = self._store.ladder
        return Seen(ladder(buy, Side.ASK, deep), ladder(sell, Side.BID, deep))

    def orders(self, buy: int, sell: int, result: costs.Result) -> Orders:
        """What would have to be filled."""
        return Orders(
            buy=buy,
            sell=sell,
            buyer=self._traded[buy].terms,
            seller=self._traded[sell].terms,
            bought=result.size,
            sold=result.sold,
            exchange=result.conversion.exchange if result.conversion else None,
            suspect_bps=self.rules.suspect_bps,
        )

    def _evaluate(
        self, buy: int, sell: int, exchange: Exchange | None, at: int
    ) -> costs.Result | Rejection:
        """Of a size that the kernel has found, over as many levels as that needs."""
        if self.rules.moving.withdrawn:
            return self._evaluate_withdrawn(buy, sell, exchange, at)
        terms = self._traded[buy].terms, self._traded[sell].terms
        asks = self._store.ladder(buy, Side.ASK, FIRST_LEVELS)
        bids = self._store.ladder(sell, Side.BID, FIRST_LEVELS)
        bid = bids[0][0] if bids else 0.0
        too_far = self._too_far(asks, bid, exchange)
        if too_far > 0:
            return Rejection(Gate.QUARANTINE, too_far)
        caps = self._caps(buy, sell, bid, at)
        walked, deep = measure(self._store.context, (buy, sell), terms, exchange, caps)
        if deep > FIRST_LEVELS:
            asks = self._store.ladder(buy, Side.ASK, deep)
            bids = self._store.ladder(sell, Side.BID, deep)
            if exchange is not None and exchange.book >= 0:
                exchange = self._deeper(exchange, deep)
        return costs.evaluate(asks, bids, *terms, exchange, caps, walked=walked)

    def _evaluate_withdrawn(
        self, buy: int, sell: int, exchange: Exchange | None, at: int
    ) -> costs.Result | Rejection:
        """The same where the coin is withdrawn in between. Looks deeper only when all that it saw
        of a ladder is used up."""
        buyer, seller = self._traded[buy].terms, self._traded[sell].terms
        levels, fee = FIRST_LEVELS, self.transfers.fee(buy, self.transfers.way(buy, sell, at))
        while True:
            asks = self._store.ladder(buy, Side.ASK, levels)
            bids = self._store.ladder(sell, Side.BID, levels)
            if exchange is not None and exchange.book >= 0:
                exchange = self._deeper(exchange, levels)
            bid = bids[0][0] if bids else 0.0
            too_far = self._too_far(asks, bid, exchange)
            if too_far > 0:
                return Rejection(Gate.QUARANTINE, too_far)
            caps = self._caps(buy, sell, bid, at)
            result = costs.evaluate(asks, bids, buyer, seller, exchange, caps, fee)
            seen = (asks, bids, exchange.levels if exchange else ())
            if isinstance(result, Rejection):
                # What is there may be too little for a fixed fee, and what is behind it not.
                whole = not fee or not _pays_to_the_end(asks, bids, buyer, seller, exchange)
            else:
                whole = not result.bound.startswith(("depth", "lot"))
            if whole or all(len(ladder) < levels for ladder in seen):
                return self._movable(buy, sell, result, at)
            levels *= 4

    def _caps(self, buy: int, sell: int, bid: float, at: int) -> costs.Caps:
        """Where the coin is brought to the sale, none has to be there."""
        buyer, seller = self._traded[buy].terms.market, self._traded[sell].terms.market
        caps = self.capital.caps(buyer, seller, bid, at)
        return replace(caps, give=math.inf) if self.rules.moving.withdrawn else caps

    def _movable(
        self, buy: int, sell: int, result: costs.Result | Rejection, at: int
    ) -> costs.Result | Rejection:
        """The result, unless it is less than can be withdrawn."""
        least = self.transfers.way(buy, sell, at).least
        if isinstance(result, Rejection) or least is None:
            return result
        terms = self._traded[buy].terms
        least *= terms.market.multiplier
        bought = result.size * terms.buy_base
        return result if bought >= least else Rejection(Gate.TRANSFER, (1 - bought / least) * 1e4)

    def _too_far(self, asks: Sequence[costs.Level], bid: float, exchange: Exchange | None) -> float:
        """By how much the edge at the touch is beyond what two books of one coin may differ, bps:
        known from the first moment on, before any look at the mids."""
        rates = exchange.ladder() if exchange is not None else [(1.0, math.inf)]
        if not asks or not rates:
            return 0.0
        return (bid * rates[0][0] / asks[0][0] - 1) * 10_000 - self.rules.suspect_bps

    def _exchanges(self, buy: int, sell: int, at: int) -> Iterator[Exchange]:
        """What could convert, in order: as the user states, where the sale is, where the purchase
        is, and the best elsewhere. With transfers only the first two: the money is not moved, so it
        is exchanged where the sale has left it."""
        buyer, seller = self._traded[buy].terms.market, self._traded[sell].terms.market
        have, want = seller.quote, buyer.quote
        stated = self._currencies.assumed(have, want)
        if stated:
            yield Exchange(rate=stated, symbol=f"{have}/{want}")
            return
        books = self._currencies.books(have, want)
        venues = {book: self._traded[book].terms.market.venue for book in books}
        # Mostly the first one does: the others are not looked at before they are asked for.
        for book in books:
            if venues[book] == seller.venue and self._fit(book, (buy, sell), at):
                yield self._exchange(book, books[book], seller, at)
        if self.rules.moving.withdrawn:
            return
        for book in books:
            there = venues[book] == buyer.venue != seller.venue
            if there and self._fit(book, (buy, sell), at):
                yield self._exchange(book, books[book], seller, at)
        rest = [
            book
            for book in books
            if venues[book] not in {seller.venue, buyer.venue} and self._fit(book, (buy, sell), at)
        ]
        touches = {book: self._exchange(book, books[book], seller, at, 1).ladder() for book in rest}
        rates = {book: touch[0][0] for book, touch in touches.items() if touch}
        if rates:
            best = max(rates, key=rates.__getitem__)
            yield self._exchange(best, books[best], seller, at)

    def _exchange(
        self, book: int, side: Side, seller: Market, at: int, levels: int = FIRST_LEVELS
    ) -> Exchange:
        """What the sale brings is at hand where it is made; elsewhere it has to be there before."""
        terms = self._traded[book].terms
        venue = terms.market.venue
        at_hand = venue == seller.venue
        exchange = Exchange(
            book=book,
            terms=terms,
            side=side,
            budget=math.inf if at_hand else self.capital.budget(venue, seller.quote, at),
            budget_of=name(venue),
        )
        return self._deeper(exchange, levels)

    def _deeper(self, exchange: Exchange, levels: int) -> Exchange:
        ladder = self._store.ladder(exchange.book, exchange.side, levels)
        return replace(exchange, levels=ladder)

    def _fit(self, book: int, legs: Sequence[int], at: int) -> bool:
        """Whether the book may convert for these two legs: the same is asked of it as of them."""
        meta, parameter = self._store.meta, self._store.parameter
        proven = self._store.proven_at(book)
        return (
            self._store.state(book) is BookState.LIVE
            and self._store.two_sided(book)
            and at - proven <= parameter(L.MAX_AGE)
            and all(
                abs(self._store.proven_at(leg) - proven) <= parameter(L.MAX_SKEW) for leg in legs
            )
            and (self.rules.unverified or not meta(book, L.UNPROVEN))
        )

    def _converting(self, done: Converted, stamp: Stamp | None, at: int) -> Leg:
        exchange = done.exchange
        if stamp is None:
            return Leg(
                venue="",
                symbol=exchange.symbol,
                levels=((exchange.rate, done.size),),
                fee_rate=0.0,
                age_ms=0.0,
                side="sell",
                size=done.size,
                fee_currency=exchange.symbol.partition("/")[2],
                fee_source="conversions",
                limit=exchange.rate,
                assumed=True,
            )
        levels = costs.reached(exchange.levels, done.size)
        traded = self._traded[exchange.book]
        return leg(stamp, traded, exchange.side, levels, done.size, at)


def _pays_to_the_end(
    asks: Sequence[costs.Level],
    bids: Sequence[costs.Level],
    buy: Terms,
    sell: Terms,
    exchange: Exchange | None,
) -> bool:
    """Whether the last unit that is seen still pays."""
    rates = exchange.ladder() if exchange is not None else [(1.0, math.inf)]
    if not (asks and bids and rates):
        return False
    cost = asks[-1][0] * buy.buy_quote / buy.buy_base
    return bids[-1][0] * sell.sell_quote / sell.sell_base * rates[-1][0] > cost
