"""From the venues' lists to books, marks and rates: contracts of all simulated venues, live."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from scanner.config import Config, VenueConfig, validated
from scanner.configuration.located import parse
from scanner.derivatives import Derivative
from scanner.engine.bounds import Bounds
from scanner.engine.ids import Ids
from scanner.engine.tracker import Thresholds
from scanner.events import Opportunity
from scanner.feeds.feed import Feed
from scanner.feeds.shell import Shell
from scanner.fleet import Fleet, venue_feed
from scanner.lab.contract_listings import CONTRACTS
from scanner.lab.server import Clock, LabServer
from scanner.lab.world import World
from scanner.markets import load
from scanner.pipeline import Pipeline
from scanner.types import Market, MarketKind
from tests.feeds.pipeline import same_book

SECOND = 10**9


def config(lab: LabServer, folder: Path, feed: str = "") -> Config:
    """Everything that the lab's venues trade, of two coins."""
    rows = [f"cache_dir: {folder}", "symbols: [BTC/USDT, DOGE/USDT]", "venues:"]
    for name in lab.venues:
        # Without fees nearly every price pays, so that what is compared is sure to be flagged.
        keys = [
            "taker_fee: 0",
            f"endpoints: {{rest: '{lab.url(name)}', ws: '{lab.ws(name)}'}}",
            feed,
        ]
        assert lab.world is not None
        if lab.world.venues[name].books:
            keys.append("markets: [spot, perpetual, future]")
        rows.append(f"  {name}: {{{', '.join(key for key in keys if key)}}}")
    return validated(parse("\n".join(rows), "test.yaml"))


class Scan:
    """All feeds of a configuration into one pipeline."""

    def __init__(self, clock: Clock) -> None:
        self.flagged: list[Opportunity] = []
        self.clock = clock
        self.pipeline = Pipeline(
            thresholds=Thresholds(min_net_bps=-1000),
            bounds=Bounds(max_age=10 * SECOND, max_skew=10 * SECOND),
            ids=Ids(Random(1).getrandbits),
            emit=self.flagged.append,
        )
        self.shell = Shell(now=clock, rng=Random(1))

    def make(self, name: str, venue: VenueConfig, markets: Sequence[Market]) -> Feed:
        return venue_feed(name, venue, markets, self.pipeline, self.shell)

    def latest(self, market: Market) -> Derivative:
        (book,) = [b for b, known in self.pipeline.contracts.items() if known == market]
        return self.pipeline.derivatives.latest(book, self.clock())

    def told(self, market: Market) -> bool:
        known = self.latest(market)
        if market.kind is MarketKind.FUTURE:
            return None not in (known.mark, known.index)
        return None not in (known.mark, known.index, known.funding_rate, known.interval)


async def until(reached: object, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not reached():  # type: ignore[operator]
            await asyncio.sleep(0.05)


async def test_contracts_of_every_native_venue_live_beside_spot_and_are_never_flagged(
    tmp_path: Path,
) -> None:
    clock = Clock()
    async with LabServer(World(7, clock(), tuple(CONTRACTS), contracts=True), clock=clock) as lab:
        settings = config(lab, tmp_path)
        markets = await load(settings)
        contracts = [market for market in markets if market.is_contract]
        assert {market.venue for market in contracts} == set(CONTRACTS)
        assert {market.base for market in contracts} == {"BTC", "DOGE"}
        kinds = {(market.kind, market.inverse) for market in contracts}
        assert kinds == {
            (MarketKind.PERPETUAL, False),
            (MarketKind.PERPETUAL, True),
            (MarketKind.FUTURE, False),
        }
        scan = Scan(clock)
        async with asyncio.TaskGroup() as group:
            fleet = Fleet(group, scan.make)
            await fleet.carry(settings.venues, markets)
            live = scan.pipeline.live_contracts
            await until(lambda: live().total() == len(contracts), 30)
            await until(lambda: all(map(scan.told, contracts)), 30)
            await until(lambda: scan.flagged, 20)
            lab.freeze()
            for market in contracts:
                await until(lambda m=market: same_book(scan.pipeline, lab, m, 5), 10)
            await asyncio.sleep(1.5)
            for market in contracts:
                assert lab.world is not None
                said = lab.world.venues[market.venue].contract(market.symbol).said
                known = scan.latest(market)
                assert (known.mark, known.index) == (float(said.mark), float(said.index)), market
                assert (known.interval or 0) == said.interval
                assert (known.next_funding_at or 0) == said.next_at
            samples = {
                (s.venue, s.symbol): s for s in scan.pipeline.derivatives.take_samples(clock())
            }
            assert set(samples) == {(market.venue, market.symbol) for market in contracts}
            await fleet.stop()
    assert scan.flagged
    assert {one.kind for one in scan.flagged} == {"spot-spot"}
    assert {one.symbol for one in scan.flagged} <= {"BTC/USDT", "DOGE/USDT"}


@pytest.mark.parametrize("venue", ["binanceusdm", "krakenfutures"])
async def test_contracts_through_ccxts_own_client(tmp_path: Path, venue: str) -> None:
    clock = Clock()
    async with LabServer(World(7, clock(), (venue,), contracts=True), clock=clock) as lab:
        settings = config(lab, tmp_path, "feed: ccxt")
        markets = await load(settings)
        assert len(markets) == 2
        scan = Scan(clock)
        async with asyncio.TaskGroup() as group:
            fleet = Fleet(group, scan.make)
            await fleet.carry(settings.venues, markets)
            await until(lambda: scan.pipeline.live_contracts().total() == 2, 40)
            await until(lambda: all(scan.latest(market).mark for market in markets), 30)
            lab.freeze()
            for market in markets:
                await until(lambda m=market: same_book(scan.pipeline, lab, m, 5), 10)
                assert scan.latest(market).funding_rate is not None
                # Of some exchanges ccxt tells no interval, and none is made up.
                known = scan.latest(market).interval
                assert known == (3600 * SECOND if venue == "krakenfutures" else None)
            await fleet.stop()


async def test_contracts_of_a_venue_that_only_ccxt_speaks_to(tmp_path: Path) -> None:
    """A sister of a simulated venue under a name of its own, for which there is no protocol here:
    its books, marks and rates are those of the simulation."""
    clock = Clock()
    async with LabServer(World(7, clock(), ("okx",), contracts=True), clock=clock) as lab:
        keys = f"taker_fee: 0, endpoints: {{rest: '{lab.url('okx')}', ws: '{lab.ws('okx')}'}}"
        rows = [f"cache_dir: {tmp_path}", "symbols: [BTC/USDT, DOGE/USDT]", "venues:"]
        rows.append(f"  myokx: {{{keys}, markets: [spot, perpetual]}}")
        settings = validated(parse("\n".join(rows), "test.yaml"))
        markets = await load(settings)
        contracts = [market for market in markets if market.is_contract]
        assert {market.venue for market in markets} == {"myokx"}
        assert len(contracts) >= 2
        scan = Scan(clock)
        async with asyncio.TaskGroup() as group:
            fleet = Fleet(group, scan.make)
            await fleet.carry(settings.venues, markets)
            await until(lambda: scan.pipeline.live_contracts().total() == len(contracts), 40)
            await until(lambda: all(_paid(scan.latest(market)) for market in contracts), 30)
            lab.freeze()
            assert lab.world is not None
            for market in contracts:
                await until(lambda m=market: same_book(scan.pipeline, lab, m, 5, "okx"), 10)
                said = lab.world.venues["okx"].contract(market.symbol).said
                known = scan.latest(market)
                # Its client may not have taken the last of them when the market stopped.
                assert known.mark == pytest.approx(float(said.mark), rel=1e-3)
                assert known.interval == said.interval
            await fleet.stop()


def _paid(known: Derivative) -> bool:
    return None not in (known.mark, known.funding_rate, known.interval, known.next_funding_at)
