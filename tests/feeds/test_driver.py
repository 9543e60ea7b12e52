"""A lane and its end, without any socket."""

import logging
from random import Random

import pytest

from scanner.feeds.backoff import Backoff
from scanner.feeds.driver import Deed, Driver
from scanner.feeds.health import Meter
from scanner.feeds.notices import Notices
from scanner.types import Connect, Depth, Fetch
from scanner.venues.protocol import Options
from tests.feeds.tiny import TinyLane, book, market, shell


def driven(lane: TinyLane, deeds: list[Deed]) -> Driver:
    ours = shell()
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
