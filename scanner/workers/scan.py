"""What a worker does for its parent: a scan of a share of the symbols."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeAlias

from msgspec.structs import replace

from scanner import clock
from scanner.config import Config, VenueConfig
from scanner.configuration import settings
from scanner.engine.ids import Ids
from scanner.engine.overview import Overview
from scanner.events import (
    DELAYS_MS,
    FeedEvent,
    FundingSample,
    Opportunity,
    ParitySample,
    Peg,
    RejectMinute,
    RouteMinute,
    Survival,
    Suspect,
)
from scanner.feeds.feed import Feed
from scanner.feeds.shell import Shell
from scanner.fleet import Fleet, provable, spoken_natively, venue_feed
from scanner.hedge.prices import HedgePrices
from scanner.hedge_events import HedgePrice
from scanner.pipeline import Pipeline
from scanner.types import Market
from scanner.view.frame import Frame, Query
from scanner.view.scan_state import ScanState, brief, full
from scanner.view.view import View
from scanner.workers.messages import Place

log = logging.getLogger(__name__)

TICK = 0.1
MINUTE = 60_000_000_000

Found: TypeAlias = (
    Opportunity
    | RouteMinute
    | RejectMinute
    | FundingSample
    | FeedEvent
    | Survival
    | Suspect
    | ParitySample
    | Peg
    | HedgePrice
)


class Scan:
    """Feeds, books and engine, whose tasks live in ``group``. ``tell`` gets what is found."""

    def __init__(
        self,
        group: asyncio.TaskGroup,
        config: Config,
        place: Place,
        tell: Callable[[Found], None],
    ) -> None:
        self._tell = tell
        self._pipeline = Pipeline(
            thresholds=settings.thresholds(config),
            bounds=settings.bounds(config),
            rules=settings.rules(config),
            ids=Ids(random.SystemRandom().getrandbits),
            emit=self._found,
            suspect=self._suspected,
            survived=self._survived,
        )
        self._pipeline.probing = settings.probing(config, place.count)
        self._processes = place.count
        self._pipeline.pegs.tell = self._pegged
        self._hedged = HedgePrices(self._pipeline.store, self._pipeline.derivatives)
        self._shell = Shell(
            now=clock.now,
            rng=random.Random(),
            tell=tell,
            first=place.index + 1,
            processes=place.count,
        )
        self._view = View(self._pipeline, (), ())
        self._overview = Overview(self._pipeline.store, self._pipeline.engine)
        self._fleet = Fleet(group, self._make)
        self._begun = self._over = False
        self._coins: set[str] = set()
        self._open: set[str] = set()
        self._followed: set[str] = set()
        self._suspects: set[tuple[object, ...]] = set()
        self._beside = [group.create_task(self._ticks()), group.create_task(self._minutes())]

    async def carry(
        self, config: Config, markets: Sequence[Market], conversions: Sequence[Market] = ()
    ) -> None:
        """Scan these markets from now on, as ``config`` says; only what differs is touched.
        ``conversions`` are others whose prices are needed, and of whose coins nothing is told."""
        self._pipeline.configure(
            settings.thresholds(config), settings.bounds(config), settings.rules(config)
        )
        self._pipeline.probing = settings.probing(config, self._processes)
        if not all(spoken_natively(name, venue) for name, venue in config.enabled.items()):
            await _import_ccxt()
        every = [*markets, *conversions]
        self._coins = {market.base for market in markets}
        done = await self._fleet.carry(provable(config), every)
        self._pipeline.carry(every, clock.now())
        self._hedged.configure(config.hedge_book)
        self._view.watch(self._fleet.feeds, markets)
        for name, what in done.items() if self._begun else ():
            log.info("%s: its feed was %s", name, what)
        self._begun = True

    def frame(self, query: Query) -> Frame:
        """What is to be seen now."""
        frame = self._view.frame(clock.now(), query)
        return replace(frame, totals=replace(frame.totals, open=len(self._open)))

    def state(self, measured: bool) -> ScanState:
        """How it is doing; every book is looked at only for those who are ``measured``."""
        feeds = self._fleet.feeds
        state = full(self._pipeline, self._overview, feeds) if measured else brief(feeds)
        return replace(state, open=len(self._open))

    async def end(self, reason: str) -> None:
        """Everything that is open is closed, every summary taken, every connection ended."""
        for task in self._beside:
            task.cancel()
        self._pipeline.finish(reason, clock.now())
        self._take_minutes()
        self._over = True  # what still comes in while connections end opens nothing
        await self._fleet.stop()

    def _found(self, event: Opportunity) -> None:
        if self._over or not self._own(_coin(event)):
            return
        if event.event == "closed":
            self._open.discard(event.id)
        else:
            self._open.add(event.id)
        if event.event == "opened":
            self._followed.add(event.id)
        self._tell(event)

    def _survived(self, found: Survival) -> None:
        """Of what this worker has told of: the symbol of a loop does not say whose it is."""
        if self._over or found.id not in self._followed:
            return
        if found.delay_ms == DELAYS_MS[-1]:
            self._followed.discard(found.id)
        self._tell(found)

    def _pegged(self, peg: Peg) -> None:
        if not self._over and self._own(peg.via or peg.symbol):
            self._tell(peg)

    def _suspected(self, found: Suspect) -> None:
        """Each is logged once, however often it comes back."""
        if self._over or not self._own(found.symbol):
            return
        self._tell(found)
        what = (found.key, found.reason)
        if found.state not in ("barred", "changed") or what in self._suspects:
            return
        self._suspects.add(what)
        text = "%s: barred between %s (%g) and %s (%g), a ratio of %.6g: %s"
        one, other = (found.buy, found.buy_mid), (found.sell, found.sell_mid)
        log.warning(text, found.symbol, *one, *other, found.ratio, found.reason)

    def _own(self, symbol: str) -> bool:
        """Whether it is for this worker to tell of it."""
        return symbol.partition("/")[0] in self._coins

    def _make(self, name: str, venue: VenueConfig, markets: Sequence[Market]) -> Feed:
        return venue_feed(name, venue, markets, self._pipeline, self._shell)

    async def _ticks(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            clock.follow()
            self._pipeline.tick(clock.now())
            self._tell_prices(clock.now())

    def _tell_prices(self, at: int) -> None:
        """Of what the hedge book rests on."""
        for price in self._hedged.due(self._pipeline.markets, at):
            if self._own(price.symbol):
                self._tell(price)

    async def _minutes(self) -> None:
        """At the full minute, what every route showed in it."""
        while True:
            await asyncio.sleep((MINUTE - clock.now() % MINUTE) / 1e9)
            self._take_minutes()

    def _take_minutes(self) -> None:
        at, engine = clock.now(), self._pipeline.engine
        for minute in engine.take_minutes(at):
            if self._own(minute.symbol):
                self._tell(minute)
        for reject in engine.take_rejects(at):
            if any(map(self._own, _coins(reject.symbol))):
                self._tell(reject)
        for parity in self._pipeline.pegs.take_samples(at):
            if self._own(parity.via or parity.symbol):
                self._tell(parity)
        for sample in self._pipeline.derivatives.take_samples(at):
            if self._own(sample.symbol):
                self._tell(sample)


def _coin(event: Opportunity) -> str:
    """Whose worker tells of it: the coin of its symbol; of a loop that which most of its markets
    are of, for that has all of them."""
    if len({leg.symbol for leg in event.legs}) <= 1:
        return event.symbol
    count = Counter(leg.symbol.partition("/")[0] for leg in event.legs)
    return min(count, key=lambda coin: (-count[coin], coin))


def _coins(symbol: str) -> list[str]:
    """The coins of a symbol, or of all that a loop goes through."""
    parts = symbol.split("/")
    return parts if len(parts) > 2 and ">" not in symbol else [symbol]


async def _import_ccxt() -> None:
    """In a thread: it takes seconds, in which books would go stale."""
    from scanner import ending

    def load() -> None:
        import scanner.feeds.ccxt_feed  # noqa: F401

    await ending.apart(load)
