"""Connections: how a database is opened for writing and for reading."""

from __future__ import annotations

import os
import sqlite3
from typing import Any

from sqlalchemy import create_engine, event
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.pool import NullPool

from storage import wal
from storage.errors import Foreign, Unreachable
from storage.location import file_of, is_sqlite, place

VERSION_TABLE = "crossbook_version"
BUSY_SECONDS = 1.0
INCREMENTAL = 2  # of SQLite's auto_vacuum
SERVER_OPTIONS = {
    "connect_timeout": 2,
    "application_name": "crossbook",
    # a server that has gone without a word is noticed in seconds
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 5000,
}


def for_writing(url: URL) -> Engine:
    """An engine whose connections are durable: what is committed survives a power cut.

    Transactions of SQLite begin with the right to write, so none fails half way through.
    Raises ``Unreachable`` for a folder, and for a server whose library is not installed.
    """
    if not is_sqlite(url):
        # Durable even where the server's default is not; a lock is waited for but not forever.
        settings = "-c synchronous_commit=on -c lock_timeout=1s"
        return _server(url, settings)
    _refuse_folder(url)
    path = place(url)

    def prepare(raw: sqlite3.Connection, _: object) -> None:
        raw.isolation_level = None
        _refuse_foreign(raw, path)
        if raw.execute("PRAGMA auto_vacuum").fetchone()[0] != INCREMENTAL:
            # Only a new file takes it, but every file is written for it.
            raw.execute(f"PRAGMA auto_vacuum={INCREMENTAL}")
        raw.execute("PRAGMA synchronous=EXTRA")  # it has to stand before the switch to WAL
        if raw.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            raw.execute("PRAGMA journal_mode=WAL")
        raw.execute(f"PRAGMA journal_size_limit={wal.KEPT}")
        raw.execute("PRAGMA cache_size=-16000")

    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": BUSY_SECONDS})
    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", _begin)
    return engine


def for_reading(url: URL) -> Engine:
    """An engine that cannot change anything and never holds up the writer.

    Raises ``Unreachable`` if there is no such file, or a folder.
    """
    if not is_sqlite(url):
        return _server(url, "-c default_transaction_read_only=on")
    file = file_of(url).absolute()
    if not file.exists():
        raise Unreachable(
            "there is no such database yet",
            place=place(url),
            remedy="it is made by the first crossbook watch or demo; --db names another",
        )

    _refuse_folder(url)

    def connect() -> sqlite3.Connection:
        uri = f"{file.as_uri()}?mode=ro"
        if not os.access(file.parent, os.W_OK) and not file.with_name(f"{file.name}-wal").exists():
            # a copy that nobody writes: without this, SQLite wants to make files next to it
            uri += "&immutable=1"
        raw = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, check_same_thread=False)
        raw.isolation_level = None
        raw.execute("PRAGMA query_only=1")
        return raw

    return create_engine("sqlite://", creator=connect, poolclass=NullPool)


def driver(connection: Connection) -> sqlite3.Connection:
    """SQLite's own connection."""
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    return raw


def _server(url: URL, settings: str) -> Engine:
    try:
        import psycopg  # noqa: F401
    except ImportError:
        raise Unreachable(
            "PostgreSQL needs the library psycopg",
            place=place(url),
            remedy="pip install 'psycopg[binary]'",
        ) from None
    arguments: dict[str, Any] = {**SERVER_OPTIONS, "options": settings}
    return create_engine(url, poolclass=NullPool, connect_args=arguments)


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _refuse_folder(url: URL) -> None:
    """SQLite would speak of the disk."""
    if file_of(url).is_dir():
        raise Unreachable(
            "it is a folder", place=place(url), remedy="name a file, in that folder or another"
        )


def _refuse_foreign(raw: sqlite3.Connection, path: str) -> None:
    """Look before anything is changed: the file may be some other program's."""
    tables = {name for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type='table'")}
    if tables and VERSION_TABLE not in tables:
        raise Foreign("it belongs to another program", place=path)
