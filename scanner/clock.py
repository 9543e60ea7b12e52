"""The clock: the shell reads it, the core is given its readings as ``at``.

It shows the time of day and yet only moves forward, at all but an even pace, because ages and
deadlines are counted in it. A monotonic clock alone would part from the time of day whenever that
is corrected by a step, and stay so for as long as the process runs. So the difference is looked at
now and then (``follow``):

- A small one, of some milliseconds at least, is made up for by going faster or slower by 0.05 % at
  most, which makes an age of 3 s wrong by 1.5 ms. (NTP's own bound, RFC 5905: 500 ppm.)
- One of more than a second that has stood for a minute is a step (a machine that did not know the
  time when it started). Forward, it is taken at once: every book is too old then, and live again
  with its next message. Backward there is no way but the slow one.

A sleep of the machine counts as time that has passed, where the system can tell: a book from before
is as old as it is.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial

from msgspec import Struct

SECOND = 1_000_000_000
EVERY = 10 * SECOND
FASTEST = 500e-6
CATCH_UP = 100 * SECOND
CLOSE = SECOND // 1000
STEP = SECOND
STEP_STANDS = 60 * SECOND
# A reading that took longer was interrupted in the middle.
QUICK = SECOND // 1000
TRIES = 5

log = logging.getLogger(__name__)


class Reading(Struct, frozen=True):
    """The time of day at a moment of the monotonic clock, and how long it took to look; ns."""

    monotonic: int
    wall: int
    took: int = 0


class _Line(Struct, frozen=True):
    """From the monotonic time ``start`` on the clock shows ``shown``, and goes on at ``rate``;
    until then it goes as it did ``before``."""

    start: int
    shown: int
    rate: float = 0.0
    before: _Line | None = None

    def at(self, monotonic: int) -> int:
        if monotonic < self.start and self.before is not None:
            return self.before.at(monotonic)
        since = monotonic - self.start
        return self.shown + since + int(since * self.rate)


class Clock:
    """The arithmetic: monotonic time to time of day. May be read by any thread.

    What ``observe`` decides is in effect a second later. All threads have taken notice by then, so
    that none has seen a time that the others come to only later.
    """

    NOTICE = SECOND
    __slots__ = ("_looked_at", "_stepped_at", "line")

    def __init__(self, first: Reading) -> None:
        self.line = _Line(first.monotonic, first.wall)
        self._looked_at = first.monotonic
        self._stepped_at: int | None = None

    def at(self, monotonic: int) -> int:
        """What the clock shows at ``monotonic``: ns since the epoch."""
        return self.line.at(monotonic)

    def due(self, monotonic: int) -> bool:
        """It is time for another ``observe``."""
        return monotonic - self._looked_at >= EVERY

    def observe(self, reading: Reading) -> int:
        """Follow the time of day from here on; the ns to be jumped over, which is mostly none. To
        be called by one thread, twice ``NOTICE`` after the last at least: a thread that read the
        monotonic clock before that was over may take as long to ask what it means."""
        if reading.took > QUICK:
            return 0
        now = self._looked_at = reading.monotonic
        behind = reading.wall - self.line.at(now)
        jump = behind if self._steps(behind, now) else 0
        even = jump or abs(behind) < CLOSE
        rate = 0.0 if even else max(-FASTEST, min(FASTEST, behind / CATCH_UP))
        start = now + self.NOTICE
        before = _Line(self.line.start, self.line.shown, self.line.rate)
        self.line = _Line(start, before.at(start) + jump, rate, before)
        return jump

    def _steps(self, behind: int, now: int) -> bool:
        """Whether the time of day is to be taken at once."""
        if abs(behind) <= STEP:
            self._stepped_at = None
        elif self._stepped_at is None:
            self._stepped_at = now
        elif behind > 0 and now - self._stepped_at >= STEP_STANDS:
            self._stepped_at = None
            return True
        return False


_monotonic: Callable[[], int] = (
    partial(time.clock_gettime_ns, time.CLOCK_BOOTTIME)
    if hasattr(time, "CLOCK_BOOTTIME")
    else time.monotonic_ns
)


def _look() -> Reading:
    """The quickest of some readings: this thread may lose its turn between two clocks."""
    readings = []
    for _ in range(TRIES):
        before, wall, after = _monotonic(), time.time_ns(), _monotonic()
        readings.append(Reading((before + after) // 2, wall, after - before))
    return min(readings, key=lambda reading: reading.took)


_clock = Clock(_look())


def now() -> int:
    """Nanoseconds since the epoch (UTC); never goes back."""
    monotonic, line = _monotonic(), _clock.line
    if line.rate or monotonic < line.start:
        return line.at(monotonic)
    return line.shown + monotonic - line.start  # mostly, and once for each message


def follow() -> None:
    """Keep to the time of day; to be called now and then, by one thread."""
    if _clock.due(_monotonic()) and (jumped := _clock.observe(_look())):
        log.warning("the time of day was set forward by %.1f s: so is this clock", jumped / SECOND)
