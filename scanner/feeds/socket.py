"""The WebSocket client: the seam, and ``websockets`` behind it.

The seam pushes. A message is handed over in the very call that took it off the network, and so is
the end of a connection (a close frame, an oversized frame, a lost socket), however long the other
side then keeps the socket open. Nothing queues here: what has not been read stays in the kernel,
and each turn of the event loop takes one read from each socket, so that connections take turns.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, Protocol, TypeAlias

from msgspec import Struct
from websockets.asyncio.client import ClientConnection, connect
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus, InvalidURI
from websockets.frames import CONT, DATA_OPCODES, Frame
from websockets.http11 import Response
from websockets.protocol import Event, State
from websockets.proxy import get_proxy
from websockets.uri import WebSocketURI, parse_uri

from scanner import __version__
from scanner.errors import CrossbookError
from scanner.feeds.dial import dial
from scanner.feeds.urls import is_loopback, shown

MOST_FRAGMENTS = 4096


class SocketError(CrossbookError):
    """No connection could be had."""


class SocketRefused(SocketError):
    """The server answered the handshake with an HTTP status other than 101."""

    def __init__(self, status: int, retry_after: str | None) -> None:
        super().__init__(f"the handshake was refused with HTTP {status}")
        self.status = status
        self.retry_after = retry_after


class SocketLimits(Struct, frozen=True, kw_only=True):
    """``message_bytes``: the largest message, fragments put together; the rest are seconds, as in
    ``Timing``."""

    message_bytes: int
    open: float
    close: float
    ping: float
    pong: float


class Receiver(Protocol):
    """Who listens to a socket. Nothing may be raised, and nothing comes after ``ended``."""

    def opened(self) -> None:
        """The handshake is done; called before the first message."""
        ...

    def message(self, raw: bytes) -> None:
        """One whole message."""
        ...

    def ended(self, reason: str) -> None:
        """An open connection is over; called once."""
        ...


class Socket(Protocol):
    """An open connection."""

    async def send(self, text: str) -> None:
        """Send one text message; raises whatever the transport raises when it cannot."""
        ...

    async def close(self) -> None:
        """End it, politely if that takes no longer than the limit; never raises."""
        ...


OpenSocket: TypeAlias = Callable[[str, Receiver, SocketLimits], Awaitable[Socket]]


async def open_socket(url: str, receiver: Receiver, limits: SocketLimits) -> Socket:
    """Connect to ``url``. Compression is not offered; redirects are not followed. A proxy is taken
    from the environment, except for this machine. Raises ``SocketError``, or what the network
    raises (``OSError``, of which ``ssl.SSLError`` is one, and ``websockets``' exceptions)."""
    try:
        address = parse_uri(url)
        async with asyncio.timeout(limits.open):
            connection = await _connect(url, address, receiver, limits)
    except InvalidURI:
        raise SocketError(f"{shown(url)} is no WebSocket address") from None
    except InvalidStatus as error:
        headers = error.response.headers
        raise SocketRefused(error.response.status_code, headers.get("Retry-After")) from None
    except TimeoutError:
        raise SocketError(f"no handshake within {limits.open:g} s") from None
    return _Socket(connection, limits.close)


async def _connect(
    url: str, address: WebSocketURI, receiver: Receiver, limits: SocketLimits
) -> ClientConnection:
    proxy = None if is_loopback(url) else get_proxy(address)
    direct = None if proxy else await dial(address.host, address.port, limits.open / 2)
    try:
        return await _Connect(
            url,
            create_connection=partial(_Connection, receiver=receiver),  # type: ignore[arg-type]
            compression=None,
            proxy=proxy,
            sock=direct,
            user_agent_header=f"crossbook/{__version__}",
            max_size=limits.message_bytes,
            open_timeout=None,
            close_timeout=limits.close,
            ping_interval=limits.ping,
            ping_timeout=limits.pong,
        )
    except BaseException:
        if direct is not None:
            direct.close()
        raise


class _Connect(connect):
    def process_redirect(self, exc: Exception) -> Exception | str:
        """A venue that sends us elsewhere is refused: the host that was asked for must answer."""
        return exc


class _Connection(ClientConnection):
    """``websockets``' connection, made to hand over at once."""

    def __init__(self, protocol: ClientProtocol, *, receiver: Receiver, **options: Any) -> None:
        super().__init__(protocol, **options)
        self._receiver = receiver
        self._opened = False
        self._ended = False
        self._parts: list[bytes] = []

    def process_event(self, event: Event) -> None:
        if isinstance(event, Response):
            super().process_event(event)
            if self.protocol.handshake_exc is None:
                self._opened = True
                self._receiver.opened()
        elif isinstance(event, Frame) and event.opcode in DATA_OPCODES:
            self._data(event)
        else:
            super().process_event(event)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._check()

    def eof_received(self) -> None:
        super().eof_received()
        self._check()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._opened:
            self._end(f"connection lost: {exc}" if exc else self._why())

    def _check(self) -> None:
        if self._opened and self.protocol.state is not State.OPEN:
            self._end(self._why())

    def _data(self, frame: Frame) -> None:
        if self._ended:
            return
        if frame.fin and frame.opcode is not CONT:
            self._receiver.message(bytes(frame.data))
            return
        self._parts.append(bytes(frame.data))
        if len(self._parts) > MOST_FRAGMENTS:
            self._end(f"a message in more than {MOST_FRAGMENTS} fragments")
        elif frame.fin:
            whole = b"".join(self._parts)
            self._parts.clear()
            self._receiver.message(whole)

    def _end(self, reason: str) -> None:
        if not self._ended:
            self._ended = True
            self._parts.clear()
            self._receiver.ended(reason)

    def _why(self) -> str:
        protocol = self.protocol
        if isinstance(protocol.parser_exc, EOFError):
            return "connection lost"
        if protocol.parser_exc is not None:
            return f"broken WebSocket stream: {protocol.parser_exc}"
        if protocol.close_rcvd is not None:
            return f"closed by the venue: {protocol.close_rcvd}"
        if protocol.close_sent is not None and protocol.close_sent.reason:
            return protocol.close_sent.reason
        return "connection lost"


class _Socket:
    def __init__(self, connection: ClientConnection, patience: float) -> None:
        self._connection = connection
        self._patience = patience

    async def send(self, text: str) -> None:
        await self._connection.send(text)

    async def close(self) -> None:
        try:
            with suppress(Exception):
                async with asyncio.timeout(self._patience):
                    await self._connection.close()
        finally:
            self._connection.transport.abort()
