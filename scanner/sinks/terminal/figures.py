"""Numbers as text, short enough for a column."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

SECOND = 1_000_000_000
EIGHTHS = "▁▂▃▄▅▆▇█"
BLOCKS = " ▏▎▍▌▋▊▉█"
LONGEST_PLACES = 12
YEAR = 31_557_600


def bps(value: float) -> str:
    """Basis points, always with their sign."""
    return f"{value:+.2f}" if abs(value) < 10_000 else f"{value:+,.0f}"


def money(value: float) -> str:
    """An amount of quote currency with its sign: the smaller, the more decimals."""
    size = abs(value)
    if size >= 10_000_000:
        return f"{value / 1e6:+,.1f}M"
    if size >= 10_000:
        return f"{value:+,.0f}"
    return f"{value:+,.2f}" if size >= 1 else f"{value:+.4f}"


def price(value: float, places: int, width: int = 10) -> str:
    """A price with the decimals of its tick, or eight digits where that is unknown (-1).

    One that would not fit into ``width`` is written with an exponent instead of being cut.
    """
    text = f"{value:,.{places}f}" if places >= 0 else amount(value, 8)
    if len(text) <= width:
        return text
    plain = text.replace(",", "")
    if len(plain) <= width:
        return plain
    exponent = f"e{int(f'{value:e}'.partition('e')[2])}"
    digits = f"{value:.{max(width - len(exponent) - 2, 0)}e}".partition("e")[0]
    return digits + exponent


def amount(value: float, digits: int = 6) -> str:
    """A size with this many significant digits, never with an exponent."""
    if value == 0:
        return "0"
    places = digits - 1 - math.floor(math.log10(abs(value)))
    text = f"{value:,.{min(max(places, 0), LONGEST_PLACES)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def amounts(values: Sequence[float]) -> list[str]:
    """Sizes that stand below each other: as many decimals for all as suit the largest."""
    largest = max(values, default=0.0)
    places = 4 - math.floor(math.log10(largest)) if largest > 0 else 0
    places = min(max(places, 0), LONGEST_PLACES)
    return [f"{value:,.{places}f}" for value in values]


def places_for(largest: float) -> int:
    """With how many decimals amounts add up to the eye, the largest being this."""
    if largest >= 1000:
        return 2
    return 4 if largest >= 1 else 8


def percent(rate: float) -> str:
    """A fee rate: 0.001 is 0.1%."""
    return f"{rate * 100:.4g}%"


def span(ms: float) -> str:
    """A length of time in at most five characters."""
    if ms < 999.5:
        return f"{ms:.0f}ms"
    seconds = ms / 1000
    if seconds < 99.95:
        return f"{seconds:.1f}s"
    for unit, length in (("m", 60), ("h", 3600), ("d", 86_400)):
        if seconds < 100 * length:
            return f"{seconds / length:.0f}{unit}"
    return f"{min(seconds / YEAR, 9999):.0f}y"


def rate(value: float) -> str:
    """Things a second."""
    return f"{value:,.0f}/s" if value >= 10 or value == 0 else f"{value:.1f}/s"


def clock(at: int) -> str:
    """The time of day, UTC."""
    return datetime.fromtimestamp(at // SECOND, UTC).strftime("%H:%M:%S")


def bar(part: float, width: int) -> str:
    """A bar of ``width`` columns of which ``part`` (0..1) is filled."""
    eighths = round(min(max(part, 0.0), 1.0) * width * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (BLOCKS[rest] if rest else "")).ljust(width)


def buckets(values: Sequence[float | None], count: int) -> list[float | None]:
    """The values squeezed into at most ``count`` columns, the highest of each."""
    if count <= 0 or not values:
        return []
    size = max(1, -(-len(values) // count))
    head = len(values) % size
    starts = [*([0] if head else []), *range(head, len(values), size)]
    ends = [*starts[1:], len(values)]
    return [_highest(values[start:end]) for start, end in zip(starts, ends, strict=True)]


def spark(values: Sequence[float | None], width: int) -> str:
    """A line of small bars, the newest at the right; a gap where there is nothing."""
    return columns(buckets(values, width), 1)[0].rjust(max(width, 0)) if width > 0 else ""


def columns(values: Sequence[float | None], height: int) -> list[str]:
    """Bars between the lowest and the highest value over ``height`` lines, the top line first."""
    known = [value for value in values if value is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    scale = (height * 8 - 1) / (high - low) if high > low else 0.0
    levels = [None if v is None else 1 + round((v - low) * scale) for v in values]
    return ["".join(_cell(level, line) for level in levels) for line in reversed(range(height))]


def _cell(level: int | None, line: int) -> str:
    filled = 0 if level is None else level - line * 8
    return " " if filled <= 0 else EIGHTHS[min(filled, 8) - 1]


def _highest(values: Sequence[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)
