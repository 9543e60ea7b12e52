"""Writes what the scanner finds to the database, from a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from time import monotonic

from msgspec import Struct
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from scanner.redact import redacted
from storage.chores import Chore, Slicing, Summing, Surviving, forget
from storage.errors import DatabaseError, explained, refused
from storage.ids import new_id
from storage.link import Link
from storage.location import file_of, is_sqlite, located, place
from storage.process import this_process
from storage.records import WriterState
from storage.retention import Keep, Retention
from storage.runs import Run
from storage.spool import Batch, Spool

log = logging.getLogger(__name__)
STALL = 1_500_000_000
MILLISECOND = 1_000_000
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 4.0
REST = 60_000_000_000  # of a chore that has failed
BREATH = 0.02  # between two steps of tidying


class Limits(Struct, frozen=True, kw_only=True):
    """Rows go in batches of about ``batch_rows``, after at most ``batch_seconds``; while the
    database cannot be written, at most ``waiting_rows`` are kept in memory (some 2 kB each)."""

    waiting_rows: int = 50_000
    batch_rows: int = 2_000
    batch_seconds: float = 0.25


class Writer:
    """A sink that writes to the database at ``url``; nothing it does delays the caller.

    Raises ``LocationError`` if the URL names no database. ``config_text`` is stored with the run,
    its secrets blanked. ``now()`` gives ns since the epoch, ``keep`` what is to be kept for how
    long. ``committed`` is called, on the writer's thread, with what has just become durable.
    """

    def __init__(
        self,
        url: str,
        *,
        version: str,
        config_text: str,
        now: Callable[[], int],
        keep: Keep = Keep(),  # noqa: B008 (frozen)
        limits: Limits = Limits(),  # noqa: B008
        committed: Callable[[Batch], None] | None = None,
    ) -> None:
        self._url: URL = located(url)
        self._now = now
        self._limits = limits
        self._spool = Spool(limits.waiting_rows, now)
        self._chores: list[Chore] = [Retention(keep, forget), Summing(), Surviving(), Slicing()]
        self._committed = committed
        at = now()
        self._run = Run(
            id=new_id(at),
            version=version,
            config=redacted(config_text),
            process=this_process(),
            started_at=at,
        )
        self._resting: dict[Chore, int] = {}
        self._link: Link | None = None
        self._problem: DatabaseError | None = None
        self._pause = FIRST_PAUSE
        self._opening_since = at
        self._first = True
        self._written = 0
        self._forgot = 0
        self._wake = threading.Event()
        self._deadline: float | None = None
        self._thread = threading.Thread(target=self._work, name="database", daemon=True)

    @property
    def run_id(self) -> str:
        """The id of this run."""
        return self._run.id

    @property
    def place(self) -> str:
        """The database, as it is named to people."""
        return place(self._url)

    def start(self) -> None:
        """Open the database and begin the run, in the thread; what fails is seen in ``state``."""
        self._opening_since = self._now()
        self._thread.start()

    def __call__(self, event: object) -> None:
        """Take an event; it is written soon."""
        if self._spool.add(event) >= self._limits.batch_rows and not self._wake.is_set():
            self._wake.set()

    def state(self) -> WriterState:
        """How it is doing, at this moment."""
        at = self._now()
        waiting, since = self._spool.waiting()
        lag = max(0, at - since) if waiting else 0
        error, remedy = self._trouble(at, lag)
        losses = self._spool.losses
        return WriterState(
            persisting=not error,
            error=error,
            remedy=remedy,
            waiting=waiting,
            written=self._written,
            dropped=sum(losses.values()),
            losses=losses,
            lag_ms=lag / MILLISECOND,
        )

    def close(self, seconds: float = 5.0) -> None:
        """Write what waits and end the run, within about ``seconds``."""
        self._deadline = monotonic() + seconds
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(seconds + 0.5)
        waiting, _ = self._spool.waiting()
        if waiting:
            log.error("%d rows were not written to %s", waiting, self.place)

    def _work(self) -> None:
        delay = 0.0
        while not self._over():
            self._wake.wait(delay)
            self._wake.clear()
            delay = self._turn()
        if self._link is not None:
            self._end(self._link)

    def _over(self) -> bool:
        """It is told to stop, and all is written or its time is up."""
        if self._deadline is None:
            return False
        waiting, _ = self._spool.waiting()
        return monotonic() > self._deadline or (self._link is not None and not waiting)

    def _turn(self) -> float:
        """Write what waits; the seconds until the next turn."""
        try:
            link = self._link or self._open()
            rows = self._limits.batch_rows
            while (batch := self._spool.take(rows)) is not None:
                self._write(link, batch)
                # A few more have always come in the meantime: they wait for their turn.
                if self._spool.waiting()[0] < rows and self._deadline is None:
                    break
            self._recovered()
            return self._keep_up(link)
        except Exception as error:  # whatever it is, the next turn tries again
            return self._failed(error)

    def _open(self) -> Link:
        if self._first and is_sqlite(self._url):
            file_of(self._url).parent.mkdir(parents=True, exist_ok=True)
        link = Link(self._url, self._run, self._spool.losses, self._now())
        self._link, self._first = link, False
        return link

    def _write(self, link: Link, batch: Batch) -> None:
        try:
            link.write(batch)
        except Exception as error:
            if not refused(error):
                raise
            batch = Batch.of(batch.since, self._sift(link, batch.parts(), error))
        self._spool.written()
        self._written += batch.rows
        if self._committed is not None:
            try:
                self._committed(batch)
            except Exception:
                log.exception("what follows a write failed")

    def _sift(self, link: Link, parts: list[Batch], error: Exception) -> list[Batch]:
        """One row that the database does not take must not hold up all others, which it writes."""
        if len(parts) == 1:
            table = parts[0].table
            level = logging.DEBUG if table in self._spool.losses else logging.ERROR
            log.log(level, "%s refused a row of %s: %s", self.place, table, error)
            self._spool.lose(table)
            return []
        middle = len(parts) // 2
        taken: list[Batch] = []
        for half in (parts[:middle], parts[middle:]):
            try:
                link.write(Batch.of(half[0].since, half))
                taken += half
            except Exception as worse:
                if not refused(worse):
                    raise
                taken += self._sift(link, half, worse)
        return taken

    def _keep_up(self, link: Link) -> float:
        """What is to be done when little waits; the seconds until the next turn."""
        at, losses = self._now(), self._spool.losses
        _, since = self._spool.waiting()
        link.beat(losses, since or at)
        forgot = losses.get("opportunity", 0)
        if forgot != self._forgot:
            link.forget(self._spool.open_ids())
            self._forgot = forgot
        more = [chore for chore in self._chores if self._step(link, chore, at)]
        return min(BREATH, self._limits.batch_seconds) if more else self._limits.batch_seconds

    def _step(self, link: Link, chore: Chore, at: int) -> bool:
        """A step of a chore if it is due. What fails in it does not concern what is written."""
        if at < self._resting.get(chore, 0) or not chore.due(at):
            return False
        try:
            return link.step(chore, at)
        except Exception as error:
            if isinstance(error, DBAPIError) and error.connection_invalidated:
                raise
            self._resting[chore] = at + REST
            log.warning("%s is put off: %s", type(chore).__name__, explained(error, self.place))
            if not isinstance(error, DBAPIError):
                log.exception("that is a mistake in the program")
            return False

    def _recovered(self) -> None:
        """What waited is written: only that shows that a database takes more than an opening."""
        self._pause, self._problem = FIRST_PAUSE, None

    def _failed(self, error: Exception) -> float:
        """Let go of the connection and try again later, less and less often."""
        problem = explained(error, self.place)
        if type(problem) is DatabaseError:
            log.error("writing to %s failed", self.place, exc_info=error)
        self._problem = problem
        self._spool.given_back()
        link, self._link = self._link, None
        if link is not None:
            link.close()
        pause, self._pause = self._pause, min(self._pause * 2, LONGEST_PAUSE)
        return pause if self._deadline is None else FIRST_PAUSE

    def _end(self, link: Link) -> None:
        try:
            link.end(self._spool.losses, self._now())
        except Exception as error:
            log.warning("the end of the run was not written: %s", explained(error, self.place))
        link.close()

    def _trouble(self, at: int, lag: int) -> tuple[str, str]:
        """What keeps rows from the database, and the remedy; empty if nothing does."""
        problem = self._problem
        if problem is not None:
            return f"{problem.place}: {problem.message}", problem.remedy
        if self._link is None:
            lag = max(lag, at - self._opening_since)
        if lag < STALL:
            return "", ""
        return (
            f"{self.place}: no answer for {lag / 1e9:.0f} s",
            "see whether its disk or server is overloaded; what waits is written when it answers",
        )
