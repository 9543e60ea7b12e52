"""What a venue sends to show that it is there is marked as that, and nothing else is."""

from __future__ import annotations

import pytest

from scanner.types import Depth, Reconnect, Send
from scanner.venues.parts import SECOND
from scanner.venues.registry import VENUES, native
from tests.venues.harness import build

AT = 1_700_000_000 * SECOND


@pytest.mark.parametrize("name", VENUES)
@pytest.mark.parametrize("depth", Depth)
def test_only_pings_go_before_subscriptions(name: str, depth: Depth) -> None:
    venue = native(name)
    assert venue is not None
    protocol = build(venue, ["BTC-USDT"], depth)
    steps = [*protocol.start(AT), *protocol.opened(AT)]
    for quarter in range(4 * 60):
        new = protocol.idle(AT + quarter * SECOND // 4)
        if any(isinstance(step, Reconnect) for step in new):
            break
        steps += new
    for step in steps:
        if isinstance(step, Send):
            assert step.heartbeat == ("ping" in step.text)
