"""One channel's queue on a virtual clock: order, retries, backoff, expiry."""

from __future__ import annotations

from random import Random

import pytest

from scanner.events import Alert
from scanner.sinks.alerts.channel import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    MOST_WAITING,
    ChannelQueue,
    Outcome,
    Patience,
)
from tests.sinks.alerts.samples import SECOND, START

PATIENCE = Patience(attempts=3, expire=600 * SECOND, deadline=30 * SECOND)


def alert(number: int, at: int = START) -> Alert:
    return Alert(id=f"a{number}", rule="r", channel="phone", at=at)


def queue() -> ChannelQueue:
    return ChannelQueue("phone", PATIENCE, Random(1))


def attempt(
    one: ChannelQueue, at: int, outcome: Outcome, error: str = "it is down"
) -> Alert | None:
    """Try the next one, if it may be tried now."""
    begun = one.next(at)
    if begun is None:
        return None
    one.begin(begun, at)
    return one.answered(begun.id, outcome, error if outcome is not Outcome.SENT else "", at)


def test_in_order_one_at_a_time() -> None:
    one = queue()
    one.add(alert(1))
    one.add(alert(2))
    begun = one.next(START)
    assert begun is not None
    assert (begun.id, begun.attempts, begun.error) == ("a1", 1, "")
    one.begin(begun, START)
    assert one.next(START) is None
    sent = one.answered("a1", Outcome.SENT, "", START + SECOND)
    assert sent is not None
    assert (sent.state, sent.sent_at, sent.attempts) == ("sent", START + SECOND, 1)
    following = one.next(START + SECOND)
    assert following is not None
    assert following.id == "a2"


def test_what_was_not_begun_is_offered_again_unchanged() -> None:
    one = queue()
    one.add(alert(1))
    assert one.next(START) == one.next(START)


def test_an_answer_to_something_else_changes_nothing() -> None:
    one = queue()
    one.add(alert(1))
    assert one.answered("a1", Outcome.SENT, "", START) is None
    attempt(one, START, Outcome.SENT)
    assert one.answered("a1", Outcome.REFUSED, "late", START) is None
    assert one.state().failing is False


def test_a_refused_one_is_tried_again_up_to_the_limit() -> None:
    one = queue()
    one.add(alert(1))
    at, states = START, []
    for _ in range(10):
        tried = attempt(one, at, Outcome.REFUSED)
        if tried is not None:
            states.append((tried.state, tried.attempts, tried.error))
        at += 100 * SECOND
    assert states == [
        ("pending", 1, "it is down"),
        ("pending", 2, "it is down"),
        ("failed", 3, "it is down"),
    ]
    assert one.state().failed == 1


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.IMPOSSIBLE])
def test_what_may_have_arrived_is_not_tried_again(outcome: Outcome) -> None:
    one = queue()
    one.add(alert(1))
    tried = attempt(one, START, outcome, "no answer")
    assert tried is not None
    assert (tried.state, tried.error) == ("failed", "no answer")
    assert not one.busy(START + 3600 * SECOND)


def test_pauses_double_up_to_a_limit_and_are_jittered() -> None:
    ceilings = [FIRST_PAUSE * 2**n for n in range(5)] + [LONGEST_PAUSE] * 3
    drawn = []
    for seed in range(20):
        one = ChannelQueue("phone", PATIENCE, Random(seed))
        at, pauses = START, []
        for number in range(len(ceilings)):
            one.add(alert(number, at))
            assert attempt(one, at, Outcome.UNKNOWN) is not None
            one.add(alert(1000 + number, at))
            due = one.due
            assert due is not None
            pauses.append((due - at) / SECOND)
            assert one.next(due - 1) is None
            assert one.next(due) is not None
            one.drain()
            at = due
        assert all(c / 2 <= p <= c for p, c in zip(pauses, ceilings, strict=True))
        drawn.append(pauses)
    assert len({tuple(pauses) for pauses in drawn}) == 20


def test_success_ends_the_pauses() -> None:
    one = queue()
    for number in range(3):
        one.add(alert(number))
    attempt(one, START, Outcome.UNKNOWN)
    assert one.state().failing
    later = START + 100 * SECOND
    attempt(one, later, Outcome.SENT)
    assert (one.state().failing, one.state().error) == (False, "")
    assert one.next(later) is not None


def test_what_waits_for_too_long_is_given_up() -> None:
    one = queue()
    one.add(alert(1))
    one.add(alert(2, START + 5 * SECOND))
    attempt(one, START, Outcome.REFUSED)
    limit = START + 600 * SECOND
    assert one.expired(limit) == []
    (late,) = one.expired(limit + 1)
    assert (late.id, late.state, late.error) == ("a1", "failed", "expired: it is down")
    (late,) = one.expired(limit + 5 * SECOND + 1)
    assert (late.id, late.error) == ("a2", "expired: not sent in time")
    assert one.idle


def test_more_than_can_wait_are_given_up() -> None:
    one = queue()
    for number in range(MOST_WAITING):
        assert one.add(alert(number)).state == "pending"
    late = one.add(alert(MOST_WAITING))
    assert (late.state, late.error) == ("failed", "200 alerts wait for phone already")
    assert one.state().waiting == MOST_WAITING


def test_an_attempt_that_takes_too_long_is_overdue() -> None:
    one = queue()
    one.add(alert(1))
    begun = one.next(START)
    assert begun is not None
    one.begin(begun, START)
    assert one.overdue(START + 30 * SECOND - 1) == ""
    assert one.due == START + 30 * SECOND
    assert one.overdue(START + 30 * SECOND) == "a1"


def test_state_counts() -> None:
    one = queue()
    for number in range(4):
        one.add(alert(number))
    attempt(one, START, Outcome.SENT)
    attempt(one, START, Outcome.UNKNOWN, "no answer")
    at = START + 100 * SECOND
    begun = one.next(at)
    assert begun is not None
    one.begin(begun, at)
    state = one.state()
    assert (state.name, state.waiting, state.sent, state.failed) == ("phone", 2, 1, 1)
    assert (state.failing, state.error) == (True, "no answer")


def test_nothing_is_due_when_nothing_waits() -> None:
    one = queue()
    assert one.due is None
    assert not one.busy(START)
