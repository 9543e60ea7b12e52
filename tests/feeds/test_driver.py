"""A lane and its end, without any socket."""

import asyncio
import logging
from random import Random

import pytest

from scanner.feeds.backoff import Backoff
from scanner.feeds.driver import Deed, Driver
from scanner.feeds.health import Meter
from scanner.feeds.notices import Notices
from scanner.feeds.shell import Shell, Timing
from scanner.steps import Connect, Fetch
from scanner.types import Depth
from scanner.venues.parts import SECOND
from scanner.venues.protocol import Options
from tests.feeds.tiny import TinyLane, book, market, shell


class Clock:
    """Virtual time, in ns."""

    def __init__(self) -> None:
        self.time = 1

    def pass_by(self, seconds: float) -> None:
        self.time += round(seconds * SECOND)

    def __call__(self) -> int:
        return self.time


def driven(lane: TinyLane, deeds: list[Deed], ours: Shell | None = None) -> Driver:
    ours = ours or shell()
    return Driver(
        lane,
        ours,
        meter=Meter("tiny", 1, 1),
        notices=Notices(logging.getLogger("driver"), ours.now),
        backoff=Backoff(first=1.0, cap=1.0, steady=1.0, rng=Random(1)),
        carry_out=deeds.append,
    )


def lane_of(rest: str = "") -> TinyLane:
    return TinyLane([market("A")], Options(depth=Depth.TOP, rest=rest, ws="ws://h.test/"))


def test_nothing_reaches_a_lane_after_its_end() -> None:
    lane, deeds = lane_of(), list[Deed]()
    driver = driven(lane, deeds)
    driver.start()
    driver.end("over")
    driver.opened()
    driver.received(book().encode())
    driver.fetched("token", 200, b"")
    driver.end("again")
    assert lane.calls == ["start", "closed"] and lane.reason == driver.reason == "over"
    assert deeds == [Connect("ws://h.test/")]
    assert lane.live == set()


def test_what_follows_the_end_in_one_answer_is_not_done() -> None:
    lane, deeds = lane_of("http://h.test"), list[Deed]()
    driver = driven(lane, deeds)
    received = lane.received

    def twice(raw: bytes, at: int) -> object:
        return [*received(b'{"t":"bye"}', at), Fetch("token", "http://h.test/token")]

    lane.received = twice  # type: ignore[method-assign, assignment]
    driver.received(b"")
    assert deeds == [] and driver.reason == "the venue says goodbye"


def test_a_reason_from_outside_is_safe_to_read() -> None:
    lane = lane_of()
    driver = driven(lane, [])
    driver.end("\x1b[2J\n" + "x" * 999)
    assert driver.reason is not None and lane.reason == driver.reason
    assert driver.reason.startswith("\\x1b[2J\\nxx") and len(driver.reason) < 220


@pytest.mark.parametrize("raw", [b"[" * 100_000, b'{"t":"bug"}'])
def test_no_exception_gets_out_of_a_lane(raw: bytes) -> None:
    lane = lane_of()
    driver = driven(lane, [])
    driver.received(raw)
    assert lane.calls[-1] == "closed" and driver.reason is not None


async def still(driver: Driver, clock: Clock, seconds: float) -> None:
    """The time passes, and the heart beats at its end."""
    clock.pass_by(seconds)
    for _ in range(3):
        await asyncio.sleep(0)


async def test_a_process_that_stood_still_believes_nothing_that_came_meanwhile() -> None:
    clock, lane = Clock(), lane_of()
    timing = Timing(beat=0, stall=2.0, first=99)
    driver = driven(lane, [], Shell(now=clock, rng=Random(1), timing=timing))
    life = asyncio.create_task(driver.live())
    await still(driver, clock, 60)
    driver.opened()
    for _ in range(3):
        await still(driver, clock, 2)
        driver.received(book().encode())
    assert (driver.reason, lane.live) == (None, {"A"})
    calls = len(lane.calls)
    clock.pass_by(2.001)
    driver.received(book().encode())
    assert lane.calls[calls:] == ["closed"]
    assert (await asyncio.wait_for(life, 5)).startswith("this process stood still for 2.0 s")


async def test_a_process_that_stood_still_ends_its_connections_though_nothing_came() -> None:
    clock, lane = Clock(), lane_of()
    timing = Timing(beat=0, stall=2.0, first=99)
    driver = driven(lane, [], Shell(now=clock, rng=Random(1), timing=timing))
    life = asyncio.create_task(driver.live())
    await still(driver, clock, 0)
    driver.opened()
    await still(driver, clock, 3)
    assert (await asyncio.wait_for(life, 5)).startswith("this process stood still for 3.0 s")
    assert lane.calls[-1] == "closed"
