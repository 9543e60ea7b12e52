"""Steps: the whole vocabulary between a venue protocol (``scanner.venues``) and the rest.

A protocol is fed bytes and time, and answers with steps. Prices, sizes, times: ``scanner.types``.
"""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct


class Connect(Struct, frozen=True):
    """Open the WebSocket at ``url``."""

    url: str


class Send(Struct, frozen=True):
    """Send one text message; a ``heartbeat`` goes before all that waits for its turn."""

    text: str
    heartbeat: bool = False


class Fetch(Struct, frozen=True):
    """Make one HTTP request; the answer comes back as ``fetched(tag, status, body, at)``."""

    tag: str
    url: str
    method: str = "GET"


class Snapshot(Struct, frozen=True, kw_only=True):
    """A whole book (or its whole top): replaces what was there.

    ``bids``/``asks`` are the JSON text of the level lists, untouched; ``mixed`` one list with both
    sides (see ``LevelLayout.side_key``). ``sequence`` is the venue's id of this state, ``order`` an
    id comparable with ``Best.order`` (-1: the sequence itself). ``sent_at``: the venue's own time,
    ns, 0 if it says none. ``depth``: the venue keeps no more than this many levels a side (0: all).
    ``live=False``: true but not yet proven by a following delta (a REST snapshot). ``received_at``:
    when what it tells had come, if that was before now (0: it has just come).
    """

    market: str
    bids: bytes = b"[]"
    asks: bytes = b"[]"
    mixed: bytes = b""
    sequence: int = 0
    order: int = -1
    sent_at: int = 0
    checksum: int | None = None
    depth: int = 0
    live: bool = True
    received_at: int = 0


class Delta(Struct, frozen=True, kw_only=True):
    """Changed levels, sizes absolute, size 0 deletes. Fields as in ``Snapshot``.

    Rows that carry their own sequence as third element and are not above ``rows_after`` are
    skipped (0: no such rule).
    """

    market: str
    bids: bytes = b"[]"
    asks: bytes = b"[]"
    mixed: bytes = b""
    sequence: int = 0
    order: int = -1
    sent_at: int = 0
    checksum: int | None = None
    rows_after: int = 0
    received_at: int = 0


class Best(Struct, frozen=True, kw_only=True):
    """Best bid and offer from a channel of its own, as decimal text; an empty side is ``""``.

    It overrides the top of the depth book while its ``order`` is above that book's, and as long as
    what follows does not contradict that (``scanner.books.kernels``).
    """

    market: str
    bid_price: str
    bid_size: str
    ask_price: str
    ask_size: str
    order: int
    sent_at: int = 0


class DerivativeTicker(Struct, frozen=True, kw_only=True):
    """What a venue says of a contract beside its book, as decimal text; ``""`` and 0: not said,
    which leaves what was said before as it was.

    ``mark`` and ``index`` are prices. ``funding_rate`` is a fraction of the position's value: what
    longs pay shorts at ``next_funding_at`` (ns) as the venue puts it now, which on most venues
    still moves until then; ``predicted``: its forecast for the boundary after that; ``settled``:
    what was last paid. ``interval``: ns between two boundaries. ``open_interest`` in the unit of
    the book's sizes. ``sent_at`` as in ``Snapshot``.
    """

    market: str
    mark: str = ""
    index: str = ""
    funding_rate: str = ""
    predicted: str = ""
    settled: str = ""
    next_funding_at: int = 0
    interval: int = 0
    open_interest: str = ""
    sent_at: int = 0


class Ack(Struct, frozen=True):
    """The venue has accepted the subscription of ``market`` (which is no evidence of data)."""

    market: str


class Refused(Struct, frozen=True):
    """The venue has refused something: the subscription of ``market``, or a request as a whole."""

    market: str | None
    reason: str


class Reset(Struct, frozen=True):
    """The book of ``market`` (None: every book of the connection) is no longer true."""

    market: str | None
    reason: str


class Reconnect(Struct, frozen=True):
    """This connection has no future: close it and start anew."""

    reason: str


class Clock(Struct, frozen=True):
    """The venue's own time (ns): all that comes after this on the connection was sent after it.

    For venues whose books bear no time (``Venue.clocked``).
    """

    sent_at: int


class Notice(Struct, frozen=True):
    """Something worth a line in the log."""

    text: str


Step: TypeAlias = (
    Connect
    | Send
    | Fetch
    | Snapshot
    | Delta
    | Best
    | DerivativeTicker
    | Ack
    | Refused
    | Reset
    | Reconnect
    | Clock
    | Notice
)
