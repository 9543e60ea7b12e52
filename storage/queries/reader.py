"""The answers to what people ask of a database; nothing here changes it or holds up its writer."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection, Engine

from scanner.events import Alert, Suspect
from storage import migrate
from storage.database import for_reading
from storage.errors import DatabaseError, explained
from storage.location import located, place
from storage.queries import detail, grouping, listing, spreads, survival, suspects
from storage.queries.filter import By, Filter, Sort
from storage.queries.grouping import Group
from storage.queries.readings import Readings
from storage.queries.records import Detail, Info, RouteFigures, SpreadPoint, State, Stored
from storage.queries.survival import Key, Latency
from storage.schema import alert

PAGE = 500
CACHE = 1_024
"""KB of pages that are kept. Hardly a page is read twice, and the system has it in memory anyway:
with 64 MB, reading 70 MB took twice as long, each page into memory that was never used before."""
STEPS = 20_000
"""So many steps of SQLite's machine lie between two looks at the clock: a millisecond or less."""


class TooSlow(DatabaseError):
    """An answer took longer than it may."""

    remedy_for_all = "ask for less: a shorter time (--since), one symbol, or fewer rows"


def open_reader(url: str, *, seconds: float = 30.0) -> Reader:
    """A reader of the database at ``url``; no answer takes longer than ``seconds``.

    Raises ``storage.errors.DatabaseError``.
    """
    where = located(url)
    try:
        engine = for_reading(where)
    except OSError as error:  # a folder that may not be entered
        raise explained(error, place(where)) from error
    reader = Reader(engine, place(where), seconds)
    reader.check()
    return reader


class Reader:
    """Answers, each from a transaction of its own: it sees one moment, and ends at once.

    ``readings`` answers about funding, parity and rejects. Every method raises
    ``storage.errors.DatabaseError``.
    """

    def __init__(self, engine: Engine, place: str, seconds: float) -> None:
        self._engine = engine
        self._seconds = seconds
        self.place = place
        self.readings = Readings(self._transaction)

    def check(self) -> None:
        """See that it is a database of ours, of this version."""
        with self._transaction() as connection:
            migrate.require_current(connection)

    def opportunities(
        self, asked: Filter, sort: Sort = Sort.OPENED, limit: int = 50, *, ascending: bool = False
    ) -> list[Stored]:
        """The first ``limit`` of those asked for; the greatest (or newest) first, or last."""
        with self._transaction() as connection:
            ids = listing.first(connection, asked, sort, limit, ascending=ascending)
            return detail.stored(connection, ids)

    def every(
        self, asked: Filter, sort: Sort = Sort.OPENED, *, ascending: bool = False
    ) -> Iterator[Stored]:
        """All of those asked for, a transaction for each ``PAGE`` of them.

        What is still open has no duration, and comes last in that order.
        """
        after = None
        while True:
            with self._transaction() as connection:
                pairs = listing.page(
                    connection, asked, sort, PAGE, ascending=ascending, after=after
                )
                found = detail.stored(connection, [one for _, one in pairs])
            yield from found
            if len(pairs) < PAGE:
                break
            after = pairs[-1]
        if sort is Sort.DURATION:
            with self._transaction() as connection:
                found = detail.stored(connection, listing.still_open(connection, asked))
            yield from found

    def states(self, ids: Sequence[str]) -> dict[str, list[State]]:
        """The states of these opportunities, by their ids, in the order opened, peak, last."""
        with self._transaction() as connection:
            return detail.states(connection, ids)

    def groups(self, asked: Filter, by: By) -> list[Group]:
        """The figures of all groups, in no order."""
        with self._transaction() as connection:
            return grouping.groups(connection, asked, by)

    def latencies(self, asked: Filter, by: By) -> dict[Key, tuple[Latency, ...]]:
        """What became of the opportunities of all groups by symbol, route or venue; of others
        nothing is told. Where least figures are asked for it takes some 20 us for each."""
        with self._transaction() as connection:
            return survival.latencies(connection, asked, by)

    def ids(self, prefix: str, limit: int = 10) -> list[str]:
        """The first ids that begin with ``prefix``."""
        with self._transaction() as connection:
            return detail.ids(connection, prefix, limit)

    def one(self, key: str) -> Detail | None:
        """All that is stored of the opportunity with this id."""
        with self._transaction() as connection:
            return detail.one(connection, key)

    def known(self) -> tuple[set[str], set[str]]:
        """The symbols and the venues of which there is anything."""
        with self._transaction() as connection:
            return spreads.known(connection)

    def spreads(
        self, symbol: str, since: int, until: int, buy: str = "", sell: str = ""
    ) -> list[RouteFigures]:
        """What each route of the symbol showed from ``since`` until before ``until`` (ns)."""
        with self._transaction() as connection:
            return spreads.routes(connection, symbol, since, until, buy, sell)

    def minutes(
        self, symbol: str, since: int, until: int, limit: int, buy: str = "", sell: str = ""
    ) -> list[RouteFigures]:
        """The newest ``limit`` summaries themselves, newest first."""
        with self._transaction() as connection:
            return spreads.minutes(connection, symbol, since, until, limit, buy, sell)

    def course(
        self, symbol: str, since: int, until: int, slices: int, buy: str = "", sell: str = ""
    ) -> list[SpreadPoint]:
        """The best of the routes in each of ``slices`` equal slices of the time that has any."""
        with self._transaction() as connection:
            return spreads.course(connection, symbol, since, until, slices, buy, sell)

    def alerts(
        self,
        *,
        since: int = 0,
        rules: Sequence[str] = (),
        channels: Sequence[str] = (),
        states: Sequence[str] = (),
        limit: int = 50,
    ) -> list[Alert]:
        """The newest alerts, newest first."""
        query = select(*detail.ALERT).where(alert.c.at >= since)
        for column, wanted in (
            (alert.c.rule, rules),
            (alert.c.channel, channels),
            (alert.c.state, states),
        ):
            if wanted:
                query = query.where(column.in_(list(wanted)))
        with self._transaction() as connection:
            rows = connection.execute(
                query.order_by(alert.c.at.desc(), alert.c.id.desc()).limit(limit)
            ).all()
        return [Alert(**row._mapping) for row in rows]

    def suspects(self, since: int) -> list[Suspect]:
        """What was kept apart, as it was told of last since that time; the newest first."""
        with self._transaction() as connection:
            return suspects.newest(connection, since)

    def info(self) -> Info:
        """What is in it."""
        with self._transaction() as connection:
            return detail.info(connection, self.place)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with self._engine.connect() as connection:
                end = monotonic() + self._seconds
                if connection.dialect.name == "sqlite":
                    raw = _raw(connection)
                    raw.set_progress_handler(lambda: monotonic() > end, STEPS)
                    raw.execute(f"PRAGMA cache_size=-{CACHE}")
                    connection.exec_driver_sql("BEGIN")
                else:
                    connection.execution_options(isolation_level="REPEATABLE READ")
                    milliseconds = int(self._seconds * 1000)
                    connection.exec_driver_sql(f"SET LOCAL statement_timeout = {milliseconds}")
                yield connection
        except DatabaseError as error:
            error.place = error.place or self.place
            raise
        except Exception as error:
            raise self._explained(error) from error

    def _explained(self, error: Exception) -> DatabaseError:
        cause = getattr(error, "orig", None) or error
        interrupted = getattr(cause, "sqlite_errorcode", None) == sqlite3.SQLITE_INTERRUPT
        if interrupted or getattr(cause, "sqlstate", None) == "57014":
            return TooSlow(f"the answer takes longer than {self._seconds:g} s", place=self.place)
        return explained(error, self.place)


def _raw(connection: Connection) -> Any:
    return connection.connection.driver_connection
