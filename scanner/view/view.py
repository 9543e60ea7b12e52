"""The view: frozen frames of what the core holds, for whoever looks.

It has no clock and no I/O. It keeps what a look needs of the past, the spread of each symbol by the
second and message rates; all of it bounded. What has happened, and how the services are, stands in
no frame of it: ``scanner.view.window`` adds that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from scanner.engine import costs
from scanner.engine.overview import Overview, Quote, Route, Trust
from scanner.feeds.health import ConnectionState, Health
from scanner.pipeline import Pipeline
from scanner.types import FeeIn, Market, Side
from scanner.view import carry_rows, order_rows
from scanner.view.frame import (
    Detail,
    Frame,
    Level,
    Link,
    Place,
    Query,
    Quoted,
    Row,
    Standing,
    Stop,
    Sum,
    Totals,
    VenueLine,
)
from scanner.view.trend import Rate, Trend

HISTORY = 600
TREND = 60


class Feed(Protocol):
    """Whatever knows the health of its connections (``scanner.feeds.feed.Feed``)."""

    def health(self) -> tuple[Health, ...]: ...


class View:
    """Looks at ``pipeline`` and ``feeds``, which are to carry ``markets``."""

    def __init__(
        self,
        pipeline: Pipeline,
        feeds: Sequence[Feed],
        markets: Sequence[Market],
    ) -> None:
        self._overview = Overview(pipeline.store, pipeline.engine)
        self._engine = pipeline.engine
        self._breaks = pipeline.breaks
        self._live_contracts = pipeline.live_contracts
        self._nearest = pipeline.carries.nearest
        self._contract_books = pipeline.contract_books
        self._trends: dict[str, Trend] = {}
        self._rates: dict[str, Rate] = {}
        self._since = 0
        self.watch(feeds, markets)

    def watch(self, feeds: Sequence[Feed], markets: Sequence[Market]) -> None:
        """These are the feeds and markets from now on."""
        self._feeds = feeds
        self._subscribed: dict[str, int] = {}
        self._pairs: dict[str, tuple[str, str]] = {}
        for market in markets:
            self._subscribed[market.venue] = self._subscribed.get(market.venue, 0) + 1
            self._pairs.setdefault(market.symbol, (market.base, market.quote))

    def frame(self, at: int, query: Query) -> Frame:
        """What is to be seen at the time ``at``."""
        self._since = self._since or at
        routes = {route.symbol: route for route in self._overview.best(at)}
        for symbol, route in routes.items():
            trend = self._trends.get(symbol) or self._trends.setdefault(symbol, Trend(HISTORY))
            trend.note(_net_bps(route) if route.buy >= 0 else None, at)
        if query.venue:
            routes = {route.symbol: route for route in self._overview.best(at, query.venue)}
        symbols = self._symbols(routes)
        shown = [routes.get(symbol) or Route(symbol=symbol, live=0, books=0) for symbol in symbols]
        many = order_rows.rows(self._engine.several.states(), query.venue, at)
        best = self._nearest.best(at, query.venue)
        held = carry_rows.rows(best, self._contract_books(), self._pairs, at)
        wanted = (*symbols, *many) if query.details is None else query.details
        venues = tuple(self._venue_lines(at))
        return Frame(
            at=at,
            rows=(
                *(held[r.symbol][0] if r.symbol in held else self._row(r, at) for r in shown),
                *(row for row, _ in many.values()),
            ),
            details=(
                *(
                    carry_rows.detail(*held[route.symbol], at)
                    if route.symbol in held
                    else self._detail(route, query.levels, at)
                    for route in shown
                    if route.symbol in wanted
                ),
                *(order_rows.detail(*many[name], at) for name in many if name in wanted),
            ),
            venues=venues,
            services=(),
            events=(),
            bells=0,
            totals=self._totals(venues, at),
        )

    def _symbols(self, known: Iterable[str]) -> list[str]:
        """Those of the markets; where none are known, those that the wire has named."""
        return list(self._pairs or known)

    def _row(self, route: Route, at: int) -> Row:
        base, quote = self._pairs.get(route.symbol) or _pair(route.symbol)
        trend = self._trends[route.symbol].last(TREND) if route.symbol in self._trends else ()
        if route.buy < 0:
            return Row(
                symbol=route.symbol,
                base=base,
                quote=quote,
                live=route.live,
                books=route.books,
                trend=trend,
            )
        trade, opened = self._sum(route), route.opened
        return Row(
            symbol=route.symbol,
            base=base,
            quote=quote,
            standing=_standing(route),
            buy=self._place(route.buy, route.ask, quote, at),
            sell=self._place(route.sell, route.bid, quote, at),
            size=trade.size,
            gross_bps=_gross_bps(route),
            net_bps=_net_bps(route),
            profit=route.result.net_profit if route.result else trade.net,
            id=opened.id if opened else "",
            opened_at=opened.opened_at if opened else 0,
            peak_net_bps=opened.peak_net_bps if opened else 0.0,
            live=route.live,
            books=route.books,
            trend=trend,
        )

    def _place(self, book: int, price: float, quote: str, at: int) -> Place:
        market = self._overview.market(book)
        return Place(
            venue=market.venue,
            price=price,
            places=_places(market.price_tick),
            age_ms=self._overview.age_ms(book, at),
            quote="" if market.quote == quote else market.quote,
        )

    def _sum(self, route: Route) -> Sum:
        """The trade at the best size, or with what stands at the touch where that would lose."""
        buy, sell = self._overview.market(route.buy), self._overview.market(route.sell)
        result, moving = route.result, 0.0
        if result is None:
            size = min(route.ask_size, route.bid_size)
            paid, received = route.ask * size, route.bid * size * route.plain
            converting = received * (1 - route.rate / route.plain)
            where = buy.quote if route.rate != 1 or route.plain != 1 else ""
            sell_fee = received * sell.fee_rate
        else:
            size, done = result.size, result.conversion
            plain = done.plain if done else 1.0
            brought = costs.value(result.sell, result.sold)
            paid, received = costs.value(result.buy, size), brought * plain * (size / result.sold)
            converting = done.given * plain - done.got if done else 0.0
            where = (done.exchange.venue or "as stated") if done else ""
        buy_fee = (received if buy.buy_fee_in is FeeIn.BASE else paid) * buy.fee_rate
        if result is not None:
            moving = result.withdrawal * brought * plain / result.sold
            sell_fee = received - paid - buy_fee - converting - moving - result.net_profit
        return Sum(
            size=size,
            paid=paid,
            buy_rate=buy.fee_rate,
            buy_fee=buy_fee,
            received=received,
            sell_rate=sell.fee_rate,
            sell_fee=sell_fee,
            converting=converting,
            converted_at=where,
            moving=moving,
        )

    def _detail(self, route: Route, levels: int, at: int) -> Detail:
        quotes = tuple(_quoted(quote) for quote in self._overview.quotes(route.symbol, at))
        trend = self._trends.get(route.symbol)
        history = trend.last(HISTORY) if trend else ()
        if route.buy < 0:
            stops = self._stops_beside(route)
            return Detail(symbol=route.symbol, quotes=quotes, history=history, stops=stops)
        result, size = route.result, min(route.ask_size, route.bid_size)
        bought, sold = (result.size, result.sold) if result else (size, size)
        transfer, prefunded = self._overview.moving(route, at)
        return Detail(
            symbol=route.symbol,
            asks=_taken(self._overview.ladder(route.buy, Side.ASK, levels), bought),
            bids=_taken(self._overview.ladder(route.sell, Side.BID, levels), sold),
            sum=self._sum(route),
            quotes=quotes,
            history=history,
            stops=self._stops(route),
            transfer=transfer,
            prefunded=prefunded,
        )

    def _stops(self, route: Route) -> tuple[Stop, ...]:
        found = self._overview.why_not(route.buy, route.sell).items()
        stops = [Stop(gate.value, count, short) for gate, (count, short) in found]
        return (*sorted(stops, key=lambda stop: -stop.count), *self._stops_beside(route))

    def _stops_beside(self, route: Route) -> tuple[Stop, ...]:
        return tuple(
            Stop(one.gate.value, one.count, one.shortfall_bps, order_rows.beside(one))
            for one in self._overview.why_not_beside(route.symbol)
        )

    def _venue_lines(self, at: int) -> Iterable[VenueLine]:
        trust, contracts = self._overview.trust(), self._live_contracts()
        for feed in self._feeds:
            connections = feed.health()
            if connections:
                venue = connections[0].venue
                scanned = trust.get(venue, Trust(0, None))
                both = Trust(scanned.live + contracts[venue], scanned.lag_ms)
                yield self._venue_line(connections, both, at)

    def _venue_line(self, connections: Sequence[Health], trust: Trust, at: int) -> VenueLine:
        venue = connections[0].venue
        subscribed = self._subscribed.get(venue, trust.live)
        heard = max(health.heard_at for health in connections)
        rate = self._rates.get(venue) or self._rates.setdefault(venue, Rate())
        newest = max(connections, key=lambda health: health.since)
        return VenueLine(
            venue=venue,
            link=_link(connections, trust.live >= subscribed),
            open=sum(health.state is ConnectionState.OPEN for health in connections),
            connections=len(connections),
            rate=rate.note(sum(health.messages for health in connections), at),
            lag_ms=trust.lag_ms,
            gaps=self._breaks[venue],
            reconnects=sum(health.reconnects for health in connections),
            live=trust.live,
            subscribed=subscribed,
            silent_ms=(at - heard) / 1e6 if heard else None,
            last_error=newest.last_error,
        )

    def _totals(self, venues: Sequence[VenueLine], at: int) -> Totals:
        return Totals(
            since=self._since,
            books=sum(line.subscribed for line in venues),
            live=sum(line.live for line in venues),
            rate=sum(line.rate for line in venues),
            open=self._engine.open_count,
            opened=0,
            best_bps=0.0,
            best_symbol="",
        )


def _net_bps(route: Route) -> float:
    return route.result.net_bps if route.result else route.edge_bps


def _gross_bps(route: Route) -> float:
    if route.result is not None:
        return route.result.gross_bps
    return (route.bid * route.plain / route.ask - 1) * 1e4


def _standing(route: Route) -> Standing:
    if route.opened is not None:
        return Standing.OPEN
    if route.result is not None:
        return Standing.PAYS
    return Standing.DUST if route.edge_bps > 0 else Standing.NEAR


def _taken(levels: Iterable[costs.Level], size: float) -> tuple[Level, ...]:
    told, left = [], size
    for price, available in levels:
        take = min(available, left) if left > size * costs.ROUNDING else 0.0
        left -= take
        told.append(Level(price, available, take))
    return tuple(told)


def _quoted(quote: Quote) -> Quoted:
    return Quoted(
        venue=quote.market.venue,
        state=quote.state.name.lower(),
        age_ms=quote.age_ms,
        bid=quote.bid,
        ask=quote.ask,
        places=_places(quote.market.price_tick),
        fee_rate=quote.market.fee_rate,
    )


def _link(connections: Sequence[Health], all_live: bool) -> Link:
    opened = sum(health.state is ConnectionState.OPEN for health in connections)
    if opened:
        return Link.LIVE if all_live and opened == len(connections) else Link.PARTLY
    return Link.DOWN if any(health.last_error for health in connections) else Link.CONNECTING


def _pair(symbol: str) -> tuple[str, str]:
    base, _, quote = symbol.partition("/")
    return base, quote


def _places(tick: float) -> int:
    """Decimals of a price tick such as 0.01; -1 if it is unknown."""
    return len(f"{tick:.15f}".rstrip("0").partition(".")[2]) if tick > 0 else -1
