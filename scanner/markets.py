"""What is traded where: the markets of the configured venues, from REST or from the last time.

The lists come from a process of its own (``scanner.metadata``), and each that arrives is kept on
disk. A venue whose REST interface does not answer is taken from there, and the log says how old
that is; one with neither is left out, and the others go on.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile

import msgspec
import platformdirs
from msgspec import Struct

from scanner.clock import now
from scanner.config import Config, Feed
from scanner.errors import ConfigError, CrossbookError
from scanner.explain import did_you_mean
from scanner.metadata import Listed, Wanted
from scanner.types import Market

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
DEADLINE = 60.0
LONGEST_LINE = 64 << 20
KEPT_DAYS = 30
FORMAT = 1

log = logging.getLogger(__name__)


async def load(config: Config) -> list[Market]:
    """The markets to scan, by symbol; raises ``CrossbookError`` where there is none."""
    wanted = [
        Wanted(name, venue.endpoints.rest or "", venue.feed is not Feed.CCXT)
        for name, venue in config.enabled.items()
    ]
    log.info("loading markets of %d venues ...", len(wanted))
    cache = Cache(config.cache_dir or platformdirs.user_cache_path("crossbook"))
    answers = await _answers(wanted)
    listed: dict[str, Sequence[Market]] = {}
    for one in wanted:
        markets = _fresh_or_kept(one, answers[one.venue], cache)
        fee = config.venues[one.venue].taker_fee
        if markets and fee is not None:
            markets = [msgspec.structs.replace(market, taker_fee=fee) for market in markets]
        if markets:
            listed[one.venue] = markets
    if not listed:
        raise CrossbookError("no venue's markets could be had, neither from it nor from the cache")
    chosen = choose(listed, config)
    log.info("%d symbols in %d markets of %d venues", *_count(chosen))
    return chosen


def choose(listed: Mapping[str, Sequence[Market]], config: Config) -> list[Market]:
    """Those of the markets ``listed`` by venue that ``config.symbols`` asks for, by symbol."""
    by_symbol: defaultdict[str, list[Market]] = defaultdict(list)
    for markets in listed.values():
        for market in markets:
            by_symbol[market.symbol].append(market)
    venues = ", ".join(listed)
    if config.symbols == "auto":
        symbols = _shared(by_symbol, config)
        if not symbols:
            quoted = f" in {', '.join(config.quotes)}" if config.quotes else ""
            raise CrossbookError(f"no symbol{quoted} is listed by two of the venues: {venues}")
    else:
        symbols = _known(by_symbol, config.symbols)
        if not symbols:
            raise ConfigError(f"none of them is listed by any of: {venues}", key="symbols")
    return [market for symbol in symbols for market in by_symbol[symbol]]


def _shared(by_symbol: Mapping[str, Sequence[Market]], config: Config) -> list[str]:
    """Symbols that two venues list, those that most list first."""
    shared = [
        symbol
        for symbol, markets in by_symbol.items()
        if len(markets) > 1 and (not config.quotes or markets[0].quote in config.quotes)
    ]
    shared.sort(key=lambda symbol: (-len(by_symbol[symbol]), symbol))
    return shared[: config.max_symbols]


def _known(by_symbol: Mapping[str, Sequence[Market]], symbols: Iterable[str]) -> list[str]:
    known = []
    for symbol in symbols:
        markets = by_symbol.get(symbol, ())
        if not markets:
            near = did_you_mean(symbol, by_symbol)
            log.warning("%s: no configured venue lists it; %s", symbol, near or "left out")
            continue
        if len(markets) == 1:
            log.warning("%s: only %s lists it, so there is no pair", symbol, markets[0].venue)
        known.append(symbol)
    return known


def _count(markets: Sequence[Market]) -> tuple[int, int, int]:
    symbols = {market.symbol for market in markets}
    return len(symbols), len(markets), len({market.venue for market in markets})


async def _answers(wanted: Sequence[Wanted]) -> dict[str, Listed]:
    """What each venue answered; for one that did not within the deadline, that."""
    answers: dict[str, Listed] = {}
    late = f"no answer within {DEADLINE:.0f} s"
    # -P keeps the current folder, which may hold anything, off the path of the other process.
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "scanner.metadata"),
        stdin=PIPE,
        stdout=PIPE,
        stderr=DEVNULL,
        limit=LONGEST_LINE,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        async with asyncio.timeout(DEADLINE):
            process.stdin.write(msgspec.json.encode(wanted))
            process.stdin.close()
            async for line in process.stdout:
                answer = msgspec.json.decode(line, type=Listed)
                answers[answer.venue] = answer
            late = f"the process that asks it ended with code {await process.wait()}"
    except (TimeoutError, ConnectionError):
        pass
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return {one.venue: answers.get(one.venue, Listed(one.venue, error=late)) for one in wanted}


def _fresh_or_kept(wanted: Wanted, answer: Listed, cache: Cache) -> Sequence[Market]:
    venue = wanted.venue
    if answer.markets:
        cache.write(wanted, answer.markets, now())
        return answer.markets
    kept = cache.read(wanted)
    if kept is None:
        log.error("%s: left out: no markets (%s), and none in the cache", venue, answer.error)
        return ()
    age = age_text(now() - kept.at)
    log.warning("%s: markets from the cache, %s old (%s)", venue, age, answer.error)
    return kept.markets


def age_text(age: int) -> str:
    """``age`` (ns) in the largest unit of which it has two."""
    seconds = max(age, 0) // SECOND
    for unit, length in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


class Kept(Struct, frozen=True):
    """The markets of a venue as they were at a time (ns)."""

    at: int
    markets: tuple[Market, ...]


class Cache:
    """The lists that arrived last, a file for each venue and way of reaching it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "markets"

    def path(self, wanted: Wanted) -> Path:
        """Where the list of ``wanted`` is kept."""
        key = msgspec.json.encode((FORMAT, wanted))
        return self._folder / f"{wanted.venue}-{sha256(key).hexdigest()[:12]}.json"

    def read(self, wanted: Wanted) -> Kept | None:
        """The list that came last, or None; a damaged one is ignored, with a line in the log."""
        path = self.path(wanted)
        try:
            kept = msgspec.json.decode(path.read_bytes(), type=Kept)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            log.warning("%s: ignoring the damaged cache file %s (%s)", wanted.venue, path, error)
            return None
        return kept if kept.markets else None

    def write(self, wanted: Wanted, markets: Sequence[Market], at: int) -> None:
        """Keeps ``markets``, whole or not at all; a full disk costs a line in the log."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile(dir=self._folder, suffix=".part", delete=False) as part:
                part.write(msgspec.json.encode(Kept(at, tuple(markets))))
            os.replace(part.name, self.path(wanted))
            self._forget(at)
        except OSError as error:
            log.warning("%s: the market list could not be kept: %s", wanted.venue, error)

    def _forget(self, at: int) -> None:
        for file in self._folder.iterdir():
            if at - file.stat().st_mtime_ns > KEPT_DAYS * DAY:
                file.unlink(missing_ok=True)
