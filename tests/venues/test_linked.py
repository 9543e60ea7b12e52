"""Chained streams with a best bid and offer beside them: their rules, and what mends them."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from scanner.steps import Best, Delta, Refused, Reset, Send, Snapshot
from scanner.venues.linked import NO_LEVEL, Level, Linked, LinkedBooks
from scanner.venues.parts import SECOND
from scanner.venues.sequence import Ranks, Verdict


def test_ranks_compare_books_and_best_by_id() -> None:
    ranks = Ranks()
    assert [ranks.book(5, 50, 0), ranks.best(6, 51, 0), ranks.book(7, 52, 0)] == [5, 6, 7]


def test_a_message_is_older_only_if_neither_id_nor_time_is_above() -> None:
    ranks = Ranks()
    assert ranks.book(10, 100, 0) == 10
    assert ranks.book(10, 100, 0) == 10, "the same again does no harm"
    assert ranks.book(9, 100, 0) is None
    assert ranks.book(10, 99, 0) is None
    assert ranks.book(11, 99, 0) == 11, "a clock may go back"


def test_best_of_another_kind_of_id_has_no_rank() -> None:
    ranks = Ranks()
    assert ranks.book(1000, 50, 0) == 1000
    assert ranks.best(None, 60, 0) is None


def test_books_decide_the_kind_of_id() -> None:
    ranks = Ranks()
    assert ranks.best(None, 60, 0) == 60
    assert ranks.book(5, 61, 0) == 5
    assert ranks.best(None, 62, 0) is None
    assert ranks.best(6, 62, 0) == 6


def test_forgotten_books_may_be_older() -> None:
    ranks = Ranks()
    ranks.book(10, 100, 0)
    ranks.forget()
    assert ranks.book(9, 90, 0) == 9


def test_a_chain_takes_exactly_what_follows() -> None:
    linked = Linked()
    assert linked.delta(0, 1, 1, 0) == (Verdict.GAP, None)
    assert linked.snapshot(-1, 10, 100, 0) == 10
    assert linked.delta(10, 12, 101, 0) == (Verdict.APPLY, 12)
    assert linked.delta(10, 12, 101, 0) == (Verdict.SKIP, None)
    assert linked.delta(None, 13, 102, 0) == (Verdict.GAP, None)
    assert linked.delta(13, 14, 103, 0) == (Verdict.GAP, None)


def test_without_predecessors_only_what_is_older_is_skipped_in_a_recording() -> None:
    linked = Linked(recorded=True)
    assert linked.snapshot(None, None, 100, 0) == 100
    assert linked.delta(None, None, 101, 0) == (Verdict.APPLY, 101)
    assert linked.delta(None, None, 100, 0) == (Verdict.SKIP, None)


def test_on_a_live_connection_what_names_no_predecessor_proves_nothing() -> None:
    linked = Linked()
    assert linked.snapshot(None, None, 100, 0) == 100
    assert linked.delta(None, None, 101, 0) == (Verdict.GAP, None)
    assert linked.snapshot(None, 10, 102, 0) == 10
    assert linked.delta(None, 11, 103, 0) == (Verdict.GAP, None)


def test_a_predecessor_is_checked_wherever_it_is_named() -> None:
    linked = Linked()
    linked.snapshot(None, 10, 100, 0)
    assert linked.delta(10, 12, 101, 0) == (Verdict.APPLY, 12)
    assert linked.delta(13, None, 102, 0) == (Verdict.GAP, None)
    assert linked.delta(14, 15, 102, 0) == (Verdict.GAP, None)


class Message(Struct, kw_only=True):
    """What a venue sends, as its own file would decode it: a book, or a best bid and offer."""

    time: int
    sequence: int | None
    previous: int | None = None
    checksum: int | None = None

    def sides(self) -> tuple[bytes, bytes]:
        return b"[1]", b"[2]"

    def best(self) -> tuple[Level, Level]:
        return Level("10", "3"), NO_LEVEL


def ask(verb: str, markets: Sequence[str], at: int) -> Send:
    return Send(f"{verb} {' '.join(markets)}")


def standing() -> LinkedBooks:
    """The book of A stands at id 10."""
    books = LinkedBooks(ask)
    assert list(books.whole("A", Message(time=100, sequence=10, previous=-1, checksum=7), 0)) == [
        Snapshot(
            market="A",
            bids=b"[1]",
            asks=b"[2]",
            sequence=10,
            order=10,
            sent_at=100_000_000,
            checksum=7,
        )
    ]
    return books


def test_books_and_their_best_become_steps() -> None:
    books = standing()
    update = Message(time=101, sequence=12, previous=10, checksum=0)
    assert list(books.update("A", update, 0)) == [
        Delta(market="A", bids=b"[1]", asks=b"[2]", sequence=12, order=12, sent_at=101_000_000)
    ]
    assert list(books.update("A", update, 0)) == []
    touch = Message(time=102, sequence=13)
    assert list(books.best("A", touch, 0)) == [
        Best(
            market="A",
            bid_price="10",
            bid_size="3",
            ask_price="",
            ask_size="",
            order=13,
            sent_at=102_000_000,
        )
    ]
    assert list(books.best("A", Message(time=99, sequence=9), 0)) == []


def test_a_broken_chain_is_mended_by_leaving_and_joining() -> None:
    books = standing()
    broken = Message(time=101, sequence=13, previous=12)
    reset, leave = books.update("A", broken, 0)
    assert reset == Reset("A", "an update after id 12 follows nothing that was seen")
    assert leave == Send("unsubscribe A")
    assert list(books.update("A", broken, 1)) == [], "one request is under way"
    assert list(books.left("B", 2)) == []
    assert list(books.left("A", 2)) == [Send("subscribe A")]
    assert list(books.left("A", 3)) == []
    assert len(books.whole("A", Message(time=90, sequence=3, previous=-1), 0)) == 1


def test_requests_without_an_answer_are_made_again() -> None:
    books = standing()
    assert list(books.renew("A", 0)) == [Send("unsubscribe A")]
    assert books.due(11 * SECOND) == []
    assert books.due(12 * SECOND) == [Send("subscribe A")]
    books.later(["A"], 12 * SECOND)
    assert books.due(14 * SECOND) == [Send("unsubscribe A")]


def test_a_refusal_of_the_leaving_leads_to_joining_and_one_of_the_joining_is_told() -> None:
    books = standing()
    books.renew("A", 0)
    assert list(books.refused("A", "no", 1)) == [Send("subscribe A")]
    assert list(books.refused("A", "no", 2)) == [Refused("A", "no")]
