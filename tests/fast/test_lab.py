"""Every venue of the lab through both lanes: the same after every message, and nearly all fast."""

from __future__ import annotations

import pytest

from scanner.engine.tracker import Thresholds
from scanner.events import DELAYS_MS
from scanner.lab.venues import VENUES
from scanner.lab.world import World
from scanner.types import Depth
from tests.fast.labs import BEGIN, STEP, connections
from tests.fast.twins import Twin, Twins
from tests.repeats import repeats

LENIENT = Thresholds(min_net_bps=-5.0, min_profit=-1e9)
SYMBOLS = {
    f"{base}/{quote}"
    for base in ("BTC", "ETH", "XRP", "LINK")
    for quote in ("USDT", "USDC", "EUR", "USD")
}
SYNCED, SECONDS = 1, repeats(5, 8)


def taken(twins: Twins) -> tuple[int, int]:
    """Messages with data, and how many of them took the fast lane."""
    counts = twins.lanes[1].counts.values()
    return sum(count.messages for count in counts), sum(count.fast for count in counts)


@pytest.mark.parametrize("depth", list(Depth))
def test_both_lanes_agree_on_all_that_the_lab_says(depth: Depth) -> None:
    world, pair = World(3, BEGIN, symbols=SYMBOLS), (Twin(False, LENIENT), Twin(True, LENIENT))
    made = connections(world, pair, tuple(VENUES), depth)
    synced: dict[str, tuple[int, int]] = {}
    for offline, _ in made.values():
        offline.start(BEGIN)
    for at in range(BEGIN + STEP, BEGIN + SECONDS * 1_000_000_000, STEP):
        world.advance(at)
        for name, (offline, twins) in made.items():
            offline.step(at)
            if at < BEGIN + SYNCED * 1_000_000_000:
                synced[name] = taken(twins)
    assert pair[0].flagged
    assert pair[0].survived == pair[1].survived
    assert {one.delay_ms for one in pair[1].survived if one.net_profit is not None} == {*DELAYS_MS}
    assert pair[0].minutes(1) == pair[1].minutes(1)
    for name, (_, twins) in made.items():
        messages, fast = (now - then for now, then in zip(taken(twins), synced[name], strict=True))
        assert messages > 100
        assert fast / messages > 0.95, name
