"""The table: what a row says at which width, and how it says that it pays."""

from __future__ import annotations

import pytest

from scanner.sinks.terminal import table
from scanner.sinks.terminal.ink import length
from scanner.sinks.terminal.palette import DARK, PLAIN, Palette
from scanner.sinks.terminal.wish import Sort, Wish
from scanner.view.frame import Row, Standing
from tests.sinks.terminal.frames import AT, best_row, place, row, text


def line(shown: Row, width: int = 80, *, here: bool = False, palette: Palette = DARK) -> str:
    columns = table.chosen_columns(width, len(shown.symbol))
    made = table.row_line(shown, columns, here=here, at=AT, palette=palette, width=width)
    assert length(made) == width
    return text([made]).rstrip("\n")


def titles(width: int, longest: int = 8) -> list[str]:
    return [column.title for column in table.chosen_columns(width, longest)]


def test_the_worked_example() -> None:
    told = line(best_row(), 120)
    for part in ("▲", "BTC/USDT", "+9.98", "+20.00", "+99.90", "kucoin", "100,000.0", "okx"):
        assert part in told
    for part in ("100,200.00", "85ms", "12ms", "12.0s", "7/8"):
        assert part in told


def test_marks_and_signs_say_what_it_is_worth() -> None:
    marks = {standing: line(row("A/B", 5, standing))[1] for standing in Standing}
    assert marks == {
        Standing.OPEN: "▲",
        Standing.PAYS: "△",
        Standing.DUST: "·",
        Standing.NEAR: " ",
        Standing.NONE: " ",
    }
    assert "-5.00" in line(row("A/B", -5))


def test_the_selected_row_has_a_sign() -> None:
    assert line(best_row(), here=True)[0] == "❯"
    assert line(best_row())[0] == " "


def test_a_row_without_a_route_says_why() -> None:
    told = line(Row(symbol="ETC/EUR", base="ETC", quote="EUR", live=1, books=3))
    assert "no two books to compare, 1 of 3 live" in told
    assert "waiting for books" in line(Row(symbol="ETC/EUR", base="ETC", quote="EUR"))


def test_the_narrower_the_fewer_columns() -> None:
    assert titles(120)[-1] == "BOOKS"
    assert "SIZE" in titles(100) and "GROSS" in titles(100)
    assert titles(80) == ["SYMBOL", "NET BPS", "PROFIT", "BUY AT", "ASK", "SELL AT", "BID", "OPEN"]
    assert "OPEN" not in titles(70)


def test_a_long_symbol_takes_room_from_what_matters_less() -> None:
    assert line(row("VIRTUAL/USDT", 1), 80)[3:15] == "VIRTUAL/USDT"
    assert "1000CHEEMS/USDT" in line(row("1000CHEEMS/USDT", 1), 100)
    assert "…" in line(row("A" * 40 + "/USDT", 1), 200)


def test_a_hostile_symbol_is_harmless() -> None:
    told = line(row("\x1b[31mX\n/[bold]", 1), 120)
    assert "\x1b" not in told and "\n" not in told


def test_a_price_too_long_for_its_column_is_not_cut() -> None:
    told = line(row("P/U", 1, buy=place("okx", 0.000001234567, 12)))
    assert "1.23457e-6" in told


@pytest.mark.parametrize("width", [1, 20, 60, 80, 133, 250])
def test_every_line_has_the_width_of_the_table(width: int) -> None:
    columns = table.chosen_columns(width, 8)
    assert length(table.heading(columns, Wish(), DARK, width)) == width
    assert length(table.divider([best_row()], DARK, width)) == width
    line(best_row(), width)


def test_the_heading_names_what_it_is_sorted_by() -> None:
    columns = table.chosen_columns(120, 8)
    assert "PROFIT▼" in text([table.heading(columns, Wish(sort=Sort.PROFIT), DARK, 120)])
    turned = Wish(sort=Sort.SYMBOL, reverse=True)
    assert "SYMBOL▲" in text([table.heading(columns, turned, DARK, 120)])


@pytest.mark.parametrize(("sort", "title"), [(Sort.GROSS, "GROSS"), (Sort.AGE, "AGE")])
def test_a_narrow_table_has_the_column_that_is_sorted_by(sort: Sort, title: str) -> None:
    assert title not in titles(80)
    columns = table.chosen_columns(80, 8, sort)
    assert f"{title}▼" in text([table.heading(columns, Wish(sort=sort), DARK, 80)])
    assert {"SYMBOL", "NET BPS", "BUY AT", "SELL AT"} <= {column.title for column in columns}


def test_the_divider_says_what_cannot_be_compared() -> None:
    blind = Row(symbol="ETC/EUR", base="ETC", quote="EUR", live=1, books=3)
    told = text([table.divider([blind], DARK, 80)])
    assert "no two books to compare (1)" in told
    assert "near misses" not in told and "nothing pays" not in told
    told = text([table.divider([row("A/B", -1), blind], DARK, 80)])
    assert "near misses (1) ─ no two books to compare (1)" in told


def test_the_divider_says_when_nothing_pays() -> None:
    assert "nothing pays after fees" in text([table.divider([row("A/B", -1)], DARK, 80)])
    assert "near misses (1)" in text([table.divider([best_row(), row("A/B", -1)], DARK, 80)])


def test_what_pays_stands_out_without_colour_too() -> None:
    columns = table.chosen_columns(80, 8)
    made = table.row_line(best_row(), columns, here=False, at=AT, palette=PLAIN, width=80)
    assert all(part.style is not None and part.style.bold for part in made)
