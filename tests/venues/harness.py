"""What the tests of the venues share: how a protocol is built, and what it sends."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from scanner.steps import Send, Step
from scanner.types import Depth, Market
from scanner.venues.protocol import Options, Venue, VenueProtocol


def market(venue: str, name: str) -> Market:
    """A market of which only the id matters."""
    return Market(venue=venue, id=name, symbol=name, base="", quote="", taker_fee=0.001)


def build(
    venue: Venue,
    ids: Sequence[str] | None,
    depth: Depth = Depth.TOP,
    *,
    rest: str | None = None,
    ws: str | None = None,
) -> VenueProtocol:
    """A protocol for the markets ``ids`` (None: of a recording, where any is taken), at the real
    addresses unless others are given."""
    options = Options(
        depth=depth,
        rest=venue.rest if rest is None else rest,
        ws=venue.ws if ws is None else ws,
    )
    return venue.make(None if ids is None else [market(venue.id, name) for name in ids], options)


def text(message: object) -> bytes:
    """JSON without spaces."""
    return json.dumps(message, separators=(",", ":")).encode()


def sent(steps: Iterable[Step]) -> list[dict[str, Any]]:
    """The requests among ``steps``."""
    return [json.loads(step.text) for step in steps if isinstance(step, Send)]
