"""URLs and paths of databases, and what driver errors mean."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from scanner.errors import CrossbookError
from storage.database import for_reading
from storage.errors import (
    Damaged,
    DatabaseError,
    Full,
    LocationError,
    Locked,
    Unreachable,
    explained,
    refused,
)
from storage.ids import lowest_id, new_id
from storage.location import is_sqlite, located, place
from storage.writer import Writer


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("sqlite:////var/data/x.db", "sqlite:////var/data/x.db"),
        ("sqlite+pysqlite:///x.db", "sqlite:///x.db"),
        ("/var/data/x.db", "sqlite:////var/data/x.db"),
        ("x.db", "sqlite:///x.db"),
        ("~/x.db", f"sqlite:///{Path.home()}/x.db"),
        ("postgres://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
        ("postgresql://u:p@h:1/d?sslmode=require", None),
        ("postgresql+psycopg://h/d", "postgresql+psycopg://h/d"),
    ],
)
def test_what_names_a_database(text: str, url: str | None) -> None:
    found = located(text)
    if url is not None:
        assert found.render_as_string(hide_password=False) == url
    assert is_sqlite(found) is (url is not None and url.startswith("sqlite"))


@pytest.mark.parametrize("path", ["odd?name=1#2.db", "a folder/100% ü.db", "sqlite.db"])
def test_a_path_is_taken_as_it_is(path: str) -> None:
    assert located(path).database == path
    assert is_sqlite(located(path))


@pytest.mark.parametrize(
    "text",
    [
        *("", "  ", "sqlite://", "sqlite:///:memory:", "sqlite:///file:x?mode=ro"),
        *("mysql://u:p@h/d", "postgresql+asyncpg://h/d", "://", "sqlite+aiosqlite:///x.db"),
        "postgresql://h:port/d",
    ],
)
def test_what_names_none(text: str) -> None:
    with pytest.raises(LocationError) as caught:
        located(text)
    assert caught.value.exit_code == 2
    assert "postgresql+psycopg://user:password@host/name" in str(caught.value)
    assert ":p@" not in str(caught.value)


def test_a_writer_says_so_at_once() -> None:
    with pytest.raises(LocationError):
        Writer("mysql://x", version="", config_text="", now=lambda: 0)


def test_the_password_is_not_shown() -> None:
    assert place(located("postgresql://me:secret@host:5433/db?password=x")) == (
        "postgresql+psycopg://me:***@host:5433/db"
    )
    assert place(located("/tmp/x.db")) == "/tmp/x.db"


def test_a_database_that_is_not_there_yet(tmp_path: Path) -> None:
    with pytest.raises(Unreachable) as caught:
        for_reading(located(str(tmp_path / "none.db")))
    assert str(caught.value) == (
        f"{tmp_path}/none.db: there is no such database yet; "
        "it is made by the first crossbook watch or demo; --db names another"
    )
    assert not (tmp_path / "none.db").exists()


def test_every_error_is_one_of_the_programs_and_has_a_remedy() -> None:
    kinds = [DatabaseError, *DatabaseError.__subclasses__()]
    assert all(issubclass(kind, CrossbookError) for kind in kinds)
    assert len({kind.remedy_for_all for kind in kinds}) == len(kinds)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (sqlite3.SQLITE_BUSY_SNAPSHOT, Locked),
        (sqlite3.SQLITE_FULL, Full),
        (sqlite3.SQLITE_IOERR_FSYNC, Unreachable),
        (sqlite3.SQLITE_CORRUPT_INDEX, Damaged),
        (sqlite3.SQLITE_INTERNAL, DatabaseError),
    ],
)
def test_codes_of_sqlite(code: int, kind: type[DatabaseError]) -> None:
    error = sqlite3.OperationalError("what it says")
    error.sqlite_errorcode = code
    found = explained(error, "here")
    assert type(found) is kind
    assert found.place == "here"


def test_errors_of_the_system() -> None:
    found = explained(PermissionError(13, "Permission denied"), "here")
    assert isinstance(found, Unreachable)
    assert found.message == "Permission denied"


def test_an_error_of_ours_stays_and_is_given_its_place() -> None:
    error = Full("no room")
    assert explained(error, "there") is error
    assert error.place == "there"


def test_rows_to_blame() -> None:
    assert refused(OverflowError("too large"))
    assert not refused(sqlite3.OperationalError("disk I/O error"))
    assert not refused(ConnectionResetError())


def test_ids_sort_by_time() -> None:
    at = 1_790_000_000_123_456_789
    ids = [new_id(at + n * 1_000_000) for n in range(-2, 3)]
    assert ids == sorted(ids)
    assert ids[1] < lowest_id(at) <= ids[2]
    assert ids[0][14] == "7"
