"""How a simulated venue counts what its clients ask of it. Times and periods in ns."""

from __future__ import annotations

from collections import deque


class Rate:
    """At most ``most`` in any ``period``.

    What is refused is not counted, unless ``strict``: then who does not slow down stays refused.
    """

    __slots__ = ("_period", "_strict", "_times")

    def __init__(self, most: int, period: int, *, strict: bool = False) -> None:
        self._times: deque[int] = deque(maxlen=most)
        self._period = period
        self._strict = strict

    @property
    def free_at(self) -> int:
        """When the oldest that counts no longer will; 0 while there is none."""
        return self._times[0] + self._period if self._times else 0

    def take(self, at: int) -> bool:
        """Count one more; False if it is one too many."""
        too_many = len(self._times) == self._times.maxlen and at < self.free_at
        if self._strict or not too_many:
            self._times.append(at)
        return not too_many


class Budget:
    """At most a weight of ``most`` in each period of the clock."""

    __slots__ = ("_most", "_number", "_period", "spent")

    def __init__(self, most: int, period: int) -> None:
        self._most = most
        self._period = period
        self._number = 0
        self.spent = 0

    def spend(self, weight: int, at: int) -> bool:
        """Count ``weight`` in any case; False if it is too much."""
        number = at // self._period
        if number != self._number:
            self._number, self.spent = number, 0
        self.spent += weight
        return self.spent <= self._most
