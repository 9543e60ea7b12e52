"""Messages that lie in memory one behind the other."""

from __future__ import annotations

from collections.abc import Iterator
from ctypes import c_int64, string_at


def message(buffer: int, starts: int, ends: int, number: int) -> bytes:
    """A copy of one message at ``buffer``; arguments as in ``scanner.feeds.shell.Lane``."""
    start = c_int64.from_address(starts + 8 * number).value
    return string_at(buffer + start, c_int64.from_address(ends + 8 * number).value - start)


def messages(buffer: int, starts: int, ends: int, count: int) -> Iterator[bytes]:
    """Copies of all of them."""
    return (message(buffer, starts, ends, number) for number in range(count))
