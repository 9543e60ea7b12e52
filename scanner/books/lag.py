"""How late a message is, by the venue's own time: what waited on its way is not new.

A message that has lain in a buffer (of a busy process, a slow network, the venue) comes with the
time of now, and its prices are of before. The least difference between our time and the venue's
over the last minutes holds the offset of the two clocks and the shortest way; what a message has
more than that, it was late by (the minimum filter of NTP, RFC 5905, over receipt alone).
"""

from __future__ import annotations

import numpy as np

from scanner.books import layout as L
from scanner.books.jit import inlined

WINDOW = 60_000_000_000
USUAL = 250_000_000
# What has waited together is read together. A message of the same time as the last one that comes
# so much after it is the venue's word that nothing has changed since.
APART = 20_000_000
# When what bears no time, or that of the message before, may have been sent: not longer before it
# came than this, or nobody knows when; and a time so early that nothing is of it.
VAGUE = 1_000_000_000
UNTOLD = 1
# Nothing waits for so long on a connection that stands: the venue's clock was set.
ABSURD = 600_000_000_000


@inlined
def told_at(meta, m, sent_at, at):
    """When a message, of book ``m`` (its first column), would have come at the latest without
    delay: ``at``, or earlier by what it is late, if that is more than ``USUAL`` ns. A message
    without a time of the venue (0) is as new as what came shortly before it on its connection
    (``AS_OF``), or taken as new where nothing ever tells (0). One that bears the time of the last
    one is new if that one was and came shortly before it; else it may have waited, and says no more
    than was known.

    The least of this ``WINDOW`` and of the one before count, so a new offset (a clock that was set)
    is believed after two of them at the latest; a lag that stays the same for as long is not seen.
    """
    if sent_at <= 0:
        as_of = meta[m + L.AS_OF]
        if as_of == 0 or as_of > at:
            return at
        return as_of if at - as_of <= VAGUE else UNTOLD
    since = meta[m + L.BEHIND_SINCE]
    heard = meta[m + L.HEARD_AT]
    meta[m + L.HEARD_AT] = at
    if sent_at == meta[m + L.SENT_AT] and since != 0:
        told = max(meta[m + L.DEPTH_AT], meta[m + L.BEST_AT])
        prompt = heard - told <= USUAL
        return at if prompt and APART < at - heard <= VAGUE else min(told, at)
    behind = at - sent_at
    if since == 0 or at - since > WINDOW:
        meta[m + L.LEAST_BEFORE] = behind if since == 0 else meta[m + L.LEAST_BEHIND]
        meta[m + L.LEAST_BEHIND] = behind
        meta[m + L.BEHIND_SINCE] = at
    elif behind < meta[m + L.LEAST_BEHIND]:
        meta[m + L.LEAST_BEHIND] = behind
    late = behind - min(meta[m + L.LEAST_BEHIND], meta[m + L.LEAST_BEFORE])
    if late > ABSURD:
        meta[m + L.LEAST_BEHIND] = behind
        meta[m + L.LEAST_BEFORE] = behind
        return at
    return at - late if late > USUAL else at


class ConnectionClock:
    """The venue's time on one connection, by messages that bear it, for those that do not: the
    order of all is the order in which they were sent."""

    def __init__(self) -> None:
        self._cells = np.zeros(L.META_WIDTH, np.int64)

    def told(self, sent_at: int, at: int) -> int:
        """What comes next on the connection was sent when what came at this moment without delay
        was, or later (ns)."""
        return int(told_at.py_func(self._cells, 0, sent_at, at))
