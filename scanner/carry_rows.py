"""The best carry of each contract as a row of a frame."""

from __future__ import annotations

from collections.abc import Mapping

from scanner.carry.nearest import Best
from scanner.events import Opportunity
from scanner.frame import Detail, Row, Standing
from scanner.order_rows import order, place


def rows(
    best: Mapping[str, Best],
    books: Mapping[str, tuple[int, int]],
    pairs: Mapping[str, tuple[str, str]],
    at: int,
) -> dict[str, tuple[Row, Opportunity | None]]:
    """By the symbol of the contract that is sold, one for each that has ``books`` (how many are
    live, and of how many). ``pairs``: base and quote by symbol."""
    found: dict[str, tuple[Row, Opportunity | None]] = {}
    for symbol, (live, count) in books.items():
        base, quote = pairs.get(symbol) or _pair(symbol)
        empty = Row(symbol=symbol, base=base, quote=quote, live=live, books=count)
        one = best.get(symbol)
        found[symbol] = (_row(one, symbol, live, count, at), one.state) if one else (empty, None)
    return found


def detail(row: Row, state: Opportunity | None, at: int) -> Detail:
    """Both orders, and what holding them rests on."""
    if state is None:
        return Detail(symbol=row.symbol)
    return Detail(
        symbol=row.symbol,
        orders=(order(state.buy, state, at), order(state.sell, state, at)),
        bound=state.bound,
        carry=state.carry,
    )


def _row(one: Best, symbol: str, live: int, books: int, at: int) -> Row:
    state = one.state
    return Row(
        symbol=symbol,
        base=state.symbol.partition("/")[0],
        quote=state.currency,
        standing=_standing(one),
        buy=place(state.buy, state, at),
        sell=place(state.sell, state, at),
        size=state.size,
        gross_bps=state.gross_bps,
        net_bps=state.net_bps,
        profit=state.net_profit,
        id=state.id,
        opened_at=state.opened_at if one.open else 0,
        peak_net_bps=state.peak_net_bps if one.open else 0.0,
        live=live,
        books=books,
        kind=state.kind,
        apr=state.carry.net_apr if state.carry else None,
    )


def _standing(one: Best) -> Standing:
    if one.open:
        return Standing.OPEN
    if one.whole:
        return Standing.PAYS
    return Standing.DUST if one.state.net_profit > 0 else Standing.NEAR


def _pair(symbol: str) -> tuple[str, str]:
    base, _, rest = symbol.partition("/")
    return base, rest.partition(":")[0]
