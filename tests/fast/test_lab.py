"""Every venue of the lab through both lanes: the same after every message, and nearly all fast."""

from __future__ import annotations

import pytest

from scanner.engine.tracker import Thresholds
from scanner.lab.world import World
from scanner.types import Depth
from scanner.venues.registry import VENUES
from tests.fast.labs import BEGIN, STEP, lines
from tests.fast.twins import Twin

SECONDS = 3
ALL = tuple(VENUES)
LENIENT = Thresholds(min_net_bps=-5.0, min_profit=-1e9)


@pytest.mark.parametrize("depth", list(Depth))
def test_both_lanes_agree_on_everything_that_the_lab_says(depth: Depth) -> None:
    world = World(3, BEGIN)
    reference, fast = Twin(False, LENIENT), Twin(True, LENIENT)
    connections = lines(world, reference, fast, ALL, depth)
    for line in connections:
        line.start(BEGIN)
    for at in range(BEGIN + STEP, BEGIN + SECONDS * 1_000_000_000, STEP):
        world.advance(at)
        for line in connections:
            line.step(at)
    assert reference.flagged
    assert reference.minutes(1) == fast.minutes(1)
    shares = {line.venue.id: line.twins.share() for line in connections}
    assert min(shares.values()) > 0.9, shares
