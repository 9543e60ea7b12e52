"""What moving the coin of a route does to it: withdrawn after each purchase, or moved once in a
while between two inventories."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from scanner.books.store import BookStore
from scanner.engine import costs
from scanner.engine.band import band
from scanner.engine.gates import Rejection
from scanner.engine.legs import Traded
from scanner.engine.rules import Moving
from scanner.engine.terms import Terms
from scanner.engine.volatility import EVERY, Volatility
from scanner.engine.ways import Way, way
from scanner.moving import OPEN, UNKNOWN, Levels, Prefunded, Transfer
from scanner.types import BookState, Market, Side, Wallet

Route = tuple[int, int]
HOUR_MINUTES = 60


class Place(NamedTuple):
    """The wallet of the base (else of the quote) where a book is."""

    book: int
    base: bool


class Seen(Struct, frozen=True):
    """What both sides of a trade looked like when it was found, behind what it takes too."""

    asks: Sequence[costs.Level]
    bids: Sequence[costs.Level]


class Transfers:
    """The ways between the books of a store; ``traded`` by the number of the book."""

    def __init__(self, store: BookStore, traded: Mapping[int, Traded]) -> None:
        self._store = store
        self._traded = traded
        self._rules = Moving()
        self._ways: dict[tuple[Place, Place], Way] = {}
        self._volatility: dict[int, Volatility] = {}
        self._looked: int | None = None

    def configure(self, rules: Moving) -> None:
        """These rules hold from now on."""
        self._rules = rules
        self.forget()

    def forget(self) -> None:
        """What is known of a wallet has changed."""
        self._ways.clear()

    def removed(self, book: int) -> None:
        """The book takes no part any more; its number may come back as another's."""
        self._volatility.pop(book, None)
        self.forget()

    def look(self, at: int) -> None:
        """Sample the mids of all live books, unless that was done within the last seconds."""
        if self._looked is not None and 0 <= at - self._looked < EVERY:
            return
        self._looked = at
        for book in self._traded:
            if self._store.state(book) is BookState.LIVE:
                bids = self._store.ladder(book, Side.BID, 1)
                asks = self._store.ladder(book, Side.ASK, 1)
                if bids and asks:
                    seen = self._volatility.setdefault(book, Volatility())
                    seen.sample((bids[0][0] + asks[0][0]) / 2, at)

    @property
    def rules(self) -> Moving:
        """Those that hold now."""
        return self._rules

    def way(self, buy: int, sell: int, at: int) -> Way:
        """How the coin comes from where it is bought to where it is sold."""
        return self.between(Place(buy, True), Place(sell, True), at)

    def between(self, source: Place, target: Place, at: int) -> Way:
        """How what is in the one wallet comes to the other, which is of the same currency."""
        found = self._ways.get((source, target))
        if found is None or at > found.until:
            one, other = self._wallet_at(source), self._wallet_at(target)
            found = way(one, other, self._rules.paces, at)
            self._ways[source, target] = found
        return found

    def volatility(self, book: int) -> float | None:
        """Of the mids of the book over an hour, bps; None: too little was seen of them."""
        seen = self._volatility.get(book)
        return seen.hourly_bps if seen else None

    def risk(self, volatility: float | None, minutes: float | None) -> float | None:
        """How far a price moves in this time, but for few cases, bps; None: not known."""
        if volatility is None or minutes is None:
            return None
        return self._rules.z * volatility * math.sqrt(minutes / HOUR_MINUTES)

    def _wallet_at(self, place: Place) -> Wallet:
        market = self._traded[place.book].terms.market
        return market.wallet if place.base else market.quote_wallet

    def fee(self, buy: int, found: Way) -> float:
        """What the withdrawal takes off, in base."""
        return (found.fee or 0.0) * self._traded[buy].terms.market.multiplier

    def transfer(
        self, route: Route, result: costs.Result, seen: Seen, spend: float, at: int
    ) -> Transfer:
        """What comes of the purchase of ``result`` if the coin is sold once it has arrived.
        ``spend``: the most that may be paid."""
        found = self.told(*route, at)
        if found.state != OPEN or found.fee is None:
            return found
        elsewhere = self._elsewhere(route[1], result)
        if elsewhere:
            reason = (
                f"the conversion is made on {elsewhere}: moving the money there is not reckoned"
            )
            return replace(found, reason=reason)
        return self._paid(route, result, found.fee, seen, spend, found)

    def _elsewhere(self, sell: int, result: costs.Result) -> str:
        """The venue of the conversion; empty where it is that of the sale, or nothing is moved."""
        venue = result.conversion.exchange.venue if result.conversion is not None else ""
        return "" if venue == self._traded[sell].terms.market.venue else venue

    def told(self, buy: int, sell: int, at: int) -> Transfer:
        """How the coin could be moved, whatever is bought."""
        found = self.way(buy, sell, at)
        volatility = self.volatility(sell)
        coins = self._traded[buy].terms.market.multiplier
        return Transfer(
            state=found.state,
            reason=found.reason,
            network=found.network,
            fee=None if found.fee is None else found.fee * coins,
            min_withdraw=None if found.least is None else found.least * coins,
            minutes=found.minutes,
            listed_at=found.listed_at,
            volatility_bps=volatility,
            z=self._rules.z,
            risk_bps=self.risk(volatility, found.minutes),
            in_net=self._rules.withdrawn,
        )

    def _paid(
        self,
        route: Route,
        result: costs.Result,
        fee: float,
        seen: Seen,
        spend: float,
        told: Transfer,
    ) -> Transfer:
        buyer, seller = self._traded[route[0]].terms, self._traded[route[1]].terms
        asks, bids = seen.asks, seen.bids
        done = result.conversion
        exchange = done.exchange if done is not None else None
        pays = band(asks, bids, buyer, seller, exchange, fee, spend)
        if pays is not None:
            i, j, k = pays.levels
            behind = len(costs.reached(done.exchange.levels, done.size)) if done else 0
            told = replace(
                told,
                min_size=pays.least,
                max_size=pays.most,
                more_asks=tuple(asks[len(result.buy) : i]),
                more_bids=tuple(bids[len(result.sell) : j]),
                more_rates=tuple(exchange.levels[behind:k]) if exchange else (),
            )
        sold, brought, reason = _arrived(result, buyer, seller, fee, told.min_withdraw)
        if reason:
            return replace(told, reason=reason)
        cost = costs.value(result.buy, result.size) * buyer.buy_quote
        net, risk = brought - cost, told.risk_bps
        return replace(
            told,
            sold=sold,
            net_profit=net,
            net_bps=net / cost * 1e4,
            net_after_risk=None if risk is None else net - risk / 1e4 * brought,
        )

    def prefunded(self, route: Route, result: costs.Result, seen: Seen, at: int) -> Prefunded:
        """What moving both inventories back costs each trade."""
        buyer = self._traded[route[0]].terms
        sold, profit, bids, rates = self._unmoved(route, result, seen.bids)
        to = self.way(*route, at)
        back, currency, rate = self._back(route, result, at)
        fee = None if to.state != OPEN else self.fee(route[0], to)
        back_fee = None if back.state != OPEN else back.fee
        cost = net = net_bps = None
        if fee is not None and back_fee is not None:
            coin = result.buy[0][0] * buyer.buy_quote / buyer.buy_base
            paid = costs.value(result.buy, result.size) * buyer.buy_quote
            cost = (fee * coin + back_fee * rate) / self._rules.trades
            net = None if profit is None else profit - cost
            net_bps = None if net is None else net / paid * 1e4
        return Prefunded(
            trades=self._rules.trades,
            state=to.state,
            reason=to.reason,
            network=to.network,
            fee=fee,
            back_state=back.state,
            back_reason=back.reason,
            back_network=back.network,
            back_fee=back_fee,
            back_currency=currency,
            sold=sold,
            trade_profit=profit,
            more_bids=bids,
            more_rates=rates,
            cost=cost,
            net_profit=net,
            net_bps=net_bps,
        )

    def _unmoved(
        self, route: Route, result: costs.Result, bids: Sequence[costs.Level]
    ) -> tuple[float | None, float | None, Levels, Levels]:
        """What is sold of the purchase with nothing withdrawn, what that leaves, and the bids and
        conversions behind those of the result that it takes."""
        if not result.withdrawal:
            return result.sold, result.net_profit, (), ()
        buyer, seller = self._traded[route[0]].terms, self._traded[route[1]].terms
        there = min(result.size * buyer.buy_base / seller.sell_base, sum(size for _, size in bids))
        sold = seller.floor(bids, there)
        paid, received = costs.value(result.buy, result.size), costs.value(bids, sold)
        exchange = result.conversion.exchange if result.conversion is not None else None
        left = costs.left(paid, received, buyer, seller, exchange)
        if isinstance(left, Rejection):
            return None, None, (), ()
        rates: Levels = ()
        if result.conversion is not None and left.conversion is not None:
            reached = costs.reached(left.conversion.exchange.levels, left.conversion.size)
            had = costs.reached(left.conversion.exchange.levels, result.conversion.size)
            rates = reached[len(had) :]
        return sold, left.net, costs.reached(bids, sold)[len(result.sell) :], rates

    def _back(self, route: Route, result: costs.Result, at: int) -> tuple[Way, str, float]:
        """How the money comes back to the purchase, in which currency, and what one of it is worth
        in that of the purchase."""
        buy, sell = (self._traded[book].terms.market for book in route)
        done = result.conversion
        if done is None:
            found = self.between(Place(route[1], False), Place(route[0], False), at)
            return found, buy.quote, 1.0
        terms = done.exchange.terms
        if terms is None:
            return Way(state=UNKNOWN, reason="the conversion is assumed"), buy.quote, 1.0
        there = terms.market
        if there.venue == sell.venue:
            found = way(_wallet(there, buy.quote), buy.quote_wallet, self._rules.paces, at)
            return found, buy.quote, 1.0
        if there.venue == buy.venue:
            found = way(sell.quote_wallet, _wallet(there, sell.quote), self._rules.paces, at)
            return found, sell.quote, done.got / done.given
        reason = "the conversion is made on a third venue"
        return Way(state=UNKNOWN, reason=reason), sell.quote, 1.0


def _wallet(market: Market, currency: str) -> Wallet:
    return market.wallet if market.base == currency else market.quote_wallet


def _arrived(
    result: costs.Result, buy: Terms, sell: Terms, fee: float, least: float | None
) -> tuple[float, float, str]:
    """Of what the purchase brings: what can be sold once the fee is off, what that brings in the
    currency of the purchase; and why nothing, if so."""
    bought = result.size * buy.buy_base
    if least is not None and bought < least:
        return 0.0, 0.0, "less than the smallest withdrawal"
    sold = sell.floor(result.sell, costs.less(bought, fee) / sell.sell_base)
    received = costs.value(result.sell, sold)
    if sold <= 0 or sell.too_small(sold, received) > 0:
        return 0.0, 0.0, "less than the smallest order arrives"
    proceeds = received * sell.sell_quote
    if result.conversion is None:
        return sold, proceeds, ""
    done = result.conversion.exchange.convert(proceeds)
    if isinstance(done, Rejection):
        return 0.0, 0.0, "less than the smallest conversion arrives"
    return sold, done.got, ""
