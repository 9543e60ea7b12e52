"""How far simulated contracts stand from the coins they are on, and what that makes holders pay."""

from __future__ import annotations

import math
from random import Random

from msgspec import Struct

from scanner.lab.units import SECOND

BPS = 1e-4
YEAR = 365 * 24 * 3600 * SECOND
HOUR = 3600 * SECOND
USUAL = 8 * HOUR


class Premium:
    """The logarithm of a contract's price over the coin's.

    It wanders around a distance of its own, and now and then is pushed away for a while: that is
    where basis opens and closes. Of a contract with a date of expiry, ``carry`` a year comes on top
    of it and fades until then.
    """

    STEP = SECOND
    WIDTH = 1.5 * BPS
    HALF_LIFE = 40.0
    BIAS = (-9.0 * BPS, 11.0 * BPS)
    PUSH = (12.0 * BPS, 45.0 * BPS)
    LASTS = (6.0, 25.0)
    EVERY = 45.0

    def __init__(self, random: Random, at: int, *, expiry: int = 0, carry: float = 0.0) -> None:
        self._random = random
        self._expiry = expiry
        self._carry = carry
        self._bias = random.uniform(*self.BIAS)
        self._value = self._bias
        self._pushed = 0.0
        self._until = 0
        self._last = at // self.STEP

    @property
    def usual(self) -> float:
        """Around what it wanders."""
        return self._bias

    def fair(self, when: int) -> float:
        """What the mark follows; ``when`` only grows from call to call."""
        while self._last < when // self.STEP:
            self._last += 1
            self._advance(self._last * self.STEP)
        left = max(self._expiry - when, 0) / YEAR if self._expiry else 0.0
        return self._value + self._carry * left

    def traded(self, when: int) -> float:
        """What the book follows: it may be pushed away from the mark."""
        return self.fair(when) + (self._pushed if when < self._until else 0.0)

    def _advance(self, when: int) -> None:
        kept = math.exp(-math.log(2.0) / self.HALF_LIFE)
        noise = self.WIDTH * math.sqrt(1.0 - kept * kept)
        away = (self._value - self._bias) * kept + self._random.gauss(0.0, noise)
        self._value = self._bias + away
        if when >= self._until and self._random.random() < 1.0 / self.EVERY:
            self._pushed = self._random.uniform(*self.PUSH) * self._random.choice((-1.0, 1.0))
            self._until = when + int(self._random.uniform(*self.LASTS) * SECOND)


class Settlement(Struct, frozen=True):
    """Funding that was paid: at the boundary ``at`` (ns), this fraction of the position's value,
    one coin being worth ``mark``."""

    at: int
    rate: float
    mark: float = 0.0


def rate_of(premium: float, interval: int) -> float:
    """A premium made into a rate for ``interval`` ns, as in ``Funding``."""
    pull = max(-Funding.CLAMP, min(Funding.CLAMP, Funding.INTEREST - premium))
    rate = (premium + pull) * interval / USUAL
    return round(max(-Funding.MOST, min(Funding.MOST, rate)), 8)


class Funding:
    """The rate of one perpetual: the premium since the last boundary, made into a rate as venues do
    (https://www.binance.com/en/support/faq/360033525031).

    ``rate = average premium + clamp(interest - average premium, -0.05 %, 0.05 %)``, interest 0.01 %
    in eight hours, all of it in proportion to the interval and no more than 0.75 %. It settles at
    every boundary; ``settled`` holds what was paid, the last one last.
    """

    INTEREST = 0.0001
    CLAMP = 0.0005
    MOST = 0.0075

    def __init__(self, interval: int, first: int) -> None:
        self.interval = interval
        self.next_at = first
        self.settled: list[Settlement] = []
        self._sum = 0.0
        self._count = 0
        self._latest = 0.0

    @property
    def rate(self) -> float:
        """What would be paid at the next boundary if nothing changed any more."""
        premium = self._sum / self._count if self._count else self._latest
        return rate_of(premium, self.interval)

    @property
    def predicted(self) -> float:
        """The forecast of the rate after that: the premium of now, for a whole interval."""
        return rate_of(self._latest, self.interval)

    def observe(self, premium: float, at: int, mark: float = 0.0) -> None:
        """The premium at the time ``at``; boundaries up to then are settled first, at ``mark``."""
        while at >= self.next_at:
            self.settled.append(Settlement(self.next_at, self.rate, mark))
            self.next_at += self.interval
            self._sum, self._count = 0.0, 0
        self._latest = premium
        self._sum += premium
        self._count += 1


class Depeg:
    """A stablecoin that is worth less for a while: the logarithm of its price in dollars.

    Some seconds from the start, within ``AFTER``, it falls within ``FALL`` seconds by something
    within ``DEPTH``, stays for ``STAYS`` and comes back over ``BACK``.
    """

    DEPTH = (0.015, 0.03)
    AFTER = (15.0, 25.0)
    FALL, STAYS, BACK = 8, 40, 20

    def __init__(self, random: Random, at: int) -> None:
        self.depth = random.uniform(*self.DEPTH)
        self.start = at + int(random.uniform(*self.AFTER) * SECOND)

    def at(self, when: int) -> float:
        """How far it has fallen at ``when``."""
        seconds = (when - self.start) / SECOND
        falling = seconds / self.FALL
        rising = 1.0 - (seconds - self.FALL - self.STAYS) / self.BACK
        return -self.depth * max(0.0, min(falling, 1.0, rising))
