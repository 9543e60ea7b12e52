"""The best carry of each contract, as whoever looks at the scan is given it."""

from __future__ import annotations

import pytest

from scanner.lane import Lane
from scanner.types import MarketKind
from scanner.view.frame import Query, Row, Standing
from scanner.view.view import View
from tests.carry.test_carries import SECOND, START, Desk, opened, ticker

PERP = "BTC/USDT:USDT"


def losing(desk: Desk) -> tuple[Lane, Lane]:
    """A perpetual that pays nothing."""
    coin, perp = desk.lane("coin", MarketKind.SPOT), desk.lane("perp", MarketKind.PERPETUAL)
    ticker(perp, funding_rate="0.00001")
    desk.later(1, (coin, 99.99, 100.01), (perp, 99.99, 100.01))
    return coin, perp


def rows(desk: Desk, at: int, query: Query | None = None) -> dict[str, Row]:
    view = View(desk.pipeline, (), desk.markets)
    frame = view.frame(at, query or Query(details=None))
    assert {one.symbol for one in frame.details} == {row.symbol for row in frame.rows}
    return {row.symbol: row for row in frame.rows}


def test_one_that_is_open_has_its_row_with_its_basis_and_what_it_leaves_a_year() -> None:
    desk = Desk()
    opened(desk)
    told = desk.said[0]
    row = rows(desk, START + SECOND)[PERP]
    assert (row.standing, row.kind, row.id) == (Standing.OPEN, "spot-perp", told.id)
    assert row.buy is not None and row.sell is not None
    assert (row.buy.venue, row.sell.venue) == ("coin", "perp")
    assert (row.net_bps, row.gross_bps) == (told.net_bps, told.gross_bps)
    assert told.carry is not None and row.apr == told.carry.net_apr
    assert (row.live, row.books) == (1, 1)


def test_its_pane_has_both_orders_and_what_it_rests_on() -> None:
    desk = Desk()
    opened(desk)
    view = View(desk.pipeline, (), desk.markets)
    frame = view.frame(START + SECOND, Query(details=(PERP,)))
    (detail,) = frame.details
    (life,) = desk.pipeline.carries._open.values()
    assert detail.carry is not None and detail.carry == life.last.carry
    assert [(one.side, one.venue, one.symbol) for one in detail.orders] == [
        ("buy", "coin", "BTC/USDT"),
        ("sell", "perp", PERP),
    ]


def test_one_that_would_lose_is_shown_too_at_its_best_prices() -> None:
    desk = Desk()
    losing(desk)
    assert desk.said == []
    row = rows(desk, START + SECOND)[PERP]
    assert (row.standing, row.id, row.opened_at) == (Standing.NEAR, "", 0)
    funding, fees = 21 * 0.001, (100.01 + 99.99) * 2 * 0.0005
    assert row.size == 5.0
    assert row.profit == pytest.approx(5 * (funding - fees - 2 * 0.02))
    assert row.apr is not None and row.apr < 0


def test_one_that_pays_under_the_thresholds_says_so() -> None:
    desk = Desk()
    coin, perp = losing(desk)
    ticker(perp, START + SECOND, funding_rate="0.00012")
    desk.later(2, (coin, 99.99, 100.01), (perp, 99.99, 100.01))
    row = rows(desk, START + 2 * SECOND)[PERP]
    assert (row.standing, desk.said) == (Standing.PAYS, [])
    assert row.net_bps > 0


def test_looking_tells_nothing_and_changes_nothing() -> None:
    desk = Desk()
    losing(desk)
    first, again = (rows(desk, START + SECOND)[PERP] for _ in range(2))
    assert first == again
    assert (desk.said, desk.pipeline.carries.open_count) == ([], 0)


def test_what_was_reckoned_stands_until_the_coin_is_looked_at_again() -> None:
    desk = Desk()
    losing(desk)
    nearest = desk.pipeline.carries.nearest
    first = nearest.best(START + SECOND)[PERP].state
    assert nearest.best(START + SECOND + SECOND // 2)[PERP].state is first


def test_without_a_book_to_believe_there_is_no_carry_but_a_row() -> None:
    desk = Desk()
    _, perp = losing(desk)
    perp.closed("lost", START + SECOND)
    desk.pipeline.tick(START + 2 * SECOND)
    row = rows(desk, START + 2 * SECOND)[PERP]
    assert (row.buy, row.standing, row.live, row.books) == (None, Standing.NONE, 0, 1)


def test_a_venue_that_is_asked_for_has_to_be_one_of_the_two() -> None:
    desk = Desk()
    losing(desk)
    nearest = desk.pipeline.carries.nearest
    assert set(nearest.best(START + SECOND, "coin")) == {PERP}
    assert nearest.best(START + SECOND, "elsewhere") == {}


def test_of_several_venues_the_best_is_shown() -> None:
    desk = Desk()
    coin, perp = losing(desk)
    better = desk.lane("better", MarketKind.PERPETUAL)
    ticker(better, funding_rate="0.00002")
    desk.later(3, (coin, 99.99, 100.01), (perp, 99.99, 100.01), (better, 99.99, 100.01))
    row = rows(desk, START + 3 * SECOND)[PERP]
    assert row.sell is not None and row.sell.venue == "better"
    assert (row.live, row.books) == (2, 2)
