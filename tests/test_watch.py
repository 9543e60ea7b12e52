"""Deadlines of one market, on a virtual clock."""

from __future__ import annotations

from scanner.types import BookState
from scanner.watch import Patience, Watch

SECOND = 1_000_000_000


def watch(**more: int) -> Watch:
    made = Watch(Patience(**{name: value * SECOND for name, value in more.items()}))
    made.asked(0)
    return made


def complaints(made: Watch, state: BookState, until: int, changed_at: int = 0) -> list[int]:
    """The seconds at which something is said, looking once a second."""
    return [s for s in range(until + 1) if made.complaint(state, changed_at, s * SECOND)]


def test_missing_acknowledgement_is_noticed_and_asked_again_with_growing_patience() -> None:
    assert complaints(watch(ack=10), BookState.SYNCING, 80) == [11, 32, 73]


def test_an_acknowledgement_is_no_evidence_of_data() -> None:
    made = watch(ack=10, data=30)
    made.acknowledged()
    assert complaints(made, BookState.SYNCING, 40) == [31]
    assert made.complaint(BookState.SYNCING, 0, 92 * SECOND) == "acknowledged, but no data"


def test_silence_of_a_live_book() -> None:
    made = watch(silence=30)
    made.acknowledged()
    made.proven(5 * SECOND)
    assert complaints(made, BookState.LIVE, 40, changed_at=5 * SECOND) == [36]


def test_patience_has_an_end_and_data_restores_it() -> None:
    made = watch(silence=30, longest=60)
    made.acknowledged()
    made.proven(0)
    assert complaints(made, BookState.STALE, 220) == [31, 92, 153, 214]
    made.proven(220 * SECOND)
    made.asked(220 * SECOND)
    assert not made.complaint(BookState.LIVE, 220 * SECOND, 250 * SECOND)
    assert made.complaint(BookState.LIVE, 220 * SECOND, 251 * SECOND) == "silent"


def test_a_book_that_stays_crossed() -> None:
    made = watch(crossed=2)
    made.proven(SECOND)
    made.crossed(10 * SECOND)
    made.crossed(11 * SECOND)
    assert not made.complaint(BookState.CROSSED, 0, 12 * SECOND)
    assert made.complaint(BookState.CROSSED, 0, 13 * SECOND) == "the book stays crossed"


def test_a_cross_that_ends_is_forgotten() -> None:
    made = watch(crossed=2)
    made.crossed(10 * SECOND)
    made.proven(11 * SECOND)
    made.crossed(20 * SECOND)
    assert not made.complaint(BookState.CROSSED, 0, 21 * SECOND)


def test_fresh_starts_keep_their_distance_and_none_is_forgotten() -> None:
    made = watch(resync=1, longest_resync=4, ack=100)
    granted = []
    for second in range(20):
        if made.may_resync(second * SECOND):
            granted.append(second)
    assert granted == [0, 1, 3, 7, 11, 15, 19]
    assert not made.may_resync(20 * SECOND)
    assert not made.complaint(BookState.UNSYNCHRONISED, 0, 22 * SECOND)
    assert made.complaint(BookState.UNSYNCHRONISED, 0, 23 * SECOND)


def test_a_fresh_start_that_helped_makes_the_next_one_quick_again() -> None:
    made = watch(resync=1, longest_resync=100, helped=10)
    for second in (0, 1, 3, 7):
        assert made.may_resync(second * SECOND)
    made.proven(8 * SECOND)
    made.proven(19 * SECOND)
    assert made.may_resync(20 * SECOND)
    assert made.may_resync(21 * SECOND)
