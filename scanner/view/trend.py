"""What a look remembers, bounded: a value by the second, and how fast a counter counts."""

from __future__ import annotations

from collections import deque

SECOND = 1_000_000_000
BRIDGED = 3


class Trend:
    """The highest value of each of the last ``length`` seconds; None where there was none. Up to
    ``BRIDGED`` seconds in which nobody looked are as the one before them."""

    def __init__(self, length: int) -> None:
        self._seconds: deque[float | None] = deque(maxlen=length)
        self._length = length
        self._newest = 0

    def note(self, value: float | None, at: int) -> None:
        """It is ``value`` at the time ``at`` (ns), or unknown."""
        second = at // SECOND
        passed = second - self._newest
        if not self._seconds or passed > 0:
            missed = min(passed - 1, self._length) if self._seconds else 0
            before = self._seconds[-1] if 0 < missed <= BRIDGED else None
            self._seconds.extend([before] * missed)
            self._seconds.append(value)
            self._newest = second
        elif value is not None:
            last = self._seconds[-1]
            self._seconds[-1] = value if last is None else max(last, value)

    def last(self, count: int) -> tuple[float | None, ...]:
        """The newest ``count`` seconds at most, oldest first."""
        return tuple(self._seconds)[-count:]


class Rate:
    """Counts a second over the last ``window`` ns."""

    def __init__(self, window: int = 5 * SECOND) -> None:
        self._window = window
        self._counts: deque[tuple[int, int]] = deque()

    def note(self, count: int, at: int) -> float:
        """The counter stands at ``count``; its rate."""
        counts = self._counts
        if counts and count < counts[-1][1]:
            counts.clear()  # it has begun anew
        counts.append((at, count))
        while at - counts[0][0] > self._window and len(counts) > 2:
            counts.popleft()
        since, first = counts[0]
        return (count - first) * SECOND / (at - since) if at > since else 0.0
