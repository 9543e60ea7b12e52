"""The simulated book: integers inside, text outside, a log of changes behind."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.lab.book import ASK, BID, Change, LabBook, Window, decimal_text, merged
from tests.lab.clients import lab_market


@pytest.fixture
def book() -> LabBook:
    return new_book()


def new_book(sequence: int = 0) -> LabBook:
    market = lab_market(
        "BTC-EUR", quote="EUR", price_decimals=1, size_decimals=3, min_amount="0.001"
    )
    return LabBook(market, sequence=sequence)


@pytest.mark.parametrize(
    ("units", "decimals", "text"),
    [(120, 2, "1.20"), (5, 8, "0.00000005"), (7, 0, "7"), (0, 3, "0.000"), (-15, 1, "-1.5")],
)
def test_decimal_text_keeps_every_decimal(units: int, decimals: int, text: str) -> None:
    assert decimal_text(units, decimals) == text


def test_levels_are_text_best_first(book: LabBook) -> None:
    for ticks, lots in ((900_000, 1500), (900_010, 20), (899_995, 7)):
        book.set(BID, ticks, lots, at=1)
    for ticks, lots in ((900_020, 3), (900_011, 40)):
        book.set(ASK, ticks, lots, at=2)
    assert book.levels(BID, 2) == [("90001.0", "0.020"), ("90000.0", "1.500")]
    assert book.levels(ASK, 9) == [("90001.1", "0.040"), ("90002.0", "0.003")]
    assert book.best() == (("90001.0", "0.020"), ("90001.1", "0.040"))
    assert book.passed(BID, 899_999) == [900_010, 900_000]
    assert book.passed(ASK, 900_020) == [900_011]


def test_an_empty_side_has_no_best(book: LabBook) -> None:
    assert book.best() == (None, None)


def test_every_changed_row_is_one_sequence_number(book: LabBook) -> None:
    book.set(BID, 10, 5, at=1)
    book.set(BID, 10, 5, at=2)
    assert (book.sequence, book.changed_at) == (1, 1), "the same size is no change"
    book.set(BID, 10, 0, at=3)
    book.set(BID, 10, 0, at=4)
    assert (book.sequence, book.changed_at) == (2, 3)
    assert book.changes_since(0) == [
        Change(1, BID, "1.0", "0.005", 1),
        Change(2, BID, "1.0", "0", 3),
    ]
    assert book.changes_since(1) == [Change(2, BID, "1.0", "0", 3)]
    assert book.changes_since(2) == []


def test_what_is_forgotten_is_not_invented(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanner.lab.book.REMEMBERED_CHANGES", 3)
    book = new_book(sequence=100)
    for lots in range(1, 6):
        book.set(ASK, 10, lots, at=lots)
    assert book.changes_since(101) is None
    known = book.changes_since(102)
    assert known is not None and [change.sequence for change in known] == [103, 104, 105]
    assert book.changes_since(99) is None


def test_a_range_begins_too_late_where_its_changes_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("scanner.lab.book.REMEMBERED_CHANGES", 3)
    book = new_book(sequence=100)
    for lots in range(1, 6):
        book.set(ASK, 10, lots, at=lots)
    first, changes = book.range_since(102)
    assert (first, [change.sequence for change in changes]) == (103, [103, 104, 105])
    assert book.range_since(101) == (105, [])
    assert book.range_since(105) == (106, [])


def test_merged_changes_keep_the_last_size_of_each_price(book: LabBook) -> None:
    for ticks, lots in ((10, 5), (11, 6), (10, 0), (11, 9)):
        book.set(BID, ticks, lots, at=0)
    assert merged(book.changes_since(0) or ()) == ([("1.0", "0"), ("1.1", "0.009")], [])


def test_a_window_deletes_what_is_pushed_out_and_shows_what_comes_back(book: LabBook) -> None:
    book.set(BID, 10, 1, at=0)
    book.set(BID, 9, 2, at=0)
    book.set(BID, 8, 3, at=0)
    window = Window(book, depth=2)
    assert window.snapshot() == ([("1.0", "0.001"), ("0.9", "0.002")], [])
    book.set(BID, 8, 4, at=1)
    assert window.changes() == ([], []), "nothing in the window changed"
    book.set(BID, 11, 5, at=2)
    assert window.changes() == ([("0.9", "0"), ("1.1", "0.005")], [])
    book.set(BID, 11, 0, at=3)
    assert window.changes() == ([("1.1", "0"), ("0.9", "0.002")], [])
    assert window.changes() == ([], [])


@given(st.integers(0, 2**32), st.integers(1, 8))
def test_a_client_that_applies_what_it_is_told_has_the_book(seed: int, depth: int) -> None:
    random, book = Random(seed), new_book()
    window = Window(book, depth)
    shown = tuple(dict(rows) for rows in window.snapshot())
    told: tuple[dict[str, str], dict[str, str]] = ({}, {})
    last = 0
    for step in range(60):
        book.set(random.randrange(2), random.randrange(1, 15), random.randrange(3), at=step)
        if random.random() < 0.4:
            changes, last = book.changes_since(last), book.sequence
            assert changes is not None
            for state, rows in zip(
                (*told, *shown), (*merged(changes), *window.changes()), strict=True
            ):
                state.update(rows)
                for price in [price for price, size in state.items() if size == "0"]:
                    del state[price]
            for side in (BID, ASK):
                assert told[side] == dict(book.levels(side))
                assert shown[side] == dict(book.levels(side, depth))
