"""Keeping within what a venue allows.

The arithmetic (``Bucket``, ``Pause``, ``refusal``) is pure, time in ns is an argument; ``Pace`` is
its shell.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from math import ceil, isfinite

from scanner.venues.parts import SECOND

PAUSE_STATUSES = frozenset({418, 429, 503})
UNNAMED_PAUSE = 10.0
# The longest ban that a venue of ours documents; beyond it a header is taken for a mistake.
LONGEST_PAUSE = 3 * 86_400.0
ROUNDING = 1e-9


class Bucket:
    """Tokens that refill evenly up to ``burst``; one is taken for each thing done."""

    __slots__ = ("_at", "_burst", "_per_ns", "_tokens")

    def __init__(self, per_second: float, burst: float = 1.0) -> None:
        if not per_second > 0.0 or burst < 1.0:
            raise ValueError(f"{per_second} per second in bursts of {burst} never allows anything")
        self._per_ns = per_second / SECOND
        self._burst = float(burst)
        self._tokens = float(burst)
        self._at: int | None = None

    @classmethod
    def within(cls, count: int, seconds: float, burst: int) -> Bucket:
        """No stretch of ``seconds`` sees more than ``count``, not even one that begins with a
        burst."""
        burst = max(1, min(burst, count // 2))
        return cls(max(count - burst, 0.5) / seconds, burst)

    def wait(self, at: int) -> int:
        """Nanoseconds until a token is there; 0: now."""
        self._refill(at)
        missing = 1.0 - self._tokens
        return ceil(missing / self._per_ns) if missing > ROUNDING else 0

    def take(self, at: int) -> None:
        """Use one token, there or not."""
        self._refill(at)
        self._tokens -= 1.0

    def _refill(self, at: int) -> None:
        since = at - self._at if self._at is not None else 0
        self._at = at
        self._tokens = min(self._burst, self._tokens + max(since, 0) * self._per_ns)


class Pause:
    """A whole venue at rest, because it has said so."""

    __slots__ = ("_until",)

    def __init__(self) -> None:
        self._until = 0

    def extend(self, seconds: float, at: int) -> None:
        """Rest for at least ``seconds`` from now."""
        self._until = max(self._until, at + int(seconds * SECOND))

    def wait(self, at: int) -> int:
        """Nanoseconds of rest that are left."""
        return max(0, self._until - at)


def refusal(status: int, retry_after: str | None, at: int) -> float | None:
    """Seconds that a venue asks to be left alone by this answer; None: it does not ask.

    RFC 9110, 10.2.3: ``Retry-After`` is a number of seconds or a date. 418 is a ban at some venues.
    """
    if status not in PAUSE_STATUSES:
        return None
    asked = _seconds(retry_after, at) if retry_after else None
    if asked is None:
        return None if status == 503 else UNNAMED_PAUSE
    return min(max(asked, 0.0), LONGEST_PAUSE)


def _seconds(retry_after: str, at: int) -> float | None:
    try:
        seconds = float(retry_after)
        return seconds if isfinite(seconds) else None
    except ValueError:
        pass
    try:
        date = parsedate_to_datetime(retry_after)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - at / SECOND
    except (ValueError, OverflowError):
        return None


class Pace:
    """Turns, first come first served, as a bucket and a pause allow them."""

    def __init__(self, bucket: Bucket, now: Callable[[], int], pause: Pause | None = None) -> None:
        self._bucket = bucket
        self._now = now
        self._pause = pause or Pause()
        self._lock = asyncio.Lock()

    async def turn(self) -> None:
        """Returns when it is the caller's turn. One who is cancelled has used no turn."""
        async with self._lock:
            while wait := self._wait():
                await asyncio.sleep(wait / SECOND)
            self._bucket.take(self._now())

    def _wait(self) -> int:
        at = self._now()
        return max(self._bucket.wait(at), self._pause.wait(at))
