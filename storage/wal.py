"""SQLite's write-ahead log: how large it may become, and what to say when it does.

Readers and the writer never wait for each other; the price is that while a read lasts, nothing that
was written since it began can be moved from the log to the file. When it ends, the next commit does
so, and the one after that cuts the log to ``KEPT``.
"""

from __future__ import annotations

import logging
from pathlib import Path

log = logging.getLogger(__name__)
MEGABYTE = 1 << 20
KEPT = 64 * MEGABYTE
NOTICE = 256 * MEGABYTE


def log_of(file: Path) -> Path:
    """The write-ahead log of a database file."""
    return Path(f"{file}-wal")


def size(file: Path) -> int:
    """Bytes that the log of a database file takes; 0 if there is none."""
    try:
        return log_of(file).stat().st_size
    except OSError:
        return 0


class Watch:
    """Says, in the log of the run, when the write-ahead log of ``file`` is large: at ``NOTICE``, at
    each doubling, and when it is small again."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._next = 0

    def look(self) -> None:
        """See how large it is now."""
        now = size(self._file)
        if now >= max(NOTICE, self._next):
            self._next = 2 * now
            log.warning(
                "%s has grown to %d MB: a program has been reading the database for long, and "
                "until it ends the file can only grow; nothing is lost",
                log_of(self._file),
                now // MEGABYTE,
            )
        elif self._next and now < NOTICE:
            self._next = 0
            log.info("%s has shrunk to %d MB", log_of(self._file), now // MEGABYTE)
