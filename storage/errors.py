"""What can be wrong with a database, in the words of the person who has to mend it.

DatabaseError             1
├── LocationError         2   the URL names no database that could be used
├── Unreachable           1   no server, no such folder, no permission to open it
├── Locked                1   another process holds it
├── ReadOnly              1
├── Full                  1   the disk, or a quota
├── Damaged               1   not a database, or a broken one
├── Foreign               1   it belongs to another program
├── Older                 1   it has not been brought up to this version
└── Newer                 1   it belongs to a newer version of this one
"""

from __future__ import annotations

import sqlite3
from typing import ClassVar

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError

from scanner.errors import CrossbookError
from scanner.redact import redacted


class DatabaseError(CrossbookError):
    """The database at ``place`` cannot be used: ``message`` says why, ``remedy`` what to do."""

    remedy_for_all: ClassVar[str] = "see that the database can be used"

    def __init__(self, message: str, *, place: str = "", remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.remedy = remedy or self.remedy_for_all

    def __str__(self) -> str:
        told = ": ".join(part for part in (self.place, self.message) if part)
        return f"{told}; {self.remedy}"


class LocationError(DatabaseError):
    """The URL names no database that could be used."""

    exit_code: ClassVar[int] = 2
    remedy_for_all = (
        "give a file (sqlite:////folder/file.db, or its path) or a server "
        "(postgresql+psycopg://user:password@host/name)"
    )


class Unreachable(DatabaseError):
    """There is no way to it: no server, no folder, no permission."""

    remedy_for_all = "see that it is there and may be opened, or name another with --db"


class Locked(DatabaseError):
    """Another process holds it for longer than it is waited for."""

    remedy_for_all = "end the other program that has it open for writing"


class ReadOnly(DatabaseError):
    """It can be read but not written."""

    remedy_for_all = "give yourself the right to write the file and its folder"


class Full(DatabaseError):
    """There is no room left for it."""

    remedy_for_all = "make room on its disk, or lower database.max_size_mb"


class Damaged(DatabaseError):
    """It is no database, or what is in it is broken."""

    remedy_for_all = "move it away (a new one is then begun) or put a backup in its place"


class Foreign(DatabaseError):
    """It has tables of another program."""

    remedy_for_all = "name another with --db: this one is left as it is"


class Older(DatabaseError):
    """It is of an older version of this program, which knows how to bring it up to date."""

    remedy_for_all = "'crossbook db upgrade' brings it up to date"


class Newer(DatabaseError):
    """A newer version of this program has changed it."""

    remedy_for_all = "upgrade crossbook, or name another with --db"


BY_SQLITE_CODE: dict[int, tuple[type[DatabaseError], str]] = {
    sqlite3.SQLITE_BUSY: (Locked, "it is locked by another process"),
    sqlite3.SQLITE_LOCKED: (Locked, "it is locked by another process"),
    sqlite3.SQLITE_READONLY: (ReadOnly, "it may not be written"),
    sqlite3.SQLITE_PERM: (ReadOnly, "it may not be written"),
    sqlite3.SQLITE_FULL: (Full, "its disk is full"),
    sqlite3.SQLITE_CANTOPEN: (Unreachable, "it cannot be opened"),
    sqlite3.SQLITE_NOTADB: (Damaged, "it is not a SQLite database"),
    sqlite3.SQLITE_CORRUPT: (Damaged, "it is damaged"),
    sqlite3.SQLITE_IOERR: (Unreachable, "its disk does not read or write"),
}
# By the class (two characters) or the whole code; see PostgreSQL's manual, appendix A.
BY_SQLSTATE: dict[str, tuple[type[DatabaseError], str]] = {
    "08": (Unreachable, "the connection to the server is lost"),
    "28": (Unreachable, "the server does not let us in"),
    "3D": (Unreachable, "the server has no database of that name"),
    "42501": (ReadOnly, "the user may not write in it"),
    "25006": (ReadOnly, "it is read-only"),
    "53": (Unreachable, "the server has no room for one more connection"),
    "53100": (Full, "the server's disk is full"),
    "53200": (Full, "the server's memory is full"),
    "55P03": (Locked, "another process holds what is to be written"),
    "57014": (Locked, "the server took too long"),
    "57": (Unreachable, "the server is shutting down"),
    "40": (Locked, "another process was writing the same"),
    "42": (Damaged, "its tables are not as they should be"),
    "XX": (Damaged, "it is damaged"),
}


def refused(error: Exception) -> bool:
    """True if it is the rows that the database does not take, and never will."""
    if isinstance(error, DataError | IntegrityError):
        return True
    return isinstance(error, ValueError | OverflowError | TypeError)


def explained(error: Exception, place: str) -> DatabaseError:
    """What a failure of the database means."""
    if isinstance(error, DatabaseError):
        error.place = error.place or place
        return error
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    code = getattr(cause, "sqlite_errorcode", None)
    if code is not None and code & 0xFF in BY_SQLITE_CODE:
        kind, message = BY_SQLITE_CODE[code & 0xFF]
        return kind(message, place=place)
    if isinstance(cause, sqlite3.OperationalError) and str(cause).startswith("no such"):
        return Damaged("its tables are not as they should be", place=place)
    state = getattr(cause, "sqlstate", None) or ""
    for known in (state, state[:2]):
        if known in BY_SQLSTATE:
            kind, message = BY_SQLSTATE[known]
            return kind(f"{message} ({_first_line(cause)})", place=place)
    if type(cause).__module__.startswith("psycopg"):
        return Unreachable(f"the server cannot be reached ({_first_line(cause)})", place=place)
    if isinstance(cause, OSError):
        return Unreachable(cause.strerror or str(cause), place=place)
    return DatabaseError(_first_line(cause), place=place)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return redacted(lines[0]) if lines else type(error).__name__
