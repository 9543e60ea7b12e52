"""An engine whose books, thresholds and fees change while it runs."""

from __future__ import annotations

import json

import pytest

from scanner.books import layout as L
from scanner.books.store import BookStore, Keys
from scanner.engine.bounds import Bounds
from scanner.engine.engine import Engine
from scanner.engine.ids import Ids
from scanner.engine.overview import Overview
from scanner.engine.tracker import Thresholds
from scanner.events import Opportunity
from scanner.steps import Snapshot
from scanner.types import BookState, LevelLayout, Market

KEYS = Keys.of(LevelLayout())
SECOND = 1_000_000_000
AT = 10 * SECOND


def market(venue: str, fee: float = 0.0) -> Market:
    return Market(venue=venue, id="X", symbol="X/Q", base="X", quote="Q", taker_fee=fee)


class Bench:
    """Four venues whose prices are one apart: all but equal neighbours pay."""

    def __init__(self) -> None:
        self.said: list[Opportunity] = []
        self.store = BookStore()
        self.engine = Engine(
            self.store, Thresholds(update_interval=0), Bounds(), Ids(lambda n: 0), self.said.append
        )
        self.books = {venue: self.store.add() for venue in "abcd"}
        for venue, book in self.books.items():
            self.engine.add(book, market(venue))

    def show(self, venue: str, price: float, at: int = AT) -> None:
        step = Snapshot(
            market="X",
            bids=json.dumps([[price, 1]]).encode(),
            asks=json.dumps([[price + 0.5, 1]]).encode(),
            sequence=1,
        )
        self.store.snapshot(self.books[venue], step, KEYS, at)
        self.engine.updated(self.books[venue], at)

    def show_all(self, at: int = AT) -> None:
        for place, venue in enumerate(self.books):
            self.show(venue, 100.0 + place, at)

    def remove(self, venue: str, at: int = AT) -> None:
        book = self.books.pop(venue)
        self.store.clear(book, BookState.EMPTY)
        self.engine.dropped(book, "gone", at)
        self.engine.remove(book)

    def open_routes(self) -> set[str]:
        ends = {"opened": set.add, "closed": set.remove}
        found: set[str] = set()
        for event in self.said:
            if event.event in ends:
                ends[event.event](found, event.buy.venue + event.sell.venue)
        return found


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize("gone", ["a", "b", "d"])
def test_a_book_that_is_removed_takes_its_opportunities_with_it_and_no_others(
    bench: Bench, gone: str
) -> None:
    bench.show_all()
    every = {"ab", "ac", "ad", "bc", "bd", "cd"}
    assert bench.open_routes() == every
    bench.remove(gone)
    left = {route for route in every if gone not in route}
    assert bench.open_routes() == left
    assert bench.engine.open_count == len(left)
    bench.show_all(AT + SECOND)
    bench.engine.tick(AT + SECOND)
    assert bench.open_routes() == left
    for book in bench.books.values():
        bench.engine.dropped(book, "over", AT + SECOND)
    assert bench.open_routes() == set()
    assert not bench.store.array(L.RECORDS)["standing"].any()


@pytest.mark.parametrize("gone", ["a", "b", "d"])
def test_the_summaries_of_the_others_stay_theirs(bench: Bench, gone: str) -> None:
    bench.show_all()
    before = {(m.buy, m.sell): m for m in bench.engine.take_minutes(AT)}
    bench.show_all(AT + SECOND)
    bench.remove(gone)
    after = {(m.buy, m.sell): m for m in bench.engine.take_minutes(AT)}
    assert set(after) == {route for route in before if gone not in route}
    for route, minute in after.items():
        assert minute.last_bps == before[route].last_bps
        assert minute.low_bps <= minute.last_bps <= minute.high_bps


def test_a_removed_book_can_come_back(bench: Bench) -> None:
    bench.show_all()
    back = bench.books["b"]
    bench.remove("b")
    bench.books["b"] = back
    bench.engine.add(back, market("b"))
    assert not {route for route in bench.open_routes() if "b" in route}
    bench.show("b", 101.0, AT)
    assert bench.open_routes() == {"ab", "ac", "ad", "bc", "bd", "cd"}


def test_all_of_a_symbol_can_go(bench: Bench) -> None:
    overview = Overview(bench.store, bench.engine)
    bench.show_all()
    assert [route.books for route in overview.best(AT)] == [4]
    assert overview.trust().keys() == {"a", "b", "c", "d"}
    for venue in "dcba":
        bench.remove(venue)
    assert overview.best(AT) == []
    assert overview.trust() == {}
    assert bench.engine.take_minutes(AT) == []


def test_what_is_looked_at_follows_a_change_that_keeps_the_number_of_books(bench: Bench) -> None:
    overview = Overview(bench.store, bench.engine)
    bench.show_all()
    assert "e" not in overview.trust()
    bench.remove("a")
    bench.books["e"] = bench.store.add()
    bench.engine.add(bench.books["e"], market("e"))
    assert overview.trust().keys() == {"b", "c", "d", "e"}


def test_thresholds_hold_from_now_on(bench: Bench) -> None:
    bench.engine.configure(Thresholds(min_net_bps=120, close_ratio=1, update_interval=0), Bounds())
    bench.show_all()
    assert bench.open_routes() == {"ac", "ad", "bd"}
    bench.engine.configure(Thresholds(min_net_bps=200, close_ratio=1, update_interval=0), Bounds())
    bench.engine.tick(AT)
    assert bench.open_routes() == {"ad"}
    bench.engine.configure(Thresholds(min_net_bps=1, update_interval=0), Bounds())
    bench.show_all()
    assert bench.open_routes() == {"ab", "ac", "ad", "bc", "bd", "cd"}


def test_bounds_hold_from_now_on(bench: Bench) -> None:
    bench.show_all()
    bench.engine.configure(Thresholds(), Bounds(max_age=SECOND // 2))
    bench.engine.tick(AT + SECOND)
    assert bench.open_routes() == set()
    assert {event.reason for event in bench.said if event.reason} == {"a leg is too old"}


def test_a_fee_holds_from_now_on(bench: Bench) -> None:
    bench.show_all()
    bench.engine.revalue(bench.books["a"], market("a", fee=0.5))
    bench.show_all(AT + SECOND)
    assert bench.open_routes() == {"bc", "bd", "cd"}
