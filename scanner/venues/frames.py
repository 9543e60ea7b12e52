"""Messages that lie in memory one behind the other."""

from __future__ import annotations

from collections.abc import Iterator
from ctypes import c_int64, string_at


def messages(buffer: int, starts: int, ends: int, count: int) -> Iterator[bytes]:
    """Copies of the messages at ``buffer``; arguments as in ``scanner.feeds.shell.Lane``."""
    numbers = c_int64 * count
    for start, end in zip(numbers.from_address(starts), numbers.from_address(ends), strict=True):
        yield string_at(buffer + start, end - start)
