"""All connections of one venue."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from scanner.feeds.attempt import Attempt, Line
from scanner.feeds.backoff import Backoff
from scanner.feeds.health import Health, Meter
from scanner.feeds.notices import Notices
from scanner.feeds.pacing import Bucket, Pace, Pause
from scanner.feeds.plan import plan
from scanner.feeds.rest import Fetcher
from scanner.feeds.session import Session, Try
from scanner.feeds.shell import Lanes, Shell
from scanner.types import Market
from scanner.venues.protocol import Limits, Options, Venue

log = logging.getLogger("scanner.feeds")

CONNECT_BURST = 5


class Feed:
    """The sessions of one venue, and what they share while they run."""

    def __init__(
        self, sessions: Sequence[Session], resource: AbstractAsyncContextManager[Any]
    ) -> None:
        self._sessions = sessions
        self._resource = resource

    async def run(self) -> None:
        """Until cancelled. No session ends by itself."""
        async with self._resource, asyncio.TaskGroup() as group:
            for session in self._sessions:
                group.create_task(session.run())

    def health(self) -> tuple[Health, ...]:
        """How each connection is doing."""
        return tuple(session.health() for session in self._sessions)


def socket_feed(
    venue: Venue,
    markets: Sequence[Market],
    options: Options,
    lanes: Lanes,
    shell: Shell,
    *,
    per_connection: int = 0,
) -> Feed:
    """The feed of a venue that is spoken natively.

    ``per_connection`` overrides how many markets share a connection (0: the venue's limit).
    """
    pause = Pause()
    notices = Notices(log, shell.now)
    fetcher = Fetcher(
        venue.id,
        now=shell.now,
        pace=Pace(Bucket(venue.limits.fetches / shell.processes), shell.now, pause),
        pause=pause,
        notices=notices,
        timeout=shell.timing.fetch,
    )
    line = Line(
        shell=shell,
        limits=venue.limits,
        fetcher=fetcher,
        pause=pause,
        notices=notices,
        plain=options.ws.startswith("ws://"),
    )

    def attempt(group: tuple[Market, ...]) -> Try:
        async def run(meter: Meter, backoff: Backoff) -> str:
            return await Attempt(lanes.lane(venue, group, options), line, meter, backoff).run()

        return run

    groups = plan(markets, per_connection or venue.limits.markets)
    return Feed(sessions(venue.id, groups, attempt, venue.limits, shell, pause), fetcher)


def sessions(
    venue: str,
    groups: Sequence[tuple[Market, ...]],
    attempt: Callable[[tuple[Market, ...]], Try],
    limits: Limits,
    shell: Shell,
    pause: Pause,
) -> list[Session]:
    """One session for each group of markets; they take turns to connect, at the venue's pace."""
    allowed = max(1, limits.connects // shell.processes)
    bucket = Bucket.within(allowed, 60.0, CONNECT_BURST)
    connects = Pace(bucket, shell.now, pause)
    return [
        Session(
            Meter(venue, shell.first + place * shell.processes, len(group)),
            attempt(group),
            shell=shell,
            connects=connects,
        )
        for place, group in enumerate(groups)
    ]
