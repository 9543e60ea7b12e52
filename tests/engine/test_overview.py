"""The overview: the best route by the kernel is the best route by brute force."""

from __future__ import annotations

import json
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.books.store import BookStore, Keys
from scanner.engine import costs
from scanner.engine.bounds import Bounds
from scanner.engine.engine import Engine
from scanner.engine.ids import Ids
from scanner.engine.overview import Overview
from scanner.engine.terms import Terms
from scanner.engine.tracker import Thresholds
from scanner.steps import Snapshot
from scanner.types import BookState, LevelLayout, Market

KEYS = Keys.of(LevelLayout())
SECOND = 1_000_000_000
FEES = (0.0, 0.0005, 0.001, 0.002)
Ladder = list[tuple[float, float]]

sizes = st.integers(1, 50).map(lambda n: n / 10)


@st.composite
def books(draw: st.DrawFn) -> tuple[Ladder, Ladder]:
    """(bids, asks) around 100, a few levels each, not crossed."""
    middle = draw(st.integers(9_900, 10_100))
    bids = [middle - 1 - n for n in sorted(draw(st.sets(st.integers(0, 60), max_size=4)))]
    asks = [middle + 1 + n for n in sorted(draw(st.sets(st.integers(0, 60), max_size=4)))]
    return (
        [(price / 100, draw(sizes)) for price in bids],
        [(price / 100, draw(sizes)) for price in asks],
    )


def bench(shown: list[tuple[Ladder, Ladder]], min_net_bps: float = 1e9) -> tuple[Engine, Overview]:
    """An engine over books of one symbol, and the overview of it."""
    store = BookStore()
    thresholds = Thresholds(min_net_bps=min_net_bps)
    bounds = Bounds(max_age=3 * SECOND, max_skew=SECOND)
    engine = Engine(store, thresholds, bounds, Ids(lambda bits: 0), lambda event: None)
    for number, (bids, asks) in enumerate(shown):
        book = store.add()
        fee = FEES[number % len(FEES)]
        market = Market(
            venue=f"v{number}", id="AB", symbol="A/B", base="A", quote="B", taker_fee=fee
        )
        engine.add(book, market)
        step = Snapshot(
            market="AB",
            bids=json.dumps(bids).encode(),
            asks=json.dumps(asks).encode(),
            sequence=1,
        )
        store.snapshot(book, step, KEYS, SECOND)
        engine.updated(book, SECOND)
    return engine, Overview(store, engine)


@settings(max_examples=150)
@given(st.lists(books(), min_size=2, max_size=4))
def test_the_best_route_is_the_best_by_brute_force(shown: list[tuple[Ladder, Ladder]]) -> None:
    engine, overview = bench(shown)
    (route,) = overview.best(SECOND)
    terms = [Terms.of(market) for market in engine.markets.values()]
    nets, edges = [0.0], [float("-inf")]
    for buy, sell in permutations(range(len(shown)), 2):
        asks, bids = shown[buy][1], shown[sell][0]
        if asks and bids and shown[buy][0] and shown[sell][1]:
            fees = FEES[buy], FEES[sell]
            result = costs.evaluate(asks, bids, terms[buy], terms[sell])
            nets.append(result.net_profit if isinstance(result, costs.Result) else 0.0)
            edges.append((bids[0][0] * (1 - fees[1]) / (asks[0][0] * (1 + fees[0])) - 1) * 1e4)
    if len(edges) == 1:
        assert route.buy == -1
    elif max(nets) > 1e-9:
        assert route.result is not None
        assert route.result.net_profit == pytest.approx(max(nets), rel=1e-9)
    else:
        assert route.edge_bps == pytest.approx(max(edges), abs=1e-6)


def test_touch_sizes_and_books() -> None:
    _, overview = bench([([(99.0, 1.0)], [(100.0, 2.0)]), ([(101.0, 3.0)], [(102.0, 1.0)])])
    (route,) = overview.best(SECOND)
    assert (route.buy, route.sell, route.live, route.books) == (0, 1, 2, 2)
    assert (route.ask, route.ask_size, route.bid, route.bid_size) == (100.0, 2.0, 101.0, 3.0)


def test_many_symbols_keep_their_order() -> None:
    store = BookStore()
    engine = Engine(
        store, Thresholds(), Bounds(), Ids(lambda bits: 0), lambda event: pytest.fail("nothing")
    )
    names = [f"S{i}/B" for i in range(40)]
    for name in names:
        engine.add(
            store.add(),
            Market(venue="v", id=name, symbol=name, base=name, quote="B", taker_fee=0.0),
        )
    assert [route.symbol for route in Overview(store, engine).best(SECOND)] == names


def test_a_venue_that_leaves_is_not_counted() -> None:
    shown: list[tuple[Ladder, Ladder]] = [([(99.0, 1.0)], [(100.0, 1.0)])] * 3
    engine, overview = bench(shown)
    assert set(overview.trust()) == {"v0", "v1", "v2"}
    engine.remove(1)
    assert set(overview.trust()) == {"v0", "v2"}
    (route,) = overview.best(SECOND)
    assert route.books == 2 and 1 not in (route.buy, route.sell)


def test_a_book_that_is_not_live_shows_no_prices() -> None:
    engine, overview = bench([([(99.0, 1.0)], [(100.0, 1.0)])] * 2)
    engine._store.set_state(0, BookState.STALE)
    stale, live = overview.quotes("A/B", 2 * SECOND)
    assert (stale.state, stale.bid, stale.ask) == (BookState.STALE, 0.0, 0.0)
    assert (live.bid, live.ask, live.age_ms) == (99.0, 100.0, 1000.0)
    assert overview.quotes("no/such", SECOND) == []
