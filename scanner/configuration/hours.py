"""Hours of the week, as people write them: ``22:00-07:00``, ``sat,sun 00:00-24:00``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo

from msgspec import Struct

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = 24 * 60
EXAMPLE = "22:00-07:00 or sat,sun 00:00-24:00"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FORM = re.compile(r"(?:([a-z, -]+?) +)?(\d{1,2}):(\d\d) *- *(\d{1,2}):(\d\d)")


class Hours(Struct, frozen=True):
    """From minute ``begin`` of each of ``days`` (0: Monday) to minute ``end``, of the next day if
    that is not later."""

    days: frozenset[int]
    begin: int
    end: int

    def hold(self, day: int, minute: int) -> bool:
        """Whether that minute of that day lies within."""
        if self.begin < self.end:
            return day in self.days and self.begin <= minute < self.end
        began_today = day in self.days and minute >= self.begin
        return began_today or ((day - 1) % 7 in self.days and minute < self.end)


def parse(text: str) -> Hours:
    """The hours that ``text`` names; raises ``ValueError`` with what it should look like."""
    match = _FORM.fullmatch(text.strip().lower())
    if match is None:
        raise ValueError(f"must look like {EXAMPLE}")
    days, *numbers = match.groups()
    begin_hour, begin_minute, end_hour, end_minute = map(int, numbers)
    begin, end = begin_hour * 60 + begin_minute, end_hour * 60 + end_minute
    if max(begin_minute, end_minute) > 59 or begin >= DAY or end > DAY:
        raise ValueError("names a time that no day has; the last is 24:00")
    if begin == end:
        raise ValueError("begins and ends at the same time; a whole day is 00:00-24:00")
    return Hours(frozenset(_days(days) if days else range(7)), begin, end)


def within(hours: tuple[Hours, ...], zone: tzinfo, at: int) -> bool:
    """Whether ``at`` (ns) lies within any of them on the clocks of ``zone``."""
    if not hours:
        return False
    local = (_EPOCH + timedelta(microseconds=at // 1000)).astimezone(zone)
    return any(one.hold(local.weekday(), local.hour * 60 + local.minute) for one in hours)


def _days(text: str) -> Iterator[int]:
    for part in text.split(","):
        first, dash, last = (name.strip() for name in part.partition("-"))
        begin = _day(first)
        end = _day(last) if dash else begin
        yield from ((begin + offset) % 7 for offset in range((end - begin) % 7 + 1))


def _day(name: str) -> int:
    if name not in DAYS:
        raise ValueError(f"{name!r} is no day; they are {', '.join(DAYS)}")
    return DAYS.index(name)
