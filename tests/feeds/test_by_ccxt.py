"""A share of what ``python -m tests.feeds.by_ccxt`` does."""

from __future__ import annotations

from tests.feeds.by_ccxt import all_markets


async def test_all_markets_of_a_venue_that_allows_few_messages_a_second() -> None:
    (feed,) = (await all_markets(["bitget"], 0.5)).values()
    (health,) = feed.health()
    assert (health.markets, health.reconnects, health.last_error) == (14, 0, "")
