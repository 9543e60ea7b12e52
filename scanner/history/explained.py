"""One opportunity explained: its life, the trade line by line, what its feeds did around it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from scanner.events import FeedEvent, WorstFunding
from scanner.history import after, several_text, shapes, trade
from scanner.history.arithmetic import Account, account
from scanner.history.moving import number
from scanner.history.plot import spark
from scanner.history.several import Chain, Together, disagreements, several
from scanner.history.table import Column, table
from scanner.history.tables import lasted
from scanner.sinks import formats
from scanner.sinks.formats import rfc3339
from scanner.text import printable
from storage.queries import Detail, State

CALM = "nothing happened to the feeds of either venue from a minute before it to a minute after"


def chosen(detail: Detail, moment: str) -> list[State]:
    """The states to be computed: one, or ``all``. What is not kept did not differ from the one
    before it."""
    states = detail.states
    if moment == "all" or not states:
        return states
    kept = [state for state in states if state.moment == moment]
    return kept or states[:1]


def lines(
    detail: Detail, moment: str, width: int, worst: Sequence[WorstFunding] = ()
) -> Iterator[str]:
    """It as text for people. ``worst``: the worst funding that is stored of its legs."""
    o = detail.opportunity
    yield from _head(detail)
    yield ""
    yield from _life(detail, width)
    for state in chosen(detail, moment):
        yield ""
        base, quote = printable(o.symbol.partition("/")[0]), printable(o.currency)
        yield trade.headline(state, base)
        told = several_text if state.legs else trade
        yield from told.lines(state, base, quote)
    if not detail.states:
        yield ""
        yield "its levels were not kept: the database could not take all that was found"
    if worst:
        yield ""
        yield from map(_worst, worst)
    yield ""
    yield from after.lines(o)
    yield ""
    yield from _feeds(detail)
    for alert in detail.alerts:
        when = rfc3339(alert.sent_at or alert.at)
        yield printable(f"alert   {when}  {alert.rule} through {alert.channel}: {alert.state}")


def fields(detail: Detail, moment: str, worst: Sequence[WorstFunding] = ()) -> dict[str, Any]:
    """It as one JSON object: that of ``history``, and all that is known besides."""
    return shapes.opportunity(detail.opportunity) | {
        "updates": detail.opportunity.updates,
        "version": detail.version,
        "states": [_state_fields(state) for state in chosen(detail, moment)],
        "samples": [
            {
                "at": rfc3339(sample.at),
                "size": sample.size,
                "gross_bps": sample.gross_bps,
                "net_bps": sample.net_bps,
                "net_profit": sample.net_profit,
            }
            for sample in detail.samples
        ],
        "worst_funding": [
            {
                "side": one.side,
                "venue": one.venue,
                "symbol": one.symbol,
                "rate": one.rate,
                "payments": one.payments,
                "since": rfc3339(one.since) if one.since else None,
            }
            for one in worst
        ],
        "feed_events": [_feed_fields(event) for event in (*detail.before, *detail.feeds)],
        "feed_events_left_out": detail.feeds_left_out,
        "alerts": [
            {
                "id": alert.id,
                "rule": alert.rule,
                "channel": alert.channel,
                "state": alert.state,
                "at": rfc3339(alert.at),
                "sent_at": rfc3339(alert.sent_at) if alert.sent_at else None,
            }
            for alert in detail.alerts
        ],
    }


def _worst(one: WorstFunding) -> str:
    leg = "sale" if one.side == "sell" else "purchase"
    what = f"worst   funding of the {leg}, {one.symbol} on {one.venue}:"
    if one.rate is None:
        return printable(f"{what} unknown, no payment of it is stored")
    since = f" since {rfc3339(one.since)[:10]}" if one.since else ""
    return printable(f"{what} {one.rate * 100:+.6g} % at one of {one.payments:,} payments{since}")


def _venues(detail: Detail) -> tuple[str, str]:
    """Where it buys and where it sells: of many orders of one market all that it opened with."""
    o = detail.opportunity
    legs = detail.states[0].legs if detail.states else ()
    if len({leg.symbol for leg in legs}) != 1:
        return o.buy_venue, o.sell_venue
    buys = " and ".join(leg.venue for leg in legs if leg.side == "buy")
    return buys, " and ".join(leg.venue for leg in legs if leg.side != "buy")


def _head(detail: Detail) -> Iterator[str]:
    o = detail.opportunity
    buys, sells = _venues(detail)
    yield printable(f"{o.symbol}  buy on {buys}, sell on {sells}  ({o.kind})")
    yield printable(f"id      {o.id}")
    yield f"opened  {rfc3339(o.opened_at)}"
    if o.closed_at is None:
        yield f"open    as of {rfc3339(o.at)}, {o.updates} updates"
        return
    yield f"closed  {rfc3339(o.closed_at)} after {lasted(o.duration)}, {o.updates} updates"
    yield printable(f"        because: {o.reason}")


def _life(detail: Detail, width: int) -> Iterator[str]:
    o, states = detail.opportunity, detail.states
    base = o.symbol.partition("/")[0]
    if states:
        columns = [
            Column(title="", cells=[state.moment for state in states]),
            Column(title="at", cells=[rfc3339(state.at)[11:26] for state in states]),
            Column(
                title=f"size {base}", cells=[number(s.size) for s in states], right=True, least=8
            ),
            Column(title="gross bps", cells=[f"{s.gross_bps:+.3f}" for s in states], right=True),
            Column(title="net bps", cells=[f"{s.net_bps:+.3f}" for s in states], right=True),
            Column(
                title=f"net {o.currency}",
                cells=[f"{s.net_profit:+,.6g}" for s in states],
                right=True,
            ),
        ]
        yield from table(columns, width)
    told = max((state.net_bps for state in states), default=o.peak_net_bps)
    between = ", in between" if o.peak_net_bps > told else ""
    yield printable(
        f"highest {o.peak_net_bps:+.3f} net bps, {o.peak_net_profit:+,.6g} {o.currency}{between}"
    )
    if len(detail.samples) > 1:
        course = spark([sample.net_bps for sample in detail.samples], max(10, width - 20))
        yield f"net bps {course}"


def _feeds(detail: Detail) -> Iterator[str]:
    for event in detail.before:
        yield f"before  {_feed(event)}"
    if not detail.feeds:
        yield f"feeds   {CALM}"
    for event in detail.feeds:
        yield f"feed    {_feed(event)}"
    if detail.feeds_left_out:
        yield f"feed    and {detail.feeds_left_out} more"


def _feed(event: FeedEvent) -> str:
    what = " ".join(part for part in (event.kind, event.market) if part)
    reason = f": {event.reason}" if event.reason else ""
    return printable(f"{rfc3339(event.at)}  {event.venue} #{event.connection} {what}{reason}")


def _state_fields(state: State) -> dict[str, Any]:
    a = several(state) if state.legs else account(state)
    disagrees = disagreements(state)
    return {
        "moment": state.moment,
        "at": rfc3339(state.at),
        "size": state.size,
        "gross_bps": state.gross_bps,
        "net_bps": state.net_bps,
        "net_profit": state.net_profit,
        "buy": formats.leg(state.buy),
        "sell": formats.leg(state.sell),
        **formats.basis(state),
        "computed": _computed(a)
        | {"gross_bps": a.gross_bps, "net_bps": a.net_bps, "net_profit": a.net},
        "agrees": not disagrees,
        "disagrees": disagrees,
    }


def _computed(a: Account | Together | Chain) -> dict[str, Any]:
    match a:
        case Account():
            return {
                "paid": a.buy.value,
                "buy_fee": a.buy.fee,
                "cost": a.buy.total,
                "received": a.sell.value,
                "sell_fee": a.sell.fee,
                "proceeds": a.sell.total,
                "given": a.conversion.given if a.conversion else None,
                "got": a.conversion.got if a.conversion else None,
                "left": a.left,
            }
        case Together():
            return {
                "paid": a.paid,
                "cost": a.cost,
                "received": a.received,
                "proceeds": a.brought,
                "left": a.left,
            }
        case Chain():
            return {
                "cost": a.put_in,
                "proceeds": a.back,
                "orders": [{"given": order.given, "got": order.got} for order in a.orders],
            }


def _feed_fields(event: FeedEvent) -> dict[str, Any]:
    return {
        "at": rfc3339(event.at),
        "venue": event.venue,
        "connection": event.connection,
        "kind": event.kind,
        "market": event.market or None,
        "reason": event.reason or None,
    }
