"""Books in arrays: the same as a dict would hold, whatever the order of events."""

from __future__ import annotations

import json
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.books import layout as L
from scanner.books.slow import BadLevels
from scanner.books.store import BookStore, Keys
from scanner.steps import Best, Delta, Snapshot
from scanner.types import BookState, ChecksumRule, LevelLayout, Side

KEYS = Keys.of(LevelLayout())


def text(levels: list[tuple[float, float]] | list[tuple[str, str]]) -> bytes:
    return json.dumps([[str(p), str(s)] for p, s in levels]).encode()


def snapshot(bids: object, asks: object, sequence: int = 1, **more: object) -> Snapshot:
    return Snapshot(market="M", bids=text(bids), asks=text(asks), sequence=sequence, **more)  # type: ignore[arg-type]


def delta(bids: object, asks: object, sequence: int = 2, **more: object) -> Delta:
    return Delta(market="M", bids=text(bids), asks=text(asks), sequence=sequence, **more)  # type: ignore[arg-type]


def best(bid: str, bid_size: str, ask: str, ask_size: str, order: int) -> Best:
    return Best(
        market="M", bid_price=bid, bid_size=bid_size, ask_price=ask, ask_size=ask_size, order=order
    )


def book_with(bids: object, asks: object, **more: object) -> tuple[BookStore, int]:
    store = BookStore()
    book = store.add(keeps_text=True)
    store.snapshot(book, snapshot(bids, asks, **more), KEYS, 10)  # type: ignore[arg-type]
    return store, book


def test_snapshot_then_changes() -> None:
    store, book = book_with([(99, 1), (98, 2)], [(101, 3), (102, 4)])
    assert store.state(book) is BookState.LIVE
    store.delta(book, delta([(99, 0), (98.5, 7)], [(100.5, 1), (102, 0), (77777, 0)]), KEYS, 20)
    assert store.ladder(book, Side.BID, 9) == [(98.5, 7.0), (98.0, 2.0)]
    assert store.ladder(book, Side.ASK, 9) == [(100.5, 1.0), (101.0, 3.0)]


def test_unsorted_snapshot_with_a_price_twice_keeps_the_last() -> None:
    store, book = book_with([(98, 2), (99, 1), (98, 5)], [(102, 4), (101, 3)])
    assert store.ladder(book, Side.BID, 9) == [(99.0, 1.0), (98.0, 5.0)]
    assert store.ladder(book, Side.ASK, 9) == [(101.0, 3.0), (102.0, 4.0)]


def test_zero_sizes_in_a_snapshot_are_no_levels() -> None:
    store, book = book_with([(99, 0), (98, 2)], [(101, 1)])
    assert store.ladder(book, Side.BID, 9) == [(98.0, 2.0)]


def test_in_a_snapshot_too_the_last_word_on_a_price_counts() -> None:
    store, book = book_with([(99, 1), (99, 0), (98, 2)], [(101, 0), (101, 3)])
    assert store.ladder(book, Side.BID, 9) == [(98.0, 2.0)]
    assert store.ladder(book, Side.ASK, 9) == [(101.0, 3.0)]


def test_truncates_to_the_depth_of_the_subscription() -> None:
    store, book = book_with([(99, 1), (98, 2), (97, 3)], [(101, 1)], depth=2)
    assert store.ladder(book, Side.BID, 9) == [(99.0, 1.0), (98.0, 2.0)]
    store.delta(book, delta([(99.5, 4)], []), KEYS, 20)
    assert store.ladder(book, Side.BID, 9) == [(99.5, 4.0), (99.0, 1.0)]


def test_rest_snapshot_is_live_only_when_a_delta_has_joined_it() -> None:
    store, book = book_with([(99, 1)], [(101, 1)], live=False)
    assert store.state(book) is BookState.SYNCING
    store.delta(book, delta([], []), KEYS, 20)
    assert store.state(book) is BookState.LIVE


def test_crossed_and_uncrossed() -> None:
    store, book = book_with([(99, 1)], [(101, 1)])
    store.delta(book, delta([(101, 1)], []), KEYS, 20)
    assert store.state(book) is BookState.CROSSED
    store.delta(book, delta([(101, 0)], []), KEYS, 30)
    assert store.state(book) is BookState.LIVE


def test_best_replaces_the_top_until_the_depth_is_newer() -> None:
    store, book = book_with([(99, 1), (98, 2), (97, 3)], [(101, 1), (102, 2)], sequence=10)
    assert store.best(book, best("98", "0.5", "101.5", "9", 11), 20)
    assert store.ladder(book, Side.BID, 9) == [(98.0, 0.5), (97.0, 3.0)]
    assert store.ladder(book, Side.ASK, 9) == [(101.5, 9.0), (102.0, 2.0)]
    assert store.depth(book, Side.BID, 9) == [(99.0, 1.0), (98.0, 2.0), (97.0, 3.0)]
    store.delta(book, delta([(99, 0)], [], 11), KEYS, 30)
    assert store.ladder(book, Side.BID, 9) == [(98.0, 2.0), (97.0, 3.0)]


def test_best_older_than_the_depth_changes_nothing() -> None:
    store, book = book_with([(99, 1)], [(101, 1)], sequence=10)
    store.best(book, best("98", "1", "102", "1", 10), 20)
    assert store.ladder(book, Side.BID, 9) == [(99.0, 1.0)]
    store.best(book, best("98", "1", "102", "1", 12), 21)
    assert store.ladder(book, Side.BID, 9) == [(98.0, 1.0)]


def test_of_two_bests_that_contradict_each_other_neither_stands() -> None:
    store, book = book_with([(99, 1)], [(101, 1)], sequence=10)
    store.best(book, best("98", "1", "102", "1", 2**62), 20)
    assert store.best(book, best("97", "1", "102", "1", 11), 21)
    assert store.ladder(book, Side.BID, 9) == [(99.0, 1.0)]
    store.best(book, best("98.5", "1", "102", "1", 12), 22)
    assert store.ladder(book, Side.BID, 9) == [(98.5, 1.0)]


def test_depth_that_comes_well_after_a_best_and_is_older_takes_it_away() -> None:
    store, book = book_with([(99, 1)], [(101, 1)], sequence=10)
    store.best(book, best("98", "1", "102", "1", 2**62), 20)
    store.delta(book, delta([(97, 1)], [], 11), KEYS, 20 + L.LEAD)
    assert store.ladder(book, Side.BID, 9) == [(98.0, 1.0), (97.0, 1.0)]
    store.delta(book, delta([(97, 2)], [], 12), KEYS, 21 + L.LEAD)
    assert store.ladder(book, Side.BID, 9) == [(99.0, 1.0), (97.0, 2.0)]
    store.best(book, best("98", "3", "102", "1", 13), 22 + L.LEAD)
    assert store.ladder(book, Side.BID, 1) == [(98.0, 3.0)]


def test_depth_whose_ids_fall_takes_a_best_from_before_away_at_once() -> None:
    store, book = book_with([(99, 1)], [(101, 1)], sequence=1000)
    store.best(book, best("98", "1", "102", "1", 1005), 20)
    store.snapshot(book, snapshot([(99, 2)], [(101, 1)], 3), KEYS, 21)
    assert store.ladder(book, Side.BID, 9) == [(99.0, 2.0)]
    store.best(book, best("98", "3", "102", "1", 4), 22)
    assert store.ladder(book, Side.BID, 9) == [(98.0, 3.0)]


def test_best_that_crosses_the_book_does_not_outlive_its_bound() -> None:
    store, book = book_with([(99, 1)], [(101, 1)], sequence=10)
    store.best(book, best("103", "1", "102", "1", 2**62), 20)
    assert store.state(book) is BookState.CROSSED
    store.delta(book, delta([], [], 11), KEYS, 21 + L.LEAD)
    assert store.state(book) is BookState.LIVE


def test_a_book_that_is_emptied_forgets_its_best() -> None:
    store, book = book_with([(99, 1)], [(101, 1)], sequence=10)
    store.best(book, best("98", "1", "102", "1", 2**62), 20)
    store.clear(book, BookState.UNSYNCHRONISED)
    store.snapshot(book, snapshot([(99, 1)], [(101, 1)], 11), KEYS, 20)
    assert store.ladder(book, Side.BID, 9) == [(99.0, 1.0)]
    store.best(book, best("98", "1", "102", "1", 12), 21)
    assert store.ladder(book, Side.BID, 9) == [(98.0, 1.0)]


def test_the_proof_of_a_book_is_that_of_the_oldest_part_of_it() -> None:
    store, book = book_with([(99, 1)], [(101, 1)], sequence=10)
    store.best(book, best("98", "1", "102", "1", 12), 20)
    assert store.proven_at(book) == 10
    store.delta(book, delta([(97, 1)], [], 11), KEYS, 30)
    assert store.proven_at(book) == 20
    store.delta(book, delta([(97, 1)], [], 12), KEYS, 40)
    assert store.proven_at(book) == 40


def test_no_best_and_no_book_stands_beyond_the_greatest_age() -> None:
    store, book = book_with([(99, 1)], [(101, 1)], sequence=10)
    store.array(L.PARAM_INT)[L.MAX_AGE] = 100
    store.best(book, best("98", "1", "102", "1", 2**62), 20)
    store.delta(book, delta([(97, 1)], [], 11), KEYS, 70)
    store.grow_old(120)
    assert (store.state(book), store.ladder(book, Side.BID, 1)) == (BookState.LIVE, [(98.0, 1.0)])
    store.grow_old(121)
    assert (store.state(book), store.ladder(book, Side.BID, 1)) == (BookState.STALE, [(99.0, 1.0)])
    store.delta(book, delta([], [], 13), KEYS, 122)
    assert (store.state(book), store.proven_at(book)) == (BookState.LIVE, 122)


def test_best_with_an_empty_side_empties_it() -> None:
    store, book = book_with([(99, 1)], [(101, 1)], sequence=10)
    store.best(book, best("", "", "101", "1", 11), 20)
    assert store.ladder(book, Side.BID, 9) == []
    assert store.ladder(book, Side.ASK, 9) == [(101.0, 1.0)]


@pytest.mark.parametrize("value", ["NaN", "-1", "1e999", "x", "9" * 100, "\x1b[31m"])
def test_best_with_a_number_that_is_none(value: str) -> None:
    store, book = book_with([(99, 1)], [(101, 1)])
    with pytest.raises(BadLevels):
        store.best(book, best(value, "1", "101", "1", 11), 20)


def test_what_crossed_while_it_was_too_old_is_not_live_when_it_is_confirmed() -> None:
    store, book = book_with([(99, 1)], [(101, 3)])
    store.array(L.PARAM_INT)[L.MAX_AGE] = 50
    store.grow_old(100)
    assert store.state(book) is BookState.STALE
    store.best(book, best("105", "1", "104", "1", 2), 101)
    store.confirm(book, 110, 120)
    assert store.state(book) is BookState.CROSSED
    store.delta(book, delta([], [(110, 1), (101, 0)], 3, order=3), KEYS, 130)
    assert store.state(book) is BookState.LIVE


def test_grows_and_other_books_stay_as_they_are() -> None:
    store, other = book_with([(99, 1)], [(101, 1)])
    book = store.add()
    many = [(float(p), 1.0) for p in range(5000, 0, -1)]
    store.snapshot(book, snapshot(many, [(6000, 1)]), KEYS, 10)
    for price in range(5001, 5100):
        store.delta(book, delta([(price, 2)], []), KEYS, 20)
    assert store.ladder(book, Side.BID, 3) == [(5099.0, 2.0), (5098.0, 2.0), (5097.0, 2.0)]
    assert len(store.ladder(book, Side.BID, 10**6)) == 5099
    assert store.ladder(other, Side.BID, 9) == [(99.0, 1.0)]


def test_too_many_levels_are_refused_and_nothing_changes() -> None:
    store, book = book_with([(99, 1)], [(101, 1)])
    many = [(float(p), 1.0) for p in range(200_000, 0, -1)]
    with pytest.raises(BadLevels):
        store.delta(book, delta(many, []), KEYS, 20)
    assert store.ladder(book, Side.BID, 9) == [(99.0, 1.0)]


def test_numbers_a_double_cannot_hold_are_taken_all_the_same() -> None:
    store, book = book_with([("1e-7", "1234567890.12345678")], [("2.5E-7", "1")])
    assert store.ladder(book, Side.BID, 1) == [(1e-7, 1234567890.12345678)]
    assert store.ladder(book, Side.ASK, 1) == [(2.5e-7, 1.0)]


def test_kraken_checksum_of_its_documentation() -> None:
    asks = (
        "45285.2/0.00100000 45286.4/1.54571953 45286.6/1.54571109 45289.6/1.54560911 "
        "45290.2/0.15890660 45291.8/1.54553491 45294.7/0.04454749 45296.1/0.35380000 "
        "45297.5/0.09945542 45299.5/0.18772827"
    )
    bids = (
        "45283.5/0.10000000 45283.4/1.54582015 45282.1/0.10000000 45281.0/0.10000000 "
        "45280.3/1.54592586 45279.0/0.07990000 45277.6/0.03310103 45277.5/0.30000000 "
        "45277.3/1.54602737 45276.6/0.15445238"
    )
    ladders = [[tuple(pair.split("/")) for pair in side.split()] for side in (bids, asks)]
    store, book = book_with(*ladders)
    assert store.checksum(book, ChecksumRule.DIGITS_10) == 3310070434


def test_checksum_pads_to_the_precision_of_the_pair() -> None:
    store = BookStore()
    book = store.add(keeps_text=True, decimals=(1, 8))
    step = snapshot([("45283.5", "0.1")], [("45285", "1e-7")])
    store.snapshot(book, step, KEYS, 1)
    assert store.checksum(book, ChecksumRule.DIGITS_10) == zlib.crc32(b"4528501045283510000000")


def test_interleaved_checksum_with_a_longer_side() -> None:
    store, book = book_with(
        [("3366.1", "7"), ("3366", "6")], [("3366.8", "9"), ("3368", "8"), ("3369.00", "0.010")]
    )
    expected = zlib.crc32(b"3366.1:7:3366.8:9:3366:6:3368:8:3369.00:0.010")
    assert store.checksum(book, ChecksumRule.INTERLEAVED_25) == expected


def test_interleaved_checksum_vector() -> None:
    store, book = book_with([("3366.1", "7"), ("3366", "6")], [("3366.8", "9"), ("3368", "8")])
    assert store.checksum(book, ChecksumRule.INTERLEAVED_25) == -1881014294 & 0xFFFFFFFF


prices = st.integers(1, 60)
sizes = st.integers(0, 5)
rows = st.lists(st.tuples(prices, sizes), max_size=12)
messages = st.lists(st.tuples(st.booleans(), rows, rows), max_size=30)


@settings(max_examples=150)
@given(messages)
def test_equals_a_dict(
    events: list[tuple[bool, list[tuple[int, int]], list[tuple[int, int]]]],
) -> None:
    store = BookStore()
    book = store.add(keeps_text=True)
    truth: list[dict[float, float]] = [{}, {}]
    for number, (whole, bids, asks) in enumerate([(True, [], []), *events]):
        make = snapshot if whole else delta
        step = make(bids, asks, number)
        if whole:
            truth = [{}, {}]
            store.snapshot(book, step, KEYS, number)  # type: ignore[arg-type]
        else:
            store.delta(book, step, KEYS, number)  # type: ignore[arg-type]
        for held, levels in zip(truth, (bids, asks), strict=True):
            for price, size in levels:
                held.pop(float(price), None)
                if size:
                    held[float(price)] = float(size)
        assert store.ladder(book, Side.BID, 99) == sorted(truth[0].items(), reverse=True)
        assert store.ladder(book, Side.ASK, 99) == sorted(truth[1].items())
