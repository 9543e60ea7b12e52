"""How late a message is, by the venue's own time: what waited on its way is not new.

A message that has lain in a buffer (of a busy process, a slow network, the venue) comes with the
time of now, and its prices are of before. The least difference between our time and the venue's
over the last minutes holds the offset of the two clocks and the shortest way; what a message has
more than that, it was late by (the minimum filter of NTP, RFC 5905, over receipt alone).
"""

from __future__ import annotations

from scanner.books import layout as L
from scanner.books.jit import inlined

WINDOW = 60_000_000_000
USUAL = 250_000_000
# What has waited together is read together. A message of the same time as the last one that comes
# so much after it is the venue's word that nothing has changed since.
APART = 20_000_000
# Nothing waits for so long on a connection that stands: the venue's clock was set.
ABSURD = 600_000_000_000


@inlined
def told_at(meta, m, sent_at, at):
    """When a message, of book ``m`` (its first column), would have come at the latest without
    delay: ``at``, or earlier by what it is late, if that is more than ``USUAL`` ns. A message
    without a time of the venue (0) is taken as new.

    The least of this ``WINDOW`` and of the one before count, so a new offset (a clock that was set)
    is believed after two of them at the latest; a lag that stays the same for as long is not seen.
    """
    if sent_at <= 0:
        return at
    again = sent_at == meta[m + L.SENT_AT] and at - meta[m + L.HEARD_AT] > APART
    meta[m + L.HEARD_AT] = at
    if again:
        return at
    behind = at - sent_at
    since = meta[m + L.BEHIND_SINCE]
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
