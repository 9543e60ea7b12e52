"""Hours of the week on the clocks of a time zone."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from scanner.configuration.hours import parse, within

BERLIN = ZoneInfo("Europe/Berlin")


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 1_000_000_000


@pytest.mark.parametrize(
    ("hours", "inside", "outside"),
    [
        ("09:00-17:30", ["09:00", "17:29"], ["08:59", "17:30"]),
        ("22:00-07:00", ["22:00", "23:59", "00:00", "06:59"], ["07:00", "21:59"]),
        ("0:00 - 24:00", ["00:00", "23:59"], []),
        ("22:00-24:00", ["22:00", "23:59"], ["00:00", "21:59"]),
    ],
)
def test_times(hours: str, inside: list[str], outside: list[str]) -> None:
    parsed = (parse(hours),)
    assert all(within(parsed, UTC, ns(f"2026-11-22T{time}:00+00:00")) for time in inside)
    assert not any(within(parsed, UTC, ns(f"2026-11-22T{time}:00+00:00")) for time in outside)


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    friday_night = (parse("fri 22:00-07:00"),)
    assert within(friday_night, UTC, ns("2026-11-20T23:00:00+00:00"))  # Friday
    assert within(friday_night, UTC, ns("2026-11-21T06:00:00+00:00"))  # Saturday
    assert not within(friday_night, UTC, ns("2026-11-20T06:00:00+00:00"))
    assert not within(friday_night, UTC, ns("2026-11-21T23:00:00+00:00"))


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ("sat,sun", {5, 6}),
        ("mon-fri", {0, 1, 2, 3, 4}),
        ("Fri-Mon", {4, 5, 6, 0}),
        ("mon, wed-thu", {0, 2, 3}),
        ("", {0, 1, 2, 3, 4, 5, 6}),
    ],
)
def test_days(days: str, expected: set[int]) -> None:
    assert parse(f"{days} 10:00-11:00").days == expected


def test_the_clocks_of_the_zone_count_also_when_they_change() -> None:
    night = (parse("22:00-07:00"),)
    assert within(night, BERLIN, ns("2026-07-01T20:00:00+00:00"))  # 22:00 in summer
    assert not within(night, BERLIN, ns("2026-12-01T20:00:00+00:00"))  # 21:00 in winter
    assert within(night, BERLIN, ns("2026-10-25T05:59:00+00:00"))  # 06:59, an hour longer a night
    assert not within(night, BERLIN, ns("2026-10-25T06:00:00+00:00"))


def test_none_is_never() -> None:
    assert not within((), UTC, 0)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "must look like"),
        ("22-07", "must look like"),
        ("22:00", "must look like"),
        ("25:00-07:00", "names a time that no day has"),
        ("24:00-07:00", "names a time that no day has"),
        ("22:60-07:00", "names a time that no day has"),
        ("07:00-07:00", "a whole day is 00:00-24:00"),
        ("freitag 07:00-08:00", "'freitag' is no day"),
        ("mon- 07:00-08:00", "'' is no day"),
    ],
)
def test_what_is_wrong_is_told(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse(text)
