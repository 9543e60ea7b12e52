"""What a venue is sent to show that we are there is marked as that, and nothing else is: what asks
for something names a market."""

from __future__ import annotations

import pytest

from scanner.steps import Reconnect, Send
from scanner.types import Depth
from scanner.venues.parts import SECOND
from scanner.venues.registry import VENUES, native
from tests.venues.harness import build

AT = 1_700_000_000 * SECOND


@pytest.mark.parametrize("name", VENUES)
@pytest.mark.parametrize("depth", Depth)
def test_pings_go_before_subscriptions_and_nothing_else_does(name: str, depth: Depth) -> None:
    venue = native(name)
    assert venue is not None
    protocol = build(venue, ["BTC-USDT"], depth)
    first = [*protocol.start(AT), *protocol.opened(AT)]
    assert not any(isinstance(step, Send) and step.heartbeat for step in first)
    for quarter in range(4 * 60):
        steps = protocol.idle(AT + quarter * SECOND // 4)
        if any(isinstance(step, Reconnect) for step in steps):
            break
        for step in steps:
            if isinstance(step, Send):
                names_a_market = "btc" in step.text.lower()
                assert step.heartbeat != names_a_market, step.text
