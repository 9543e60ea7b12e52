"""What one connection asks of a venue stays within what the venue allows."""

from __future__ import annotations

import json

import pytest

from scanner.steps import Send
from scanner.types import Depth
from scanner.venues.parts import SECOND
from scanner.venues.registry import native
from tests.venues.harness import build

WELCOME = {"kucoin": b'{"id":"x","type":"welcome"}'}
"""What a venue has to say before it is asked for anything."""


def requests(name: str, depth: Depth) -> list[str]:
    """What a full connection subscribes with."""
    venue = native(name)
    assert venue is not None
    ids = [f"COIN{number}-USDT" for number in range(venue.limits.markets)]
    protocol = build(venue, ids, depth)
    protocol.start(0)
    steps = protocol.opened(SECOND)
    if name in WELCOME:
        assert not steps
        steps = protocol.received(WELCOME[name], SECOND)
    return [step.text for step in steps if isinstance(step, Send)]


def streams(request: str) -> int:
    """How many streams a request is for, whichever way the venue lists them."""
    asked = json.loads(request)
    if "topic" in asked:
        return len(asked["topic"].split(":")[1].split(","))
    if "product_ids" in asked:
        return len(asked["product_ids"])
    if asked.get("channel", "").startswith("spot."):
        return 1 if asked["channel"] == "spot.order_book_update" else len(asked["payload"])
    listed = asked.get("params", asked.get("args", []))
    return len(listed["symbol"] if isinstance(listed, dict) else listed)


@pytest.mark.parametrize("depth", Depth)
@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("binance", 1024),
        ("okx", 60),  # 30 deep channels are advised, beside which the best cost little
        ("kucoin", 300),
        ("bybit", 1000),
        ("kraken", 200),
        ("coinbase", 30),
        ("gate", 150),
        ("bitget", 50),
    ],
)
def test_streams_of_one_connection(name: str, most: int, depth: Depth) -> None:
    venue = native(name)
    assert venue is not None
    assert venue.limits.markets <= sum(map(streams, requests(name, depth))) <= most


@pytest.mark.parametrize(
    ("name", "per_second"),
    [("binance", 5), ("kucoin", 10), ("coinbase", 8), ("bitget", 10)],
)
def test_messages_a_second(name: str, per_second: int) -> None:
    venue = native(name)
    assert venue is not None
    assert venue.limits.sends < per_second


@pytest.mark.parametrize(
    ("name", "in_five_minutes"),
    [
        ("binance", 300),
        ("okx", 900),
        ("kucoin", 150),
        ("bybit", 500),
        ("kraken", 75),
        ("coinbase", 2400),
        ("bitget", 300),
    ],
)
def test_new_connections(name: str, in_five_minutes: int) -> None:
    venue = native(name)
    assert venue is not None
    assert 5 * venue.limits.connects <= in_five_minutes


@pytest.mark.parametrize(("name", "hourly"), [("okx", 480), ("bitget", 240)])
def test_a_full_connection_leaves_most_of_the_hourly_allowance(name: str, hourly: int) -> None:
    assert sum(map(streams, requests(name, Depth.FULL))) <= hourly / 4


@pytest.mark.parametrize(("name", "size"), [("okx", 64 << 10), ("bitget", 4096)])
def test_requests_are_no_larger_than_the_venue_reads(name: str, size: int) -> None:
    assert max(len(request.encode()) for request in requests(name, Depth.FULL)) <= size
