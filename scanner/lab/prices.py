"""What moves the simulated market: fair prices, each venue's offset from them, and spreads.

All of it is a function of the seed and of simulated time, whatever the pace at which it is asked.
Prices move in logarithms; offsets are fractions.
"""

from __future__ import annotations

import math
from collections import deque
from random import Random

from msgspec import Struct

from scanner.lab.units import SECOND

BPS = 1e-4


class FairPrice:
    """One currency in US dollars: a random walk with jumps, on a grid of time.

    ``drift`` is in bps per square root of a second. A jump of up to ``JUMP`` bps comes every
    ``CALM`` seconds on average. The last seconds are kept, for the venues that lag behind.
    """

    STEP = 50_000_000
    REMEMBERED = 100
    CALM = 40.0
    JUMP = 25.0

    def __init__(self, random: Random, usd: float, drift: float, at: int) -> None:
        self._random = random
        self._step = drift * BPS * math.sqrt(self.STEP / SECOND)
        self._jumps = self.STEP / SECOND / self.CALM if drift >= 0.5 else 0.0
        spread = 0.02 if drift >= 0.5 else 0.0
        self._logs = deque([math.log(usd) + random.uniform(-spread, spread)], self.REMEMBERED)
        self._last = at // self.STEP
        self._first = self._last

    def at(self, when: int) -> float:
        """The logarithm of the price at ``when``, not further back than what is remembered."""
        step = when // self.STEP
        while self._last < step:
            self._advance()
        back = min(self._last - step, len(self._logs) - 1)
        return self._logs[-1 - back]

    def _advance(self) -> None:
        random = self._random
        move = random.gauss(0.0, self._step) if self._step else 0.0
        if self._jumps and random.random() < self._jumps:
            move += random.choice((-1, 1)) * random.uniform(4.0, self.JUMP) * BPS
        self._logs.append(self._logs[-1] + move)
        self._last += 1


class Offset:
    """How far one market stands from the fair price: it wanders and is drawn back to zero."""

    WIDTH = 0.6 * BPS
    HALF_LIFE = 8.0 * SECOND

    def __init__(self, random: Random, at: int) -> None:
        self._random = random
        self._value = random.gauss(0.0, self.WIDTH)
        self._at = at

    def at(self, when: int) -> float:
        """The offset at ``when``, which only grows from call to call."""
        kept = math.exp(-math.log(2.0) * max(when - self._at, 0) / self.HALF_LIFE)
        noise = self.WIDTH * math.sqrt(max(1.0 - kept * kept, 0.0))
        self._value = self._value * kept + self._random.gauss(0.0, noise)
        self._at = when
        return self._value


class Episode(Struct, frozen=True):
    """A market leaves the others by ``amount`` (a fraction) from ``start`` to ``end`` (ns)."""

    start: int
    end: int
    amount: float

    RAMP = SECOND // 4

    def at(self, when: int) -> float:
        """The share of ``amount`` that stands at ``when``: it comes and goes within the ramp."""
        inside = min(when - self.start, self.end - when)
        if inside <= 0:
            return 0.0
        return self.amount * min(inside / self.RAMP, 1.0)


class Rival(Struct, frozen=True):
    """A market that may leave the others of its symbol: its ``number`` in the world, and what the
    takers of the cheapest trade with another venue pay together (a fraction)."""

    number: int
    symbol: str
    fees: float


class Episodes:
    """Spreads that open and close: one starts every ``EVERY`` seconds, in the markets given.

    Of every three, two pay ``PAYS`` bps more than the fees, shares nearer the lower end more often;
    the third misses them by ``MISSES`` bps. The first starts ``EVERY[0]`` seconds after ``at``.
    """

    EVERY = (1.0, 3.5)
    LASTS = (1.5, 16.0)
    PAYS = (12.0, 80.0)
    MISSES = (1.0, 8.0)

    def __init__(self, random: Random, rivals: list[Rival], at: int) -> None:
        self._random = random
        self._rivals = rivals
        self._next = at + int(self.EVERY[0] * SECOND)
        self._kinds: list[bool] = []
        self._busy: dict[str, int] = {}

    def until(self, when: int) -> list[tuple[int, Episode]]:
        """The episodes that start up to ``when`` and were not given yet, with their markets."""
        started = []
        while self._rivals and self._next <= when:
            if (found := self._start(self._next)) is not None:
                started.append(found)
            self._next += int(self._random.uniform(*self.EVERY) * SECOND)
        return started

    def _start(self, at: int) -> tuple[int, Episode] | None:
        random = self._random
        free = [rival for rival in self._rivals if self._busy.get(rival.symbol, 0) < at]
        if not free:
            return None
        rival = random.choice(free)
        if not self._kinds:
            self._kinds = [True, True, False]
            random.shuffle(self._kinds)
        if self._kinds.pop():
            low, high = self.PAYS
            margin = low + (high - low) * random.random() ** 2
        else:
            margin = -random.uniform(*self.MISSES)
        end = at + int(random.uniform(*self.LASTS) * SECOND)
        self._busy[rival.symbol] = end + 2 * SECOND
        amount = (rival.fees + margin * BPS) * random.choice((-1.0, 1.0))
        return rival.number, Episode(at, end, amount)
