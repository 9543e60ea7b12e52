"""One end of the socket between a worker and its parent. Nothing waits for the other end.

What must arrive (opportunities, summaries, orders) is kept until it is taken. What is only worth
something now (frames, lines for the log) is dropped while more than ``ENOUGH`` bytes wait. An end
that takes nothing at all any more is taken for dead once ``TOO_MUCH`` waits.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import cast

from scanner.workers.messages import Garbled, Message, Reader, encoded

ENOUGH = 1 << 20
TOO_MUCH = 1 << 28


class Channel(asyncio.Protocol):
    """``heard`` is called with every message, ``lost`` once, at the end, with what brought it."""

    def __init__(self, heard: Callable[[Message], object], lost: Callable[[str], object]) -> None:
        self._heard = heard
        self._lost = lost
        self._reader = Reader()
        self._reason = "the other end was closed"
        self._transport: asyncio.Transport
        self._over = False

    @classmethod
    async def over(
        cls,
        end: socket.socket,
        heard: Callable[[Message], object],
        lost: Callable[[str], object],
    ) -> Channel:
        """A channel over one end of a socket pair, which it owns from now on."""
        loop = asyncio.get_running_loop()
        _, channel = await loop.create_unix_connection(lambda: cls(heard, lost), sock=end)
        return channel

    @property
    def behind(self) -> int:
        """Bytes that the other end has not taken yet (what the kernel holds left out)."""
        return 0 if self._over else self._transport.get_write_buffer_size()

    def tell(self, message: Message) -> None:
        """Send what must arrive."""
        if self._over:
            return
        self._transport.write(encoded(message))
        if self.behind > TOO_MUCH:
            self._fail(f"nothing is taken any more, {self.behind >> 20} MB wait")

    def offer(self, message: Message) -> bool:
        """Send what may be dropped; whether it was sent."""
        if self._over or self.behind > ENOUGH:
            return False
        self.tell(message)
        return True

    def close(self) -> None:
        """End the channel once everything has been taken."""
        if not self._over:
            self._transport.close()

    def abort(self) -> None:
        """End it now."""
        if not self._over:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            messages = self._reader.feed(data)
        except Garbled as error:
            self._fail(f"what came is no message: {error}")
            return
        for message in messages:
            self._heard(message)

    def connection_lost(self, exc: Exception | None) -> None:
        self._over = True
        self._lost(self._reason)

    def _fail(self, reason: str) -> None:
        self._reason = reason
        self._transport.abort()
