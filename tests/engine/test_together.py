"""Messages that came together: what is open is followed once for all of them."""

from __future__ import annotations

import pytest

from scanner.engine import scan
from scanner.engine.rules import SPOT_SPOT, Rules
from scanner.types import BookState
from tests.engine.floor import AT, Floor, spot


@pytest.fixture
def floor() -> Floor:
    """Open: bought on a at 100, sold on b at 101."""
    floor = Floor(Rules(kinds=frozenset({SPOT_SPOT})))
    for venue in "ab":
        floor.add(spot(venue, "BTC/USDT"))
    floor.show("a BTC/USDT", [(99.9, 1)], [(100, 1)])
    floor.show("b BTC/USDT", [(101, 1)], [(101.1, 1)])
    assert [one.event for one in floor.said] == ["opened"]
    return floor


def came(floor: Floor, bid: float) -> None:
    """One of several messages."""
    engine, book = floor.engine, floor.books["b BTC/USDT"]
    engine.updated = lambda *_: None  # type: ignore[method-assign]
    floor.show("b BTC/USDT", [(bid, 1)], [(bid + 0.1, 1)])
    engine.follow(scan.scan(floor.store.context, book, AT), AT, more_to_come=True)


def test_what_stood_for_no_time_is_not_told(floor: Floor) -> None:
    for bid in (99.85, 103.0, 102.0):
        came(floor, bid)
    assert len(floor.said) == 1
    floor.engine.follow_open(AT)
    assert [one.event for one in floor.said] == ["opened", "updated"]
    assert floor.said[-1].net_profit == pytest.approx(2.0)
    assert floor.said[-1].peak_net_profit == pytest.approx(2.0)


def test_what_is_over_at_the_end_is_over(floor: Floor) -> None:
    for bid in (102.0, 99.85):
        came(floor, bid)
    floor.engine.follow_open(AT)
    assert [one.event for one in floor.said] == ["opened", "closed"]


def test_what_opens_on_the_way_is_told_at_once(floor: Floor) -> None:
    came(floor, 99.85)
    floor.engine.follow_open(AT)
    came(floor, 102.0)
    assert [one.event for one in floor.said] == ["opened", "closed", "opened"]


def test_a_book_that_is_lost_meanwhile_ends_it_at_once(floor: Floor) -> None:
    came(floor, 102.0)
    floor.lose("b BTC/USDT", BookState.UNSYNCHRONISED)
    assert [one.event for one in floor.said] == ["opened", "closed"]
    floor.engine.follow_open(AT)
    assert len(floor.said) == 2
