"""The hedge book beside a scan: read, kept up to date with prices and payments, and told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from scanner import clock, ending
from scanner.config import Config
from scanner.configuration.hedge import HedgeBook, Position
from scanner.errors import ConfigError
from scanner.hedge.desk import HedgeDesk
from scanner.hedge.received import Paid
from scanner.hedging.book import stored
from scanner.hedging.csv_file import whole
from scanner.hedging.scope import scoped

log = logging.getLogger(__name__)
EVERY = 1.0
PAYMENTS_EVERY = 60.0

Stamp = tuple[int, int] | None


class HedgeWatch:
    """Follows the hedge book of ``config`` and its file; ``desk`` takes the prices. Raises
    ``ConfigError`` for a file that is wrong; one that becomes so later is logged, and the book
    stays as it was."""

    def __init__(self, config: Config) -> None:
        self.desk = HedgeDesk()
        self._stamp: Stamp = None
        self._seen: Stamp = None
        self._config = config
        self._use(config, whole(config.hedge_book))

    @property
    def book(self) -> HedgeBook:
        """The book with what its file holds."""
        return self.desk.book

    def openings(self) -> dict[tuple[str, str], int]:
        """When (ns) the first short of each contract was opened, by venue and symbol."""
        found: dict[tuple[str, str], int] = {}
        for one in self.book.shorts:
            if one.opened is not None:
                key = (one.venue, one.symbol)
                found[key] = min(one.opened, found.get(key, one.opened))
        return found

    def scoped(self, config: Config) -> Config:
        """``config`` with the book, whose markets are then scanned too."""
        return scoped(config, self.book)

    def apply(self, config: Config) -> None:
        """This is the configuration from now on."""
        self._config = config
        self._read()

    async def keep(
        self, url: str, tell: Callable[[object], object], changed: Callable[[], object]
    ) -> None:
        """Until cancelled: ``tell`` the ``HedgeState`` once a second, with the payments that are
        stored in the database at ``url`` (empty: there is none), and call ``changed`` when the file
        has changed the book."""
        due = 0.0
        loop = asyncio.get_running_loop()
        asked: HedgeBook | None = None
        told = False
        while True:
            state = self.desk.state(clock.now())
            if state.coins or told:
                tell(state)
            told = bool(state.coins)
            if url and told and (loop.time() >= due or asked is not self.book):
                due, asked = loop.time() + PAYMENTS_EVERY, self.book
                await self._ask(url, asked.shorts)
            await asyncio.sleep(EVERY)
            if self._new_file():
                changed()

    async def _ask(self, url: str, shorts: Sequence[Position]) -> None:
        """In a thread: it waits for the database."""
        found: list[list[Paid] | None] = []
        await ending.apart(lambda: found.extend(stored(url, shorts, clock.now())))
        for short, payments in zip(shorts, found, strict=True):
            self.desk.pay(short, payments)

    def _new_file(self) -> bool:
        """Read it once two looks have found it the same, and not as it was read last."""
        stamp = _stamp(self._config.hedge_book.csv)
        settled, self._seen = stamp == self._seen, stamp
        if not settled or stamp == self._stamp or not self._read():
            return False
        log.info("the hedge book has changed: its file is read again")
        return True

    def _read(self) -> bool:
        try:
            book = whole(self._config.hedge_book)
        except ConfigError as error:
            self._stamp = _stamp(self._config.hedge_book.csv)
            log.error("the hedge book stays as it was: %s", error)
            return False
        self._use(self._config, book)
        return True

    def _use(self, config: Config, book: HedgeBook) -> None:
        self._stamp = self._seen = _stamp(config.hedge_book.csv)
        self.desk.use(book, config.carry.maintenance, config.currency)


def _stamp(csv: str | None) -> Stamp:
    if csv is None:
        return None
    try:
        found = Path(csv).expanduser().stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
