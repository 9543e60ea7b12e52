"""The panes of the venues, of what happened, and of help."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style

from scanner.sinks.terminal import figures
from scanner.sinks.terminal.ink import Line, Pen, rule
from scanner.sinks.terminal.palette import Palette
from scanner.view.frame import Event, Kind, Link, ServiceLine, VenueLine

LINKS = {Link.LIVE: "●", Link.PARTLY: "◐", Link.CONNECTING: "○", Link.DOWN: "✗"}
KINDS = {Kind.OPENED: "+", Kind.CLOSED: "-", Kind.ALERT: "!", Kind.FEED: "~"}
SILENT_MS = 3000

HELP = (
    ("", "KEYS"),
    ("↑ ↓ j k PgUp PgDn", "select another row"),
    ("Home g", "stay on the first row, whichever that is"),
    ("s r", "sort by the next column; turn the order around"),
    ("v u", "only the next venue's routes; only the next quote currency"),
    ("o", "only what pays"),
    ("/", "find a symbol or a venue"),
    ("Esc", "back, or show everything again"),
    ("Tab 1 2 3 4", "the pane below: ladders, venues, events, hedge book"),
    ("Enter z", "that pane over the whole screen"),
    ("p Space", "pause, and look around in that moment"),
    ("t", "dark or light"),
    ("? q", "this page; quit"),
    ("", "SIGNS"),
    ("▲ △", "flagged; pays after fees, under the thresholds"),
    ("·", "pays after fees, but less than the smallest order"),
    ("▶ ▷", "a level that the size takes, whole or in part"),
    ("● ◐ ○ ✗", "a venue that is live, partly live, connecting, down"),
    ("BPS", "0.01 % of what the buy leg costs, its fee included in NET"),
    ("PROFIT", "in the quote currency; of a near miss at its best prices"),
)


def venues(
    lines: Sequence[VenueLine],
    services: Sequence[ServiceLine],
    *,
    palette: Palette,
    width: int,
    height: int,
) -> list[Line]:
    """A health line for each venue, and for each other service below. Where not all have room,
    those with a fault come first."""
    title = rule([("venues", palette.accent)], width, palette.rule)
    pen = Pen().cell("   VENUE", 12, palette.dim)
    for text, size in COLUMNS:
        pen.cell(text, size, palette.dim, right=True)
    heading = pen.cell("  STATE", pen.room(width), palette.dim).line
    told = [(line.link is Link.LIVE, _venue(line, palette, width)) for line in lines]
    told += [(line.good, _service(line, palette, width)) for line in services]
    if len(told) > height - 2:
        told.sort(key=lambda entry: entry[0])
    return [title, heading, *(line for _, line in told)][:height]


COLUMNS = (("BOOKS", 7), ("MSG/S", 6), ("LAG", 6), ("GAPS", 5), ("RETRY", 6))


def _venue(line: VenueLine, palette: Palette, width: int) -> Line:
    style = palette.up if line.link is Link.LIVE else palette.warn
    pen = Pen().put(f" {LINKS[line.link]} ", style).cell(line.venue, 9, palette.text)
    figures_of_it = (
        f"{line.live}/{line.subscribed}",
        figures.rate(line.rate).removesuffix("/s"),
        figures.span(line.lag_ms) if line.lag_ms is not None else "–",
        f"{line.gaps:,}",
        f"{line.reconnects:,}",
    )
    for text, (_, size) in zip(figures_of_it, COLUMNS, strict=True):
        pen.cell(text, size, palette.text, right=True)
    live = line.link is Link.LIVE
    pen.cell("  " + _state(line), pen.room(width), palette.dim if live else palette.warn)
    return pen.fill(width, palette.text)


def _state(line: VenueLine) -> str:
    text = str(line.link)
    if line.connections > 1:
        text += f" {line.open}/{line.connections}"
    if line.link is not Link.LIVE and line.last_error:
        text += f": {line.last_error}"
    if line.silent_ms is None or line.silent_ms <= SILENT_MS:
        return text
    silent = f"silent {figures.span(line.silent_ms)}"
    return silent if text == Link.LIVE else f"{text}, {silent}"


def _service(line: ServiceLine, palette: Palette, width: int) -> Line:
    style = palette.up if line.good else palette.warn
    pen = Pen().put(" ● " if line.good else " ✗ ", style).cell(line.name, 9, palette.text)
    rest = palette.dim if line.good else palette.warn
    return pen.cell("  " + line.text, pen.room(width), rest).line


def events(happened: Sequence[Event], *, palette: Palette, width: int, height: int) -> list[Line]:
    """What happened, newest first."""
    lines = [rule([("events and alerts", palette.accent)], width, palette.rule)]
    if not happened:
        lines.append(Pen().put(" nothing yet", palette.dim).line)
    for event in happened[: max(height - 1, 0)]:
        style = _event_style(event.kind, palette)
        pen = Pen().put(f" {figures.clock(event.at)} ", palette.dim)
        pen.put(f"{KINDS[event.kind]} ", style).cell(event.subject, 11, style).put(" ", style)
        lines.append(pen.cell(event.text, pen.room(width), palette.text).line)
    return lines[:height]


def _event_style(kind: Kind, palette: Palette) -> Style:
    styles = {Kind.OPENED: palette.up, Kind.ALERT: palette.warn, Kind.FEED: palette.warn}
    return styles.get(kind, palette.dim)


def help_pane(*, palette: Palette, width: int, height: int) -> list[Line]:
    """What the keys and signs mean."""
    lines = [rule([("help", palette.accent)], width, palette.rule)]
    lines += (_help_line(key, text, palette, width) for key, text in HELP)
    return lines[:height]


def _help_line(key: str, text: str, palette: Palette, width: int) -> Line:
    pen = Pen()
    if not key:
        return pen.cell(f"  {text}", width, palette.dim).line
    pen.cell(f"  {key}", 21, palette.accent)
    return pen.cell(text, pen.room(width), palette.text).line
