"""Plots of characters, dot by dot."""

from __future__ import annotations

import io
import sys

import pytest

from scanner.history.plot import Canvas, bars, chart, spark
from scanner.history.table import Column, table
from scanner.history.tables import lasted, profit, short_ids

HOUR = 3_600_000_000_000
START = 1_790_000_000_000_000_000


def test_dots_in_the_corners() -> None:
    canvas = Canvas(2, 2)
    for x, y in ((0, 0), (1, 0), (0, 1), (1, 1)):
        canvas.dot(x, y)
    assert [*canvas.rows(plain=False)] == ["⠁⠈", "⡀⢀"]
    assert [*canvas.rows(plain=True)] == ["**", "**"]


def test_what_is_outside_is_not_drawn() -> None:
    canvas = Canvas(2, 1)
    canvas.dot(-0.5, 0)
    canvas.dot(0, 1.5)
    assert [*canvas.rows(plain=False)] == ["  "]


def test_a_line() -> None:
    canvas = Canvas(4, 2)
    canvas.line((0, 0), (1, 1))
    assert [*canvas.rows(plain=False)] == ["  ⡠⠊", "⡠⠊  "]


def test_a_chart_has_zero_and_both_ends() -> None:
    points = [(START + i * HOUR, value) for i, value in enumerate((-4.0, 2.0, 8.0))]
    lines = [*chart(points, "title", 40, 7, joined=True)]
    assert lines[0] == "title"
    assert [line[:2].strip() for line in lines[1:8]] == ["+8", "", "", "", "0", "", "-4"]
    assert lines[8] == "    09-21 14:13:20        09-21 16:13:20"
    assert max(map(len, lines)) <= 40


@pytest.mark.parametrize("values", [[5.0], [0.0, 0.0], [-3.0, -3.0]])
def test_a_chart_of_almost_nothing(values: list[float]) -> None:
    points = [(float(START), value) for value in values]
    assert len([*chart(points, "t", 10, 5, joined=False)]) == 7


def test_bars() -> None:
    lines = [*bars([("a", 8.0, "8"), ("bb", 1.0, "1"), ("c", -1.0, "-1")], 14)]
    assert lines == ["a  ████████  8", "bb █         1", "c           -1"]
    assert [*bars([("a", 0.0, "0")], 20)] == ["a" + " " * 18 + "0"]


def test_a_sparkline() -> None:
    assert spark([0, 1, 2, 7], 10) == "▁▂▃█"
    assert spark([3.0, 3.0], 10) == "▁▁"
    assert len(spark([float(i) for i in range(1000)], 30)) == 30


def test_plain_characters_where_others_cannot_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    lines = [
        *chart([(START, 1.0), (START + HOUR, -1.0)], "t", 40, 5, joined=True),
        *bars([("a", 1.0, "1")], 20),
        spark([1, 2, 3], 10),
    ]
    assert "".join(lines).isascii()


# --- tables --------------------------------------------------------------------------------------


def test_columns_that_matter_least_go_first() -> None:
    columns = [
        Column(title="name", cells=["somebody"], least=4),
        Column(title="n", cells=["1"], right=True, rank=2),
        Column(title="more", cells=["xxxx"], rank=7),
    ]
    assert [*table(columns, 30)] == ["name      n  more", "somebody  1  xxxx"]
    assert [*table(columns, 12)] == ["name      n", "somebody  1"]
    assert [*table(columns, 8)] == ["name   n", "someb… 1"]
    assert [*table(columns, 5)] == ["name", "some…"]
    assert [*table(columns, 1)] == ["name", "som…"]


def test_wide_characters_take_two_columns() -> None:
    columns = [Column(title="a", cells=["狗狗", "e\u0301"]), Column(title="b", cells=["x", "y"])]
    assert [*table(columns, 20)] == ["a     b", "狗狗  x", "e\u0301     y"]


def test_ids_are_cut_where_they_differ() -> None:
    ids = ["01a0c2de-1800-7000-8000-1", "01a0c2de-1800-7001-8000-2", "01b0c2de-1800-7000-8000-1"]
    assert short_ids(ids[:1]) == ["01a0c2de-1800-7000"]
    assert short_ids(ids) == ["01a0c2de-1800-7000", "01a0c2de-1800-7001", "01b0c2de-1800-7000"]
    assert short_ids(["", ""]) == ["", ""]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        *((None, "-"), (float("nan"), "-"), (0.0004, "0 ms"), (0.25, "250 ms"), (3.96, "4.0 s")),
        *((99.0, "99.0 s"), (150, "2.5 min"), (7_200, "2.0 h"), (400_000, "4.6 d")),
    ],
)
def test_how_long(seconds: float | None, told: str) -> None:
    assert lasted(None if seconds is None else seconds * 1e9) == told


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0.0, "0.00"),
        (0.00001234, "1.23e-05"),
        (0.05, "0.05"),
        (12.345, "12.35"),
        (-1234.5, "-1,234"),
    ],
)
def test_money(value: float, told: str) -> None:
    assert profit(value) == told
