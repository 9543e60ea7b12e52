"""Moments as people give them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from scanner.errors import UserError
from scanner.since import duration, moment

NOW = int(datetime(2026, 11, 22, 10, tzinfo=UTC).timestamp()) * 1_000_000_000


@pytest.mark.parametrize(
    ("text", "then"),
    [
        ("90s", "2026-11-22T09:58:30+00:00"),
        ("30m", "2026-11-22T09:30:00+00:00"),
        ("24h", "2026-11-21T10:00:00+00:00"),
        (" 1.5 H ", "2026-11-22T08:30:00+00:00"),
        ("7d", "2026-11-15T10:00:00+00:00"),
        ("2w", "2026-11-08T10:00:00+00:00"),
        ("2026-11-20", "2026-11-20T00:00:00+00:00"),
        ("2026-11-20 12:30", "2026-11-20T12:30:00+00:00"),
        ("2026-11-20T12:30:00Z", "2026-11-20T12:30:00+00:00"),
        ("2026-11-20T12:30:00+02:00", "2026-11-20T10:30:00+00:00"),
    ],
)
def test_moments(text: str, then: str) -> None:
    assert moment(text, NOW) == int(datetime.fromisoformat(then).timestamp()) * 1_000_000_000


def test_microseconds_are_kept() -> None:
    assert moment("2026-11-20T00:00:00.123456Z", NOW) % 1_000_000_000 == 123_456_000


def test_longer_ago_than_anything_is_long_ago() -> None:
    assert moment("999999999w", NOW) < 0


@pytest.mark.parametrize("text", ["", "yesterday", "24", "h", "-1h", "1e3h", "0001-01-01T99"])
def test_what_is_no_time_is_told(text: str) -> None:
    with pytest.raises(UserError, match="is no time; they look like 30m, 24h, 7d, 2026-11-22"):
        moment(text, NOW)


@pytest.mark.parametrize(
    ("text", "unit", "length"),
    [
        ("250ms", "s", 250_000_000),
        ("2", "s", 2 * 10**9),
        ("2", "h", 7200 * 10**9),
        ("1.5 M", "h", 90 * 10**9),
        ("7d", "h", 7 * 86_400 * 10**9),
        ("1w", "s", 7 * 86_400 * 10**9),
        ("999999999999w", "s", 100 * 366 * 86_400 * 10**9),
    ],
)
def test_how_long(text: str, unit: str, length: int) -> None:
    assert duration(text, unit) == length


@pytest.mark.parametrize("text", ["", "long", "-1s", "1y", "nan", "1e3"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(UserError, match="is no duration; they look like 250ms"):
        duration(text)
