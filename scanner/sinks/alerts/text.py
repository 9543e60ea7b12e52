"""What an alert says. Names that come from a venue are escaped: the text goes to terminals and
chats, where more than control characters has a meaning."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scanner.events import Leg, Opportunity
from scanner.sinks.alerts import strayed
from scanner.sinks.alerts.gate import Bundle
from scanner.sinks.alerts.lost import Depeg, Strayed
from scanner.sinks.alerts.names import name, when
from scanner.sinks.alerts.passed import passed
from scanner.sinks.alerts.rules import Hit

# Chats cut or refuse long messages; the least that a common one takes is 2,000 characters.
LONGEST_TEXT = 1_900


def title(text: str) -> str:
    """What can stand over an alert's text: its first line without the venues."""
    return text.partition("\n")[0].partition(": ")[0]


def of_hit(hit: Hit) -> str:
    """Everything that a trader needs, in a few lines; the first can stand alone."""
    found = hit.found
    if isinstance(found, Depeg):
        return _of_depeg(hit.rule, found, hit.at)
    if isinstance(found, Strayed):
        return strayed.text(hit.rule, found, hit.at)
    seconds = max(0.0, (hit.at - found.opened_at) / 1e9)
    return "\n".join(
        (
            headline(found),
            *_orders(found),
            *_conversion(found),
            *_carry(found),
            f"net {found.net_bps:+,.2f} bps = {found.net_profit:+,.4f} {name(found.currency)}, "
            f"gross {found.gross_bps:+,.2f} bps, {name(found.kind)}",
            f"open for {seconds:,.1f} s, at best {found.peak_net_bps:+,.2f} bps = "
            f"{found.peak_net_profit:+,.4f} {name(found.currency)}",
            *passed(found),
            f"seen {when(hit.at)}, rule {hit.rule}, id {name(found.id)}",
        )
    )


def _orders(found: Opportunity) -> Iterator[str]:
    """Where to buy and sell, how much, at which price."""
    for leg in found.legs:
        base = name(leg.symbol.partition("/")[0])
        market = "" if leg.symbol == found.symbol else f" on {name(leg.symbol)}"
        yield f"{leg.side} {leg.size:,.8g} {base}{market} at {_leg(leg, leg.size)}"
    if not found.legs:
        yield f"buy {found.size:,.8g} {_base(found)} at {_order(found.buy, found.size)}"
        yield f"sell at {_order(found.sell, found.sell.size or found.size)}"


def of_bundle(rule: str, bundle: Bundle, at: int) -> str:
    """A digest: how many, and the best of them with a line each."""
    plural = "opportunity" if bundle.count == 1 else "opportunities"
    if any(isinstance(found, Depeg) for found in bundle.best):
        plural = "peg lost" if bundle.count == 1 else "pegs lost"
    if any(isinstance(found, Strayed) for found in bundle.best):
        plural = "hedge astray" if bundle.count == 1 else "hedges astray"
    lines = [f"{bundle.count} more {plural} within {bundle.seconds:g} s, rule {rule}"]
    for found in bundle.best:
        if isinstance(found, Depeg):
            lines.append(_lost(found))
            continue
        if isinstance(found, Strayed):
            lines.append(strayed.headline(found))
            continue
        amount = f"{found.size:,.8g} {_base(found)}"
        lines.append(f"{headline(found)}, {amount} at {when(found.at)}, id {name(found.id)}")
    return _cut(lines, bundle.count, f"told {when(at)}")


def headline(found: Opportunity) -> str:
    """What, how much, where."""
    if found.legs:
        venues = ", ".join(dict.fromkeys(name(leg.venue) for leg in found.legs))
        return (
            f"{name(found.symbol)} {found.net_bps:+,.2f} bps = {found.net_profit:+,.4f} "
            f"{name(found.currency)}: {len(found.legs)} orders on {venues}"
        )
    return (
        f"{name(found.symbol)} {found.net_bps:+,.2f} bps = {found.net_profit:+,.4f} "
        f"{name(found.currency)}: buy {_touch(found.buy)}, sell {_touch(found.sell)}"
        + (f" {name(found.sell.symbol.partition('/')[2])}" if found.conversion else "")
    )


def _touch(leg: Leg) -> str:
    return f"{name(leg.venue)} {leg.levels[0][0]:,.10g}{' assumed' * leg.assumed}"


def _of_depeg(rule: str, lost: Depeg, at: int) -> str:
    """How far, for how long, and at what it can be left or entered."""
    peg = lost.peg
    seconds = max(0.0, (at - lost.since) / 1e9)
    sides = f"bid {peg.bid_bps:+,.1f}, ask {peg.ask_bps:+,.1f} bps from par"
    size = f"for {peg.size:,.8g} {name(peg.symbol.partition('/')[0])}" if peg.size else "no size"
    return "\n".join(
        (
            _lost(lost),
            f"{sides}, {size}, before fees",
            f"for {seconds:,.1f} s",
            f"seen {when(at)}, rule {rule}",
        )
    )


def _lost(lost: Depeg) -> str:
    peg = lost.peg
    through = f" through {name(peg.via)}" if peg.via else ""
    where = "by the median of venues" if peg.venue == "median" else f"on {name(peg.venue)}"
    return f"PEG {name(peg.symbol)} {peg.bps:+,.1f} bps {where}{through}"


def _base(found: Opportunity) -> str:
    return name(found.symbol.partition("/")[0])


def _order(leg: Leg, size: float) -> str:
    """An order, or one that is only reckoned with: nobody stands there for it now."""
    if not leg.assumed:
        return _leg(leg, size)
    return (
        f"{name(leg.venue)} {leg.levels[0][0]:,.10g}, ASSUMED: there later, if its peg comes back"
    )


def _leg(leg: Leg, size: float) -> str:
    """Where, at which price, or from the best to the worst of those taken; and how old."""
    first, last = leg.levels[0][0], _last_price(leg, size)
    price = f"{first:,.10g}" if first == last else f"{first:,.10g} to {last:,.10g}"
    return f"{name(leg.venue)} {price} (book {leg.age_ms:,.0f} ms old)"


def _carry(found: Opportunity) -> Iterator[str]:
    """Of what is held: how long, and what its net is made of; it is no profit of this moment."""
    carry = found.carry
    if carry is None:
        return
    costs = carry.entry_cost_bps + carry.exit_cost_bps
    yield (
        f"held {carry.horizon_h:,.4g} h: basis {carry.basis_bps - carry.exit_basis_bps:+,.2f}, "
        f"funding {carry.funding_bps:+,.2f}, fees and exit {-costs:+,.2f} bps, expected"
    )
    line = f"{carry.net_apr * 100:+,.2f} % a year of {carry.capital:,.2f} {name(found.currency)}"
    if carry.liquidation_price is not None:
        line += f", sale liquidated near {carry.liquidation_price:,.8g}"
    yield line


def _conversion(found: Opportunity) -> Iterator[str]:
    leg = found.conversion
    if leg is None:
        return
    if leg.assumed:
        rate = f"{leg.levels[0][0]:,.10g}"
        yield f"convert {name(leg.symbol)} at {rate}, ASSUMED by the configuration"
    else:
        yield f"convert: {leg.side} {name(leg.symbol)} at {_leg(leg, leg.size)}"


def _last_price(leg: Leg, size: float) -> float:
    for price, available in leg.levels:
        size -= available
        if size <= 0:
            return price
    return leg.levels[-1][0]


def _cut(lines: Sequence[str], count: int, last: str) -> str:
    """As many of the lines as a message holds, and how many more there are."""
    kept = list(lines)
    while True:
        more = count - (len(kept) - 1)
        text = "\n".join([*kept, *([f"and {more} more"] if more else []), last])
        if len(text) <= LONGEST_TEXT or len(kept) == 1:
            return text
        kept.pop()
