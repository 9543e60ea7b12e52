"""The pane of a selected row that takes more orders than two: all of them, and what is left."""

from __future__ import annotations

from scanner.sinks.terminal import figures, moving
from scanner.sinks.terminal.ink import Line, Pen
from scanner.sinks.terminal.palette import Palette
from scanner.view.frame import Detail, Order, Row

# A dated contract of a common coin is told whole.
LEAST, MOST = 12, 21
COLUMNS = (("SIZE", 12), ("PRICE", 13), ("FEE", 8), ("AGE", 7))


def lines(row: Row, detail: Detail, palette: Palette, width: int) -> list[Line]:
    """A line for each order, in turn; under them the sum, and what moves do to it."""
    told = table(detail, palette, width)
    size = f" {figures.amount(row.size)} {row.base}, bound by {detail.bound}"
    both = f" gross {figures.bps(row.gross_bps)}  net {figures.bps(row.net_bps)} bps"
    left = f" net {figures.money(row.profit)} {row.quote} ▲"
    told += [[], Pen().cell(size, width, palette.strong).line]
    told.append(Pen().cell(both, width, palette.dim).line)
    told.append(Pen().cell(left, width, palette.up).line)
    return [*told, *moving.lines(detail, palette, width)]


def table(detail: Detail, palette: Palette, width: int) -> list[Line]:
    """A heading, and a line for each order."""
    room = min(max([len(order.symbol) + 1 for order in detail.orders] + [LEAST]), MOST)
    pen = Pen().cell(" ORDER", 7, palette.dim).cell("MARKET", room, palette.dim)
    pen.cell("VENUE", 12, palette.dim)
    for title, size in COLUMNS:
        pen.cell(title, size, palette.dim, right=True)
    told = [pen.fill(width, palette.dim)]
    told += [_order(order, room, palette, width) for order in detail.orders]
    return told


def _order(order: Order, market: int, palette: Palette, width: int) -> Line:
    style = palette.text
    pen = Pen().cell(f" {order.side}", 7, palette.strong).cell(order.symbol, market, style)
    pen.cell(order.venue, 12, style)
    told = (
        figures.amount(order.size),
        figures.price(order.price, -1),
        figures.percent(order.fee_rate),
        figures.span(order.age_ms),
    )
    for text, (_, room) in zip(told, COLUMNS, strict=True):
        pen.cell(text, room, style, right=True)
    return pen.fill(width, style)
