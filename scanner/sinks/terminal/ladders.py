"""The pane of the selected row: both ladders, the arithmetic, every venue, the spread over time."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from scanner.sinks.terminal import carries, figures, moving, orders
from scanner.sinks.terminal.ink import Line, Pen, beside, rule
from scanner.sinks.terminal.palette import Palette
from scanner.view.frame import Detail, Level, Place, Quoted, Row, Standing, Stop, Sum

NARROW, BROAD = 31, 46
LEAST_FOR_BROAD = 110
LEAST_LADDER = 21
LEAST_CHART, HIGHEST_CHART = 4, 13
MOST_STOPS, MOST_BESIDE = 3, 2
TAKEN, PARTLY = "▶", "▷"


def pane(
    row: Row, detail: Detail, *, at: int, palette: Palette, width: int, height: int
) -> list[Line]:
    """The whole pane, with its title line."""
    body = max(height - 1, 0)
    right = BROAD if width >= LEAST_FOR_BROAD else NARROW
    each, odd = divmod(width - right, 2)
    title = _title(row, at, palette, width)
    if detail.carry is not None:
        return [title, *carries.lines(row, detail, detail.carry, palette, width)][:height]
    if detail.orders:
        return [title, *orders.lines(row, detail, palette, width)][:height]
    if row.buy is None or row.sell is None or detail.sum is None:
        left = max(width - BROAD, NARROW)
        why = [*_nothing(row, palette, left), *_stops(row, detail, palette, left)]
        blocks = [(why, left), (_quotes(detail, palette), width - left)]
        return [title, *beside(blocks, body, palette.text)]
    figured = _right(row, detail, palette, right, body)
    if each < LEAST_LADDER:
        return [title, *beside([(figured, width)], body, palette.text)]
    asks, bids = detail.asks[: body - 1], detail.bids[: body - 1]
    widest = max((level.size for level in (*asks, *bids)), default=0.0)
    blocks = [
        (_ladder("BUY", "asks", row.buy, asks, widest, palette, each), each),
        (_ladder("SELL", "bids", row.sell, bids, widest, palette, each + odd), each + odd),
        (figured, right),
    ]
    return [title, *beside(blocks, body, palette.text)]


def _nothing(row: Row, palette: Palette, width: int) -> list[Line]:
    text = f"no two books to compare: {row.live} of {row.books} live"
    text = text if row.books else "waiting for books"
    return [Pen().put(f" {line}", palette.dim).line for line in wrap(text, width - 2)]


def _title(row: Row, at: int, palette: Palette, width: int) -> Line:
    parts = [(row.symbol, palette.accent)]
    if row.buy and row.sell:
        route = f"buy {row.buy.venue} → sell {row.sell.venue}"
        if row.sell.quote:
            route += f" in {row.sell.quote}"
        parts.append((route, palette.text))
    if row.apr is not None:
        parts.append((f"{row.kind} {row.apr * 100:+,.2f} % a year", palette.text))
    if row.standing is Standing.OPEN:
        lived = figures.span((at - row.opened_at) / 1e6)
        peak = f"▲ open {lived}, peak {figures.bps(row.peak_net_bps)} bps"
        parts += [(peak, palette.up), (row.id, palette.dim)]
    elif row.standing is Standing.PAYS:
        parts.append(("△ pays, under the thresholds", palette.up))
    elif row.standing is Standing.DUST:
        parts.append(("· pays, but less than the smallest order", palette.dim))
    elif row.standing is Standing.NEAR:
        parts.append(("would lose", palette.dim))
    return rule(parts, width, palette.rule)


def _ladder(
    verb: str,
    side: str,
    place: Place,
    levels: Sequence[Level],
    widest: float,
    palette: Palette,
    width: int,
) -> list[Line]:
    """Levels, best first; what the size takes is marked, and its part of the bar is stronger."""
    title = f" {verb} {place.venue} {side}"
    age = figures.span(place.age_ms)
    if len(title) + len(age) + 3 <= width:
        title += f" · {age}"
    lines = [Pen().cell(title, width, palette.strong).line]
    prices = [figures.price(level.price, place.places, 12) for level in levels]
    sizes = figures.amounts([level.size for level in levels])
    price_width, size_width = _widest(prices), _widest(sizes)
    room = max(width - price_width - size_width - 6, 0)
    for level, price, size in zip(levels, prices, sizes, strict=True):
        whole = level.taken >= level.size
        mark = (TAKEN if whole else PARTLY) if level.taken > 0 else " "
        style = palette.taken if level.taken > 0 else palette.text
        pen = Pen().put(f" {mark} ", style).cell(price, price_width, style, right=True)
        pen.put(" ", style).cell(size, size_width, style, right=True).put(" ", style)
        lines.append(_bar(pen, level, widest, room, palette).fill(width, palette.text))
    return lines


def _bar(pen: Pen, level: Level, widest: float, room: int, palette: Palette) -> Pen:
    filled = figures.bar(level.size / widest if widest else 0.0, room).rstrip()
    filled = filled or "▏" * min(room, 1)
    taken = round(len(filled) * level.taken / level.size) if level.size else 0
    if level.taken > 0:
        taken = max(taken, 1)
    return pen.put(filled[:taken], palette.taken).put(filled[taken:], palette.bar)


def _right(row: Row, detail: Detail, palette: Palette, width: int, height: int) -> list[Line]:
    """The arithmetic; under it the venues and the spread over time, as there is room."""
    assert detail.sum is not None
    lines = _arithmetic(row, detail.sum, palette, width)
    lines += moving.lines(detail, palette, width)
    lines += _stops(row, detail, palette, width)
    quotes = _quotes(detail, palette)
    if width >= BROAD and height - len(lines) > len(quotes):
        lines += [[], *quotes]
    left = height - len(lines)
    if left > LEAST_CHART:
        lines += [[], *_chart(detail, palette, width - 2, min(left - 1, HIGHEST_CHART))]
    elif left >= 1:
        trend = figures.spark(detail.history[-60:], width - 8)
        lines.append(Pen().put(" 60 s ", palette.dim).put(trend, palette.accent).line)
    return lines


def _stops(row: Row, detail: Detail, palette: Palette, width: int) -> list[Line]:
    """Why it is not flagged, and why nothing else is that the symbol takes part in."""
    of_it = [stop for stop in detail.stops if not stop.beside]
    others = [stop for stop in detail.stops if stop.beside][:MOST_BESIDE]
    shown = others if row.standing is Standing.OPEN else [*of_it[:MOST_STOPS], *others]
    return [_stop(stop, palette, width) for stop in shown]


def _stop(stop: Stop, palette: Palette, width: int) -> Line:
    """Why it was not flagged in this minute."""
    short = f", {stop.shortfall_bps:,.2f} bps short" if stop.shortfall_bps else ""
    told = f" stopped {stop.count:,}× by {stop.gate}{short}"
    if stop.beside:
        told = f" {stop.beside}: {stop.gate} {stop.count:,}×{short}"
    return Pen().cell(told, width, palette.dim).line


def _arithmetic(row: Row, done: Sum, palette: Palette, width: int) -> list[Line]:
    paying = row.standing.positive
    places = figures.places_for(done.paid)
    entries = (
        ("buy", -done.paid, palette.text),
        (f"fee {figures.percent(done.buy_rate)}", -done.buy_fee, palette.dim),
        ("sell", done.received, palette.text),
        (f"fee {figures.percent(done.sell_rate)}", -done.sell_fee, palette.dim),
        *(((done.converted_at, -done.converting, palette.dim),) if done.converted_at else ()),
        *((("withdrawal", -done.moving, palette.dim),) if done.moving else ()),
        (f"net {row.quote}", row.profit, palette.up if paying else palette.strong),
    )
    size = f" {figures.amount(row.size)} {row.base}" + ("" if paying else " at the touch")
    lines = [Pen().cell(size, width, palette.strong).line]
    for name, value, style in entries:
        pen = Pen().put(" ", style).cell(name, 11, style)
        pen.cell(f"{value:+,.{places}f}", 16, style, right=True)
        lines.append(pen.put(" ▲" if paying and name.startswith("net") else "", style).line)
    both = f" gross {figures.bps(row.gross_bps)}  net {figures.bps(row.net_bps)} bps"
    lines.append(Pen().cell(both, width, palette.dim).line)
    return lines


def _chart(detail: Detail, palette: Palette, width: int, height: int) -> list[Line]:
    values = figures.buckets(detail.history, width)
    known = [value for value in values if value is not None]
    if not known:
        return [Pen().put(" no spread seen yet", palette.dim).line]
    lowest, highest = figures.bps(min(known)), figures.bps(max(known))
    title = f" {lowest} to {highest}, {figures.span(len(detail.history) * 1000)}"
    lines = [Pen().cell(title, width, palette.dim).line]
    for text in figures.columns(values, height - 1):
        lines.append(Pen().put(" ", palette.text).put(text, palette.accent).line)
    return lines


def _quotes(detail: Detail, palette: Palette) -> list[Line]:
    """Every venue's touch, the best of each side marked."""
    pen = Pen().cell(" VENUE", 9, palette.dim)
    for title, width in (("BID", 11), ("ASK", 12), ("AGE", 7), ("FEE", 6)):
        pen.cell(title, width, palette.dim, right=True)
    quotes = detail.quotes
    best_bid = max((quote.bid for quote in quotes), default=0.0)
    best_ask = min((quote.ask for quote in quotes if quote.ask > 0), default=0.0)
    return [pen.line, *(_quote(quote, best_bid, best_ask, palette) for quote in quotes)]


def _quote(quote: Quoted, best_bid: float, best_ask: float, palette: Palette) -> Line:
    pen = Pen().cell(f" {quote.venue}", 9, palette.text)
    if quote.state == "live":
        for value, best in ((quote.bid, best_bid), (quote.ask, best_ask)):
            style = palette.strong if value == best else palette.text
            text = figures.price(value, quote.places, 11) if value else "–"
            pen.cell(text, 11, style, right=True).put("*" if value == best else " ", style)
        pen.cell(figures.span(quote.age_ms), 6, palette.dim, right=True)
    else:
        pen.cell(quote.state, 30, palette.warn, right=True)
    return pen.cell(figures.percent(quote.fee_rate), 6, palette.dim, right=True).line


def _widest(texts: Sequence[str]) -> int:
    return max(map(len, texts), default=0)
