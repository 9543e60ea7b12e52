"""A hedge as text for people and as one JSON object."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from msgspec import Struct

from scanner.hedge.contract import Short
from scanner.hedge.picture import picture, range_of
from scanner.hedge.plan import Hedge, Row, break_even_intervals
from scanner.history.table import Column, table

PLOT_HEIGHT = 15


class Terms(Struct, frozen=True, kw_only=True):
    """What a report tells besides the hedge: names, and how the margin is reckoned."""

    coin: str
    currency: str
    leverage: float
    maintenance: float


def lines(
    hedge: Hedge, found: Sequence[Row], terms: Terms, width: int, *, plot: bool
) -> Iterator[str]:
    """The plan, the table of prices and, if wanted, the plot."""
    yield from _plan(hedge, terms)
    yield ""
    yield from _table(found, terms, width)
    if plot:
        yield ""
        low, high = range_of([row.price for row in found], hedge.spot_price)
        yield from picture(hedge, low, high, width, PLOT_HEIGHT)


def fields(hedge: Hedge, found: Sequence[Row], terms: Terms) -> dict[str, Any]:
    """The same as names and numbers; amounts in quote unless the name says otherwise."""
    short = hedge.short
    return {
        "coin": terms.coin,
        "currency": terms.currency,
        "quantity": hedge.quantity,
        "spot_price": hedge.spot_price,
        "short_price": short.entry,
        "contracts": short.contracts,
        "hedged": short.quantity,
        "residual_delta": hedge.residual,
        "basis_bps": hedge.basis * 1e4,
        "basis_value": hedge.value_gap,
        "entry_cost": hedge.entry_cost,
        "exit_cost": hedge.exit_cost(short.entry),
        "margin": short.margin(terms.leverage),
        "liquidation_price": short.liquidation_price(terms.leverage, terms.maintenance),
        "funding_per_interval": hedge.funding / hedge.intervals if hedge.intervals else 0.0,
        "break_even_intervals": break_even_intervals(hedge),
        "rows": [row_fields(row) for row in found],
    }


def row_fields(row: Row) -> dict[str, float]:
    """One row; ``yield`` is no name that Python allows for an attribute."""
    return {
        "price": row.price,
        "spot_pnl": row.spot_pnl,
        "short_pnl": row.short_pnl,
        "funding": row.funding,
        "costs": row.costs,
        "yield": row.earned,
        "net": row.net,
    }


def _plan(hedge: Hedge, terms: Terms) -> Iterator[str]:
    short, coin, quote = hedge.short, terms.coin, terms.currency
    notional = short.notional(short.entry)
    value = hedge.quantity * hedge.spot_price
    entry, leave = hedge.entry_cost, hedge.exit_cost(short.entry)
    price = short.liquidation_price(terms.leverage, terms.maintenance)
    away = "at no price" if price is None else _away(price, short.entry)
    told = (
        ("hold", f"{_n(hedge.quantity)} {coin} at {_n(hedge.spot_price)} = {_n(value)} {quote}"),
        (
            "short",
            f"{_n(short.quantity)} {coin} at {_n(short.entry)} = {_n(notional)} {quote}"
            + _contracts(short, terms),
        ),
        ("delta", f"{_signed(hedge.residual)} {coin} is left unhedged"),
        (
            "basis",
            f"{_signed(hedge.basis * 1e4)} bps: the short stands {_signed(hedge.value_gap)}"
            f" {quote} over what it hedges",
        ),
        ("entry", f"{_n(entry)} {quote} = {_n(entry / value * 1e4)} bps"),
        ("exit", f"{_n(leave)} {quote} = {_n(leave / value * 1e4)} bps, at the price of the short"),
        (
            "funding",
            f"{_signed(hedge.funding)} {quote} over {hedge.intervals} payments" + _even(hedge),
        ),
        (
            "margin",
            f"{_n(short.margin(terms.leverage))} {quote} at leverage {_n(terms.leverage)};"
            f" liquidated {away}",
        ),
    )
    yield from (f"{name:<7} {text}" for name, text in told)


def _contracts(short: Short, terms: Terms) -> str:
    """In what the short comes, where that is not the coin itself."""
    contract = short.contract
    if contract.contract_size == 1 and not contract.inverse:
        return ""
    unit = terms.currency if contract.inverse else terms.coin
    return f" ({_n(short.contracts)} contracts of {_n(contract.contract_size)} {unit})"


def _away(price: float, entry: float) -> str:
    return f"near {price:,.8g} ({(price / entry - 1) * 100:+.3g} %)"


def _even(hedge: Hedge) -> str:
    needed = break_even_intervals(hedge)
    if needed is None:
        return "; it never pays for entry and exit"
    return f"; entry and exit are paid after {needed}" if needed else ""


def _table(found: Sequence[Row], terms: Terms, width: int) -> Iterator[str]:
    def column(title: str, values: Sequence[float], rank: int = 0) -> Column:
        return Column(title=title, cells=[_money(v) for v in values], right=True, rank=rank)

    yield from table(
        [
            Column(title="at price", cells=[_n(row.price) for row in found], right=True),
            column("spot", [row.spot_pnl for row in found]),
            column("short", [row.short_pnl for row in found]),
            column("funding", [row.funding for row in found], 1),
            column("costs", [-row.costs for row in found], 1),
            column("yield", [row.earned for row in found], 2),
            column(f"net {terms.currency}", [row.net for row in found]),
        ],
        width,
    )


def _n(value: float) -> str:
    return f"{value:,.10g}"


def _signed(value: float) -> str:
    return f"{value:+,.6g}" if value else "0"


def _money(value: float) -> str:
    return f"{value:+,.2f}" if round(value, 2) else "0.00"
