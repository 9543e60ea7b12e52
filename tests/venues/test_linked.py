"""Rules for chained streams with a best bid and offer beside them; resubscriptions."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scanner.venues.parts import SECOND, Allowance, Resubscriptions
from scanner.venues.sequence import Linked, Ranks, Verdict


def test_ranks_compare_books_and_best_by_id() -> None:
    ranks = Ranks()
    assert [ranks.book(5, 50), ranks.best(6, 51), ranks.book(7, 52)] == [5, 6, 7]


def test_a_message_is_older_only_if_neither_id_nor_time_is_above() -> None:
    ranks = Ranks()
    assert ranks.book(10, 100) == 10
    assert ranks.book(10, 100) == 10, "the same again does no harm"
    assert ranks.book(9, 100) is None
    assert ranks.book(10, 99) is None
    assert ranks.book(11, 99) == 11, "a clock may go back"


def test_ids_that_fall_while_time_rises_rank_above_all_before() -> None:
    ranks = Ranks()
    before = [ranks.book(1000, 100), ranks.best(1005, 101)]
    after = [ranks.book(3, 102), ranks.best(4, 103)]
    assert all(b is not None and a is not None and a > b for a in after for b in before)
    assert ranks.best(1006, 101) is None, "from before the restart"


def test_best_of_another_kind_of_id_has_no_rank() -> None:
    ranks = Ranks()
    assert ranks.book(1000, 50) == 1000
    assert ranks.best(None, 60) is None


def test_books_decide_the_kind_of_id() -> None:
    ranks = Ranks()
    early = ranks.best(None, 60)
    assert early == 60
    later = ranks.book(5, 61)
    assert later is not None and later > early


def test_ranks_stay_within_64_bits() -> None:
    ranks = Ranks()
    for sequence in (2**62, 1, 2**62, 1):
        rank = ranks.book(sequence, 10, proven=True)
        assert rank is not None and rank < 2**63


def test_forgotten_books_may_be_older() -> None:
    ranks = Ranks()
    ranks.book(10, 100)
    ranks.forget()
    rank = ranks.book(9, 90)
    assert rank is not None and rank > 10


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=30))
def test_ranks_of_books_never_fall(messages: list[tuple[int, int]]) -> None:
    ranks = Ranks()
    given = [rank for id_, time in messages if (rank := ranks.book(id_, time)) is not None]
    assert given == sorted(given)


def test_a_chain_takes_exactly_what_follows() -> None:
    linked = Linked()
    assert linked.delta(0, 1, 1) == (Verdict.GAP, None)
    assert linked.snapshot(-1, 10, 100) == 10
    assert linked.delta(10, 12, 101) == (Verdict.APPLY, 12)
    assert linked.delta(10, 12, 101) == (Verdict.SKIP, None)
    assert linked.delta(None, 13, 102) == (Verdict.GAP, None)
    assert linked.delta(13, 14, 103) == (Verdict.GAP, None)


def test_without_predecessors_only_what_is_older_is_skipped() -> None:
    linked = Linked()
    assert linked.snapshot(None, None, 100) == 100
    assert linked.delta(None, None, 101) == (Verdict.APPLY, 101)
    assert linked.delta(None, None, 100) == (Verdict.SKIP, None)


def test_a_predecessor_is_checked_wherever_it_is_named() -> None:
    linked = Linked()
    linked.snapshot(None, 10, 100)
    assert linked.delta(10, 12, 101) == (Verdict.APPLY, 12)
    assert linked.delta(13, None, 102) == (Verdict.GAP, None)
    assert linked.delta(14, 15, 102) == (Verdict.GAP, None)


def test_an_allowance_comes_back_with_time() -> None:
    allowance = Allowance(2, seconds=10)
    taken = [allowance.take(at * SECOND) for at in (0, 4, 9, 10, 11, 14)]
    assert taken == [True, True, False, True, False, True]


def test_a_resubscription_leaves_then_joins_and_is_one_at_a_time() -> None:
    parts = Resubscriptions()
    assert not parts.left("A"), "nothing was asked"
    assert parts.start("A", 0)
    assert not parts.start("A", 1)
    parts.done("A")
    assert not parts.start("A", 2), "that snapshot was under way before"
    assert parts.left("A")
    assert not parts.left("A")
    parts.done("A")
    assert parts.start("A", 5 * SECOND)


def test_a_resubscription_without_an_answer_is_tried_again() -> None:
    parts = Resubscriptions()
    parts.start("A", 0)
    assert parts.due(9 * SECOND) == ([], [])
    assert parts.due(11 * SECOND) == ([], [])
    assert parts.due(12 * SECOND) == ([], ["A"])
    assert parts.due(23 * SECOND) == ([], [])
    assert parts.due(25 * SECOND) == (["A"], [])


def test_resubscriptions_of_one_market_are_a_second_apart() -> None:
    parts = Resubscriptions()
    parts.start("A", 0)
    parts.left("A")
    parts.done("A")
    assert not parts.start("A", SECOND // 2)
    assert parts.due(2 * SECOND) == (["A"], [])
