"""The view: what a frame shows of the core, and that looking changes nothing."""

from __future__ import annotations

import json
from itertools import count

import msgspec
import pytest

from scanner.books.store import Keys
from scanner.engine.bounds import Bounds
from scanner.engine.gates import Gate, Rejection
from scanner.engine.ids import Ids
from scanner.engine.tracker import Thresholds
from scanner.events import Opportunity
from scanner.feeds.health import ConnectionState, Health
from scanner.pipeline import Pipeline
from scanner.steps import Snapshot
from scanner.types import BookState, Depth, LevelLayout, Market, MarketKind, Proof
from scanner.venues.protocol import Limits, Venue
from scanner.view.frame import Frame, Link, Query, Row, Standing, Stop
from scanner.view.view import View

SECOND = 1_000_000_000
NOW = 1_000 * SECOND
KEYS = Keys.of(LevelLayout())
Ladder = list[tuple[float, float]]


def health(venue: str, **changes: object) -> Health:
    fields: dict[str, object] = {
        "venue": venue,
        "connection": 1,
        "markets": 1,
        "state": ConnectionState.OPEN,
        "since": NOW,
        "messages": 0,
        "bytes": 0,
        "heard_at": 0,
        "reconnects": 0,
        "last_error": "",
    }
    return Health(**{**fields, **changes})  # type: ignore[arg-type]


class StaticFeed:
    """A feed whose health is what the test says."""

    def __init__(self, *connections: Health) -> None:
        self.connections = connections

    def health(self) -> tuple[Health, ...]:
        return self.connections


class Desk:
    """A pipeline over a few venues, fed by hand, and a view of it."""

    def __init__(self, fees: dict[str, float], symbols: tuple[str, ...] = ("BTC/USDT",)) -> None:
        self.said: list[Opportunity] = []
        self.pipeline = Pipeline(
            thresholds=Thresholds(min_net_bps=5, update_interval=0),
            bounds=Bounds(max_age=3 * SECOND, max_skew=2 * SECOND),
            ids=Ids(lambda bits: 0),
            emit=self.said.append,
        )
        self.markets = [
            market(venue, symbol, fee) for symbol in symbols for venue, fee in fees.items()
        ]
        self.feeds = {venue: StaticFeed(health(venue)) for venue in fees}
        self.view = View(self.pipeline, list(self.feeds.values()), self.markets)
        self._sequence = count(1)
        self.books: dict[tuple[str, str], int] = {}

    def show(
        self,
        venue: str,
        bids: Ladder,
        asks: Ladder,
        at: int = NOW,
        symbol: str = "BTC/USDT",
        sent_at: int = 0,
    ) -> None:
        """The venue's book becomes this."""
        known = next(m for m in self.markets if (m.venue, m.symbol) == (venue, symbol))
        book = self.pipeline.book(spoken(venue), known.id, known)
        self.books[venue, symbol] = book
        step = Snapshot(
            market=known.id,
            bids=json.dumps(bids).encode(),
            asks=json.dumps(asks).encode(),
            sequence=next(self._sequence),
            sent_at=sent_at,
        )
        self.pipeline.store.snapshot(book, step, KEYS, at)
        self.pipeline.engine.updated(book, at)

    def frame(self, at: int = NOW, **query: object) -> Frame:
        return self.view.frame(at, Query(**query))  # type: ignore[arg-type]

    def row(self, at: int = NOW, **query: object) -> Row:
        return self.frame(at, **query).rows[0]


def market(venue: str, symbol: str, fee: float) -> Market:
    base, quote = symbol.split("/")
    return Market(
        venue=venue,
        id=symbol,
        symbol=symbol,
        base=base,
        quote=quote,
        price_tick=0.01,
        min_amount=0.001,
        taker_fee=fee,
    )


def spoken(venue: str) -> Venue:
    return Venue(
        id=venue,
        name=venue,
        rest="",
        ws="",
        proof={Depth.TOP: Proof.SNAPSHOTS},
        channels={Depth.TOP: "books"},
        limits=Limits(markets=10, sends=1, connects=1),
        make=lambda markets, options: pytest.fail("no protocol is needed"),
    )


@pytest.fixture
def desk() -> Desk:
    return Desk({"a": 0.0005, "b": 0.0005, "c": 0.001})


def paying(desk: Desk, at: int = NOW) -> None:
    """100,000 against 100,200 with 5 bps a side: 99.90 are left of 1 BTC."""
    desk.show("a", [(99_990, 2)], [(100_000, 1), (100_190, 4)], at)
    desk.show("b", [(100_200, 3), (100_100, 1)], [(100_210, 1)], at)


def test_books_of_contracts_count_for_their_venue_and_stand_in_no_row() -> None:
    desk = Desk({"a": 0.0, "b": 0.0})
    desk.show("a", [["100", "1"]], [["101", "1"]])
    perpetual = msgspec.structs.replace(desk.markets[0], id="P", kind=MarketKind.PERPETUAL)
    venue = msgspec.structs.replace(spoken("a"), contracts=True)
    book = desk.pipeline.book(venue, "P", perpetual)
    sides = {"bids": b'[["200","1"]]', "asks": b'[["201","1"]]'}
    desk.pipeline.store.snapshot(book, Snapshot(market="P", sequence=1, **sides), KEYS, NOW)
    desk.view.watch(list(desk.feeds.values()), [*desk.markets, perpetual])
    lines = {line.venue: (line.live, line.subscribed) for line in desk.frame().venues}
    assert lines == {"a": (2, 2), "b": (0, 1)}
    assert [row.symbol for row in desk.frame().rows] == ["BTC/USDT"]


def test_the_worked_example_in_a_row(desk: Desk) -> None:
    paying(desk)
    row = desk.row(NOW + SECOND // 10)
    assert (row.symbol, row.base, row.quote) == ("BTC/USDT", "BTC", "USDT")
    assert row.standing is Standing.OPEN
    assert row.buy is not None and row.sell is not None
    assert (row.buy.venue, row.buy.price, row.buy.places) == ("a", 100_000, 2)
    assert (row.sell.venue, row.sell.price) == ("b", 100_200)
    assert (row.buy.age_ms, row.sell.age_ms) == (100, 100)
    assert row.size == 1
    assert row.profit == pytest.approx(99.90, abs=1e-9)
    (opened,) = desk.said
    assert (row.net_bps, row.gross_bps) == (opened.net_bps, pytest.approx(opened.gross_bps))
    assert (row.id, row.opened_at, row.peak_net_bps) == (opened.id, NOW, opened.net_bps)
    assert (row.live, row.books) == (2, 2)


def test_the_arithmetic_line_by_line_and_the_levels_it_takes(desk: Desk) -> None:
    paying(desk)
    (detail,) = desk.frame(details=("BTC/USDT",)).details
    done = detail.sum
    assert done is not None
    assert (done.size, done.paid, done.received) == (1, 100_000, 100_200)
    assert (done.buy_fee, done.sell_fee) == (pytest.approx(50), pytest.approx(50.1))
    assert done.net == pytest.approx(99.90)
    assert [(level.price, level.size, level.taken) for level in detail.asks] == [
        (100_000, 1, 1),
        (100_190, 4, 0),
    ]
    assert [(level.price, level.taken) for level in detail.bids] == [(100_200, 1), (100_100, 0)]
    assert [(quote.venue, quote.bid, quote.ask) for quote in detail.quotes] == [
        ("a", 99_990, 100_000),
        ("b", 100_200, 100_210),
    ]


def test_a_near_miss_shows_what_the_touch_would_lose(desk: Desk) -> None:
    desk.show("a", [(99, 1)], [(100, 2)])
    desk.show("b", [(100, 5)], [(101, 1)])
    row = desk.row()
    assert row.standing is Standing.NEAR
    assert (row.size, row.gross_bps) == (2, 0)
    assert row.profit == pytest.approx(-0.2)
    assert row.net_bps == pytest.approx((99.95 / 100.05 - 1) * 1e4)
    assert (row.id, row.opened_at) == ("", 0)


def test_what_pays_less_than_the_threshold_is_not_open_but_pays(desk: Desk) -> None:
    desk.show("a", [(99, 1)], [(100, 2)])
    desk.show("b", [(100.13, 5)], [(101, 1)])
    row = desk.row()
    assert (row.standing, row.standing.positive) == (Standing.PAYS, True)
    assert 0 < row.net_bps < 5


def test_less_than_the_smallest_order_is_dust(desk: Desk) -> None:
    desk.show("a", [(99, 1)], [(100, 0.0001)])
    desk.show("b", [(103, 5)], [(104, 1)])
    row = desk.row()
    assert (row.standing, row.standing.positive) == (Standing.DUST, False)
    assert row.net_bps > 0


def test_an_open_route_stands_before_one_that_would_leave_more(desk: Desk) -> None:
    desk.show("a", [(99, 1)], [(100, 1)])
    desk.show("b", [(101, 0.1)], [(102, 1)])
    assert [event.sell.venue for event in desk.said] == ["b"]
    desk.show("c", [(100.17, 1000)], [(102, 1)])  # 2 bps of a large size, under the threshold
    desk.show("a", [(99, 1)], [(100, 1000)])
    row = desk.row()
    assert row.sell is not None
    assert (row.standing, row.sell.venue) == (Standing.OPEN, "b")


def test_where_nothing_is_open_the_one_that_leaves_most_stands_first(desk: Desk) -> None:
    desk.show("a", [(99, 1)], [(100, 1000)])
    desk.show("b", [(100.14, 0.1)], [(102, 1)])
    desk.show("c", [(100.18, 1000)], [(102, 1)])
    row = desk.row()
    assert row.sell is not None
    assert (row.standing, row.sell.venue) == (Standing.PAYS, "c")


def test_only_live_and_fresh_books_are_compared(desk: Desk) -> None:
    paying(desk)
    row = desk.row(NOW + 4 * SECOND)
    assert (row.standing, row.buy, row.sell) == (Standing.NONE, None, None)
    desk.pipeline.drop(desk.books["a", "BTC/USDT"], BookState.UNSYNCHRONISED, "gap", NOW)
    frame = desk.frame(NOW, details=("BTC/USDT",))
    assert (frame.rows[0].live, frame.rows[0].books) == (1, 2)
    (detail,) = frame.details
    assert (detail.asks, detail.bids, detail.sum) == ((), (), None)
    assert [(quote.state, quote.bid) for quote in detail.quotes] == [
        ("unsynchronised", 0),
        ("live", 100_200),
    ]


def test_a_symbol_without_any_book_has_a_row_too() -> None:
    desk = Desk({"a": 0, "b": 0}, ("BTC/USDT", "ETH/USDT"))
    desk.show("a", [(9, 1)], [(10, 1)], symbol="ETH/USDT")
    rows = desk.frame().rows
    assert [(row.symbol, row.base, row.standing, row.live) for row in rows] == [
        ("BTC/USDT", "BTC", Standing.NONE, 0),
        ("ETH/USDT", "ETH", Standing.NONE, 1),
    ]


def test_only_routes_with_a_leg_at_the_venue(desk: Desk) -> None:
    paying(desk)
    desk.show("c", [(99_900, 1)], [(100_300, 1)])
    row = desk.row(venue="c")
    assert row.buy is not None and row.sell is not None
    assert "c" in (row.buy.venue, row.sell.venue)
    assert row.standing is Standing.NEAR
    assert desk.row(venue="nowhere").standing is Standing.NONE
    assert desk.row().standing is Standing.OPEN


def test_looking_leaves_no_trace_in_the_core(desk: Desk) -> None:
    paying(desk)
    before = desk.pipeline.store.array(0).copy()
    for i in range(10):
        desk.frame(NOW + i, details=None)
    assert (before == desk.pipeline.store.array(0)).all()
    assert len(desk.said) == 1
    assert sum(minute.samples for minute in desk.pipeline.engine.take_minutes(NOW)) == 2


def test_a_frame_can_cross_a_process_boundary(desk: Desk) -> None:
    paying(desk)
    frame = desk.frame(details=None)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(frame), type=Frame) == frame


def test_the_trend_keeps_the_best_of_each_second(desk: Desk) -> None:
    desk.show("a", [(99, 1)], [(100, 1)])
    desk.frame(NOW)  # one book: nothing to compare
    for bid, at in ((99.8, SECOND), (99.9, SECOND + 1), (99.7, SECOND + 2), (99.5, 3 * SECOND)):
        desk.show("a", [(99, 1)], [(100, 1)], NOW + at)
        desk.show("b", [(bid, 1)], [(101, 1)], NOW + at)
        desk.frame(NOW + at)
    (detail,) = desk.frame(NOW + 3 * SECOND, details=("BTC/USDT",)).details
    best = (99.9 * 0.9995 / (100 * 1.0005) - 1) * 1e4
    last = (99.5 * 0.9995 / (100 * 1.0005) - 1) * 1e4
    best, last = pytest.approx(best), pytest.approx(last)
    assert detail.history == (None, best, best, last)  # nobody looked in the third second
    (detail,) = desk.frame(NOW + 8 * SECOND, details=("BTC/USDT",)).details
    assert detail.history[4:8] == (None,) * 4


def test_history_is_bounded(desk: Desk) -> None:
    paying(desk)
    for second in range(700):
        desk.frame(NOW + second * SECOND)
    frame = desk.frame(NOW + 700 * SECOND, details=None)
    assert (len(frame.rows[0].trend), len(frame.details[0].history)) == (60, 600)
    desk.frame(NOW + 10**9 * SECOND)


def test_a_venue_line_adds_its_connections_up(desk: Desk) -> None:
    paying(desk)
    desk.pipeline.breaks["a"] += 3
    desk.feeds["a"].connections = (
        health("a", messages=100, reconnects=1, heard_at=NOW - SECOND),
        health("a", messages=50, reconnects=1, heard_at=NOW - 2 * SECOND),
    )
    desk.frame()
    desk.feeds["a"].connections = (
        health("a", messages=160, reconnects=1, heard_at=NOW + SECOND),
        health("a", messages=70, reconnects=1, heard_at=NOW),
    )
    line = desk.frame(NOW + 2 * SECOND).venues[0]
    assert (line.venue, line.open, line.connections) == ("a", 2, 2)
    assert (line.rate, line.gaps, line.reconnects) == (40, 3, 2)
    assert (line.live, line.subscribed, line.silent_ms) == (1, 1, 1000)
    assert line.link is Link.LIVE


@pytest.mark.parametrize(
    ("connections", "link"),
    [
        ([{}], Link.LIVE),
        ([{}, {"state": ConnectionState.CONNECTING}], Link.PARTLY),
        ([{"state": ConnectionState.CONNECTING}], Link.CONNECTING),
        ([{"state": ConnectionState.WAITING}], Link.CONNECTING),
        ([{"state": ConnectionState.WAITING, "last_error": "refused"}], Link.DOWN),
        ([{"state": ConnectionState.CONNECTING, "last_error": "refused"}], Link.DOWN),
    ],
)
def test_the_state_of_a_venue(desk: Desk, connections: list[dict[str, object]], link: Link) -> None:
    paying(desk)
    desk.feeds["a"].connections = tuple(health("a", **changes) for changes in connections)
    assert desk.frame().venues[0].link is link


def test_a_venue_whose_books_are_not_all_live_is_so_partly(desk: Desk) -> None:
    paying(desk)
    by_name = {line.venue: line for line in desk.frame().venues}
    assert (by_name["c"].link, by_name["c"].live, by_name["c"].subscribed) == (Link.PARTLY, 0, 1)


def test_lag_is_the_median_over_books_that_tell_the_time() -> None:
    desk = Desk({"a": 0, "b": 0}, ("BTC/USDT", "ETH/USDT", "SOL/USDT"))
    for symbol, lag in (("BTC/USDT", 4), ("ETH/USDT", 10), ("SOL/USDT", 30)):
        desk.show("a", [(9, 1)], [(10, 1)], symbol=symbol, sent_at=NOW - lag * 1_000_000)
    desk.show("b", [(9, 1)], [(10, 1)])
    assert [line.lag_ms for line in desk.frame().venues] == [10, None]


def test_other_feeds_and_markets_after_a_change_of_configuration(desk: Desk) -> None:
    paying(desk)
    desk.view.watch([desk.feeds["a"]], desk.markets[:1])
    assert [line.venue for line in desk.frame().venues] == ["a"]
    desk.view.watch([], [market("d", "ETH/EUR", 0)])
    assert [(row.symbol, row.standing) for row in desk.frame().rows] == [("ETH/EUR", "none")]


def test_what_takes_more_orders_has_a_row_of_its_own_while_it_is_open() -> None:
    desk = Desk({"a": 0.0005, "b": 0.0005, "c": 0.0005})
    desk.show("a", [(99.9, 1)], [(100, 1)])
    desk.show("b", [(99.95, 1)], [(100.05, 2)])
    desk.show("c", [(101, 5)], [(101.1, 1)])
    desk.pipeline.tick(NOW)
    pair, many = desk.frame(details=("BTC/USDT multi",)).rows
    assert (pair.symbol, pair.kind, pair.standing) == ("BTC/USDT", "", Standing.OPEN)
    assert (many.symbol, many.kind, many.standing) == ("BTC/USDT multi", "multi", Standing.OPEN)
    assert (many.size, many.base, many.quote) == (3.0, "BTC", "USDT")
    (detail,) = desk.frame(details=("BTC/USDT multi",)).details
    assert [(order.venue, order.side, order.size) for order in detail.orders] == [
        ("b", "buy", 2.0),
        ("a", "buy", 1.0),
        ("c", "sell", 3.0),
    ]
    assert len(desk.frame(venue="d").rows) == 1
    desk.pipeline.drop(desk.books["c", "BTC/USDT"], BookState.UNSYNCHRONISED, "gap", NOW)
    assert [row.symbol for row in desk.frame().rows] == ["BTC/USDT"]


def test_what_stopped_other_kinds_stands_with_the_symbol_after_its_own(desk: Desk) -> None:
    desk.show("a", [(99, 1)], [(100, 2)])
    desk.show("b", [(100.01, 5)], [(101, 1)])
    rejects = desk.pipeline.engine.rejects
    rejects.count("multi", "BTC/USDT", "several", "several", Rejection(Gate.LOT, 9.0))
    rejects.count("loop", "USDT/ETH/SOL/USDT", "a", "a", Rejection(Gate.LOT, 9.0))
    (told,) = desk.frame(details=None).details
    assert [stop.gate for stop in told.stops] == ["fees", "lot"]
    assert told.stops[-1] == Stop("lot", 1, 9.0, "multi")
    assert [stop.beside for stop in told.stops if stop.beside] == ["multi"]
