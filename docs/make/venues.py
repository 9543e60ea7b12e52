"""Writes what docs/venues.md says of each venue, from the registry: python -m docs.make.venues

What stands before the first venue is written by hand and stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from sys import modules
from textwrap import fill

from scanner.types import ChecksumRule, Depth
from scanner.venues.protocol import Venue
from scanner.venues.registry import VENUES, native

PAGE = Path(__file__).parents[1] / "venues.md"
BEGIN = "<!-- from here on written by: python -m docs.make.venues -->\n"


def page() -> str:
    """The whole page, as it should be."""
    by_hand = PAGE.read_text().partition(BEGIN)[0]
    told = "\n\n".join("\n".join(section(name)) for name in VENUES)
    return f"{by_hand}{BEGIN}\n{told}\n"


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


if __name__ == "__main__":
    PAGE.write_text(page())
