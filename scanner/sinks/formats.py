"""An opportunity as text: one JSON object, or one line for people."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from scanner.events import Carry, Leg, Opportunity
from scanner.text import printable

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MARKS = {"opened": "+", "updated": "~", "closed": "-"}


def rfc3339(at: int) -> str:
    """Nanoseconds since the epoch as RFC 3339 in UTC with microseconds."""
    moment = EPOCH + timedelta(microseconds=at // 1000)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def to_json(opportunity: Opportunity) -> str:
    """The JSON line that other programs rely on (README names its fields)."""
    line: dict[str, object] = {
        "event": opportunity.event,
        "id": opportunity.id,
        "kind": opportunity.kind,
        "symbol": opportunity.symbol,
        "at": rfc3339(opportunity.at),
        "buy": leg(opportunity.buy),
        "sell": leg(opportunity.sell),
        "size": opportunity.size,
        "gross_bps": opportunity.gross_bps,
        "net_bps": opportunity.net_bps,
        "net_profit": opportunity.net_profit,
        "currency": opportunity.currency,
    } | basis(opportunity)
    if opportunity.event == "closed":
        line["reason"] = opportunity.reason
    return json.dumps(line, separators=(",", ":"), allow_nan=False)


def to_line(opportunity: Opportunity) -> str:
    """One line: when, what, where to buy and sell, how much, what is left."""
    o = opportunity
    base = o.symbol.partition("/")[0]
    line = (
        f"{rfc3339(o.at)[11:23]} {MARKS[o.event]} {o.event:<7} {o.symbol:<10} "
        f"{_orders(o)}  {o.size:.8g} {base}  "
        f"gross {o.gross_bps:+.2f}  net {o.net_bps:+.2f} bps = {o.net_profit:+,.4f} {o.currency}"
    )
    if o.accounting_profit is not None and o.accounting not in ("", o.currency):
        line += f" ({o.accounting_profit:+,.4f} {o.accounting})"
    if o.carry is not None:
        line += _held(o.carry)
    if o.event == "closed":
        seconds = (o.at - o.opened_at) / 1e9
        line += f"  after {seconds:.2f} s, peak {o.peak_net_bps:+.2f} bps: {o.reason}"
    return printable(line)


def _orders(o: Opportunity) -> str:
    """Where at which price; of many orders all, those that are bought together joined."""
    if not o.legs:
        buy, sell = (
            f"{leg.venue} {leg.levels[0][0]:,.10g}{' assumed' * leg.assumed}"
            for leg in (o.buy, o.sell)
        )
        return f"buy {buy} -> sell {sell}{_converted(o)}"
    told = ""
    for before, leg in zip((None, *o.legs), o.legs, strict=False):
        one_market = before is not None and before.symbol == leg.symbol
        if one_market and before is not None and before.side == leg.side:
            told += f" + {leg.venue} {leg.levels[0][0]:,.10g}"
            continue
        market = "" if leg.symbol == o.symbol else f"{leg.symbol} "
        told += f"{' -> ' if told else ''}{leg.side} {market}{leg.venue} {leg.levels[0][0]:,.10g}"
    return told


def _converted(o: Opportunity) -> str:
    """How what the sale brings becomes the currency of the purchase; empty if it is that."""
    conversion = o.conversion
    if conversion is None:
        return ""
    sold = o.sell.symbol.partition("/")[2]
    where = "assumed" if conversion.assumed else f"on {conversion.venue}"
    return f" {sold}, {conversion.symbol} {conversion.levels[0][0]:,.10g} {where}"


def _held(carry: Carry) -> str:
    """What holding it comes to."""
    return (
        f"  after {carry.horizon_h / 24:.4g} days: funding {carry.funding_bps:+.2f},"
        f" costs {-carry.entry_cost_bps - carry.exit_cost_bps:+.2f} bps,"
        f" {carry.net_apr * 100:+.2f} % a year of the capital"
    )


def basis(o: Any) -> dict[str, object]:
    """What an opportunity, or a stored state of one, rests on besides its legs; ``carry`` only of
    the kinds that are held, ``transfer`` and ``prefunded`` of the others, ``legs`` only of those
    with more orders."""
    apart = {name: getattr(o, name) for name in ("carry", "transfer", "prefunded")}
    return {
        "conversion": leg(o.conversion) if o.conversion else None,
        "bound": o.bound,
        "unrounded": o.unrounded,
        "accounting": {
            "currency": o.accounting,
            "net_profit": o.accounting_profit,
            "rate": o.accounting_rate,
            "venue": o.accounting_venue,
        },
        **{name: _plain(it) for name, it in apart.items() if it is not None},
        **({"legs": [leg(each) for each in o.legs]} if o.legs else {}),
    }


def _plain(it: Struct) -> dict[str, object]:
    """Its fields; what it says was listed at a time, as text."""
    told = asdict(it)
    if "listed_at" in told:
        told["listed_at"] = rfc3339(told["listed_at"]) if told["listed_at"] else None
    for many in ("moves", "orders"):
        if many in told:
            told[many] = [_plain(each) for each in told[many]]
    return told


def leg(it: Leg) -> dict[str, object]:
    """A leg with all that is known of it."""
    return {name: getattr(it, name) for name in Leg.__struct_fields__} | {
        "levels": [list(level) for level in it.levels]
    }
