"""The life of one connection: try, end, wait, try again, for ever."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from scanner.feeds.backoff import Backoff
from scanner.feeds.health import ConnectionState, Health, Meter
from scanner.feeds.pacing import Pace
from scanner.feeds.shell import Shell

log = logging.getLogger(__name__)

Try: TypeAlias = Callable[[Meter, Backoff], Awaitable[str]]
"""One try at a connection: returns why it ended; raises nothing but cancellation."""


class Session:
    """One connection of a venue. It never gives up; it waits longer."""

    def __init__(self, meter: Meter, attempt: Try, *, shell: Shell, connects: Pace) -> None:
        self._meter = meter
        self._attempt = attempt
        self._now = shell.now
        self._tell = shell.tell
        self._connects = connects
        timing = shell.timing
        self._backoff = Backoff(
            first=timing.retry_first,
            cap=timing.retry_cap,
            steady=timing.steady,
            rng=shell.rng,
        )

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                self._enter(ConnectionState.WAITING)
                await self._connects.turn()
                self._enter(ConnectionState.CONNECTING)
                reason = await self._attempt(self._meter, self._backoff)
                self._enter(ConnectionState.WAITING)
                await asyncio.sleep(self._failed(reason))
        finally:
            self._enter(ConnectionState.STOPPED)

    def health(self) -> Health:
        """How the connection is doing now."""
        return self._meter.snapshot()

    def _failed(self, reason: str) -> float:
        delay = self._backoff.failed()
        self._meter.last_error = reason
        self._tell(self._meter.event("lost", self._now(), reason=reason))
        failures = self._backoff.failures
        log.warning(
            "%s: %s; next try in %.1f s%s",
            self._meter.name,
            reason,
            delay,
            f" (failure {failures} in a row)" if failures > 1 else "",
        )
        return delay

    def _enter(self, state: ConnectionState) -> None:
        self._meter.enter(state, self._now())
