"""The lab's server: every simulated venue on one port of the loopback interface.

A venue is mounted under ``/<ccxt id>/``; a WebSocket upgrade goes to its ``connect``, any other
request to its ``rest``. Clients are not trusted: what they send is bounded, those that read too
slowly are cut off, and requests that a web page of another origin makes are refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from aiohttp import WSMsgType, web

from scanner.lab.book import LabBook
from scanner.lab.client import Client
from scanner.lab.seam import LabVenue, Reply, Request, VenueWorld
from scanner.lab.truth import Truth
from scanner.lab.venues import lab_venue
from scanner.lab.world import World

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
TICK = 0.010
# What a book would do more often than this in one tick never happens. At the lab's normal rate none
# does, also where a tick comes some 40 ms late.
MOST_MOVES = 6
# Seconds at a stretch in which nobody who asks is answered; what is spared for them after a tick,
# a share of what it took.
LONGEST = 0.005
SPARED = 0.2
CLOSE_WITHIN = 1.0
MOST_CLIENTS = 1000
LARGEST_MESSAGE = 1 << 20
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Clock:
    """Nanoseconds since the epoch that only move forward."""

    def __init__(self) -> None:
        # The largest of some: this thread may lose its turn between the two.
        self._epoch = max(time.time_ns() - time.monotonic_ns() for _ in range(9))

    def __call__(self) -> int:
        return self._epoch + time.monotonic_ns()


class LabServer:
    """Serves the venues of ``world``, and ``others`` (recordings) under their own ids.

    An async context manager; entering it raises OSError when the port is taken or the truth cannot
    be written. ``port`` 0 takes any free one.
    """

    def __init__(
        self,
        world: World | None = None,
        *,
        others: Mapping[str, tuple[VenueWorld, LabVenue]] | None = None,
        port: int = 0,
        truth: Path | None = None,
        clock: Callable[[], int] | None = None,
    ) -> None:
        self.world = world
        self.clock = clock or Clock()
        self.port = port
        self._worlds: dict[str, VenueWorld] = dict(world.venues) if world else {}
        self._venues = {name: lab_venue(name)(of) for name, of in self._worlds.items()}
        self._others = dict(others or {})
        for name, (of, venue) in self._others.items():
            self._worlds[name], self._venues[name] = of, venue
        self._truth_path = truth
        self._truth: Truth | None = None
        self._clients: set[Client] = set()
        self._silent: set[str] = set()
        self._frozen = False
        self._runner: web.ServerRunner | None = None
        self._ticking: asyncio.Task[None] | None = None

    @property
    def venues(self) -> Sequence[str]:
        """The ids of the venues served."""
        return tuple(self._venues)

    @property
    def clients(self) -> int:
        """How many WebSocket clients are connected."""
        return len(self._clients)

    @property
    def recorded(self) -> list[str]:
        """The unified symbols of the recordings served."""
        books = (book for name in self._others for book in self._worlds[name].books.values())
        return sorted({book.market.symbol for book in books})

    def trades_both(self, venue: str) -> bool:
        """The venue trades coins and contracts."""
        return bool(self._worlds[venue].books and self._worlds[venue].contracts)

    def url(self, venue: str) -> str:
        """The base of the venue's REST interface, without trailing slash."""
        return f"http://{HOST}:{self.port}/{venue}"

    def ws(self, venue: str) -> str:
        """The base of the venue's WebSocket addresses, without trailing slash."""
        return f"ws://{HOST}:{self.port}/{venue}"

    def book(self, venue: str, symbol: str) -> LabBook:
        """The true book of a unified symbol. Raises KeyError where the venue does not list it."""
        return self._worlds[venue].book(symbol)

    def freeze(self) -> None:
        """Stop the market; connections go on, so clients catch up with the books as they stand."""
        self._frozen = True

    def thaw(self) -> None:
        """Let the market run again."""
        self._frozen = False

    def silence(self, venue: str, silent: bool = True) -> None:
        """A fault: the connections of ``venue`` stay open and say nothing more (or again do)."""
        (self._silent.add if silent else self._silent.discard)(venue)

    def drop(self, venue: str) -> None:
        """A fault: cut every connection of ``venue`` without a closing handshake."""
        for client in [client for client in self._clients if client.venue == venue]:
            client.abort()

    async def __aenter__(self) -> Self:
        server = web.Server(self._handle, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=1.0)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, HOST, self.port, backlog=512).start()
            self.port = self._runner.addresses[0][1]
            self._open_truth()
        except BaseException:
            await self._runner.cleanup()
            raise
        for name, of in self._worlds.items():
            of.base_url, of.ws_url = self.url(name), self.ws(name)
        self._ticking = asyncio.create_task(self._run(), name="lab market")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._ticking is not None:
            self._ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticking
        for client in list(self._clients):
            client.abort()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._truth is not None:
            self._truth.close()

    def _open_truth(self) -> None:
        if self._truth_path is not None and self.world is not None:
            self._truth = Truth(self._truth_path)
            self._truth.write(self.clock(), self.world.books())

    async def _run(self) -> None:
        """The market and everything the venues push, tick by tick. Where that is more than can be
        done, ticks come later: a share of the time stays for what clients ask."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            began = loop.time()
            await self._tick(self.clock(), loop)
            ended = loop.time()
            due = max(due + TICK, ended + (ended - began) * SPARED)
            await asyncio.sleep(due - ended)

    async def _tick(self, at: int, loop: asyncio.AbstractEventLoop) -> None:
        if self.world is not None and not self._frozen:
            changed = self.world.advance(at, MOST_MOVES)
            if self._truth is not None:
                self._truth.write(at, changed)
        since = loop.time()
        for client in list(self._clients):
            if client.venue not in self._silent:
                client.due(self.clock())
            if loop.time() - since > LONGEST:
                await asyncio.sleep(0)  # who asks meanwhile does not wait for all
                since = loop.time()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if not _from_here(request):
            return web.Response(status=403, text="requests from loopback addresses only\n")
        _, name, *rest = request.path.split("/", 2)
        venue = self._venues.get(name)
        if venue is None:
            names = ", ".join(self._venues)
            return web.Response(status=404, text=f"no such venue; here are: {names}\n")
        path = "/" + "".join(rest)
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._converse(request, name, venue, path)
        asked = Request(
            request.method,
            path,
            dict(request.query),
            {key.lower(): value for key, value in request.headers.items()},
            await request.read(),
        )
        try:
            return _response(venue.rest(asked, self.clock()))
        except Exception:
            log.exception("lab venue %s failed on %s %s", name, asked.method, asked.path)
            return web.Response(status=500)

    async def _converse(
        self, request: web.BaseRequest, name: str, venue: LabVenue, path: str
    ) -> web.StreamResponse:
        if len(self._clients) >= MOST_CLIENTS:
            return web.Response(status=503, text="too many connections\n")
        try:
            connection = venue.connect(path, dict(request.query), self.clock())
        except Exception:
            log.exception("lab venue %s failed on a connection to %s", name, path)
            return web.Response(status=500)
        if isinstance(connection, Reply):
            return _response(connection)
        socket = web.WebSocketResponse(
            autoping=False, compress=False, max_msg_size=LARGEST_MESSAGE, timeout=CLOSE_WITHIN
        )
        await socket.prepare(request)
        client = Client(name, connection, socket, request.transport)
        self._clients.add(client)
        writing = asyncio.create_task(client.write())
        try:
            client.opened(self.clock())
            async for message in socket:
                if message.type is WSMsgType.PING:
                    await socket.pong(message.data)
                elif not client.received(message.type, message.data, self.clock()):
                    break
        except ConnectionError:
            log.debug("a client of %s is gone", name)
        finally:
            self._clients.discard(client)
            if client.closing:
                await asyncio.wait({writing}, timeout=CLOSE_WITHIN)
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)
        return socket


def _from_here(request: web.BaseRequest) -> bool:
    """Whether a program of this machine asks, rather than a page in its browser."""
    if urlsplit(f"//{request.host}").hostname not in LOOPBACK:
        return False
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).hostname in LOOPBACK


def _response(reply: Reply) -> web.Response:
    headers = {"Content-Type": "application/json", **reply.headers}
    return web.Response(status=reply.status, body=reply.body.encode(), headers=headers)
