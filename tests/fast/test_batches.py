"""All messages of one read in one call: the same as one by one, in the same order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from random import Random
from typing import Any

import numpy as np
import pytest

from scanner.engine.tracker import Thresholds
from scanner.lab.venues import VENUES
from scanner.lane import Action, Lane
from scanner.steps import Notice, Reconnect
from scanner.types import Depth
from scanner.venues.registry import native
from tests.fast.labs import BEGIN, Call, listed, session
from tests.fast.twins import Twin, assert_same

LENIENT = Thresholds(min_net_bps=-30.0, min_profit=-1e9)
JUNK = (b"{}", b' {"other":[1,{"key":2}]} ', b'{"action":"update"}')


def many(lane: Lane, raws: Sequence[bytes], at: int, before: bytes = b"") -> list[Action]:
    """``received_many`` over a copy of ``raws``, one behind the other."""
    ends = np.cumsum([len(raw) for raw in raws], dtype=np.int64) + len(before)
    starts = ends - np.array([len(raw) for raw in raws], np.int64)
    memory = bytearray(before + b"".join(raws) + b"\0")
    whole = np.frombuffer(memory, np.uint8)
    addresses = (array.ctypes.data for array in (whole, starts, ends))
    return lane.received_many(*addresses, len(raws), at)


def reads(calls: Sequence[Call], random: Random) -> Iterator[tuple[str, Any]]:
    """The calls, messages in runs as several reads from a socket would bring them."""
    for method, run in groupby(calls, key=lambda call: call[0]):
        if method != "received":
            yield from run
            continue
        raws = [arguments[0] for _, arguments in run]
        while raws:
            size = random.randint(1, 12)
            yield "received", raws[:size]
            raws = raws[size:]


def told(name: str, depth: Depth, seed: int, junk: float) -> None:
    """The session message by message and in runs, with a lane of each kind."""
    random, calls = Random(seed), session(name, depth, 900)
    twins = (Twin(True, LENIENT), Twin(True, LENIENT))
    venue = native(name)
    assert venue is not None
    lanes = [twin.lane(venue, listed(name), depth) for twin in twins]
    at = BEGIN
    for method, arguments in reads(calls, random):
        at += 1_000_000
        if method != "received":
            answers = [getattr(lane, method)(*arguments[:-1], at) for lane in lanes]
            assert answers[0] == answers[1]
            continue
        raws = list(arguments)
        if random.random() < junk:
            raws.insert(random.randint(0, len(raws)), random.choice((*JUNK, raws[0])))
        singly: list[Action] = []
        for raw in raws:
            singly += lanes[0].received(raw, at)
            if any(isinstance(action, Reconnect) for action in singly):
                break
        assert many(lanes[1], raws, at, before=b'{"junk":' * random.randint(0, 2)) == singly
        assert_same(twins, lanes)
    assert any(count.fast for count in lanes[1].counts.values())


@pytest.mark.parametrize("depth", list(Depth))
@pytest.mark.parametrize("name", VENUES)
def test_a_read_is_its_messages_one_by_one(name: str, depth: Depth) -> None:
    told(name, depth, seed=1, junk=0.0)


@pytest.mark.parametrize("name", VENUES)
def test_what_is_declined_within_a_read_goes_its_way_in_its_place(name: str) -> None:
    told(name, Depth.FULL, seed=2, junk=0.3)


def test_nothing_is_taken_after_the_end_of_the_connection() -> None:
    calls = session("bybit", Depth.TOP, 900)
    venue, twin = native("bybit"), Twin(True, LENIENT)
    assert venue is not None
    lane = twin.lane(venue, listed("bybit"), Depth.TOP)
    raws = [arguments[0] for method, arguments in calls if method == "received"]
    lane.start(BEGIN)
    lane.opened(BEGIN)
    half = len(raws) // 2
    many(lane, raws[:half], BEGIN)
    before = [count.messages for count in lane.counts.values()]
    actions = many(lane, [b"{", *raws[half:]], BEGIN)
    assert isinstance(actions[-1], Reconnect)
    assert [count.messages for count in lane.counts.values()] == before
    assert not any(isinstance(action, Notice) for action in actions)
