"""No price of a faster best bid and offer outlives its proof, whatever the ids of the venue do.

Each venue that has such a channel, through its own protocol and the whole path, on virtual time.
"""

from __future__ import annotations

import pytest

from scanner.books.store import MAX_LEAD
from scanner.engine.engine import Bounds
from scanner.engine.ids import Ids
from scanner.engine.tracker import Thresholds
from scanner.pipeline import Action, Lane, Pipeline
from scanner.types import BookState, Depth, Market, Notice, Opportunity
from scanner.venues import ccxt_book
from scanner.venues.protocol import Options, Venue
from scanner.venues.sequence import DOUBT
from tests.touches import MILLISECOND, TELLERS, Teller, Touch
from tests.venues.harness import text

START = 1_786_310_816_000
STEP = 100
LEAD = MAX_LEAD // MILLISECOND
AGE = 3_000
TRUE, HIGH = ("100", "101"), ("110", "111")


class Place:
    """A venue and another one, whose book always stands at ``TRUE``: it pays to sell at ``HIGH``.

    ``now`` in ms; ids are those of the venue at that time.
    """

    def __init__(self, kind: type[Teller]) -> None:
        self.said: list[Opportunity] = []
        self.pipeline = Pipeline(
            thresholds=Thresholds(min_net_bps=1, update_interval=0),
            bounds=Bounds(max_age=AGE * MILLISECOND, max_skew=AGE * MILLISECOND),
            ids=Ids(lambda n: 0),
            emit=self.said.append,
        )
        self.now = START
        self._first = START if kind.venue.id == "kucoin" else 1_000_000
        self.teller = kind(self._lane(kind.venue, kind.market, kind.depth))
        self.other = self._lane(ccxt_book.venue("other"), "BTC/USDT", Depth.TOP)
        self.teller.begin(self.number, TRUE, self.now)
        self.wait(1000)
        assert (self.state, self.said) == (BookState.LIVE, [])

    def _lane(self, venue: Venue, name: str, depth: Depth) -> Lane:
        market = Market(
            venue=venue.id, id=name, symbol="BTC/USDT", base="BTC", quote="USDT", taker_fee=0.0
        )
        options = Options(depth=depth, rest=venue.rest, ws=venue.ws)
        lane = self.pipeline.lane(venue, [market], options)
        lane.start(START * MILLISECOND)
        lane.opened(START * MILLISECOND)
        return lane

    @property
    def number(self) -> int:
        return self._first + self.now - START

    @property
    def state(self) -> BookState:
        return self.pipeline.store.state(self.sold)

    @property
    def open(self) -> bool:
        return self.pipeline.engine.open_count > 0

    @property
    def sold(self) -> int:
        return self.teller.lane.books[self.teller.market]

    @property
    def bought(self) -> int:
        return self.other.books["BTC/USDT"]

    def best(self, touch: Touch, ahead: int = 1, number: int | None = None) -> None:
        """The faster channel speaks, with an id ``ahead`` of the depth or with this one."""
        self.teller.best(self.number + ahead if number is None else number, touch, self.now)

    def step(self, *, depth: bool = True) -> None:
        """A tenth of a second passes; both venues tell of their books at its end."""
        self.now += STEP
        if depth:
            self.teller.book(self.number, TRUE, self.now)
        sides = {"bids": [[TRUE[0], "3"]], "asks": [[TRUE[1], "3"]]}
        self.other.received(text({"market": "BTC/USDT", **sides}), self.now * MILLISECOND)
        self.pipeline.tick(self.now * MILLISECOND)

    def idle(self) -> list[Action]:
        """A step in which the faster channel alone speaks; what the connection is to do."""
        self.step(depth=False)
        self.best(HIGH)
        return self.teller.lane.idle(self.now * MILLISECOND)

    def wait(self, time: int) -> None:
        for _ in range(time // STEP):
            self.step()

    def restart(self, *, asked: bool = False) -> None:
        """The venue begins its ids anew."""
        self.now += 1
        self._first -= self.number - (START // 2 if self._first >= START else 5)
        begin = self.teller.renewed if asked else self.teller.restart
        begin(self.number, TRUE, self.now)

    def open_for(self, time: int, *, depth: bool = True) -> int:
        """How long, in ms, anything stays open, watched for ``time``; it must not open again."""
        assert self.open
        begin, opened = self.now, len(self.said)
        while self.now - begin < time:
            self.step(depth=depth)
        closed = [event for event in self.said[opened:] if event.event == "closed"]
        assert not self.open
        assert [event.event for event in self.said].count("opened") == len(closed) == 1
        return closed[0].at // MILLISECOND - begin

    def takes_a_best_again(self) -> bool:
        """Whether the faster channel, as it is when it is healthy, opens and closes at once."""
        assert self.state is BookState.LIVE
        self.now += 1
        self.best(HIGH)
        opened = self.open
        self.now += 1
        self.best(TRUE)
        return opened and not self.open


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
