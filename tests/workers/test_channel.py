"""Messages between processes, and an end that takes them slowly or not at all."""

from __future__ import annotations

import asyncio
import socket
from random import Random

import pytest

from scanner.events import FeedEvent, RouteMinute, Survival
from scanner.hedge_events import HedgePrice
from scanner.types import Market
from scanner.view.frame import Query
from scanner.view.scan_state import ScanState
from scanner.workers import channel
from scanner.workers.channel import ENOUGH, Channel
from scanner.workers.messages import (
    Carry,
    Garbled,
    Look,
    Message,
    Pulse,
    Reader,
    Record,
    Seen,
    Stop,
    encoded,
)
from tests.feeds.tiny import until
from tests.storage.events import suspect
from tests.workers.examples import FRAME, opportunity

PULSE = Pulse(state=ScanState(open=3), behind=1, late=2, frames_dropped=3, records_dropped=4)
MARKET = Market(venue="a", id="1", symbol="X/Q", base="X", quote="Q", taker_fee=0.1)
MINUTE = RouteMinute(
    at=1,
    symbol="X/Q",
    buy="a",
    sell="b",
    samples=1,
    positive=0,
    low_bps=1.0,
    high_bps=2.0,
    mean_bps=1.5,
    last_bps=1.0,
)
EVERY: list[Message] = [
    Carry(config=b"\x00\xff", markets=(MARKET,), measured=True, level="info"),
    Look(Query(venue="a", details=None)),
    Stop("the end"),
    Seen(FRAME),
    PULSE,
    Record(20, "scanner", "text", ("line",)),
    opportunity(1),
    MINUTE,
    FeedEvent(at=1, venue="a", connection=1, kind="lost", reason="x"),
    Survival(id="1", symbol="X/Q", delay_ms=50, at=1, net_profit=1.5, net_bps=2.0),
    Survival(id="1", symbol="X/Q", delay_ms=100, at=1, reason="unknown"),
    suspect(structural=True),
    HedgePrice(at=1, venue="a", symbol="X/Q", bid=1.0, ask=2.0, mark=1.5, funding_rate=-0.1),
]


def test_every_message_arrives_as_it_was_however_the_stream_is_cut() -> None:
    stream = b"".join(map(encoded, EVERY))
    rng = Random(1)
    for _ in range(20):
        reader, found, at = Reader(), [], 0
        while at < len(stream):
            end = at + rng.choice((1, 3, 50, 1000))
            found += reader.feed(stream[at:end])
            at = end
        assert found == EVERY


@pytest.mark.parametrize(
    "data",
    [
        bytes(4),
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x01\x63",
        b"\x00\x00\x00\x02\x02\x00",
    ],
)
def test_what_is_no_message_is_said(data: bytes) -> None:
    with pytest.raises(Garbled):
        Reader().feed(data)


class End:
    """One end, and what it has heard."""

    def __init__(self) -> None:
        self.heard: list[Message] = []
        self.lost: list[str] = []
        self.channel: Channel

    async def over(self, end: socket.socket) -> End:
        self.channel = await Channel.over(end, self.heard.append, self.lost.append)
        return self


async def pair() -> tuple[End, End]:
    one, other = socket.socketpair()
    return await End().over(one), await End().over(other)


async def test_a_slow_end_gets_every_opportunity_and_frames_are_dropped() -> None:
    ours, theirs = await pair()
    theirs.channel._transport.pause_reading()  # type: ignore[attr-defined]
    count = 0
    while ours.channel.behind <= ENOUGH:
        ours.channel.tell(opportunity(count))
        count += 1
    assert not ours.channel.offer(Seen(FRAME))
    for _ in range(100):
        ours.channel.tell(opportunity(count))
        count += 1
    theirs.channel._transport.resume_reading()  # type: ignore[attr-defined]
    await until(lambda: len(theirs.heard) == count, 10)
    assert [message.id for message in theirs.heard] == [str(i) for i in range(count)]  # type: ignore[union-attr]
    assert ours.channel.behind == 0
    assert ours.channel.offer(Seen(FRAME))
    await until(lambda: theirs.heard[-1] == Seen(FRAME))
    ours.channel.close()
    await until(lambda: ours.lost and theirs.lost)


async def test_an_end_that_takes_nothing_any_more_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "TOO_MUCH", 1 << 20)
    ours, theirs = await pair()
    theirs.channel._transport.pause_reading()  # type: ignore[attr-defined]
    for number in range(20_000):
        ours.channel.tell(opportunity(number))
        if ours.lost:
            break
    await until(lambda: ours.lost)
    assert ours.lost == ["nothing is taken any more, 1 MB wait"]
    ours.channel.tell(opportunity(0))
    theirs.channel.abort()


async def test_what_was_told_before_the_end_arrives() -> None:
    ours, theirs = await pair()
    for number in range(5000):
        ours.channel.tell(opportunity(number))
    ours.channel.close()
    await until(lambda: theirs.lost, 10)
    assert len(theirs.heard) == 5000
    assert theirs.lost == ["the other end was closed"]


async def test_garbage_ends_the_channel() -> None:
    raw, other = socket.socketpair()
    ours = await End().over(other)
    raw.send(b"\xff" * 8)
    await until(lambda: ours.lost)
    assert ours.lost == [f"what came is no message: a message of {0xFFFFFFFF} bytes"]
    raw.close()
    await asyncio.sleep(0)
