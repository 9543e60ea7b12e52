"""How long to wait before the next try.

Full jitter (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/): anything
between nothing and a ceiling that doubles with each failure, so that many clients of a venue that
comes back do not come back together.
"""

from __future__ import annotations

from random import Random

from scanner.venues.parts import SECOND

MOST_DOUBLINGS = 32


class Backoff:
    """The delays of one connection. ``first``, ``cap`` and ``steady`` are seconds.

    A connection that opens proves nothing: only one whose book has been valid and that has then
    stood for ``steady`` seconds makes the next failure a first one again.
    """

    __slots__ = ("_cap", "_first", "_proved_at", "_rng", "_steady", "failures")

    def __init__(self, *, first: float, cap: float, steady: float, rng: Random) -> None:
        self._first = first
        self._cap = cap
        self._steady = int(steady * SECOND)
        self._rng = rng
        self._proved_at: int | None = None
        self.failures = 0

    def observe(self, proved: bool, at: int) -> None:
        """Note whether the connection has given a valid book; to be told a few times a second."""
        if not proved:
            return
        if self._proved_at is None:
            self._proved_at = at
        if at - self._proved_at >= self._steady:
            self.failures = 0

    def failed(self) -> float:
        """The connection has ended: seconds until the next try."""
        self._proved_at = None
        ceiling = self.ceiling()
        self.failures += 1
        return self._rng.uniform(0.0, ceiling)

    def ceiling(self) -> float:
        """The longest that the next delay can be, in seconds."""
        return min(self._cap, self._first * float(2 ** min(self.failures, MOST_DOUBLINGS)))
