"""Who is told to have fallen silent, and when: hours of beats in no time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

import pytest

from scanner.feeds.silence import Silence, Told
from scanner.venues.parts import SECOND

BEAT = 0.25
STEP = SECOND // 4
OPENED = 1_790_000_000 * SECOND

Market = str
Moves = Callable[[float], Mapping[Market, bool]]
"""Seconds since the opening to which books move in that beat."""


class Connection:
    """A connection whose books move as they are told to; what was said of it, by the second."""

    def __init__(self) -> None:
        self.silence = Silence(OPENED, BEAT)
        self.at = OPENED
        self.heard_at = 0
        self.proven: dict[Market, int] = {}
        self.said: list[tuple[float, Told]] = []

    def run(self, seconds: float, moves: Moves, *, heartbeats: bool = False) -> None:
        for _ in range(round(seconds / BEAT)):
            self.at += STEP
            moving = [name for name, moves in moves(self.now).items() if moves]
            for name in moving:
                self.proven[name] = self.at - STEP // 2
            if moving or heartbeats:
                self.heard_at = self.at - STEP // 2
            told = self.silence.look(self.proven, self.heard_at, self.at)
            self.said += [(self.now, one) for one in told]

    @property
    def now(self) -> float:
        return (self.at - OPENED) / SECOND

    @property
    def lines(self) -> list[str]:
        return [told.text for _, told in self.said]


def all_of(names: str, *, but: str = "") -> Moves:
    return lambda now: {name: name not in but for name in names}


def none(now: float) -> Mapping[Market, bool]:
    return {}


def test_a_busy_connection_that_falls_silent_is_told_of_once_within_three_seconds() -> None:
    made = Connection()
    made.run(10, all_of("ABCDE"))
    last = made.proven["A"]
    made.run(60, none)
    ((second, told),) = made.said
    assert told.kind == "silent" and told.markets == ()
    assert told.text == "nothing received for 3 s: 5 books are out of date"
    assert OPENED + second * SECOND - last <= 3 * SECOND
    assert made.silence.since == last


def test_its_return_is_told_of_and_not_that_of_each_book() -> None:
    made = Connection()
    made.run(10, all_of("ABCDE"))
    made.run(7, none)
    made.run(1, all_of("ABCDE", but="E"))
    made.run(10, all_of("ABCDE"))
    assert made.lines == [
        "nothing received for 3 s: 5 books are out of date",
        "back after 7.4 s",
    ]
    assert made.silence.since == 0


def test_one_that_gives_heartbeats_only_is_silent_too() -> None:
    made = Connection()
    made.run(10, all_of("ABC"), heartbeats=True)
    made.run(10, none, heartbeats=True)
    assert made.lines == ["heartbeats, but no book for 3 s: 3 books are out of date"]


def test_one_that_never_says_anything_is_told_of() -> None:
    made = Connection()
    made.run(14, none)
    assert made.lines == ["nothing received for 3 s, since it was opened"]
    assert made.said[0][0] == 2.75 and made.silence.since == OPENED
    made.run(10, all_of("AB"))
    assert made.lines[1:] == ["back after 14.2 s"]


def test_a_book_that_is_stuck_among_busy_ones_is_named() -> None:
    made = Connection()
    made.run(70, all_of("ABCDE"))
    made.run(5, all_of("ABCDE", but="C"))
    made.run(70, all_of("ABCDE"))
    made.run(5, all_of("ABCDE", but="BCDE"))
    assert made.lines == [
        "C: nothing for 3 s, out of date",
        "C: back after 5.4 s",
        "B, C, D and 1 more: nothing for 3 s, out of date",
    ]
    assert [told.markets for _, told in made.said] == [("C",), ("C",), ("B", "C", "D", "E")]
    assert made.silence.since == 0


def test_a_book_that_stays_stuck_when_the_others_come_back_is_told_of_then() -> None:
    made = Connection()
    made.run(70, all_of("ABC"))
    made.run(10, none)
    made.run(10, all_of("ABC", but="B"))
    assert made.lines[1:] == ["back after 10.4 s", "B: nothing for 13 s, out of date"]


def test_what_happens_again_and_again_is_told_three_times_an_hour() -> None:
    made = Connection()
    for _ in range(10):
        made.run(60, all_of("AB"))
        made.run(6, none)
    kinds = [told.kind for _, told in made.said]
    assert kinds == ["silent", "back"] * 3
    assert made.lines[4].endswith("out of date; no more of that is told for an hour")
    assert made.silence.since > 0, "it is seen all the same"
    made.run(3600, all_of("AB"))
    made.run(6, none)
    assert made.said[-1][1].kind == "silent" and len(made.said) == 7


def random(rates: Mapping[Market, float], seed: int) -> Moves:
    """Poisson streams of so many changes a second."""
    chance = Random(seed)

    def moves(now: float) -> Mapping[Market, bool]:
        return {name: chance.expovariate(rate) < BEAT for name, rate in rates.items()}

    return moves


@pytest.mark.parametrize("rate", [1 / 120, 1 / 20, 1 / 5, 1, 3])
def test_a_quiet_market_on_its_own_is_not_told_of(rate: float) -> None:
    made = Connection()
    made.run(2 * 3600, random({"A": rate}, 1))
    assert len(made.lines) <= 2


def test_many_quiet_markets_are_not_either() -> None:
    made = Connection()
    made.run(3600, random({f"coin {number}": 1 / (number + 1) for number in range(50)}, 2))
    assert len(made.lines) <= 2


def test_trade_in_bursts_is_told_of_now_and_then() -> None:
    chance = Random(7)
    until = {f"coin {number}": (False, 0.0) for number in range(30)}

    def moves(now: float) -> Mapping[Market, bool]:
        for name, (busy, ends) in until.items():
            if now > ends:
                until[name] = (not busy, now + chance.expovariate(1 / 60))
        return {
            name: chance.expovariate(5.0 if busy else 0.05) < BEAT
            for name, (busy, _) in until.items()
        }

    made = Connection()
    made.run(3600, moves)
    assert sum(told.kind == "silent" for _, told in made.said) <= 2 * 3


def test_but_their_connection_is_told_of_when_it_stops() -> None:
    made = Connection()
    made.run(300, random({f"coin {number}": 1 / 5 for number in range(60)}, 3))
    assert made.lines == []
    made.run(3.25, none)
    assert [told.markets for _, told in made.said] == [()]


def test_a_market_that_grows_quiet_at_night_is_quiet_by_habit_after_some_lines() -> None:
    made = Connection()
    made.run(600, random({"A": 10.0}, 4))
    made.run(4 * 3600, random({"A": 0.2}, 5))
    assert 1 <= len(made.lines) <= 12


def test_our_own_lateness_is_not_their_silence() -> None:
    made = Connection()
    made.run(10, all_of("AB"))
    made.at += 20 * SECOND
    made.run(BEAT, none)
    made.run(1, all_of("AB"))
    assert made.lines == []


def test_books_that_were_lost_are_no_longer_waited_for() -> None:
    made = Connection()
    made.run(10, all_of("AB"))
    made.proven.clear()
    made.run(60, none, heartbeats=True)
    assert made.lines == []
