"""The one widget: lines that are drawn elsewhere, of which only what has changed is sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.segment import Segment
from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from scanner.sinks.terminal.ink import Line, sized
from scanner.sinks.terminal.layout import Box
from scanner.sinks.terminal.palette import Palette


class Tile(Widget):
    """A rectangle of the screen that shows lines."""

    def __init__(
        self,
        name: str,
        *,
        clicked: Callable[[int], object] | None = None,
        scrolled: Callable[[int], object] | None = None,
    ) -> None:
        super().__init__(id=name)
        self._lines: list[Line] = []
        self._strips: list[Strip] = []
        self._clicked = clicked
        self._scrolled = scrolled
        self._box = Box(0, 0, 0, 0)
        self.styles.position = "absolute"
        self.display = False

    def place(self, box: Box | None) -> None:
        """Stand there from now on; None: nowhere."""
        self.display = box is not None and box.width > 0 and box.height > 0
        if box is not None and box != self._box:
            self._box = box
            self._lines = []
            self.styles.offset = (box.x, box.y)
            self.styles.width, self.styles.height = box.width, box.height

    def show(self, lines: Sequence[Line], palette: Palette) -> None:
        """Show these lines; of one that has not changed nothing is sent."""
        width, height = self._box.width, self._box.height
        if len(self._lines) != height:
            self._lines = [[] for _ in range(height)]
            self._strips = [Strip.blank(width, palette.text)] * height
            self.refresh()
        for y in range(height):
            line = sized(lines[y] if y < len(lines) else [], width, palette.text)
            if line != self._lines[y]:
                self._set(y, line, width)

    def _set(self, y: int, line: Line, width: int) -> None:
        self._lines[y] = line
        self._strips[y] = Strip(line, width)
        self.refresh(Region(0, y, width, 1))

    def render_lines(self, crop: Region) -> list[Strip]:
        """The strips that are wanted: they are complete, so no style of a widget applies."""
        strips = [
            self._strips[y] if y < len(self._strips) else Strip([Segment(" " * self.size.width)])
            for y in crop.line_range
        ]
        if crop.column_span == (0, self.size.width):
            return strips
        return [strip.crop(*crop.column_span) for strip in strips]

    def on_click(self, event: events.Click) -> None:
        """A line has been clicked."""
        if self._clicked is not None:
            self._clicked(event.y)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel has been turned."""
        if self._scrolled is not None:
            self._scrolled(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel has been turned."""
        if self._scrolled is not None:
            self._scrolled(-3)
