"""What is on the screen: the newest frame, what the user has chosen, and the lines that follow.

It knows no terminal: keys come as method calls, and lines go out for each part of the screen.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace
from rich.cells import cell_len

from scanner.sinks.terminal import header, hedge, ladders, panes, table
from scanner.sinks.terminal.ink import Line, Pen, rule
from scanner.sinks.terminal.layout import Box, Layout, Part, arrange
from scanner.sinks.terminal.palette import Palette
from scanner.sinks.terminal.wish import Pane, Wish
from scanner.view.frame import Detail, Frame, Query, Row

LONGEST_SEARCH = 40
PATIENCE = 8
NEAR = 3


class Scene:
    """The state of the screen. ``chosen``: the selected symbol, None to stay on the first row."""

    def __init__(self, frame: Frame, palette: Palette) -> None:
        self.palette = palette
        self.frame = frame
        self.banner = ""
        self.wish = Wish()
        self.layout = Layout()
        self.chosen: str | None = None
        self.paused = False
        self.typing = False
        self._waits = 0
        self._board = table.Board()
        self._top = 0
        self._page = 1
        self._table_lines: list[Row | None] = []
        self.take(frame)

    # --- frames ---------------------------------------------------------------------------------

    @property
    def query(self) -> Query:
        """What the next frame is to show: of every symbol, if it is to be looked around in; nothing
        besides the rows, if it is not to be shown."""
        if self.held:
            return Query()
        details = None if self.paused else self._near()
        return Query(venue=self.wish.venue, details=details, levels=64)

    @property
    def held(self) -> bool:
        """Whether the frame stays as it is: in a pause, once there is one to look around in."""
        return self.paused and not self._waits

    @property
    def row(self) -> Row | None:
        """The selected row."""
        rows = self._board.rows
        return rows[self._board.find(self.chosen)] if rows else None

    @property
    def detail(self) -> Detail | None:
        """What the frame has of the selected row."""
        row = self.row
        details = (d for d in self.frame.details if row and d.symbol == row.symbol)
        return next(details, None)

    def take(self, frame: Frame) -> None:
        """This is the newest frame."""
        self.frame = frame
        lines = 2 + len(frame.venues) + len(frame.services)
        self.layout = replace(
            self.layout,
            rows=len(frame.rows) + 2,
            venues=max(lines, 6),
            hedge=hedge.height(frame.hedge),
        )
        self._board.take(frame.rows, self.wish, frame.at)
        if self._waits:
            self._waits = 0 if self._whole() else self._waits - 1

    def _near(self) -> tuple[str, ...]:
        """The selected row and those that may be it when the frame is there, which may take a
        moment: its neighbours, and the first ones."""
        rows = self._board.rows
        at = self._board.find(self.chosen)
        places = dict.fromkeys((at, at - 1, at + 1, *range(NEAR)))
        return tuple(rows[place].symbol for place in places if 0 <= place < len(rows))

    def _whole(self) -> bool:
        """Whether the frame has the ladders of every row that has a route."""
        known = {detail.symbol for detail in self.frame.details}
        return all(row.symbol in known for row in self.frame.rows if row.buy is not None)

    # --- what the user asks for -----------------------------------------------------------------

    def ask(self, wish: Wish) -> None:
        """Sort and filter like this."""
        self.wish = wish
        self._board.take(self.frame.rows, wish, self.frame.at)

    def move(self, rows: int) -> None:
        """Select the row so many further down."""
        at = self._board.find(self.chosen) + rows
        self._choose(at)

    def page(self, pages: int) -> None:
        """Select the row so many pages further down."""
        self.move(pages * max(self._page - 1, 1))

    def pause(self) -> None:
        """Stay in this moment, or go on. The ladders of all rows come with one of the next frames:
        it is that one that stays, or the last of some if none has them."""
        self.paused = not self.paused
        self._waits = PATIENCE if self.paused else 0

    def first(self) -> None:
        """Stay on the first row, whichever symbol that is."""
        self.chosen = None

    def click(self, line: int) -> None:
        """Select the row in this line of the table."""
        at = self._top + line - 1
        row = self._table_lines[at] if line > 0 and at < len(self._table_lines) else None
        if row is not None:
            self.chosen = row.symbol

    def back(self) -> None:
        """Out of what is open; then without filters; then to the first row."""
        if self.layout.help or self.layout.zoomed:
            self.layout = replace(self.layout, help=False, zoomed=False)
        elif self.wish.filters:
            self.ask(self.wish.unfiltered())
        else:
            self.first()

    def show(self, pane: Pane | None) -> None:
        """This pane, where there is room for one; None: the next."""
        order = [one for one in Pane if one is not Pane.HEDGE or self.frame.hedge]
        here = order.index(self.layout.pane) if self.layout.pane in order else -1
        following = order[(here + 1) % len(order)]
        self.layout = replace(self.layout, pane=pane or following, help=False)

    def show_hedge(self) -> None:
        """The hedge book, or the ladders again."""
        shown = self.layout.pane is Pane.HEDGE and not self.layout.help
        self.show(Pane.DETAIL if shown else Pane.HEDGE)

    def zoom(self) -> None:
        """The pane over the whole screen, or back."""
        self.layout = replace(self.layout, zoomed=not self.layout.zoomed, help=False)

    def help(self) -> None:
        """Help, or back."""
        self.layout = replace(self.layout, help=not self.layout.help)

    def search(self) -> None:
        """A search is about to be typed."""
        self.typing = True

    def type(self, text: str) -> None:
        """The search becomes ``text``."""
        self.ask(replace(self.wish, search=text[:LONGEST_SEARCH]))

    def _choose(self, at: int) -> None:
        rows = self._board.rows
        if rows:
            self.chosen = rows[min(max(at, 0), len(rows) - 1)].symbol

    # --- lines ----------------------------------------------------------------------------------

    def draw(self, width: int, height: int) -> dict[Part, tuple[Box, list[Line]]]:
        """Every part that is shown, where, and its lines."""
        banner = len(header.banner_lines(self.banner, self.palette, width))
        boxes = arrange(width, height, replace(self.layout, banner=banner))
        return {part: (box, self._lines(part, box)) for part, box in boxes.items()}

    def _lines(self, part: Part, box: Box) -> list[Line]:
        palette, frame, width, height = self.palette, self.frame, box.width, box.height
        match part:
            case Part.HEADER:
                return [header.headline(frame, paused=self.paused, palette=palette, width=width)]
            case Part.BANNER:
                return header.banner_lines(self.banner, palette, width)
            case Part.TABLE:
                return self._table(width, height)
            case Part.DETAIL:
                return self._detail(width, height)
            case Part.VENUES:
                return panes.venues(
                    frame.venues, frame.services, palette=palette, width=width, height=height
                )
            case Part.EVENTS:
                return panes.events(frame.events, palette=palette, width=width, height=height)
            case Part.HEDGE:
                return hedge.pane(frame.hedge, palette=palette, width=width, height=height)
            case Part.HELP:
                return panes.help_pane(palette=palette, width=width, height=height)
            case Part.FOOTER if self.typing:
                return [header.prompt(self.wish.search, palette=palette, width=width)]
            case Part.FOOTER:
                return [header.footer(self.wish, palette=palette, width=width)]

    def _table(self, width: int, height: int) -> list[Line]:
        palette, rows = self.palette, self._board.rows
        longest = max((cell_len(row.symbol) for row in self.frame.rows), default=0)
        columns = table.chosen_columns(width, longest, self.wish.sort)
        lines = [table.heading(columns, self.wish, palette, width)]
        if not rows:
            text = "nothing matches, Esc shows all" if self.wish.filters else "waiting for books"
            return [*lines, Pen().put(f"   {text}", palette.dim).line]
        here = self.row
        self._table_lines = _with_divider(rows)
        self._page = max(height - 1, 1)
        self._scroll(self._table_lines.index(here))
        for row in self._table_lines[self._top : self._top + self._page]:
            if row is None:
                lines.append(table.divider(rows, palette, width))
                continue
            line = table.row_line(
                row, columns, here=row is here, at=self.frame.at, palette=palette, width=width
            )
            lines.append(line)
        return lines

    def _scroll(self, selected: int) -> None:
        """As little as keeps the selected line in sight, and the divider above the first."""
        highest = selected if selected > 1 else 0
        lowest = selected - self._page + 1
        last = max(len(self._table_lines) - self._page, 0)
        self._top = min(max(self._top, lowest), highest, last)

    def _detail(self, width: int, height: int) -> list[Line]:
        row, detail = self.row, self.detail
        if row is None or detail is None:
            return [rule([("ladders", self.palette.accent)], width, self.palette.rule)]
        return ladders.pane(
            row,
            detail,
            at=self.frame.at,
            palette=self.palette,
            width=width,
            height=height,
        )


def _with_divider(rows: Sequence[Row]) -> list[Row | None]:
    """The rows with None between those that pay and the others, if there are others."""
    paying = sum(row.standing.positive for row in rows)
    return [*rows[:paying], None, *rows[paying:]] if paying < len(rows) else list(rows)
