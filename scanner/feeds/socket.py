"""The WebSocket client: the seam, and the choice of what is behind it.

The seam pushes. A message is handed over in the very call that took it off the network, and so is
the end of a connection (a close frame, an oversized frame, a lost socket), however long the other
side then keeps the socket open. Nothing queues here: what has not been read stays in the kernel,
and each turn of the event loop takes one read from each socket, so that connections take turns.
(Through a proxy, the end is told within ``plain.GLANCE``.)
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from functools import cache
from typing import TYPE_CHECKING, Protocol, TypeAlias

from msgspec import Struct
from websockets.exceptions import InvalidStatus, InvalidURI
from websockets.proxy import get_proxy
from websockets.uri import parse_uri

from scanner import __version__
from scanner.errors import CrossbookError
from scanner.feeds.urls import is_loopback, shown

if TYPE_CHECKING:
    from scanner.feeds.frames import Run

MOST_FRAGMENTS = 4096
USER_AGENT = f"crossbook/{__version__}"


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

    def messages(self, run: Run) -> None:
        """Whole messages that came with one read, and that live as long as this call."""
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


async def open_socket(
    url: str,
    receiver: Receiver,
    limits: SocketLimits,
    *,
    tls: ssl.SSLContext | None = None,
    plain: bool = False,
) -> Socket:
    """Connect to ``url``. Compression is not offered; redirects are not followed. A proxy is taken
    from the environment, except for this machine. Raises ``SocketError``, or what the network
    raises (``OSError``, of which ``ssl.SSLError`` is one, and ``websockets``' exceptions).

    ``tls``: whom to trust, in place of the system. ``plain``: take ``websockets``' own client even
    without a proxy.
    """
    from scanner.feeds.direct import open_direct
    from scanner.feeds.plain import open_plain

    try:
        address = parse_uri(url)
        proxy = None if is_loopback(url) else get_proxy(address)
        trust = (tls or _system_trust()) if address.secure else None
        async with asyncio.timeout(limits.open):
            if proxy or plain:
                return await open_plain(url, address, receiver, limits, trust, proxy=proxy)
            return await open_direct(address, receiver, limits, trust)
    except InvalidURI:
        raise SocketError(f"{shown(url)} is no WebSocket address") from None
    except InvalidStatus as error:
        headers = error.response.headers
        raise SocketRefused(error.response.status_code, headers.get("Retry-After")) from None
    except TimeoutError:
        raise SocketError(f"no handshake within {limits.open:g} s") from None


@cache
def _system_trust() -> ssl.SSLContext:
    # Once: it takes 20 ms to read the certificates of a system.
    return ssl.create_default_context()
