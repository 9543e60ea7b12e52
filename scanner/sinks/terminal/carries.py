"""The pane of a selected carry: both orders, and what holding them is expected to leave."""

from __future__ import annotations

from collections.abc import Sequence

from scanner.events import Carry, WorstFunding
from scanner.sinks.terminal import figures, orders
from scanner.sinks.terminal.ink import Line, Pen
from scanner.sinks.terminal.palette import Palette
from scanner.view.frame import Detail, Row


def lines(row: Row, detail: Detail, carry: Carry, palette: Palette, width: int) -> list[Line]:
    """The two orders, then the arithmetic in bps of what is paid, and what it binds."""
    style = palette.up if row.standing.positive else palette.text
    told = orders.table(detail, palette, width)
    told.append(Pen().cell(f" {_sum(carry)}", width, palette.dim).line)
    net = (
        f" = net {figures.bps(row.net_bps)} bps = {figures.money(row.profit)} {row.quote}"
        f" of {figures.amount(row.size)} {row.base}, bound by {detail.bound}"
    )
    told.append(Pen().cell(net, width, style).line)
    held = _held(row, carry)
    if detail.worst:
        # On the last line, which is shorter: the pane of a small screen holds no more.
        held[-1] += f"; worst funding {_worst(detail.worst)}"
    told += (Pen().cell(f" {line}", width, palette.text).line for line in held)
    return told


def _worst(legs: Sequence[WorstFunding]) -> str:
    """Which leg it is of is told where both have one; else of how many payments it is the worst."""
    told = []
    for leg in legs:
        side = ("sold " if leg.side == "sell" else "bought ") if len(legs) > 1 else ""
        of = "" if side else f" of {leg.payments:,}"
        told.append(side + ("unknown" if leg.rate is None else f"{leg.rate * 100:+.4g} %{of}"))
    return ", ".join(told)


def _sum(carry: Carry) -> str:
    return (
        f"basis {figures.bps(carry.basis_bps)}  fees {_less(carry.entry_cost_bps)}"
        f"  exit {_less(carry.exit_cost_bps)}  basis then {_less(carry.exit_basis_bps)}"
        f"  funding {figures.bps(carry.funding_bps)}"
    )


def _less(bps: float) -> str:
    return figures.bps(0.0 - bps)


def _held(row: Row, carry: Carry) -> list[str]:
    told = [
        f"{_percent(carry.net_apr)} a year of {figures.amount(carry.capital, 8)} {row.quote}, held"
        f" {figures.amount(carry.horizon_h, 4)} h, {_break_even(carry)}"
    ]
    paid = [
        f"{side} {figures.bps(bps)} bps each {hours:g} h x {count}"
        for side, bps, hours, count in (
            ("bought", carry.buy_funding_bps, carry.buy_interval_h, carry.buy_payments),
            ("sold", carry.sell_funding_bps, carry.sell_interval_h, carry.sell_payments),
        )
        if hours
    ]
    if paid:
        told.append(f"next funding: {', '.join(paid)}; {_percent(carry.funding_apr)} a year")
    margin = f"margin {figures.amount(carry.margin, 8)} at {carry.leverage:g}x"
    ends = carry.liquidation_price
    told.append(margin + (f", liquidated near {figures.price(ends, -1)}" if ends else ""))
    return told


def _break_even(carry: Carry) -> str:
    if carry.break_even_h is None:
        return "never even"
    return f"even after {figures.amount(carry.break_even_h, 4)} h"


def _percent(part: float) -> str:
    return f"{part * 100:+,.2f} %"
