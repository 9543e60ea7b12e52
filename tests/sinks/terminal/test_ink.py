"""Lines: whatever stands in a text from outside, it stays text, in its cells."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style

from scanner.sinks.terminal.ink import Pen, beside, fit, length, rule, sized

PLAIN = Style()
HOSTILE = [
    "\x1b[2J\x1b[31mred",
    "\x1b]0;title\x07",
    "a\nb\rc\td",
    "[bold red]markup[/] [@click=app.quit]x[/]",
    "\u202eright to left",
    "שלום",
    "a" + "\u0301" * 500,
    "\u200b\u2060\ufeff",
    "币安人生/USDT",
    "\x9b31m",
    "\ud800",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("width", [1, 5, 12, 60])
def test_a_hostile_text_stays_in_its_cells(text: str, width: int) -> None:
    shown = fit(text, width)
    assert cell_len(shown) == width
    assert shown.isprintable()
    assert len(shown) <= width
    assert "\u202e" not in shown and "ש" not in shown


def test_markup_is_text() -> None:
    assert fit("[bold]x[/]", 10) == "[bold]x[/]"


def test_what_is_too_long_ends_with_an_ellipsis() -> None:
    assert fit("BTC/USDT", 5) == "BTC/…"
    assert fit("币安人生", 5) == "币安…"
    assert fit("币安人生", 4) == "币 …"


def test_right_and_left() -> None:
    assert fit("1.5", 6, right=True) == "   1.5"
    assert fit("1.5", 6) == "1.5   "
    assert fit("币", 4, right=True) == "  币"
    assert fit("x", 0) == ""


@given(st.text(max_size=60), st.integers(1, 40), st.booleans())
def test_every_text_takes_exactly_its_cells(text: str, width: int, right: bool) -> None:
    assert cell_len(fit(text, width, right=right)) == width


def test_neighbours_of_one_style_are_one_segment() -> None:
    bold = Style(bold=True)
    line = Pen().put("a", PLAIN).put("b", PLAIN).put("c", bold).fill(5, bold)
    assert [(part.text, part.style) for part in line] == [("ab", PLAIN), ("c  ", bold)]


def test_a_line_is_filled_or_cut_to_its_width() -> None:
    assert length(sized(Pen().put("abc", PLAIN).line, 2, PLAIN)) == 2
    assert length(sized([], 7, PLAIN)) == 7


def test_blocks_beside_each_other() -> None:
    blocks = [([Pen().put("a", PLAIN).line], 2), ([Pen().put("bcd", PLAIN).line] * 3, 2)]
    lines = beside(blocks, 2, PLAIN)
    assert ["".join(part.text for part in line) for line in lines] == ["a bc", "  bc"]


@given(st.lists(st.text(max_size=30), max_size=5), st.integers(0, 80))
def test_a_rule_is_as_wide_as_asked(texts: list[str], width: int) -> None:
    assert length(rule([(text, PLAIN) for text in texts], width, PLAIN)) == width
