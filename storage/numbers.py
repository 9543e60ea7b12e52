"""The numbers of routes, markets and pairs: what readings are found by, in place of their names."""

from __future__ import annotations

from functools import cache

from sqlalchemy import Table, TextClause, text
from sqlalchemy.engine import Connection

from storage.text import name

Of = tuple[Table, tuple[str, ...]]


class Numbers:
    """Asks the database for numbers, writes new ones, and remembers them."""

    def __init__(self) -> None:
        self._known: dict[Of, int] = {}

    def of(self, connection: Connection, one: Of) -> int:
        """The number of what has these names in this table, in the order of its columns."""
        known = self._known.get(one)
        if known is None:
            table, names = one
            values = dict(zip(_names(table), map(name, names), strict=True))
            add, find = _statements(table)
            connection.execute(add, values)
            known = self._known[one] = connection.execute(find, values).scalar_one()
        return known


def _names(table: Table) -> list[str]:
    return [column.name for column in table.columns if not column.primary_key]


@cache
def _statements(table: Table) -> tuple[TextClause, TextClause]:
    names = _names(table)
    columns, marks = ", ".join(names), ", ".join(f":{one}" for one in names)
    same = " AND ".join(f"{one} = :{one}" for one in names)
    return (
        text(f"INSERT INTO {table.name} ({columns}) VALUES ({marks}) ON CONFLICT DO NOTHING"),
        text(f"SELECT id FROM {table.name} WHERE {same}"),
    )
