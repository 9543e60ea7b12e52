"""What is open of the kinds with many orders: one life for each thing that is found, whatever the
orders of the moment."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Generic, TypeVar

from msgspec.structs import replace

from scanner.engine.ids import Ids
from scanner.engine.tracker import Life, Thresholds, Trade
from scanner.events import Opportunity

Key = TypeVar("Key", bound=Hashable)


class Opened(Generic[Key]):
    """Opens, keeps and closes; ``emit`` is told."""

    def __init__(self, ids: Ids, emit: Callable[[Opportunity], None]) -> None:
        self._ids = ids
        self._emit = emit
        self._lives: dict[Key, Life] = {}
        self._books: dict[Key, tuple[int, ...]] = {}
        self._over = False
        self.thresholds = Thresholds()

    def __len__(self) -> int:
        return len(self._lives)

    def __contains__(self, key: Key) -> bool:
        return key in self._lives

    def __iter__(self) -> Iterator[Key]:
        return iter(list(self._lives))

    def books(self, key: Key) -> tuple[int, ...]:
        """What it rests on now."""
        return self._books[key]

    def states(self) -> list[Opportunity]:
        """The newest state of each, told or not."""
        return [life.last for life in self._lives.values()]

    def keep(
        self, key: Key, left: Trade, at: int, write: Callable[[], Opportunity], books: Sequence[int]
    ) -> Opportunity | None:
        """It is worth it: it opens (what has opened is returned), or goes on. ``write``: writes its
        state down, as of ``at``."""
        life = self._lives.get(key)
        if life is None:
            if self._over:
                return None
            opened = replace(write(), id=self._ids.new(at))
            self._lives[key], self._books[key] = Life(opened), tuple(books)
            self._emit(opened)
            return opened
        self._books[key] = tuple(books)
        told = life.see(left, at, write, self.thresholds.update_interval)
        if told is not None:
            self._emit(told)
        return None

    def write_down(self) -> None:
        """The states as they are, before what they are written down with changes."""
        self.states()

    def close(self, key: Key, reason: str, at: int) -> None:
        """It is over, if it was there."""
        life = self._lives.pop(key, None)
        if life is not None:
            del self._books[key]
            self._emit(life.close(reason, at))

    def close_all(self, book: int, reason: str, at: int) -> None:
        """All that rests on the book is over."""
        for key in [key for key, books in self._books.items() if book in books]:
            self.close(key, reason, at)

    def finish(self, reason: str, at: int) -> None:
        """All of it is over, and nothing opens any more."""
        self._over = True
        for key in self:
            self.close(key, reason, at)
