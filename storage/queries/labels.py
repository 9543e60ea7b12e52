"""The groups that opportunities fall into, numbered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import repeat
from operator import itemgetter

import numpy as np
from msgspec import Struct

from storage.columns import Array, hour_of_week
from storage.queries.filter import By
from storage.series import Series

Names = Mapping[str, str | int]
SLOTS = {By.HOUR: 24, By.WEEKDAY: 7}
NAMES = {
    By.SYMBOL: ("symbol",),
    By.ROUTE: ("buy", "sell"),
    By.VENUE: ("buy", "sell"),
    By.KIND: ("kind",),
}
# From a series to what it is grouped by and, at the end, its currency.
KEYS: dict[By, Callable[[Series], tuple[str, ...]]] = {
    By.SYMBOL: itemgetter(1, 4),
    By.ROUTE: itemgetter(2, 3, 4),
    By.VENUE: itemgetter(2, 3, 4),
    By.KIND: itemgetter(0, 4),
    By.HOUR: itemgetter(slice(4, None)),
    By.WEEKDAY: itemgetter(slice(4, None)),
}


class Label(Struct, frozen=True):
    """What a group is called, and the numbers whose figures are its own."""

    names: Names
    currency: str
    members: list[int]


class Labels:
    """The groups of ``by`` that the given series fall into.

    What the series says of an opportunity is its key; hours and weekdays divide every key into
    slots. Figures are kept for each key and slot: ``key * slots + slot`` is their number. A group
    has one of them; a venue has those of all its routes.
    """

    def __init__(self, by: By, all_series: Iterable[Series]) -> None:
        self._by = by
        self._key = KEYS[by]
        self.slots = SLOTS.get(by, 1)
        self._keys = {key: i for i, key in enumerate(dict.fromkeys(map(self._key, all_series)))}
        self.count = len(self._keys) * self.slots

    def table(self, numbers: Mapping[Series, int], count: int) -> Array:
        """From the number of a series, of ``count`` in all, to that of its key; -1 where it has
        none."""
        table = np.full(count, -1, np.int64)
        own = map(self._keys.get, map(self._key, numbers), repeat(-1))
        where = np.fromiter(numbers.values(), np.int64, len(numbers))
        table[where] = np.fromiter(own, np.int64, len(numbers))
        return table

    def numbers(self, key: Array, hours: Array | None) -> Array:
        """The numbers of opportunities by their keys and, where there are slots, the hours of the
        week in which they opened."""
        if hours is None or self.slots == 1:
            return key
        return key * self.slots + self.slot(hours)

    def slot(self, hours: Array) -> Array:
        """The slot of each hour of the week."""
        return hours % 24 if self._by is By.HOUR else hours // 24

    def number(self, one: Series, opened_at: int) -> int:
        """The number of a single opportunity, -1 if it has none."""
        key = self._keys.get(self._key(one), -1)
        if key < 0 or self.slots == 1:
            return key
        return int(self.numbers(np.array(key), hour_of_week(np.array(opened_at))))

    def groups(self) -> list[Label]:
        """All groups."""
        if self._by is By.VENUE:
            return self._venues()
        return [
            Label(self._names(key, slot), key[-1], [number * self.slots + slot])
            for key, number in self._keys.items()
            for slot in range(self.slots)
        ]

    def _names(self, key: tuple[str, ...], slot: int) -> Names:
        if self._by in SLOTS:
            return {self._by.value: slot}
        return dict(zip(NAMES[self._by], key[:-1], strict=True))

    def _venues(self) -> list[Label]:
        members: dict[tuple[str, str], list[int]] = {}
        for (*venues, currency), number in self._keys.items():
            for venue in dict.fromkeys(venues):
                members.setdefault((venue, currency), []).append(number)
        return [
            Label({"venue": venue}, currency, theirs)
            for (venue, currency), theirs in members.items()
        ]
