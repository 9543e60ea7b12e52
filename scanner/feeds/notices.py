"""What a venue makes us say, on the log: safe to read, and never more than a person can read."""

from __future__ import annotations

import logging
from collections.abc import Callable

from scanner.feeds.pacing import Bucket
from scanner.text import printable
from scanner.venues.parts import SECOND

LONGEST = 200
REMEMBERED = 256


def describe(error: BaseException) -> str:
    """An exception in a few words."""
    name = type(error).__name__
    text = printable(str(error), LONGEST)
    return f"{name}: {text}" if text else name


class Notices:
    """The log of one venue. The same line is written once in ``every`` seconds, and lines of
    whatever text at ``per_second`` after a first ``burst``: a hostile venue cannot flood it. What
    was left out is counted in the next line."""

    def __init__(
        self,
        log: logging.Logger,
        now: Callable[[], int],
        *,
        every: float = 60.0,
        per_second: float = 1.0,
        burst: float = 30.0,
    ) -> None:
        self._log = log
        self._now = now
        self._every = int(every * SECOND)
        self._bucket = Bucket(per_second, burst)
        self._written: dict[str, int] = {}
        self._left_out = 0

    def say(self, level: int, who: str, text: str) -> None:
        """One line about ``who`` (a connection); ``text`` may come from outside."""
        if not self._log.isEnabledFor(level):
            return
        line = f"{who}: {printable(text, LONGEST)}"
        if not self._allowed(line):
            self._left_out += 1
            return
        more = f" ({self._left_out} more lines were left out)" if self._left_out else ""
        self._left_out = 0
        self._log.log(level, "%s%s", line, more)

    def _allowed(self, line: str) -> bool:
        at = self._now()
        last = self._written.get(line)
        if (last is not None and at - last < self._every) or self._bucket.wait(at):
            return False
        self._bucket.take(at)
        if len(self._written) >= REMEMBERED:
            self._written.clear()
        self._written[line] = at
        return True
