"""Where the database is: a URL, or the path of a file."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from storage.errors import LocationError


def located(text: str) -> URL:
    """The URL of a database file or server. Raises ``LocationError``.

    A text without a scheme is the path of an SQLite file; ``postgres://`` and ``postgresql://``
    mean psycopg.
    """
    text = text.strip()
    try:
        url = make_url(text) if "://" in text else URL.create("sqlite", database=text)
    except (ArgumentError, ValueError):
        raise LocationError("this is not the URL of a database") from None
    backend = url.drivername.partition("+")[0]
    if backend in ("postgresql", "postgres"):
        if url.drivername not in ("postgresql", "postgres", "postgresql+psycopg"):
            raise LocationError(f"{url.drivername} is not spoken here", place=place(url))
        return url.set(drivername="postgresql+psycopg")
    if url.drivername not in ("sqlite", "sqlite+pysqlite"):
        raise LocationError(f"{url.drivername} is not spoken here", place=place(url))
    if url.database in (None, "", ":memory:") or str(url.database).startswith("file:"):
        raise LocationError("SQLite needs the path of a file", place=place(url))
    return url.set(drivername="sqlite", database=str(Path(str(url.database)).expanduser()))


def is_sqlite(url: URL) -> bool:
    """True for a file, False for a server."""
    return url.get_backend_name() == "sqlite"


def file_of(url: URL) -> Path:
    """The file of an SQLite database."""
    return Path(str(url.database))


def place(url: URL) -> str:
    """How the database is named to people: its file, or its URL without the password."""
    if is_sqlite(url):
        return str(url.database)
    return url.set(query={}).render_as_string(hide_password=True)
