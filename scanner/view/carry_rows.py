"""The best carry of each contract as a row of a frame."""

from __future__ import annotations

from collections.abc import Mapping

from scanner.carry.nearest import Best
from scanner.events import Opportunity
from scanner.view.frame import Detail, Row, Standing
from scanner.view.order_rows import order, row


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
        if one is None:
            found[symbol] = empty, None
        else:
            found[symbol] = row(one.state, symbol, _standing(one), live, count, at), one.state
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


def _standing(one: Best) -> Standing:
    if one.open:
        return Standing.OPEN
    if one.whole:
        return Standing.PAYS
    return Standing.DUST if one.state.net_profit > 0 else Standing.NEAR


def _pair(symbol: str) -> tuple[str, str]:
    base, _, rest = symbol.partition("/")
    return base, rest.partition(":")[0]
