"""Books joined to snapshots from REST: one request at a time, until one joins."""

from __future__ import annotations

from scanner.steps import Delta, Fetch, Notice, Reset, Snapshot
from scanner.venues.bridged import BridgedBooks, market_of
from scanner.venues.cells import Cells
from scanner.venues.parts import SECOND, Fetches
from scanner.venues.protocol import Steps
from scanner.venues.sequence import Bridge, Verdict

WANTED = Fetch("depth:A:B", "http://r/A:B")


class Connection:
    """One connection, its changes one id each."""

    def __init__(self, markets: int = 1) -> None:
        self.wanted = Fetches()
        self.books = BridgedBooks(Bridge, "http://r/{}".format, self.wanted, markets)

    def change(self, number: int, at: int = 0, size: int = 0) -> Steps:
        delta = Delta(market="A:B", bids=b"x" * size or b"[]", sequence=number)
        verdict = self.books["A:B"].delta(number, number, delta, at)
        if verdict is Verdict.APPLY:
            return [delta]
        return self.books.missed("A:B", verdict, f"{number} is wrong", at)


def snapshot(number: int) -> Snapshot:
    return Snapshot(market="A:B", sequence=number, live=False)


def joined() -> Connection:
    """A book that stands at id 11."""
    made = Connection()
    assert list(made.change(11)) == [WANTED]
    steps = made.books.joined(snapshot(10), 1)
    assert [step.sequence for step in steps if isinstance(step, Snapshot | Delta)] == [10, 11]
    return made


def test_the_answer_is_for_the_market_of_the_request() -> None:
    assert market_of(WANTED.tag) == "A:B"


def test_a_market_is_there_once_something_of_it_has_come() -> None:
    made = Connection()
    assert "A:B" not in made.books
    made.change(1)
    assert "A:B" in made.books


def test_changes_wait_for_one_snapshot_and_then_go_on() -> None:
    made = joined()
    assert list(made.change(12)) == [Delta(market="A:B", sequence=12)]
    assert list(made.change(12)) == [], "it has been seen"


def test_a_gap_resets_and_asks_once() -> None:
    made = joined()
    assert list(made.change(15)) == [Reset("A:B", "15 is wrong"), WANTED]
    assert list(made.change(16)) == [], "the request is under way"


def test_a_snapshot_that_is_too_old_is_asked_for_again_later() -> None:
    made = Connection()
    made.change(11)
    why = "A:B: no order book snapshot (older than the stream), asking again"
    assert list(made.books.joined(snapshot(9), 0)) == [Notice(why)]
    assert list(made.books.fetch("A:B", 1)) == [], "not at once"
    assert [made.books.request(market) for market in made.wanted.due(SECOND)] == [WANTED]
    assert len(made.books.joined(snapshot(10), SECOND)) == 2
    assert made.wanted.due(60 * SECOND) == []


def test_an_answer_of_no_use_is_told_and_asked_for_again() -> None:
    made = Connection()
    made.change(11)
    why = "A:B: no order book snapshot (HTTP 503), asking again"
    assert made.books.failed("A:B", "HTTP 503", 0) == [Notice(why)]
    assert made.wanted.due(SECOND) == ["A:B"]


def test_what_waits_is_bounded_and_more_is_told_once_and_joined_by_a_later_snapshot() -> None:
    made = Connection(markets=100)
    room = BridgedBooks.ROOM // 100
    said = [step for number in range(1, 20) for step in made.change(number, 0, room // 4)]
    why = f"more than {room >> 10} KB of changes wait for the order book snapshot"
    assert said == [WANTED, Notice(f"A:B: {why}, the oldest are given up")]
    assert isinstance(made.books.joined(snapshot(10), 0)[0], Notice), "older than what is left"
    steps = made.books.joined(snapshot(17), SECOND)
    assert [step.sequence for step in steps if isinstance(step, Snapshot | Delta)] == [17, 18, 19]


def test_the_room_of_a_connection_is_dealt_out_to_its_markets() -> None:
    for markets in (0, 1, 7, 200):
        rooms: list[int] = []

        def make(cells: Cells, room: int, rooms: list[int] = rooms) -> Bridge:
            rooms.append(room)
            return Bridge(cells, room)

        books = BridgedBooks(make, "{}".format, Fetches(), markets)
        for number in range(max(markets, 1)):
            _ = books[f"{number}"]
        assert sum(rooms) <= BridgedBooks.ROOM
        assert min(rooms) >= BridgedBooks.LEAST
