"""Books that changes from the stream and a snapshot from REST make together, and how old they are.

Each venue whose books are made so, through its own protocol and the whole path, on virtual time.
"""

from __future__ import annotations

import pytest

from scanner.types import BookState
from tests.place import AGE, HIGH, TRUE, Place
from tests.touches import MILLISECOND, BinanceFull, KucoinFull, Touch


@pytest.fixture(params=[BinanceFull, KucoinFull], ids=lambda kind: kind.__name__)
def place(request: pytest.FixtureRequest) -> Place:
    """A new connection, whose first snapshot has been asked for."""
    place = Place(request.param)
    place.reconnect()
    place.teller.answers = False
    place.teller.last = place.number - 2
    return place


def tell(place: Place, touch: Touch) -> None:
    """A change comes, a tenth of a second after the last."""
    place.step(depth=False)
    place.teller.book(place.number, touch, place.now)


def test_what_waited_for_its_snapshot_is_not_scanned_as_if_it_were_now(place: Place) -> None:
    tell(place, TRUE)
    asked = place.number
    for touch in (HIGH, TRUE):
        tell(place, touch)
    place.step(depth=False)
    place.teller.answer(asked, TRUE, place.now)
    assert place.state is BookState.LIVE
    assert place.said == []
    tell(place, HIGH)
    assert place.open


@pytest.mark.parametrize("waited", [AGE, AGE + 100])
def test_a_book_is_as_old_as_the_last_change_in_it(place: Place, waited: int) -> None:
    tell(place, TRUE)
    asked = place.number
    tell(place, HIGH)
    came = place.now
    while place.now < came + waited:
        place.step(depth=False)
    place.teller.answer(asked, TRUE, place.now)
    assert place.pipeline.store.proven_at(place.sold) == came * MILLISECOND
    assert place.open == (waited == AGE)
    tell(place, HIGH)
    assert place.open
