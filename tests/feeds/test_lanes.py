"""Native feeds through the real pipeline against the lab's venues: real sockets, exact books."""

from random import Random

import pytest
from msgspec.structs import replace

from scanner.events import FeedEvent
from scanner.feeds.feed import socket_feed
from scanner.feeds.health import ConnectionState
from scanner.feeds.shell import Shell
from scanner.lab.server import Clock, LabServer
from scanner.lab.world import World
from scanner.types import BookState, Depth
from scanner.venues.protocol import Options
from scanner.venues.registry import native
from tests.feeds.pipeline import market_of, pipeline_of, same_book
from tests.feeds.tiny import FAST, running, until

TIMING = replace(FAST, open=2.0, start=2.0, fetch=2.0, first=2.0, silence=0.3)
SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")


@pytest.mark.parametrize(("name", "depth"), [("kucoin", Depth.TOP), ("binance", Depth.FULL)])
async def test_books_are_exact_and_fall_with_their_connection(name: str, depth: Depth) -> None:
    clock = Clock()
    async with LabServer(World(7, clock(), (name,)), clock=clock) as lab:
        spoken = native(name)
        assert spoken is not None
        limits = replace(spoken.limits, connects=6000, fetches=100.0)
        venue = replace(spoken, limits=limits)
        markets = [market_of(lab, name, symbol) for symbol in SYMBOLS]
        pipeline = pipeline_of()
        options = Options(depth=depth, rest=lab.url(name), ws=lab.ws(name))
        told: list[FeedEvent] = []
        ours = Shell(now=clock, rng=Random(1), timing=TIMING, tell=told.append)
        feed = socket_feed(venue, markets, options, pipeline, ours, per_connection=2)

        def states() -> set[BookState]:
            return {pipeline.store.state(pipeline.book(venue, m.id, m)) for m in markets}

        async with running(feed):
            await until(lambda: states() == {BookState.LIVE}, 10.0)
            lab.freeze()
            await until(lambda: all(same_book(pipeline, lab, m) for m in markets))
            assert [health.markets for health in feed.health()] == [2, 1]
            lab.thaw()

            lab.drop(name)
            await until(lambda: all(health.last_error for health in feed.health()))
            await until(lambda: states() == {BookState.LIVE}, 5.0)
            for connection in (1, 2):
                of_it = [event for event in told if event.connection == connection]
                assert [event.kind for event in of_it] == ["connected", "lost", "connected"]
                assert {event.venue for event in of_it} == {name}
                assert of_it[1].reason == feed.health()[connection - 1].last_error

            lab.silence(name)
            await until(lambda: BookState.LIVE not in states())
            lab.silence(name, False)
            await until(lambda: states() == {BookState.LIVE}, 5.0)
            lab.freeze()
            await until(lambda: all(same_book(pipeline, lab, m) for m in markets))
        assert BookState.LIVE not in states()
        assert {health.state for health in feed.health()} == {ConnectionState.STOPPED}


async def test_a_venue_that_falls_silent_is_told_of_and_so_is_its_return(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "scanner.feeds")
    clock, name = Clock(), "binance"
    async with LabServer(World(7, clock(), (name,)), clock=clock) as lab:
        venue = native(name)
        assert venue is not None
        markets = [market_of(lab, name, symbol) for symbol in SYMBOLS]
        pipeline = pipeline_of()
        options = Options(depth=Depth.TOP, rest=lab.url(name), ws=lab.ws(name))
        told: list[FeedEvent] = []
        timing = replace(TIMING, beat=0.1, first=40.0, silence=40.0)
        ours = Shell(now=clock, rng=Random(1), timing=timing, tell=told.append)
        feed = socket_feed(venue, markets, options, pipeline, ours)

        def kinds() -> list[str]:
            return [event.kind for event in told]

        async with running(feed):
            await until(lambda: feed.health()[0].messages > 100, 20.0)
            lab.silence(name)
            await until(lambda: "silent" in kinds(), 20.0)
            (health,) = feed.health()
            assert health.silent_since >= health.heard_at - 500_000_000
            assert health.state is ConnectionState.OPEN
            lab.silence(name, False)
            await until(lambda: "back" in kinds(), 20.0)
            assert feed.health()[0].silent_since == 0
    assert kinds() == ["connected", "silent", "back"]
    texts = [line.partition(": ")[2] for line in caplog.messages if "binance #1" in line]
    assert texts[1:] == [event.reason for event in told[1:]]
    assert told[1].reason.endswith("s: 3 books are out of date")
