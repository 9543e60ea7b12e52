"""The stream under the socket: what goes past ``websockets``' protocol, and what does not."""

from __future__ import annotations

import asyncio
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.client import ClientProtocol

from scanner.feeds.direct import Direct
from scanner.feeds.frames import MOST, Run
from scanner.feeds.socket import SocketLimits
from scanner.venues.frames import messages
from tests.feeds.differential import ADDRESS, Ours, Told, answer, compare, one_of, request
from tests.feeds.server_wire import frame, shake


class Runs(Told):
    """Keeps how many messages came with each call."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: list[int] = []

    def messages(self, run: Run) -> None:
        self.counts.append(run.count)
        assert list(run) == list(messages(run.address, run.starts, run.ends, run.count))
        super().messages(run)


def opened(limit: int = 1000, capacity: int = 1 << 16) -> tuple[Ours, Runs]:
    ours = Ours(limit, capacity)
    told = Runs()
    ours.told = ours.stream._receiver = told
    ours.feed(answer(request(ours.protocol)))
    assert ours.stream.opened
    return ours, told


@settings(max_examples=60)
@given(st.integers(0, 1 << 40))
def test_any_stream_of_frames_is_what_websockets_makes_of_it(seed: int) -> None:
    one_of(seed)


PIECES = st.one_of(
    st.binary(max_size=20),
    st.builds(frame, st.binary(max_size=130), st.sampled_from((0, 1, 2, 8, 9, 10)), st.booleans()),
)


@settings(max_examples=60)
@given(
    st.lists(PIECES, max_size=8).map(b"".join),
    st.lists(st.integers(0, 800), max_size=20),
    st.sampled_from((16, 100, 4096)),
    st.booleans(),
)
def test_any_bytes_are_what_websockets_makes_of_them(
    data: bytes, cuts: list[int], capacity: int, eof: bool
) -> None:
    compare(data, cuts, 120, capacity, eof)


def test_the_messages_of_one_read_come_in_one_call() -> None:
    ours, told = opened()
    ours.feed(frame(b"a") + frame(b"") + frame(b"ccc", 2) + frame(b"half")[:3])
    assert told.counts == [3]
    ours.feed(frame(b"half")[3:])
    assert told.counts == [3, 1]
    assert told.messages_ == [b"a", b"", b"ccc", b"half"]


def test_more_messages_than_a_run_has_room_for_come_in_order() -> None:
    ours, told = opened()
    sent = [b"%d" % i for i in range(MOST + 7)]
    ours.feed(b"".join(map(frame, sent)))
    assert (told.messages_, told.counts) == (sent, [MOST, 7])


def test_a_frame_larger_than_the_buffer_is_put_together_elsewhere() -> None:
    ours, told = opened(limit=100_000, capacity=512)
    large = bytes(range(256)) * 300
    ours.feed(frame(b"before") + frame(large) + frame(b"after"))
    assert told.messages_ == [b"before", large, b"after"]
    assert len(told.counts) == 2
    assert len(ours.stream._memory) == 512


def test_a_frame_cut_at_every_byte_is_waited_for_in_place() -> None:
    ours, told = opened(capacity=64)
    for byte in frame(b"x" * 60) * 3:
        ours.feed(bytes([byte]))
    assert told.messages_ == [b"x" * 60] * 3
    assert ours.protocol.events_received() == []


def test_a_control_frame_between_messages_keeps_their_order() -> None:
    ours, told = opened()
    ours.feed(frame(b"a") + frame(b"here?", 9) + frame(b"b") + frame(b"bye", 8)[:1])
    assert told.messages_ == [b"a", b"b"]
    assert len(ours.written) == 1


@pytest.mark.parametrize("size", [1000, 1001])
def test_the_limit_is_the_last_size_that_is_taken(size: int) -> None:
    ours, told = opened(limit=1000)
    ours.feed(frame(b"x" * size))
    assert len(told.messages_) == (size == 1000)
    assert len(told.reasons) == (size != 1000)


async def test_who_takes_no_answers_is_not_read_any_further() -> None:
    """A flood of pings from a server that does not read: its pongs must not pile up here."""
    limits = SocketLimits(message_bytes=1000, open=2.0, close=0.1, ping=60.0, pong=60.0)
    told = Told()
    client_end, server_end = socket.socketpair()
    protocol = ClientProtocol(ADDRESS, max_size=1000)
    _, client = await asyncio.get_running_loop().create_connection(
        lambda: Direct(protocol, told, limits), sock=client_end
    )
    reader, writer = await asyncio.open_connection(sock=server_end)
    writer.write(await shake(reader))
    await client.shaken

    pings = frame(b"x" * 125, 9) * 500
    with pytest.raises(TimeoutError):
        for _ in range(300):
            writer.write(pings)
            async with asyncio.timeout(0.2):
                await writer.drain()
    assert client._transport.get_write_buffer_size() < 1 << 20

    writer.write(frame(b"alive"))
    while not told.messages_:
        await reader.read(1 << 20)
    await client.close()
    writer.close()
