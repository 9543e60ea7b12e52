"""Brings a database to the schema of this version, or says why it cannot."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from sqlalchemy import inspect, text
from sqlalchemy.engine import Connection

from storage.database import VERSION_TABLE
from storage.errors import Damaged, Foreign, Newer, Older
from storage.schema import metadata

HEAD = "0006"
# Alembic keeps the migration under way in a module of its own.
_one_at_a_time = threading.Lock()
_LOCK = 0x63726F7373  # any number that other programs on the server are unlikely to lock


def version_of(connection: Connection) -> str | None:
    """The database's version; None if it has none of our tables. Raises ``Foreign``."""
    tables = set(inspect(connection).get_table_names())
    if VERSION_TABLE in tables:
        found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
        if found is not None:
            return str(found)
    taken = sorted(tables & set(metadata.tables))
    if taken:
        raise Foreign(f"its table {taken[0]} belongs to another program")
    return None


def require_ours(connection: Connection) -> str:
    """The database's version, which this program knows. Raises ``Newer`` and ``Foreign``."""
    found = version_of(connection)
    if found is None:
        raise Foreign("there is nothing of crossbook in it")
    _require_known(connection, found)
    return found


def require_current(connection: Connection) -> None:
    """Raises ``Older``, ``Newer`` or ``Foreign`` if the database is not of this version."""
    found = require_ours(connection)
    if found != HEAD:
        raise Older(f"it is of an older version ({found})")


def upgrade(connection: Connection) -> None:
    """Bring the database to ``HEAD`` within the transaction that the connection is in.

    Safe with several processes at it at once: one does it, the others wait. Raises ``Newer``,
    ``Foreign`` and ``Damaged``.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    found = version_of(connection)
    if found is not None:
        _require_known(connection, found)
    if found != HEAD:
        with _one_at_a_time:
            _run(connection)
    missing = sorted(set(metadata.tables) - set(inspect(connection).get_table_names()))
    if missing:
        raise Damaged(f"its tables are not as they should be ({missing[0]} is missing)")


def _require_known(connection: Connection, version: str) -> None:
    """Raises ``Newer`` if no step of this program's leads to that version."""
    if version > HEAD:
        raise Newer(f"it was changed by a newer crossbook{_last_used_by(connection)}")
    if version not in {f"{number:04}" for number in range(1, int(HEAD) + 1)}:
        raise Newer(f"its version, {version[:16]!r}, is not known here")


def _run(connection: Connection, to: str = "head") -> None:
    logging.getLogger("alembic").setLevel(logging.WARNING)  # before its import speaks
    from alembic import command
    from alembic.config import Config

    config = Config()
    folder = str(Path(__file__).with_name("migrations"))
    config.set_main_option("script_location", folder.replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, to)


def _last_used_by(connection: Connection) -> str:
    """`` 1.4.0`` if that can still be read from it."""
    if "run" not in inspect(connection).get_table_names():
        return ""
    columns = {column["name"] for column in inspect(connection).get_columns("run")}
    if not {"version", "started_at"} <= columns:
        return ""
    newest = text("SELECT version FROM run ORDER BY started_at DESC LIMIT 1")
    found = connection.execute(newest).scalar()
    return f" ({found})" if found else ""
