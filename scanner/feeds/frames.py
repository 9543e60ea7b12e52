"""WebSocket frames found in a buffer: a compiled pass over one read.

Only what makes up nearly all of a feed is taken here: whole, unfragmented, unmasked data frames
(RFC 6455, section 5.2) without reserved bits and within the limit. At anything else the pass stops
and says how long that frame is, for whoever knows the whole protocol.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numba import carray

from scanner.books.jit import kernel, pointer

MOST = 4096
"""Frames in a run."""

WAIT, OTHER, FULL = range(3)
"""Why a pass stopped: the next frame is not all there; it is none for this pass, and ``OWED``
bytes of the stream belong to it; the run is full."""

NEXT, WHY, OWED, BYTES, HEAD = range(5)
"""The columns of a run's table before its starts and ends: where the next frame begins, why the
pass stopped there, what is owed, how many bytes the messages of the run have."""

ENDLESS = 1 << 62
"""What a frame that cannot be valid is owed: everything that comes."""


@kernel
def split(memory, at, end, limit, capacity, table):
    """Find the frames in ``memory[at:end]``; how many were found.

    ``memory``, ``table``: addresses. ``limit``: the largest payload, bytes; negative when no data
    frame may be taken. ``capacity``: the largest frame, header included, that can be waited for.
    """
    data = carray(pointer(memory), (end,), np.uint8)
    run = carray(pointer(table), (HEAD + 2 * MOST,), np.int64)
    count = 0
    why = WAIT
    owed = 0
    found = 0
    while end - at >= 2:
        if count == MOST:
            why = FULL
            break
        first = np.int64(data[at])
        second = np.int64(data[at + 1])
        opcode = first & 15
        if second & 128 or 3 <= opcode <= 7 or opcode > 10:
            why = OTHER
            owed = ENDLESS
            break
        size = second
        body = at + 2
        if second >= 126:
            wide = 2 if second == 126 else 8
            if end - body < wide:
                break
            size = 0
            for i in range(body, body + wide):
                if size >= 1 << 54:
                    size = ENDLESS
                    break
                size = size << 8 | np.int64(data[i])
            body += wide
        total = body - at + size
        plain = (first == 0x81 or first == 0x82) and size <= limit
        if not plain or total > capacity:
            why = OTHER
            owed = min(total, ENDLESS)
            break
        if total > end - at:
            break
        run[HEAD + count] = body
        run[HEAD + MOST + count] = body + size
        count += 1
        found += size
        at += total
    run[NEXT] = at
    run[WHY] = why
    run[OWED] = owed
    run[BYTES] = found
    return count


class Run:
    """The messages of one read, still in the buffer; they are gone when the next read begins.

    ``address``: of the buffer; ``starts``, ``ends``: addresses of the first ``count`` offsets from
    it (int64); ``bytes``: how long the messages are together. Iterate for copies.
    """

    __slots__ = ("_arrays", "_table", "address", "bytes", "count", "ends", "memory", "starts")

    def __init__(self, capacity: int) -> None:
        """``capacity``: bytes in the buffer."""
        # From the system, and zero: pages that no read ever fills cost nothing.
        buffer: np.ndarray[Any, np.dtype[np.uint8]] = np.zeros(capacity, np.uint8)
        table: np.ndarray[Any, np.dtype[np.int64]] = np.zeros(HEAD + 2 * MOST, np.int64)
        self._arrays = (buffer, table)
        self._table = table.data
        self.memory = buffer.data
        self.address: int = buffer.ctypes.data
        self.starts: int = table[HEAD:].ctypes.data
        self.ends: int = table[HEAD + MOST :].ctypes.data
        self.count = 0
        self.bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        memory, table = self.memory, self._table
        for i in range(HEAD, HEAD + self.count):
            yield memory[table[i] : table[i + MOST]].tobytes()

    def find(self, at: int, end: int, limit: int) -> tuple[int, int, int]:
        """Look through ``memory[at:end]``: where the pass stopped, why, and what is owed."""
        table = self._table
        start = self.starts - 8 * HEAD
        self.count = split(self.address, at, end, limit, len(self.memory), start)
        self.bytes = table[BYTES]
        return table[NEXT], table[WHY], table[OWED]
