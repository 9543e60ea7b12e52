"""What is known of a book whose snapshot shows only its best levels."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.steps import Delta, Snapshot
from scanner.venues.horizon import Horizon, ShallowBridge, merged

Levels = list[tuple[str, ...]]


def text(levels: Levels) -> bytes:
    return msgspec.json.encode(levels)


def snapshot(bids: Levels, asks: Levels, sequence: int = 10) -> Snapshot:
    return Snapshot(
        market="M", bids=text(bids), asks=text(asks), sequence=sequence, order=5, live=False
    )


def delta(bids: Levels, asks: Levels, sequence: int = 11, after: int = 0) -> Delta:
    return Delta(
        market="M",
        bids=text(bids),
        asks=text(asks),
        sequence=sequence,
        order=sequence,
        rows_after=after,
    )


THREE = snapshot(
    [("100", "1"), ("99", "1"), ("96", "1")], [("101", "1"), ("102", "1"), ("105", "1")]
)


def horizon(limit: int = 3) -> Horizon:
    made = Horizon(limit)
    made.shown(THREE)
    return made


def test_rows_beyond_the_last_level_shown_are_left_out() -> None:
    change = delta([("96", "2"), ("95.9", "7"), ("100", "0")], [("105", "0"), ("105.1", "7")])
    near = horizon().within(change)
    assert near.bids == b'[["96","2"],["100","0"]]'
    assert near.asks == b'[["105","0"]]'
    assert near.sequence == 11


def test_a_change_within_is_passed_on_as_it_is() -> None:
    change = delta([("97", "2")], [("104", "1", "11")])
    assert horizon().within(change) is change


@pytest.mark.parametrize("limit", [2, 4, 100])
def test_a_side_that_was_not_cut_has_no_horizon(limit: int) -> None:
    change = delta([("1", "2")], [("10000", "1")])
    near = horizon(limit)
    assert near.within(change) is change
    assert not near.worn


def test_without_a_snapshot_everything_is_known() -> None:
    change = delta([("1", "2")], [("10000", "1")])
    assert Horizon(3).within(change) is change


@pytest.mark.parametrize(
    ("bids", "asks", "worn"),
    [
        ([], [("98.1", "1")], False),
        ([], [("98", "1")], True),
        ([], [("97", "0")], False),
        ([], [("0", "0")], False),
        ([("102.9", "1")], [], False),
        ([("103", "1")], [], True),
        ([("104", "0")], [], False),
        ([("97", "1")], [("104", "1")], False),
    ],
)
def test_it_is_worn_when_the_price_has_moved_through_half_of_it(
    bids: Levels, asks: Levels, worn: bool
) -> None:
    known = horizon()
    known.within(delta(bids, asks))
    assert known.worn is worn
    known.shown(THREE)
    assert not known.worn


@pytest.mark.parametrize("bad", [b"null", b'[["1"]]', b"[[1,2]]", b'[["x","1"]]', b"[["])
def test_lists_of_another_form_are_passed_on_for_the_book_to_refuse(bad: bytes) -> None:
    change = Delta(market="M", bids=bad)
    assert horizon().within(change) is change
    known = horizon()
    known.shown(Snapshot(market="M", bids=bad))
    assert known.within(delta([("1", "1")], [])).bids == b'[["1","1"]]'


def test_a_snapshot_and_the_changes_since_become_one_step() -> None:
    changes = [
        delta([("99", "9", "10"), ("98", "2", "11"), ("100", "0", "12")], [], 12, after=10),
        delta([("0", "0", "13")], [("101.0", "0", "14"), ("101.5", "4", "15")], 15),
    ]
    assert merged(THREE, changes) == Snapshot(
        market="M",
        bids=b'[["99","1"],["98","2"],["96","1"]]',
        asks=b'[["101.5","4"],["102","1"],["105","1"]]',
        sequence=15,
        order=15,
    )


def test_without_changes_it_is_the_snapshot() -> None:
    assert merged(THREE, []) == msgspec.structs.replace(THREE, live=True)


@pytest.mark.parametrize("bad", [b'[["1","x","2"]]', b'[["1","1","x"]]', b'[["1"]]', b"[[1,1]]"])
def test_changes_that_are_none_cannot_be_merged(bad: bytes) -> None:
    change = Delta(market="M", asks=bad, rows_after=1)
    with pytest.raises(msgspec.ValidationError):
        merged(THREE, [change])


PRICES = [f"{90 + tenth / 10:.1f}" for tenth in range(200)]
rows = st.lists(st.tuples(st.sampled_from(PRICES), st.sampled_from(["0", "1", "2.5"])), max_size=6)


@given(st.lists(st.tuples(rows, rows), max_size=8))
def test_merging_equals_applying_one_after_the_other(changes: list[tuple[Levels, Levels]]) -> None:
    deltas = [delta(bids, asks, number) for number, (bids, asks) in enumerate(changes, 11)]
    expected = [{100.0: 1.0, 99.0: 1.0, 96.0: 1.0}, {101.0: 1.0, 102.0: 1.0, 105.0: 1.0}]
    for both in changes:
        for side, levels in zip(expected, both, strict=True):
            for price, size in levels:
                side[float(price)] = float(size)
    result = merged(THREE, deltas)
    for raw, side, falling in zip((result.bids, result.asks), expected, (True, False), strict=True):
        levels = [(float(price), float(size)) for price, size in msgspec.json.decode(raw)]
        standing = [(price, size) for price, size in side.items() if size]
        assert levels == sorted(standing, reverse=falling)


def test_a_renewed_book_is_as_old_as_the_last_change_that_is_in_it() -> None:
    bridge = ShallowBridge(3)
    bridge.delta(11, 11, delta([], [], 11), at=1)
    assert len(bridge.snapshot(10, THREE) or ()) == 2
    bridge.renew()
    bridge.delta(12, 12, delta([("99", "2")], [], 12), at=2)
    bridge.delta(13, 13, delta([("99", "3")], [], 13), at=3)
    (renewed,) = bridge.snapshot(12, THREE) or ()
    assert isinstance(renewed, Snapshot)
    assert (renewed.live, renewed.sequence, renewed.received_at) == (True, 13, 3)
