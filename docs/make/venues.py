"""Writes what the documents say of the venues, from the registry:

    python -m docs.make.venues

The table in README.md and all from the first venue on in docs/venues.md, what stands around them
being written by hand; and docs/config.schema.json, which offers them to editors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from sys import modules
from textwrap import fill

from scanner.configuration import json_schema
from scanner.types import ChecksumRule, Depth
from scanner.venues.funding_history import Pages
from scanner.venues.protocol import Venue
from scanner.venues.registry import CONTRACTS, VENUES, native

PAGE = Path(__file__).parents[1] / "venues.md"
README = Path(__file__).parents[2] / "README.md"
SCHEMA = Path(__file__).parents[1] / "config.schema.json"
SETTLED = (
    "What the venue settled is asked for over REST, of every perpetual that is scanned: when a scan"
    " begins the last seven days (of a short of the hedge book, since it was opened, as far as 20"
    " pages go), and from then on 20 seconds after each payment. That is one request a second at"
    " most, less where the venue's limit is lower; a scan that keeps no database asks for none. A"
    " boundary is at a full minute. How long a payment was for is the time since the one before it,"
    " and an hour where all are hourly. Through ccxt it is what `fetchFundingRateHistory` tells,"
    " where ccxt has that, in a process of its own."
)
HEAD = "| exchange | id | `top` | `full` |\n| --- | --- | --- | --- |\n"
BEGIN = "<!-- from here on written by: python -m docs.make.venues -->\n"


def page() -> str:
    """The whole page, as it should be."""
    by_hand = PAGE.read_text().partition(BEGIN)[0]
    told = "\n\n".join("\n".join(section(name)) for name in VENUES)
    settled = "\n".join(settled_funding())
    return f"{by_hand}{BEGIN}\n{told}\n\n{settled}\n"


def readme() -> str:
    """The whole README, as it should be."""
    before, head, after = README.read_text().partition(HEAD)
    assert head, "README has no table of the exchanges"
    return before + head + "".join(map(_row, VENUES)) + after[after.index("\n\n") + 1 :]


def _row(name: str) -> str:
    venue = native(name)
    assert venue is not None
    cells = [f"{venue.channels[depth]} ({venue.proof[depth]})" for depth in Depth]
    return f"| {venue.name} | `{venue.id}` | {' | '.join(cells)} |\n"


def section(name: str) -> Iterator[str]:
    """The lines about one venue."""
    venue = native(name)
    assert venue is not None
    yield f"## {venue.name}\n"
    yield f"`{venue.id}`; [its documentation]({_documentation(venue)})\n"
    yield "| depth | channels | proof |"
    yield "| --- | --- | --- |"
    for depth in Depth:
        yield f"| `{depth}` | {venue.channels[depth]} | {venue.proof[depth]} |"
    yield ""
    for fact in _facts(venue):
        yield fill(f"- {fact}", 100, subsequent_indent="  ")


def settled_funding() -> Iterator[str]:
    """The lines about what contracts have settled."""
    yield "## Settled funding\n"
    yield from fill(SETTLED, 100).splitlines()
    yield ""
    yield "| exchange | id | asked | a page has | what counts | its limit |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for name in CONTRACTS:
        venue = native(name, contracts=True)
        assert venue is not None and venue.funding_history is not None
        history = venue.funding_history
        method = "POST" if history.body else "GET"
        asked = f"`{method} {history.path.partition('?')[0]}`"
        asked += f" with `{history.body}`" if history.body else ""
        rows = "all" if history.pages is Pages.WHOLE else f"{history.limit or 'not documented'}"
        begins = ", at the end of the period that began at" if history.begins else " at"
        counts = f"`{history.rate}`{begins} `{history.at}`"
        cells = (venue.name, f"`{venue.id}`", asked, rows, counts, history.limits)
        yield f"| {' | '.join(cells)} |"


def _facts(venue: Venue) -> Iterator[str]:
    limits = venue.limits
    yield f"Reached at `{venue.ws}` and `{venue.rest}`."
    yield (
        f"At most {limits.markets} markets on a connection, {limits.connects} new connections a"
        f" minute, {limits.sends:g} messages a second to it, {limits.fetches:g} requests a second"
        f" over REST, and messages of {limits.message_bytes >> 20} MB."
    )
    if venue.checksum is not ChecksumRule.NONE:
        yield "A checksum is verified wherever the exchange sends one."
    yield from venue.notes


def _documentation(venue: Venue) -> str:
    """The address that the docstring of the venue's file names."""
    found = re.search(r"https://\S+", modules[venue.make.__module__].__doc__ or "")
    assert found, f"the docstring of {venue.id} names no address"
    return found[0]


WRITTEN = {README: readme, PAGE: page, SCHEMA: json_schema.text}

if __name__ == "__main__":
    for document, written in WRITTEN.items():
        document.write_text(written())
