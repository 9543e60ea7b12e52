"""The first line (what is going on), the banner, and the last line (which keys do what)."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import wrap

from rich.style import Style

from scanner.sinks.terminal import figures
from scanner.sinks.terminal.ink import Line, Pen, tame
from scanner.sinks.terminal.palette import Palette
from scanner.sinks.terminal.wish import Wish
from scanner.view.frame import Frame, Link

MOST_BANNER = 3


def headline(frame: Frame, *, paused: bool, palette: Palette, width: int) -> Line:
    """Name, totals, time; and loudly what is not as it should be."""
    pen = Pen().put(" CROSSBOOK ", palette.brand)
    clock = figures.clock(frame.at) + " UTC "
    state = " ‖ PAUSED " if paused else ""
    room = width - len(clock) - len(state)
    for text, style in _totals(frame, palette):
        if pen.room(room) < len(text) + 2:
            break
        pen.put("  ", palette.text).put(text, style)
    pen.put(" " * pen.room(room), palette.text)
    return pen.put(state, palette.banner).put(clock, palette.dim).fill(width, palette.text)


def _totals(frame: Frame, palette: Palette) -> Iterable[tuple[str, Style]]:
    totals = frame.totals
    up = sum(line.link is Link.LIVE for line in frame.venues)
    yield f"▲ {totals.open} open", palette.up if totals.open else palette.text
    all_up = up == len(frame.venues)
    text = f"{up}/{len(frame.venues)} venues" + ("" if all_up else " !")
    yield text, palette.text if all_up else palette.warn
    for service in frame.services:
        if not service.good:
            yield f"{tame(service.name)} !", palette.warn
    yield f"{totals.live}/{totals.books} books", palette.text
    yield figures.rate(totals.rate).replace("/s", " msg/s"), palette.text
    yield f"{totals.opened} flagged in {figures.span((frame.at - totals.since) / 1e6)}", palette.dim
    if totals.best_symbol:
        best = f"best {figures.bps(totals.best_bps)} bps"
        yield best, palette.dim


def banner_lines(text: str, palette: Palette, width: int) -> list[Line]:
    """What must not be overlooked, such as that all this is simulated; none for an empty text.

    Lines of the text stay apart; of what is longer than the screen is wide, three are shown.
    """
    told = [
        (" ! " if i == 0 else "   ") + part
        for line in text.splitlines()
        for i, part in enumerate(wrap(tame(line), max(width - 4, 8)))
    ]
    return [Pen().cell(line, width, palette.banner).line for line in told[:MOST_BANNER]]


def footer(wish: Wish, *, palette: Palette, width: int) -> Line:
    """The keys, and what they are set to."""
    pen = Pen()
    for key, text, active in (
        ("?", "help", False),
        ("q", "quit", False),
        ("/", wish.search or "find", bool(wish.search)),
        ("s", f"sort:{wish.sort}", False),
        ("v", wish.venue or "venue", bool(wish.venue)),
        ("u", wish.quote or "quote", bool(wish.quote)),
        ("o", "paying" if wish.paying else "all", wish.paying),
        ("p", "pause", False),
        ("⇥", "pane", False),
        ("⏎", "zoom", False),
    ):
        pen.put(" ", palette.text).put(key, palette.accent).put(" ", palette.text)
        pen.cell(text, min(len(text), 14), palette.warn if active else palette.dim)
    return pen.fill(width, palette.text)


def prompt(text: str, *, palette: Palette, width: int) -> Line:
    """The line in which the search is typed."""
    pen = Pen().put(" / ", palette.accent)
    hint = "  Enter keeps it, Esc drops it"
    typed = text[-max(width - len(hint) - 5, 8) :]
    pen.cell(typed, len(typed), palette.strong).put("▏", palette.accent)
    return pen.put(hint, palette.dim).fill(width, palette.text)
