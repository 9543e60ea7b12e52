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

from scanner import json_schema
from scanner.types import ChecksumRule, Depth
from scanner.venues.protocol import Venue
from scanner.venues.registry import VENUES, native

PAGE = Path(__file__).parents[1] / "venues.md"
README = Path(__file__).parents[2] / "README.md"
SCHEMA = Path(__file__).parents[1] / "config.schema.json"
HEAD = "| exchange | id | `top` | `full` |\n| --- | --- | --- | --- |\n"
BEGIN = "<!-- from here on written by: python -m docs.make.venues -->\n"


def page() -> str:
    """The whole page, as it should be."""
    by_hand = PAGE.read_text().partition(BEGIN)[0]
    told = "\n\n".join("\n".join(section(name)) for name in VENUES)
    return f"{by_hand}{BEGIN}\n{told}\n"


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
