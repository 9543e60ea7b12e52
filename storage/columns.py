"""Opportunities packed by column: what is asked of many at once, at some nanoseconds for each.

A block is the closed opportunities of one symbol that opened on one day. Each of its columns is a
little-endian array of its own, so that a question reads only the columns it is about.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]

DAY = 86_400_000_000_000
HOUR = 3_600_000_000_000
TYPES: dict[str, np.dtype[Any]] = {
    "series_id": np.dtype("<u4"),
    "peak_net_bps": np.dtype("<f8"),
    "peak_net_profit": np.dtype("<f8"),
    "duration": np.dtype("<i8"),
    "opened_at": np.dtype("<i8"),
    "ids": np.dtype("V16"),
}
# What follows from them, and is kept beside them.
DERIVED: dict[str, np.dtype[Any]] = {
    "profit_buckets": np.dtype("<i2"),
    "duration_buckets": np.dtype("<i2"),
    "hours": np.dtype("u1"),  # of the week
}


def joined(name: str, blocks: Sequence[bytes]) -> Array:
    """One column of many blocks, in their order."""
    return np.frombuffer(b"".join(blocks), (TYPES | DERIVED)[name])


def packed(name: str, values: Array) -> bytes:
    """A column as it is stored."""
    return values.astype(TYPES[name], copy=False).tobytes()


def id_bytes(ids: Sequence[str]) -> Array:
    """Ids (UUIDs as text) as a column."""
    return np.frombuffer(b"".join(UUID(one).bytes for one in ids), TYPES["ids"])


def id_text(value: np.void) -> str:
    """An element of the column of ids as text."""
    return str(UUID(bytes=value.tobytes()))


def hour_of(opened_at: Array) -> Array:
    """The hour of the day (UTC), 0 to 23."""
    return opened_at // HOUR % 24


def weekday_of(opened_at: Array) -> Array:
    """The day of the week (UTC), 0 is Monday; the epoch was a Thursday."""
    return (opened_at // DAY + 3) % 7


def hour_of_week(opened_at: Array) -> Array:
    """The hour of the week (UTC), 0 to 167, as bytes; 0 is Monday's first."""
    return ((opened_at // HOUR + 3 * 24) % 168).astype(np.uint8)
