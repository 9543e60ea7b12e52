"""Feeds that follow the configuration: only what differs is touched."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from scanner.config import Config, Endpoints, VenueConfig, validated
from scanner.config import Feed as Way
from scanner.configuration.located import parse
from scanner.fleet import Fleet, options_of, provable, spoken_natively
from scanner.types import Depth, Market
from scanner.venues.registry import native


def market(venue: str, name: str = "X", fee: float = 0.001) -> Market:
    return Market(venue=venue, id=name, symbol=f"{name}/Q", base=name, quote="Q", taker_fee=fee)


class Feed:
    """Notes its life."""

    def __init__(self, log: list[str], name: str, markets: Sequence[Market]) -> None:
        self._log = log
        self.told = f"{name}:{''.join(one.id for one in markets)}"

    async def run(self) -> None:
        self._log.append(f"+{self.told}")
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)  # it takes a moment to close a connection
            self._log.append(f"-{self.told}")


class Bench:
    def __init__(self, group: asyncio.TaskGroup) -> None:
        self.log: list[str] = []
        self.fleet = Fleet(group, self._make)

    def _make(self, name: str, venue: VenueConfig, markets: Sequence[Market]) -> Any:
        return Feed(self.log, name, markets)

    async def carry(self, *markets: Market, **venues: VenueConfig) -> dict[str, str]:
        names = {one.venue for one in markets}
        done = await self.fleet.carry({n: VenueConfig() for n in names} | venues, markets)
        await asyncio.sleep(0)
        return done

    def said(self) -> list[str]:
        told, self.log[:] = self.log[:], []
        return told


async def test_only_what_differs_is_restarted() -> None:
    async with asyncio.TaskGroup() as group:
        bench = Bench(group)
        first = [market("a"), market("b"), market("c")]
        assert await bench.carry(*first) == dict.fromkeys("abc", "started")
        assert bench.said() == ["+a:X", "+b:X", "+c:X"]
        kept = bench.fleet.feeds[1]
        again = [market("d"), market("a", "Y"), market("b")]
        done = {"a": "restarted", "c": "stopped", "d": "started"}
        assert await bench.carry(*again) == done
        assert bench.said() == ["-a:X", "-c:X", "+d:X", "+a:Y"]
        assert bench.fleet.feeds[2] is kept
        assert await bench.carry(*again) == {}
        await bench.fleet.stop()
        assert sorted(bench.said()) == ["-a:Y", "-b:X", "-d:X"]
        assert bench.fleet.feeds == []


async def test_settings_restart_a_feed_and_fees_do_not() -> None:
    async with asyncio.TaskGroup() as group:
        bench = Bench(group)
        await bench.carry(market("a"))
        bench.said()
        fee = VenueConfig(taker_fee=0.0001)
        assert await bench.carry(market("a", fee=0.0001), a=fee) == {}
        full = VenueConfig(depth=Depth.FULL)
        assert await bench.carry(market("a"), a=full) == {"a": "restarted"}
        assert bench.said() == ["-a:X", "+a:X"]
        await bench.fleet.stop()


async def test_what_a_feed_raises_ends_all() -> None:
    class Broken(Feed):
        async def run(self) -> None:
            raise ZeroDivisionError

    async def scan() -> None:
        async with asyncio.TaskGroup() as group:
            bench = Bench(group)
            bench.fleet = Fleet(group, lambda name, venue, markets: Broken([], name, markets))  # type: ignore[arg-type, return-value]
            await bench.carry(market("a"))
            await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup) as caught:
        await scan()
    assert caught.group_contains(ZeroDivisionError)


def test_a_venue_is_spoken_as_its_configuration_says() -> None:
    spoken = spoken_natively("okx", VenueConfig(feed=Way.NATIVE))
    assert spoken is not None and spoken is native("okx")
    assert spoken_natively("okx", VenueConfig(feed=Way.CCXT)) is None
    usual = options_of(spoken, VenueConfig())
    assert (usual.rest, usual.ws, usual.depth) == (spoken.rest, spoken.ws, Depth.TOP)
    moved = VenueConfig(depth=Depth.FULL, endpoints=Endpoints(ws="ws://h/x"))
    options = options_of(spoken, moved)
    assert (options.rest, options.ws, options.depth) == (spoken.rest, "ws://h/x", Depth.FULL)


@pytest.mark.parametrize("unverified", ["false", "true"])
def test_no_venue_is_streamed_deeper_than_its_proof_goes(unverified: str) -> None:
    venues = "venues: {okx: {depth: full}, kraken: {depth: full}}"
    text = f"{venues}\nlimits: {{unverified: {unverified}}}"
    config: Config = validated(parse(text, "test.yaml"))
    depths = {name: venue.depth for name, venue in provable(config).items()}
    whole = Depth.FULL if unverified == "true" else Depth.TOP
    assert depths == {"okx": Depth.FULL, "kraken": whole}
    assert config.venues["kraken"].depth is Depth.FULL
