"""One WebSocket client of the lab: its venue's connection on one side, its socket on the other."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from aiohttp import WSCloseCode, WSMsgType, web

from scanner.lab.seam import Close, Connection, HearsPongs, Out, Ping

log = logging.getLogger(__name__)

MOST_WAITING_BYTES = 16 << 20
MOST_WAITING_FRAMES = 20_000


class Client:
    """Frames wait in a bounded queue of its own, so a slow reader delays nobody but itself; one
    that lets the queue overflow is cut off."""

    def __init__(
        self,
        venue: str,
        connection: Connection,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport | None,
    ) -> None:
        self.venue = venue
        self._connection = connection
        self._socket = socket
        self._transport = transport
        self._waiting: deque[Out] = deque()
        self._bytes = 0
        self._wake = asyncio.Event()
        self._closing = False
        self._gone = False

    @property
    def closing(self) -> bool:
        """Nothing more is sent to this client but what already waits, a ``Close`` at its end."""
        return self._closing

    def opened(self, at: int) -> None:
        self._push(lambda: self._connection.opened(at))

    def due(self, at: int) -> None:
        """What the venue pushes at this moment."""
        if not self._closing:
            self._push(lambda: self._connection.due(at))

    def received(self, kind: WSMsgType, data: object, at: int) -> bool:
        """A message from the client; False when it is the last one listened to."""
        if self._closing:
            return True
        if kind is WSMsgType.TEXT and isinstance(data, str):
            self._push(lambda: self._connection.received(data, at))
        elif kind is WSMsgType.PONG:
            connection = self._connection
            if isinstance(connection, HearsPongs):
                payload = bytes(data) if isinstance(data, bytes | bytearray) else b""
                self._push(lambda: connection.ponged(payload, at))
        elif kind is WSMsgType.BINARY:
            self._push(lambda: [Close(WSCloseCode.UNSUPPORTED_DATA, "text frames only")])
        else:
            return False
        return True

    def abort(self) -> None:
        """Cut the connection, now and without a closing handshake."""
        self._closing = self._gone = True
        self._waiting.clear()
        self._wake.set()
        if self._transport is not None:
            self._transport.abort()

    async def write(self) -> None:
        """Send what waits, for as long as the connection stands; ends with it."""
        try:
            while not self._gone:
                await self._wake.wait()
                self._wake.clear()
                while self._waiting:
                    out = self._waiting.popleft()
                    self._bytes -= _size(out)
                    await self._send(out)
                    if isinstance(out, Close):
                        return
        except (ConnectionError, RuntimeError) as gone:
            # aiohttp raises RuntimeError when the other side has begun to close.
            log.debug("a client of %s no longer listens: %s", self.venue, gone)
            self._closing = True

    async def _send(self, out: Out) -> None:
        if isinstance(out, str):
            await self._socket.send_str(out)
        elif isinstance(out, bytes):
            await self._socket.send_bytes(out)
        elif isinstance(out, Ping):
            await self._socket.ping(out.payload)
        else:
            await self._socket.close(code=out.code, message=out.reason.encode()[:120])

    def _push(self, make: Callable[[], list[Out]]) -> None:
        try:
            outs = make()
        except Exception:
            log.exception("lab venue %s failed", self.venue)
            outs = [Close(WSCloseCode.INTERNAL_ERROR, "internal error")]
        for out in outs:
            self._waiting.append(out)
            self._bytes += _size(out)
            if isinstance(out, Close):
                self._closing = True
                break
        if outs:
            self._wake.set()
        if self._bytes > MOST_WAITING_BYTES or len(self._waiting) > MOST_WAITING_FRAMES:
            log.warning("a client of %s reads too slowly and is cut off", self.venue)
            self.abort()


def _size(out: Out) -> int:
    return len(out) if isinstance(out, str | bytes) else 0
