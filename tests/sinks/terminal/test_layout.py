"""Tiles fill the screen, at any size, and never overlap."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.sinks.terminal.layout import Layout, Part, arrange
from scanner.sinks.terminal.wish import Pane

layouts = st.builds(
    Layout,
    banner=st.integers(0, 3),
    rows=st.integers(0, 200),
    venues=st.integers(3, 40),
    hedge=st.integers(0, 40),
    pane=st.sampled_from(Pane),
    zoomed=st.booleans(),
    help=st.booleans(),
)


@given(st.integers(1, 300), st.integers(1, 120), layouts)
def test_every_cell_belongs_to_one_part(width: int, height: int, layout: Layout) -> None:
    boxes = arrange(width, height, layout).values()
    for box in boxes:
        assert box.x >= 0 and box.x + box.width <= width and box.width > 0
        assert box.y >= 0 and box.y + box.height <= height and box.height > 0
    assert sum(box.width * box.height for box in boxes) == width * height
    for i, one in enumerate(boxes):
        for other in list(boxes)[i + 1 :]:
            apart = (
                one.x + one.width <= other.x
                or other.x + other.width <= one.x
                or one.y + one.height <= other.y
                or other.y + other.height <= one.y
            )
            assert apart


@pytest.mark.parametrize(("width", "height"), [(120, 40), (200, 60)])
def test_a_large_screen_shows_everything(width: int, height: int) -> None:
    parts = set(arrange(width, height, Layout(banner=1)))
    assert parts == set(Part) - {Part.HELP, Part.HEDGE}


@pytest.mark.parametrize(("width", "height"), [(120, 40), (200, 60)])
def test_there_the_hedge_book_takes_the_place_of_the_ladders(width: int, height: int) -> None:
    ladders = arrange(width, height, Layout())
    hedge = arrange(width, height, Layout(pane=Pane.HEDGE))
    assert hedge[Part.HEDGE] == ladders[Part.DETAIL]
    assert set(hedge) == set(ladders) - {Part.DETAIL} | {Part.HEDGE}


def test_on_a_small_screen_it_gets_the_lines_that_it_needs() -> None:
    def lines(hedge: int) -> int:
        return arrange(80, 24, Layout(pane=Pane.HEDGE, hedge=hedge))[Part.HEDGE].height

    assert (lines(4), lines(12), lines(40)) == (9, 12, 17)


@pytest.mark.parametrize("pane", list(Pane))
def test_a_small_one_shows_one_pane(pane: Pane) -> None:
    parts = set(arrange(80, 24, Layout(pane=pane)))
    assert parts - {Part.HEADER, Part.TABLE, Part.FOOTER} == {
        {"ladders": Part.DETAIL, "venues": Part.VENUES, "events": Part.EVENTS, "hedge": Part.HEDGE}[
            pane
        ]
    }


def test_the_table_keeps_its_lines_on_a_small_screen() -> None:
    assert arrange(80, 24, Layout(banner=1))[Part.TABLE].height >= 12


def test_what_the_table_does_not_use_goes_to_the_panes() -> None:
    few, many = (arrange(200, 60, Layout(rows=rows)) for rows in (8, 60))
    assert few[Part.TABLE].height == 8
    assert few[Part.DETAIL].height > many[Part.DETAIL].height


def test_all_venues_have_room_on_a_small_screen_too() -> None:
    assert arrange(80, 24, Layout(banner=1, venues=12, pane=Pane.VENUES))[Part.VENUES].height == 12
