"""The groups that opportunities fall into, numbered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from msgspec import Struct

from storage.columns import Array, hour_of, weekday_of
from storage.queries.filter import By
from storage.summary import Series

Names = Mapping[str, str | int]
SLOTS = {By.HOUR: 24, By.WEEKDAY: 7}
KEYS = {
    By.SYMBOL: ("symbol", "currency"),
    By.ROUTE: ("buy", "sell", "currency"),
    By.VENUE: ("buy", "sell", "currency"),
    By.HOUR: ("currency",),
    By.WEEKDAY: ("currency",),
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
        self.slots = SLOTS.get(by, 1)
        self._keys = {key: i for i, key in enumerate(dict.fromkeys(map(self._key, all_series)))}
        self.count = len(self._keys) * self.slots

    def table(self, numbers: Mapping[Series, int]) -> Array:
        """From the number of a series to that of its key; -1 where it has none."""
        table = np.full(max(numbers.values(), default=0) + 1, -1, np.int64)
        for one, number in numbers.items():
            table[number] = self._keys.get(self._key(one), -1)
        return table

    def numbers(self, key: Array, opened_at: Array | None) -> Array:
        """The numbers of opportunities by their keys and, where there are slots, times."""
        if opened_at is None or self.slots == 1:
            return key
        slot = hour_of(opened_at) if self._by is By.HOUR else weekday_of(opened_at)
        return key * self.slots + slot

    def number(self, one: Series, opened_at: int) -> int:
        """The number of a single opportunity, -1 if it has none."""
        key = self._keys.get(self._key(one), -1)
        return -1 if key < 0 else int(self.numbers(np.array(key), np.array(opened_at)))

    def groups(self) -> list[Label]:
        """All groups."""
        if self._by is By.VENUE:
            return self._venues()
        return [
            Label(self._names(key, slot), key[-1], [number * self.slots + slot])
            for key, number in self._keys.items()
            for slot in range(self.slots)
        ]

    def _key(self, one: Series) -> tuple[str, ...]:
        return tuple(getattr(one, field) for field in KEYS[self._by])

    def _names(self, key: tuple[str, ...], slot: int) -> Names:
        if self._by in SLOTS:
            return {self._by.value: slot}
        return dict(zip(KEYS[self._by], key[:-1], strict=False))

    def _venues(self) -> list[Label]:
        members: dict[tuple[str, str], list[int]] = {}
        for (*venues, currency), number in self._keys.items():
            for venue in dict.fromkeys(venues):
                members.setdefault((venue, currency), []).append(number)
        return [
            Label({"venue": venue}, currency, theirs)
            for (venue, currency), theirs in members.items()
        ]
