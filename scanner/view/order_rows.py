"""What takes more orders than two as rows of a frame: while it is open, it has one of its own. And
what was stopped beside the routes, in words."""

from __future__ import annotations

from collections.abc import Iterable

from scanner.engine.rejects import Beside
from scanner.engine.rules import LOOP, MULTI, PARITY
from scanner.events import Leg, Opportunity
from scanner.view.frame import Detail, Order, Place, Row, Standing

UNKNOWN = -1


def rows(states: Iterable[Opportunity], venue: str, at: int) -> dict[str, tuple[Row, Opportunity]]:
    """By the name of the row: of several loops through the same currencies that which leaves most.
    ``venue``: only those with an order there."""
    found: dict[str, tuple[Row, Opportunity]] = {}
    for state in states:
        if venue and venue not in {leg.venue for leg in state.legs}:
            continue
        orders = len(state.legs)
        name = f"{state.symbol} {state.kind}"
        one = row(state, name, Standing.OPEN, orders, orders, at)
        if name not in found or found[name][0].profit < one.profit:
            found[name] = one, state
    return found


def detail(row: Row, state: Opportunity, at: int) -> Detail:
    """All of its orders, and its moves."""
    return Detail(
        symbol=row.symbol,
        orders=tuple(order(leg, state, at) for leg in state.legs),
        bound=state.bound,
        transfer=state.transfer,
        prefunded=state.prefunded,
    )


def row(state: Opportunity, symbol: str, standing: Standing, live: int, books: int, at: int) -> Row:
    """The row of an opportunity, under the name ``symbol``; ``live`` of ``books`` are live."""
    opened = standing is Standing.OPEN
    return Row(
        symbol=symbol,
        base=state.symbol.partition("/")[0],
        quote=state.currency,
        standing=standing,
        buy=place(state.buy, state, at),
        sell=place(state.sell, state, at),
        size=state.size,
        gross_bps=state.gross_bps,
        net_bps=state.net_bps,
        profit=state.net_profit,
        id=state.id,
        opened_at=state.opened_at if opened else 0,
        peak_net_bps=state.peak_net_bps if opened else 0.0,
        live=live,
        books=books,
        kind=state.kind,
        apr=state.carry.net_apr if state.carry else None,
    )


def place(leg: Leg, state: Opportunity, at: int) -> Place:
    """The leg at its best price."""
    return Place(
        venue=leg.venue, price=leg.levels[0][0], places=UNKNOWN, age_ms=_age(leg, state, at)
    )


def order(leg: Leg, state: Opportunity, at: int) -> Order:
    """The leg at the price of all of it."""
    worth, left = 0.0, leg.size
    for price, size in leg.levels:
        worth += price * min(size, left)
        left -= min(size, left)
    return Order(
        venue=leg.venue,
        symbol=leg.symbol,
        side=leg.side,
        size=leg.size,
        price=worth / leg.size,
        fee_rate=leg.fee_rate,
        age_ms=_age(leg, state, at),
    )


def _age(leg: Leg, state: Opportunity, at: int) -> float:
    return leg.age_ms + (at - state.at) / 1e6


def beside(stopped: Beside) -> str:
    """What something is that was stopped and has no row of its own: ``multi``, a ``parity`` and its
    venue, a ``loop`` and its way, a carry and its two markets."""
    buy, _, sell = stopped.symbol.partition(">")
    if stopped.kind == LOOP:
        return f"{LOOP} {stopped.symbol}"
    if stopped.kind == MULTI:
        return MULTI
    if stopped.kind == PARITY:
        return f"{PARITY} {stopped.buy}"
    return f"{stopped.kind} {stopped.buy} {buy}, {stopped.sell} {sell or buy}"
