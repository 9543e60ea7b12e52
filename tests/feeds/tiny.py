"""A venue as small as can be, its lane, and a place to be it: what the tests of the feeds talk to.

The stream: ``{"t":"sub","m":"A"}`` asks for a market; ``{"t":"ack","m":"A"}`` answers;
``{"t":"book","m":"A"}`` is a valid book; ``bye``, ``note``, ``reset``, ``refuse``, ``bug`` do as
their names say.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from random import Random

import msgspec
from websockets.asyncio.server import ServerConnection, serve

from scanner.feeds.feed import Feed, socket_feed
from scanner.feeds.shell import Shell, Timing
from scanner.steps import Ack, Connect, Fetch, Notice, Reconnect, Refused, Reset, Send, Step
from scanner.types import Depth, Market, Proof
from scanner.venues.frames import messages
from scanner.venues.protocol import Limits, Options, Venue

FAST = Timing(
    start=0.2,
    open=0.3,
    first=0.15,
    silence=0.15,
    beat=0.02,
    ping=5.0,
    pong=5.0,
    send=0.5,
    fetch=0.3,
    close=0.08,
    retry_first=0.01,
    retry_cap=0.05,
    steady=0.1,
)


class _Message(msgspec.Struct):
    t: str
    m: str = ""
    text: str = ""


class TinyLane:
    """What a lane does, recorded. ``live`` are the markets whose books may be used."""

    def __init__(self, markets: Sequence[Market], options: Options) -> None:
        self._markets = [market.id for market in markets]
        self._options = options
        self.live: set[str] = set()
        self.calls: list[str] = []
        self.proved = False
        self.reason = ""
        self.idles = 0
        self.on_closed: Callable[[], None] = lambda: None

    def start(self, at: int) -> Sequence[Step]:
        self.calls.append("start")
        if self._options.rest:
            return [Fetch("token", f"{self._options.rest}/token", "POST")]
        return [Connect(self._options.ws)]

    def opened(self, at: int) -> Sequence[Step]:
        self.calls.append("opened")
        return [Send(json.dumps({"t": "sub", "m": market})) for market in self._markets]

    def received(self, raw: bytes, at: int) -> Sequence[Step]:
        self.calls.append("received")
        message = msgspec.json.decode(raw, type=_Message)
        match message.t:
            case "book":
                self.live.add(message.m)
                self.proved = True
                return ()
            case "ack":
                return [Ack(message.m)]
            case "bye":
                return [Reconnect("the venue says goodbye")]
            case "note":
                return [Notice(message.text)]
            case "reset":
                self.live.discard(message.m)
                return [Reset(message.m, "gap"), Fetch("again", f"{self._options.rest}/again")]
            case "refuse":
                return [Refused(message.m, message.text)]
            case "flood":
                return [Send("x")] * 100
        raise RuntimeError("a bug in the protocol")

    def received_many(
        self, buffer: int, starts: int, ends: int, count: int, at: int
    ) -> Sequence[Step]:
        steps: list[Step] = []
        for raw in messages(buffer, starts, ends, count):
            steps += self.received(raw, at)
            if any(isinstance(step, Reconnect) for step in steps):
                break
        return steps

    def fetched(self, tag: str, status: int, body: bytes, at: int) -> Sequence[Step]:
        self.calls.append(f"fetched {tag} {status} {body.decode()}")
        return [Connect(self._options.ws)] if tag == "token" and status == 200 else ()

    def idle(self, at: int) -> Sequence[Step]:
        self.idles += 1
        return ()

    def proven(self) -> dict[str, int]:
        return {}

    def closed(self, reason: str, at: int) -> None:
        self.calls.append("closed")
        self.reason = reason
        self.live.clear()
        self.on_closed()


class TinyLanes:
    """Hands out lanes and keeps them."""

    def __init__(self) -> None:
        self.made: list[TinyLane] = []

    def lane(self, venue: Venue, markets: Sequence[Market] | None, options: Options) -> TinyLane:
        lane = TinyLane(markets or (), options)
        self.made.append(lane)
        return lane

    @property
    def reasons(self) -> list[str]:
        return [lane.reason for lane in self.made if lane.reason]


def market(name: str) -> Market:
    return Market(venue="tiny", id=name, symbol=f"{name}/X", base=name, quote="X", taker_fee=0.001)


def tiny(limits: Mapping[str, float]) -> Venue:
    given = {"markets": 10, "sends": 1000, "connects": 100_000, "fetches": 1000, **limits}
    return Venue(
        id="tiny",
        name="Tiny",
        rest="",
        ws="",
        make=lambda markets, options: None,  # type: ignore[arg-type, return-value]
        limits=msgspec.convert(given, Limits),
        proof={Depth.TOP: Proof.NONE},
        channels={Depth.TOP: "all"},
    )


def shell(timing: Timing = FAST, seed: int = 1) -> Shell:
    return Shell(now=time.time_ns, rng=Random(seed), timing=timing)


def feed_of(
    lanes: TinyLanes,
    ws: str,
    *,
    rest: str = "",
    markets: Sequence[str] = ("A",),
    timing: Timing = FAST,
    limits: Mapping[str, float] | None = None,
) -> Feed:
    options = Options(depth=Depth.TOP, rest=rest, ws=ws)
    named = [market(name) for name in markets]
    return socket_feed(tiny(limits or {}), named, options, lanes, shell(timing))


@asynccontextmanager
async def running(feed: Feed) -> AsyncIterator[asyncio.Task[None]]:
    """The feed at work; cancelled at the end, which must not take longer than a program may."""
    task = asyncio.create_task(feed.run())
    try:
        yield task
    finally:
        began = time.monotonic()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert time.monotonic() - began < 5.0


async def until(condition: Callable[[], object], seconds: float = 3.0) -> None:
    """Wait for ``condition``, which must come true."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def venue_server(
    handler: Callable[[ServerConnection], Awaitable[None]],
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[str]:
    """A WebSocket server on loopback; yields its address."""
    async with serve(handler, "127.0.0.1", 0, close_timeout=0.1, ssl=tls) as server:
        yield _address(server.sockets[0].getsockname()[1], tls)


@asynccontextmanager
async def raw_server(
    handler: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[str]:
    """A server that speaks whatever the handler writes."""
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await handler(reader, writer)
        except (asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=tls)
    try:
        yield _address(server.sockets[0].getsockname()[1], tls)
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _address(port: int, tls: ssl.SSLContext | None) -> str:
    return f"{'wss' if tls else 'ws'}://127.0.0.1:{port}/x"


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def book(name: str = "A") -> str:
    return json.dumps({"t": "book", "m": name})
