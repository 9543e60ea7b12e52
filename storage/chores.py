"""Work on what is stored, done by the writer's thread while nothing waits to be written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sqlalchemy.engine import Connection

from storage import segments, summary, survivals, totals

SECOND = 1_000_000_000
MINUTE = 60 * SECOND


class Chore(Protocol):
    """Something that is done in short steps."""

    def due(self, at: int) -> bool:
        """Is it time for a step?"""

    def step(self, connection: Connection, at: int) -> bool:
        """One step, within the caller's transaction; True if another should follow soon."""


def forget(connection: Connection, ids: Sequence[str]) -> None:
    """Take opportunities that are about to be deleted out of all that is added up."""
    summary.forget(connection, ids)
    survivals.forget(connection, ids)


class Summing:
    """Counts what has closed in the summaries, every ten seconds."""

    def __init__(self) -> None:
        self._due = 0

    def due(self, at: int) -> bool:
        """Is it time for a step?"""
        return at >= self._due

    def step(self, connection: Connection, at: int) -> bool:
        """Count some."""
        if summary.seal(connection) >= summary.MOST or totals.roll(connection, at):
            return True
        self._due = at + 10 * SECOND
        return False


class Surviving:
    """Counts what became of opportunities, every ten seconds."""

    def __init__(self) -> None:
        self._due = 0

    def due(self, at: int) -> bool:
        """Is it time for a step?"""
        return at >= self._due

    def step(self, connection: Connection, at: int) -> bool:
        """Count some."""
        if survivals.count(connection) >= survivals.MOST:
            return True
        self._due = at + 10 * SECOND
        return False


class Slicing:
    """Puts the days that are settled into slices, every ten minutes."""

    def __init__(self) -> None:
        self._builder = segments.Builder()
        self._due = 0

    def due(self, at: int) -> bool:
        """Is it time for a step?"""
        return at >= self._due

    def step(self, connection: Connection, at: int) -> bool:
        """A few slices."""
        if self._builder.step(connection, at):
            return True
        self._due = at + 10 * MINUTE
        return False
