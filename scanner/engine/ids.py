"""Identifiers that sort by time: UUID version 7 (RFC 9562, 5.7)."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID


class Ids:
    """UUIDv7 made from a given time, a counter within the millisecond, and random bits.

    ``bits(n)`` answers an integer of ``n`` random bits; it is the caller's, so a replay can repeat.
    """

    def __init__(self, bits: Callable[[int], int]) -> None:
        self._bits = bits
        self._last = 0
        self._counter = 0

    def new(self, at: int) -> str:
        """An id for time ``at`` (ns), greater than all before it."""
        milliseconds = max(at // 1_000_000, self._last)
        if milliseconds == self._last:
            self._counter += 1
            if self._counter >= 1 << 12:
                milliseconds, self._counter = milliseconds + 1, 0
        else:
            self._counter = 0
        self._last = milliseconds
        value = (milliseconds & (1 << 48) - 1) << 80 | 7 << 76 | self._counter << 64
        return str(UUID(int=value | 2 << 62 | self._bits(62)))
