"""Deadlines of one market on one connection: what should have come by now, and has it.

An acknowledgement is no evidence of data, and a heartbeat is none of a book: both are watched for
each market on its own. Nothing is ever given up; what stays silent is asked for again with growing
patience.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from scanner.types import BookState

SECOND = 1_000_000_000


class Patience(Struct, frozen=True, kw_only=True):
    """How long to wait (ns): for an ``ack``; for a first book (``data``); in silence (``silence``,
    a quiet market is asked for a fresh book); with a ``crossed`` book. Repeats double up to
    ``longest``. ``resync``: shortest time between two fresh starts asked for from here, doubling up
    to ``longest_resync`` while they do not help."""

    ack: int = 10 * SECOND
    data: int = 30 * SECOND
    silence: int = 30 * SECOND
    crossed: int = 2 * SECOND
    longest: int = 900 * SECOND
    resync: int = SECOND // 2
    longest_resync: int = 30 * SECOND
    helped: int = 10 * SECOND


def _nothing_proven() -> tuple[int, int]:
    return 0, 0


class Watch:
    """The deadlines of one market.

    ``take_proven`` is asked before anything is judged: when, first and last, the book was live
    without ``proven`` having been called (0: not at all).
    """

    __slots__ = (
        "_acknowledged",
        "_asked_at",
        "_crossed_since",
        "_patience",
        "_pending",
        "_proven_at",
        "_proven_since",
        "_repeats",
        "_resync_at",
        "_resyncs",
        "_take_proven",
    )

    def __init__(
        self,
        patience: Patience,
        take_proven: Callable[[], tuple[int, int]] = _nothing_proven,
    ) -> None:
        self._patience = patience
        self._take_proven = take_proven
        self._asked_at: int | None = None
        self._acknowledged = False
        self._proven_at: int | None = None
        self._proven_since: int | None = None
        self._crossed_since: int | None = None
        self._repeats = 0
        self._resyncs = 0
        self._resync_at = 0
        self._pending = False

    def asked(self, at: int) -> None:
        """The subscription has been sent."""
        self._asked_at = at

    def acknowledged(self) -> None:
        """The venue has accepted the subscription."""
        self._acknowledged = True

    def proven(self, at: int) -> None:
        """The book is live as of now."""
        self._catch_up()
        self._prove(at)

    def _catch_up(self) -> None:
        first, last = self._take_proven()
        if last:
            self._prove(first)
            self._prove(last)

    def _prove(self, at: int) -> None:
        if self._proven_since is None:
            self._proven_since = at
        elif at - self._proven_since > self._patience.helped:
            self._resyncs = 0
        self._proven_at = at
        self._crossed_since = None
        self._repeats = 0

    def crossed(self, at: int) -> None:
        """The book is crossed as of now."""
        self._catch_up()
        if self._crossed_since is None:
            self._crossed_since = at

    def complaint(self, state: BookState, changed_at: int, at: int) -> str:
        """What is wrong with the market now, once per deadline; empty when nothing is."""
        self._catch_up()
        if self._pending and at >= self._resync_at:
            return "the book has to be asked for again"
        if self._asked_at is None:
            return ""
        crossed = self._crossed_since
        if state is BookState.CROSSED and crossed is not None:
            if at - crossed > self._patience.crossed:
                self._crossed_since = None
                return "the book stays crossed"
            return ""
        since = self._asked_at if self._proven_at is None else max(self._asked_at, changed_at)
        limit, text = self._limit(state)
        if at - since <= min(limit << min(self._repeats, 10), self._patience.longest):
            return ""
        self._repeats += 1
        self._asked_at = at
        return text

    def may_resync(self, at: int) -> bool:
        """True if a fresh start may be asked for now; else it is done when its time has come."""
        self._catch_up()
        self._pending = at < self._resync_at
        if self._pending:
            return False
        pause = self._patience.resync << min(self._resyncs, 10)
        self._resync_at = at + min(pause, self._patience.longest_resync)
        self._resyncs += 1
        self._proven_since = None
        return True

    def _limit(self, state: BookState) -> tuple[int, str]:
        if self._proven_at is not None:
            if state in (BookState.LIVE, BookState.STALE):
                return self._patience.silence, "silent"
            return self._patience.data, "no book since the last reset"
        if not self._acknowledged:
            return self._patience.ack, "subscription not acknowledged"
        return self._patience.data, "acknowledged, but no data"
