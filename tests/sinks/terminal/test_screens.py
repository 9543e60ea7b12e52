"""Whole screens as they are to look, at the sizes that people have."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from rich.color import Color
from rich.style import Style

from scanner.sinks.terminal.palette import DARK, LIGHT, PLAIN, Palette
from scanner.sinks.terminal.scene import Scene
from scanner.sinks.terminal.wish import Pane
from scanner.view.frame import Standing
from tests.sinks.terminal.frames import detail, frame, same_as_on_file, screen

SIZES = [(80, 24), (120, 40), (200, 60)]


def scene(palette: Palette = DARK) -> Scene:
    made = Scene(frame(), palette)
    made.banner = "SIMULATED market (seed 1): no price here is a real one"
    return made


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_screen(width: int, height: int) -> None:
    same_as_on_file(f"{width}x{height}", screen(scene().draw(width, height), width, height))


@pytest.mark.parametrize("pane", list(Pane))
def test_a_pane_over_the_whole_screen(pane: Pane) -> None:
    zoomed = scene()
    zoomed.show(pane)
    zoomed.zoom()
    same_as_on_file(f"zoomed-{pane}", screen(zoomed.draw(80, 24), 80, 24))


def test_help() -> None:
    helped = scene()
    helped.help()
    lines = screen(helped.draw(80, 24), 80, 24)
    same_as_on_file("help", lines)
    assert not any("…" in line for line in lines)


def test_nothing_pays_and_nothing_is_open() -> None:
    quiet = scene()
    rows = tuple(row for row in frame().rows if not row.standing.positive)
    quiet.take(frame(rows=rows, details=(detail(rows[0]),)))
    same_as_on_file("nothing-pays", screen(quiet.draw(80, 24), 80, 24))


def test_before_the_first_book() -> None:
    empty = scene()
    empty.take(frame(rows=(), details=(), events=()))
    same_as_on_file("waiting", screen(empty.draw(80, 24), 80, 24))


def test_paused_searching_and_filtered() -> None:
    busy = scene()
    busy.pause()
    busy.search()
    busy.type("usdt")
    same_as_on_file("searching", screen(busy.draw(80, 24), 80, 24))
    busy.typing = False
    busy.ask(replace(busy.wish, search="", paying=True, quote="EUR", venue="bitget"))
    same_as_on_file("filtered", screen(busy.draw(80, 24), 80, 24))


def styles(palette: Palette) -> set[Style]:
    """Every style that any of the screens uses."""
    used: set[Style] = set()
    for width, height in SIZES:
        for part in (*Pane, None):
            made = scene(palette)
            made.move(1)
            if part is None:
                made.help()
            else:
                made.show(part)
            for _, lines in made.draw(width, height).values():
                used |= {
                    part.style or Style() for line in lines for part in line if part.text.strip()
                }
    return used


def luminance(color: Color) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [value / 255 for value in color.get_truecolor()]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(style: Style) -> float:
    assert style.color is not None and style.bgcolor is not None
    high, low = sorted((luminance(style.color), luminance(style.bgcolor)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=lambda palette: palette.name)
def test_every_text_can_be_read(palette: Palette) -> None:
    drawings = {palette.rule, palette.bar}
    for style in styles(palette) - drawings:
        assert contrast(style) >= 4.5, style
    for style in drawings:
        assert contrast(style) >= 1.8, style


def test_without_colour_there_is_none() -> None:
    for style in styles(PLAIN):
        assert style.color is None and style.bgcolor is None


@pytest.mark.parametrize("palette", [DARK, LIGHT, PLAIN], ids=lambda palette: palette.name)
def test_colour_is_never_the_only_sign(palette: Palette) -> None:
    """The letters of the screen are the same with and without colours."""
    for width, height in SIZES:
        plain = screen(scene(PLAIN).draw(width, height), width, height)
        assert screen(scene(palette).draw(width, height), width, height) == plain
    marks = [line[1:2] for line in plain if line[3:11].strip() in ("BTC/USDT", "SOL/USDC")]
    assert marks == ["▲", "△"]


def test_what_pays_stands_above_what_does_not() -> None:
    lines = screen(scene().draw(200, 60), 200, 60)
    symbols = [line[3:13].strip() for line in lines]
    found = {row.symbol: symbols.index(row.symbol) for row in frame().rows}
    paying = [found[row.symbol] for row in frame().rows if row.standing.positive]
    others = [found[row.symbol] for row in frame().rows if not row.standing.positive]
    assert max(paying) < min(others)
    assert Standing.DUST in {row.standing for row in frame().rows}
