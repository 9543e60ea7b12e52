"""What waits to be sent on one connection, heartbeats first."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from scanner.feeds.pacing import Pace


class Outbox:
    """At most ``limit`` messages, in the order in which they came, but heartbeats before all else:
    a venue hangs up on who is late with one, however much there is to subscribe."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._heartbeats: deque[str] = deque()
        self._others: deque[str] = deque()
        self._filled = asyncio.Event()

    def __len__(self) -> int:
        return len(self._heartbeats) + len(self._others)

    def put(self, text: str, heartbeat: bool) -> bool:
        """One more message; False if it is one too many."""
        if len(self) >= self._limit:
            return False
        (self._heartbeats if heartbeat else self._others).append(text)
        self._filled.set()
        return True

    async def drain(self, pace: Pace, send: Callable[[str], Awaitable[None]]) -> None:
        """Send what comes, at this pace, for ever. What is next is decided when its turn is there.
        Raises what ``send`` raises."""
        while True:
            await self._filled.wait()
            await pace.turn()
            await send((self._heartbeats or self._others).popleft())
            if not self:
                self._filled.clear()
