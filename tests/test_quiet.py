"""A quiet market is told from a dead feed, on a virtual clock."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from random import Random

import pytest
from msgspec.structs import replace

from scanner.books import layout as L
from scanner.engine.bounds import Bounds, Probing
from scanner.engine.ids import Ids
from scanner.engine.tracker import Thresholds
from scanner.events import Opportunity
from scanner.lab.venues import VENUES
from scanner.lab.world import World
from scanner.lane import Action, Lane
from scanner.pipeline import Pipeline
from scanner.quiet import SECOND, TAG, Turns
from scanner.steps import Fetch, Notice, Reset, Send
from scanner.types import BookState, Depth, Market
from scanner.venues.protocol import Options
from scanner.venues.registry import native
from tests.faults.faults import Fault, Frozen
from tests.faults.link import Link

BEGIN = 1_760_000_000 * SECOND
STEP = SECOND // 40
BEAT = SECOND // 4
MARKET = "BTC-USDT"
BOOK = [["100", "1", "0", "1"]], [["101", "2", "0", "1"]]
OTHER = [["100", "1", "0", "1"]], [["101", "3", "0", "1"]]

Levels = tuple[list[list[str]], list[list[str]]]


class Wire:
    """One market of a venue, live since the beginning; times in ns after it."""

    def __init__(self, *more: str, probing: Probing | None = None, cached: int = 0) -> None:
        self._cached = cached
        self.flags: list[Opportunity] = []
        self.pipeline = Pipeline(
            thresholds=Thresholds(), bounds=Bounds(), ids=Ids(lambda n: 0), emit=self.flags.append
        )
        self.pipeline.probing = probing or Probing()
        self.lane = self.join(MARKET, *more)

    def join(self, *names: str) -> Lane:
        venue = native("okx")
        assert venue is not None and venue.rest_book is not None
        venue = replace(venue, rest_book=replace(venue.rest_book, cached=self._cached))
        markets = [
            Market(
                venue="okx", id=name, symbol=name.replace("-", "/"), base=name[:3], quote=name[4:],
                taker_fee=0.0,
            )
            for name in names
        ]  # fmt: skip
        options = Options(depth=Depth.TOP, rest=venue.rest, ws=venue.ws)
        lane = self.pipeline.lane(venue, markets, options)
        lane.start(BEGIN)
        lane.opened(BEGIN)
        for name in names:
            self.say(name, lane=lane)
        return lane

    def say(
        self, name: str = MARKET, book: Levels = BOOK, at: int = 0, lane: Lane | None = None
    ) -> None:
        bids, asks = book
        ms = str((BEGIN + at) // 1_000_000)
        data = {"bids": bids, "asks": asks, "ts": ms, "seqId": BEGIN + at}
        message = {"arg": {"channel": "books5", "instId": name}, "data": [data]}
        (lane or self.lane).received(json.dumps(message).encode(), BEGIN + at)

    def asked(self, at: int, lane: Lane | None = None) -> list[str]:
        """Which markets are asked for at a beat."""
        lane = lane or self.lane
        self.pipeline.tick(BEGIN + at)
        lane.received(b"pong", BEGIN + at)
        actions = lane.idle(BEGIN + at)
        found = [action for action in actions if isinstance(action, Fetch)]
        assert all(
            fetch.url.startswith("https://www.okx.com/api/v5/market/books?") for fetch in found
        )
        return [fetch.tag.removeprefix(TAG) for fetch in found]

    def answer(
        self, at: int, book: Levels = BOOK, status: int = 200, made: int = -1, name: str = MARKET
    ) -> list[Action]:
        body = shown(book, at if made < 0 else made)
        return self.lane.fetched(TAG + name, status, body, BEGIN + at)

    def state(self, name: str = MARKET) -> BookState:
        return self.pipeline.store.state(self.lane.books[name])

    def proven_at(self, name: str = MARKET) -> int:
        return self.pipeline.store.proven_at(self.lane.books[name]) - BEGIN


def shown(book: Levels, made: int) -> bytes:
    """What REST says."""
    bids, asks = book
    data = [{"bids": bids, "asks": asks, "ts": str(made)}]
    return json.dumps({"code": "0", "msg": "", "data": data}).encode()


def beats(until: int, since: int = 0) -> Iterator[int]:
    return iter(range(since, until + 1, BEAT))


def ask(wire: Wire, since: int = 0) -> int:
    """Let time pass until it is asked; when."""
    return next(at for at in beats(1000 * SECOND, since) if wire.asked(at) == [MARKET])


def test_a_book_that_agrees_is_as_good_as_new_when_it_was_asked_for() -> None:
    wire = Wire()
    at = ask(wire)
    assert at == SECOND
    assert wire.answer(at + SECOND // 10) == []
    assert wire.state() is BookState.LIVE
    assert wire.proven_at() == at


def test_one_answer_for_all_may_be_as_old_as_it_is_given_for() -> None:
    wire = Wire(cached=SECOND // 4)
    at = ask(wire)
    wire.answer(at + SECOND // 10)
    assert wire.proven_at() == at - SECOND // 4


def test_a_stale_book_that_agrees_is_live_again() -> None:
    wire = Wire()
    at = ask(wire)
    wire.pipeline.tick(BEGIN + 3 * SECOND + 1)
    assert wire.state() is BookState.STALE
    wire.answer(3 * SECOND + 2)
    assert wire.state() is BookState.LIVE
    assert wire.proven_at() == at


def test_an_answer_that_took_longer_than_a_book_may_be_old_makes_none_live() -> None:
    wire = Wire()
    at = ask(wire)
    wire.pipeline.tick(BEGIN + 4 * SECOND)
    wire.answer(at + 3 * SECOND + 1)
    assert wire.state() is BookState.STALE


def test_a_market_that_goes_on_is_not_asked_for() -> None:
    wire = Wire()
    for at in beats(10 * SECOND):
        wire.say(at=at)
        assert wire.asked(at) == []


def test_a_message_in_between_makes_the_answer_void() -> None:
    for book in (BOOK, OTHER):
        wire = Wire()
        at = ask(wire)
        wire.say(at=at + 1, book=book)
        for answer in (BOOK, OTHER):
            assert wire.answer(at + 2, answer) == []
            assert wire.proven_at() == at + 1
            assert wire.state() is BookState.LIVE


def test_a_book_that_was_lost_in_between_stays_lost() -> None:
    wire = Wire()
    at = ask(wire)
    book = wire.lane.books[MARKET]
    wire.pipeline.drop(book, BookState.UNSYNCHRONISED, "a test", BEGIN + at + 1)
    assert wire.answer(at + 2) == []
    assert wire.state() is BookState.UNSYNCHRONISED


def test_one_difference_may_be_on_its_way_two_are_a_dead_feed() -> None:
    wire = Wire()
    first = ask(wire)
    assert wire.answer(first + 1, OTHER) == []
    assert wire.state() is BookState.LIVE
    second = ask(wire, first + 2)
    assert second - first > SECOND
    reset, *rest = wire.answer(second + 1, OTHER)
    silent = f"silent for {second / SECOND:.1f} s"
    assert reset == Reset(MARKET, f"{silent} while REST shows another book")
    requests = [json.loads(step.text)["op"] for step in rest if isinstance(step, Send)]
    assert requests[0] == "unsubscribe"
    assert wire.state() is BookState.UNSYNCHRONISED
    assert wire.pipeline.breaks["okx"] == 1


def test_what_comes_after_a_difference_was_on_its_way() -> None:
    wire = Wire()
    first = ask(wire)
    wire.answer(first + 1, OTHER)
    wire.say(at=first + 2, book=OTHER)
    second = ask(wire, first + 3)
    assert wire.answer(second + 1, BOOK) == []
    assert wire.state() is BookState.LIVE


def test_a_book_that_dies_again_and_again_is_suspected_ever_more_rarely() -> None:
    wire = Wire()
    gaps = []
    at = 0
    for _ in range(4):
        first = ask(wire, at)
        wire.answer(first + 1, OTHER)
        second = ask(wire, first + 2)
        gaps.append((second - first) // SECOND)
        wire.answer(second + 1, OTHER)
        assert wire.state() is BookState.UNSYNCHRONISED
        at = second + BEAT
        wire.say(at=at)
    assert gaps == [1, 2, 4, 8]


def test_an_answer_that_was_made_before_is_void() -> None:
    wire = Wire()
    first = ask(wire)
    wire.answer(first + 1, made=5)
    second = ask(wire, first + 2)
    wire.answer(second + 1, made=5)
    assert wire.proven_at() == first
    third = ask(wire, second + 2)
    wire.answer(third + 1, made=6)
    assert wire.proven_at() == third


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (0, b"", "no answer"),
        (429, b"{}", "HTTP 429"),
        (200, b"<html>", "JSON is malformed"),
        (200, b'{"code":"51001","data":[],"msg":"x"}', "a list without item 0"),
        (200, b'{"data":[{"bids":[["1","NaN"]],"asks":[],"ts":"1"}]}', "a price or size"),
    ],
)
def test_an_error_is_told_and_nobody_asks_for_a_while_that_doubles(
    status: int, body: bytes, why: str
) -> None:
    wire = Wire()
    at = ask(wire)
    for pause in (5, 10, 20):
        (notice,) = wire.lane.fetched(TAG + MARKET, status, body, BEGIN + at)
        assert isinstance(notice, Notice)
        assert why in notice.text
        assert notice.text.endswith(f"none is asked for in the next {pause} s")
        again = ask(wire, at + 1)
        assert pause * SECOND <= again - at <= pause * SECOND + BEAT
        at = again
    assert wire.proven_at() == 0


def test_no_request_where_none_is_wanted() -> None:
    wire = Wire(probing=Probing(rate=0.0))
    assert [at for at in beats(20 * SECOND) if wire.asked(at)] == []


def test_markets_take_turns_at_the_rate_of_the_venue() -> None:
    names = [f"{coin}-USDT" for coin in ("ETH", "SOL", "XRP")]
    wire = Wire(*names)
    asked: list[str] = []
    times: list[int] = []
    for at in beats(10 * SECOND):
        for name in wire.asked(at):
            asked.append(name)
            times.append(at)
            wire.answer(at + 1, name=name, made=at)
    assert {b - a for a, b in pairwise(times)} == {SECOND // 2}
    counted = [asked.count(name) for name in (MARKET, *names)]
    assert max(counted) - min(counted) <= 1
    assert {wire.state(name) for name in (MARKET, *names)} == {BookState.LIVE}


def test_connections_of_a_venue_share_its_rate_and_none_starves() -> None:
    wire = Wire("ETH-USDT", "SOL-USDT")
    other = wire.join("XRP-USDT", "ADA-USDT")
    counted = [0, 0]
    for at in beats(20 * SECOND):
        for number, lane in enumerate((wire.lane, other)):
            for name in wire.asked(at, lane):
                counted[number] += 1
                lane.fetched(TAG + name, 200, shown(BOOK, at), BEGIN + at)
    assert sum(counted) <= 2 * 20
    assert min(counted) >= 15


def test_who_does_not_ask_any_more_holds_nobody_up() -> None:
    turns = Turns()
    assert turns.take(1, SECOND, 0)
    assert not turns.take(2, SECOND, BEAT)
    assert not turns.take(3, SECOND, 2 * BEAT)
    assert not turns.take(3, SECOND, 4 * BEAT)
    assert turns.take(3, SECOND, 6 * BEAT)
    assert not turns.take(2, SECOND, 7 * BEAT)
    turns.leave(2)
    assert turns.take(3, SECOND, 10 * BEAT)


def test_what_is_confirmed_takes_part_again() -> None:
    """An opportunity with a quiet leg closes when that is too old, and opens when it is not."""
    wire = Wire()
    venue = native("bybit")
    assert venue is not None
    market = Market(
        venue="bybit", id="BTCUSDT", symbol="BTC/USDT", base="BTC", quote="USDT", taker_fee=0.0
    )
    dear = wire.pipeline.lane(
        venue, [market], Options(depth=Depth.TOP, rest=venue.rest, ws=venue.ws)
    )
    dear.start(BEGIN)
    dear.opened(BEGIN)

    def say(at: int, u: int, kind: str) -> None:
        ms = (BEGIN + at) // 1_000_000
        data = {"s": "BTCUSDT", "b": [["110", "1"]], "a": [["111", "1"]], "u": u, "seq": u}
        body = {"topic": "orderbook.50.BTCUSDT", "type": kind, "ts": ms, "cts": ms, "data": data}
        dear.received(json.dumps(body).encode(), BEGIN + at)

    say(0, 1, "snapshot")
    assert [flag.event for flag in wire.flags] == ["opened"]
    at = ask(wire)
    for beat, u in zip(beats(2 * SECOND), range(2, 99), strict=False):
        say(beat + 1, u, "delta")
    assert [flag.event for flag in wire.flags if flag.event != "updated"] == ["opened", "closed"]
    assert wire.answer(2 * SECOND + 2) == []
    assert wire.flags[-1].event == "opened"
    assert wire.flags[-1].buy.book_at == BEGIN + at


class Room:
    """A venue of the lab, on its own."""

    def __init__(self, name: str, depth: Depth, fault: Fault | None) -> None:
        venue = native(name)
        assert venue is not None
        world = self.world = World(1, BEGIN, [name])
        self.pipeline = Pipeline(
            thresholds=Thresholds(), bounds=Bounds(), ids=Ids(lambda n: 0), emit=lambda flag: None
        )
        self.pipeline.probing = Probing()
        books = [book for _, book in world.books()]
        # The busiest ones: all but the one that is looked at go on.
        books.sort(key=lambda book: book.market.base not in ("BTC", "ETH"))
        markets = [
            Market(
                venue=name,
                id=venue.stream_id(
                    {"id": book.market.id, "symbol": book.market.symbol, "info": {}}
                ),
                symbol=book.market.symbol,
                base=book.market.base,
                quote=book.market.quote,
                taker_fee=0.001,
            )
            for book in books[:2]
        ]
        self.link = Link(world, venue, markets, self.pipeline, depth, fault, Random(1), 0)
        self.states: list[set[BookState]] = []
        self.ages: list[int] = []

    def play(self, seconds: int, still_from: int) -> None:
        for now in range(BEGIN, BEGIN + seconds * SECOND, STEP):
            if now < BEGIN + still_from * SECOND:
                self.world.advance(now)
            self.link.produce(now, stalled=False)
            self.link.deliver(now, 1000)
            if (now - BEGIN) % BEAT == 0:
                self.pipeline.tick(now)
                self.link.beat(now)
                self._look(now)

    def _look(self, now: int) -> None:
        store = self.pipeline.store
        books = range(store.count)
        self.states.append({store.state(book) for book in books})
        self.ages.append(now - min(store.meta(book, L.DEPTH_AT) for book in books))


@pytest.mark.parametrize("depth", Depth)
@pytest.mark.parametrize("name", VENUES)
def test_a_quiet_market_stays_live(name: str, depth: Depth) -> None:
    room = Room(name, depth, None)
    room.play(14, still_from=4)
    assert set().union(*room.states[16:]) == {BookState.LIVE}
    assert max(room.ages[16:]) < 3 * SECOND


class FrozenForGood(Frozen):
    """From the fifth second on."""

    def __init__(self) -> None:
        super().__init__(Random(1), BEGIN, ())
        self.spans = [(BEGIN + 5 * SECOND, BEGIN + 100 * SECOND)]


@pytest.mark.parametrize("name", VENUES)
def test_a_frozen_feed_is_dead(name: str) -> None:
    """No message of a book comes any more, its market goes on, and so does the connection."""
    room = Room(name, Depth.TOP, FrozenForGood())
    room.play(12, still_from=99)
    assert room.states[18] == {BookState.LIVE}
    assert room.states[-1] == {BookState.UNSYNCHRONISED}
