"""Books that bear no time of the venue are as new as what came before them on their connection."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from scanner.books.lag import VAGUE
from scanner.engine.bounds import Bounds
from scanner.engine.ids import Ids
from scanner.engine.tracker import Thresholds
from scanner.events import Opportunity
from scanner.lane import CLOCK_WITHIN, Lane
from scanner.pipeline import Pipeline
from scanner.steps import Notice, Reconnect
from scanner.types import BookState, Depth, Market, Proof
from scanner.venues import binance, ccxt_book
from scanner.venues.protocol import Options, Venue

SECOND = 1_000_000_000
START = 1_790_000_000 * SECOND
MAX_AGE = 3 * SECOND


class Pair:
    """BTC/USDT at a venue whose books have no time, and at another whose are always new."""

    def __init__(self, depth: Depth = Depth.TOP) -> None:
        self.said: list[Opportunity] = []
        self.pipeline = Pipeline(
            thresholds=Thresholds(min_net_bps=1, update_interval=0),
            bounds=Bounds(max_age=MAX_AGE, max_skew=MAX_AGE),
            ids=Ids(lambda n: 0),
            emit=self.said.append,
        )
        self.lane = self.connect(binance.VENUE, "BTCUSDT", depth)
        self.lane.received(b'{"result":null,"id":1}', START)
        whole = dict.fromkeys(Depth, Proof.SNAPSHOTS)
        other = replace(ccxt_book.venue("other"), proof=whole)
        self.other = self.connect(other, "BTC/USDT", Depth.TOP)
        self.other.received(b'{"market":"BTC/USDT","bids":[],"asks":[]}', START)
        self.number = 100

    def connect(self, venue: Venue, name: str, depth: Depth) -> Lane:
        market = Market(
            venue=venue.id, id=name, symbol="BTC/USDT", base="BTC", quote="USDT", taker_fee=0.0
        )
        options = Options(depth=depth, rest=venue.rest, ws=venue.ws)
        lane = self.pipeline.lane(venue, [market], options)
        lane.start(START)
        lane.opened(START)
        return lane

    def clock(self, sent_at: int, at: int) -> None:
        self.tell("btcusdt@aggTrade", {"e": "aggTrade", "E": sent_at // 1_000_000}, at)

    def book(self, bid: str, at: int) -> None:
        """The venue's book, with a bid that pays or not; the other's is new and asks 100."""
        self.number += 1
        rows = {"bids": [[bid, "1"]], "asks": [["120", "1"]]}
        self.tell("btcusdt@depth20@100ms", {"lastUpdateId": self.number, **rows}, at)
        asked = {"market": "BTC/USDT", "bids": [["90", "1"]], "asks": [["100", "1"]]}
        self.other.received(json.dumps(asked).encode(), at)
        self.pipeline.tick(at)

    def best(self, bid: str, at: int) -> None:
        self.number += 1
        rows = {"b": bid, "B": "1", "a": "120", "A": "1"}
        self.tell("btcusdt@bookTicker", {"u": self.number, "s": "BTCUSDT", **rows}, at)

    def tell(self, stream: str, data: object, at: int) -> None:
        assert not self.lane.received(json.dumps({"stream": stream, "data": data}).encode(), at)

    @property
    def open(self) -> bool:
        return self.pipeline.engine.open_count > 0


@pytest.fixture
def pair() -> Pair:
    return Pair()


def test_nothing_is_believed_before_the_venue_has_told_its_time(pair: Pair) -> None:
    pair.book("110", START)
    pair.best("111", START)
    assert not pair.said
    pair.clock(START, START)
    pair.book("110", START)
    assert pair.open


def test_what_comes_after_a_late_word_of_the_time_is_as_late(pair: Pair) -> None:
    pair.clock(START, START)
    pair.book("95", START)
    late = START + 10 * SECOND
    pair.clock(START + 6 * SECOND, late)
    pair.book("110", late)
    pair.best("111", late)
    assert not pair.said
    pair.clock(late, late)
    pair.book("110", late)
    assert pair.open


def test_its_age_is_that_of_the_last_word_of_the_time(pair: Pair) -> None:
    pair.clock(START, START)
    pair.book("110", START + VAGUE)
    assert pair.said[-1].sell.age_ms == VAGUE / 1_000_000


def test_what_may_be_of_long_ago_is_not_believed_until_the_time_is_told_again(pair: Pair) -> None:
    pair.clock(START, START)
    pair.book("110", START + VAGUE + 1)
    assert not pair.said
    pair.clock(START + VAGUE + 2, START + VAGUE + 2)
    pair.book("110", START + VAGUE + 2)
    assert pair.open


def test_where_the_time_is_never_told_that_is_said_and_what_comes_is_new(pair: Pair) -> None:
    assert not pair.lane.idle(START + CLOCK_WITHIN)
    (notice,) = pair.lane.idle(START + CLOCK_WITHIN + 1)
    assert notice == Notice(
        "the venue does not tell its time: how late its books come is not known"
    )
    pair.book("110", START + CLOCK_WITHIN + 1)
    assert pair.open


def test_a_connection_that_tells_it_no_more_is_made_anew(pair: Pair) -> None:
    pair.clock(START + SECOND, START + SECOND)
    assert not pair.lane.idle(START + SECOND + CLOCK_WITHIN)
    (step,) = pair.lane.idle(START + SECOND + CLOCK_WITHIN + 1)
    assert isinstance(step, Reconnect)


def test_a_connection_whose_first_word_took_too_long_is_not_believed() -> None:
    """It was made while others waited: nothing tells yet how old what comes is."""
    pair = Pair()
    lane = pair.connect(binance.VENUE, "BTCUSDT", Depth.FULL)
    (step,) = lane.received(b'{"result":null,"id":1}', START + MAX_AGE + 1)
    assert step == Reconnect("its first word took 3.0 s: nobody knows how old it is")
    lane = pair.connect(binance.VENUE, "BTCUSDT", Depth.FULL)
    assert not any(
        isinstance(step, Reconnect)
        for step in lane.received(b'{"result":null,"id":1}', START + MAX_AGE)
    )


def test_with_all_depth_changes_bear_their_time_and_nothing_is_waited_for() -> None:
    pair = Pair(Depth.FULL)
    assert not pair.lane.idle(START + CLOCK_WITHIN + 1)
    state = pair.pipeline.store.state(pair.lane.books["BTCUSDT"])
    assert state is BookState.SYNCING
