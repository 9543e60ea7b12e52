"""Where everything stands on a screen of a given size: tiles that fill it and never overlap."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from scanner.sinks.terminal.wish import Pane

LEAST_FOR_PANES = 14
LEAST_TABLE = 5
SIDE_WIDTH = 66
VENUES_WIDTH = 57
STACKED = (100, 34)
WIDE = 160


class Part(StrEnum):
    """The parts of the screen."""

    HEADER = "header"
    BANNER = "banner"
    TABLE = "table"
    DETAIL = "detail"
    VENUES = "venues"
    EVENTS = "events"
    HEDGE = "hedge"
    HELP = "help"
    FOOTER = "footer"


PARTS = {
    Pane.DETAIL: Part.DETAIL,
    Pane.VENUES: Part.VENUES,
    Pane.EVENTS: Part.EVENTS,
    Pane.HEDGE: Part.HEDGE,
}


class Box(Struct, frozen=True):
    """A place on the screen, in cells."""

    x: int
    y: int
    width: int
    height: int


class Layout(Struct, frozen=True, kw_only=True):
    """What the layout depends on beside the size. ``banner``: its lines; ``rows``, ``venues``
    and ``hedge``: lines that the table and these panes could use (0: any number); ``pane``: the one
    that is shown where there is room for one only; the hedge book stands in place of the ladders
    where there is room for more. ``zoomed``: nothing but it."""

    banner: int = 0
    rows: int = 0
    venues: int = 10
    hedge: int = 0
    pane: Pane = Pane.DETAIL
    zoomed: bool = False
    help: bool = False


def arrange(width: int, height: int, layout: Layout) -> dict[Part, Box]:
    """The parts that are shown, and where."""
    boxes: dict[Part, Box] = {}
    top, bottom = 0, height
    if height >= 4:
        boxes[Part.HEADER] = Box(0, 0, width, 1)
        bottom -= 1
        boxes[Part.FOOTER] = Box(0, bottom, width, 1)
        top = 1
    if 0 < layout.banner < bottom - top:
        boxes[Part.BANNER] = Box(0, top, width, layout.banner)
        top += layout.banner
    middle = Box(0, top, width, bottom - top)
    if layout.help:
        boxes[Part.HELP] = middle
    elif layout.zoomed:
        boxes[PARTS[layout.pane]] = middle
    else:
        boxes |= _panes(middle, height, layout)
    return boxes


def _panes(middle: Box, height: int, layout: Layout) -> dict[Part, Box]:
    if middle.height < LEAST_FOR_PANES:
        return {Part.TABLE: middle}
    if middle.width < STACKED[0] or height < STACKED[1]:
        lower = max(9, middle.height * 2 // 5)
        if layout.pane is Pane.VENUES:
            lower = max(lower, min(layout.venues, middle.height - LEAST_TABLE))
        if layout.pane is Pane.HEDGE:
            lower = max(lower, min(layout.hedge, middle.height - LEAST_TABLE))
        return _split(middle, lower, PARTS[layout.pane])
    if middle.width < WIDE:
        return _stacked(middle, layout)
    return _wide(middle, layout)


def _left(layout: Layout) -> Part:
    """What stands there where venues and events have places of their own."""
    return Part.HEDGE if layout.pane is Pane.HEDGE else Part.DETAIL


def _lower(middle: Box, least: int, rows: int) -> int:
    """How many lines lie below a table of ``rows``: what it does not use is theirs."""
    return max(least, middle.height - rows) if rows else least


def _split(middle: Box, lower: int, part: Part) -> dict[Part, Box]:
    """The table above, one pane below."""
    upper = middle.height - lower
    return {
        Part.TABLE: Box(middle.x, middle.y, middle.width, upper),
        part: Box(middle.x, middle.y + upper, middle.width, lower),
    }


def _stacked(middle: Box, layout: Layout) -> dict[Part, Box]:
    """The table, below it the ladders, and at the bottom venues and events side by side."""
    lowest = min(layout.venues, middle.height // 3)
    upper = Box(middle.x, middle.y, middle.width, middle.height - lowest)
    detail = _lower(upper, max(9, middle.height * 3 // 10), layout.rows)
    boxes = _split(upper, detail, _left(layout))
    y, left = middle.y + upper.height, max(VENUES_WIDTH, middle.width * 2 // 5)
    boxes[Part.VENUES] = Box(0, y, left, lowest)
    boxes[Part.EVENTS] = Box(left, y, middle.width - left, lowest)
    return boxes


def _wide(middle: Box, layout: Layout) -> dict[Part, Box]:
    """The table; below it the ladders at the left, venues over events at the right."""
    lower = _lower(middle, max(14, middle.height * 2 // 5), layout.rows)
    here = _left(layout)
    boxes = _split(middle, lower, here)
    under = boxes[here]
    left = middle.width - SIDE_WIDTH
    lines = min(layout.venues, lower - 3)
    boxes[here] = Box(under.x, under.y, left, lower)
    boxes[Part.VENUES] = Box(left, under.y, SIDE_WIDTH, lines)
    boxes[Part.EVENTS] = Box(left, under.y + lines, SIDE_WIDTH, lower - lines)
    return boxes
