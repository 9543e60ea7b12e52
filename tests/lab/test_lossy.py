"""Chained streams on a connection that loses, repeats and reorders messages, in virtual time.

Whatever happens on the way, a book that counts as live is exactly one that the venue had.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random

import pytest

from scanner.books import layout as L
from scanner.engine.bounds import Bounds
from scanner.engine.ids import Ids
from scanner.engine.tracker import Thresholds
from scanner.lab.book import ASK, BID, LabBook
from scanner.lab.seam import Connection, Out, Reply, VenueWorld
from scanner.lab.venues import lab_venue, market_id
from scanner.lane import Action, Lane
from scanner.pipeline import Pipeline
from scanner.steps import Connect, Reconnect, Reset, Send
from scanner.types import BookState, Depth, Market, Side
from scanner.venues.protocol import Options
from scanner.venues.registry import native
from tests.lab.clients import lab_market

SECOND = 1_000_000_000
TICK = SECOND // 100
START = 1_790_000_000 * SECOND
LEVELS = 5

Rows = list[tuple[float, float]]
Lossy = Callable[[list[Out], Random], list[Out]]


class Simulation:
    """One venue, one market, one client; ``history``: the true top of the book by sequence."""

    def __init__(self, venue: str, depth: Depth, seed: int, lossy: Lossy) -> None:
        name = market_id(venue, "BTC", "USDT")
        self.random = Random(seed)
        market = lab_market(name, price_decimals=1, size_decimals=3, min_amount="0.001")
        self.book = LabBook(market, sequence=1000, at=START)
        self.history: dict[int, tuple[Rows, Rows]] = {}
        self.lab = lab_venue(venue)(VenueWorld(venue, {name: self.book}))
        self.connection: Connection | None = None
        self.at = START
        self.lossy = lossy
        self.resets = self.checked = self.connections = 0
        found = native(venue)
        assert found is not None
        self.venue, self.name = found, name
        self.options = Options(depth=depth, rest="http://lab", ws="")
        self.pipeline = Pipeline(
            thresholds=Thresholds(),
            bounds=Bounds(),
            ids=Ids(Random(1).getrandbits),
            emit=lambda event: None,
        )
        for ticks in range(60):
            self.change(BID, 9000 - ticks, 5)
            self.change(ASK, 9001 + ticks, 5)
        self.connect()

    def change(self, side: int, ticks: int, lots: int) -> None:
        self.book.set(side, ticks, lots, self.at)
        sides = (self.book.levels(BID, LEVELS), self.book.levels(ASK, LEVELS))
        bids, asks = ([(float(p), float(s)) for p, s in rows] for rows in sides)
        self.history[self.book.sequence] = (bids, asks)

    def connect(self) -> None:
        market = Market(
            venue=self.venue.id,
            id=self.name,
            symbol="BTC/USDT",
            base="BTC",
            quote="USDT",
            taker_fee=0.001,
        )
        self.lane: Lane = self.pipeline.lane(self.venue, [market], self.options)
        self.connections += 1
        self.do(self.lane.start(self.at))

    def do(self, actions: Iterable[Action]) -> None:
        for action in actions:
            if isinstance(action, Connect):
                found = self.lab.connect(action.url, {}, self.at)
                assert not isinstance(found, Reply)
                self.connection = found
                self.do(self.lane.opened(self.at))
            elif isinstance(action, Send):
                assert self.connection is not None
                self.deliver(self.connection.received(action.text, self.at))
            elif isinstance(action, Reset):
                self.resets += 1
            elif isinstance(action, Reconnect):
                self.lane.closed(action.reason, self.at)
                self.at += SECOND
                self.connect()
                return

    def deliver(self, outs: list[Out]) -> None:
        lane = self.lane
        for out in self.lossy(outs, self.random):
            assert isinstance(out, str)
            if self.lane is not lane:
                return
            self.do(self.lane.received(out.encode(), self.at))
            self.check()

    def check(self) -> None:
        store, book = self.pipeline.store, self.lane.books[self.name]
        if store.state(book) is not BookState.LIVE:
            return
        truth = self.history[store.meta(book, L.SEQUENCE)]
        for side in Side:
            assert store.depth(book, side, LEVELS) == truth[side]
        self.checked += 1

    def live(self) -> bool:
        return self.pipeline.store.state(self.lane.books[self.name]) is BookState.LIVE

    def run(self, seconds: float) -> None:
        for tick in range(int(seconds * SECOND / TICK)):
            self.at += TICK
            for _ in range(self.random.randrange(3)):
                side = self.random.choice((BID, ASK))
                best = 9000 if side == BID else 9001
                step = self.random.randrange(40)
                ticks = best - step if side == BID else best + step
                self.change(side, ticks, self.random.randrange(6))
            assert self.connection is not None
            self.deliver(self.connection.due(self.at))
            if tick % 20 == 0:
                self.do(self.lane.idle(self.at))


def lossless(outs: list[Out], random: Random) -> list[Out]:
    return outs


def lossy(outs: list[Out], random: Random) -> list[Out]:
    """Some messages are lost, some come twice, some trade places."""
    arrived: list[Out] = []
    for out in outs:
        fate = random.random()
        arrived += [] if fate < 0.02 else [out, out] if fate < 0.04 else [out]
    if len(arrived) > 1 and random.random() < 0.05:
        arrived.reverse()
    return arrived


VENUES = ["okx", "bitget"]


@pytest.mark.parametrize("depth", Depth)
@pytest.mark.parametrize("venue", VENUES)
def test_every_change_of_the_touch_is_seen_within_its_period(venue: str, depth: Depth) -> None:
    simulation = Simulation(venue, depth, 1, lossless)
    store = simulation.pipeline.store
    simulation.run(1)
    for _ in range(300):
        simulation.run(0.01)
        book = simulation.lane.books[simulation.name]
        touch = [store.ladder(book, side, 1) for side in Side]
        assert touch == [side[:1] for side in simulation.history[simulation.book.sequence]], (
            "the best bid and offer channel of both venues has no longer period than a tick"
        )
    assert simulation.resets == 0
    assert simulation.connections == 1


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("depth", Depth)
@pytest.mark.parametrize("venue", VENUES)
def test_a_live_book_is_always_true(venue: str, depth: Depth, seed: int) -> None:
    simulation = Simulation(venue, depth, seed, lossy)
    simulation.run(40)
    assert simulation.checked > 200
    if depth is Depth.FULL:
        assert simulation.resets > 3, "lost updates are noticed"
    simulation.lossy = lossless
    simulation.run(25)
    assert simulation.live(), "it comes back"
