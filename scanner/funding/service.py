"""The shell of ``scanner.funding.schedule``: asks the venues beside the scan, and tells."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack

from scanner import clock
from scanner.config import Config, VenueConfig
from scanner.events import FundingSample
from scanner.feeds.notices import Notices
from scanner.feeds.pacing import Bucket, Pace, Pause
from scanner.feeds.rest import Fetcher
from scanner.fleet import spoken_natively
from scanner.funding.schedule import Schedule, Wanted
from scanner.funding.sources import ByCcxt, Fetches, Native, Source
from scanner.text import printable
from scanner.types import Market, MarketKind

log = logging.getLogger(__name__)
SECOND = 1_000_000_000
DAY = 86_400 * SECOND
BACK = 7 * DAY
BEFORE = DAY
"""Further back than what is wanted: how long a payment was for is known by the one before it."""
BEAT = 1.0
MOST_A_SECOND = 1.0
TIMEOUT = 15.0

MakeFetcher = Callable[
    [str, float, Callable[[], int], Notices], AbstractAsyncContextManager[Fetches]
]
Openings = Callable[[], Mapping[tuple[str, str], int]]


def _fetcher(name: str, rate: float, now: Callable[[], int], notices: Notices) -> Fetcher:
    pause = Pause()
    return Fetcher(
        name,
        now=now,
        pace=Pace(Bucket(rate), now, pause),
        pause=pause,
        notices=notices,
        timeout=TIMEOUT,
        at_once=1,
    )


class _Venue:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.schedule = Schedule()
        self.asking: asyncio.Task[None] | None = None


class SettledFunding:
    """A sink, of what is announced, and a service: ``keep`` runs it, ``watch`` says what is
    scanned; ``learned`` is set whenever something was.

    ``tell`` hears of each settlement as a ``FundingSample``. ``openings``: when (ns) the shorts of
    the hedge book were opened, by venue and symbol: their history goes back to there.
    """

    def __init__(
        self,
        config: Config,
        tell: Callable[[FundingSample], object],
        openings: Openings = dict,
        now: Callable[[], int] = clock.now,
        fetcher: MakeFetcher = _fetcher,
    ) -> None:
        self.learned = asyncio.Event()
        self._config = config
        self._tell = tell
        self._openings = openings
        self._now = now
        self._fetcher = fetcher
        self._begun = now()
        self._notices = Notices(log, now)
        self._stack = AsyncExitStack()
        self._reached: dict[str, object] = {}
        self._venues: dict[str, _Venue] = {}
        self._wanted: dict[str, list[Wanted]] = {}

    def __call__(self, event: object) -> None:
        if isinstance(event, FundingSample) and event.due and event.venue in self._venues:
            self._venues[event.venue].schedule.announced(event.market, event.due, self._now())

    def apply(self, config: Config) -> None:
        """This is the configuration from now on."""
        self._config = config

    def watch(self, markets: Sequence[Market]) -> None:
        """These markets are scanned from now on."""
        opened = self._openings()
        self._wanted = {}
        for market in markets:
            if market.kind is MarketKind.PERPETUAL:
                since = min(self._begun - BACK, opened.get((market.venue, market.symbol), 1 << 62))
                self._wanted.setdefault(market.venue, []).append(Wanted(market, since - BEFORE))

    async def keep(self) -> None:
        """Until cancelled: ask what is due, one request a second of a venue at most."""
        async with self._stack:
            try:
                while True:
                    await self._beat()
                    await asyncio.sleep(BEAT)
            finally:
                tasks = [one.asking for one in self._venues.values() if one.asking]
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _beat(self) -> None:
        for name, wanted in self._wanted.items():
            venue = await self._venue(name)
            if venue is None:
                continue
            venue.schedule.carry(wanted)
            if venue.asking is not None and not venue.asking.done():
                continue
            if due := venue.schedule.due(self._now(), venue.source.most):
                venue.asking = asyncio.create_task(self._ask(name, venue, due))

    async def _venue(self, name: str) -> _Venue | None:
        settings = self._config.venues.get(name)
        if settings is None:
            return None
        reached = settings.feed, settings.endpoints.rest
        if self._reached.get(name) != reached:
            self._reached[name] = reached
            source = await self._source(name, settings)
            if source is None:
                self._venues.pop(name, None)
            elif name in self._venues:
                self._venues[name].source = source
            else:
                self._venues[name] = _Venue(source)
        return self._venues.get(name)

    async def _source(self, name: str, settings: VenueConfig) -> Source | None:
        spoken = spoken_natively(name, settings, contracts=True)
        if spoken is None:
            return ByCcxt(name, settings.endpoints.rest or "")
        if spoken.funding_history is None:
            return None
        rate = min(MOST_A_SECOND, spoken.funding_history.per_second)
        made = self._fetcher(name, rate, self._now, self._notices)
        fetcher = await self._stack.enter_async_context(made)
        rest = settings.endpoints.rest or spoken.rest
        return Native(spoken.funding_history, rest, fetcher)

    async def _ask(self, name: str, venue: _Venue, due: Sequence[Wanted]) -> None:
        found = await venue.source.ask(due, self._now())
        for market, one in found.items():
            at = self._now()
            if one.error:
                seconds = venue.schedule.failed(market, at)
                text = f"settled funding of {market}: {one.error}; asked again in {seconds:.0f} s"
                self._notices.say(logging.INFO, name, printable(text))
                continue
            samples = venue.schedule.answered(market, one.settled, venue.source.interval, at)
            for sample in samples:
                self._tell(sample)
            if samples:
                self.learned.set()
