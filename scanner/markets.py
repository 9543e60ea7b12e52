"""What is traded where: the markets of the configured venues, from REST or from the last time.

The lists come from a process of its own (``scanner.metadata.fetch``), and each that arrives is kept
on disk. A venue whose REST interface does not answer is taken from there, and the log says how old
that is; one with neither is left out, and the others go on.
"""

from __future__ import annotations

import logging
import os
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from hashlib import sha256
from itertools import permutations
from pathlib import Path
from tempfile import NamedTemporaryFile

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from scanner.aside import ask
from scanner.clock import now
from scanner.config import CROSS_QUOTE, LOOP, PARITY, Config, Feed
from scanner.configuration.explain import did_you_mean
from scanner.configuration.places import cache_folder
from scanner.errors import ConfigError, CrossbookError
from scanner.hedging.scope import hedged_kinds, hedged_markets
from scanner.metadata.aliases import each_book_once
from scanner.metadata.fees import priced
from scanner.metadata.fetch import UNLISTED, Listed, Order, Wanted
from scanner.metadata.identity import identified, retold, shipped
from scanner.metadata.liquidity import Tickers, Traded, turnover
from scanner.metadata.wallets import wallets, with_wallets
from scanner.types import Market, Wallet

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
DEADLINE = 60.0
KEPT_DAYS = 30
FORMAT = 4

log = logging.getLogger(__name__)


class NoMarkets(CrossbookError):
    """No venue's markets could be had: nothing can be scanned."""


class Source(Struct, frozen=True, kw_only=True):
    """The markets of a venue, and how they were come by.

    ``at``: when the list was made, ns (0: there is none). ``error``: why it is not a fresh one.
    ``feeless``: how many more there are of which no fee is known, neither from the venue nor from
    the configuration: without one, no spread of theirs is known to pay. ``wallets``: by the venue's
    names of the coins, what it lists of moving them, and what the configuration states.
    """

    venue: str
    markets: Sequence[Market] = ()
    at: int = 0
    error: str = ""
    tickers: Tickers = {}
    feeless: int = 0
    wallets: Mapping[str, Wallet] = {}

    @property
    def left_out(self) -> str:
        """What is left out of the list, and the remedy; empty if nothing is."""
        if not self.feeless:
            return ""
        share = f"{self.feeless} of its {self.feeless + len(self.markets)} markets are left out"
        remedy = f"say yours with venues.{self.venue}.taker_fee in the configuration"
        return f"{share}: it does not list their fees; {remedy}"


async def load(config: Config) -> list[Market]:
    """The markets to scan, by symbol; raises ``CrossbookError`` where there is none."""
    log.info("loading markets of %d venues ...", len(config.enabled))
    found = await sources(config)
    for source in found.values():
        _tell(source)
    chosen = chosen_from(found, config)
    log.info("%d symbols in %d markets of %d venues", *_count(chosen))
    return chosen


async def at_hand(config: Config) -> list[Market] | None:
    """The markets to scan by lists that were kept within a day, without asking anybody; None unless
    every venue has such a list."""
    found = await sources(config, fetch=False)
    oldest = min(source.at for source in found.values())
    if now() - oldest > DAY:
        return None
    try:
        chosen = chosen_from(found, config)
    except CrossbookError:
        return None
    log.info("%d symbols in %d markets of %d venues", *_count(chosen))
    log.info("by lists up to %s old, which are asked for anew meanwhile", age_text(now() - oldest))
    return chosen


async def renewed(config: Config, markets: Sequence[Market]) -> list[Market]:
    """``markets`` as their venues list them now: with their fees, lots and minimums, and without
    those that are listed no more. Those of a venue that does not answer stay as they are."""
    found = await sources(config)
    for source in found.values():
        _tell(source)
    asked = {venue for venue, source in found.items() if source.markets and not source.error}
    fresh = {(one.venue, one.id): one for source in found.values() for one in source.markets}
    kept = [fresh.get((one.venue, one.id)) or one for one in markets]
    return [one for one in kept if one.venue not in asked or (one.venue, one.id) in fresh]


async def sources(config: Config, *, fetch: bool = True) -> dict[str, Source]:
    """What the enabled venues list, by venue; ``fetch=False``: only what was kept."""
    wanted = _wanted(config)
    cache = Cache(config.cache_dir or cache_folder())
    answers = await _answers(Order(wanted, config.symbols == "auto")) if fetch else {}
    return {one.venue: _source(one, answers.get(one.venue), cache, config) for one in wanted}


def kept_sources(config: Config) -> dict[str, Source]:
    """As ``sources`` without fetching: what was kept."""
    cache = Cache(config.cache_dir or cache_folder())
    return {one.venue: _source(one, None, cache, config) for one in _wanted(config)}


def _wanted(config: Config) -> list[Wanted]:
    """What each venue is asked for: what is taken of it, and the contracts of the hedge book."""
    return [
        Wanted(
            name,
            venue.endpoints.rest or "",
            venue.feed is not Feed.CCXT,
            (*venue.kinds, *hedged_kinds(name, config)),
        )
        for name, venue in config.enabled.items()
    ]


def chosen_from(found: Mapping[str, Source], config: Config) -> list[Market]:
    """The markets to scan of what was found; raises ``CrossbookError`` where there is none."""
    listed = {venue: source.markets for venue, source in found.items() if source.markets}
    if not listed:
        raise NoMarkets("no venue's markets could be had, neither from it nor from the cache")
    return choose(listed, config, {venue: source.tickers for venue, source in found.items()})


def choose(
    listed: Mapping[str, Sequence[Market]],
    config: Config,
    tickers: Mapping[str, Tickers] | None = None,
) -> list[Market]:
    """Those of the markets ``listed`` by venue that ``config.symbols`` asks for, by symbol."""
    by_symbol: defaultdict[str, list[Market]] = defaultdict(list)
    every = [market for markets in listed.values() for market in markets]
    every_contract = [market for market in every if market.is_contract]
    contracts = [one for one in every_contract if one.kind in config.venues[one.venue].kinds]
    coins = each_book_once([m for m in every if not m.is_contract], config)
    for market in coins:
        by_symbol[market.symbol].append(market)
    hedged = hedged_markets(coins, every_contract, config)
    venues = ", ".join(listed)
    if config.symbols == "auto":
        symbols = _shared(by_symbol, config, tickers or {})
        if not symbols and not contracts:
            quoted = f" in {', '.join(config.quotes)}" if config.quotes else ""
            raise CrossbookError(f"no symbol{quoted} is listed by two of the venues: {venues}")
    else:
        # Where there are contracts only, the symbols say which coins.
        known = bool(by_symbol) or not contracts
        symbols = _known(by_symbol, config.symbols, config) if known else []
        if not symbols and not contracts:
            raise ConfigError(f"none of them is listed by any of: {venues}", key="symbols")
    chosen = [
        market
        for symbol in (*symbols, *_beside(symbols, by_symbol, config))
        for market in by_symbol[symbol]
    ]
    chosen += _contracts(contracts, symbols, config)
    there = {(one.venue, one.symbol) for one in chosen}
    return chosen + [one for one in hedged if (one.venue, one.symbol) not in there]


def _contracts(contracts: Sequence[Market], symbols: Sequence[str], config: Config) -> list[Market]:
    """The contracts on the coins of ``symbols``, whatever they are paid for in; where there is no
    spot to go by, on the coins on which most venues list them."""
    named = symbols if config.symbols == "auto" else config.symbols
    bases = dict.fromkeys(symbol.partition("/")[0] for symbol in named)
    by_base: defaultdict[str, list[Market]] = defaultdict(list)
    for market in contracts:
        by_base[market.base].append(market)
    if not bases:
        count = {base: len({one.venue for one in ones}) for base, ones in by_base.items()}
        bases = dict.fromkeys(sorted(count, key=lambda base: (-count[base], base)))
    found = [market for base in list(bases)[: config.max_symbols] for market in by_base[base]]
    if not found and not symbols:
        raise CrossbookError("none of the configured venues lists a contract on these coins")
    return found


def _converting(
    symbols: Sequence[str], by_symbol: Mapping[str, Sequence[Market]], config: Config
) -> list[str]:
    """Further symbols that turn one quote currency of ``symbols`` into another, where one of them
    is bought in the one and sold in the other."""
    if not {CROSS_QUOTE, LOOP}.intersection(config.kinds):
        return []
    quotes: defaultdict[str, set[str]] = defaultdict(set)
    for symbol in symbols:
        quotes[by_symbol[symbol][0].base].add(by_symbol[symbol][0].quote)
    pairs = {pair for theirs in quotes.values() for pair in permutations(theirs, 2)}
    wanted = {f"{base}/{quote}" for base, quote in pairs}
    return sorted(symbol for symbol in wanted - set(symbols) if by_symbol.get(symbol))


def _beside(
    symbols: Sequence[str], by_symbol: Mapping[str, Sequence[Market]], config: Config
) -> list[str]:
    """Further symbols, whose prices are needed: those that convert, and the stablecoins'."""
    pegged = _pegged(by_symbol, config) if symbols else ()
    return sorted({*_converting(symbols, by_symbol, config), *pegged} - set(symbols))


def _pegged(by_symbol: Mapping[str, Sequence[Market]], config: Config) -> list[str]:
    """Every pair of currencies that are pegged to the same money, or are that money."""
    if PARITY not in config.kinds:
        return []
    pegs = {**{money: money for money in config.stablecoins.values()}, **config.stablecoins}
    return [
        symbol
        for symbol, markets in by_symbol.items()
        if (peg := pegs.get(markets[0].base)) and peg == pegs.get(markets[0].quote)
    ]


def _shared(
    by_symbol: Mapping[str, Sequence[Market]], config: Config, tickers: Mapping[str, Tickers]
) -> list[str]:
    """Symbols that two venues list: the most traded first, then those that most list."""
    shared = {
        symbol: markets
        for symbol, markets in by_symbol.items()
        if len(markets) > 1 and (not config.quotes or markets[0].quote in config.quotes)
    }
    traded = turnover(shared, tickers)
    ranked = sorted(shared, key=lambda symbol: (-traded[symbol], -len(shared[symbol]), symbol))
    return ranked[: config.max_symbols]


def _known(
    by_symbol: Mapping[str, Sequence[Market]], symbols: Sequence[str], config: Config
) -> list[str]:
    known = []
    bases = Counter(symbol.partition("/")[0] for symbol in symbols)
    for symbol in symbols:
        markets = by_symbol.get(symbol, ())
        if not markets:
            near = did_you_mean(symbol, by_symbol)
            log.warning("%s: no configured venue lists it; %s", symbol, near or "left out")
            continue
        across = {CROSS_QUOTE, LOOP}.intersection(config.kinds)
        alone = not across or bases[markets[0].base] == 1
        if len(markets) == 1 and alone:
            log.warning("%s: only %s lists it, so there is no pair", symbol, markets[0].venue)
        known.append(symbol)
    return known


def _count(markets: Sequence[Market]) -> tuple[int, int, int]:
    symbols = {market.symbol for market in markets}
    return len(symbols), len(markets), len({market.venue for market in markets})


async def _answers(order: Order) -> dict[str, Listed]:
    """What each venue answered; for one that did not within the deadline, that."""
    found: dict[str, Listed] = {}
    why = "the process that asks it ended before it answered"

    def take(line: bytes) -> None:
        answer = msgspec.json.decode(line, type=Listed)
        found[answer.venue] = answer

    try:
        await ask("scanner.metadata.fetch", msgspec.json.encode(order), take, DEADLINE)
    except TimeoutError:
        why = f"no answer within {DEADLINE:.0f} s"
    except (ChildProcessError, ConnectionError) as error:
        why = str(error) or why
    venues = [one.venue for one in order.wanted]
    return {venue: found.get(venue, Listed(venue, error=why)) for venue in venues}


def _source(wanted: Wanted, answer: Listed | None, cache: Cache, config: Config) -> Source:
    """What the venue answered (None: it was not asked), or else what is kept of it."""
    kept = cache.read(wanted)
    if answer is not None and answer.markets:
        at = now()
        listed = {name: replace(one, listed_at=at) for name, one in answer.wallets.items()}
        tickers = answer.tickers or (kept.tickers if kept else {})
        kept = Kept(at, answer.markets, tickers, listed or (kept.wallets if kept else {}))
        cache.write(wanted, kept)
    if kept is None:
        return Source(venue=wanted.venue, error=answer.error if answer else "")
    known = (config.identity, shipped())
    venue = config.venues[wanted.venue]
    found = wallets(kept.wallets, venue.transfers)
    movable = with_wallets(kept.markets, found, config.identity)
    markets = priced(identified(movable, *known), venue)
    with_fees = [market for market in markets if market.fee_source != UNLISTED]
    return Source(
        venue=wanted.venue,
        markets=with_fees,
        feeless=len(markets) - len(with_fees),
        at=kept.at,
        error=answer.error if answer else "",
        tickers=retold(kept.tickers, kept.markets, *known),
        wallets=found,
    )


def _tell(source: Source) -> None:
    if source.left_out:
        log.warning("%s: %s", source.venue, source.left_out)
    if not source.markets and not source.feeless:
        text = "%s: left out: no markets (%s), and none in the cache"
        log.error(text, source.venue, source.error)
    elif source.error:
        age = age_text(now() - source.at)
        log.warning("%s: markets from the cache, %s old (%s)", source.venue, age, source.error)


def age_text(age: int) -> str:
    """``age`` (ns) in the largest unit of which it has two."""
    seconds = max(age, 0) // SECOND
    for unit, length in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


class Kept(Struct, frozen=True):
    """The markets of a venue as they were at a time (ns); each wallet says when it was listed."""

    at: int
    markets: tuple[Market, ...]
    tickers: dict[str, Traded] = {}
    wallets: dict[str, Wallet] = {}


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

    def write(self, wanted: Wanted, kept: Kept) -> None:
        """Keeps it, whole or not at all; a full disk costs a line in the log."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile(dir=self._folder, suffix=".part", delete=False) as part:
                part.write(msgspec.json.encode(kept))
            os.replace(part.name, self.path(wanted))
            self._forget(kept.at)
        except OSError as error:
            log.warning("%s: the market list could not be kept: %s", wanted.venue, error)

    def _forget(self, at: int) -> None:
        for file in self._folder.iterdir():
            if at - file.stat().st_mtime_ns > KEPT_DAYS * DAY:
                file.unlink(missing_ok=True)
