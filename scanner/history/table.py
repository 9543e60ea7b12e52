"""A table that fits the terminal: columns that matter least are left out, long names shortened."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from unicodedata import combining, east_asian_width

from msgspec import Struct

from scanner.text import printable

GAP = 2
PIPE_WIDTH = 120
DISPENSABLE = 5


class Column(Struct, frozen=True, kw_only=True):
    """One column. ``rank`` 0 always stays; of the others the highest goes first, those from
    ``DISPENSABLE`` on even before names are shortened. ``least`` is how short its texts may become
    (0: never shortened)."""

    title: str
    cells: Sequence[str]
    right: bool = False
    rank: int = 0
    least: int = 0


def terminal_width() -> int:
    """The columns of the terminal; when there is none, those of a wide one."""
    return shutil.get_terminal_size((PIPE_WIDTH, 24)).columns


def table(columns: Iterable[Column], width: int) -> Iterator[str]:
    """The lines of the table, the titles first."""
    shown = [_printable(column) for column in columns]
    for rank, needed, gap in ((DISPENSABLE, _natural, GAP), (1, _least, 1)):
        while sum(map(needed, shown)) + gap * (len(shown) - 1) > width:
            last = max(shown, key=lambda column: column.rank)
            if last.rank < rank:
                break
            shown.remove(last)
    widths = _shortened(shown, width)
    for cells in zip(*([column.title, *column.cells] for column in shown), strict=True):
        line = (_fit(cell, w, c) for cell, w, c in zip(cells, widths, shown, strict=True))
        yield (" " * _gap(widths, width)).join(line).rstrip()


def natural_width(columns: Sequence[Column]) -> int:
    """What the table takes with every column, none of them shortened."""
    return sum(_natural(_printable(column)) for column in columns) + GAP * (len(columns) - 1)


def text_width(text: str) -> int:
    """How many columns of a terminal it takes."""
    return sum(2 if east_asian_width(c) in "WF" else not combining(c) for c in text)


def _printable(column: Column) -> Column:
    return Column(
        title=printable(column.title),
        cells=[printable(cell) for cell in column.cells],
        right=column.right,
        rank=column.rank,
        least=column.least,
    )


def _natural(column: Column) -> int:
    return max(text_width(cell) for cell in (column.title, *column.cells))


def _least(column: Column) -> int:
    return min(_natural(column), column.least or _natural(column))


def _shortened(columns: Sequence[Column], width: int) -> list[int]:
    """The widths of the columns; what is too much is taken from the widest that may be short."""
    widths = [_natural(column) for column in columns]
    while sum(widths) + len(widths) - 1 > width:
        spare = [i for i, c in enumerate(columns) if c.least and widths[i] > c.least]
        if not spare:
            break
        widths[max(spare, key=lambda i: widths[i])] -= 1
    return widths


def _gap(widths: Sequence[int], width: int) -> int:
    return GAP if sum(widths) + GAP * (len(widths) - 1) <= width else 1


def _fit(cell: str, width: int, column: Column) -> str:
    while text_width(cell) > width and len(cell) > 1:
        cell = cell.removesuffix("…")[:-1] + "…"
    room = " " * (width - text_width(cell))
    return room + cell if column.right else cell + room
