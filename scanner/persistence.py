"""When the log says that the database takes nothing, and that it does again."""

from __future__ import annotations

SECOND = 1_000_000_000
CALM = 10 * SECOND
LONGEST_CALM = 640 * SECOND
FORGOTTEN = 3600 * SECOND


class Persistence:
    """Follows the trouble of a database, and says each thing once.

    A full disk comes and goes with every file that is made or deleted on it. So an end of the
    trouble is only believed after ``CALM``, and after twice that each time it comes back within an
    hour; what happens meanwhile is on the screen (the banner), not in the log.
    """

    def __init__(self) -> None:
        self._remedy = ""
        self._well_since: int | None = None
        self._ended_at = -FORGOTTEN
        self._calm = CALM

    def begins(self, remedy: str, at: int) -> bool:
        """Whether the trouble of which this is the ``remedy`` is to be said now, at ``at`` ns."""
        self._well_since = None
        if remedy == self._remedy:
            return False
        if not self._remedy:
            again = at - self._ended_at < FORGOTTEN
            self._calm = min(2 * self._calm, LONGEST_CALM) if again else CALM
        self._remedy = remedy
        return True

    def ends(self, at: int) -> bool:
        """Whether it is to be said that all is well, as it is at ``at`` ns."""
        if not self._remedy:
            return False
        if self._well_since is None:
            self._well_since = at
        if at - self._well_since < self._calm:
            return False
        self._remedy, self._well_since, self._ended_at = "", None, at
        return True
