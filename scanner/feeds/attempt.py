"""One try at a WebSocket connection, from the venue's first answer to the end."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from msgspec import Struct

from scanner.feeds.backoff import Backoff
from scanner.feeds.driver import Deed, Driver
from scanner.feeds.health import ConnectionState, Meter
from scanner.feeds.notices import Notices, describe
from scanner.feeds.outbox import Outbox
from scanner.feeds.pacing import Bucket, Pace, Pause, refusal
from scanner.feeds.rest import Fetcher
from scanner.feeds.shell import Lane, Shell
from scanner.feeds.socket import Socket, SocketError, SocketLimits, SocketRefused
from scanner.feeds.urls import is_loopback, shown
from scanner.steps import Connect, Fetch, Send
from scanner.venues.protocol import Limits

if TYPE_CHECKING:
    from scanner.feeds.frames import Run

log = logging.getLogger(__name__)


class Line(Struct, frozen=True, kw_only=True):
    """What all connections of a venue share. ``plain``: the configured stream is unencrypted, so
    that an unencrypted address out of a venue's answer is no step down."""

    shell: Shell
    limits: Limits
    fetcher: Fetcher
    pause: Pause
    notices: Notices
    plain: bool


class Attempt:
    """Joins a lane to a socket. It is the socket's ``Receiver``."""

    def __init__(self, lane: Lane, line: Line, meter: Meter, backoff: Backoff) -> None:
        self._line = line
        self._meter = meter
        self._timing = line.shell.timing
        self._driver = Driver(
            lane,
            line.shell,
            meter=meter,
            notices=line.notices,
            backoff=backoff,
            carry_out=self._carry_out,
        )
        self._url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._outbox = Outbox(self._timing.outbox)
        self._fetching: set[tuple[str, str]] = set()
        self._pace = Pace(Bucket(line.limits.sends), line.shell.now)

    async def run(self) -> str:
        """Live until the end; why it came."""
        return await self._driver.live(self._converse())

    def opened(self) -> None:
        """The handshake is done."""
        at = self._line.shell.now()
        self._meter.enter(ConnectionState.OPEN, at)
        self._line.shell.tell(self._meter.event("connected", at))
        log.info("%s: connected, %d markets", self._meter.name, self._meter.markets)
        self._driver.opened()

    def message(self, raw: bytes) -> None:
        """One message came."""
        self._driver.received(raw)

    def messages(self, run: Run) -> None:
        """Messages came with one read."""
        self._driver.received_many(run)

    def ended(self, reason: str) -> None:
        """The connection is over."""
        self._driver.end(reason)

    async def _converse(self) -> None:
        try:
            socket = await self._open()
        except SocketRefused as error:
            self._obey(error)
            self._driver.end(str(error))
            return
        except Exception as error:
            self._driver.end(str(error) if isinstance(error, SocketError) else describe(error))
            return
        try:
            await self._send_all(socket)
        except Exception as error:
            self._driver.end(f"sending failed: {describe(error)}")
        finally:
            await socket.close()

    async def _open(self) -> Socket:
        self._driver.start()
        try:
            async with asyncio.timeout(self._timing.start):
                url = await self._url
        except TimeoutError:
            raise SocketError(f"no address to connect to within {self._timing.start:g} s") from None
        if not (self._line.plain or url.startswith("wss://") or is_loopback(url)):
            raise SocketError(f"{shown(url)} would be an unencrypted connection")
        return await self._line.shell.open_socket(url, self, self._limits())

    async def _send_all(self, socket: Socket) -> None:
        async def send(text: str) -> None:
            async with asyncio.timeout(self._timing.send):
                await socket.send(text)

        await self._outbox.drain(self._pace, send)

    def _limits(self) -> SocketLimits:
        return SocketLimits(
            message_bytes=self._line.limits.message_bytes,
            open=self._timing.open,
            close=self._timing.close,
            ping=self._timing.ping,
            pong=self._timing.pong,
        )

    def _carry_out(self, deed: Deed) -> None:
        match deed:
            case Send(text, heartbeat):
                self._send(text, heartbeat)
            case Fetch() if (deed.tag, deed.url) not in self._fetching:
                self._fetching.add((deed.tag, deed.url))
                self._driver.spawn(self._fetch(deed))
            case Connect(url) if not self._url.done():
                self._url.set_result(url)

    def _send(self, text: str, heartbeat: bool) -> None:
        if not self._outbox.put(text, heartbeat):
            self._driver.end(f"more than {self._timing.outbox} messages wait to be sent")

    async def _fetch(self, request: Fetch) -> None:
        # One request that is asked for twice is made once: its answer serves both.
        answer = await self._line.fetcher.fetch(request.url, request.method)
        self._fetching.discard((request.tag, request.url))
        self._driver.fetched(request.tag, answer.status, answer.body)

    def _obey(self, error: SocketRefused) -> None:
        at = self._line.shell.now()
        seconds = refusal(error.status, error.retry_after, at)
        if seconds is not None:
            self._line.pause.extend(seconds, at)
            text = f"the venue asks for a pause of {seconds:.0f} s"
            self._line.notices.say(logging.WARNING, self._meter.name, text)
