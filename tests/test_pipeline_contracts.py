"""Contracts on their way through the core: kept and proven like any book, scanned with none."""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgspec
import pytest

from scanner.books.store import Keys
from scanner.derivatives import Derivative
from scanner.engine.bounds import Bounds
from scanner.engine.ids import Ids
from scanner.engine.tracker import Thresholds
from scanner.events import Opportunity
from scanner.lane import Lane
from scanner.pipeline import Pipeline
from scanner.steps import DerivativeTicker, Notice, Reconnect, Snapshot, Step
from scanner.types import BookState, Depth, Market, MarketKind, Proof, Side
from scanner.venues.protocol import Limits, Options, Venue
from scanner.venues.registry import CONTRACTS, native

SECOND = 1_000_000_000
OPTIONS = Options(depth=Depth.TOP, rest="http://tiny", ws="ws://tiny")


class Message(msgspec.Struct):
    bids: msgspec.Raw = msgspec.Raw(b"")
    asks: msgspec.Raw = msgspec.Raw(b"")
    mark: str = ""
    over: bool = False


class Tiny:
    """Whole books, marks, and an end."""

    def __init__(self, markets: Sequence[Market] | None, options: Options) -> None:
        self._id = (markets or ())[0].id

    def start(self, at: int) -> list[Step]:
        return []

    opened = start
    idle = start

    def received(self, raw: bytes, at: int) -> list[Step]:
        message = msgspec.json.decode(raw, type=Message)
        if message.over:
            return [Reconnect("over")]
        if message.mark:
            return [DerivativeTicker(market=self._id, mark=message.mark)]
        return [Snapshot(market=self._id, bids=bytes(message.bids), asks=bytes(message.asks))]

    def fetched(self, tag: str, status: int, body: bytes, at: int) -> list[Step]:
        return []

    def resync(self, market: str, reason: str, at: int) -> list[Step]:
        return []


def venue(name: str, *, contracts: bool) -> Venue:
    return Venue(
        id=name,
        name=name,
        rest="http://tiny",
        ws="ws://tiny",
        make=Tiny,
        limits=Limits(markets=10, sends=1, connects=1),
        proof={Depth.TOP: Proof.SNAPSHOTS},
        channels={Depth.TOP: "all"},
        contracts=contracts,
    )


def market(name: str, kind: MarketKind = MarketKind.PERPETUAL) -> Market:
    """Of the same id whatever it is, as venues have it."""
    symbol = "BTC/USDT" if kind is MarketKind.SPOT else "BTC/USDT:USDT"
    return Market(
        venue=name, id="BTCUSDT", symbol=symbol, base="BTC", quote="USDT", taker_fee=0.0, kind=kind
    )


class Desk:
    def __init__(self) -> None:
        self.said: list[Opportunity] = []
        self.pipeline = Pipeline(
            thresholds=Thresholds(min_net_bps=1, update_interval=0),
            bounds=Bounds(),
            ids=Ids(lambda n: 0),
            emit=self.said.append,
        )

    def lane(self, name: str, kind: MarketKind = MarketKind.PERPETUAL) -> Lane:
        of = venue(name, contracts=kind is not MarketKind.SPOT)
        lane = self.pipeline.lane(of, [market(name, kind)], OPTIONS)
        lane.start(0)
        lane.opened(0)
        return lane


def quote(lane: Lane, bid: float, ask: float, at: int = SECOND) -> None:
    say(lane, at, bids=[[str(bid), "1"]], asks=[[str(ask), "1"]])


def say(lane: Lane, at: int = SECOND, **message: object) -> list[object]:
    return list(lane.received(json.dumps(message).encode(), at))


def test_nothing_is_flagged_between_spot_and_a_perpetual_or_between_perpetuals() -> None:
    desk = Desk()
    spot = desk.lane("a", MarketKind.SPOT)
    perps = [desk.lane(name) for name in "abc"]
    dated = desk.lane("d", MarketKind.FUTURE)
    for number, lane in enumerate([spot, *perps, dated]):
        quote(lane, 100 + 10 * number, 101 + 10 * number)
    desk.pipeline.tick(2 * SECOND)
    assert desk.said == []
    assert list(desk.pipeline.engine.members) == ["BTC/USDT"]
    assert desk.pipeline.engine.take_minutes(2 * SECOND) == []
    quote(desk.lane("e", MarketKind.SPOT), 110, 111)
    assert [(one.kind, one.buy.venue, one.sell.venue) for one in desk.said] == [
        ("spot-spot", "a", "e")
    ]


def test_contracts_are_kept_and_proven_like_any_book() -> None:
    desk = Desk()
    spot, perp = desk.lane("a", MarketKind.SPOT), desk.lane("a")
    quote(spot, 100, 101)
    quote(perp, 200, 201)
    store = desk.pipeline.store
    books = [lane.books["BTCUSDT"] for lane in (spot, perp)]
    assert [store.state(book) for book in books] == [BookState.LIVE, BookState.LIVE]
    assert [store.ladder(book, Side.BID, 1) for book in books] == [[(100.0, 1.0)], [(200.0, 1.0)]]
    assert desk.pipeline.markets[books[1]] == market("a")
    assert desk.pipeline.live_contracts() == {"a": 1}
    perp.closed("cut", 2 * SECOND)
    assert [store.state(book) for book in books] == [BookState.LIVE, BookState.UNSYNCHRONISED]


def test_what_is_said_of_a_contract_goes_with_its_connection() -> None:
    desk = Desk()
    perp = desk.lane("a")
    book = perp.books["BTCUSDT"]
    assert say(perp, mark="91000.5") == []
    assert desk.pipeline.derivatives.latest(book, SECOND).mark == 91000.5
    assert say(perp, mark="nan") == [Notice("BTCUSDT: makes no sense: mark 'nan'")]
    perp.closed("cut", 2 * SECOND)
    assert desk.pipeline.derivatives.latest(book, 2 * SECOND) == Derivative()
    again = desk.lane("a")
    say(again, 3 * SECOND, mark="91001")
    say(again, 3 * SECOND, over=True)
    assert desk.pipeline.derivatives.latest(book, 3 * SECOND) == Derivative()


def test_what_a_connection_beside_the_books_said_stays_when_they_go() -> None:
    """It goes with its own connection only. An interval is told once an hour: lost with the books
    it would be unknown, and with it all that rests on funding."""
    apart = msgspec.structs.replace(venue("v", contracts=True), tickers=Tiny)
    pipeline = Desk().pipeline
    lane = pipeline.lane(apart, [market("v")], OPTIONS)
    beside = pipeline.ticker_lane(apart, [market("v")], OPTIONS)
    (book,) = lane.books.values()
    beside.start(0)
    beside.opened(0)
    beside.received(b'{"mark":"101.5"}', SECOND)
    for again in (lane.start, lane.opened):
        again(SECOND)
    assert pipeline.derivatives.latest(book, SECOND).mark == 101.5
    lane.closed("gone", SECOND)
    assert pipeline.derivatives.latest(book, SECOND).mark == 101.5
    beside.closed("gone", SECOND)
    assert pipeline.derivatives.latest(book, SECOND) == Derivative()


def test_what_is_said_of_a_spot_market_is_nothing() -> None:
    desk = Desk()
    spot = desk.lane("a", MarketKind.SPOT)
    say(spot, mark="91000")
    assert len(desk.pipeline.derivatives) == 0


def test_a_contract_that_is_configured_no_more_leaves() -> None:
    desk = Desk()
    spot, perp = desk.lane("a", MarketKind.SPOT), desk.lane("a")
    quote(spot, 100, 101)
    quote(perp, 200, 201)
    say(perp, mark="91000")
    cheaper = msgspec.structs.replace(market("a"), taker_fee=0.0002)
    desk.pipeline.carry([market("a", MarketKind.SPOT), cheaper], SECOND)
    assert list(desk.pipeline.contracts.values()) == [cheaper]
    desk.pipeline.carry([market("a", MarketKind.SPOT)], SECOND)
    assert (len(desk.pipeline.contracts), len(desk.pipeline.derivatives)) == (0, 0)
    states = [desk.pipeline.store.state(lane.books["BTCUSDT"]) for lane in (spot, perp)]
    assert states == [BookState.LIVE, BookState.EMPTY]


@pytest.mark.parametrize("name", CONTRACTS)
def test_rows_of_a_native_venue_go_into_the_book_as_it_writes_them(name: str) -> None:
    """Levels as the venue has them, one of size zero among them, which is none."""
    rows = {
        "gate": '[{"p":"100.5","s":7},{"p":"100","s":0}]',
        "hyperliquid": '[{"px":"100.5","sz":"7","n":1},{"px":"100","sz":"0","n":0}]',
        "krakenfutures": '[{"price":100.5,"qty":7.0},{"price":100.0,"qty":0.0}]',
        "kucoinfutures": '[["100.5",7],["100",0]]',
        "okx": '[["100.5","7","0","1"],["100","0","0","0"]]',
    }.get(name, '[["100.5","7"],["100","0"]]')
    spoken = native(name, contracts=True)
    assert spoken is not None
    desk = Desk()
    known = msgspec.structs.replace(market(name), id="M")
    book = desk.pipeline.book(spoken, "M", known)
    step = Snapshot(market="M", bids=rows.encode(), sequence=1)
    desk.pipeline.store.snapshot(book, step, Keys.of(spoken.layout), SECOND)
    assert desk.pipeline.store.depth(book, Side.BID, 10) == [(100.5, 7.0)]
