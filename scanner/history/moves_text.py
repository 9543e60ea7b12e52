"""The moves of a state of many orders, both ways of them, as arithmetic that can be followed."""

from __future__ import annotations

from collections.abc import Iterator

from scanner.history.moves import Within, cost, within
from scanner.history.moving import number
from scanner.moving import NOT_NEEDED, OPEN, Move, Prefunded, Transfer
from scanner.text import printable
from storage.queries import State


def lines(state: State, net: float, currency: str) -> Iterator[str]:
    """Both ways, of a trade that leaves ``net`` of ``currency``."""
    if state.transfer is not None:
        yield from map(printable, _transfer(state.transfer, state, currency))
    if state.prefunded is not None:
        yield from map(printable, _inventory(state.prefunded, net, currency))


def _transfer(told: Transfer, state: State, currency: str) -> Iterator[str]:
    asked = ", which the thresholds were asked of" if told.asked else ""
    yield f"  if it is moved within the trade{asked}: {_overall(told)}"
    if told.state == NOT_NEEDED:
        return
    rows = [("move", _move(move)) for move in told.moves]
    again = within(state)
    if again is not None:
        sizes = zip(again.sizes, state.legs, strict=True)
        orders = (
            f"{leg.side} {number(size)} {leg.symbol.partition('/')[0]} on {leg.venue}"
            for size, leg in sizes
        )
        rows += [("order", order) for order in orders]
        sums = f"{number(again.brings)} - {number(again.pays)} = {again.net:+,.10g} {currency}"
        rows.append(("net", f"{sums}, {again.net / again.pays * 1e4:+.4f} bps"))
        rows.append(("risk", _risk(told, again, currency)))
    yield from _rows(rows)


def _overall(told: Transfer) -> str:
    if told.reason:
        return f"{told.state}, {told.reason}"
    return "how long it takes is not known" if told.minutes is None else _about(told.minutes)


def _about(minutes: float) -> str:
    return f"about {minutes:.4g} min"


def _move(move: Move) -> str:
    way = f"{number(move.amount)} {move.currency}, {move.source} to {move.target}"
    if move.state != OPEN or move.fee is None:
        network = f" ({move.network})" if move.network else ""
        return f"{way}: {move.state}, {move.reason}{network}"
    time = "" if move.minutes is None else f", {_about(move.minutes)}"
    return f"{way}: {move.network}{time}, fee {number(move.fee)} {move.currency}"


def _risk(told: Transfer, again: Within, currency: str) -> str:
    if again.risk_bps is None:
        slow = any(minutes is None for minutes in again.minutes)
        return "not known: " + (
            "nor is how long it takes" if slow else "too little was seen of the prices"
        )
    waits = [
        f"{order.volatility_bps:.4g} x sqrt({minutes:.4g} / 60)"
        for order, minutes in zip(told.orders, again.minutes, strict=True)
        if minutes and order.volatility_bps is not None
    ]
    if told.volatility_bps is not None:
        waits = [f"{told.volatility_bps:.4g} x sqrt({told.minutes or 0.0:.4g} / 60)"]
    after = again.net - again.risk_bps / 1e4 * again.brings
    sums = f"{told.z:g} x ({' + '.join(waits)})" if waits else "no order is made later"
    return f"{sums} = {again.risk_bps:.4g} bps; net after it {after:+,.6g} {currency}"


def _inventory(told: Prefunded, net: float, currency: str) -> Iterator[str]:
    if told.state == NOT_NEEDED:
        yield f"  if it is there beforehand: nothing has to be moved back, at 0 {currency}"
        return
    again = cost(told)
    head = f"  if it is there beforehand, and moved back every {told.trades:,} trades:"
    yield f"{head} cost {told.state}, {told.reason}" if again is None else head
    rows = [("move", _move(move)) for move in told.moves]
    if again is not None:
        fees = " + ".join(
            number(move.fee or 0.0) + (f" x {number(move.rate)}" if move.rate != 1 else "")
            for move in told.moves
        )
        rows.append(("a trade", f"({fees}) / {told.trades:,} = {number(again)} {currency}"))
        rows.append(("net", f"{number(net)} - {number(again)} = {net - again:+,.10g} {currency}"))
    yield from _rows(rows)


def _rows(rows: list[tuple[str, str]]) -> Iterator[str]:
    width = max((len(name) for name, _ in rows), default=0)
    for name, what in rows:
        yield f"    {name:<{width}}  {what}"
