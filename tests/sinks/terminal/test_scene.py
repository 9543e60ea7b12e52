"""What the user chooses, and what follows from it; no terminal is needed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from scanner.sinks.terminal.layout import Part
from scanner.sinks.terminal.palette import DARK
from scanner.sinks.terminal.scene import PATIENCE, Scene
from scanner.sinks.terminal.wish import Pane, Sort
from scanner.view.frame import Frame, Kind, Query, Row
from tests.sinks.terminal.frames import AT, SECOND, Still, detail, frame, row, screen, text


@pytest.fixture
def scene() -> Scene:
    return Scene(frame(), DARK)


def symbol(scene: Scene) -> str:
    row = scene.row
    assert row is not None
    return row.symbol


def table(scene: Scene, height: int = 24) -> list[str]:
    return text(scene.draw(80, height)[Part.TABLE][1]).splitlines()


def many(count: int, at: int = AT) -> Frame:
    return frame(at=at, rows=tuple(row(f"S{i:02}/USDT", -1.0 - i) for i in range(count)))


def test_it_begins_on_the_first_row_and_stays_there(scene: Scene) -> None:
    assert symbol(scene) == "BTC/USDT"
    better = replace(frame().rows[2], net_bps=50.0)
    scene.take(frame(at=AT + SECOND, rows=(*frame().rows[:2], better, *frame().rows[3:])))
    assert symbol(scene) == "SOL/USDC"


def test_a_selected_symbol_is_followed_wherever_it_goes(scene: Scene) -> None:
    scene.move(1)
    assert symbol(scene) == "ETH/EUR"
    better = replace(frame().rows[2], net_bps=50.0)
    scene.take(frame(at=AT + SECOND, rows=(*frame().rows[:2], better, *frame().rows[3:])))
    assert symbol(scene) == "ETH/EUR"
    scene.first()
    assert symbol(scene) == "SOL/USDC"


def test_moving_stops_at_the_ends(scene: Scene) -> None:
    scene.move(-5)
    assert symbol(scene) == "BTC/USDT"
    scene.move(10_000)
    assert symbol(scene) == "ETC/EUR"


def test_the_selected_row_stays_in_sight() -> None:
    scene = Scene(many(40), DARK)
    for _ in range(3):
        scene.draw(80, 24)
        scene.page(1)
    lines = table(scene)
    assert sum(line.startswith("❯") for line in lines) == 1
    assert "S00/USDT" not in "".join(lines)
    for _ in range(40):
        scene.move(-1)
        assert any(line.startswith("❯") for line in table(scene))
    assert "near misses" in table(scene)[1]


@given(st.lists(st.integers(-30, 30), max_size=20), st.integers(15, 60))
def test_wherever_one_moves_the_selected_row_is_in_sight(moves: list[int], height: int) -> None:
    scene = Scene(many(50), DARK)
    for move in moves:
        scene.move(move)
        assert sum(line.startswith("❯") for line in table(scene, height)) == 1


def test_a_click_selects(scene: Scene) -> None:
    scene.draw(80, 24)
    scene.click(2)
    assert symbol(scene) == "ETH/EUR"
    for line in (0, 4, 100, -1):  # heading, divider, nothing
        scene.click(line)
        assert symbol(scene) == "ETH/EUR"


def test_a_click_after_scrolling() -> None:
    scene = Scene(many(40), DARK)
    scene.move(39)
    shown = table(scene)[3]
    scene.click(3)
    assert symbol(scene) in shown


def test_back_goes_out_step_by_step(scene: Scene) -> None:
    scene.move(1)
    scene.ask(replace(scene.wish, quote="EUR", sort=Sort.PROFIT))
    scene.zoom()
    scene.back()
    assert not scene.layout.zoomed and scene.wish.quote == "EUR"
    scene.back()
    assert scene.wish.quote == "" and scene.wish.sort is Sort.PROFIT
    scene.back()
    assert scene.chosen is None


def test_panes_go_round(scene: Scene) -> None:
    seen = []
    for _ in Pane:
        seen.append(scene.layout.pane)
        scene.show(None)
    assert seen == list(Pane) and scene.layout.pane is Pane.DETAIL


def test_help_gives_way_to_a_pane(scene: Scene) -> None:
    scene.help()
    assert Part.HELP in scene.draw(80, 24)
    scene.show(Pane.EVENTS)
    assert Part.EVENTS in scene.draw(80, 24)


def test_the_query_follows_what_is_looked_at(scene: Scene) -> None:
    assert scene.query.details is not None and scene.query.details[0] == "BTC/USDT"
    scene.ask(replace(scene.wish, venue="okx"))
    assert scene.query.venue == "okx"
    scene.pause()
    assert scene.query.details is None
    scene.take(frame(rows=()))
    assert scene.query == Query()
    scene.pause()
    assert scene.query.details == ()


def test_what_may_be_selected_next_is_asked_for_too(scene: Scene) -> None:
    order = [row.symbol for row in scene._board.rows]
    scene.move(7)
    assert scene.query.details == (order[7], order[6], order[8], *order[:3])


def test_a_pause_waits_for_a_frame_to_look_around_in_but_not_for_ever(scene: Scene) -> None:
    scene.pause()
    scene.take(frame(at=AT + 1))
    assert not scene.held
    scene.take(Still(frame(at=AT + 2)).frame(AT, Query(details=None)))
    assert scene.held and scene.frame.at == AT + 2
    scene.pause()
    scene.pause()
    for _ in range(PATIENCE):
        assert not scene.held
        scene.take(frame())
    assert scene.held


def test_the_detail_is_that_of_the_selected_row(scene: Scene) -> None:
    assert scene.detail == detail()
    scene.move(5)
    assert scene.detail is None
    scene.take(Still(frame()).frame(AT, scene.query))
    assert scene.detail is not None and scene.detail.symbol == symbol(scene)


def test_a_search_is_bounded(scene: Scene) -> None:
    scene.type("x" * 5000)
    assert len(scene.wish.search) == 40


def test_hostile_names_in_every_place_are_harmless() -> None:
    bad = "\x1b[2J\x1b]0;x\x07\u202e[bold]\n"
    place = frame().rows[0].buy
    assert place is not None
    hostile = replace(
        frame().rows[0], symbol=bad, base=bad, quote=bad, buy=replace(place, venue=bad), id=bad
    )
    quotes = tuple(replace(quote, venue=bad, state=bad) for quote in detail().quotes)
    of = frame(
        rows=(hostile, Row(symbol=bad + "2", base=bad, quote=bad)),
        details=(replace(detail(hostile), quotes=quotes),),
        venues=tuple(replace(line, venue=bad, last_error=bad) for line in frame().venues),
        events=tuple(replace(e, subject=bad, text=bad, kind=Kind.FEED) for e in frame().events),
    )
    scene = Scene(of, DARK)
    scene.banner = bad
    scene.type("[bold]\x1b")
    scene.type("")
    for width, height in ((80, 24), (120, 40), (200, 60)):
        for line in screen(scene.draw(width, height), width, height):
            assert line.isprintable() and "\u202e" not in line


@given(st.integers(1, 250), st.integers(1, 80), st.booleans(), st.sampled_from(Pane))
def test_any_size(width: int, height: int, zoomed: bool, pane: Pane) -> None:
    scene = Scene(frame(), DARK)
    scene.banner = "x"
    scene.show(pane)
    if zoomed:
        scene.zoom()
    for box, lines in scene.draw(width, height).values():
        assert len(lines) <= max(box.height, 2)
