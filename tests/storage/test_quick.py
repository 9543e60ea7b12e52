"""A new database of the tests is what all steps make of an empty one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect
from sqlalchemy.engine import Connection

from storage import migrate
from tests.storage import quick
from tests.storage.opportunities import change
from tests.storage.postgres import Server


def told(connection: Connection) -> list[Any]:
    """Its tables with their columns, keys and indexes, and its version."""
    if connection.dialect.name == "sqlite":
        query = "SELECT name, sql FROM sqlite_master ORDER BY name"
        return [*connection.exec_driver_sql(query).all(), migrate.version_of(connection)]
    looked = inspect(connection)
    tables = [
        (
            table,
            [{**one, "type": str(one["type"])} for one in looked.get_columns(table)],
            looked.get_pk_constraint(table),
            sorted(looked.get_indexes(table), key=str),
            sorted(looked.get_foreign_keys(table), key=str),
        )
        for table in sorted(looked.get_table_names())
    ]
    return [tables, migrate.version_of(connection)]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_it_is_as_all_steps_make_it(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def empty(name: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path / name}"
        server: Server = request.getfixturevalue("server")
        return server.new()

    monkeypatch.setattr(quick, "_noted", {})
    stepped, noted, quickly = map(empty, ("stepped", "noted", "quickly"))
    change(stepped, quick.real)
    for url in (noted, quickly):
        change(url, quick.run)
        assert change(url, told) == change(stepped, told)
    assert change(quickly, migrate.version_of) == migrate.HEAD
    monkeypatch.setattr(quick, "real", lambda *_: pytest.fail("the steps were taken"))
    change(empty("another"), quick.run)
