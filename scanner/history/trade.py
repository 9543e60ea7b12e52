"""One state of an opportunity as arithmetic that can be followed by hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from scanner.events import Carry, Leg
from scanner.history import moving
from scanner.history.arithmetic import Account, Converted, Side, account
from scanner.history.moving import number
from scanner.sinks.formats import rfc3339
from scanner.text import printable
from storage.queries import State

LEAST_LEFT = 1e-12
# Of the order that turns a stablecoin back.
ASSUMED = "ASSUMED: there later, if its peg comes back"


BOUGHT = ("paid", "plus", "cost", "arrives")
SOLD = ("received", "less", "proceeds", "given")


def headline(state: State, base: str) -> str:
    """Which state it is."""
    return f"{state.moment}, {rfc3339(state.at)}: {number(state.size)} {base}"


def lines(state: State, base: str, quote: str) -> Iterator[str]:
    """Every order with its levels and fee, then what is left of them."""
    a = account(state)
    yield from size_lines(state, (state.buy, state.sell), base)
    moved = state.transfer.fee or 0.0 if state.transfer and state.transfer.in_net else 0.0
    if a.left - moved > LEAST_LEFT * state.size:
        yield f"  {number(a.left - moved)} {base} are left over and counted as nothing"
    yield from order("buy on", a.buy, BOUGHT, 1)
    yield from order("sell on", a.sell, SOLD, -1)
    if a.conversion is not None:
        yield from _conversion(a.conversion, a.sell, quote)
    if state.carry is not None:
        yield from _carry(state.carry, a, quote)
    yield from _result(a, quote)
    yield from accounting(state, a.net, quote)
    yield verdict(state, a.disagrees + moving.disagreements(state, a))
    yield from moving.lines(state, a, base, quote)


def verdict(state: State, disagrees: Sequence[str]) -> str:
    """Whether what was stored is what comes of its levels."""
    if not disagrees:
        return "  agrees with what was stored"
    stored = (
        f"gross {state.gross_bps!r} bps, net {state.net_bps!r} bps, profit {state.net_profit!r}"
    )
    return f"  DOES NOT AGREE with what was stored ({stored}): {', '.join(disagrees)}"


def size_lines(state: State, legs: Sequence[Leg], base: str) -> Iterator[str]:
    """What ended the size, and to what lots it was rounded."""
    if not state.bound:
        return
    each = [f"{number(leg.lot)} on {printable(leg.venue)}" for leg in legs if leg.lot]
    lots = " and ".join(dict.fromkeys(each))
    rounded = f"{number(state.unrounded)} {base} before rounding"
    yield printable(
        f"  size bound by {state.bound}; {rounded}" + (f" to lots of {lots}" * bool(lots))
    )


def order(what: str, side: Side, names: Sequence[str], sign: int) -> Iterator[str]:
    """One order with its levels, its fee and what its book was trusted for."""
    leg = side.leg
    sum_name, sign_name, total_name, base_name = names
    trust = ASSUMED if leg.assumed else f"book {leg.age_ms:,.1f} ms old"
    yield printable(
        f"  {what} {leg.venue} ({leg.symbol}, {leg.order} fee {leg.fee_rate * 100:.6g} %, {trust})"
    )
    yield from _evidence(leg)
    rows = [
        (number(t.size), number(t.price), number(t.value), number(t.offered)) for t in side.taken
    ]
    sums = [(sum_name, number(side.value))]
    if side.fee_in_base:
        fee = f"fee {number(side.size)} x {leg.fee_rate:.10g}"
        mark = "-" if sign > 0 else "+"
        arrives = f"{base_name} {number(side.size)} {mark} {number(side.fee)}"
        sums += [(total_name, number(side.total)), (fee, number(side.fee))]
        sums += [(arrives, number(side.net_size))]
    else:
        fee = f"{sign_name} fee {number(side.value)} x {leg.fee_rate:.10g}"
        sums += [(fee, number(side.fee)), (total_name, number(side.total))]
    base = printable(leg.symbol.partition("/")[0])
    units = ["", "", f" {base}", f" {base}"] if side.fee_in_base else [""] * len(sums)
    sizes, prices = _width(r[0] for r in rows), _width(r[1] for r in rows)
    values = _width([*(r[2] for r in rows), *(value for _, value in sums)])
    left = max(sizes + 3 + prices, _width(name for name, _ in sums))
    for size, price, value, offered in rows:
        taken = f"{size:>{sizes}} x {price:>{prices}}"
        there = "" if leg.assumed else f"   of {offered} offered"
        yield f"    {taken:<{left}} = {value:>{values}}{there}"
    for (name, value), unit in zip(sums, units, strict=True):
        yield f"    {name:<{left}} = {value:>{values}}{unit}"
    if side.missing > LEAST_LEFT * side.size:
        yield f"    {number(side.missing)} more than its levels offer"


def _evidence(leg: Leg) -> Iterator[str]:
    """What the book was trusted for, and where the fee is known from."""
    if not leg.state:
        return
    proof = f" by {leg.proof}" if leg.proof else ""
    sequence = f", sequence {leg.sequence}" if leg.sequence >= 0 else ""
    sent = f", sent {rfc3339(leg.sent_at)[11:26]}" if leg.sent_at else ""
    yield printable(
        f"    book {leg.state}{proof}{sequence}, told {rfc3339(leg.book_at)[11:26]}{sent}"
    )
    fee = f"fee from {leg.fee_source or 'its list'}, in {leg.fee_currency}"
    if leg.fee_in == "token":
        fee += " (paid in the venue's token)"
    yield printable(f"    {fee}; limit price {number(leg.limit)}")
    if leg.multiplier != 1 or leg.contract_size != 1 or leg.inverse:
        unit = "quote" if leg.inverse else "base"
        yield (
            f"    shown there x {number(leg.multiplier)} in price, in contracts of"
            f" {number(leg.contract_size)} {unit}"
        )


def _conversion(done: Converted, sale: Side, quote: str) -> Iterator[str]:
    leg = done.side.leg
    if leg.assumed:
        yield printable(
            f"  convert at {number(leg.levels[0][0])} ({leg.symbol}), ASSUMED by the configuration:"
            f" {number(done.given)} x {number(leg.levels[0][0])} = {number(done.got)} {quote}"
        )
        return
    if leg.side == "buy":
        yield from order("convert: buy on", done.side, ("paid", "plus", "given", "got"), 1)
    else:
        yield from order("convert: sell on", done.side, ("received", "less", "got", "given"), -1)
    yield f"    so that {number(done.given)} of the proceeds become {number(done.got)} {quote}"
    unused, of = sale.total - done.given, printable(sale.leg.symbol.partition("/")[2])
    if unused > LEAST_LEFT * sale.total:
        lots = f", in lots of {number(leg.lot)}," if leg.lot else ""
        yield f"    {number(unused)} {of} are left over{lots} and counted as nothing"


def _carry(carry: Carry, a: Account, quote: str) -> Iterator[str]:
    """What holding and unwinding come to, as it was reckoned then."""
    yield f"  held {number(carry.horizon_h)} h (as stored: the exit's books are not kept)"
    rows = []
    c = carry
    for name, each, later, hours, count in (
        ("of the purchase", c.buy_funding_bps, c.buy_later_bps, c.buy_interval_h, c.buy_payments),
        ("of the sale", c.sell_funding_bps, c.sell_later_bps, c.sell_interval_h, c.sell_payments),
    ):
        if hours:
            rows.append((name, _payments(each, later, hours, count)))
    costs = (-carry.exit_cost_bps, -carry.exit_basis_bps)
    bps = f"{carry.funding_bps:.10g}" + "".join(
        f" {'-' if cost < 0 else '+'} {abs(cost):.10g}" for cost in costs if cost
    )
    rows += [
        ("funding", f"{carry.funding_bps:+.6g} bps until then"),
        ("exit", f"{-carry.exit_cost_bps:+.6g} bps of fees and spreads"),
        ("exit basis", f"{0.0 - carry.exit_basis_bps:+.6g} bps, expected at the end"),
        ("together", f"{number(a.buy.value)} x ({bps}) / 10,000 = {a.held:+,.10g} {quote}"),
        ("margin", f"{number(carry.margin)} {quote} at leverage {carry.leverage:g}"),
        ("a year", f"{carry.net_apr * 100:+.4g} % of {number(carry.capital)} {quote}"),
    ]
    if carry.break_even_h is not None:
        rows.append(("breaks even", f"after {carry.break_even_h:.4g} h"))
    if carry.liquidation_price is not None:
        rows.append(("liquidation", f"of the sale near {carry.liquidation_price:,.8g}"))
    width = _width(name for name, _ in rows)
    for name, what in rows:
        yield f"    {name:<{width}}  {what}"


def _payments(each: float, later: float | None, hours: float, count: int) -> str:
    """What the next one brings, and those after it."""
    if later is None or count < 2 or later == each:
        return f"{each:+.10g} bps next, {count} times every {hours:g} h"
    return (
        f"{each:+.10g} bps next, then {count - 1} times {later:+.10g} expected, every {hours:g} h"
    )


def _result(a: Account, quote: str) -> Iterator[str]:
    buy, sell = a.buy, a.sell
    worth = number(sell.value)
    if a.conversion is not None or buy.size != sell.size:
        scale = f" x {number(buy.size)} / {number(sell.size)}" if buy.size != sell.size else ""
        rate = f" x {number(a.conversion.plain)}" if a.conversion else ""
        yield f"  all that is bought would bring {worth}{scale}{rate} = {number(a.worth)} {quote}"
        worth = number(a.worth)
    held = f" {'-' if a.held < 0 else '+'} {number(abs(a.held))}" if a.held else ""
    rows = (
        ("gross", f"{worth} - {number(buy.value)}", a.gross, quote),
        ("", f"{number(a.gross)} / {number(buy.value)} x 10,000", a.gross_bps, "bps"),
        ("net", f"{number(a.brought)} - {number(buy.total)}{held}", a.net, quote),
        ("", f"{number(a.net)} / {number(buy.total)} x 10,000", a.net_bps, "bps"),
    )
    yield from results(rows)


def results(rows: Sequence[tuple[str, str, float, str]]) -> Iterator[str]:
    """Figures with how each comes about: (name, how, value, unit)."""
    width = _width(how for _, how, _, _ in rows)
    for name, how, value, unit in rows:
        yield f"  {name:<5} {how:<{width}} = {value:+,.10g} {unit}"


def accounting(state: State, net: float, quote: str) -> Iterator[str]:
    """The profit in the user's currency, if that is another."""
    currency = printable(state.accounting)
    if not currency or currency == quote:
        return
    if state.accounting_profit is None:
        yield f"  in {currency}: not known, no live book prices {quote} in it"
        return
    where = f"on {state.accounting_venue}" if state.accounting_venue else "ASSUMED"
    how = f"{number(net)} x {number(state.accounting_rate)} ({where})"
    yield printable(f"  in {currency}: {how} = {state.accounting_profit:+,.10g} {currency}")


def _width(texts: Iterable[str] | Sequence[str]) -> int:
    return max(map(len, texts), default=0)
