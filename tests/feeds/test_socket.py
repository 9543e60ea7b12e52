"""The WebSocket client against servers that do not mean well."""

import asyncio
import struct
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias

import pytest
from msgspec import Struct
from msgspec.structs import replace
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import InvalidHandshake, InvalidMessage

from scanner.feeds.frames import Run
from scanner.feeds.socket import (
    Receiver,
    Socket,
    SocketError,
    SocketLimits,
    SocketRefused,
    open_socket,
)
from tests.feeds.certificates import contexts
from tests.feeds.server_wire import frame, shake
from tests.feeds.tiny import free_port, raw_server, until, venue_server

LIMITS = SocketLimits(message_bytes=1000, open=0.2, close=0.1, ping=5.0, pong=5.0)

Handler: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Ear:
    """A receiver that notes what it hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def opened(self) -> None:
        self.heard.append("opened")

    def message(self, raw: bytes) -> None:
        self.heard.append(raw.decode())

    def messages(self, run: Run) -> None:
        for raw in run:
            self.message(raw)

    def ended(self, reason: str) -> None:
        self.heard.append(f"ended: {reason}")


class Way(Struct, frozen=True):
    """A way to connect: whose client, and encrypted or not."""

    plain: bool
    encrypted: bool

    def __str__(self) -> str:
        client = "websockets" if self.plain else "direct"
        return f"{client}-{'tls' if self.encrypted else 'tcp'}"

    async def open(self, url: str, receiver: Receiver, limits: SocketLimits = LIMITS) -> Socket:
        trust = contexts()[1] if self.encrypted else None
        return await open_socket(url, receiver, limits, tls=trust, plain=self.plain)

    def venue_server(
        self, handler: Callable[[ServerConnection], Awaitable[None]]
    ) -> AbstractAsyncContextManager[str]:
        return venue_server(handler, contexts()[0] if self.encrypted else None)

    def raw_server(self, handler: Handler) -> AbstractAsyncContextManager[str]:
        return raw_server(handler, contexts()[0] if self.encrypted else None)


WAYS = [Way(plain, encrypted) for plain in (False, True) for encrypted in (False, True)]


@pytest.fixture(params=WAYS, ids=str)
def way(request: pytest.FixtureRequest) -> Way:
    assert isinstance(request.param, Way)
    return request.param


async def test_text_binary_and_fragments_arrive_whole_and_in_order(way: Way) -> None:
    async def handler(ws: ServerConnection) -> None:
        await ws.send("one")
        await ws.send(b"two")
        await ws.send(["th", "", "ree"])
        await ws.send("four")
        await ws.wait_closed()

    ear = Ear()
    async with way.venue_server(handler) as url:
        socket = await way.open(url, ear)
        await until(lambda: len(ear.heard) == 5)
        await socket.close()
    assert ear.heard[:5] == ["opened", "one", "two", "three", "four"]


async def test_nothing_that_came_before_a_close_frame_is_lost(way: Way) -> None:
    sent = [f"{i}" for i in range(6_000)]
    data = b"".join(frame(text.encode()) for text in sent) + frame(b"", 8)

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await shake(reader))
        await asyncio.sleep(0.05)
        writer.write(data)
        await asyncio.sleep(10)

    ear = Ear()
    async with way.raw_server(handler) as url:
        socket = await way.open(url, ear)
        await until(lambda: ear.heard[-1].startswith("ended"))
        await socket.close()
    assert ear.heard[1:-1] == sent


async def test_what_is_sent_arrives(way: Way) -> None:
    got: list[object] = []

    async def handler(ws: ServerConnection) -> None:
        got.append(await ws.recv())
        got.append(ws.request.headers.get("Sec-WebSocket-Extensions") if ws.request else "?")

    async with way.venue_server(handler) as url:
        socket = await way.open(url, Ear())
        await socket.send('{"op":"subscribe"}')
        await until(lambda: len(got) == 2)
        await socket.close()
    assert got == ['{"op":"subscribe"}', None]


async def test_opened_comes_before_messages_that_came_with_the_handshake(way: Way) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await shake(reader) + frame(b"early") + frame(b"\x03\xe9bye", 8))
        await writer.drain()
        await asyncio.sleep(10)

    ear = Ear()
    async with way.raw_server(handler) as url:
        socket = await way.open(url, ear)
        await until(lambda: len(ear.heard) == 3)
        await socket.close()
    assert ear.heard == ["opened", "early", "ended: closed by the venue: 1001 (going away) bye"]


async def test_a_close_frame_ends_at_once_though_the_socket_stays_open(
    way: Way,
) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await shake(reader))
        await asyncio.sleep(0.05)
        writer.write(frame(b"last") + frame(b"", 8) + frame(b"after the end"))
        await asyncio.sleep(10)

    ear = Ear()
    async with way.raw_server(handler) as url:
        socket = await way.open(url, ear)
        began = time.monotonic()
        await until(lambda: len(ear.heard) == 3)
        assert time.monotonic() - began < 0.15
        await socket.close()
        assert time.monotonic() - began < 0.5
    assert ear.heard[1] == "last"
    assert ear.heard[2].startswith("ended: closed by the venue: 1005")


async def test_an_oversized_frame_ends_at_once(way: Way) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Only the head: the size is enough to know.
        writer.write(await shake(reader) + frame(b"ok") + struct.pack("!BBQ", 0x81, 127, 1 << 40))
        await asyncio.sleep(10)

    ear = Ear()
    async with way.raw_server(handler) as url:
        socket = await way.open(url, ear)
        await until(lambda: len(ear.heard) == 3)
        await socket.close()
    assert ear.heard[1] == "ok"
    assert "exceeds limit of 1000 bytes" in ear.heard[2]


async def test_fragments_are_limited_together(way: Way) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await shake(reader) + frame(b"x" * 600, fin=False) + frame(b"x" * 600, 0))
        await asyncio.sleep(10)

    ear = Ear()
    async with way.raw_server(handler) as url:
        socket = await way.open(url, ear)
        await until(lambda: len(ear.heard) == 2)
        await socket.close()
    assert "exceeds" in ear.heard[1] or "limit" in ear.heard[1]


async def test_endless_empty_fragments_end_the_connection(way: Way) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await shake(reader))
        await asyncio.sleep(0.05)
        pieces = frame(b"", fin=False) + frame(b"", 0, False) * 5000 + frame(b"", 0)
        writer.write(pieces + frame(b"late"))
        await asyncio.sleep(10)

    ear = Ear()
    async with way.raw_server(handler) as url:
        socket = await way.open(url, ear)
        await until(lambda: len(ear.heard) == 2)
        await asyncio.sleep(0.05)
        await socket.close()
    assert len(ear.heard) == 2
    assert "4096 fra" in ear.heard[1]


async def test_a_broken_stream_ends_at_once(way: Way) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await shake(reader) + frame(b"ok") + b"\xff\xff\xff\xff")
        await asyncio.sleep(10)

    ear = Ear()
    async with way.raw_server(handler) as url:
        socket = await way.open(url, ear)
        await until(lambda: len(ear.heard) == 3)
        await socket.close()
    assert ear.heard[2].startswith("ended: broken WebSocket stream: ")


async def test_a_lost_socket_ends_once(way: Way) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await shake(reader) + frame(b"ok"))
        await writer.drain()
        writer.transport.abort()

    ear = Ear()
    async with way.raw_server(handler) as url:
        socket = await way.open(url, ear)
        await until(lambda: len(ear.heard) == 3)
        await socket.close()
    assert [text[:22] for text in ear.heard] == ["opened", "ok", "ended: connection lost"]


async def test_a_server_that_answers_no_ping_is_left(way: Way) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await shake(reader))
        await asyncio.sleep(10)

    ear = Ear()
    limits = replace(LIMITS, ping=0.1, pong=0.1)
    async with way.raw_server(handler) as url:
        socket = await way.open(url, ear, limits)
        await until(lambda: len(ear.heard) == 2)
        await socket.close()
    assert "keepalive ping timeout" in ear.heard[1] or "timed out" in ear.heard[1]


async def test_closing_is_bounded_though_the_server_reads_nothing(way: Way) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await shake(reader))
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(10)

    async with way.raw_server(handler) as url:
        socket = await way.open(url, Ear())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                while True:
                    await socket.send("x" * 1_000_000)
        began = time.monotonic()
        await socket.close()
        assert time.monotonic() - began < 0.5


async def test_a_refused_connection(way: Way) -> None:
    with pytest.raises(OSError, match=r"Connect call failed|Connection refused"):
        await way.open(f"ws://127.0.0.1:{free_port()}/", Ear())


async def test_a_slow_loris_is_left_in_time(way: Way) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for byte in await shake(reader):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.05)

    ear = Ear()
    began = time.monotonic()
    async with way.raw_server(handler) as url:
        with pytest.raises(SocketError, match=r"no handshake within 0\.2 s"):
            await way.open(url, ear)
    assert time.monotonic() - began < 0.6
    assert ear.heard == []


async def test_a_server_that_speaks_something_else(way: Way) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await shake(reader)
        writer.write(b"220 mail.example ESMTP\r\n\r\n")
        await writer.drain()

    async with way.raw_server(handler) as url:
        with pytest.raises(InvalidMessage):
            await way.open(url, Ear())


async def test_tls_is_not_forgiven() -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"this is no TLS")
        await asyncio.sleep(1)

    async with raw_server(handler) as url:
        with pytest.raises(OSError, match=r"SSL|record layer|wrong version"):
            await open_socket(url.replace("ws://", "wss://"), Ear(), LIMITS)


async def test_a_wrong_accept_key_is_refused(way: Way) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answer = await shake(reader)
        writer.write(answer.replace(b"Accept: ", b"Accept: x") + frame(b"trust me"))
        await asyncio.sleep(1)

    ear = Ear()
    async with way.raw_server(handler) as url:
        with pytest.raises(InvalidHandshake):
            await way.open(url, ear)
    assert ear.heard == []


async def test_a_refusal_tells_how_long_to_stay_away(way: Way) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await shake(reader)
        writer.write(b"HTTP/1.1 429 Slow Down\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async with way.raw_server(handler) as url:
        with pytest.raises(SocketRefused) as caught:
            await way.open(url, Ear())
    assert (caught.value.status, caught.value.retry_after) == (429, "7")


async def test_a_redirect_is_not_followed(way: Way) -> None:
    visited: list[bool] = []

    async def elsewhere(ws: ServerConnection) -> None:
        visited.append(True)

    async with way.venue_server(elsewhere) as other:

        async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await shake(reader)
            head = f"HTTP/1.1 302 Found\r\nLocation: {other}\r\nContent-Length: 0\r\n\r\n"
            writer.write(head.encode())
            await writer.drain()

        async with way.raw_server(handler) as url:
            with pytest.raises(SocketRefused, match="302"):
                await way.open(url, Ear())
    assert visited == []


async def test_no_address_shows_its_token() -> None:
    with pytest.raises(SocketError) as caught:
        await open_socket("https://h/x?token=secret", Ear(), LIMITS)
    assert "secret" not in str(caught.value)


async def test_no_proxy_stands_before_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    for name in ("http_proxy", "https_proxy", "ws_proxy", "all_proxy"):
        monkeypatch.setenv(name, dead)

    async def handler(ws: ServerConnection) -> None:
        await ws.wait_closed()

    ear = Ear()
    async with venue_server(handler) as url:
        socket = await open_socket(url, ear, LIMITS)
        await socket.close()
    assert ear.heard[0] == "opened"


async def test_a_proxy_from_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n"))
        writer.write(b"HTTP/1.1 502 No\r\n\r\n")
        await writer.drain()

    async with raw_server(proxy) as url:
        monkeypatch.setenv("https_proxy", url.replace("ws://", "http://").removesuffix("/x"))
        monkeypatch.setenv("no_proxy", "")
        with pytest.raises(InvalidHandshake):
            await open_socket("wss://venue.invalid/stream", Ear(), LIMITS)
    assert asked == [b"CONNECT venue.invalid:443 HTTP/1.1\r\n"]
