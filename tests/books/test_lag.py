"""What came late is as old as it is."""

from __future__ import annotations

import pytest

from scanner.books.lag import USUAL, WINDOW
from scanner.books.store import BookStore, Keys
from scanner.steps import Snapshot
from scanner.types import BookState, LevelLayout

MS = 1_000_000
BEGIN = 1_760_000_000_000 * MS
KEYS = Keys.of(LevelLayout())
WAY = 40 * MS
AHEAD = 7_000 * MS


class Book:
    """One book of a venue whose clock is ``AHEAD`` of ours."""

    def __init__(self) -> None:
        self.store = BookStore()
        self.book = self.store.add()

    def proven_at(self, came_at: int, sent_at: int) -> int:
        """When the book counts as proven, after a message sent then (true time) has come."""
        told = sent_at + AHEAD if sent_at else 0
        step = Snapshot(market="A", bids=b'[["1","1"]]', asks=b'[["2","1"]]', sent_at=told)
        self.store.snapshot(self.book, step, KEYS, came_at)
        return self.store.proven_at(self.book)


def test_the_offset_of_the_clocks_and_the_way_are_no_lag() -> None:
    book = Book()
    for at in range(BEGIN, BEGIN + 2_000 * MS, 100 * MS):
        assert book.proven_at(at, at - WAY) == at
    assert book.proven_at(at, at - WAY - USUAL) == at


@pytest.mark.parametrize("late", [300 * MS, 2_000 * MS, 90_000 * MS])
def test_what_has_waited_is_as_old_as_it_is(late: int) -> None:
    book = Book()
    book.proven_at(BEGIN, BEGIN - WAY)
    at = BEGIN + late + 1_000 * MS
    assert book.proven_at(at, at - WAY - late) == at - late
    assert book.proven_at(at + MS, at + MS - WAY - late // 2) in {at + MS - late // 2, at + MS}
    assert book.proven_at(at + 2 * MS, at + 2 * MS - WAY) == at + 2 * MS


def test_the_same_again_is_new_while_messages_come_promptly() -> None:
    book = Book()
    book.proven_at(BEGIN, BEGIN - WAY)
    for at in range(BEGIN + 200 * MS, BEGIN + 5_000 * MS, 200 * MS):
        assert book.proven_at(at, BEGIN - WAY) == at
    assert book.proven_at(at + 5 * MS, BEGIN - WAY) == at  # it may have come together with the last


def test_the_same_again_after_a_pause_may_have_waited() -> None:
    book = Book()
    book.proven_at(BEGIN, BEGIN - WAY)
    for at in (BEGIN + 9_000 * MS, BEGIN + 9_100 * MS):
        assert book.proven_at(at, BEGIN - WAY) == BEGIN
    at = BEGIN + 9_200 * MS
    assert book.proven_at(at, at - WAY) == at


def test_a_book_that_was_lost_keeps_its_offset_and_a_new_connection_finds_its_own() -> None:
    book = Book()
    book.proven_at(BEGIN, BEGIN - WAY)
    at = BEGIN + 9_000 * MS
    book.store.clear(book.book, BookState.UNSYNCHRONISED)
    assert book.proven_at(at, BEGIN + 2_000 * MS - WAY) == BEGIN + 2_000 * MS
    book.store.clear(book.book, BookState.EMPTY)
    assert book.proven_at(at, BEGIN + 2_000 * MS - WAY) == at


def test_what_bears_no_time_is_taken_as_new() -> None:
    book = Book()
    book.proven_at(BEGIN, BEGIN - WAY)
    assert book.proven_at(BEGIN + 9_000 * MS, 0) == BEGIN + 9_000 * MS


def test_a_new_offset_is_believed_after_two_windows() -> None:
    book = Book()
    book.proven_at(BEGIN, BEGIN - WAY)
    set_by = 5_000 * MS
    at = BEGIN + MS
    assert book.proven_at(at, at - WAY - set_by) == at - set_by
    for at in range(BEGIN, BEGIN + 2 * WINDOW + 3_000 * MS, 1_000 * MS):
        proven = book.proven_at(at, at - WAY - set_by)
    assert proven == at
