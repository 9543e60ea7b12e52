"""``crossbook check``: what a configuration would subscribe to, and whether it can be reached."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from scanner import clock
from scanner.config import Config, VenueConfig
from scanner.errors import CrossbookError
from scanner.feeds.plan import plan
from scanner.feeds.shell import Shell
from scanner.fleet import provable, spoken_natively
from scanner.hedging.csv_file import whole
from scanner.hedging.scope import scoped
from scanner.logs import clean
from scanner.markets import Source, chosen_from, sources
from scanner.probe import Reach, probe
from scanner.types import Market
from scanner.venues.ccxt_book import venue as ccxt_venue


class VenueReport(Struct, frozen=True, kw_only=True):
    """One venue. ``listed``: how many spot markets it lists, from itself (``fresh``) or from the
    cache, where the list is ``age_s`` old; ``symbols``: those that would be subscribed to, dealt
    out to ``connections`` (the number of markets on each). ``stream`` is None if it was not tried.
    """

    id: str
    feed: str
    depth: str
    symbols: tuple[str, ...]
    connections: tuple[int, ...]
    listed: int
    fresh: bool
    age_s: float | None
    rest_error: str
    stream: Reach | None

    @property
    def reachable(self) -> bool:
        """It would take part in a scan."""
        return self.listed > 0 and self.stream is not None and self.stream.connect_ms is not None


class Report(Struct, frozen=True, kw_only=True):
    """All of it. ``problem``: why nothing would be scanned, if so, and its exit code. ``holdings``
    and ``shorts`` of the hedge book, its file read; ``unscanned``: the shorts that a scan would not
    know the price of."""

    symbols: tuple[str, ...]
    venues: tuple[VenueReport, ...]
    problem: str = ""
    problem_code: int = 0
    offline: bool = False
    holdings: int = 0
    shorts: int = 0
    unscanned: tuple[str, ...] = ()

    @property
    def reachable(self) -> int:
        """How many venues can be reached."""
        return sum(venue.reachable for venue in self.venues)

    @property
    def exit_code(self) -> int:
        """1 if nothing would come of a scan, 2 if that is the configuration's doing."""
        if self.offline:
            return self.problem_code if self.problem_code > 1 else 0
        return self.problem_code or int(self.reachable == 0)


async def examine(config: Config, *, offline: bool, shell: Shell | None = None) -> Report:
    """Look at every enabled venue, all at the same time; ``offline``: only at what is on disk.
    Raises ``ConfigError`` if the file of the hedge book is wrong."""
    book = whole(config.hedge_book)
    config = scoped(config, book)
    found = await sources(config, fetch=not offline)
    chosen, problem = _chosen(found, config)
    shell = shell or Shell(now=clock.now, rng=random.Random())
    streams: Mapping[str, Reach | None] = dict.fromkeys(config.enabled)
    if not offline:
        trials = [
            probe(name, venue, _first(chosen.get(name) or found[name].markets), shell)
            for name, venue in config.enabled.items()
        ]
        streams = dict(zip(config.enabled, await asyncio.gather(*trials), strict=True))
    streamed = provable(config)
    return Report(
        symbols=tuple(dict.fromkeys(m.symbol for markets in chosen.values() for m in markets)),
        venues=tuple(
            _venue(streamed[name], found[name], chosen.get(name, ()), streams[name])
            for name in config.enabled
        ),
        problem=clean(str(problem or "")),
        problem_code=problem.exit_code if problem else 0,
        offline=offline,
        holdings=len(book.holdings),
        shorts=len(book.shorts),
        unscanned=tuple(
            f"{one.symbol} on {one.venue}"
            for one in book.shorts
            if chosen and one.symbol not in {market.symbol for market in chosen.get(one.venue, ())}
        ),
    )


def _chosen(
    found: Mapping[str, Source], config: Config
) -> tuple[dict[str, list[Market]], CrossbookError | None]:
    """The markets to scan by venue, or why there are none."""
    by_venue: dict[str, list[Market]] = {}
    try:
        for market in chosen_from(found, config):
            by_venue.setdefault(market.venue, []).append(market)
    except CrossbookError as error:
        return {}, error
    return by_venue, None


def _first(markets: Sequence[Market]) -> Market | None:
    return next(iter(markets), None)


def _connections(
    venue: VenueConfig, name: str, markets: Sequence[Market], contracts: bool
) -> list[tuple[Market, ...]]:
    """The markets on each connection; coins and contracts are streamed apart."""
    theirs = [market for market in markets if market.is_contract == contracts]
    spoken = spoken_natively(name, venue, contracts=contracts) or ccxt_venue(name)
    return plan(theirs, venue.markets_per_connection or spoken.limits.markets)


def _venue(
    venue: VenueConfig, source: Source, markets: Sequence[Market], stream: Reach | None
) -> VenueReport:
    connections = [
        group
        for contracts in (False, True)
        for group in _connections(venue, source.venue, markets, contracts)
    ]
    return VenueReport(
        id=source.venue,
        feed=venue.feed.value if venue.feed else "",
        depth=venue.depth.value,
        symbols=tuple(market.symbol for market in markets),
        connections=tuple(map(len, connections)),
        listed=len(source.markets),
        fresh=bool(source.markets) and not source.error and stream is not None,
        age_s=(clock.now() - source.at) / 1e9 if source.at else None,
        rest_error=clean("; ".join(filter(None, (source.error, source.left_out)))),
        stream=stream and replace(stream, error=clean(stream.error)),
    )
