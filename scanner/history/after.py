"""What became of opportunities: what their orders would have left moments after the flag."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from scanner.history.table import Column, natural_width, table
from scanner.history.tables import DASH, lasted, names, profit
from scanner.text import printable
from storage.queries import By, Group, Latency, Moment, Stored

CAPTION = (
    "executed so long after the flag: how many would still have paid, and what all would have left"
)
# Where both are too wide for one table.
HITS = "so long after the flag: how many would still have paid"
LEFT = "so long after the flag: what all would have left"
NOT_FOLLOWED = "it was not followed"

Latencies = Mapping[tuple[tuple[str | int, ...], str], Sequence[Latency]]


def lines(o: Stored) -> Iterator[str]:
    """What happened after the flag of one."""
    if not o.survival:
        yield f"after   not known: {NOT_FOLLOWED}"
        return
    yield "after   had the orders of its opening been executed so long after it, these had left:"
    nets = [None if one.net_profit is None else f"{one.net_profit:+,.6g}" for one in o.survival]
    width = max((len(net) for net in nets if net), default=0)
    for one, net in zip(o.survival, nets, strict=True):
        known = f"{net or '':>{width}} {o.currency}  {one.net_bps or 0.0:+.3f} net bps"
        yield printable(
            f"        {one.delay_ms:>5,} ms  {known if net else f'not known: {one.reason}'}"
        )
    stays = "it is still open" if o.closed_at is None else f"it stayed {lasted(o.duration)}"
    yield f"        {stays}"


def fields(survival: Sequence[Moment]) -> dict[str, Any]:
    """What became of one, by the delay in ms."""
    return {
        str(one.delay_ms): {
            "net_profit": one.net_profit,
            "net_bps": one.net_bps,
            "reason": one.reason or None,
        }
        for one in survival
    }


def group_fields(latencies: Sequence[Latency]) -> dict[str, Any]:
    """What became of a group, by the delay in ms."""
    return {
        str(one.delay_ms): {
            "followed": one.followed,
            "known": one.known,
            "hits": one.hits,
            "hit_rate": one.hits / one.known if one.known else None,
            "total_profit": one.profit if one.known else None,
        }
        for one in latencies
    }


def group_lines(rows: Sequence[Group], by: By, found: Latencies, width: int) -> Iterator[str]:
    """What became of the groups, as a table; nothing if none was followed."""
    theirs = [{one.delay_ms: one for one in found.get(key(row), ())} for row in rows]
    delays = sorted({delay for of_one in theirs for delay in of_one})
    if not delays:
        return
    which = [Column(title=title, cells=cells, least=6) for title, cells in names(rows, by)]
    followed = [max((one.followed for one in of_one.values()), default=0) for of_one in theirs]
    known = [
        Column(title="followed", cells=[f"{count:,}" for count in followed], right=True, rank=2),
        Column(title="unknown", cells=[_unknown(of_one) for of_one in theirs], right=True, rank=1),
    ]
    currency = Column(title="", cells=[row.currency for row in rows])

    def each(cell: Callable[[Latency | None], str]) -> list[Column]:
        return [
            Column(title=f"{delay} ms", cells=[cell(one.get(delay)) for one in theirs], right=True)
            for delay in delays
        ]

    both = [*which, *known, *each(_both), currency]
    if natural_width(both) <= width:
        yield CAPTION
        yield from table(both, width)
        return
    yield HITS
    yield from table([*which, *known, *each(_rate), currency], width)
    yield ""
    yield LEFT
    yield from table([*which, *each(_profit), currency], width)


def key(row: Group) -> tuple[tuple[str | int, ...], str]:
    """Which group it is."""
    return tuple(row.names.values()), row.currency


def _unknown(of_one: Mapping[int, Latency]) -> str:
    followed = sum(one.followed for one in of_one.values())
    known = sum(one.known for one in of_one.values())
    return f"{1 - known / followed:.0%}" if followed else DASH


def _both(one: Latency | None) -> str:
    return f"{_rate(one)} {_profit(one)}" if one is not None and one.known else DASH


def _rate(one: Latency | None) -> str:
    return f"{one.hits / one.known:.0%}" if one is not None and one.known else DASH


def _profit(one: Latency | None) -> str:
    if one is None or not one.known:
        return DASH
    sign = "+" if one.profit > 0 else ""
    return f"{sign}{profit(one.profit)}"
