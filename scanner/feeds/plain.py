"""WebSocket connections through ``websockets``' own client: for proxies and compression.

Slower than ``direct``: every message becomes an object, goes through a queue and wakes a task.
"""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State
from websockets.uri import WebSocketURI

from scanner.feeds.dial import dial
from scanner.feeds.socket import USER_AGENT, Receiver, SocketLimits

GLANCE = 0.02
"""Seconds between two looks at whether the connection is still open: a reader is told of a close
frame only when the other side closes the socket too, which it may never do."""


async def open_plain(
    url: str,
    address: WebSocketURI,
    receiver: Receiver,
    limits: SocketLimits,
    tls: ssl.SSLContext | None,
    *,
    proxy: str | None = None,
    compression: str | None = None,
) -> Plain:
    """As ``open_direct``; ``proxy``: the address of one, ``compression``: "deflate" to offer it."""
    socket = None if proxy else await dial(address.host, address.port, limits.open / 2)
    try:
        connection = await _Connect(
            url,
            compression=compression,
            proxy=proxy,
            sock=socket,
            user_agent_header=USER_AGENT,
            max_size=limits.message_bytes,
            open_timeout=None,
            close_timeout=limits.close,
            ping_interval=limits.ping,
            ping_timeout=limits.pong,
            ssl=tls,
        )
    except BaseException:
        if socket is not None:
            socket.close()
        raise
    return Plain(connection, receiver, limits.close)


class _Connect(connect):
    def process_redirect(self, exc: Exception) -> Exception | str:
        """A venue that sends us elsewhere is refused: the host that was asked for must answer."""
        return exc


class Plain:
    """An open connection (``scanner.feeds.socket.Socket``) and the task that reads it."""

    def __init__(self, connection: ClientConnection, receiver: Receiver, patience: float) -> None:
        self._connection = connection
        self._receiver = receiver
        self._patience = patience
        receiver.opened()
        self._reader = asyncio.create_task(self._read())

    async def send(self, text: str) -> None:
        """Send one text message."""
        await self._connection.send(text)

    async def close(self) -> None:
        """End it; takes the limit at most."""
        ended = self._reader.done()
        self._reader.cancel()
        if not ended:
            self._receiver.ended("closed on our side")
        try:
            with suppress(Exception):
                async with asyncio.timeout(self._patience):
                    await self._connection.close()
        finally:
            self._connection.transport.abort()

    async def _read(self) -> None:
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(GLANCE):
                        while True:
                            raw = await self._connection.recv(decode=False)
                            self._receiver.message(bytes(raw))
                if self._connection.state is not State.OPEN:
                    # What has been received can still be read, and then the reason.
                    self._connection.transport.abort()
        except ConnectionClosed as closed:
            self._receiver.ended(_why(closed))
        except Exception:  # a message that could not be put together
            self._receiver.ended(await self._reason())

    async def _reason(self) -> str:
        self._connection.transport.abort()
        try:
            await self._connection.ping()
        except ConnectionClosed as closed:
            return _why(closed)
        return "connection lost"


def _why(closed: ConnectionClosed) -> str:
    cause = closed.__cause__
    if cause is not None and not isinstance(cause, (EOFError, OSError)):
        return f"broken WebSocket stream: {cause}"
    if closed.rcvd is not None:
        return f"closed by the venue: {closed.rcvd}"
    if closed.sent is not None and closed.sent.reason:
        return closed.sent.reason
    return f"connection lost: {cause}" if isinstance(cause, OSError) else "connection lost"
