"""New databases without the steps to them: what those did to the first is done to all after it.

The steps themselves are tested in ``test_migrate.py``, and by every process that a test starts."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Connection

from storage import migrate

real = migrate._run
_noted: dict[str, list[tuple[str, Any]]] = {}


def run(connection: Connection, to: str = "head") -> None:
    """In place of ``migrate._run``."""
    dialect = connection.dialect.name
    if to != "head" or migrate.version_of(connection) is not None:
        real(connection, to)
    elif dialect in _noted:
        for statement, values in _noted[dialect]:
            connection.exec_driver_sql(statement, values)
    else:
        _noted[dialect] = _noting(connection)


def _noting(connection: Connection) -> list[tuple[str, Any]]:
    """What all steps do, which are done."""
    noted: list[tuple[str, Any]] = []

    def note(
        connection: Connection, cursor: object, statement: str, values: Any, *_: object
    ) -> None:
        if not statement.lstrip().upper().startswith(("SELECT", "PRAGMA")):
            noted.append((statement, values))

    event.listen(connection, "before_cursor_execute", note)
    try:
        real(connection)
    finally:
        event.remove(connection, "before_cursor_execute", note)
    return noted
