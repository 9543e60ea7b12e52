"""Sequence rules: how a venue lets one see that no message is missing.

Each rule is an object for one book (``Counter``: for one connection) that is told the ids of what
arrives and answers with a ``Verdict``. Venue files compose them; they hold no book and no bytes,
except ``Bridge``, which keeps the deltas that wait for their snapshot. What they know stands in
``scanner.venues.cells``, where the fast lane goes on from it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from enum import Enum

from msgspec.structs import replace

from scanner.steps import Delta, Snapshot
from scanner.venues import cells as C
from scanner.venues.cells import Cells, LastId

DOUBT = 1_000_000_000


class Verdict(Enum):
    """What to do with a message."""

    APPLY = "apply"
    SKIP = "skip"
    GAP = "gap"


class Doubt:
    """How long what comes may be older than what has come.

    Over one connection a message that is older than the last is rare, and nothing but such for
    ``DOUBT`` ns says something else: the ids have started anew, or the last one's was wrong.
    """

    __slots__ = ("_cells", "_place")

    def __init__(self, cells: Cells | None = None, place: int = C.DOUBT) -> None:
        self._cells = C.new_cells() if cells is None else cells
        self._place = place

    def ends(self) -> None:
        """Something newer has come."""
        self._cells[self._place] = 0

    def grows(self, at: int) -> bool:
        """Something older has come; True if that has gone on for too long, and ends here."""
        if self._cells[self._place] == 0:
            self._cells[self._place] = at + 1
        if at + 1 - self._cells[self._place] <= DOUBT:
            return False
        self._cells[self._place] = 0
        return True


class Chained(LastId):
    """Each delta names the id before it.

    1. A snapshot sets the id. 2. A delta whose ``previous`` is the last id applies, whatever its
    own id is (it may repeat it: a heartbeat; it may be smaller: the venue's ids were reset). 3. A
    delta that ends at the last id without starting there is a duplicate. 4. Anything else is a gap.
    """

    __slots__ = ()

    def snapshot(self, sequence: int) -> Verdict:
        self.last = sequence
        return Verdict.APPLY

    def delta(self, previous: int, sequence: int) -> Verdict:
        if self.last is None:
            return Verdict.GAP
        if previous == self.last:
            self.last = sequence
            return Verdict.APPLY
        if sequence == self.last:
            return Verdict.SKIP
        self.last = None
        return Verdict.GAP


class Contiguous(LastId):
    """Each delta covers the ids ``first..last``, the next one starts right after.

    1. A snapshot sets the id. 2. A delta that ends at or below it has been seen: skip, but not for
    longer than ``Doubt`` allows. 3. A delta with ``first == last id + 1`` applies. 4. Anything else
    is a gap.
    """

    __slots__ = ("_doubt",)

    def __init__(self, cells: Cells | None = None) -> None:
        super().__init__(cells)
        self._doubt = Doubt(self._cells)

    def snapshot(self, sequence: int) -> Verdict:
        self.last = sequence
        self._doubt.ends()
        return Verdict.APPLY

    def delta(self, first: int, last: int, at: int) -> Verdict:
        if self.last is None:
            return Verdict.GAP
        if last == self.last or (last < self.last and not self._doubt.grows(at)):
            return Verdict.SKIP
        if first == self.last + 1 <= last:
            self.last = last
            self._doubt.ends()
            return Verdict.APPLY
        self.last = None
        return Verdict.GAP


class Counter(LastId):
    """One counter over every message of a connection, +1 each.

    1. The first message sets it. 2. The same number again is a duplicate: skip. 3. Any other number
    than the next one is a gap; the count goes on from there.
    """

    __slots__ = ()

    def next(self, number: int) -> Verdict:
        last = self.last
        self.last = number
        if last is None or number == last + 1:
            return Verdict.APPLY
        return Verdict.SKIP if number == last else Verdict.GAP


class Newest(LastId):
    """Whole books, each replacing the last: only one that is older than what we have is skipped,
    and for no longer than ``Doubt`` allows."""

    __slots__ = ("_doubt",)

    def __init__(self, cells: Cells | None = None) -> None:
        super().__init__(cells)
        self._doubt = Doubt(self._cells)

    def snapshot(self, sequence: int, at: int) -> Verdict:
        if self.last is not None and sequence < self.last and not self._doubt.grows(at):
            return Verdict.SKIP
        self.last = sequence
        self._doubt.ends()
        return Verdict.APPLY


class Ranks:
    """One market's ids made comparable over its channels: books, and the best bid and offer.

    1. A message whose id and time are both not above the last one's of its channel, and not both
    equal, is older: no rank, but not for longer than ``Doubt`` allows. 2. Where messages carry no
    id, their time (ms) is it; a best bid and offer that counts otherwise than the books has no
    rank. 3. An id of the books that falls while the time rises, or that is ``proven`` to follow by
    a chain, says that the venue has started its ids anew: a best bid and offer that was sent before
    has no rank. (What has been told before is forgotten where the ranks arrive, for they fall.)
    """

    __slots__ = ("_best_doubt", "_books_doubt", "_cells")

    def __init__(self, cells: Cells | None = None) -> None:
        self._cells = C.new_cells() if cells is None else cells
        self._cells[C.TIMED] = -1
        self._cells[C.BOOK_ID] = self._cells[C.BOOK_TIME] = -1
        self._cells[C.BEST_ID] = self._cells[C.BEST_TIME] = -1
        self._books_doubt = Doubt(self._cells, C.BOOK_DOUBT)
        self._best_doubt = Doubt(self._cells, C.BEST_DOUBT)

    def book(self, sequence: int | None, time: int, at: int, *, proven: bool = False) -> int | None:
        """The rank of a book or of its change; None if it is older than the last one."""
        cells, number = self._cells, time if sequence is None else sequence
        older = _older(number, time, cells[C.BOOK_ID], cells[C.BOOK_TIME])
        if not proven and older and not self._books_doubt.grows(at):
            return None
        timed = int(sequence is None)
        if number < cells[C.BOOK_ID] or cells[C.TIMED] not in {-1, timed}:
            cells[C.SINCE] = time
        cells[C.TIMED] = timed
        cells[C.BOOK_ID], cells[C.BOOK_TIME] = number, time
        self._books_doubt.ends()
        return number

    def best(self, sequence: int | None, time: int, at: int) -> int | None:
        """The rank of a best bid and offer; None if it is older or cannot be compared."""
        cells, number = self._cells, time if sequence is None else sequence
        timed = int(sequence is None)
        if cells[C.TIMED] == -1:
            cells[C.TIMED] = timed
        if timed != cells[C.TIMED]:
            return None
        older = _older(number, time, cells[C.BEST_ID], cells[C.BEST_TIME])
        if (older or time < cells[C.SINCE]) and not self._best_doubt.grows(at):
            return None
        cells[C.SINCE] = min(cells[C.SINCE], time)
        cells[C.BEST_ID], cells[C.BEST_TIME] = number, time
        self._best_doubt.ends()
        return number

    def forget(self) -> None:
        """The next book was asked for: it counts, whatever its id and time."""
        self._cells[C.BOOK_TIME] = self._cells[C.BEST_TIME] = -1


def _older(number: int, time: int, last: int, last_time: int) -> bool:
    if (number, time) == (last, last_time):
        return False
    return number <= last and time <= last_time


class Waiting:
    """Deltas that wait, in the order in which they came. Of what is more than ``room`` bytes the
    oldest are given up: a snapshot that comes later has them. ``spilt``: some were."""

    OVERHEAD = 512
    __slots__ = ("_bytes", "_entries", "_room", "spilt")

    def __init__(self, room: int) -> None:
        self._room = room
        self._bytes = 0
        self._entries: deque[tuple[int, int, int | None, Delta]] = deque()
        self.spilt = False

    def __iter__(self) -> Iterator[tuple[int, int, int | None, Delta]]:
        """``(first, last, previous, delta)`` of each."""
        return iter(self._entries)

    def add(self, first: int, last: int, previous: int | None, delta: Delta, at: int) -> None:
        """One more, that came at ``at``."""
        self._entries.append((first, last, previous, replace(delta, received_at=at)))
        self._bytes += self._size(delta)
        while self._bytes > self._room:
            self._bytes -= self._size(self._entries.popleft()[3])
            self.spilt = True

    def clear(self) -> None:
        """None waits any more."""
        self._entries.clear()
        self._bytes = 0
        self.spilt = False

    def _size(self, delta: Delta) -> int:
        return len(delta.bids) + len(delta.asks) + len(delta.mixed) + self.OVERHEAD


class Bridge(LastId):
    """Deltas from the stream joined to a snapshot from REST.

    1. Buffer the deltas. 2. Fetch a snapshot. 3. Drop what ends at or below the snapshot's id
    ``S``. 4. The first delta left must cover ``S + 1`` (``first <= S + 1 <= last``); if it starts
    later the snapshot is too old: fetch again. 5. From then on ``first == last id + 1``; where
    deltas name their predecessor (``previous``), ``previous == last id`` instead. 6. What has been
    seen is skipped, but not for longer than ``Doubt`` allows: then it is a gap.

    Until a delta has covered ``S + 1`` the snapshot is passed on with ``live=False``. What has
    waited proves the book as of when it came (``Delta.received_at``), not as of the snapshot. The
    newest ``room`` bytes of it are kept.
    """

    ROOM = 1 << 20
    __slots__ = ("_bridged", "_doubt", "_waiting")

    def __init__(self, cells: Cells | None = None, room: int = ROOM) -> None:
        super().__init__(cells)
        self._bridged = False
        self._doubt = Doubt(self._cells)
        self._waiting = Waiting(room)

    @property
    def synced(self) -> bool:
        """A snapshot is in place."""
        return self.last is not None

    @property
    def bridged(self) -> bool:
        """A delta has joined the snapshot."""
        return self._bridged

    @property
    def spilt(self) -> bool:
        """More deltas have waited than there was room for."""
        return self._waiting.spilt

    def restart(self) -> None:
        """Forget the snapshot and what waited; buffer anew."""
        self.last = None
        self._bridged = False
        self._doubt.ends()
        self._waiting.clear()

    def delta(
        self, first: int, last: int, step: Delta, at: int, previous: int | None = None
    ) -> Verdict:
        """``SKIP`` while it waits for the snapshot or has been seen; ``GAP`` restarts buffering
        with this delta as the first."""
        if self.last is None:
            self._waiting.add(first, last, previous, step, at)
            return Verdict.SKIP
        verdict = self._next(first, last, previous)
        if verdict is Verdict.APPLY:
            self._doubt.ends()
        elif verdict is Verdict.SKIP and self._bridged and last != self.last:
            verdict = Verdict.GAP if self._doubt.grows(at) else verdict
        if verdict is Verdict.GAP:
            self.restart()
            self._waiting.add(first, last, previous, step, at)
        return verdict

    def snapshot(self, sequence: int, step: Snapshot) -> list[Snapshot | Delta] | None:
        """The steps to apply now, snapshot first; None if the snapshot is too old to join.

        One that nobody waits for (a second answer) gives no steps: it could be older than the book.
        """
        if self.synced:
            return []
        waiting = [entry for entry in self._waiting if entry[1] > sequence]
        self.last = sequence
        self._bridged = False
        self._cells[C.READY] = 0
        steps: list[Snapshot | Delta] = [step]
        for first, last, previous, delta in waiting:
            verdict = self._next(first, last, previous)
            if verdict is Verdict.GAP:
                self.last = None
                return None
            if verdict is Verdict.APPLY:
                steps.append(delta)
        self._waiting.clear()
        return steps

    def _next(self, first: int, last: int, previous: int | None) -> Verdict:
        had = self.last
        assert had is not None
        if last <= had:
            return Verdict.SKIP
        if not self._bridged:
            joins = first <= had + (1 if previous is None else 0) <= last
            joins = joins or (previous is not None and previous == had)
        else:
            joins = first == had + 1 if previous is None else previous == had
        if not joins:
            return Verdict.GAP
        self.last = last
        self._bridged = True
        self._cells[C.READY] = 1
        return Verdict.APPLY
