"""One spell of being connected: from opening the database to the first thing that fails."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from storage import migrate, runs, wal
from storage.batch import BatchWriter
from storage.chores import Chore
from storage.database import driver, for_writing
from storage.errors import Unreachable
from storage.location import file_of, is_sqlite, place
from storage.runs import Run
from storage.spool import Batch

log = logging.getLogger(__name__)
LEFTOVERS = 30_000_000_000


class Link:
    """A connection on which the run has begun.

    When a method raises the link is of no more use, unless the rows are to blame
    (``errors.refused``).

    Opening it migrates the database, and closes what dead runs left open.
    """

    def __init__(self, url: URL, run: Run, losses: Mapping[str, int], at: int) -> None:
        self._run = run
        self._beat_at = at
        self._leftovers_at = at
        self._writer = BatchWriter(run.id)
        self._place = place(url)
        _require_folder(url)
        self._engine = for_writing(url)
        file = file_of(url)
        self._files = [file, wal.log_of(file)] * is_sqlite(url)
        self._wal = wal.Watch(file) if is_sqlite(url) else None
        self._connection = self._engine.connect()
        try:
            with self._connection.begin():
                migrate.upgrade(self._connection)
                runs.begin(self._connection, run, json.dumps(losses), at)
                closed = runs.close_leftovers(self._connection, run.id, at)
            self._seen = self._identities()
        except BaseException:
            self.close()
            raise
        if closed:
            log.warning("%d opportunities of runs that died were closed as interrupted", closed)

    def write(self, batch: Batch) -> None:
        """Write a batch; when this returns it is durable."""
        self._check_files()
        try:
            with self._connection.begin():
                self._writer.write(self._connection, batch)
        except BaseException:
            self._writer = BatchWriter(self._run.id)
            raise
        self._check_files()

    def beat(self, losses: Mapping[str, int], at: int) -> None:
        """Say that all up to ``at`` is written; at times, look for runs that have died."""
        self._check_files()
        if self._wal is not None:
            self._wal.look(driver(self._connection), at)
        if at - self._beat_at < runs.HEARTBEAT:
            if not self._files:
                with self._connection.begin():
                    self._connection.exec_driver_sql("SELECT 1")
            return
        self._beat_at = at
        with self._connection.begin():
            runs.beat(self._connection, self._run.id, json.dumps(losses), at)
            if at - self._leftovers_at >= LEFTOVERS:
                self._leftovers_at = at
                runs.close_leftovers(self._connection, self._run.id, at)

    def forget(self, known: set[str]) -> None:
        """Close what is open in the database but not among ``known``."""
        with self._connection.begin():
            runs.close_forgotten(self._connection, self._run.id, known)

    def step(self, chore: Chore, at: int) -> bool:
        """One step of a chore; True if there is more to do."""
        with self._connection.begin():
            return chore.step(self._connection, at)

    def end(self, losses: Mapping[str, int], at: int) -> None:
        """The run is over."""
        with self._connection.begin():
            runs.end(self._connection, self._run.id, json.dumps(losses), at)

    def close(self) -> None:
        """Let go of the database; never raises what a broken one would."""
        with suppress(DBAPIError, OSError):
            self._connection.close()
        self._engine.dispose()

    def _check_files(self) -> None:
        """A file that has been deleted can still be written, and nobody will ever read it."""
        if self._identities() != self._seen:
            raise Unreachable("its file was moved or deleted", place=self._place)

    def _identities(self) -> list[tuple[int, int] | None]:
        return [_identity(path) for path in self._files]


def _require_folder(url: URL) -> None:
    if is_sqlite(url) and not file_of(url).absolute().parent.is_dir():
        raise Unreachable(
            "its folder is not there",
            place=place(url),
            remedy="bring the folder back (a disk that is not mounted?), or name another with --db",
        )


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
