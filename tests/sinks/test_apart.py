"""How many routes are kept apart, as the screen says it."""

from __future__ import annotations

from scanner.sinks.apart import FRESH, KeptApart
from tests.storage.events import START, opened, suspect


def test_it_counts_what_stands_and_names_some() -> None:
    at = START
    apart = KeptApart(lambda: at)
    assert (apart.line().name, apart.line().good, apart.line().text) == ("suspects", True, "none")
    apart(opened())
    apart(suspect())
    apart(suspect(state="held"))
    assert apart.line().text == "1 kept apart: CAT/USDT beta → alpha"
    for symbol in ("A/B", "C/D", "E/F"):
        apart(suspect(symbol=symbol, structural=True))
    assert apart.line().text == (
        "4 kept apart: CAT/USDT beta → alpha, A/B beta → alpha, C/D beta → alpha, 1 more"
    )
    apart(suspect(buy="alpha", sell="beta", state="released"))
    assert apart.line().text.startswith("3 kept apart: A/B")
    at = START + FRESH + 1
    assert apart.line().text == "none", "nobody has told of them for long"
