"""A configuration that is followed while it is in use: seen to change, read, put into effect."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Protocol

from msgspec.structs import replace

from scanner import logs
from scanner.config import Config, load
from scanner.configuration.alerts import AlertSettings
from scanner.errors import ConfigError, CrossbookError
from scanner.markets import load as load_markets
from scanner.markets import renewed
from scanner.types import Market, Wallet

log = logging.getLogger(__name__)
PAUSE = 1.0
LATER = 10.0
EVERY = 3600.0
# What is scanned, and what only the next start can change.
SCOPE = ("venues", "symbols", "quotes", "max_symbols", "kinds", "identity")
# Its contracts are scanned too; it is in effect whether they can be had or not.
HEDGED = "hedge_book"
AT_START = ("database", "cache_dir", "workers")

Stamp = tuple[int, int, int] | None


class ConfigFile:
    """A file that is looked at again and again. An editor may write it in place, in pieces, or put
    another in its place: it is read once two looks have found it the same.

    ``problem`` says what is wrong with it as it was last read; empty if nothing is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem = ""
        self._read = self._seen = self._stamp()

    def look(self) -> Config | None:
        """The configuration that is new since the last time; None if none is. Raises
        ``ConfigError`` for one that is wrong, once for each change."""
        stamp = self._stamp()
        settled, self._seen = stamp == self._seen, stamp
        if not settled or stamp == self._read:
            return None
        self._read = stamp
        try:
            config = load(self.path)
        except ConfigError as error:
            self.problem = logs.clean(str(error))
            raise
        self.problem = ""
        return config

    def _stamp(self) -> Stamp:
        try:
            found = os.stat(self.path)
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size


async def follow(
    file: ConfigFile,
    apply: Callable[[Config], Awaitable[None]],
    *,
    pause: float = PAUSE,
) -> None:
    """Until cancelled: have each new configuration in the file applied. If one is wrong, the log
    says why and the one before stays in effect."""
    while True:
        await asyncio.sleep(pause)
        try:
            config = file.look()
        except ConfigError as error:
            log.error("the configuration stays as it was: %s", error)
            continue
        if config is not None:
            await apply(config)


def _terms(market: Market) -> Market:
    """The market without its wallets, of which each list tells a new time."""
    return replace(market, wallet=Wallet(), quote_wallet=Wallet())


class Alerts(Protocol):
    """Whoever tells of what is found."""

    def reload(self, settings: AlertSettings) -> None: ...


class Crew(Protocol):
    """Whoever scans (``scanner.workers.crew.Crew``)."""

    def carry(self, config: Config, markets: Sequence[Market]) -> None: ...


class Live:
    """A running scan of ``markets``, whose configuration can be changed.

    ``watched`` is told of the markets after each change of them. ``pointed`` says where the venues
    of a new configuration are, if not where it says itself. ``applied`` is told of it before those
    who scan are. ``scoped`` adds to it what else is scanned.
    """

    def __init__(
        self,
        config: Config,
        *,
        crew: Crew,
        markets: Sequence[Market],
        watched: Callable[[Sequence[Market]], object],
        alerts: Alerts | None = None,
        pointed: Callable[[Config], Config] = lambda config: config,
        applied: Callable[[Config], object] = lambda config: None,
        scoped: Callable[[Config], Config] = lambda config: config,
    ) -> None:
        self._config = config
        self._crew = crew
        self._markets = markets
        self._watched = watched
        self._alerts = alerts
        self._pointed = pointed
        self._applied = applied
        self._scoped = scoped
        self._named = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()

    def again(self) -> None:
        """What the configuration names, such as a file, has changed."""
        self._crew.carry(self._config, self._markets)
        self._named.set()

    async def keep_scoped(self) -> None:
        """Until cancelled: after each ``again``, scan what is asked for by then."""
        while True:
            await self._named.wait()
            self._named.clear()
            async with self._one_at_a_time:
                await self._rescope(self._config, self._config)
                self._crew.carry(self._config, self._markets)

    async def apply(self, new: Config) -> None:
        """Put what differs into effect; the log says what has been done and what has not."""
        async with self._one_at_a_time:
            await self._apply(new)

    async def _apply(self, new: Config) -> None:
        new, old = self._pointed(new), self._config
        logs.hide(new.secrets)
        changed = [name for name in Config.model_fields if getattr(new, name) != getattr(old, name)]
        log.info("the configuration has changed: %s", ", ".join(changed) or "nothing that matters")
        if logs.level() == old.log_level:  # else the command line has set it
            logs.set_level(new.log_level)
        if "alerts" in changed and self._alerts is not None:
            self._alerts.reload(new.alerts)
        for name in set(changed) & set(AT_START):
            log.warning("%s: what has changed there takes effect with the next start", name)
        self._config = new
        self._applied(new)
        if set(changed) & {*SCOPE, HEDGED}:
            await self._rescope(new, old)
        self._crew.carry(self._config, self._markets)

    async def keep_renewed(self, *, at_once: bool, every: float = EVERY) -> None:
        """Until cancelled: ``renew`` every so often (seconds), for lists of fees and wallets are
        out of date soon; ``at_once``: first as soon as the scan has begun."""
        if at_once:
            await self.renew()
        while True:
            await self.renew(every)

    async def renew(self, after: float = LATER) -> None:
        """Ask the venues for the lists of what is scanned, and go by them from now on. That takes
        a processor for seconds, so it is done ``after`` the scan has begun (seconds)."""
        await asyncio.sleep(after)
        config, markets = self._scoped(self._config), self._markets
        try:
            fresh = await renewed(config, markets)
        except CrossbookError as error:
            log.error("markets stay as they were: %s", error)
            return
        before = [_terms(market) for market in markets]
        if self._markets is markets and fresh != list(markets):
            changed = sum(_terms(new) not in before for new in fresh)
            gone = len(markets) - len(fresh)
            if changed or gone:
                log.info("of the lists, %d markets have changed and %d are gone", changed, gone)
            self._markets = fresh
            self._watched(fresh)
            self._crew.carry(self._config, fresh)

    async def _rescope(self, new: Config, old: Config) -> None:
        try:
            self._markets = await load_markets(self._scoped(new))
        except CrossbookError as error:
            log.error("venues and symbols stay as they were: %s", error)
            kept = {name: getattr(old, name) for name in SCOPE}
            self._config = new.model_copy(update=kept)
        else:
            self._watched(self._markets)
