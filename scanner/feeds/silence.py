"""Who has fallen silent: a connection as a whole, or single books on one that goes on.

A book that has stood still is out of the game by its age alone, at once and whatever the reason.
This here is about telling people, and a market in which nothing happens looks like one that is
stuck. So each is held to its own habit, in beats (a few a second), and is told of rarely:

1. The part of the beats in which it moved is ``p``. 2. A connection, which moves when any of its
books does, has fallen silent when it has not moved for ``LIMIT / p``: by chance a Poisson stream
does that less than once in thousands of such times. If that is more than ``LONGEST``, or if it has
hardly moved at all, it is quiet by nature. 3. A book has fallen silent when it has not moved for
``LIMIT`` after minutes in which it did in nearly every beat, while its connection goes on. 4. In an
hour, no more than ``RATION`` silences are told of a connection, and as many of its books: trade
comes in bursts, and what happens again and again is no news.

What is quiet by nature is left to the deadlines in ``scanner.watch``, which ask for a fresh book.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from scanner.venues.parts import SECOND

# A beat of a quarter of a second earlier than three seconds, after which it has to be noticed.
LIMIT = 2.75 * SECOND
LONGEST = 30 * SECOND
RATION = 3
HOUR = 3600 * SECOND
NAMED = 3
NEVER = float("inf")
LAST = "no more of that is told for an hour"


class Told(Struct, frozen=True, kw_only=True):
    """``kind``: ``silent`` or ``back``. ``markets``: which books; empty if it is the connection."""

    kind: str
    markets: tuple[str, ...]
    text: str


class Manner(Struct, frozen=True, kw_only=True):
    """How a habit is judged: over the last ``memory`` beats, after ``known`` in which it moved, and
    only where it moved in a part of at least ``least``."""

    memory: int
    known: int
    least: float


CONNECTION = Manner(memory=240, known=8, least=LIMIT / LONGEST)
BOOK = Manner(memory=1200, known=240, least=0.9)


class Habit:
    """How often something moves, and whether it has stopped to."""

    __slots__ = ("_hits", "_manner", "_misses", "_still", "moved_at", "silent")

    def __init__(self, manner: Manner) -> None:
        self.moved_at = 0
        self.silent = False
        self._manner = manner
        self._hits = 0
        self._misses = 0
        self._still = 0

    def look(self, moved_at: int, since: int, at: int) -> bool:
        """Once a beat: it last moved at ``moved_at``, and could have moved from ``since`` on. True
        if its silence begins or ends."""
        if moved_at > self.moved_at:
            return self._moved(moved_at)
        if self.silent:  # how long that lasts is no habit of its own
            return False
        self._still += 1
        self.silent = at - max(moved_at, since) >= self._patience()
        return self.silent

    def _moved(self, moved_at: int) -> bool:
        self.moved_at = moved_at
        was, self.silent = self.silent, False
        self._hits += 1
        self._misses += self._still
        self._still = 0
        if self._hits + self._misses > self._manner.memory:
            self._hits //= 2
            self._misses //= 2
        return was

    def _patience(self) -> float:
        beats = self._hits + self._misses
        if self._hits < self._manner.known or self._hits < self._manner.least * beats:
            return NEVER
        return LIMIT * beats / self._hits


class Ration:
    """What may be told: so many in an hour."""

    __slots__ = ("_times",)

    def __init__(self) -> None:
        self._times: deque[int] = deque(maxlen=RATION)

    def spent(self, at: int) -> bool:
        """Nothing may be told now."""
        return len(self._times) == RATION and at - self._times[0] < HOUR

    def take(self, text: str, at: int) -> str:
        """The text of one that is told; the last one for a while says so."""
        self._times.append(at)
        return f"{text}; {LAST}" if self.spent(at) else text


class Silence:
    """One connection and its books, from its opening on. ``since``: when it last gave something,
    if it is silent; else 0. Times in ns, ``beat`` in seconds."""

    def __init__(self, opened_at: int, beat: float) -> None:
        self.since = 0
        self._opened_at = opened_at
        self._late = 4 * beat * SECOND
        self._looked_at = opened_at
        self._back_at = opened_at
        self._all = Habit(CONNECTION)
        self._told = False
        self._ration = Ration()
        self._each: dict[str, Habit] = {}
        self._told_of: set[str] = set()
        self._ration_of_books = Ration()

    def look(self, proven: Mapping[str, int], heard_at: int, at: int) -> Sequence[Told]:
        """Once a beat: what is new. ``proven``: when each book that could be used was proven last;
        ``heard_at``: when any message came."""
        late, self._looked_at = at - self._looked_at > self._late, at
        if late:
            return ()  # it was us: what came meanwhile has not been read yet
        if heard_at < self._opened_at:
            return self._unheard(at)
        if self.since == self._opened_at:
            return self._again(at)
        if not proven:
            return ()
        if self._all.look(max(proven.values()), self._back_at, at):
            return self._fell(proven, heard_at, at) if self._all.silent else self._again(at)
        return () if self.since else self._books(proven, at)

    def _unheard(self, at: int) -> Sequence[Told]:
        if self.since or at - self._opened_at < LIMIT:
            return ()
        self.since = self._opened_at
        return self._silent("nothing received", ", since it was opened", at)

    def _fell(self, proven: Mapping[str, int], heard_at: int, at: int) -> Sequence[Told]:
        self.since = self._all.moved_at
        what = "nothing received" if at - heard_at >= LIMIT else "heartbeats, but no book"
        books = f"{len(proven)} books are" if len(proven) > 1 else "its book is"
        return self._silent(what, f": {books} out of date", at)

    def _silent(self, what: str, more: str, at: int) -> Sequence[Told]:
        self._told = not self._ration.spent(at)
        if not self._told:
            return ()
        text = self._ration.take(f"{what} for {_seconds(at - self.since)} s{more}", at)
        return [Told(kind="silent", markets=(), text=text)]

    def _again(self, at: int) -> Sequence[Told]:
        since, self.since = self.since, 0
        self._back_at = at
        text = f"back after {(at - since) / SECOND:.1f} s"
        return [Told(kind="back", markets=(), text=text)] if self._told else ()

    def _books(self, proven: Mapping[str, int], at: int) -> Sequence[Told]:
        fell: dict[str, int] = {}
        back: dict[str, int] = {}
        for market, moved_at in proven.items():
            habit = self._each.get(market) or self._each.setdefault(market, Habit(BOOK))
            before = habit.moved_at
            if habit.look(moved_at, self._back_at, at):
                (fell if habit.silent else back)[market] = at - before
        told = []
        if fell and not self._ration_of_books.spent(at):
            self._told_of.update(fell)
            text = f"{_names(fell)}: nothing for {_seconds(max(fell.values()))} s, out of date"
            text = self._ration_of_books.take(text, at)
            told.append(Told(kind="silent", markets=tuple(fell), text=text))
        if back := {market: span for market, span in back.items() if market in self._told_of}:
            self._told_of.difference_update(back)
            text = f"{_names(back)}: back after {max(back.values()) / SECOND:.1f} s"
            told.append(Told(kind="back", markets=tuple(back), text=text))
        return told


def _seconds(span: int) -> str:
    return f"{span / SECOND:.0f}"


def _names(markets: Iterable[str]) -> str:
    names = list(markets)
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
