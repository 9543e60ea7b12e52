"""Paper fills: the orders of an opportunity, filled from the books as they stand."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from scanner.books.store import BookStore
from scanner.engine import costs
from scanner.engine.conversion import Exchange
from scanner.engine.following import Fill
from scanner.engine.gates import Rejection
from scanner.engine.terms import Level, Terms, value
from scanner.types import Side

FIRST_LEVELS, MOST_LEVELS = 64, 1 << 17
TOO_FAR = "the prices are too far apart to be of one thing"


class Orders(Struct, frozen=True, kw_only=True):
    """What was flagged, on the terms of that moment: ``bought`` and ``sold`` in base.
    ``held_bps`` of what is paid: what holding and unwinding were expected to bring."""

    buy: int
    sell: int
    buyer: Terms
    seller: Terms
    bought: float
    sold: float
    exchange: Exchange | None = None
    held_bps: float = 0.0
    suspect_bps: float

    @property
    def books(self) -> tuple[int, ...]:
        """All that it is filled from."""
        between = self.exchange is not None and self.exchange.book >= 0
        return (self.buy, self.sell, *([self.exchange.book] if between and self.exchange else []))


def fill(store: BookStore, orders: Orders) -> Fill | str:
    """What they leave; or why that is not known: not as much is shown, no smallest order converts
    it, or prices are so far apart that they are not of one thing."""
    asks = enough(store, orders.buy, Side.ASK, orders.bought)
    bids = enough(store, orders.sell, Side.BID, orders.sold)
    for ladder, terms in ((asks, orders.buyer), (bids, orders.seller)):
        if not ladder:
            return too_little(terms)
    paid, received = value(asks, orders.bought), value(bids, orders.sold)
    exchange, terms = orders.exchange, orders.seller
    if exchange is not None and exchange.terms is not None:
        exchange = deep_enough(store, exchange, received * terms.sell_quote)
        if not exchange.levels:
            return too_little(exchange.terms or terms)
    rate = exchange.ladder()[0][0] if exchange is not None else 1.0
    if (bids[0][0] * rate / asks[0][0] - 1) * 1e4 > orders.suspect_bps:
        return TOO_FAR
    done = costs.left(paid, received, orders.buyer, orders.seller, exchange)
    if isinstance(done, Rejection):
        return "what the sale brings is less than the smallest order that converts it"
    net = done.net + paid * orders.held_bps / 1e4
    return Fill(net, net / done.cost * 1e4)


def enough(store: BookStore, book: int, side: Side, size: float) -> list[Level]:
    """The levels that hold ``size`` (base) and perhaps more; none if all of them hold less."""
    levels = FIRST_LEVELS
    while True:
        ladder = store.ladder(book, side, levels)
        if sum(offered for _, offered in ladder) >= size * (1 - costs.ROUNDING):
            return ladder
        if len(ladder) < levels or levels >= MOST_LEVELS:
            return []
        levels *= 4


def deep_enough(store: BookStore, exchange: Exchange, amount: float) -> Exchange:
    """With the levels that turn ``amount`` of what is given, and perhaps more; none if all of them
    turn less."""
    levels = FIRST_LEVELS
    while True:
        ladder = store.ladder(exchange.book, exchange.side, levels)
        exchange = replace(exchange, levels=ladder)
        if sum(given for _, given in exchange.ladder()) >= amount * (1 - costs.ROUNDING):
            return exchange
        if len(ladder) < levels or levels >= MOST_LEVELS:
            return replace(exchange, levels=())
        levels *= 4


def too_little(terms: Terms) -> str:
    """That not as much as the size is shown."""
    return f"less than its size is shown on {terms.market.venue}"
