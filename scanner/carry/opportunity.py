"""A carry as an event: both legs with their evidence, and what it rests on besides."""

from __future__ import annotations

from scanner.books.store import BookStore
from scanner.carry.evaluate import Result
from scanner.engine.legs import Stamp, Traded, leg
from scanner.events import Opportunity
from scanner.types import Side


def opportunity(
    store: BookStore,
    kind: str,
    buy: tuple[int, Traded],
    sell: tuple[int, Traded],
    found: Result,
    currency: str,
    priced: tuple[float, str] | None,
    at: int,
) -> Opportunity:
    """The whole state of it, without an id. ``buy`` and ``sell``: the number of the book, and what
    is traded there; ``priced``: what one of its quote is worth in ``currency``, and where."""
    market = buy[1].terms.market
    rate, where = priced or (0.0, "")
    return Opportunity(
        event="opened",
        id="",
        kind=kind,
        symbol=market.symbol,
        at=at,
        buy=leg(Stamp.of(store, buy[0]), buy[1], Side.ASK, found.buy, found.bought, at),
        sell=leg(Stamp.of(store, sell[0]), sell[1], Side.BID, found.sell, found.sold, at),
        size=found.bought,
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
        carry=found.carry,
    )
