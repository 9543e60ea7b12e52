"""Whole feeds against small venues: what a connection lives through, and what the lane hears."""

import asyncio
import json
import logging
import socket
import time

import msgspec
import pytest
from aiohttp import web
from websockets.asyncio.server import ServerConnection

from scanner.feeds.health import ConnectionState
from tests.feeds.test_rest import server
from tests.feeds.test_socket import frame, shake
from tests.feeds.tiny import (
    FAST,
    TinyLanes,
    book,
    feed_of,
    free_port,
    raw_server,
    running,
    until,
    venue_server,
)


async def serve_books(ws: ServerConnection) -> None:
    """Acknowledges and serves every market that is asked for."""
    async for text in ws:
        name = json.loads(text)["m"]
        await ws.send(json.dumps({"t": "ack", "m": name}))
        await ws.send(book(name))


async def test_books_come_alive_and_health_counts() -> None:
    lanes = TinyLanes()
    async with venue_server(serve_books) as url:
        feed = feed_of(lanes, url, markets="ABCDE")
        async with running(feed):
            await until(lambda: lanes.made and lanes.made[0].live == set("ABCDE"))
            (health,) = feed.health()
            assert lanes.made[0].calls[:2] == ["start", "opened"]
            assert (health.venue, health.connection, health.markets) == ("tiny", 1, 5)
            assert (health.state, health.messages) == (ConnectionState.OPEN, 10)
            assert health.bytes == 5 * len(book("A")) + 5 * len('{"t": "ack", "m": "A"}')
            assert (health.reconnects, health.last_error) == (0, "")
        assert feed.health()[0].state is ConnectionState.STOPPED


async def test_markets_are_spread_over_connections() -> None:
    lanes = TinyLanes()
    async with venue_server(serve_books) as url:
        feed = feed_of(lanes, url, markets="ABCDE", limits={"markets": 2})
        async with running(feed):
            await until(lambda: sum(len(lane.live) for lane in lanes.made) == 5)
        assert [sorted(health.markets for health in feed.health())] == [[1, 2, 2]]
        assert len(lanes.made) == 3


async def test_a_token_is_fetched_before_the_connection() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(text=f"{request.method} {request.path}")

    lanes = TinyLanes()
    async with (
        server(handler) as rest,
        venue_server(serve_books) as url,
        running(feed_of(lanes, url, rest=rest)),
    ):
        await until(lambda: lanes.made and lanes.made[0].live)
    assert lanes.made[0].calls[:3] == ["start", "fetched token 200 POST /token", "opened"]


async def test_no_token_means_another_try() -> None:
    lanes = TinyLanes()
    rest = f"http://127.0.0.1:{free_port()}"
    async with running(feed_of(lanes, "ws://127.0.0.1:1/", rest=rest)):
        await until(lambda: len(lanes.reasons) >= 2)
    assert lanes.made[0].calls == ["start", "fetched token 0 ", "closed"]
    assert lanes.reasons[0] == "no address to connect to within 0.2 s"


async def test_a_disconnection_drops_the_books_in_the_same_tick() -> None:
    """Between the end and the fall of the books, no other code may run."""
    lanes = TinyLanes()
    ticks = 0
    seen: list[tuple[int, int]] = []

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await shake(reader) + frame(book().encode()))
        await until(lambda: lanes.made[-1].live)
        lane = lanes.made[-1]
        received = lane.received

        def last(raw: bytes, at: int) -> object:
            answer = received(raw, at)
            seen.append((ticks, -1))
            lane.on_closed = lambda: seen.append((ticks, len(lane.live)))
            return answer

        lane.received = last  # type: ignore[method-assign, assignment]
        writer.write(frame(b'{"t":"ack","m":"A"}') + frame(b"\x03\xe8", 8))
        await asyncio.sleep(5)

    ticker = asyncio.create_task(tick())
    async with raw_server(handler) as url, running(feed_of(lanes, url)):
        await until(lambda: len(seen) == 2)
    ticker.cancel()
    assert seen[0][0] == seen[1][0], "the loop has gone round between the end and the fall"
    assert seen[1][1] == 0


ENDS = {
    "close frame": (b"\x88\x02\x03\xe9", "closed by the venue: 1001 (going away)"),
    "garbage": (frame(b"\x00\xffnonsense"), "a message that cannot be understood"),
    "truncated": (frame(b'{"t":"book","m":'), "a message that cannot be understood"),
    "wrong type": (frame(b'{"t":7}'), "a message that cannot be understood"),
    "binary garbage": (frame(b"\x1f\x8b\x08", 2), "a message that cannot be understood"),
    "bug": (frame(b'{"t":"bug"}'), "a message broke its decoder: RuntimeError"),
    "goodbye": (frame(b'{"t":"bye"}'), "the venue says goodbye"),
    "oversized": (frame(b"x" * 5000), "exceeds limit of 4000 bytes"),
    "protocol error": (b"\xf1\x00", "broken WebSocket stream"),
    "flood of sends": (frame(b'{"t":"flood"}') * 3, "messages wait to be sent"),
}


@pytest.mark.parametrize("name", list(ENDS))
async def test_every_end_drops_the_books_and_is_followed_by_another_try(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    poison, reason = ENDS[name]
    lanes = TinyLanes()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await shake(reader) + frame(book().encode()))
        if len(lanes.made) == 1:
            writer.write(poison)
        await asyncio.sleep(5)

    timing = msgspec.structs.replace(FAST, outbox=50)
    limits = {"message_bytes": 4000, "sends": 10}
    async with raw_server(handler) as url:
        feed = feed_of(lanes, url, timing=timing, limits=limits)
        async with running(feed):
            await until(lambda: len(lanes.made) == 2 and lanes.made[1].live)
            assert feed.health()[0].reconnects == 1
            assert reason in feed.health()[0].last_error
    first = lanes.made[0]
    assert reason in first.reason
    assert first.live == set() and first.calls[-1] == "closed"
    assert first.calls.count("closed") == 1
    line = next(text for text in caplog.messages if "next try in" in text)
    assert line.startswith("tiny #1: ") and reason in line


async def test_nothing_reaches_a_lane_after_its_end() -> None:
    lanes = TinyLanes()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await shake(reader)
        # One write, so that the messages after the poison come out of the same read.
        writer.write(head + frame(b'{"t":"bye"}') + frame(book().encode()) * 3)
        await asyncio.sleep(5)

    async with raw_server(handler) as url, running(feed_of(lanes, url)):
        await until(lambda: len(lanes.reasons) >= 2)
    assert lanes.made[0].calls == ["start", "opened", "received", "closed"]


async def test_a_late_answer_does_not_reach_a_lane_that_has_ended() -> None:
    async def handler(request: web.Request) -> web.Response:
        if request.path == "/again":
            await asyncio.sleep(0.1)
        return web.Response(text="")

    async def stream(ws: ServerConnection) -> None:
        await ws.send('{"t":"reset","m":"A"}')
        await ws.send('{"t":"bye"}')
        await ws.wait_closed()

    lanes = TinyLanes()
    async with (
        server(handler) as rest,
        venue_server(stream) as url,
        running(feed_of(lanes, url, rest=rest)),
    ):
        await until(lambda: len(lanes.reasons) >= 3)
    assert all(lane.calls[-1] == "closed" for lane in lanes.made[:2])


async def test_a_request_that_is_in_flight_is_not_made_twice() -> None:
    asked: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        asked.append(request.path)
        if request.path == "/again":
            await asyncio.sleep(0.1)
        return web.Response(text="")

    async def stream(ws: ServerConnection) -> None:
        for _ in range(5):
            await ws.send('{"t":"reset","m":"A"}')
        await ws.wait_closed()

    lanes = TinyLanes()
    async with (
        server(handler) as rest,
        venue_server(stream) as url,
        running(feed_of(lanes, url, rest=rest)),
    ):
        await until(lambda: lanes.made and "fetched again 200 " in lanes.made[0].calls)
        assert asked == ["/token", "/again"]


@pytest.mark.parametrize("greeting", [b"", frame(book().encode())])
async def test_silence_ends_a_connection(greeting: bytes) -> None:
    lanes = TinyLanes()

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await shake(reader) + greeting)
        while True:  # a heartbeat of the transport is no data
            writer.write(frame(b"", 9))
            await asyncio.sleep(0.05)

    async with raw_server(handler) as url, running(feed_of(lanes, url)):
        await until(lambda: len(lanes.reasons) >= 2)
    assert lanes.reasons[0] == "nothing was received for 0.15 s"


async def test_an_ack_without_data_is_left_to_the_lane_and_silence() -> None:
    async def handler(ws: ServerConnection) -> None:
        await ws.recv()
        await ws.send('{"t":"ack","m":"A"}')
        await ws.wait_closed()

    lanes = TinyLanes()
    async with venue_server(handler) as url, running(feed_of(lanes, url)):
        await until(lambda: len(lanes.reasons) >= 1)
    lane = lanes.made[0]
    assert lane.calls == ["start", "opened", "received", "closed"]
    assert lane.idles >= 5, "the lane's own deadlines are driven all the while"
    assert not lane.proved


async def test_refused_connections_wait_longer_each_time(caplog: pytest.LogCaptureFixture) -> None:
    lanes = TinyLanes()
    url = f"ws://127.0.0.1:{free_port()}/"
    async with running(feed_of(lanes, url)):
        await until(lambda: len(lanes.made) >= 9)
    assert "ConnectionRefusedError" in lanes.reasons[0] or "Connect call" in lanes.reasons[0]
    assert all(lane.calls == ["start", "closed"] for lane in lanes.made[:8])
    assert "(failure 7 in a row)" in caplog.text


async def test_a_connection_that_gives_no_book_never_resets_the_backoff() -> None:
    async def handler(ws: ServerConnection) -> None:
        await ws.send('{"t":"ack","m":"A"}')
        await asyncio.sleep(1.3 * FAST.steady)

    lanes = TinyLanes()
    async with venue_server(handler) as url:
        feed = feed_of(lanes, url)
        async with running(feed):
            (session,) = feed._sessions
            await until(lambda: session._backoff.failures == 4)


async def test_a_book_that_has_stood_resets_the_backoff() -> None:
    lanes = TinyLanes()

    async def handler(ws: ServerConnection) -> None:
        if len(lanes.made) < 4:
            return
        for _ in range(40):
            await ws.send(book())
            await asyncio.sleep(0.02)

    async with venue_server(handler) as url:
        feed = feed_of(lanes, url)
        async with running(feed):
            (session,) = feed._sessions
            await until(lambda: session._backoff.failures == 3)
            await until(lambda: session._backoff.failures == 0)


async def test_an_unknown_host_is_a_line_and_another_try(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    lanes = TinyLanes()
    async with running(feed_of(lanes, "wss://venue.invalid/x")):
        await until(lambda: len(lanes.made) == 2)
    assert caplog.messages[0].startswith(
        "tiny #1: gaierror: [Errno -2] Name or service not known; next try in "
    )


async def test_a_venue_that_asks_for_peace_gets_it(caplog: pytest.LogCaptureFixture) -> None:
    times: list[float] = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await shake(reader)
        times.append(time.monotonic())
        writer.write(b"HTTP/1.1 429 No\r\nRetry-After: 0.4\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    lanes = TinyLanes()
    async with raw_server(handler) as url:
        feed = feed_of(lanes, url, markets="AB", limits={"markets": 1})
        async with running(feed):
            await until(lambda: len(times) >= 3)
    assert times[-1] - times[1] >= 0.35
    assert "HTTP 429" in lanes.reasons[0]


async def test_an_encrypted_venue_does_not_lead_to_an_unencrypted_stream() -> None:
    lanes = TinyLanes()

    class Misled(TinyLanes):
        def lane(self, venue, markets, options):  # type: ignore[no-untyped-def]
            lane = super().lane(venue, markets, msgspec.structs.replace(options, ws="ws://h.test/"))
            lanes.made.append(lane)
            return lane

    async with running(feed_of(Misled(), "wss://h.test/")):
        await until(lambda: lanes.reasons)
    assert lanes.reasons[0] == "ws://h.test/ would be an unencrypted connection"


async def test_connections_are_opened_at_the_venues_pace() -> None:
    lanes = TinyLanes()
    url = f"ws://127.0.0.1:{free_port()}/"
    async with running(
        feed_of(lanes, url, markets="ABCDEFGH", limits={"markets": 1, "connects": 10})
    ):
        await asyncio.sleep(0.3)
    assert len(lanes.made) == 5


async def test_messages_are_sent_at_the_venues_pace() -> None:
    times: list[float] = []

    async def handler(ws: ServerConnection) -> None:
        async for _ in ws:
            times.append(time.monotonic())

    lanes = TinyLanes()
    async with (
        venue_server(handler) as url,
        running(feed_of(lanes, url, markets="ABCD", limits={"sends": 25})),
    ):
        await until(lambda: len(times) == 4)
    assert times[3] - times[0] >= 0.1


async def test_cancellation_ends_within_a_second_whatever_the_venue_does() -> None:
    """``running`` measures it; here the server never answers the close."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await shake(reader) + frame(book().encode()))
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(10)

    lanes = TinyLanes()
    async with raw_server(handler) as url, running(feed_of(lanes, url)) as task:
        await until(lambda: lanes.made and lanes.made[0].live)
    assert task.cancelled()
    assert lanes.made[0].reason == "stopped" and lanes.made[0].live == set()


async def test_cancellation_during_a_closing_handshake_is_not_lost() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await shake(reader))
        await asyncio.sleep(0.05)
        writer.write(frame(b'{"t":"bye"}'))
        await asyncio.sleep(10)

    lanes = TinyLanes()
    async with raw_server(handler) as url, running(feed_of(lanes, url)) as task:
        await until(lambda: lanes.reasons)
    assert task.cancelled()
    assert len(lanes.made) == 1


async def test_a_flood_does_not_starve_the_heartbeat_nor_the_neighbour() -> None:
    lanes = TinyLanes()
    burst = frame(book("A").encode()) * 500

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await shake(reader))
        while True:
            writer.write(burst)
            await writer.drain()
            await asyncio.sleep(0)

    async with (
        raw_server(handler) as loud,
        venue_server(serve_books) as quiet,
        running(feed_of(lanes, loud)),
    ):
        await until(lambda: lanes.made and lanes.made[0].live)
        before = lanes.made[0].idles
        others = TinyLanes()
        async with running(feed_of(others, quiet, markets="B")):
            await until(lambda: others.made and others.made[0].live, 1.0)
        await until(lambda: lanes.made[0].idles - before >= 3, 1.0)


async def test_what_a_venue_says_is_logged_escaped_and_not_without_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)

    async def handler(ws: ServerConnection) -> None:
        for number in range(500):
            await ws.send(json.dumps({"t": "note", "text": f"\x1b[2J{number}\n" + "x" * 500}))
        await ws.send(json.dumps({"t": "refuse", "m": "A", "text": "no such market"}))
        await ws.wait_closed()

    lanes = TinyLanes()
    async with venue_server(handler) as url, running(feed_of(lanes, url)):
        await until(lambda: lanes.made and lanes.made[0].calls.count("received") == 501)
    lines = [text for text in caplog.messages if "x1b" in text]
    assert 1 <= len(lines) <= 40
    assert all("\x1b" not in text and "\n" not in text and len(text) < 300 for text in lines)
