"""What the commands have in common."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from scanner.errors import UserError
from scanner.history.options import Form, Show
from scanner.history.table import terminal_width
from scanner.history.wishes import did_you_mean
from scanner.history.writers import check_parquet, opened
from storage.queries import Reader, open_reader

log = logging.getLogger(__name__)
TABLE_ROWS = 50
PLOT_HEIGHT = 16
AROUND_PLOT = 4


@contextmanager
def reading(url: str) -> Iterator[Reader]:
    """A reader of the database at ``url``, closed at the end."""
    reader = open_reader(url)
    try:
        yield reader
    finally:
        reader.close()


def check(show: Show) -> None:
    """See that the form can be had, before anything is asked. Raises ``UserError``."""
    if show.plot and show.form is not Form.TABLE:
        raise UserError(f"--plot and --format {show.form} exclude each other")
    if show.form is Form.PARQUET:
        check_parquet(show.out)


def print_to(out: Path | None, lines: Iterable[str]) -> None:
    """Lines to the file, or to standard output."""
    with opened(out) as stream:
        for line in lines:
            print(line, file=stream)


def nothing(reader: Reader, symbols: Iterable[str], venues: Iterable[str]) -> None:
    """Say that there is nothing, and whether a name may be the cause."""
    known = reader.known()
    why = did_you_mean(symbols, known[0]) or did_you_mean(venues, known[1])
    log.warning("nothing found%s", f": {why}" if why else "")


def no_parity() -> None:
    """Say where the readings are: opportunities of that kind are rare."""
    log.warning("how stablecoins stood against their pegs is told by: crossbook parity --since 24h")


def plot_size() -> tuple[int, int]:
    """The width and height of a plot."""
    found = shutil.get_terminal_size((terminal_width(), PLOT_HEIGHT + AROUND_PLOT))
    return found.columns, max(5, min(PLOT_HEIGHT, found.lines - AROUND_PLOT))
