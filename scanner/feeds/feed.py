"""All connections of one venue."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, TypeAlias

from scanner.feeds.attempt import Attempt, Line
from scanner.feeds.backoff import Backoff
from scanner.feeds.health import Health, Meter
from scanner.feeds.notices import Notices
from scanner.feeds.pacing import Bucket, Pace, Pause
from scanner.feeds.plan import plan
from scanner.feeds.rest import Fetcher
from scanner.feeds.session import Session, Try
from scanner.feeds.shell import Lane, Lanes, Shell
from scanner.types import Market
from scanner.venues.protocol import Limits, Options, Venue

log = logging.getLogger("scanner.feeds")

CONNECT_BURST = 5
MakeLane: TypeAlias = Callable[[Venue, tuple[Market, ...], Options], Lane]


class Feed:
    """The sessions of one venue, and what they share while they run."""

    def __init__(
        self, sessions: Sequence[Session], *resources: AbstractAsyncContextManager[Any]
    ) -> None:
        self._sessions = sessions
        self._resources = resources

    async def run(self) -> None:
        """Until cancelled. No session ends by itself."""
        async with AsyncExitStack() as stack:
            for resource in self._resources:
                await stack.enter_async_context(resource)
            group = await stack.enter_async_context(asyncio.TaskGroup())
            for session in self._sessions:
                group.create_task(session.run())

    def beside(self, other: Feed) -> Feed:
        """Both as one."""
        sessions = [*self._sessions, *other._sessions]
        return Feed(sessions, *self._resources, *other._resources)

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
    first: int = 1,
) -> Feed:
    """The feed of a venue that is spoken natively.

    ``per_connection`` overrides how many markets share a connection (0: the venue's limit);
    ``first`` is the number of the first connection.
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

    def attempt(make: MakeLane) -> Callable[[tuple[Market, ...]], Try]:
        def of(group: tuple[Market, ...]) -> Try:
            async def run(meter: Meter, backoff: Backoff) -> str:
                return await Attempt(make(venue, group, options), line, meter, backoff).run()

            return run

        return of

    groups = plan(markets, per_connection or venue.limits.markets)
    connects = pace_of_connects(venue.limits, shell, pause)
    made = sessions(venue.id, groups, attempt(lanes.lane), shell, connects, first=first)
    if venue.tickers is not None:
        beside, first = attempt(lanes.ticker_lane), first + len(groups)
        made += sessions(venue.id, groups, beside, shell, connects, first=first)
    return Feed(made, fetcher)


def sessions(
    venue: str,
    groups: Sequence[tuple[Market, ...]],
    attempt: Callable[[tuple[Market, ...]], Try],
    shell: Shell,
    connects: Pace,
    *,
    first: int = 1,
) -> list[Session]:
    """One session for each group of markets, numbered from ``first``; they take turns to connect,
    at the venue's pace."""
    return [
        Session(
            Meter(venue, shell.first + (first - 1 + place) * shell.processes, len(group)),
            attempt(group),
            shell=shell,
            connects=connects,
        )
        for place, group in enumerate(groups)
    ]


def pace_of_connects(limits: Limits, shell: Shell, pause: Pause) -> Pace:
    """How fast the venue lets its clients connect."""
    allowed = max(1, limits.connects // shell.processes)
    return Pace(Bucket.within(allowed, 60.0, CONNECT_BURST), shell.now, pause)
