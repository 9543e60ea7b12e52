"""TCP connections: names, addresses, and nothing that holds up the end."""

import asyncio
import socket
import threading
import time

import pytest

from scanner.feeds import dial
from tests.feeds.tiny import free_port, raw_server

INET = (socket.AF_INET, socket.SOCK_STREAM, 6, "")


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"hello")
    await writer.drain()


async def test_a_numeric_address_needs_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dial, "Thread", None)
    assert (await dial.look_up("127.0.0.1", 80))[0][4] == ("127.0.0.1", 80)
    assert (await dial.look_up("::1", 80))[0][4][:2] == ("::1", 80)


async def test_the_next_address_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    async with raw_server(greet) as url:
        port = int(url.rsplit(":")[-1].removesuffix("/x"))
        found = [(*INET, ("127.0.0.1", free_port())), (*INET, ("127.0.0.1", port))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        connected = await dial.dial("venue.invalid", 1, 1.0)
        assert await asyncio.get_running_loop().sock_recv(connected, 10) == b"hello"
        connected.close()


async def test_an_address_that_does_not_answer_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        held = [socket.socket() for _ in range(4)]
        for one in held:  # the queue of a server that accepts nobody
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        with pytest.raises(OSError, match=r"no answer from 127.0.0.1 within 0.1 s"):
            await dial.dial("127.0.0.1", full.getsockname()[1], 0.1)
        for one in held:
            one.close()


async def test_an_unknown_host(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError, match="no host name"):
        await dial.look_up("x" * 64 + ".invalid", 1)

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(socket.gaierror, match="not known"):
        await dial.look_up("venue.invalid", 1)


async def test_a_resolver_that_does_not_answer_holds_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    free = threading.Event()

    def stuck(host: str, port: int, flags: int) -> dial.Found:
        if flags:
            raise socket.gaierror
        free.wait(5)
        return []

    monkeypatch.setattr(dial, "_ask", stuck)
    task = asyncio.create_task(dial.dial("venue.invalid", 1, 1.0))
    await asyncio.sleep(0.02)
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < 0.2
    assert all(thread.daemon for thread in threading.enumerate() if "look up" in thread.name)
    free.set()
