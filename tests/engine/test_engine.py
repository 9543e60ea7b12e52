"""Books in, opportunities out: what is flagged, what never is, and how a life goes."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from scanner.books.store import BookStore, Keys
from scanner.engine import costs
from scanner.engine.bounds import Bounds
from scanner.engine.engine import Engine
from scanner.engine.ids import Ids
from scanner.engine.terms import Terms
from scanner.engine.tracker import Thresholds
from scanner.events import Opportunity
from scanner.steps import Snapshot
from scanner.types import BookState, LevelLayout, Market

KEYS = Keys.of(LevelLayout())
SECOND = 1_000_000_000
Ladder = list[tuple[float, float]]


class Bench:
    """An engine over a few venues' books of one symbol, and what it has said."""

    def __init__(self, fees: dict[str, float], thresholds: Thresholds | None = None) -> None:
        self.said: list[Opportunity] = []
        self.store = BookStore()
        self.engine = Engine(
            self.store,
            thresholds or Thresholds(min_net_bps=5, update_interval=0),
            Bounds(max_age=3 * SECOND, max_skew=SECOND),
            Ids(lambda n: 0),
            self.said.append,
        )
        self.books = {venue: self.add(venue, fee) for venue, fee in fees.items()}
        self._sequence = count(1)

    def add(self, venue: str, fee: float, symbol: str = "BTC/USDT", **more: Any) -> int:
        book = self.store.add()
        base, quote = symbol.split("/")
        market = Market(
            venue=venue,
            id=symbol,
            symbol=symbol,
            base=base,
            quote=quote,
            taker_fee=fee,
            **more,
        )
        self.engine.add(book, market)
        return book

    def show(self, venue: str, bids: Ladder, asks: Ladder, at: int) -> None:
        step = Snapshot(
            market="BTC/USDT",
            bids=json.dumps(bids).encode(),
            asks=json.dumps(asks).encode(),
            sequence=next(self._sequence),
        )
        self.store.snapshot(self.books[venue], step, KEYS, at)
        self.engine.updated(self.books[venue], at)

    def events(self) -> list[str]:
        return [opportunity.event for opportunity in self.said]


@pytest.fixture
def bench() -> Bench:
    return Bench({"kucoin": 0.0005, "okx": 0.0005})


def test_the_worked_example(bench: Bench) -> None:
    bench.show("kucoin", [(99_990, 1)], [(100_000, 1)], 10 * SECOND)
    bench.show("okx", [(100_200, 1)], [(100_210, 1)], 10 * SECOND + 2_000_000)
    (found,) = bench.said
    assert (found.event, found.kind, found.symbol) == ("opened", "spot-spot", "BTC/USDT")
    assert (found.buy.venue, found.sell.venue, found.size) == ("kucoin", "okx", 1.0)
    assert found.net_profit == pytest.approx(99.90, abs=1e-9)
    assert found.buy.levels == ((100_000.0, 1.0),)
    assert (found.buy.age_ms, found.sell.age_ms) == (2.0, 0.0)
    assert found.currency == "USDT"


def test_fees_eat_the_same_spread() -> None:
    bench = Bench({"kucoin": 0.001, "okx": 0.001})
    bench.show("kucoin", [(99_990, 1)], [(100_000, 1)], SECOND)
    bench.show("okx", [(100_200, 1)], [(100_210, 1)], SECOND)
    assert bench.said == []


def test_below_the_threshold_nothing_is_said() -> None:
    bench = Bench({"a": 0.0, "b": 0.0}, Thresholds(min_net_bps=20))
    bench.show("a", [(99, 1)], [(100, 1)], SECOND)
    bench.show("b", [(100.19, 1)], [(101, 1)], SECOND)
    assert bench.said == []
    bench.show("b", [(100.21, 1)], [(101, 1)], SECOND)
    assert bench.events() == ["opened"]


def test_minimum_profit_counts_too() -> None:
    bench = Bench({"a": 0.0, "b": 0.0}, Thresholds(min_net_bps=0, min_profit=2))
    bench.show("a", [(99, 1)], [(100, 1)], SECOND)
    bench.show("b", [(101, 1)], [(102, 1)], SECOND)
    assert bench.said == []


def test_life_with_hysteresis_and_peak() -> None:
    bench = Bench(
        {"a": 0.0, "b": 0.0}, Thresholds(min_net_bps=20, close_ratio=0.5, update_interval=0)
    )
    bench.show("a", [(99, 1)], [(100, 1)], SECOND)
    for bid, at in ((100.25, 1), (100.40, 2), (100.12, 3), (100.09, 4)):
        bench.show("b", [(bid, 1)], [(101, 1)], SECOND + at)
    assert bench.events() == ["opened", "updated", "updated", "closed"]
    closed = bench.said[-1]
    assert len({opportunity.id for opportunity in bench.said}) == 1
    assert closed.reason == "net fell below the threshold"
    assert closed.peak_net_bps == pytest.approx(40)
    assert closed.net_bps == pytest.approx(12)
    assert closed.sell.levels == ((100.12, 1.0),)
    assert (closed.opened_at, closed.at) == (SECOND + 1, SECOND + 4)


def test_updates_keep_their_distance() -> None:
    bench = Bench({"a": 0.0, "b": 0.0}, Thresholds(min_net_bps=20, update_interval=100))
    bench.show("a", [(99, 1)], [(100, 1)], SECOND)
    for bid, at in ((101, 0), (102, 40), (103, 80), (104, 120), (104, 500)):
        bench.show("b", [(bid, 1)], [(110, 1)], SECOND + at)
    assert [(o.event, o.at - SECOND) for o in bench.said] == [("opened", 0), ("updated", 120)]
    bench.show("b", [(99, 1)], [(110, 1)], SECOND + 600)
    assert bench.said[-1].peak_net_bps == pytest.approx(400)


def test_time_alone_is_no_update(bench: Bench) -> None:
    bench.show("kucoin", [(99_990, 1)], [(100_000, 1)], SECOND)
    bench.show("okx", [(100_200, 1)], [(100_210, 1)], SECOND)
    for tick in range(1, 20):
        bench.engine.tick(SECOND + tick * SECOND // 10)
    assert bench.events() == ["opened"]


def test_too_old_to_open_and_closed_when_it_becomes_so(bench: Bench) -> None:
    bench.show("kucoin", [(99_990, 1)], [(100_000, 1)], SECOND)
    bench.show("okx", [(100_200, 1)], [(100_210, 1)], 4 * SECOND + 1)
    assert bench.said == []
    bench.show("kucoin", [(99_990, 1)], [(100_000, 1)], 4 * SECOND + 2)
    assert bench.events() == ["opened"]
    bench.engine.tick(7 * SECOND + 1)
    assert bench.events() == ["opened"]
    bench.engine.tick(7 * SECOND + 2)
    assert bench.events() == ["opened", "closed"]
    assert bench.said[-1].reason == "a leg is too old"
    assert bench.said[-1].sell.age_ms == pytest.approx(3000, abs=1e-3)


def test_legs_too_far_apart_in_time(bench: Bench) -> None:
    bench.show("kucoin", [(99_990, 1)], [(100_000, 1)], SECOND)
    bench.show("okx", [(100_200, 1)], [(100_210, 1)], 2 * SECOND + 1)
    assert bench.said == []
    bench.show("kucoin", [(99_990, 1)], [(100_000, 1)], 2 * SECOND + 1)
    bench.show("okx", [(100_201, 1)], [(100_210, 1)], 3 * SECOND + 2)
    assert bench.events() == ["opened", "closed"]
    assert bench.said[-1].reason == "the legs are too far apart in time"


@pytest.mark.parametrize(
    "state", [s for s in BookState if s is not BookState.LIVE], ids=lambda s: s.name
)
def test_only_live_books_take_part(bench: Bench, state: BookState) -> None:
    bench.show("kucoin", [(99_990, 1)], [(100_000, 1)], SECOND)
    bench.store.set_state(bench.books["kucoin"], state)
    bench.show("okx", [(100_200, 1)], [(100_210, 1)], SECOND)
    assert bench.said == []


@pytest.mark.parametrize("one_sided", [([(101, 1)], []), ([(101, 1)], [(100.5, 1)])])
def test_a_book_of_which_nobody_knows_whether_it_is_crossed_takes_no_part(
    bench: Bench, one_sided: tuple[Ladder, Ladder]
) -> None:
    bench.show("kucoin", [(99, 1)], [(100, 1)], SECOND)
    bench.show("okx", *one_sided, SECOND)
    assert bench.said == []
    bench.show("okx", [(101, 1)], [(102, 1)], SECOND + 1)
    assert bench.events() == ["opened"]
    bench.show("okx", *one_sided, SECOND + 2)
    assert bench.events() == ["opened", "closed"]


def test_crossed_book_never_takes_part(bench: Bench) -> None:
    bench.show("kucoin", [(99_990, 1)], [(100_000, 1)], SECOND)
    bench.show("okx", [(100_200, 1)], [(100_190, 1)], SECOND)
    assert bench.said == []


def test_a_dropped_book_closes_what_stood_on_it_at_once(bench: Bench) -> None:
    bench.show("kucoin", [(99_990, 1)], [(100_000, 1)], SECOND)
    bench.show("okx", [(100_200, 1)], [(100_210, 1)], SECOND)
    bench.engine.dropped(bench.books["okx"], "the connection broke", SECOND + 5)
    assert bench.events() == ["opened", "closed"]
    assert (bench.said[-1].reason, bench.said[-1].at) == ("the connection broke", SECOND + 5)
    assert bench.engine.open_count == 0


def test_different_symbols_never_meet(bench: Bench) -> None:
    other = bench.add("kraken", 0.0, "BTC/USD")
    bench.books["kraken"] = other
    bench.show("kucoin", [(99_990, 1)], [(100_000, 1)], SECOND)
    bench.show("kraken", [(200_000, 1)], [(200_001, 1)], SECOND)
    assert bench.said == []


def test_orders_that_the_venue_would_not_take() -> None:
    bench = Bench({"a": 0.0})
    bench.books["b"] = bench.add("b", 0.0, min_amount=2.0)
    bench.show("a", [(99, 1)], [(100, 1)], SECOND)
    bench.show("b", [(120, 1)], [(130, 1)], SECOND)
    assert bench.said == []
    bench.show("a", [(99, 1)], [(100, 2)], SECOND)
    bench.show("b", [(120, 2)], [(130, 1)], SECOND)
    assert bench.events() == ["opened"]


def test_minutes_tell_of_what_was_not_flagged_too() -> None:
    bench = Bench({"a": 0.0, "b": 0.001}, Thresholds(min_net_bps=50))
    bench.show("a", [(99, 1)], [(100, 1)], SECOND)
    for at, bid in enumerate((99.5, 100.3, 100.2)):
        bench.show("b", [(bid, 1)], [(101, 1)], SECOND + at)
    minutes = {(m.buy, m.sell): m for m in bench.engine.take_minutes(60 * SECOND)}
    assert bench.said == []
    there = minutes["a", "b"]
    assert (there.samples, there.positive, there.symbol) == (3, 2, "BTC/USDT")
    expected = [(bid * 0.999 / 100 - 1) * 1e4 for bid in (99.5, 100.3, 100.2)]
    assert there.low_bps == pytest.approx(expected[0])
    assert there.high_bps == pytest.approx(expected[1])
    assert there.last_bps == pytest.approx(expected[2])
    assert there.mean_bps == pytest.approx(sum(expected) / 3)
    assert minutes["b", "a"].high_bps == pytest.approx((99 / 101.101 - 1) * 1e4)
    assert bench.engine.take_minutes(120 * SECOND) == []


def test_minutes_of_absurd_prices_are_numbers_all_the_same() -> None:
    bench = Bench({"a": 0.0, "b": 0.0}, Thresholds(min_net_bps=50))
    bench.show("a", [(1e-25, 1)], [(1.1e-25, 1)], SECOND)
    bench.show("b", [(1e17, 1)], [(2e17, 1)], SECOND)
    for minute in bench.engine.take_minutes(60 * SECOND):
        figures = minute.low_bps, minute.mean_bps, minute.high_bps, minute.last_bps
        assert all(abs(figure) < 1e38 for figure in figures)
        assert minute.low_bps <= minute.mean_bps <= minute.high_bps


def test_a_new_fee_counts_from_the_next_change_of_any_book_on() -> None:
    bench = Bench({"a": 0.0, "b": 0.0}, Thresholds(min_net_bps=5))
    bench.show("a", [(99, 1)], [(100, 1)], SECOND)
    for fee in (0.01, 0.0):
        book = bench.books["a"]
        bench.engine.revalue(book, replace(bench.engine.markets[book], taker_fee=fee))
        bench.show("b", [(100.5, 1)], [(101, 1)], SECOND + 1)
        there = bench.engine.take_minutes(60 * SECOND)
        found = {(m.buy, m.sell): m.last_bps for m in there}["a", "b"]
        assert found == pytest.approx((100.5 / (100 * (1 + fee)) - 1) * 1e4)
    assert bench.events() == ["opened"]


def test_ids_sort_by_time() -> None:
    ids = Ids(lambda n: 0)
    made = [ids.new(at * 100_000) for at in range(50)]
    assert made == sorted(made)
    assert len(set(made)) == 50
    assert made[0][14] == "7"


def test_a_flag_that_uses_more_levels_than_are_looked_at_first(bench: Bench) -> None:
    asks = [(100_000 + i / 100, 0.01) for i in range(200)]
    bench.show("kucoin", [(99_990, 1)], asks, SECOND)
    bench.show("okx", [(100_200, 100)], [(100_210, 1)], SECOND)
    (found,) = bench.said
    assert len(found.buy.levels) == 200
    assert found.size == pytest.approx(2.0)


ladder = st.lists(
    st.tuples(st.integers(90, 110), st.integers(1, 9)),
    min_size=1,
    max_size=5,
    unique_by=lambda x: x[0],
)


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 3), ladder, ladder), min_size=2, max_size=12))
def test_flags_exactly_what_a_plain_search_finds(
    shows: list[tuple[int, list[tuple[int, int]], list[tuple[int, int]]]],
) -> None:
    fees = [0.0, 0.001, 0.002, 0.0005]
    bench = Bench(
        {str(k): fee for k, fee in enumerate(fees)},
        Thresholds(min_net_bps=10, close_ratio=1.0, update_interval=0),
    )
    terms = [Terms.of(bench.engine.markets[book]) for book in bench.books.values()]
    books: dict[str, tuple[Ladder, Ladder]] = {}
    for at, (venue, bids, asks) in enumerate(shows):
        down = [(float(p), float(s)) for p, s in sorted(bids, reverse=True)]
        up = [(float(p) + 8, float(s)) for p, s in sorted(asks)]
        if down[0][0] >= up[0][0]:
            continue
        books[str(venue)] = (down, up)
        bench.show(str(venue), down, up, SECOND + at)
        expected = {}
        for a, (_, a_asks) in books.items():
            for b, (b_bids, _) in books.items():
                result = costs.evaluate(a_asks, b_bids, terms[int(a)], terms[int(b)])
                if a != b and isinstance(result, costs.Result) and result.net_bps >= 10:
                    expected[a, b] = result.net_profit
        open_now: dict[tuple[str, str], float] = {}
        for o in bench.said:
            open_now.pop((o.buy.venue, o.sell.venue), None)
            if o.event != "closed":
                open_now[o.buy.venue, o.sell.venue] = o.net_profit
        assert open_now == expected
