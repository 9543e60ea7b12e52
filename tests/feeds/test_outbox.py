"""Whose turn it is to be sent."""

import asyncio
from itertools import pairwise

import pytest

from scanner.feeds.outbox import Outbox
from scanner.feeds.pacing import Bucket, Pace
from scanner.venues.parts import SECOND
from tests.feeds.virtual import now, virtually


async def sent(sends: float) -> list[tuple[str, float]]:
    """What goes out of twelve subscriptions, a ping at 1.1 s and one at 2.6 s, and when."""
    outbox = Outbox(20)
    gone: list[tuple[str, float]] = []

    async def send(text: str) -> None:
        gone.append((text, now() / SECOND))

    draining = asyncio.create_task(outbox.drain(Pace(Bucket(sends), now), send))
    for number in range(12):
        outbox.put(f"subscribe {number}", False)
    await asyncio.sleep(1.1)
    outbox.put("ping", True)
    await asyncio.sleep(1.5)
    outbox.put("pong", True)
    await asyncio.sleep(60)
    outbox.put("late", False)
    await asyncio.sleep(1)
    draining.cancel()
    return gone


def test_heartbeats_go_before_what_waits_for_its_turn() -> None:
    gone = virtually(sent(3))
    texts = [text for text, _ in gone]
    assert [text for text in texts if text.startswith("sub")] == [
        f"subscribe {number}" for number in range(12)
    ]
    assert texts.index("ping") == 4 and texts.index("pong") == 8
    times = dict(gone)
    assert times["ping"] == pytest.approx(4 / 3, abs=0.01)
    assert times["pong"] == pytest.approx(8 / 3, abs=0.01)
    assert times["late"] == pytest.approx(62.6, abs=0.01)


def test_they_take_a_turn_as_all_do() -> None:
    times = [at for _, at in virtually(sent(3))][:-1]
    assert all(later - earlier > 0.33 for earlier, later in pairwise(times))


def test_more_than_the_limit_is_refused() -> None:
    async def fill() -> list[bool]:
        outbox = Outbox(2)
        return [outbox.put("a", False), outbox.put("b", True), outbox.put("c", True)]

    assert virtually(fill()) == [True, True, False]


def test_a_failure_to_send_is_the_callers() -> None:
    async def fail(text: str) -> None:
        raise ConnectionError(text)

    async def drain() -> None:
        outbox = Outbox(2)
        outbox.put("a", False)
        await outbox.drain(Pace(Bucket(1), now), fail)

    with pytest.raises(ConnectionError, match="a"):
        virtually(drain())
