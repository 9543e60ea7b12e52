"""The table: one line for the best route of each symbol, what pays first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace
from rich.style import Style

from scanner.sinks.terminal import figures
from scanner.sinks.terminal.ink import Line, Pen, rule
from scanner.sinks.terminal.palette import Palette
from scanner.sinks.terminal.wish import Sort, Wish, arranged
from scanner.view.frame import Place, Row, Standing

# What gives way to the column that is sorted by, first to last.
GIVING_WAY: tuple[set[str], ...] = (set(), {"OPEN"}, {"PROFIT"}, {"OPEN", "PROFIT"})
MARKS = {Standing.OPEN: "▲", Standing.PAYS: "△", Standing.DUST: "·"}
HERE = "❯"
RESORT = 1_000_000_000
PREFIX = 3
LONGEST_SYMBOL = 16
LEAST_TREND = 10
MOST_TREND = 60


class Column(Struct, frozen=True, kw_only=True):
    """One column: what it says of a row at a time, and what it sorts by. ``gap`` cells stand before
    it. The lower its ``rank``, the longer it stays when the screen is narrow. ``telling``: what the
    eye looks for."""

    title: str
    width: int
    text: Callable[[Row, int], str]
    sort: Sort | None = None
    rank: int = 0
    gap: int = 1
    left: bool = False
    telling: bool = False


def _venue(place: Place | None) -> str:
    return place.venue if place else ""


def _price(place: Place | None) -> str:
    return figures.price(place.price, place.places) if place else ""


def _age(place: Place | None) -> str:
    return figures.span(place.age_ms) if place else ""


def _open_for(row: Row, at: int) -> str:
    return figures.span((at - row.opened_at) / 1e6) if row.opened_at else ""


COLUMNS = (
    Column(
        title="SYMBOL", width=10, text=lambda r, at: r.symbol, sort=Sort.SYMBOL, gap=0, left=True
    ),
    Column(
        title="NET BPS",
        width=8,
        text=lambda r, at: figures.bps(r.net_bps),
        sort=Sort.NET,
        telling=True,
    ),
    Column(
        title="GROSS", width=8, text=lambda r, at: figures.bps(r.gross_bps), sort=Sort.GROSS, rank=3
    ),
    Column(
        title="PROFIT",
        width=9,
        text=lambda r, at: figures.money(r.profit),
        sort=Sort.PROFIT,
        telling=True,
    ),
    Column(
        title="SIZE", width=9, text=lambda r, at: figures.amount(r.size), sort=Sort.SIZE, rank=2
    ),
    Column(title="BUY AT", width=8, text=lambda r, at: _venue(r.buy), gap=2, left=True),
    Column(title="ASK", width=10, text=lambda r, at: _price(r.buy)),
    Column(title="AGE", width=5, text=lambda r, at: _age(r.buy), sort=Sort.AGE, rank=4),
    Column(title="SELL AT", width=8, text=lambda r, at: _venue(r.sell), gap=2, left=True),
    Column(title="BID", width=10, text=lambda r, at: _price(r.sell)),
    Column(title="AGE", width=5, text=lambda r, at: _age(r.sell), sort=Sort.AGE, rank=4),
    Column(title="OPEN", width=5, text=_open_for, sort=Sort.OPEN, rank=1),
    Column(title="BOOKS", width=5, text=lambda r, at: f"{r.live}/{r.books}", rank=5, gap=2),
)


class Board:
    """The rows in their order, which changes at most once a second: a table that is sorted anew
    with every frame cannot be read. What begins or ceases to pay moves at once."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._wish = Wish()
        self._sorted_at = 0
        self._paying: frozenset[str] = frozenset()

    def take(self, rows: Sequence[Row], wish: Wish, at: int) -> None:
        """These are the rows now."""
        chosen = {row.symbol: row for row in rows if wish.matches(row)}
        paying = frozenset(row.symbol for row in chosen.values() if row.standing.positive)
        due = at >= self._sorted_at + RESORT or at < self._sorted_at
        if due or wish != self._wish or paying != self._paying:
            self.rows = arranged(rows, wish)
            self._wish, self._sorted_at, self._paying = wish, at, paying
            return
        self.rows = [chosen.pop(row.symbol) for row in self.rows if row.symbol in chosen]
        self.rows += chosen.values()

    def find(self, symbol: str | None) -> int:
        """Where the symbol stands; the first row if it does not."""
        for i, row in enumerate(self.rows):
            if row.symbol == symbol:
                return i
        return 0


@lru_cache
def chosen_columns(width: int, longest: int, sort: Sort = Sort.NET) -> tuple[Column, ...]:
    """The columns that a screen of this width has room for, where the longest symbol has so many
    characters: symbols that look alike once they are cut are worse than a column less. What is
    sorted by takes the place of others where it has to."""
    found = _fitting(width, longest)
    shown = {column.title for column in found}
    if any(column.sort is sort and column.title not in shown for column in COLUMNS):
        for left_out in GIVING_WAY:
            titles = shown - left_out
            rest = (c for c in COLUMNS[1:] if c.title in titles or c.sort is sort)
            columns = (found[0], *rest)
            if _taken(columns) <= width:
                return columns
    return found


def _fitting(width: int, longest: int) -> tuple[Column, ...]:
    wanted = min(max(longest, COLUMNS[0].width), LONGEST_SYMBOL)
    for rank in range(max(column.rank for column in COLUMNS), 0, -1):
        columns = _up_to(rank, wanted)
        if _taken(columns) <= width:
            return columns
    dense = tuple(replace(column, gap=min(column.gap, 1)) for column in _up_to(1, wanted))
    symbol = replace(dense[0], width=max(wanted - max(_taken(dense) - width, 0), COLUMNS[0].width))
    dense = (symbol, *dense[1:])
    return dense if _taken(dense) <= width else _up_to(0, COLUMNS[0].width)


def _up_to(rank: int, symbol_width: int) -> tuple[Column, ...]:
    symbol = replace(COLUMNS[0], width=symbol_width)
    return (symbol, *(column for column in COLUMNS[1:] if column.rank <= rank))


def _taken(columns: Sequence[Column]) -> int:
    return PREFIX + sum(column.gap + column.width for column in columns)


def heading(columns: Sequence[Column], wish: Wish, palette: Palette, width: int) -> Line:
    """The titles; the one that is sorted by carries an arrow."""
    pen = Pen().put(" " * PREFIX, palette.dim)
    for column in columns:
        title, style = column.title, palette.dim
        if column.sort is wish.sort:
            title, style = title + ("▲" if wish.reverse else "▼"), palette.accent
        pen.put(" " * column.gap, palette.dim)
        pen.cell(title, column.width, style, right=not column.left)
    room = pen.room(width) - 2
    if room >= LEAST_TREND:
        pen.put("  ", palette.dim).cell(f"NET BPS, {min(room, MOST_TREND)} s", room, palette.dim)
    return pen.fill(width, palette.dim)


def row_line(
    row: Row, columns: Sequence[Column], *, here: bool, at: int, palette: Palette, width: int
) -> Line:
    """One row. What pays stands on a tint and carries a mark and a sign."""
    text, telling, trend = _styles(row, here, palette)
    pen = Pen().put((HERE if here else " ") + MARKS.get(row.standing, " ") + " ", telling)
    if row.buy is None:
        pen.cell(row.symbol, columns[0].width, text)
        told = f"no two books to compare, {row.live} of {row.books} live"
        pen.put("  " + (told if row.books else "waiting for books"), text)
        return pen.fill(width, text)
    for column in columns:
        style = telling if column.telling else text
        pen.put(" " * column.gap, text)
        pen.cell(column.text(row, at), column.width, style, right=not column.left)
    room = pen.room(width) - 2
    if room >= LEAST_TREND:
        if row.apr is not None:
            held = f"{row.kind} {row.apr * 100:+,.2f} % a year"
            pen.put("  ", text).cell(held, min(room, MOST_TREND), text)
            return pen.fill(width, text)
        pen.put("  ", text).put(figures.spark(row.trend[-room:], min(room, MOST_TREND)), trend)
    return pen.fill(width, text)


def divider(rows: Sequence[Row], palette: Palette, width: int) -> Line:
    """What stands between the rows that pay and the others."""
    paying = sum(row.standing.positive for row in rows)
    blind = sum(row.standing is Standing.NONE for row in rows)
    near = len(rows) - paying - blind
    texts = [(f"near misses ({near})", palette.dim)] if near else []
    if near and not paying:
        texts.insert(0, ("nothing pays after fees", palette.text))
    if blind:
        texts.append((f"no two books to compare ({blind})", palette.dim))
    return rule(texts, width, palette.rule)


def _styles(row: Row, here: bool, palette: Palette) -> tuple[Style, Style, Style]:
    """(text, what tells, trend) of a row."""
    paying = row.standing.positive
    telling = palette.up if paying else palette.text
    if here:
        on, text = palette.on_here, palette.text
    elif paying:
        on, text = palette.on_tint, palette.text
    else:
        return palette.dim, telling, palette.bar
    return on(text), on(telling), on(telling)
