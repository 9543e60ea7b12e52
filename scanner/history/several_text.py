"""One state of many orders as arithmetic that can be followed by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scanner.history import moves_text, trade
from scanner.history.moving import number
from scanner.history.several import Chain, Together, disagreements, several
from scanner.text import printable
from storage.queries import State


def lines(state: State, base: str, quote: str) -> Iterator[str]:
    """Every order with its levels and fee, then what is left of them."""
    a = several(state)
    yield from trade.size_lines(state, state.legs, base)
    if isinstance(a, Together):
        yield from _together(a, base, quote)
    else:
        yield from _chain(a)
    yield from trade.accounting(state, a.net, quote)
    yield trade.verdict(state, disagreements(state))
    yield from moves_text.lines(state, a.net, quote)


def _together(a: Together, base: str, quote: str) -> Iterator[str]:
    for each in a.buys:
        yield from trade.order("buy on", each, trade.BOUGHT, 1)
    for each in a.sells:
        yield from trade.order("sell on", each, trade.SOLD, -1)
    yield from _sum("cost", [each.total for each in a.buys], a.cost, quote)
    yield from _sum("proceeds", [each.total for each in a.sells], a.brought, quote)
    worth, scale = number(a.received), ""
    if a.bought != a.sold:
        scale = f" x {number(a.bought)} / {number(a.sold)}"
        yield f"  {number(a.bought)} {base} are bought and {number(a.sold)} sold"
    if a.left > trade.LEAST_LEFT * a.bought:
        yield f"  {number(a.left)} {base} are left over and counted as nothing"
    yield from trade.results(
        (
            ("gross", f"{worth}{scale} - {number(a.paid)}", a.gross, quote),
            ("", f"{number(a.gross)} / {number(a.paid)} x 10,000", a.gross_bps, "bps"),
            ("net", f"{number(a.brought)} - {number(a.cost)}", a.net, quote),
            ("", f"{number(a.net)} / {number(a.cost)} x 10,000", a.net_bps, "bps"),
        )
    )


def _sum(name: str, each: Sequence[float], total: float, quote: str) -> Iterator[str]:
    """One order is its own sum."""
    if len(each) > 1:
        yield f"  {name} together: {' + '.join(map(number, each))} = {number(total)} {quote}"


def _chain(a: Chain) -> Iterator[str]:
    for order in a.orders:
        leg = order.side.leg
        base, _, quote = leg.symbol.partition("/")
        if leg.side == "buy":
            yield from trade.order("buy on", order.side, ("paid", "plus", "given", "got"), 1)
            gave, got = quote, base
        else:
            yield from trade.order("sell on", order.side, ("received", "less", "got", "given"), -1)
            gave, got = base, quote
        yield printable(f"    {number(order.given)} {gave} become {number(order.got)} {got}")
    first = a.orders[0].side.leg
    base, _, quote = first.symbol.partition("/")
    currency = printable(quote if first.side == "buy" else base)
    rates = " x ".join(number(order.plain) for order in a.orders)
    yield from trade.results(
        (
            ("gross", f"({rates} - 1) x 10,000", a.gross_bps, "bps"),
            ("net", f"{number(a.back)} - {number(a.put_in)}", a.net, currency),
            ("", f"{number(a.net)} / {number(a.put_in)} x 10,000", a.net_bps, "bps"),
        )
    )
