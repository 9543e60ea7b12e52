"""Which contracts are asked for what they settled, and when."""

from __future__ import annotations

from scanner.events import FundingSample
from scanner.funding.schedule import (
    FIRST_PAUSE,
    LAST_PAUSE,
    SECOND,
    SETTLING,
    UNANNOUNCED,
    Schedule,
    Wanted,
)
from scanner.types import Market
from scanner.venues.funding_history import Settled

HOUR = 3600 * SECOND
BEGIN = 1_790_000_000 * SECOND // HOUR * HOUR
SINCE = BEGIN - 40 * HOUR


def market(name: str = "BTCUSDT") -> Market:
    symbol = f"{name[:-4]}/USDT:USDT"
    return Market(venue="alpha", id=name, symbol=symbol, base="", quote="", taker_fee=0.0)


def wanted(name: str = "BTCUSDT", since: int = SINCE) -> Wanted:
    return Wanted(market(name), since)


def paid(*hours: int) -> list[Settled]:
    """At so many hours after the beginning."""
    return [Settled(BEGIN + hour * HOUR, hour / 1e5) for hour in hours]


def asked(schedule: Schedule, at: int, most: int = 1) -> list[tuple[str, int]]:
    return [(one.market.id, one.since) for one in schedule.due(at, most)]


def begun(*hours: int) -> Schedule:
    """One that has been asked for all up to the beginning."""
    schedule = Schedule()
    schedule.carry([wanted()])
    assert asked(schedule, BEGIN) == [("BTCUSDT", SINCE)]
    schedule.answered("BTCUSDT", paid(*hours), 0, BEGIN)
    return schedule


def test_each_is_asked_for_once_from_far_back() -> None:
    schedule = Schedule()
    schedule.carry([wanted("BTCUSDT"), wanted("ETHUSDT", SINCE - HOUR)])
    assert asked(schedule, BEGIN) == [("BTCUSDT", SINCE)]
    schedule.answered("BTCUSDT", paid(-8, 0), 0, BEGIN)
    assert asked(schedule, BEGIN + SECOND, 5) == [("ETHUSDT", SINCE - HOUR)]
    schedule.answered("ETHUSDT", [], 0, BEGIN)
    assert asked(schedule, BEGIN + 2 * SECOND, 5) == []


def test_what_it_settled_is_told_with_how_long_it_was_for() -> None:
    schedule = Schedule()
    schedule.carry([wanted()])
    schedule.due(BEGIN, 1)
    mark = Settled(BEGIN, -0.0002, 76_000.5)
    told = schedule.answered("BTCUSDT", [*paid(-16, -8), mark], 0, BEGIN)
    of = {"venue": "alpha", "market": "BTCUSDT", "symbol": "BTC/USDT:USDT", "interval": 8 * HOUR}
    at = BEGIN - 8 * HOUR
    assert told == [
        FundingSample(at=at, settled=-8e-5, settled_at=at, **of),
        FundingSample(at=BEGIN, settled=-0.0002, settled_at=BEGIN, mark=76_000.5, **of),
    ]


def test_a_mark_is_told_of_what_was_paid_before_the_scan_alone() -> None:
    schedule = begun(-8, 0)
    schedule.due(BEGIN + 9 * HOUR, 1)
    marked = [*paid(0), Settled(BEGIN + 8 * HOUR, 0.0001, 76_000.0)]
    (told,) = schedule.answered("BTCUSDT", marked, 0, BEGIN + 9 * HOUR)
    assert (told.settled, told.mark) == (0.0001, None)


def test_after_an_announced_boundary_it_is_asked_for_from_the_newest_on() -> None:
    schedule = begun(-8, 0)
    schedule.announced("BTCUSDT", BEGIN + 8 * HOUR, BEGIN)
    boundary = BEGIN + 8 * HOUR
    assert asked(schedule, boundary) == []
    # By then the venue speaks of the one after it: the one that has passed is still missing.
    schedule.announced("BTCUSDT", BEGIN + 16 * HOUR, boundary + SECOND)
    assert asked(schedule, boundary + SETTLING) == [("BTCUSDT", BEGIN)]
    told = schedule.answered("BTCUSDT", paid(0, 8), 0, boundary + SETTLING)
    assert [(one.settled_at, one.interval) for one in told] == [(boundary, 8 * HOUR)]
    assert asked(schedule, boundary + 2 * UNANNOUNCED) == []
    assert asked(schedule, BEGIN + 16 * HOUR + SETTLING) == [("BTCUSDT", boundary)]


def test_a_venue_that_lists_it_late_is_asked_again_with_growing_patience() -> None:
    schedule = begun(-8, 0)
    schedule.announced("BTCUSDT", BEGIN + 8 * HOUR, BEGIN)
    at = BEGIN + 8 * HOUR + SETTLING
    pauses = []
    for _ in range(8):
        begin = at
        while not (due := asked(schedule, at)):
            at += 5 * SECOND
        assert due == [("BTCUSDT", BEGIN)]
        pauses.append(at - begin)
        assert schedule.answered("BTCUSDT", paid(0), 0, at) == []
    assert pauses[:3] == [0, FIRST_PAUSE, 2 * FIRST_PAUSE]
    assert pauses[-1] == LAST_PAUSE


def test_a_boundary_is_announced_to_the_minute_only() -> None:
    schedule = begun(-8, 0)
    schedule.announced("BTCUSDT", BEGIN + 8 * HOUR + 7_000_000, BEGIN)
    at = BEGIN + 8 * HOUR + SETTLING
    assert asked(schedule, at) == [("BTCUSDT", BEGIN)]
    schedule.answered("BTCUSDT", paid(0, 8), 0, at)
    assert asked(schedule, at + LAST_PAUSE) == []


def test_what_is_listed_before_it_is_paid_waits_until_it_is() -> None:
    schedule = begun(-8, 0, 8)
    schedule.announced("BTCUSDT", BEGIN + 8 * HOUR, BEGIN)
    at = BEGIN + 8 * HOUR + SETTLING
    assert asked(schedule, at) == [("BTCUSDT", BEGIN)]
    (told,) = schedule.answered("BTCUSDT", paid(0, 8, 16), 0, at)
    assert told.settled_at == BEGIN + 8 * HOUR


def test_a_boundary_that_the_venue_moves_is_taken_as_it_is_said_last() -> None:
    schedule = begun(-8, 0)
    schedule.announced("BTCUSDT", BEGIN + 8 * HOUR, BEGIN)
    schedule.announced("BTCUSDT", BEGIN + HOUR, BEGIN + SECOND)
    assert asked(schedule, BEGIN + HOUR + SETTLING) == [("BTCUSDT", BEGIN)]


def test_of_one_that_nobody_announces_it_is_asked_now_and_then() -> None:
    schedule = begun(-8, 0)
    assert asked(schedule, BEGIN + UNANNOUNCED - SECOND) == []
    assert asked(schedule, BEGIN + UNANNOUNCED) == [("BTCUSDT", BEGIN)]


def test_what_is_known_already_is_not_told_again() -> None:
    schedule = begun(-16, -8, 0)
    schedule.due(BEGIN + UNANNOUNCED, 1)
    told = schedule.answered("BTCUSDT", paid(-8, 0, 8), 0, BEGIN + 9 * HOUR)
    assert [one.settled_at for one in told] == [BEGIN + 8 * HOUR]


def test_one_that_is_wanted_from_further_back_is_asked_for_anew() -> None:
    schedule = begun(-8, 0)
    schedule.carry([wanted(since=SINCE - 90 * HOUR)])
    assert asked(schedule, BEGIN + SECOND) == [("BTCUSDT", SINCE - 90 * HOUR)]
    told = schedule.answered("BTCUSDT", paid(-96, -88, -8, 0), 0, BEGIN + SECOND)
    assert [(one.settled_at - BEGIN) // HOUR for one in told] == [-88, 0]
    assert asked(schedule, BEGIN + 2 * SECOND) == []


def test_one_that_is_carried_no_more_is_forgotten() -> None:
    schedule = begun(-8, 0)
    schedule.carry([wanted("ETHUSDT")])
    assert asked(schedule, BEGIN, 5) == [("ETHUSDT", SINCE)]
    assert schedule.answered("BTCUSDT", paid(0, 8), 0, BEGIN + 9 * HOUR) == []
    schedule.announced("BTCUSDT", BEGIN + 8 * HOUR, BEGIN)


def test_one_that_fails_does_not_hold_up_the_others() -> None:
    schedule = Schedule()
    schedule.carry([wanted("BTCUSDT"), wanted("ETHUSDT")])
    assert asked(schedule, BEGIN) == [("BTCUSDT", SINCE)]
    assert schedule.failed("BTCUSDT", BEGIN) == FIRST_PAUSE / SECOND
    assert asked(schedule, BEGIN + SECOND) == [("ETHUSDT", SINCE)]
    schedule.answered("ETHUSDT", paid(0), 0, BEGIN + SECOND)
    assert asked(schedule, BEGIN + FIRST_PAUSE - SECOND) == []
    assert asked(schedule, BEGIN + FIRST_PAUSE) == [("BTCUSDT", SINCE)]


def test_a_venue_that_goes_on_to_fail_is_left_alone_for_longer_and_longer() -> None:
    schedule = Schedule()
    schedule.carry(wanted(f"C{number}USDT") for number in range(50))
    at, pauses = BEGIN, []
    for _ in range(12):
        begin = at
        while not (due := schedule.due(at, 1)):
            at += SECOND
        pauses.append((at - begin) // SECOND)
        schedule.failed(due[0].market.id, at)
    assert pauses[:4] == [0, 0, 60, 120]
    assert pauses[-1] == LAST_PAUSE // SECOND
