"""The simulated market: the books of every venue over one fair price for each coin.

Time is an argument, so the market runs on any clock; the same seed asked at the same times gives
the same books. Each market changes at moments of its own, at a pace that fits its venue and coin:
it then moves to the fair price as its venue sees it, late and a little off, and to wherever an
episode pushes it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Sequence
from heapq import heapify, heapreplace
from random import Random

from scanner.lab.book import LabBook, LabMarket
from scanner.lab.contract_listings import CONTRACTS, Contracts
from scanner.lab.contracts import LabContract, lab_contracts
from scanner.lab.ladder import Ladder
from scanner.lab.listings import (
    COINS,
    LISTINGS,
    QUOTE_ACTIVITY,
    QUOTES,
    Listing,
    coarsest_decimals,
    lab_markets,
)
from scanner.lab.premium import Depeg
from scanner.lab.prices import Episode, Episodes, FairPrice, Offset, Rival
from scanner.lab.seam import VenueWorld
from scanner.lab.units import MILLISECOND, SECOND

CHEAP = 0.0025
QUIETEST = 1.6
LONGEST_PAUSE = 2.0
LONGEST_STEP = 3 * SECOND
UNPEGGED = "USDC"


class _Trading:
    """One market of one venue, and how it follows the fair price."""

    def __init__(
        self,
        venue: str,
        market: LabMarket,
        pace: Listing | Contracts,
        seed: int,
        at: int,
        usd: float,
    ) -> None:
        self.random = Random(f"{seed}:{venue}:{market.symbol}")
        self.venue = venue
        self.market = market
        self.book = LabBook(market, sequence=self.random.randrange(10**8, 10**9), at=at)
        coin = COINS[market.base]
        activity = coin.activity * QUOTE_ACTIVITY[market.quote]
        unit, grain = float(market.contract_size) * (1.0 if market.inverse else usd), 1
        if not market.settle:
            grain = 10 ** (market.size_decimals - coarsest_decimals(market.base))
        touch = coin.touch_usd * (0.3 + 0.7 * activity) / unit * 10**market.size_decimals
        self.ladder = Ladder(self.book, self.random, touch, grain)
        self.pause = SECOND / max(pace.activity * activity, QUIETEST)
        self.lag = int(pace.lag_ms * self.random.uniform(0.5, 1.5) * MILLISECOND)
        self.offset = Offset(self.random, at)
        self.episodes: list[Episode] = []
        self.per_unit = 10.0**market.price_decimals
        past = f"{seed}:{venue}:{market.symbol}:settled"
        self.contract = LabContract(self.book, self.random, at, past) if market.settle else None

    def next(self, when: int) -> int:
        """When it changes after ``when``."""
        return when + int(min(self.random.expovariate(1.0), LONGEST_PAUSE) * self.pause) + 1

    def price(self, fair: float, when: int) -> float:
        """The price in ticks where ``fair`` is the logarithm of the fair one."""
        if self.episodes:
            self.episodes = [episode for episode in self.episodes if episode.end > when]
        pushed = sum(episode.at(when) for episode in self.episodes)
        if self.contract is not None:
            pushed += self.contract.premium.traded(when)
        return math.exp(fair + self.offset.at(when) + pushed) * self.per_unit


class World:
    """All books of ``venues`` (ccxt ids), from ``at`` (ns) on; of spot only those of
    ``symbols``, if given.

    With ``contracts`` also their perpetuals and futures, and those of the venues that trade nothing
    else; with ``depeg`` a stablecoin loses its peg for a while.
    """

    def __init__(
        self,
        seed: int,
        at: int,
        venues: Sequence[str] | None = None,
        *,
        contracts: bool = False,
        depeg: bool = False,
        symbols: Collection[str] | None = None,
    ) -> None:
        if venues is None:
            venues = tuple(dict.fromkeys([*LISTINGS, *(CONTRACTS if contracts else ())]))
        self.seed = seed
        self._depeg = Depeg(Random(f"{seed}:depeg"), at) if depeg else None
        self._at = at
        self._observed = at - SECOND
        self._skipped = 0
        self._fair = {
            name: FairPrice(Random(f"{seed}:{name}"), usd, drift, at)
            for name, usd, drift in _wanderers()
        }
        listed: list[tuple[str, LabMarket, Listing | Contracts]] = [
            (venue, market, LISTINGS[venue])
            for venue in venues
            if venue in LISTINGS
            for market in lab_markets(venue)
            if symbols is None or market.symbol in symbols
        ]
        if contracts:
            listed += [(v, market, row) for v in venues for market, row in lab_contracts(v, at)]
        self._trading = [
            _Trading(venue, market, pace, seed, at, math.exp(self._fair[market.base].at(at)))
            for venue, market, pace in listed
        ]
        self._contracts = [(t, t.contract) for t in self._trading if t.contract is not None]
        self.venues = {
            venue: VenueWorld(venue, self._books(venue), self._contracts_of(venue))
            for venue in venues
        }
        self._episodes = Episodes(Random(f"{seed}:episodes"), _rivals(self._trading), at)
        self._due = [(trading.next(at), number) for number, trading in enumerate(self._trading)]
        heapify(self._due)
        for trading in self._trading:
            self._change(trading, at, at)
        self._observe(at, at)

    def advance(self, at: int, most: int | None = None) -> list[tuple[str, LabBook]]:
        """Let the market run until ``at``; the books that changed, with their venues.

        Changes carry ``at``, for that is when they could first be seen. A pause of more than
        ``LONGEST_STEP`` (a suspended machine, a frozen market) is left out of simulated time. With
        ``most`` no book moves more often than that in one call, however long the time: what it
        would have done besides never happens, and the work is bounded.
        """
        self._skipped += max(at - self._at - LONGEST_STEP, 0)
        self._at = max(at, self._at)
        now = self._at - self._skipped
        for number, episode in self._episodes.until(now):
            self._trading[number].episodes.append(episode)
        moves: dict[int, int] = {}
        while self._due and self._due[0][0] <= now:
            when, number = self._due[0]
            trading = self._trading[number]
            self._change(trading, when, self._at)
            count = moves[number] = moves.get(number, 0) + 1
            heapreplace(self._due, (trading.next(now if count == most else when), number))
        self._observe(now, self._at)
        trading_now = (self._trading[number] for number in moves)
        return [(trading.venue, trading.book) for trading in trading_now]

    def push(self, venue: str, symbol: str, episode: Episode) -> None:
        """One more episode, of the caller's own."""
        for trading in self._trading:
            if (trading.venue, trading.market.symbol) == (venue, symbol):
                trading.episodes.append(episode)

    def book(self, venue: str, symbol: str) -> LabBook:
        """The book of a unified symbol. Raises KeyError where the venue does not list it."""
        return self.venues[venue].book(symbol)

    def books(self) -> list[tuple[str, LabBook]]:
        """Every book, with its venue."""
        return [(trading.venue, trading.book) for trading in self._trading]

    def _books(self, venue: str) -> dict[str, LabBook]:
        theirs = (t for t in self._trading if t.venue == venue and t.contract is None)
        return {t.market.id: t.book for t in theirs}

    def _contracts_of(self, venue: str) -> dict[str, LabContract]:
        return {t.market.id: contract for t, contract in self._contracts if t.venue == venue}

    def _change(self, trading: _Trading, when: int, at: int) -> None:
        trading.ladder.move(trading.price(self._price(trading, when - trading.lag), when), at)

    def _observe(self, when: int, at: int) -> None:
        """Let the contracts see what their coins are worth, once a second: an index is one for all
        contracts on it."""
        if self._contracts and when - self._observed >= SECOND:
            self._observed = when
            for trading, contract in self._contracts:
                contract.observe(self._price(trading, when), when, at)

    def _price(self, trading: _Trading, when: int) -> float:
        """The logarithm of the fair price of a market."""
        return self._worth(trading.market.base, when) - self._worth(trading.market.quote, when)

    def _worth(self, name: str, when: int) -> float:
        """The logarithm of what a coin or currency is worth in dollars."""
        fallen = self._depeg.at(when) if self._depeg and name == UNPEGGED else 0.0
        return self._fair[name].at(when) + fallen


def _wanderers() -> list[tuple[str, float, float]]:
    coins = [(name, coin.usd, coin.drift) for name, coin in COINS.items() if name not in QUOTES]
    return coins + [(name, usd, drift) for name, (usd, drift) in QUOTES.items()]


def _rivals(trading: list[_Trading]) -> list[Rival]:
    """The markets that an episode may pick: cheap ones whose symbol another cheap venue trades."""
    fees: dict[str, list[float]] = defaultdict(list)
    for each in trading:
        if float(each.market.taker) <= CHEAP and not each.market.settle:
            fees[each.market.symbol].append(float(each.market.taker))
    return [
        Rival(number, each.market.symbol, float(each.market.taker) + min(others))
        for number, each in enumerate(trading)
        if float(each.market.taker) <= CHEAP
        and not each.market.settle
        and (others := _without(fees[each.market.symbol], float(each.market.taker)))
    ]


def _without(values: list[float], value: float) -> list[float]:
    rest = list(values)
    rest.remove(value)
    return rest
