"""The small parts, on a clock of their own."""

from __future__ import annotations

from itertools import chain

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.types import Market
from scanner.venues.parts import (
    MILLISECOND,
    SECOND,
    Allowance,
    Fetches,
    Int64,
    Known,
    Millis,
    Moment,
    Pulse,
    Requests,
    Resubscriptions,
    batched,
    decode,
    levels,
    nanoseconds,
)

AT = 1_790_000_000 * SECOND


def market(name: str) -> Market:
    return Market(venue="v", id=name, symbol=name, base=name, quote="USD", taker_fee=0.001)


# --- decoding -------------------------------------------------------------------------------------


class Row(msgspec.Struct):
    id: Int64 = 0
    time: Millis = 0
    levels: msgspec.Raw = msgspec.Raw(b"")


ROW = msgspec.json.Decoder(Row)


@pytest.mark.parametrize(
    "text",
    [
        b'{"id":9223372036854775808}',
        b'{"id":-9223372036854775809}',
        b'{"id":1.5}',
        b'{"id":1e400}',
        b'{"id":"1"}',
        b'{"time":-1}',
        b'{"time":9223372036855}',
    ],
)
def test_numbers_that_64_bits_do_not_hold_are_malformed(text: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        decode(ROW, text)


def test_the_largest_numbers_pass() -> None:
    row = decode(ROW, b'{"id":9223372036854775807,"time":9223372036854}')
    assert row == Row(2**63 - 1, 9_223_372_036_854)
    assert row.time * MILLISECOND < 2**63


@pytest.mark.parametrize("text", [b'"\xff"', b'{"levels":' + b"[" * 100_000, b"{", b""])
def test_decoding_raises_nothing_but_decode_errors(text: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(ROW, text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.000001Z", 1_000),
        ("2026-08-09T21:05:48.483587501Z", 1_786_309_548_483_588_000),
        ("2026-08-09T23:05:48+02:00", 1_786_309_548_000_000_000),
        ("0001-01-01T00:00:00Z", 0),
        ("9999-12-31T23:59:59Z", 2**63 - 1),
    ],
)
def test_times_of_a_venue(text: str, expected: int) -> None:
    assert nanoseconds(msgspec.convert(text, Moment)) == expected


@pytest.mark.parametrize("text", ["2026-08-09T21:05:48", "now", ""])
def test_times_without_a_zone_are_malformed(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(text, Moment)


@pytest.mark.parametrize(
    ("text", "expected"),
    [(b"null", b"[]"), (b"[]", b"[]"), (b'[["1.50","2"]]', b'[["1.50","2"]]')],
)
def test_level_lists_stay_as_they_are_and_null_is_an_empty_one(
    text: bytes, expected: bytes
) -> None:
    assert levels(msgspec.Raw(text)) == expected


# --- batches and markets --------------------------------------------------------------------------


@given(st.lists(st.integers()), st.integers(1, 9))
def test_batches_are_full_but_for_the_last(items: list[int], size: int) -> None:
    batches = list(batched(items, size))
    assert list(chain.from_iterable(batches)) == items
    assert all(len(batch) == size for batch in batches[:-1])
    assert all(1 <= len(batch) <= size for batch in batches)


def test_known_markets() -> None:
    known = Known([market("B"), market("A"), market("B")])
    assert known.ids == ("B", "A")
    assert "A" in known and "C" not in known


def test_without_markets_every_id_is_known_and_none_is_listed() -> None:
    assert "anything" in Known(None)
    assert Known(None).ids == ()
    assert "anything" not in Known([])


# --- periods --------------------------------------------------------------------------------------


def test_a_pulse_pings_in_its_period_and_when_it_is_quiet() -> None:
    pulse, pinged = Pulse(every=20, quiet=5, dead=12), []
    pulse.started(AT)
    for second in range(1, 60):
        at = AT + second * SECOND
        if second < 40:
            pulse.heard(at)
        if pulse.due(at):
            pinged.append(second)
    assert pinged == [20, 40, 45, 50, 55]


def test_a_pulse_is_lost_after_long_silence() -> None:
    pulse = Pulse(every=20, quiet=5, dead=12)
    assert not pulse.lost(AT)
    pulse.started(AT)
    pulse.heard(AT + SECOND)
    assert not pulse.lost(AT + 12 * SECOND)
    assert pulse.lost(AT + 13 * SECOND)
    pulse.heard(AT + 13 * SECOND)
    assert not pulse.lost(AT + 13 * SECOND)


# --- requests -------------------------------------------------------------------------------------


def test_requests_are_answered_once() -> None:
    requests = Requests()
    first, second = requests.new(["A", "B"]), requests.new(["C"])
    assert first != second
    assert requests.answered(str(second)) == ("C",)
    assert requests.answered(second) == ()
    assert requests.answered(first) == ("A", "B")


@pytest.mark.parametrize("number", [None, 99, "99", "x", "", "1.0", "٣٣", -1])
def test_an_unknown_number_answers_nothing(number: int | str | None) -> None:
    requests = Requests()
    requests.new(["A"])
    assert requests.answered(number) == ()


# --- fetches --------------------------------------------------------------------------------------


def test_one_request_in_flight_for_each_market() -> None:
    fetches = Fetches()
    assert fetches.start("A", AT)
    assert not fetches.start("A", AT + SECOND)
    assert fetches.start("B", AT)
    fetches.done("A")
    assert fetches.start("A", AT + SECOND)


def test_failures_are_retried_with_growing_patience() -> None:
    fetches, at, pauses = Fetches(), AT, []
    fetches.start("A", at)
    for _ in range(9):
        fetches.failed("A", at)
        assert not fetches.start("A", at)
        begun = at
        while not fetches.due(at):
            at += SECOND // 4
        pauses.append((at - begun) / SECOND)
    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    fetches.done("A")
    fetches.failed("A", at)
    assert fetches.due(at + SECOND // 2) == ["A"]


def test_no_answer_is_a_failure_after_ten_seconds() -> None:
    fetches = Fetches()
    fetches.start("A", AT)
    assert fetches.due(AT + 10 * SECOND) == []
    assert fetches.due(AT + 10 * SECOND + 1) == []
    assert fetches.due(AT + 11 * SECOND) == ["A"]
    assert not fetches.start("A", AT + 11 * SECOND)


def test_an_answer_that_comes_after_it_was_given_up_ends_the_retries() -> None:
    fetches = Fetches()
    fetches.start("A", AT)
    fetches.due(AT + 11 * SECOND)
    fetches.done("A")
    assert fetches.due(AT + 60 * SECOND) == []
    assert fetches.start("A", AT + 60 * SECOND)


@given(st.lists(st.tuples(st.sampled_from("sfd."), st.integers(0, 20)), max_size=40))
def test_never_two_requests_at_once_and_never_given_up(script: list[tuple[str, int]]) -> None:
    """s tart, f ailed, d one, . look: at most one is in flight, and what is wanted comes again."""
    fetches, at, inflight = Fetches(), AT, False
    for act, seconds in script:
        at += seconds * SECOND
        if act == "s":
            asked = fetches.start("A", at)
            assert not (asked and inflight)
            inflight = inflight or asked
        elif act == "." and fetches.due(at):
            inflight = True
        elif act in "fd" and inflight:
            fetches.failed("A", at) if act == "f" else fetches.done("A")
            inflight = False
    if not fetches.start("A", at):
        assert fetches.due(at + 41 * SECOND) or fetches.due(at + 82 * SECOND) == ["A"]


# --- subscriptions --------------------------------------------------------------------------------


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
