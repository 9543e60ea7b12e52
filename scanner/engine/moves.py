"""Whether two prices move along: the returns of both, sampled at the same times."""

from __future__ import annotations

import math

from msgspec import Struct

SECOND = 1_000_000_000
# Shorter returns of one coin are hardly correlated between venues (the Epps effect).
EVERY = 10 * SECOND
ENOUGH = 30
TOGETHER, APART = 0.5, 0.2


class Moves(Struct):
    """Sums over the sampled log returns of two prices; none counts in which neither moved."""

    at: int = 0
    one: float = 0.0
    other: float = 0.0
    count: int = 0
    same_way: int = 0
    products: float = 0.0
    squares_one: float = 0.0
    squares_other: float = 0.0

    def sample(self, one: float, other: float, at: int) -> None:
        """The prices at a time (ns); taken if the last sample is old enough."""
        if self.at and at - self.at < EVERY:
            return
        if self.at and (one != self.one or other != self.other):
            x, y = math.log(one / self.one), math.log(other / self.other)
            self.count += 1
            self.same_way += x * y > 0
            self.products += x * y
            self.squares_one += x * x
            self.squares_other += y * y
        self.at, self.one, self.other = at, one, other

    @property
    def correlation(self) -> float:
        """Of the returns about zero, which over seconds is what they are expected to be; 0 where
        one of the two has not moved."""
        squares = self.squares_one * self.squares_other
        return self.products / math.sqrt(squares) if squares > 0 else 0.0

    @property
    def agreement(self) -> float:
        """The part of the returns in which both went the same way."""
        return self.same_way / self.count if self.count else 0.0

    @property
    def together(self) -> bool | None:
        """Whether they move along; None while that cannot be said."""
        if self.count < ENOUGH or APART < self.correlation < TOGETHER:
            return None
        return self.correlation >= TOGETHER
