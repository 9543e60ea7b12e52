"""SQLite's write-ahead log: how large it may become, and what to say when it does.

Readers and the writer never wait for each other; the price is that while a read lasts, nothing that
was written since it began can be moved from the log to the file. When it ends, the next commit does
so, and the one after that cuts the log to ``KEPT``. Where short reads follow each other without a
gap that moment never comes by itself: from ``LARGE`` on it is made.
"""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path

log = logging.getLogger(__name__)
MEGABYTE = 1 << 20
KEPT = 64 * MEGABYTE
LARGE = 128 * MEGABYTE
NOTICE = 256 * MEGABYTE
PAUSE = 60_000_000_000
PATIENCE = 200


def log_of(file: Path) -> Path:
    """The write-ahead log of a database file."""
    return Path(f"{file}-wal")


def size(file: Path) -> int:
    """Bytes that the log of a database file takes; 0 if there is none."""
    try:
        return log_of(file).stat().st_size
    except OSError:
        return 0


def begin_anew(connection: sqlite3.Connection) -> None:
    """Move all to the file, and have the next commit begin the log anew.

    Reads that begin meanwhile are no hindrance; for those that were there before it waits for
    ``PATIENCE`` ms at most. The connection must not be in a transaction.
    """
    (usual,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute(f"PRAGMA busy_timeout={PATIENCE}")
    try:
        connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
    finally:
        connection.execute(f"PRAGMA busy_timeout={usual}")


class Watch:
    """Keeps the write-ahead log of ``file`` small, where that can be done, and says in the log of
    the run when it is large: at ``NOTICE``, at each doubling, and when it is small again."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._next = 0
        self._due = 0

    def look(self, connection: sqlite3.Connection, at: int) -> None:
        """See how large it is now, at ``at`` ns; ``connection`` writes it."""
        now = size(self._file)
        if now >= LARGE and at >= self._due:
            self._due = at + PAUSE
            begin_anew(connection)
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
