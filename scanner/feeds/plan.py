"""Which markets share a connection."""

from __future__ import annotations

from collections.abc import Sequence

from scanner.types import Market


def plan(markets: Sequence[Market], limit: int) -> list[tuple[Market, ...]]:
    """The markets of one venue dealt out to as few connections as ``limit`` per connection allows.

    Dealt in turn, so that connections differ by one market at most and neighbours in the list
    (which tend to be alike in traffic) part ways. The same input gives the same plan. A market that
    is named twice is taken once: its stream would serve one book only.
    """
    if limit < 1:
        raise ValueError(f"a connection must carry at least one market, not {limit}")
    unique = list({market.id: market for market in markets}.values())
    connections = -(-len(unique) // limit)
    return [tuple(unique[number::connections]) for number in range(connections)]
