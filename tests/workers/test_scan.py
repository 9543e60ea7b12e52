"""What a worker carries, and how that changes while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace

from scanner.books.store import Keys
from scanner.config import Config, validated
from scanner.configuration.located import parse
from scanner.events import Opportunity, Survival, Suspect
from scanner.hedge_events import HedgePrice
from scanner.pipeline import Pipeline
from scanner.steps import Snapshot
from scanner.types import LevelLayout, Market
from scanner.venues.ccxt_book import venue
from scanner.view.frame import Query
from scanner.workers import scan
from scanner.workers.messages import Place
from scanner.workers.scan import Found, Scan
from tests.workers.examples import opportunity

SECOND = 1_000_000_000
GOOD_VENUES = ("okx", "gate")
GOOD = "venues: {okx: , gate: }\n"


def config(text: str = GOOD) -> Config:
    return validated(parse(text, "c.yaml"))


def market(venue: str, name: str = "X", fee: float = 0.001) -> Market:
    return Market(venue=venue, id=name, symbol=f"{name}/Q", base=name, quote="Q", taker_fee=fee)


class Feed:
    """Makes the books of its markets, as a lane does; no socket."""

    def __init__(self, pipeline: Pipeline, name: str, markets: Sequence[Market]) -> None:
        self._pipeline, self._venue, self.markets = pipeline, venue(name), markets

    async def run(self) -> None:
        for one in self.markets:
            self._pipeline.book(self._venue, one.id, one)
        await asyncio.Event().wait()

    def health(self) -> tuple[()]:
        return ()


@asynccontextmanager
async def scanning(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Scan, list[Found]]]:
    told: list[Found] = []

    def make(
        name: str, _: object, theirs: Sequence[Market], pipeline: Pipeline, shell: object
    ) -> Feed:
        return Feed(pipeline, name, theirs)

    monkeypatch.setattr(scan, "venue_feed", make)
    async with asyncio.TaskGroup() as group:
        made = Scan(group, config(), Place(0, 1), told.append)
        yield made, told
        await made.end("the end")


def carried(made: Scan) -> set[tuple[str, str, float]]:
    markets = made._pipeline.engine.markets.values()
    return {(one.venue, one.symbol, one.taker_fee) for one in markets}


async def test_symbols_and_venues_change_and_what_is_gone_leaves_the_engine(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    async with scanning(monkeypatch) as (made, _):
        await made.carry(config(), [market("okx"), market("gate")])
        await asyncio.sleep(0)
        gate = made._fleet.feeds[1]
        assert caplog.messages == []
        more = config("venues: {okx: , gate: , bybit: }\n")
        await made.carry(more, [market("okx", "Y"), market("gate"), market("bybit")])
        await asyncio.sleep(0)
        assert carried(made) == {
            ("okx", "Y/Q", 0.001),
            ("gate", "X/Q", 0.001),
            ("bybit", "X/Q", 0.001),
        }
        assert made._fleet.feeds[1] is gate
        assert caplog.messages == ["okx: its feed was restarted", "bybit: its feed was started"]
        assert {row.symbol for row in made.frame(Query()).rows} == {"X/Q", "Y/Q"}
        await made.carry(config(), [market("okx"), market("gate")])
        await asyncio.sleep(0)
        assert carried(made) == {("okx", "X/Q", 0.001), ("gate", "X/Q", 0.001)}


async def test_a_fee_and_thresholds_change_without_a_restart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with scanning(monkeypatch) as (made, _):
        await made.carry(config(), [market("okx"), market("gate")])
        await asyncio.sleep(0)
        before = made._fleet.feeds
        new = GOOD + "thresholds: {min_net_bps: 9}\nlimits: {max_age_ms: 70}\n"
        await made.carry(config(new), [market("okx", fee=0.0001), market("gate")])
        assert made._fleet.feeds == before
        assert carried(made) == {("okx", "X/Q", 0.0001), ("gate", "X/Q", 0.001)}
        assert made._pipeline.engine._thresholds.min_net_bps == 9
        assert made._pipeline.bounds.max_age == 70_000_000


async def test_a_book_that_is_wanted_under_its_other_symbol_changes_sides(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def named(quote: str) -> list[Market]:
        return [replace(market(venue), symbol=f"X/{quote}", quote=quote) for venue in GOOD_VENUES]

    async with scanning(monkeypatch) as (made, _):
        await made.carry(config(), named("Q"))
        await asyncio.sleep(0)
        engine = made._pipeline.engine
        old = list(engine.markets)
        await made.carry(config(), named("R"))
        await asyncio.sleep(0)
        assert carried(made) == {(venue, "X/R", 0.001) for venue in GOOD_VENUES}
        assert {symbol: books for symbol, books in engine.members.items() if books} == {"X/R": old}
        assert {engine.place(book) for book in old} == {engine.place(old[0])}


async def test_of_a_conversion_that_another_worker_scans_nothing_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with scanning(monkeypatch) as (made, told):
        await made.carry(config(), [market("okx"), market("gate")], [market("okx", "USDC")])
        await asyncio.sleep(0)
        assert ("okx", "USDC/Q", 0.001) in carried(made)
        assert {row.symbol for row in made.frame(Query()).rows} == {"X/Q"}
        for number, symbol in enumerate(("X/Q", "USDC/Q")):
            made._found(replace(opportunity(number), symbol=symbol))
        assert [event.symbol for event in told if isinstance(event, Opportunity)] == ["X/Q"]
        assert made.state(False).open == made.frame(Query()).totals.open == 1
        made._found(replace(opportunity(0), symbol="X/Q", event="closed"))
        assert made.state(False).open == 0
        for number, symbol in (("0", "X/Q"), ("1", "USDC/Q"), ("0", "X/Q")):
            made._survived(Survival(id=number, symbol=symbol, delay_ms=1000, at=1, net_profit=1.0))
        assert [event.symbol for event in told if isinstance(event, Survival)] == ["X/Q"]


async def test_what_became_of_a_loop_is_told_by_who_tells_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its symbol begins with money, which no worker has as a coin."""
    async with scanning(monkeypatch) as (made, told):
        await made.carry(config(), [market("okx"), market("gate")])
        found = opportunity(0)
        legs = tuple(replace(found.buy, symbol=symbol) for symbol in ("X/Q", "X/Y", "Y/Q"))
        loop = replace(found, symbol="Q/X/Y/Q", legs=legs, kind="loop")
        made._found(loop)
        made._survived(Survival(id=loop.id, symbol="Q/X/Y/Q", delay_ms=50, at=1, net_profit=1.0))
        assert [event.symbol for event in told if isinstance(event, Survival)] == ["Q/X/Y/Q"]


async def test_every_book_is_looked_at_only_for_those_who_measure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with scanning(monkeypatch) as (made, _):
        await made.carry(config(), [market("okx"), market("gate")])
        await asyncio.sleep(0)
        assert made.state(False).books == {}
        assert made.state(True).books["okx"]["empty"] == 1


async def test_what_is_suspected_is_told_in_the_log_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with scanning(monkeypatch) as (made, told):
        await made.carry(config(), [market("okx"), market("gate")])
        await asyncio.sleep(0)
        pipeline = made._pipeline
        # it is released, and comes back the other way round
        for second in (*range(1, 5), 100, 200, 300):
            dear = 10 if second in (100, 200) else 10_000
            prices = (dear, 10) if second == 300 else (10, dear)
            for book, price in zip(pipeline.engine.members["X/Q"], prices, strict=True):
                bids, asks = f"[[{price},1]]".encode(), f"[[{price + 2},1]]".encode()
                step = Snapshot(market="X", bids=bids, asks=asks, sequence=second)
                pipeline.store.snapshot(book, step, Keys.of(LevelLayout()), second * SECOND)
                pipeline.engine.updated(book, second * SECOND)
            pipeline.tick(second * SECOND)
        last = next(one for one in reversed(told) if isinstance(one, Suspect))
        made._suspected(replace(last, symbol="ANOTHER/Q"))
    made._suspected(last)
    states = [one.state for one in told if isinstance(one, Suspect)]
    assert states == ["barred", "held", "released", "barred"], "none of another's, none too late"
    assert not any(isinstance(one, Opportunity) for one in told)
    assert [one for one in caplog.messages if "barred" in one] == [
        "X/Q: barred between okx (11) and gate (10001), a ratio of 909.182:"
        " suspected multiplier of 10^3"
    ]


async def test_what_the_hedge_book_rests_on_is_told_once_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hedged = config(GOOD + "hedge_book: {holdings: [{venue: okx, coin: X, amount: 1}]}\n")
    async with scanning(monkeypatch) as (made, told):
        await made.carry(hedged, [market("okx"), market("okx", "Y")], [market("gate")])
        await asyncio.sleep(0)
        made._tell_prices(SECOND)
        made._tell_prices(SECOND + 1)
        made._tell_prices(2 * SECOND)
        reason = "a book is empty"
        assert [one for one in told if isinstance(one, HedgePrice)] == [
            HedgePrice(at=at, venue=venue, symbol="X/Q", reason=reason)
            for at in (SECOND, 2 * SECOND)
            for venue in GOOD_VENUES
        ]
