"""The kinds whose opportunities have more orders than a pair: ``multi`` and ``loop``."""

from __future__ import annotations

from collections.abc import Callable

from scanner.engine.desk import Desk
from scanner.engine.ids import Ids
from scanner.engine.loops import Key, Loops
from scanner.engine.multi import Multi, Symbol
from scanner.engine.opened import Opened
from scanner.engine.tracker import Thresholds
from scanner.events import Opportunity

# They are looked for this often at most, ns.
PERIOD = 100_000_000


class Several:
    """Both of them. ``changes`` tells how often a book has joined or left the engine."""

    def __init__(
        self,
        desk: Desk,
        ids: Ids,
        emit: Callable[[Opportunity], None],
        changes: Callable[[], int],
    ) -> None:
        self._multis: Opened[Symbol] = Opened(ids, emit)
        self._closed: Opened[Key] = Opened(ids, emit)
        self._multi = Multi(desk, self._multis)
        self._loops = Loops(desk, self._closed, changes)
        self._looked = 0

    @property
    def open_count(self) -> int:
        """How many are open."""
        return len(self._multis) + len(self._closed)

    def states(self) -> list[Opportunity]:
        """The newest state of all that is open, told or not."""
        return [*self._multis.states(), *self._closed.states()]

    def configure(self, thresholds: Thresholds) -> None:
        """What is worth an event."""
        self._multis.thresholds = self._closed.thresholds = thresholds

    def write_down(self) -> None:
        """The states as they are, before what they are written down with changes."""
        self._multis.write_down()
        self._closed.write_down()

    def tick(self, at: int) -> None:
        """Look for them, and again at what is open."""
        if 0 <= at - self._looked < PERIOD:
            return
        self._looked = at
        self._multi.look(at)
        self._loops.look(at)

    def dropped(self, book: int, reason: str, at: int) -> None:
        """The book has left the game: close what stood on it."""
        self._multis.close_all(book, reason, at)
        self._closed.close_all(book, reason, at)

    def finish(self, reason: str, at: int) -> None:
        """The end: what is open is closed with ``reason``, and nothing opens any more."""
        self._multis.finish(reason, at)
        self._closed.finish(reason, at)
