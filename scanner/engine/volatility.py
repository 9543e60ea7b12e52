"""How much a price moves: a running estimate from the mids of each book."""

from __future__ import annotations

import math

from msgspec import Struct

SECOND = 1_000_000_000
HOUR_S = 3600.0
# As for correlations: shorter returns are more of the book than of the price.
EVERY = 10 * SECOND
# What is further apart was not seen in between, and says nothing of what is recent.
GAP = 60 * SECOND
HALF_LIFE_S = 1800.0
ENOUGH = 30


class Volatility(Struct):
    """Squared log returns over the time they took, recent ones counting most: a half-life of half
    an hour. The mean return is taken for zero, which over seconds it is."""

    at: int = 0
    mid: float = 0.0
    count: int = 0
    squares: float = 0.0
    seconds: float = 0.0

    def sample(self, mid: float, at: int) -> None:
        """The mid at a time (ns); taken if the last sample is old enough."""
        elapsed = at - self.at
        if self.at and 0 <= elapsed < EVERY:
            return
        if self.at and 0 < elapsed <= GAP:
            seconds = elapsed / SECOND
            kept = 0.5 ** (seconds / HALF_LIFE_S)
            change = math.log(mid / self.mid)
            self.count += 1
            self.squares = self.squares * kept + change * change
            self.seconds = self.seconds * kept + seconds
        self.at, self.mid = at, mid

    @property
    def hourly_bps(self) -> float | None:
        """The standard deviation of an hour's return, bps; None while too little was seen."""
        if self.count < ENOUGH:
            return None
        return math.sqrt(self.squares / self.seconds * HOUR_S) * 1e4
