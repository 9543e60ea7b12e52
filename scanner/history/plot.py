"""Plots of characters: points and lines in braille dots, bars in eighths of a block.

Where the output cannot show those, plain characters stand for them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from scanner.history.table import text_width

BRAILLE = 0x2800
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
ACROSS, DOWN = 2, 4
EIGHTHS = " ▏▎▍▌▋▊▉█"
SPARKS = "▁▂▃▄▅▆▇█"
LEAST_WIDTH = 30
Point = tuple[float, float]


def unicode_output() -> bool:
    """Can standard output show braille and blocks?"""
    try:
        "⣿█▁".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


class Canvas:
    """Dots on ``width`` by ``height`` characters; x and y run from 0 to 1, y upwards."""

    def __init__(self, width: int, height: int) -> None:
        self._width = width
        self._height = height
        self._cells = [[0] * width for _ in range(height)]

    def dot(self, x: float, y: float) -> None:
        """Set the dot at a place."""
        across = round(x * (self._width * ACROSS - 1))
        down = round((1 - y) * (self._height * DOWN - 1))
        row, column = down // DOWN, across // ACROSS
        if 0 <= row < self._height and 0 <= column < self._width:
            self._cells[row][column] |= DOTS[down % DOWN][across % ACROSS]

    def line(self, begin: Point, end: Point) -> None:
        """Set the dots between two places."""
        steps = max(
            abs(end[0] - begin[0]) * (self._width * ACROSS - 1),
            abs(end[1] - begin[1]) * (self._height * DOWN - 1),
        )
        count = max(1, round(steps))
        for i in range(count + 1):
            part = i / count
            self.dot(*(b + (e - b) * part for b, e in zip(begin, end, strict=True)))

    def rows(self, plain: bool) -> Iterator[str]:
        """The characters, from the top."""
        for cells in self._cells:
            yield "".join(_character(cell, plain) for cell in cells)


def chart(
    points: Sequence[Point], title: str, width: int, height: int, *, joined: bool
) -> Iterator[str]:
    """Values over time: ``points`` are (ns since the epoch, value), ``joined`` by lines or not."""
    plain = not unicode_output()
    xs, ys = [x for x, _ in points], [y for _, y in points]
    low, high = min(0.0, *ys), max(0.0, *ys)
    first, span = min(xs), (max(xs) - min(xs)) or 1
    labels = _labels(low, high, height)
    margin = max(map(len, labels)) + 1
    canvas = Canvas(max(LEAST_WIDTH, width) - margin - 1, height)
    places = [((x - first) / span, (y - low) / ((high - low) or 1)) for x, y in sorted(points)]
    for i, place in enumerate(places):
        canvas.dot(*place)
        if joined and i:
            canvas.line(places[i - 1], place)
    yield title
    edge = "|" if plain else "│"
    for label, row in zip(labels, canvas.rows(plain), strict=True):
        yield f"{label:>{margin - 1}} {edge}{row}".rstrip()
    yield _axis(min(xs), max(xs), margin, max(LEAST_WIDTH, width))


def bars(rows: Sequence[tuple[str, float, str]], width: int) -> Iterator[str]:
    """A bar for each (name, value, what to write behind it); the longest is the greatest value."""
    plain = not unicode_output()
    names = max(text_width(name) for name, _, _ in rows)
    behind = max(text_width(text) for _, _, text in rows)
    room = max(5, width - names - behind - 2)
    most = max(value for _, value, _ in rows)
    for name, value, text in rows:
        length = max(0.0, value) / most * room if most > 0 else 0.0
        bar = _bar(length, plain)
        padded = name + " " * (names - text_width(name))
        yield f"{padded} {bar:<{room}} {text:>{behind}}"


def spark(values: Sequence[float], width: int) -> str:
    """The course of the values in one line of at most ``width`` characters."""
    if len(values) > width:
        values = [values[i * len(values) // width] for i in range(width)]
    low, high = min(values), max(values)
    marks = "_.-=" if not unicode_output() else SPARKS
    step = (high - low) / (len(marks) - 1) or 1
    return "".join(marks[round((value - low) / step)] for value in values)


def _character(cell: int, plain: bool) -> str:
    if not cell:
        return " "
    return "*" if plain else chr(BRAILLE + cell)


def _bar(length: float, plain: bool) -> str:
    if plain:
        return "#" * round(length)
    eighths = round(length * 8)
    return "█" * (eighths // 8) + EIGHTHS[eighths % 8].strip()


def _labels(low: float, high: float, height: int) -> list[str]:
    """What stands on the left of each row; zero is always among them."""
    labels = [""] * height
    for value in (low, high, 0.0):
        share = (value - low) / ((high - low) or 1)
        labels[round((1 - share) * (height - 1))] = f"{value:+.4g}" if value else "0"
    return labels


def _axis(begin: float, end: float, margin: int, width: int) -> str:
    first, last = (_time(at, end - begin) for at in (begin, end))
    room = width - margin - 1 - len(first) - len(last)
    return " " * (margin + 1) + first + " " * max(1, room) + last


def _time(at: float, span: float) -> str:
    form = "%Y-%m-%d %H:%M" if span >= 86_400e9 else "%m-%d %H:%M:%S"
    return datetime.fromtimestamp(at / 1e9, UTC).strftime(form)
