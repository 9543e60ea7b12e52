"""The clock: the shell reads it, the core is given its readings as ``at``."""

from __future__ import annotations

import time

# Taken once: a step of the wall clock (NTP, a sleeping laptop) must not make a book older or newer.
_OFFSET = time.time_ns() - time.monotonic_ns()


def now() -> int:
    """Nanoseconds since the epoch (UTC) by the monotonic clock: never goes back."""
    return time.monotonic_ns() + _OFFSET
