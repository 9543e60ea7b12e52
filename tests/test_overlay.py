"""No price of a faster best bid and offer outlives its proof, whatever the ids of the venue do.

Each venue that has such a channel, through its own protocol and the whole path, on virtual time.
"""

from __future__ import annotations

import pytest

from scanner.books import layout as L
from scanner.steps import Notice
from scanner.types import BookState
from scanner.venues.sequence import DOUBT
from tests.place import AGE, HIGH, STEP, TRUE, Place
from tests.touches import MILLISECOND, TELLERS

LEAD = L.LEAD // MILLISECOND


@pytest.fixture(params=TELLERS, ids=lambda kind: kind.__name__)
def place(request: pytest.FixtureRequest) -> Place:
    return Place(request.param)


def test_a_healthy_best_counts_at_once_and_until_the_depth_has_it(place: Place) -> None:
    assert place.takes_a_best_again()
    place.now += 1
    place.best(HIGH)
    assert place.open
    assert place.said[-1].sell.levels == ((110.0, 2.5),)
    place.step()
    assert not place.open


def test_a_huge_id_holds_no_longer_than_its_bound(place: Place) -> None:
    place.best(HIGH, number=place.teller.huge)
    assert place.open_for(10_000) <= LEAD + STEP
    assert place.takes_a_best_again()


def test_a_huge_id_ends_with_the_next_word_of_its_own_channel(place: Place) -> None:
    place.best(HIGH, number=place.teller.huge)
    assert place.open
    place.now += 1
    place.best(TRUE)
    assert not place.open
    assert place.takes_a_best_again()


def test_ids_that_begin_anew_end_what_stood_on_the_old_ones(place: Place) -> None:
    place.best(HIGH, ahead=60_000)
    place.restart()
    began = place.now
    place.wait(5000)
    assert [event.event for event in place.said] == ["opened", "closed"]
    bound = 0 if place.teller.says_so else STEP * MILLISECOND + DOUBT
    assert place.said[-1].at <= began * MILLISECOND + bound
    assert place.takes_a_best_again()


def test_a_best_alone_keeps_no_silent_book_alive(place: Place) -> None:
    began = place.now
    actions = [action for _ in range(310) for action in place.idle()]
    assert [event.event for event in place.said] == ["opened", "closed"]
    assert place.said[-1].at == (began + AGE + STEP) * MILLISECOND
    assert place.state is not BookState.LIVE
    assert Notice(f"{place.teller.market}: silent, asking anew") in actions
    place.restart(asked=True)
    place.wait(2000)
    assert place.takes_a_best_again()


def test_a_best_that_stands_still_while_the_depth_moves_on_is_dropped(place: Place) -> None:
    place.best(HIGH, ahead=60_000)
    assert place.open_for(10_000) <= LEAD + STEP
    assert place.takes_a_best_again()


def test_the_age_of_a_book_is_that_of_its_oldest_price(place: Place) -> None:
    place.best(HIGH, ahead=60_000)
    place.step()
    assert place.open, "the depth is behind, but not for long enough to speak against it"
    newest = place.pipeline.engine.open_between(place.bought, place.sold)
    assert newest is not None
    assert newest.sell.age_ms == STEP
    assert place.open_for(10_000, depth=False) == AGE
    assert place.said[-1].reason == "a leg is too old"
    assert place.said[-1].sell.age_ms == AGE + STEP
