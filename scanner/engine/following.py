"""What became of an opportunity after its flag: what its orders would have left moments later.

**The rule of time.** An opportunity opened at ``t`` is reckoned again for ``t + delay``, with the
books as they stood then: all that had arrived before that moment is in them, nothing that came at
it or later. Books change only in calls that bring a time with them, so it is enough to look before
anything of such a call is applied (``settle``): between two calls a book stands still. What one
socket read brings has one time. So the moment is exact, however many messages a call takes down the
fast lane, and where nothing is followed it costs a call one comparison. Where nothing arrives, the
next tick tells; later than ``LATE`` after the moment there was no tick either: the process stood
still, and what it had not read then is not known.

**The rule of trust.** The same is asked of the books then as at the flag. Where it is not given, or
the size is not shown any more, what the orders would have left is unknown, and that is said.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import TypeAlias

from msgspec import Struct

from scanner.books.store import BookStore
from scanner.engine.trust import distrust
from scanner.events import DELAYS_MS, Opportunity, Survival

MILLISECOND = 1_000_000
LATE = 500 * MILLISECOND
NEVER = (1 << 63) - 1
STOOD_STILL = "the scanner stood still"


class Fill(Struct, frozen=True):
    """What the orders would have left: in the quote of the purchase, and in bps of its cost."""

    net_profit: float
    net_bps: float


Reckon: TypeAlias = Callable[[], Fill | str]
"""Fills the orders of an opportunity from the books as they stand, or says why that is unknown."""


class Followed(Struct):
    """An opportunity on its way: its books, how it is reckoned, and how many moments are over."""

    opened: Opportunity
    books: tuple[int, ...]
    reckon: Reckon
    over: int = 0

    @property
    def due(self) -> int:
        """When its next moment is, ns."""
        return self.opened.at + DELAYS_MS[self.over] * MILLISECOND


class Following:
    """All that is followed; ``tell`` gets a ``Survival`` for each moment of each, in order.

    ``due`` is when the next moment is, ns.
    """

    __slots__ = ("_queue", "_store", "_tell", "_told", "due")

    def __init__(self, store: BookStore, tell: Callable[[Survival], None]) -> None:
        self._store = store
        self._tell = tell
        self._queue: list[tuple[int, int, Followed]] = []
        self._told = 0
        self.due = NEVER

    def follow(self, opened: Opportunity, books: Sequence[int], reckon: Reckon) -> None:
        """From its flag on; ``books`` are all that ``reckon`` looks at."""
        self._wait(Followed(opened, tuple(books), reckon))

    def settle(self, at: int) -> None:
        """Tell of all moments up to ``at``; to be called before what comes at it changes a book."""
        while self.due <= at:
            _, _, one = heappop(self._queue)
            late = at - one.due > LATE
            found = STOOD_STILL if late else distrust(self._store, one.books, one.due)
            self._say(one, found or one.reckon())

    def leave(self, book: int, reason: str) -> None:
        """The book is another's from now on: what is left of all that rests on it is unknown."""
        self._give_up([entry for entry in self._queue if book in entry[2].books], reason)

    def finish(self, reason: str, at: int) -> None:
        """The end: what is not known at ``at`` never will be."""
        self.settle(at)
        self._give_up(list(self._queue), reason)

    def _give_up(self, entries: list[tuple[int, int, Followed]], reason: str) -> None:
        left = {entry[1] for entry in entries}
        self._queue = sorted(entry for entry in self._queue if entry[1] not in left)
        for _, _, one in sorted(entries):
            while one.over < len(DELAYS_MS):
                self._tell_of(one, reason)
        self.due = self._queue[0][0] if self._queue else NEVER

    def _say(self, one: Followed, found: Fill | str) -> None:
        self._tell_of(one, found)
        if one.over < len(DELAYS_MS):
            self._wait(one)
        else:
            self.due = self._queue[0][0] if self._queue else NEVER

    def _tell_of(self, one: Followed, found: Fill | str) -> None:
        fill = found if isinstance(found, Fill) else None
        told = Survival(
            id=one.opened.id,
            symbol=one.opened.symbol,
            delay_ms=DELAYS_MS[one.over],
            at=one.due,
            net_profit=fill.net_profit if fill else None,
            net_bps=fill.net_bps if fill else None,
            reason=found if isinstance(found, str) else "",
        )
        one.over += 1
        self._tell(told)

    def _wait(self, one: Followed) -> None:
        self._told += 1
        heappush(self._queue, (one.due, self._told, one))
        self.due = self._queue[0][0]
