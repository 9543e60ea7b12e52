"""Identifiers of runs: UUID version 7 (RFC 9562, 5.7), which sort by time."""

from __future__ import annotations

from secrets import randbits
from uuid import UUID

_MILLISECOND = 1_000_000


def new_id(at: int) -> str:
    """An id for the time ``at`` (ns)."""
    value = _time(at) | 7 << 76 | randbits(12) << 64 | 2 << 62 | randbits(62)
    return str(UUID(int=value))


def lowest_id(at: int) -> str:
    """What no id of ``at`` or later sorts below, and all of an earlier millisecond do."""
    return str(UUID(int=_time(at)))


def _time(at: int) -> int:
    return (max(0, at) // _MILLISECOND & (1 << 48) - 1) << 80
