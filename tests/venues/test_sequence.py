"""The sequence rules: tables of what venues send, and properties that hold for any order."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from scanner.steps import Delta, Snapshot
from scanner.venues.sequence import (
    DOUBT,
    Bridge,
    Chained,
    Contiguous,
    Counter,
    Doubt,
    Newest,
    Ranks,
    Verdict,
    Waiting,
)

APPLY, SKIP, GAP = Verdict.APPLY, Verdict.SKIP, Verdict.GAP


def change(number: int) -> Delta:
    return Delta(market="M", sequence=number)


def whole(number: int) -> Snapshot:
    return Snapshot(market="M", sequence=number, live=False)


# --- chained --------------------------------------------------------------------------------------


def test_chained_follows_the_named_predecessor() -> None:
    rule = Chained()
    assert rule.snapshot(10) is APPLY
    assert [rule.delta(10, 15), rule.delta(15, 16)] == [APPLY, APPLY]


def test_chained_heartbeat_repeats_its_own_id() -> None:
    rule = Chained()
    rule.snapshot(10)
    assert [rule.delta(10, 10), rule.delta(10, 10), rule.delta(10, 11)] == [APPLY, APPLY, APPLY]


def test_chained_reset_to_a_smaller_id_while_the_chain_holds() -> None:
    rule = Chained()
    rule.snapshot(1000)
    assert [rule.delta(1000, 3), rule.delta(3, 5), rule.delta(1000, 1001)] == [APPLY, APPLY, GAP]


def test_chained_duplicate_is_skipped() -> None:
    rule = Chained()
    rule.snapshot(10)
    assert [rule.delta(10, 15), rule.delta(10, 15), rule.delta(15, 16)] == [APPLY, SKIP, APPLY]


def test_chained_gap_needs_a_snapshot() -> None:
    rule = Chained()
    assert rule.delta(1, 2) is GAP
    rule.snapshot(10)
    assert [rule.delta(11, 12), rule.delta(12, 13)] == [GAP, GAP]
    rule.snapshot(20)
    assert rule.delta(20, 21) is APPLY


# --- contiguous -----------------------------------------------------------------------------------


def test_contiguous_ranges() -> None:
    rule = Contiguous()
    assert rule.delta(1, 1, 0) is GAP
    rule.snapshot(10)
    assert [rule.delta(11, 11, 0), rule.delta(12, 15, 0), rule.delta(12, 15, 0)] == [
        APPLY,
        APPLY,
        SKIP,
    ]
    assert [rule.delta(9, 10, 0), rule.delta(16, 16, 0)] == [SKIP, APPLY]


def test_contiguous_gap_and_overlap_need_a_snapshot() -> None:
    rule = Contiguous()
    for first, last in ((12, 12), (10, 12)):
        rule.snapshot(10)
        assert [rule.delta(first, last, 0), rule.delta(last + 1, last + 1, 0)] == [GAP, GAP]


def test_contiguous_snapshot_may_start_the_ids_anew() -> None:
    rule = Contiguous()
    rule.snapshot(1000)
    assert rule.snapshot(1) is APPLY
    assert rule.delta(2, 2, 0) is APPLY


@given(st.permutations(range(11, 19)))
def test_contiguous_never_applies_out_of_order(order: list[int]) -> None:
    rule = Contiguous()
    rule.snapshot(10)
    applied = [number for number in order if rule.delta(number, number, 0) is APPLY]
    assert applied == list(range(11, 11 + len(applied)))


# --- counter --------------------------------------------------------------------------------------


def test_counter_starts_anywhere_and_counts_by_one() -> None:
    for first in (0, 1, 2**62):
        rule = Counter()
        assert [rule.next(first + i) for i in range(3)] == [APPLY] * 3


def test_counter_duplicate_is_skipped_and_any_other_number_is_a_gap() -> None:
    rule = Counter()
    assert [rule.next(n) for n in (5, 5, 6, 8, 9, 7, 8)] == [
        APPLY,
        SKIP,
        APPLY,
        GAP,
        APPLY,
        GAP,
        APPLY,
    ]


@given(st.lists(st.integers(0, 30), min_size=1))
def test_counter_accepts_exactly_the_unbroken_runs(numbers: list[int]) -> None:
    rule = Counter()
    verdicts = [rule.next(number) for number in numbers]
    assert verdicts[0] is APPLY
    for before, number, verdict in zip(numbers, numbers[1:], verdicts[1:], strict=False):
        assert (verdict is APPLY) == (number == before + 1)
        assert (verdict is SKIP) == (number == before)


# --- newest ---------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 20)))
def test_newest_never_moves_backwards(numbers: list[int]) -> None:
    rule = Newest()
    taken = [number for number in numbers if rule.snapshot(number, 0) is APPLY]
    assert taken == sorted(taken)
    assert max(taken, default=0) == max(numbers, default=0)


def test_newest_takes_the_same_id_again() -> None:
    rule = Newest()
    assert [rule.snapshot(n, 0) for n in (5, 5, 4, 6)] == [APPLY, APPLY, SKIP, APPLY]


# --- bridge ---------------------------------------------------------------------------------------


def numbers(steps: list[Snapshot | Delta] | None) -> list[int] | None:
    return None if steps is None else [step.sequence for step in steps]


def buffered(*ranges: tuple[int, int]) -> Bridge:
    bridge = Bridge()
    for first, last in ranges:
        assert bridge.delta(first, last, change(last), 0) is SKIP
    return bridge


def test_bridge_drops_what_the_snapshot_has_and_joins_the_first_that_covers_the_next_id() -> None:
    bridge = buffered((90, 95), (96, 100), (101, 105), (106, 106))
    steps = bridge.snapshot(102, whole(102))
    assert numbers(steps) == [102, 105, 106]
    assert steps is not None
    assert isinstance(steps[0], Snapshot) and not steps[0].live
    assert bridge.delta(107, 110, change(110), 0) is APPLY


def test_bridge_first_delta_starting_right_after_the_snapshot() -> None:
    assert numbers(buffered((101, 105)).snapshot(100, whole(100))) == [100, 105]


def test_bridge_snapshot_older_than_the_stream_is_asked_for_again() -> None:
    bridge = buffered((101, 105), (106, 110))
    assert bridge.snapshot(99, whole(99)) is None
    assert not bridge.synced
    assert numbers(bridge.snapshot(107, whole(107))) == [107, 110]
    assert bridge.synced


def test_bridge_snapshot_newer_than_all_that_waited_is_proven_by_the_next_delta() -> None:
    bridge = buffered((90, 95))
    assert numbers(bridge.snapshot(100, whole(100))) == [100]
    assert bridge.delta(96, 100, change(100), 0) is SKIP
    assert bridge.delta(98, 103, change(103), 0) is APPLY
    assert bridge.delta(104, 104, change(104), 0) is APPLY


def test_bridge_snapshot_that_the_next_delta_does_not_reach_is_a_gap() -> None:
    bridge = buffered()
    bridge.snapshot(100, whole(100))
    assert bridge.delta(102, 103, change(103), 0) is GAP
    assert not bridge.synced
    assert numbers(bridge.snapshot(102, whole(102))) == [102, 103], "the delta was kept"


def test_bridge_after_the_first_every_delta_starts_right_after_the_last() -> None:
    bridge = buffered((101, 105))
    bridge.snapshot(103, whole(103))
    assert bridge.delta(105, 107, change(107), 0) is GAP


def test_bridge_gap_among_what_waits_needs_a_newer_snapshot() -> None:
    bridge = buffered((101, 105), (107, 110))
    assert bridge.snapshot(103, whole(103)) is None
    assert numbers(bridge.snapshot(106, whole(106))) == [106, 110]


def test_bridge_duplicates_among_what_waits_are_not_applied_twice() -> None:
    bridge = buffered((101, 105), (106, 110), (101, 105), (111, 111))
    assert numbers(bridge.snapshot(100, whole(100))) == [100, 105, 110, 111]


def test_bridge_second_snapshot_does_not_move_the_book_backwards() -> None:
    bridge = buffered((101, 105))
    bridge.snapshot(100, whole(100))
    assert bridge.snapshot(103, whole(103)) == []
    assert bridge.delta(106, 106, change(106), 0) is APPLY


def test_bridge_duplicates_and_older_deltas_are_skipped() -> None:
    bridge = buffered((101, 105))
    bridge.snapshot(100, whole(100))
    assert bridge.delta(101, 105, change(105), 0) is SKIP
    assert bridge.delta(99, 100, change(100), 0) is SKIP
    assert bridge.delta(106, 106, change(106), 0) is APPLY


def test_bridge_restart_forgets_what_waited() -> None:
    bridge = buffered((101, 105))
    bridge.restart()
    assert numbers(bridge.snapshot(100, whole(100))) == [100]
    bridge.restart()
    assert not bridge.synced


def test_bridge_futures_name_their_predecessor_and_may_leave_ids_out() -> None:
    bridge = Bridge()
    for first, last, previous in ((90, 95, 88), (97, 103, 95), (110, 112, 103)):
        bridge.delta(first, last, change(last), 0, previous)
    assert numbers(bridge.snapshot(100, whole(100))) == [100, 103, 112]
    assert bridge.delta(120, 121, change(121), 0, 112) is APPLY
    assert bridge.delta(122, 123, change(123), 0, 120) is GAP


def test_bridge_futures_join_by_predecessor_alone() -> None:
    bridge = Bridge()
    bridge.delta(105, 109, change(109), 0, 100)
    assert numbers(bridge.snapshot(100, whole(100))) == [100, 109]


def test_bridge_futures_need_no_id_after_the_snapshot_itself() -> None:
    bridge = Bridge()
    bridge.delta(101, 109, change(109), 0, 99)
    assert bridge.snapshot(100, whole(100)) is None


def test_bridge_gives_up_the_oldest_when_too_much_waits() -> None:
    bridge = Bridge(room=10 * (Waiting.OVERHEAD + len(b"[][]")))
    for number in range(1, 11):
        bridge.delta(number, number, change(number), 0)
    assert not bridge.spilt
    for number in range(11, 16):
        bridge.delta(number, number, change(number), 0)
    assert bridge.spilt
    assert bridge.snapshot(4, whole(4)) is None
    assert numbers(bridge.snapshot(5, whole(5))) == [5, *range(6, 16)]


def test_what_waits_is_bounded_by_its_bytes() -> None:
    waiting = Waiting(100_000)
    for number in range(1000):
        delta = Delta(
            market="M", bids=b"b" * 20_000, asks=b"a" * 9_000, mixed=b"m", sequence=number
        )
        waiting.add(number, number, None, delta, 0)
        held = sum(len(entry[3].bids) + len(entry[3].asks) for entry in waiting)
        assert held <= 100_000
    assert [entry[0] for entry in waiting] == [997, 998, 999]
    waiting.clear()
    assert list(waiting) == [] and not waiting.spilt
    waiting.add(1, 1, None, change(1), 0)
    assert len(list(waiting)) == 1 and not waiting.spilt


def test_a_delta_larger_than_the_room_is_given_up_alone() -> None:
    bridge = Bridge(room=10_000)
    bridge.delta(1, 1, change(1), 0)
    bridge.delta(2, 2, Delta(market="M", bids=b"b" * 20_000, sequence=2), 0)
    bridge.delta(3, 3, change(3), 0)
    assert bridge.spilt
    assert bridge.snapshot(1, whole(1)) is None
    assert numbers(bridge.snapshot(2, whole(2))) == [2, 3]


@given(st.data())
def test_bridge_applies_every_id_once_and_in_order_or_says_so(data: st.DataObject) -> None:
    """Cut the ids 1..60 into deltas, lose, repeat and swap some, let the snapshot come anywhere:
    from a snapshot on, what is applied covers each id without a hole, until a gap is reported."""
    cuts = data.draw(st.lists(st.integers(1, 60), unique=True, min_size=1).map(sorted))
    bounds = [0, *cuts]
    events = [(first + 1, last) for first, last in pairwise(bounds)]
    for _ in range(data.draw(st.integers(0, 3))):
        place = data.draw(st.integers(0, len(events) - 1))
        match data.draw(st.sampled_from(["lose", "repeat", "swap"])):
            case "lose" if len(events) > 1:
                events.pop(place)
            case "repeat":
                events.insert(data.draw(st.integers(place, len(events))), events[place])
            case "swap" if place:
                events[place - 1 : place + 1] = events[place], events[place - 1]
    snapshots = data.draw(st.dictionaries(st.integers(0, len(events)), st.integers(0, 60)))
    bridge = Bridge(room=data.draw(st.integers(0, 8)) * Waiting.OVERHEAD)
    reached = None
    ranges = {last: first for first, last in events}

    def applied(step: Snapshot | Delta) -> None:
        nonlocal reached
        if isinstance(step, Snapshot):
            reached = step.sequence
            return
        assert reached is not None
        assert ranges[step.sequence] <= reached + 1 <= step.sequence
        reached = step.sequence

    for place in range(len(events) + 1):
        if place in snapshots:
            number = snapshots[place]
            for step in bridge.snapshot(number, whole(number)) or ():
                applied(step)
        if place < len(events):
            first, last = events[place]
            verdict = bridge.delta(first, last, change(last), 0)
            if verdict is APPLY:
                applied(change(last))
            elif verdict is GAP:
                reached = None
        assert bridge.synced == (reached is not None)


# --- ranks ----------------------------------------------------------------------------------------


def test_ranks_follow_the_ids_of_both_channels() -> None:
    ranks = Ranks()
    assert ranks.book(100, 1000, 0) == 100
    assert ranks.best(103, 1001, 0) == 103
    assert ranks.book(102, 1002, 0) == 102


def test_ranks_of_older_messages_are_none_and_the_same_message_again_is_not_older() -> None:
    ranks = Ranks()
    ranks.book(100, 1000, 0)
    messages = [(100, 1000), (99, 1000), (100, 999)]
    assert [ranks.book(*message, 0) for message in messages] == [100, None, None]
    ranks.best(100, 1000, 0)
    assert ranks.best(99, 999, 0) is None


def test_ranks_fall_with_ids_that_start_anew_and_nothing_from_before_has_one() -> None:
    ranks = Ranks()
    ranks.book(100, 1000, 0)
    ranks.best(120, 1005, 0)
    assert ranks.book(5, 2000, 0) == 5
    assert ranks.best(121, 1900, 0) is None, "it was sent before the ids began anew"
    assert ranks.best(6, 2001, 0) == 6
    assert ranks.book(7, 2002, 0) == 7


def test_ranks_of_a_chain_need_no_later_time() -> None:
    ranks = Ranks()
    ranks.book(100, 1000, 0)
    assert ranks.book(3, 1000, 0) is None
    assert ranks.book(3, 1000, 0, proven=True) == 3


def test_ranks_by_time_where_there_are_no_ids() -> None:
    ranks = Ranks()
    assert [ranks.book(None, 1000, 0), ranks.best(None, 1001, 0)] == [1000, 1001]
    assert ranks.best(7, 1002, 0) is None, "an id does not compare with times"


def test_ranks_after_a_fresh_book_was_asked_for() -> None:
    ranks = Ranks()
    ranks.book(100, 1000, 0)
    ranks.forget()
    assert ranks.book(90, 900, 0) == 90


def test_ranks_do_not_refuse_a_channel_for_good_after_one_huge_id_and_time() -> None:
    ranks = Ranks()
    ranks.book(2**62, 10**12, 0)
    ranks.best(2**62, 10**12, 0)
    for at in (0, DOUBT):
        assert ranks.book(5, 2000, at) is None
        assert ranks.best(6, 2000, at) is None
    assert [ranks.book(7, 2001, DOUBT + 1), ranks.best(8, 2001, DOUBT + 1)] == [7, 8]
    assert [ranks.book(9, 2002, DOUBT + 1), ranks.best(9, 2002, DOUBT + 1)] == [9, 9]


def test_ranks_of_a_best_survive_a_book_dated_in_the_future() -> None:
    ranks = Ranks()
    ranks.book(100, 1000, 0)
    ranks.book(5, 10**12, 0)
    assert ranks.best(6, 2000, 0) is None
    assert ranks.best(7, 2001, DOUBT + 1) == 7
    assert ranks.best(8, 2002, DOUBT + 1) == 8


# --- doubt ----------------------------------------------------------------------------------------


def test_doubt_ends_with_anything_newer() -> None:
    doubt = Doubt()
    assert not doubt.grows(0)
    doubt.ends()
    assert not doubt.grows(2 * DOUBT)
    assert not doubt.grows(3 * DOUBT)
    assert doubt.grows(3 * DOUBT + 1)
    assert not doubt.grows(3 * DOUBT + 2), "it begins again"


def test_newest_takes_what_is_older_once_nothing_else_has_come_for_long() -> None:
    rule = Newest()
    numbers = [(2**62, 0), (5, 0), (6, DOUBT), (7, DOUBT + 1), (8, DOUBT + 2), (7, DOUBT + 3)]
    verdicts = [rule.snapshot(number, at) for number, at in numbers]
    assert verdicts == [APPLY, SKIP, SKIP, APPLY, APPLY, SKIP]


def test_contiguous_ids_that_have_fallen_are_a_gap_in_the_end() -> None:
    rule = Contiguous()
    rule.snapshot(10)
    assert rule.delta(11, 2**62, 0) is APPLY
    assert [rule.delta(12, 12, 0), rule.delta(13, 13, DOUBT)] == [SKIP, SKIP]
    assert [rule.delta(14, 14, DOUBT + 1), rule.delta(15, 15, DOUBT + 1)] == [GAP, GAP]


def test_contiguous_repeats_of_the_last_id_are_no_reason_to_doubt() -> None:
    rule = Contiguous()
    rule.snapshot(10)
    assert [rule.delta(10, 10, at) for at in (0, 9 * DOUBT, 99 * DOUBT)] == [SKIP] * 3
    assert rule.delta(11, 11, 99 * DOUBT) is APPLY


def test_bridge_ids_that_have_fallen_are_a_gap_in_the_end() -> None:
    bridge = buffered((101, 2**62))
    bridge.snapshot(100, whole(100))
    assert bridge.delta(102, 103, change(103), 0) is SKIP
    assert bridge.delta(104, 105, change(105), DOUBT) is SKIP
    assert bridge.delta(106, 107, change(107), DOUBT + 1) is GAP
    assert numbers(bridge.snapshot(106, whole(106))) == [106, 107]


def test_bridge_does_not_doubt_a_snapshot_that_is_ahead_of_a_slow_stream() -> None:
    bridge = buffered((90, 95))
    bridge.snapshot(100, whole(100))
    assert [bridge.delta(96, 97, change(97), 0), bridge.delta(98, 99, change(99), 9 * DOUBT)] == [
        SKIP,
        SKIP,
    ]
    assert bridge.delta(100, 101, change(101), 9 * DOUBT) is APPLY
