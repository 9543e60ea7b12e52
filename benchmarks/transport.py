"""What it costs to take a message off a WebSocket: our transport beside others.

CPU of the client's process for each message, at full speed and at 4,000 a second, plain and over
TLS, on uvloop and (but for in haste) asyncio's own loop. Rounds take turns, so that ratios are of
one run. ``picows``, ``aiohttp`` and ``aiofastnet`` take part where they are installed.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from functools import partial
from importlib.util import find_spec
from typing import TypeAlias

import uvloop
from websockets.client import ClientProtocol
from websockets.uri import parse_uri

from benchmarks.rows import Asked, Row, in_turn, rows
from benchmarks.wire_source import source
from scanner.feeds.direct import Direct
from scanner.feeds.frames import Run
from scanner.feeds.socket import SocketLimits, open_socket
from tests.feeds.certificates import contexts

LIMITS = SocketLimits(message_bytes=1 << 20, open=5.0, close=0.5, ping=60.0, pong=60.0)

Client: TypeAlias = Callable[[str, int, ssl.SSLContext | None], Awaitable[float]]
"""Takes ``count`` messages from an address; seconds of CPU from the handshake to the last."""


class Counter:
    """A receiver that counts; ``copies``: and makes an object of every message."""

    def __init__(self, count: int, copies: bool) -> None:
        self._left = count
        self._copies = copies
        self.done: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def opened(self) -> None:
        self._began = time.process_time()

    def message(self, raw: bytes) -> None:
        self._took(1)

    def messages(self, run: Run) -> None:
        if self._copies:
            for _ in run:
                pass
        self._took(run.count)

    def ended(self, reason: str) -> None:
        if not self.done.done():
            self.done.set_exception(ConnectionError(reason))

    def _took(self, count: int) -> None:
        self._left -= count
        if self._left <= 0 and not self.done.done():
            self.done.set_result(time.process_time() - self._began)


async def ours(
    url: str, count: int, tls: ssl.SSLContext | None, *, copies: bool = False, plain: bool = False
) -> float:
    counter = Counter(count, copies)
    connected = await open_socket(url, counter, LIMITS, tls=tls, plain=plain)
    spent = await counter.done
    await connected.close()
    return spent


async def ours_on_aiofastnet(url: str, count: int, tls: ssl.SSLContext | None) -> float:
    import aiofastnet

    counter = Counter(count, False)
    address = parse_uri(url)
    protocol = ClientProtocol(address, max_size=LIMITS.message_bytes)
    _, connection = await aiofastnet.create_connection(
        asyncio.get_running_loop(),
        lambda: Direct(protocol, counter, LIMITS),
        address.host,
        address.port,
        ssl=tls,
        server_hostname=address.host if tls else None,
    )
    spent = await counter.done
    connection.abort()
    return spent


async def picows(url: str, count: int, tls: ssl.SSLContext | None) -> float:
    import picows as library

    done: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    class Listener(library.WSListener):
        left = count

        def on_ws_connected(self, transport: library.WSTransport) -> None:
            self.began = time.process_time()

        def on_ws_frame(self, transport: library.WSTransport, frame: library.WSFrame) -> None:
            frame.get_payload_as_bytes()
            self.left -= 1
            if not self.left:
                done.set_result(time.process_time() - self.began)

    transport, _ = await library.ws_connect(Listener, url, ssl_context=tls)
    spent = await done
    transport.disconnect()
    return spent


async def aiohttp(url: str, count: int, tls: ssl.SSLContext | None) -> float:
    import aiohttp as library

    async with (
        library.ClientSession() as session,
        session.ws_connect(url, compress=0, ssl=tls or True) as stream,
    ):
        began = time.process_time()
        left = count
        async for _ in stream:
            left -= 1
            if not left:
                break
        return time.process_time() - began


SUBJECTS: dict[str, Client] = {
    "ours": ours,
    "ours, bytes of each": partial(ours, copies=True),
    "websockets": partial(ours, plain=True),
}
OPTIONAL: dict[str, Client] = {
    "picows": picows,
    "aiohttp": aiohttp,
    "ours on aiofastnet": ours_on_aiofastnet,
}
MODULES = {"picows": "picows", "aiohttp": "aiohttp", "ours on aiofastnet": "aiofastnet"}
OURS = "ours (uvloop)"
LOOPS = ("uvloop", "asyncio")
SLOW = {"websockets", "aiohttp"}


def spent(loop: str, client: Client, url: str, count: int, tls: ssl.SSLContext | None) -> float:
    """us of CPU a message."""
    factory = uvloop.new_event_loop if loop == "uvloop" else asyncio.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:

        async def bounded() -> float:
            return await asyncio.wait_for(client(url, count, tls), 60)

        return runner.run(bounded()) / count * 1e6


def run(asked: Asked) -> Iterator[Row]:
    """A case for each way of sending and each kind of connection."""
    subjects = SUBJECTS | {k: v for k, v in OPTIONAL.items() if find_spec(MODULES[k])}
    with ExitStack() as stack:
        server, client = contexts()
        ports = {
            "plain": stack.enter_context(source(None)),
            "tls": stack.enter_context(source(server)),
        }
        for mode in ("blast", "paced"):
            for kind, port in ports.items():
                url = f"{'wss' if kind == 'tls' else 'ws'}://127.0.0.1:{port}/{mode}"
                tls = client if kind == "tls" else None
                measures: dict[str, Callable[[], float]] = {}
                for name, take in subjects.items():
                    for loop in LOOPS[: 1 if asked.quick else None]:
                        count = _count(name, mode, asked)
                        asks = f"{url}?count={count}&size=200&rate=4000"
                        measures[f"{name} ({loop})"] = partial(spent, loop, take, asks, count, tls)
                found = in_turn(measures, 1 if asked.quick else asked.rounds)
                yield from rows("transport", f"{mode} {kind}", "us/message", found, OURS)


def _count(name: str, mode: str, asked: Asked) -> int:
    if mode == "paced":
        return 1_000 if asked.quick else 8_000
    return (20_000 if name in SLOW else 200_000) // (8 if asked.quick else 1)
