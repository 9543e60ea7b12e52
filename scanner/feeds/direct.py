"""WebSocket connections of our own: an event loop's transport around a ``Stream``."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import cast

from websockets.client import ClientProtocol
from websockets.frames import CloseCode
from websockets.uri import WebSocketURI

from scanner.feeds.dial import dial
from scanner.feeds.socket import USER_AGENT, Receiver, SocketLimits
from scanner.feeds.stream import Stream


async def open_direct(
    address: WebSocketURI, receiver: Receiver, limits: SocketLimits, tls: ssl.SSLContext | None
) -> Direct:
    """Connect, and wait for the answer to the handshake; raises what the network raises (OSError)
    and ``websockets``' exceptions. ``tls``: None for an unencrypted connection."""
    protocol = ClientProtocol(address, max_size=limits.message_bytes)
    socket = await dial(address.host, address.port, limits.open / 2)
    try:
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Direct(protocol, receiver, limits),
            sock=socket,
            ssl=tls,
            server_hostname=address.host if tls else None,
        )
    except BaseException:
        socket.close()
        raise
    try:
        await connection.shaken
    except BaseException:
        connection.abort()
        raise
    return connection


class Direct(asyncio.BufferedProtocol):
    """A connection (``scanner.feeds.socket.Socket``). What is read goes into the stream's buffer
    and on in the same call; while the other side does not take what we have to answer, nothing
    more is read, so that no answers pile up."""

    def __init__(self, protocol: ClientProtocol, receiver: Receiver, limits: SocketLimits) -> None:
        self._loop = asyncio.get_running_loop()
        self.shaken: asyncio.Future[None] = self._loop.create_future()
        self._protocol = protocol
        self._limits = limits
        self._stream = Stream(protocol, receiver, self._write, limits.message_bytes)
        self._stream.answered = self._rest
        self._transport: asyncio.Transport
        self._timer: asyncio.TimerHandle | None = None
        self._gone = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()

    async def send(self, text: str) -> None:
        """Send one text message, and wait until there is room for the next."""
        self._stream.send(text)
        await self._writable.wait()
        if self._gone.is_set():
            raise ConnectionResetError("connection lost")

    async def close(self) -> None:
        """End it; takes ``limits.close`` seconds at most."""
        try:
            self._stream.close()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._limits.close):
                    await self._gone.wait()
        finally:
            self.abort()

    def abort(self) -> None:
        """End it at once."""
        self._quiet()
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        request = self._protocol.connect()
        request.headers["User-Agent"] = USER_AGENT
        self._protocol.send_request(request)
        for data in self._protocol.data_to_send():
            self._write(data)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._stream.room()

    def buffer_updated(self, nbytes: int) -> None:
        self._stream.took(nbytes)
        if not self.shaken.done():
            self._settle()

    def eof_received(self) -> None:
        self._stream.eof()
        self._settle()

    def connection_lost(self, exc: Exception | None) -> None:
        self._quiet()
        self._stream.lost(f"connection lost: {exc}" if exc else "")
        self._gone.set()
        self._writable.set()
        self._settle()

    def pause_writing(self) -> None:
        self._writable.clear()
        with suppress(RuntimeError):  # it is closing
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        self._writable.set()
        with suppress(RuntimeError):
            self._transport.resume_reading()

    def _settle(self) -> None:
        """Say how the handshake went, once."""
        if self.shaken.done():
            return
        failure = self._protocol.handshake_exc
        if self._stream.opened:
            self._rest()
            self.shaken.set_result(None)
        elif failure is not None:
            self.shaken.set_exception(failure)
        elif self._gone.is_set():
            self.shaken.set_exception(ConnectionResetError("connection lost"))

    def _write(self, data: bytes) -> None:
        if data:
            self._transport.write(data)
        elif self._transport.can_write_eof():
            with suppress(OSError, RuntimeError):
                self._transport.write_eof()
        else:
            self._transport.close()

    def _rest(self) -> None:
        """Until the next ping."""
        self._after(self._limits.ping, self._ping)

    def _ping(self) -> None:
        self._after(self._limits.pong, self._unanswered)
        self._stream.ping()

    def _unanswered(self) -> None:
        self._stream.fail(CloseCode.INTERNAL_ERROR, "keepalive ping timeout")

    def _after(self, seconds: float, call: Callable[[], None]) -> None:
        self._quiet()
        if not self._stream.ended:
            self._timer = self._loop.call_later(seconds, call)

    def _quiet(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
