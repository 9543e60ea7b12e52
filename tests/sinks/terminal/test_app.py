"""The application under Textual's own pilot: keys in, screens out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from docs.make import screen
from scanner.sinks.terminal.app import Terminal
from scanner.sinks.terminal.palette import DARK, LIGHT, PLAIN, Palette
from scanner.sinks.terminal.tile import Tile
from scanner.sinks.terminal.wish import Pane, Sort
from scanner.view.frame import Frame, Link, Query
from tests.sinks.terminal.frames import AT, Still, frame, row, same_as_on_file

SIZES = [(80, 24), (120, 40), (200, 60)]
BANNER = "SIMULATED market (seed 1): no price here is a real one"


@asynccontextmanager
async def running(
    source: Still | None = None,
    size: tuple[int, int] = (80, 24),
    banner: Callable[[], str] = lambda: BANNER,
    palette: Palette = DARK,
) -> AsyncIterator[tuple[Terminal, Pilot[None]]]:
    app = Terminal(source or Still(frame()), now=lambda: AT, banner=banner, palette=palette)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield app, pilot


def lines(app: Terminal) -> list[str]:
    """What the compositor would send: every cell of the screen."""
    strips = app.screen._compositor.render_strips()
    return [strip.text.rstrip() for strip in strips]


def told(app: Terminal) -> str:
    return "\n".join(lines(app))


def selected(app: Terminal) -> str:
    row = app.scene.row
    return row.symbol if row else ""


@pytest.mark.parametrize(("width", "height"), SIZES)
async def test_the_screen_is_what_was_drawn(width: int, height: int) -> None:
    async with running(size=(width, height)) as (app, _):
        same_as_on_file(f"{width}x{height}", lines(app))


async def test_sorting_filtering_and_selecting_by_keys() -> None:
    async with running() as (app, pilot):
        await pilot.press("s", "s")
        assert app.scene.wish.sort is Sort.GROSS and "sort:gross" in told(app)
        await pilot.press("r")
        assert app.scene.wish.reverse
        await pilot.press("o")
        assert app.scene.wish.paying and "XRP/USDT" not in told(app)
        await pilot.press("o", "u")
        assert app.scene.wish.quote == "EUR" and "u EUR" in told(app)
        await pilot.press("escape", "v")
        assert app.scene.wish.quote == "" and app.scene.wish.venue == "binance"
        await pilot.press("escape", "r", "down", "j")
        assert selected(app) == app.scene._board.rows[2].symbol
        await pilot.press("up", "k", "G")
        assert selected(app) == "ETC/EUR"
        await pilot.press("g")
        assert app.scene.chosen is None
        await pilot.press("pagedown", "pageup", "end", "home")
        assert app.scene.chosen is None


async def test_searching() -> None:
    async with running() as (app, pilot):
        await pilot.press("slash", *"doge")
        assert "/ doge▏" in told(app)
        assert selected(app) == "DOGE/USDT"
        await pilot.press("q")  # a letter of the search, not the end
        assert app.scene.wish.search == "dogeq"
        await pilot.press("backspace", "enter")
        assert not app.scene.typing and app.scene.wish.search == "doge"
        await pilot.press("slash", "escape")
        assert app.scene.wish.search == ""
        await pilot.press("slash", *"abc", "ctrl+u", "enter")
        assert app.scene.wish.search == ""


async def test_markup_in_a_search_is_text() -> None:
    async with running() as (app, pilot):
        await pilot.press("slash", *"[b]")
        assert "/ [b]▏" in told(app)
        assert "nothing matches" in told(app)


class Late(Still):
    """As a scan in other processes: a frame answers the question before."""

    def frame(self, at: int, query: Query) -> Frame:
        answered = self.queries[-1] if self.queries else Query()
        told = super().frame(at, answered)
        self.queries[-1] = query
        return told


async def test_a_source_that_answers_late_leaves_no_pane_empty() -> None:
    source = Late(frame())
    async with running(source) as (app, pilot):
        app._tick()
        await pilot.press("down")
        assert "─ ETH/EUR ─" in told(app)
        await pilot.press("p")
        for _ in range(3):
            app._tick()
        source.now = frame(rows=(row("NEW/USDT", 99),))
        app._tick()
        await pilot.press("G", "up")
        assert selected(app) == "NEAR/USDT" and "─ NEAR/USDT ─ buy" in told(app)


async def test_the_ladders_follow_the_selection_at_once() -> None:
    async with running() as (app, pilot):
        await pilot.press("down")
        assert "─ ETH/EUR ─" in told(app)
        await pilot.press("down")
        assert "─ SOL/USDC ─" in told(app)


async def test_panes_zoom_and_help() -> None:
    async with running() as (app, pilot):
        await pilot.press("tab")
        assert "VENUE      BOOKS" in told(app)
        await pilot.press("3")
        assert "events and alerts" in told(app)
        await pilot.press("enter")
        assert app.scene.layout.zoomed and "SYMBOL" not in told(app)
        await pilot.press("escape", "question_mark")
        assert "select another row" in told(app)
        await pilot.press("question_mark", "1")
        assert app.scene.layout.pane is Pane.DETAIL and "BUY kucoin asks" in told(app)


async def test_pause_keeps_the_moment_and_all_its_ladders() -> None:
    source = Still(frame())
    async with running(source) as (app, pilot):
        await pilot.press("p")
        assert "PAUSED" in told(app)
        assert None in [query.details for query in source.queries]
        source.now = frame(rows=(row("NEW/USDT", 99),))
        app._tick()
        assert source.queries[-1].details == ()
        assert "NEW/USDT" not in told(app)
        await pilot.press("down")
        assert "─ ETH/EUR ─" in told(app)
        await pilot.press("space")
        assert "NEW/USDT" in told(app) and "PAUSED" not in told(app)


async def test_new_frames_are_shown_four_times_a_second() -> None:
    source = Still(frame())
    async with running(source) as (app, pilot):
        source.now = frame(rows=(row("NEW/USDT", 99),))
        await pilot.pause(0.6)
        assert "NEW/USDT" in told(app)


async def test_the_banner_comes_and_goes() -> None:
    banner = [""]
    async with running(banner=lambda: banner[0]) as (app, pilot):
        assert "NOT PERSISTING" not in told(app)
        banner[0] = "NOT PERSISTING: the disk is full"
        app._tick()
        await pilot.pause()
        assert lines(app)[1] == " ! NOT PERSISTING: the disk is full"
        banner[0] = ""
        app._tick()
        await pilot.pause()
        assert "NOT PERSISTING" not in told(app)


async def test_the_bell_rings_once_for_each() -> None:
    source = Still(frame())
    rung: list[int] = []
    async with running(source) as (app, _):
        app.bell = lambda: rung.append(1)  # type: ignore[method-assign]
        source.now = frame(bells=1)
        app._tick()
        app._tick()
    assert len(rung) == 1


async def test_resizing_at_any_moment() -> None:
    async with running() as (app, pilot):
        for size in ((200, 60), (20, 5), (1, 1), (120, 40), (81, 25), (300, 100), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            assert len(lines(app)) == size[1]
        same_as_on_file("80x24", lines(app))


async def test_dark_light_and_no_colour() -> None:
    async with running() as (app, pilot):
        await pilot.press("t")
        assert app.scene.palette is LIGHT
        await pilot.press("t")
        assert app.scene.palette is DARK
    async with running(palette=PLAIN) as (app, pilot):
        await pilot.press("t")
        assert app.scene.palette is PLAIN
        for strip in app.screen._compositor.render_strips():
            for part in strip:
                assert part.style is None or (part.style.color, part.style.bgcolor) == (None, None)


async def test_the_mouse_selects_and_scrolls() -> None:
    async with running() as (app, pilot):
        await pilot.click("#table", offset=(10, 2))
        assert selected(app) == "ETH/EUR"
        app._scroll(3)
        assert selected(app) != "ETH/EUR"


async def test_only_changed_lines_are_drawn() -> None:
    drawn: list[int] = []
    source = Still(frame())
    async with running(source, size=(120, 40)) as (app, _):
        original = Tile._set

        def counted(self: Tile, y: int, *rest: object) -> None:
            drawn.append(y)
            original(self, y, *rest)  # type: ignore[arg-type]

        Tile._set = counted  # type: ignore[method-assign]
        try:
            app._tick()
            assert drawn == []
            one = replace(source.now.rows[0], net_bps=10.25)
            source.now = replace(source.now, rows=(one, *source.now.rows[1:]))
            app._tick()
            assert len(drawn) == 2  # its row, and the line of the pane that repeats the figure
        finally:
            Tile._set = original  # type: ignore[method-assign]


@pytest.mark.parametrize("key", ["q", "ctrl+c", "ctrl+q"])
async def test_quitting(key: str) -> None:
    async with running() as (app, pilot):
        await pilot.press(key)
        await pilot.pause()
        assert app._exit


async def test_quitting_while_searching_takes_ctrl_c() -> None:
    async with running() as (app, pilot):
        await pilot.press("slash", "q", "ctrl+c")
        await pilot.pause()
        assert app._exit


class Broken(Still):
    """A source with an error in it."""

    def frame(self, at: int, query: Query) -> Frame:
        if self.queries:
            raise ZeroDivisionError("in the view")
        return super().frame(at, query)


async def test_an_error_is_raised_not_painted(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError):
        async with running(Broken(frame())) as (_, pilot):
            await pilot.pause(1.0)
    printed = capsys.readouterr()
    assert "locals" not in printed.out + printed.err


async def test_a_terminal_that_does_not_read_gets_no_frames() -> None:
    source = Still(frame())
    async with running(source) as (app, _):
        app._driver.busy = True  # type: ignore[union-attr]
        source.now = frame(rows=(row("NEW/USDT", 99),))
        app._tick()
        assert "NEW/USDT" not in told(app)
        app._driver.busy = False  # type: ignore[union-attr]
        app._tick()
        assert "NEW/USDT" in told(app)


async def test_a_picture_of_it_fetches_nothing() -> None:
    live = replace(frame(), venues=tuple(v for v in frame().venues if v.link is Link.LIVE))
    async with running(Still(live), size=screen.SIZE) as (app, _):
        assert screen.worth_a_picture(app.scene)
        svg = screen.plain(app.export_screenshot())
        assert "BTC/USDT" in svg.replace("&#160;", " ")
        assert "url(http" not in svg and "@font-face" not in svg
    async with running() as (app, _):
        assert not screen.worth_a_picture(app.scene)  # a venue is down
