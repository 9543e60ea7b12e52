"""The groups that opportunities fall into, numbered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
from msgspec import Struct

from storage.columns import Array, hour_of_week
from storage.queries.filter import By
from storage.series import Series

Names = Mapping[str, str | int]
SLOTS = {By.HOUR: 24, By.WEEKDAY: 7}
NAMES = {By.SYMBOL: ("symbol",), By.ROUTE: ("buy", "sell"), By.VENUE: ("buy", "sell")}
# From a series to what it is grouped by and, at the end, its currency.
KEYS: dict[By, Callable[[Series], tuple[str, ...]]] = {
    By.SYMBOL: lambda one: (one[1], one[4]),
    By.ROUTE: lambda one: one[2:],
    By.VENUE: lambda one: one[2:],
    By.HOUR: lambda one: one[4:],
    By.WEEKDAY: lambda one: one[4:],
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
        keys, key = self._keys, self._key
        table[[*numbers.values()]] = [keys.get(key(one), -1) for one in numbers]
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
        return (
            -1 if key < 0 else int(self.numbers(np.array(key), hour_of_week(np.array(opened_at))))
        )

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
