"""Sorting, filtering and searching, and the order that stays readable."""

from __future__ import annotations

from msgspec.structs import replace

from scanner.sinks.terminal.table import RESORT, Board
from scanner.sinks.terminal.wish import Sort, Wish, arranged
from scanner.view.frame import Row, Standing
from tests.sinks.terminal.frames import AT, frame, place, row, rows

ROWS = (
    row("A/USDT", -3, profit=-9.0),
    row("B/USDT", 2, Standing.PAYS, profit=1.0),
    row("C/EUR", 1, Standing.OPEN, profit=8.0),
    row("D/EUR", -1, profit=-20.0),
    Row(symbol="E/EUR", base="E", quote="EUR"),
)


def order(wish: Wish, shown: tuple[Row, ...] = ROWS) -> str:
    return "".join(row.symbol[0] for row in arranged(shown, wish))


def test_what_pays_stands_first_whatever_it_is_sorted_by() -> None:
    assert order(Wish()) == "BCDAE"
    assert order(Wish(sort=Sort.PROFIT)) == "CBADE"
    assert order(Wish(sort=Sort.SYMBOL)) == "BCADE"
    assert order(Wish(sort=Sort.OPEN)) == "CBDAE"
    for sort in Sort:
        for reverse in (False, True):
            assert set(order(Wish(sort=sort, reverse=reverse))[:2]) == {"B", "C"}


def test_reversed_within_the_two_groups() -> None:
    assert order(Wish(reverse=True)) == "CBADE"


def test_by_the_age_of_the_older_leg() -> None:
    young, old = place("okx", 1, age_ms=5), place("okx", 1, age_ms=900)
    shown = (
        replace(ROWS[0], buy=young, sell=old),
        replace(ROWS[3], buy=young, sell=young),
    )
    assert order(Wish(sort=Sort.AGE), shown) == "DA"


def test_filters() -> None:
    assert order(Wish(paying=True)) == "BC"
    assert order(Wish(quote="EUR")) == "CDE"
    venue = ROWS[0].buy.venue if ROWS[0].buy else ""
    assert "A" in order(Wish(venue=venue)) and "E" not in order(Wish(venue=venue))


def test_search_finds_symbols_and_venues_in_any_case() -> None:
    assert order(Wish(search="c/e")) == "C"
    assert order(Wish(search="usdt")) == "BA"
    sell = ROWS[3].sell
    assert sell is not None
    assert "D" in order(Wish(search=sell.venue.upper()))
    assert order(Wish(search="nothing has this")) == ""


def test_keys_go_round() -> None:
    wish = Wish()
    seen = set()
    for _ in Sort:
        seen.add(wish.sort)
        wish = wish.next_sort()
    assert seen == set(Sort) and wish == Wish()
    for _ in range(9):
        wish = wish.next_venue(frame())
    assert wish == Wish()
    for _ in range(4):
        wish = wish.next_quote(frame())
    assert wish == Wish()


def test_a_venue_that_is_gone_leads_back_to_all() -> None:
    assert Wish(venue="gone").next_venue(frame()).venue == ""


def test_unfiltered_keeps_the_order() -> None:
    wish = Wish(sort=Sort.SIZE, reverse=True, venue="okx", search="x", paying=True)
    assert wish.filters and not wish.unfiltered().filters
    assert wish.unfiltered().sort is Sort.SIZE


def symbols(board: Board) -> list[str]:
    return [row.symbol[0] for row in board.rows]


def test_the_order_holds_for_a_second_while_figures_change() -> None:
    board = Board()
    board.take(ROWS, Wish(), AT)
    changed = (replace(ROWS[0], net_bps=-0.5), *ROWS[1:])
    board.take(changed, Wish(), AT + RESORT // 2)
    assert symbols(board) == list("BCDAE")
    assert board.rows[3].net_bps == -0.5
    board.take(changed, Wish(), AT + RESORT)
    assert symbols(board) == list("BCADE")


def test_what_begins_to_pay_moves_at_once() -> None:
    board = Board()
    board.take(ROWS, Wish(), AT)
    board.take((replace(ROWS[0], net_bps=9, standing=Standing.PAYS), *ROWS[1:]), Wish(), AT + 1)
    assert symbols(board) == list("ABCDE")


def test_a_wish_is_obeyed_at_once() -> None:
    board = Board()
    board.take(ROWS, Wish(), AT)
    board.take(ROWS, Wish(sort=Sort.SYMBOL), AT + 1)
    assert symbols(board) == list("BCADE")


def test_rows_that_come_and_go() -> None:
    board = Board()
    board.take(ROWS[:3], Wish(), AT)
    board.take((ROWS[0], ROWS[1], ROWS[4]), Wish(), AT + 1)
    assert sorted(symbols(board)) == list("ABE")
    board.take((), Wish(), AT + 2)
    assert board.rows == []


def test_find_gives_the_first_where_there_is_none() -> None:
    board = Board()
    board.take(rows(), Wish(), AT)
    assert board.find(None) == board.find("no such") == 0
    assert board.rows[board.find("ADA/USDT")].symbol == "ADA/USDT"
