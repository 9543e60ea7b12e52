"""``crossbook verify``: what is stored, computed again from its own levels, fees and rates."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from scanner.history.common import nothing, print_to, reading
from scanner.history.options import TextForm
from scanner.history.several import disagreements
from scanner.history.wishes import Wishes, filter_of
from scanner.sinks.formats import rfc3339
from scanner.text import printable
from storage.queries import Reader, Stored

AT_ONCE = 500


class Tally(Struct):
    """What was looked at: opportunities, their states, and those of which no levels were kept."""

    opportunities: int = 0
    states: int = 0
    wrong: int = 0
    without: int = 0


def run_verify(url: str, wishes: Wishes, *, form: TextForm, out: Path | None, now: int) -> int:
    """Print what does not agree, and how much was looked at; the exit code: 1 if anything does
    not."""
    asked = filter_of(wishes, now)
    tally = Tally()
    with reading(url) as reader:
        found = _disagreements(reader, reader.every(asked, ascending=True), tally)
        if form is TextForm.JSON:
            print_to(out, _json(found, tally))
        else:
            print_to(out, _text(found, tally))
        if not tally.opportunities:
            nothing(reader, asked.symbols, (*asked.venues, *asked.buy, *asked.sell))
    return 1 if tally.wrong else 0


def _disagreements(
    reader: Reader, opportunities: Iterator[Stored], tally: Tally
) -> Iterator[dict[str, Any]]:
    """A mapping for each state that does not agree, in the order of opening."""
    while some := [one for _, one in zip(range(AT_ONCE), opportunities, strict=False)]:
        states = reader.states([one.id for one in some])
        for one in some:
            tally.opportunities += 1
            tally.without += one.id not in states
            for state in states.get(one.id, ()):
                tally.states += 1
                disagrees = disagreements(state)
                if disagrees:
                    tally.wrong += 1
                    yield {
                        "id": one.id,
                        "kind": one.kind,
                        "symbol": one.symbol,
                        "buy": one.buy_venue,
                        "sell": one.sell_venue,
                        "moment": state.moment,
                        "at": rfc3339(state.at),
                        "disagrees": disagrees,
                    }


def _text(found: Iterator[dict[str, Any]], tally: Tally) -> Iterator[str]:
    for one in found:
        yield printable(
            f"{one['id']}  {one['moment']:<6}  {one['symbol']} {one['buy']} -> {one['sell']}: "
            f"DOES NOT AGREE: {', '.join(one['disagrees'])}"
        )
    without = f", {tally.without:,} without levels" if tally.without else ""
    yield (
        f"{tally.opportunities:,} opportunities, {tally.states:,} states computed again{without}: "
        + (f"{tally.wrong:,} do not agree" if tally.wrong else "all agree")
    )


def _json(found: Iterator[dict[str, Any]], tally: Tally) -> Iterator[str]:
    for one in found:
        yield json.dumps(one)
    yield json.dumps(
        {
            "opportunities": tally.opportunities,
            "states": tally.states,
            "without_levels": tally.without,
            "disagree": tally.wrong,
        }
    )
