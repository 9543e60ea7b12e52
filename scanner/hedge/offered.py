"""What shorts and ways out cost, as text for people and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from scanner.hedge.offers import Exit, Offer, Refusal
from scanner.history.table import Column, table
from scanner.text import printable


def lines(
    found: Sequence[Offer], refused: Sequence[Refusal], hours: float, width: int
) -> Iterator[str]:
    """A row for each short, the cheapest first, and why there is none elsewhere."""

    def money(title: str, values: Sequence[float | None], rank: int = 0) -> Column:
        cells = ["-" if value is None else f"{value:+,.2f}" for value in values]
        return Column(title=title, cells=cells, right=True, rank=rank)

    costs = [one.cost for one in found]
    bps = [
        "-" if cost is None else f"{one.bps(cost):+.2f}"
        for one, cost in zip(found, costs, strict=True)
    ]
    yield from table(
        [
            Column(title="short on", cells=[printable(one.market.venue) for one in found], least=6),
            Column(
                title="contract", cells=[printable(one.market.symbol) for one in found], least=8
            ),
            Column(title="at", cells=[f"{one.short.entry:,.8g}" for one in found], right=True),
            _plain("contracts", [f"{one.short.contracts:,.8g}" for one in found], 4),
            _plain("size", [f"{one.short.quantity:,.8g}" for one in found], 3),
            money("entry", [one.entry_cost for one in found]),
            _plain("bps", [f"{one.bps(one.entry_cost):.2f}" for one in found], 2),
            money("exit", [one.exit_cost for one in found], 1),
            money("funding a day", [one.funding_day for one in found]),
            _plain("every", [_hours(one) for one in found], 2),
            money(f"cost of {hours:g} h", costs),
            _plain("bps", bps),
            _plain("in", [printable(one.market.quote) for one in found], 5),
        ],
        width,
    )
    yield from _refused(refused)


def ways_out(
    found: Sequence[Exit],
    refused: Sequence[Refusal],
    into: str,
    best: Offer,
    hours: float,
    width: int,
) -> Iterator[str]:
    """A row for each venue, the cheapest first, and which insurance costs less."""
    if not found:
        yield f"no venue shows books of the coin in {into} that are deep enough to leave by"
        yield from _refused(refused)
        return
    yield from table(
        [
            Column(
                title=f"into {into} on", cells=[printable(o.market.venue) for o in found], least=6
            ),
            _plain("out", [f"{one.out:,.2f}" for one in found]),
            _plain("back", [f"{one.back:,.2f}" for one in found]),
            _plain(f"both {into}", [f"{one.out + one.back:,.2f}" for one in found]),
            _plain("bps", [f"{one.bps:.2f}" for one in found]),
        ],
        width,
    )
    yield from _refused(refused)
    cost = best.cost
    if cost is None:
        yield f"what the short costs over {hours:g} h is not known: its funding is not said"
        return
    short, out = best.bps(cost), found[0].bps
    cheaper = "the short" if short < out else f"leaving for {into}"
    yield printable(
        f"over {hours:g} h the short on {best.market.venue} costs {short:+.2f} bps, leaving for"
        f" {into} on {found[0].market.venue} and coming back {out:+.2f} bps: {cheaper} is cheaper"
    )


def fields(found: Sequence[Offer], refused: Sequence[Refusal], leverage: float) -> dict[str, Any]:
    """The same as names and numbers."""
    return {
        "shorts": [_offer(one, leverage) for one in found],
        "no_short": [_refusal(one) for one in refused],
    }


def exit_fields(found: Sequence[Exit], refused: Sequence[Refusal]) -> dict[str, Any]:
    """The ways out likewise."""
    ways = [
        {
            "venue": one.market.venue,
            "symbol": one.market.symbol,
            "out": one.out,
            "back": one.back,
            "bps": one.bps,
        }
        for one in found
    ]
    return {"into": ways, "no_way_out": [_refusal(one) for one in refused]}


def _offer(one: Offer, leverage: float) -> dict[str, Any]:
    return {
        "venue": one.market.venue,
        "symbol": one.market.symbol,
        "currency": one.market.quote,
        "price": one.short.entry,
        "spot_price": one.spot,
        "contracts": one.short.contracts,
        "size": one.short.quantity,
        "entry_cost": one.entry_cost,
        "entry_bps": one.bps(one.entry_cost),
        "exit_cost": one.exit_cost,
        "funding_rate": one.rate,
        "interval_h": one.interval_h,
        "payments": one.payments,
        "funding_day": one.funding_day,
        "funding": one.funding,
        "cost": one.cost,
        "cost_bps": None if one.cost is None else one.bps(one.cost),
        "margin": one.short.margin(leverage),
    }


def _refusal(one: Refusal) -> dict[str, str]:
    return {"venue": one.market.venue, "symbol": one.market.symbol, "reason": one.reason}


def _refused(refused: Sequence[Refusal]) -> Iterator[str]:
    for one in refused:
        yield printable(f"{one.market.venue} {one.market.symbol}: {one.reason}")


def _plain(title: str, cells: Sequence[str], rank: int = 0) -> Column:
    return Column(title=title, cells=cells, right=True, rank=rank)


def _hours(one: Offer) -> str:
    return f"{one.interval_h:g} h" if one.interval_h else "-"
