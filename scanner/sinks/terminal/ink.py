"""Lines of styled text, and the only way for a text from outside to get into one.

No markup is ever parsed: a segment is a text and a style. ``fit`` escapes what a terminal would act
on and measures in cells, so that wide characters do not shift a column.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import TypeAlias

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style

from scanner.text import printable

Line: TypeAlias = list[Segment]
RIGHT_TO_LEFT = ("R", "AL", "AN")


@lru_cache(4096)
def fit(text: str, width: int, *, right: bool = False) -> str:
    """``text``, made safe, in exactly ``width`` cells; what is too long ends with an ellipsis."""
    if width <= 0:
        return ""
    safe = tame(text)
    if safe.isascii():
        if len(safe) > width:
            safe = safe[: width - 1] + "…"
        return safe.rjust(width) if right else safe.ljust(width)
    length = cell_len(safe)
    if length > width:
        return set_cell_size(set_cell_size(safe, width - 1) + "…", width)
    return " " * (width - length) + safe if right else safe + " " * (width - length)


def tame(text: str) -> str:
    """``text`` with everything escaped that would act on a terminal, pile up in a cell, or turn
    the order of a line around."""
    safe = printable(text)
    if safe.isascii():
        return safe
    return "".join(c if _stays_in_its_cell(c) else ascii(c)[1:-1] for c in safe)


def _stays_in_its_cell(char: str) -> bool:
    return cell_len(char) > 0 and unicodedata.bidirectional(char) not in RIGHT_TO_LEFT


class Pen:
    """Writes one line; neighbours of the same style become one segment."""

    __slots__ = ("line",)

    def __init__(self) -> None:
        self.line: Line = []

    def put(self, text: str, style: Style) -> Pen:
        """Add ``text`` as it is: only for what is known to be safe."""
        if text:
            if self.line and self.line[-1].style is style:
                text = self.line.pop().text + text
            self.line.append(Segment(text, style))
        return self

    def cell(self, text: str, width: int, style: Style, *, right: bool = False) -> Pen:
        """Add a text, whoever wrote it, in ``width`` cells."""
        return self.put(fit(text, width, right=right), style)

    def room(self, width: int) -> int:
        """How many cells are left of ``width``."""
        return width - length(self.line)

    def fill(self, width: int, style: Style) -> Line:
        """The line, in exactly ``width`` cells."""
        return sized(self.put(" " * self.room(width), style).line, width, style)


def length(line: Line) -> int:
    """How many cells the line takes."""
    return sum(cell_len(segment.text) for segment in line)


def sized(line: Line, width: int, style: Style) -> Line:
    """The line cut or filled to exactly ``width`` cells."""
    return Segment.adjust_line_length(line, max(width, 0), style)


def beside(blocks: Iterable[tuple[list[Line], int]], height: int, style: Style) -> list[Line]:
    """Blocks of lines of given widths next to each other, ``height`` lines of them."""
    lines: list[Line] = [[] for _ in range(height)]
    for block, width in blocks:
        for i, line in enumerate(lines):
            line.extend(sized(block[i] if i < len(block) else [], width, style))
    return lines


def rule(parts: Iterable[tuple[str, Style]], width: int, style: Style) -> Line:
    """A line across with texts on it, each set off by spaces: as many as there is room for, and of
    the first as much as there is."""
    pen = Pen().put("─", style)
    for i, (text, its) in enumerate(parts):
        safe, room = tame(text), pen.room(width) - 3
        if room < (cell_len(safe) if i else 4):
            break
        pen.put(" ", style).cell(safe, min(cell_len(safe), room), its).put(" ─", style)
    return sized(pen.put("─" * pen.room(width), style).line, width, style)
