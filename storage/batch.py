"""Writes one batch, within the transaction of the connection that it is given.

Every statement may be repeated: rows are found by their ids, so a batch whose fate is unknown (the
connection broke at the commit) is simply written again.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from math import isfinite

from sqlalchemy import Table
from sqlalchemy.engine import Connection

from storage import after_schema, readings, rows, schema
from storage.numbers import Numbers
from storage.spool import Batch
from storage.text import Row

# What never changes once it is written; to say it again would only move it within the indexes.
FIXED: dict[str, set[str]] = {
    "opportunity": {"run_id", "kind", "symbol", "buy", "sell", "opened_at"},
    "run": {"started_at"},
}


@cache
def upsert(table: Table, mark: str) -> str:
    """The statement that inserts a row, or changes the one of the same key."""
    # what has a default is not the writer's to say
    names = [column.name for column in table.columns if column.server_default is None]
    key = [column.name for column in table.primary_key]
    kept = {*key, *FIXED.get(table.name, ())}
    changed = ", ".join(f'"{n}"=excluded."{n}"' for n in names if n not in kept)
    columns, marks = ", ".join(f'"{n}"' for n in names), ", ".join([mark] * len(names))
    final = f' WHERE "{table.name}"."summed" = 0' if "summed" in table.columns else ""
    return (
        f'INSERT INTO "{table.name}" ({columns}) VALUES ({marks}) '
        f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changed}{final}"
    )


class BatchWriter:
    """Writes batches of the run ``run``; remembers the numbers that were given out.

    After a failure it has to be made anew: a number given out in a transaction that failed will be
    another's.
    """

    def __init__(self, run: str) -> None:
        self._run = run
        self._numbers = Numbers()

    def write(self, connection: Connection, batch: Batch) -> None:
        """Write it; the transaction is the caller's."""
        drafts = batch.drafts.values()
        put(connection, schema.opportunity, [rows.opportunity_row(d, self._run) for d in drafts])
        put(connection, schema.evidence, [row for d in drafts for row in rows.evidence_rows(d)])
        put(connection, schema.alert, [rows.alert_row(a, self._run) for a in batch.alerts.values()])
        events = [rows.feed_event_row(n, event, self._run) for n, event in batch.feed_events]
        put(connection, schema.feed_event, events)
        put(connection, schema.sample, batch.samples)
        survivals = [rows.survival_row(one) for one in batch.survivals]
        put(connection, after_schema.survival, survivals)
        suspects = [rows.suspect_row(one, self._run) for one in batch.suspects.values()]
        put(connection, after_schema.suspect, suspects)
        number = self._numbers.of
        found = readings.rows(batch.readings, lambda of: number(connection, of))
        for table, values in found.items():
            put(connection, table, values)


def put(connection: Connection, table: Table, values: Sequence[Row]) -> None:
    """Insert rows, or change those of the same keys. Raises ``ValueError`` for what is no number:
    one database would make NULL of it, the other keep it."""
    if not all(isfinite(value) for row in values for value in row if type(value) is float):
        raise ValueError(f"a figure for {table.name} is not a number")
    if values:
        mark = "?" if connection.dialect.name == "sqlite" else "%s"
        connection.exec_driver_sql(upsert(table, mark), list(values))
