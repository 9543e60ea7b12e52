"""Profit and loss over prices, drawn with characters: each line has a sign of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scanner.hedge.plan import Hedge, row

SIGNS = (("spot", "o"), ("short", "x"), ("both, net", "#"))
MARGIN = 12


def picture(hedge: Hedge, low: float, high: float, width: int, height: int) -> Iterator[str]:
    """Spot, short and both between two prices; what is drawn last covers what is below it."""
    across = max(20, width - MARGIN - 1)
    prices = [low + (high - low) * i / (across - 1) for i in range(across)]
    lines = [
        (found.spot_pnl, found.short_pnl, found.net) for found in (row(hedge, p) for p in prices)
    ]
    top = max(0.0, *(max(values) for values in lines))
    bottom = min(0.0, *(min(values) for values in lines))
    span = (top - bottom) or 1.0
    cells = [[" "] * across for _ in range(height)]
    zero = _place(0.0, top, span, height)
    cells[zero] = ["-"] * across
    for which, (_, sign) in enumerate(SIGNS):
        for x, values in enumerate(lines):
            cells[_place(values[which], top, span, height)][x] = sign
    labels = {0: top, height - 1: bottom, zero: 0.0}
    yield "   ".join(f"{sign} {name}" for name, sign in SIGNS)
    for y, line in enumerate(cells):
        label = f"{labels[y]:+,.6g}" if labels.get(y) else "0" if y == zero else ""
        yield f"{label:>{MARGIN - 1}} |{''.join(line)}".rstrip()
    yield _axis(low, high, across)


def _place(value: float, top: float, span: float, height: int) -> int:
    return min(height - 1, max(0, round((top - value) / span * (height - 1))))


def _axis(low: float, high: float, across: int) -> str:
    first, last = f"{low:,.8g}", f"{high:,.8g}"
    room = max(1, across - len(first) - len(last))
    return " " * (MARGIN + 1) + first + " " * room + last


def range_of(prices: Sequence[float], spot: float) -> tuple[float, float]:
    """What to draw: all that is asked for, and the price now."""
    return min(*prices, spot), max(*prices, spot * (1 + 1e-9))
