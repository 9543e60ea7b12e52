"""Which venue sends how much to which other: the moves that cost least.

It is a transportation problem whose costs are fixed: a withdrawal costs the same whatever its
amount. The cost of an answer is then concave in its amounts, so one of the least is a corner of
what is possible: a forest of moves, in which some move always empties its source or fills its
target (a leaf). Taking such moves one after another, each as far as it goes, reaches every corner.
So it is a search for the cheapest way (A*) from all that is there and wanted to nothing wanted,
over what is left after each move; what is sure to come is the cheapest route into each target that
still lacks something. Up to ``MOST_ROUTES`` routes that is exact. Beyond them the cheapest route
that is left is used as far as it goes, again and again: all is moved, perhaps not for the least.

Amounts and costs are whole multiples of a unit that divides all of them, so nothing is lost to
rounding and equal sums are equal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from heapq import heappop, heappush
from typing import NamedTuple, TypeAlias

from msgspec import Struct

from scanner.engine.terms import exact

# Three venues by three, which takes some milliseconds at the worst: the scan waits for it.
MOST_ROUTES = 9
# What is a smaller part of all is noise of floats, and not worth a withdrawal.
NOISE = 10**10
# More than there are moves, or tenths of minutes of all of them.
MANY, LONG = 1 << 10, 1 << 30
LONGEST_MINUTES = 10_080.0

Units: TypeAlias = tuple[int, ...]
State: TypeAlias = tuple[Units, Units]
Step: TypeAlias = tuple[int, int, int]


class Route(Struct, frozen=True, kw_only=True):
    """What one move between two places costs, whatever its amount: ``fee`` of what is moved, none
    below ``least``, ``minutes`` (None: not known). ``closed`` or not ``known`` to be open: it is
    used only where there is no other way."""

    closed: bool = False
    known: bool = True
    fee: float = 0.0
    least: float = 0.0
    minutes: float | None = None


class Shipment(NamedTuple):
    """``amount`` goes from one place of the sources to one of the targets."""

    source: int
    target: int
    amount: float


def assign(
    there: Sequence[float], wanted: Sequence[float], routes: Sequence[Sequence[Route]]
) -> list[Shipment]:
    """The moves that bring each target what is ``wanted`` of what is ``there``, by source; what is
    there beyond that stays. ``routes``: by source, then by target. In the order of the places.

    As few closed ones as can be, then as few unknown ones, then as few below the least amount; of
    these the lowest fees together, then the fewest moves, then the shortest."""
    amounts = [exact(amount) for amount in (*there, *wanted)]
    scale = math.lcm(*(amount.denominator for amount in amounts))
    units = [int(amount * scale) for amount in amounts]
    search = _Search(routes, scale, sum(units) // NOISE)
    start = tuple(units[: len(there)]), tuple(units[len(there) :])
    few = len(there) * len(wanted) <= MOST_ROUTES
    steps = search.best(start) if few else search.greedy(start)
    return [Shipment(i, j, amount / scale) for i, j, amount in sorted(steps)]


class _Search:
    """``noise``: so many units are none."""

    def __init__(self, routes: Sequence[Sequence[Route]], scale: int, noise: int) -> None:
        self._noise = noise
        fees = [[exact(route.fee) for route in row] for row in routes]
        unit = math.lcm(*(fee.denominator for row in fees for fee in row))
        # A move too small outweighs all fees, one not known to be open all of these, and so on.
        small = int(sum(max(row) for row in fees) * len(fees[0]) * unit + 1) * MANY * LONG
        self._small = small
        self._weights = [
            [_weight(*both, unit, small) for both in zip(row, row_fees, strict=True)]
            for row, row_fees in zip(routes, fees, strict=True)
        ]
        self._least = [[math.ceil(exact(route.least) * scale) for route in row] for row in routes]
        self._sure = [min(column) for column in zip(*self._weights, strict=True)]

    def best(self, start: State) -> list[Step]:
        """The cheapest steps."""
        costs: dict[State, int] = {start: 0}
        before: dict[State, tuple[State, Step]] = {}
        waiting = [(0, 0, start)]
        while waiting:
            _, cost, state = heappop(waiting)
            if cost > costs[state]:
                continue
            steps = self._steps(state)
            if not steps:
                return _path(state, before)
            for step in steps:
                after, total = self._after(state, step), cost + self._cost(step)
                if after not in costs or total < costs[after]:
                    costs[after], before[after] = total, (state, step)
                    heappush(waiting, (total + self._to_come(after), total, after))
        return []

    def greedy(self, state: State) -> list[Step]:
        """The cheapest step at each time."""
        taken = []
        while steps := self._steps(state):
            taken.append(min(steps, key=lambda step: (self._cost(step), step)))
            state = self._after(state, taken[-1])
        return taken

    def _steps(self, state: State) -> list[Step]:
        there, wanted = state
        return [
            (i, j, min(has, lacks))
            for j, lacks in enumerate(wanted)
            if lacks
            for i, has in enumerate(there)
            if has
        ]

    def _cost(self, step: Step) -> int:
        i, j, amount = step
        return self._weights[i][j] + (self._small if amount < self._least[i][j] else 0)

    def _to_come(self, state: State) -> int:
        return sum(cost for cost, lacks in zip(self._sure, state[1], strict=True) if lacks)

    def _after(self, state: State, step: Step) -> State:
        there, wanted = state
        i, j, amount = step
        return self._less(there, i, amount), self._less(wanted, j, amount)

    def _less(self, units: Units, place: int, amount: int) -> Units:
        left = units[place] - amount
        return (*units[:place], left if left > self._noise else 0, *units[place + 1 :])


def _weight(route: Route, fee: Fraction, unit: int, small: int) -> int:
    """All that a route costs as one number, in which each part outweighs all that follow."""
    minutes = LONGEST_MINUTES if route.minutes is None else min(route.minutes, LONGEST_MINUTES)
    barred = small * MANY * (MANY if route.closed else 0 if route.known else 1)
    return barred + (int(fee * unit) * MANY + 1) * LONG + int(minutes * 10)


def _path(state: State, before: dict[State, tuple[State, Step]]) -> list[Step]:
    steps = []
    while state in before:
        state, step = before[state]
        steps.append(step)
    return steps
