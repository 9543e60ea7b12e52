"""What is done to a database by hand: bring it up to date, make it smaller, copy it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.engine import URL, Connection, Engine

from storage import migrate
from storage.database import driver, for_reading, for_writing
from storage.errors import LocationError, explained
from storage.location import file_of, is_sqlite, located, place
from storage.schema import metadata

CHUNK = 5_000


def upgrade(url: str) -> tuple[str, str]:
    """Bring a database to this version, or make it; its version before ("": none) and after.

    Raises ``DatabaseError``.
    """
    where = located(url)
    with _told(where):
        if is_sqlite(where):
            file_of(where).parent.mkdir(parents=True, exist_ok=True)
        with _connected(for_writing(where)) as connection, connection.begin():
            before = migrate.version_of(connection)
            migrate.upgrade(connection)
    return before or "", migrate.HEAD


def vacuum(url: str) -> None:
    """Give back all the space that is free, and take the statistics for queries anew.

    A file that another process is writing is ``Locked``, and one that wants to write it meanwhile
    has to wait; a server works on. Raises ``DatabaseError``.
    """
    where = located(url)
    with _told(where):
        for_reading(where).dispose()  # says so if there is none
        with _connected(for_writing(where)) as connection:
            with connection.begin():
                migrate.require_ours(connection)
            _outside_transactions(connection, "VACUUM", "ANALYZE")


def export(url: str, target: Path) -> None:
    """Copy all that is in a database at this moment to a new SQLite file.

    It can be asked, and written, like any other. Raises ``DatabaseError``.
    """
    where = located(url)
    if target.exists():
        raise LocationError("it is there already", place=str(target), remedy="name a new file")
    with _told(where):
        source = for_reading(where)
    try:
        if is_sqlite(where):
            with _told(where), _connected(source) as connection:
                migrate.require_ours(connection)
                raw = driver(connection)
                raw.execute("PRAGMA query_only=0")  # the source stays read-only, the copy is new
                raw.execute("VACUUM INTO ?", (str(target),))
            return
        upgrade(str(target))
        with _told(where), _connected(source) as connection:
            _copy(connection, target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _copy(source: Connection, target: Path) -> None:
    """Row by row, as of one moment."""
    source = source.execution_options(isolation_level="REPEATABLE READ", stream_results=True)
    migrate.require_current(source)
    with _connected(for_writing(located(str(target)))) as connection, connection.begin():
        for table in metadata.sorted_tables:
            for rows in source.execute(select(table)).partitions(CHUNK):
                connection.execute(table.insert(), [dict(row._mapping) for row in rows])


def _outside_transactions(connection: Connection, *statements: str) -> None:
    if connection.dialect.name == "sqlite":
        for statement in statements:
            driver(connection).execute(statement)
    else:
        free = connection.execution_options(isolation_level="AUTOCOMMIT")
        for statement in statements:
            free.exec_driver_sql(statement)


@contextmanager
def _connected(engine: Engine) -> Iterator[Connection]:
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


@contextmanager
def _told(where: URL) -> Iterator[None]:
    """What goes wrong, in the words of ``storage.errors``."""
    try:
        yield
    except Exception as error:
        raise explained(error, place(where)) from error
