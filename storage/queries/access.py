"""The way to the rows of ``opportunity``: by which index, and how many there would be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, TextClause, column, literal_column, select, text
from sqlalchemy.engine import Connection, CursorResult

from storage.queries.filter import Columns
from storage.schema import opportunity

# Conditions and results without the table's name, so that the table can be named with its index.
COLUMNS: Columns = {c.name: column(c.name, c.type) for c in opportunity.columns}
UNSUMMED = literal_column("summed") == literal_column("0")
UNSUMMED_INDEX = "ix_opportunity_unsummed"


def through(connection: Connection, index: str | None) -> TextClause:
    """The table, read through ``index`` where a database can be told to.

    PostgreSQL knows how values are spread and finds it by itself.
    """
    if index is None or connection.dialect.name != "sqlite":
        return text("opportunity")
    return text(f"opportunity INDEXED BY {index}")


def tie(connection: Connection) -> ColumnElement[Any]:
    """What decides between equals: something that every index holds."""
    return literal_column("rowid") if connection.dialect.name == "sqlite" else COLUMNS["id"]


def rows(
    connection: Connection,
    names: Sequence[str],
    conditions: Sequence[ColumnElement[bool]],
    index: str | None = None,
) -> Select[Any]:
    """The columns ``names`` of the opportunities that meet the conditions."""
    wanted = select(*(COLUMNS[name] for name in names))
    return wanted.select_from(through(connection, index)).where(*conditions)


def nth(
    connection: Connection,
    sort: str,
    conditions: Sequence[ColumnElement[bool]],
    index: str,
    n: int,
    *,
    ascending: bool = False,
) -> Any:
    """The ``n``th value of ``sort`` that the index holds for the conditions, which must be about
    its own columns; None if there are not as many. It costs some nanoseconds for each before it."""
    order = COLUMNS[sort].asc() if ascending else COLUMNS[sort].desc()
    query = rows(connection, [sort], conditions, index).order_by(order).limit(1).offset(n - 1)
    return connection.execute(query).scalar()


def plain(result: CursorResult[Any]) -> list[tuple[Any, ...]]:
    """All rows as the driver gives them: for many, whose columns need no conversion."""
    cursor = result.cursor
    assert cursor is not None
    return [*cursor.fetchall()]


def direct(
    connection: Connection, statement: str, values: Sequence[Any] = ()
) -> Iterator[tuple[Any, ...]]:
    """The rows of a statement with ``?`` for its values, as the driver gives them. For questions of
    many statements: what SQLAlchemy does about each costs more than the statement."""
    raw: Any = connection.connection.driver_connection
    if connection.dialect.name != "sqlite":
        statement = statement.replace("?", "%s")
    cursor = raw.cursor()
    cursor.execute(statement, values)
    return iter(cursor)
