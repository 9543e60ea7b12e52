"""Sequence rules: how a venue lets one see that no message is missing.

Each rule is an object for one book (``Counter``: for one connection) that is told the ids of what
arrives and answers with a ``Verdict``. Venue files compose them; they hold no book and no bytes,
except ``Bridge``, which keeps the deltas that wait for their snapshot.
"""

from __future__ import annotations

from collections import deque
from enum import Enum

from scanner.types import Delta, Snapshot

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

    __slots__ = ("_since",)

    def __init__(self) -> None:
        self._since: int | None = None

    def ends(self) -> None:
        """Something newer has come."""
        self._since = None

    def grows(self, at: int) -> bool:
        """Something older has come; True if that has gone on for too long, and ends here."""
        if self._since is None:
            self._since = at
        if at - self._since <= DOUBT:
            return False
        self._since = None
        return True


class Chained:
    """Each delta names the id before it.

    1. A snapshot sets the id. 2. A delta whose ``previous`` is the last id applies, whatever its
    own id is (it may repeat it: a heartbeat; it may be smaller: the venue's ids were reset). 3. A
    delta that ends at the last id without starting there is a duplicate. 4. Anything else is a gap.
    """

    __slots__ = ("last",)

    def __init__(self) -> None:
        self.last: int | None = None

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


class Contiguous:
    """Each delta covers the ids ``first..last``, the next one starts right after.

    1. A snapshot sets the id. 2. A delta that ends at or below it has been seen: skip, but not for
    longer than ``Doubt`` allows. 3. A delta with ``first == last id + 1`` applies. 4. Anything else
    is a gap.
    """

    __slots__ = ("_doubt", "last")

    def __init__(self) -> None:
        self.last: int | None = None
        self._doubt = Doubt()

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


class Counter:
    """One counter over every message of a connection, +1 each.

    1. The first message sets it. 2. The same number again is a duplicate: skip. 3. Any other number
    than the next one is a gap; the count goes on from there.
    """

    __slots__ = ("last",)

    def __init__(self) -> None:
        self.last: int | None = None

    def next(self, number: int) -> Verdict:
        last, self.last = self.last, number
        if last is None or number == last + 1:
            return Verdict.APPLY
        return Verdict.SKIP if number == last else Verdict.GAP


class Newest:
    """Whole books, each replacing the last: only one that is older than what we have is skipped,
    and for no longer than ``Doubt`` allows."""

    __slots__ = ("_doubt", "last")

    def __init__(self) -> None:
        self.last: int | None = None
        self._doubt = Doubt()

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

    __slots__ = ("_best", "_best_doubt", "_books", "_books_doubt", "_since", "_timed")

    def __init__(self) -> None:
        self._since = 0
        self._timed: bool | None = None
        self._books = self._best = (-1, -1)
        self._books_doubt, self._best_doubt = Doubt(), Doubt()

    def book(self, sequence: int | None, time: int, at: int, *, proven: bool = False) -> int | None:
        """The rank of a book or of its change; None if it is older than the last one."""
        now = (time if sequence is None else sequence, time)
        if not proven and _older(now, self._books) and not self._books_doubt.grows(at):
            return None
        timed = sequence is None
        if now[0] < self._books[0] or (self._timed is not None and timed != self._timed):
            self._since = time
        self._timed = timed
        self._books = now
        self._books_doubt.ends()
        return now[0]

    def best(self, sequence: int | None, time: int, at: int) -> int | None:
        """The rank of a best bid and offer; None if it is older or cannot be compared."""
        timed = sequence is None
        now = (time if sequence is None else sequence, time)
        if self._timed is None:
            self._timed = timed
        if timed != self._timed:
            return None
        if (time < self._since or _older(now, self._best)) and not self._best_doubt.grows(at):
            return None
        self._since = min(self._since, time)
        self._best = now
        self._best_doubt.ends()
        return now[0]

    def forget(self) -> None:
        """The next book was asked for: it counts, whatever its id and time."""
        self._books = (self._books[0], -1)
        self._best = (self._best[0], -1)


def _older(now: tuple[int, int], last: tuple[int, int]) -> bool:
    return now != last and now[0] <= last[0] and now[1] <= last[1]


class Bridge:
    """Deltas from the stream joined to a snapshot from REST.

    1. Buffer the deltas. 2. Fetch a snapshot. 3. Drop what ends at or below the snapshot's id
    ``S``. 4. The first delta left must cover ``S + 1`` (``first <= S + 1 <= last``); if it starts
    later the snapshot is too old: fetch again. 5. From then on ``first == last id + 1``; where
    deltas name their predecessor (``previous``), ``previous == last id`` instead. 6. What has been
    seen is skipped, but not for longer than ``Doubt`` allows: then it is a gap.

    Until a delta has covered ``S + 1`` the snapshot is passed on with ``live=False``.
    """

    LIMIT = 10_000
    __slots__ = ("_bridged", "_doubt", "_last", "_waiting")

    def __init__(self) -> None:
        self._last: int | None = None
        self._bridged = False
        self._doubt = Doubt()
        self._waiting: deque[tuple[int, int, int | None, Delta]] = deque(maxlen=self.LIMIT)

    @property
    def synced(self) -> bool:
        """A snapshot is in place."""
        return self._last is not None

    def restart(self) -> None:
        """Forget the snapshot and what waited; buffer anew."""
        self._last = None
        self._bridged = False
        self._doubt.ends()
        self._waiting.clear()

    def delta(
        self, first: int, last: int, step: Delta, at: int, previous: int | None = None
    ) -> Verdict:
        """``SKIP`` while it waits for the snapshot or has been seen; ``GAP`` restarts buffering
        with this delta as the first."""
        if self._last is None:
            self._waiting.append((first, last, previous, step))
            return Verdict.SKIP
        verdict = self._next(first, last, previous)
        if verdict is Verdict.APPLY:
            self._doubt.ends()
        elif verdict is Verdict.SKIP and self._bridged and last != self._last:
            verdict = Verdict.GAP if self._doubt.grows(at) else verdict
        if verdict is Verdict.GAP:
            self.restart()
            self._waiting.append((first, last, previous, step))
        return verdict

    def snapshot(self, sequence: int, step: Snapshot) -> list[Snapshot | Delta] | None:
        """The steps to apply now, snapshot first; None if the snapshot is too old to join.

        One that nobody waits for (a second answer) gives no steps: it could be older than the book.
        """
        if self.synced:
            return []
        waiting = [entry for entry in self._waiting if entry[1] > sequence]
        self._last = sequence
        self._bridged = False
        steps: list[Snapshot | Delta] = [step]
        for first, last, previous, delta in waiting:
            verdict = self._next(first, last, previous)
            if verdict is Verdict.GAP:
                self._last = None
                return None
            if verdict is Verdict.APPLY:
                steps.append(delta)
        self._waiting.clear()
        return steps

    def _next(self, first: int, last: int, previous: int | None) -> Verdict:
        assert self._last is not None
        if last <= self._last:
            return Verdict.SKIP
        if not self._bridged:
            joins = first <= self._last + (1 if previous is None else 0) <= last
            joins = joins or (previous is not None and previous == self._last)
        else:
            joins = first == self._last + 1 if previous is None else previous == self._last
        if not joins:
            return Verdict.GAP
        self._last = last
        self._bridged = True
        return Verdict.APPLY
