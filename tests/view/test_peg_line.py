"""The line of the screen that says how the pegs stand."""

from __future__ import annotations

from scanner.events import Peg
from scanner.view.frame import Query, ServiceLine
from scanner.view.peg_line import SECOND, UNHEARD, PegLine
from scanner.view.window import Window


def peg(venue: str, symbol: str, bps: float, at: int = SECOND, **more: str) -> Peg:
    return Peg(at=at, venue=venue, symbol=symbol, bps=bps, **more)


def test_each_pair_is_told_by_the_median_the_furthest_first() -> None:
    line = PegLine()
    for venue, bps in (("one", -4.0), ("two", -6.0), ("three", 90.0)):
        line(peg(venue, "USDT/USD", bps))
    line(peg("one", "USDC/USDT", 9.0))
    assert line.line(SECOND) == ServiceLine(
        "pegs", True, "USDC/USDT +9.0, USDT/USD -4.0 bps from par"
    )


def test_a_lost_peg_is_not_good() -> None:
    line = PegLine()
    line(peg("one", "USDC/USDT", -50.0))
    assert line.line(SECOND) == ServiceLine("pegs", False, "USDC/USDT -50.0 bps from par")


def test_what_is_not_known_is_said_so() -> None:
    line = PegLine()
    assert line.line(SECOND) is None
    line(peg("one", "USDC/USDT", 0.0, reason="the book is stale"))
    line(peg("one", "USDT/USD", 3.0))
    told = line.line(SECOND)
    assert told is not None and told.text == "USDT/USD +3.0, USDC/USDT ? bps from par"
    told = line.line(SECOND + UNHEARD + 1)
    assert told is not None and told.text == "USDC/USDT ?, USDT/USD ? bps from par"


def test_the_window_shows_it() -> None:
    window = Window(lambda query: (), ())
    assert window.frame(SECOND, Query()).services == ()
    window(peg("one", "USDC/USDT", -3.0))
    (shown,) = window.frame(SECOND, Query()).services
    assert shown.text == "USDC/USDT -3.0 bps from par"
