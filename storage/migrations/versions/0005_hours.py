"""Sums of what became of opportunities by the hour, and of more stretches of days."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

DAY, HOUR = 86_400_000_000_000, 3_600_000_000_000
FIGURE = np.dtype(
    [
        ("delay_ms", "<u4"),
        ("followed", "<i4"),
        ("known", "<i4"),
        ("hits", "<i4"),
        ("profit", "<f8"),
    ]
)
FINER = {3: 1, 4: 6}  # hours of the new levels below a day
WIDER = {5: 4, 6: 64}  # days of those above it


def upgrade() -> None:
    """Fill the new levels from what is counted; on SQLite, store a stretch in one place."""
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        op.rename_table("survival_sum", "survival_sum_before")
        make()
        op.execute("INSERT INTO survival_sum SELECT * FROM survival_sum_before")
        op.drop_table("survival_sum_before")
    for level, days in WIDER.items():
        fill_wider(connection, level, days)
    known = sa.text("SELECT DISTINCT number FROM survival_sum WHERE level = 0")
    for day in connection.execute(known).scalars().all():
        counted = of_day(connection, day)
        for level, hours in FINER.items():
            put(
                connection, level, [(h // hours, series, figures) for h, series, figures in counted]
            )


def make() -> None:
    op.create_table(
        "survival_sum",
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("series_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("figures", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "number", "series_id"),
        sqlite_with_rowid=False,
    )


def fill_wider(connection: sa.Connection, level: int, days: int) -> None:
    """From the sums of days; a stretch at a time."""
    numbers = sa.text(
        "SELECT DISTINCT number / :days FROM survival_sum WHERE level = 0"
    ).bindparams(days=days)
    source = sa.text(
        "SELECT series_id, figures FROM survival_sum"
        " WHERE level = 0 AND number >= :first AND number < :end"
    )
    for number in connection.execute(numbers).scalars().all():
        span = {"first": number * days, "end": (number + 1) * days}
        rows = connection.execute(source, span).all()
        put(connection, level, [(number, one, np.frombuffer(f, FIGURE)) for one, f in rows])


def of_day(connection: sa.Connection, day: int) -> list[tuple[int, int, Any]]:
    """What is counted of the opportunities of a day: hour, series, figures."""
    same = " AND ".join(f"i.{n} = o.{n}" for n in ("kind", "symbol", "buy", "sell", "currency"))
    query = sa.text(
        "SELECT o.opened_at / :hour, i.id, s.delay_ms, count(*), count(s.net_profit),"
        " coalesce(sum(CASE WHEN s.net_profit > 0 THEN 1 ELSE 0 END), 0),"
        " coalesce(sum(s.net_profit), 0.0)"
        " FROM opportunity o JOIN survival s ON s.opportunity_id = o.id"
        f" JOIN series i ON {same}"
        " WHERE o.opened_at >= :first AND o.opened_at < :end AND s.summed = 1"
        " GROUP BY 1, 2, 3"
    ).bindparams(
        sa.bindparam("hour", HOUR, sa.BigInteger),
        sa.bindparam("first", day * DAY, sa.BigInteger),
        sa.bindparam("end", (day + 1) * DAY, sa.BigInteger),
    )
    rows = connection.execute(query).all()
    return [(row[0], row[1], np.array([tuple(row[2:])], FIGURE)) for row in rows]


def put(connection: sa.Connection, level: int, parts: Sequence[tuple[int, int, Any]]) -> None:
    """Write the figures of each stretch and series, added up by delay."""
    found: dict[tuple[int, int], list[Any]] = {}
    for number, series, figures in parts:
        found.setdefault((number, series), []).append(figures)
    target = sa.text(
        "INSERT INTO survival_sum (level, number, series_id, figures)"
        " VALUES (:level, :number, :series, :figures)"
    )
    rows = [
        {"level": level, "number": number, "series": series, "figures": added(figures)}
        for (number, series), figures in found.items()
    ]
    if rows:
        connection.execute(target, rows)


def added(parts: Sequence[Any]) -> bytes:
    figures = np.concatenate(parts)
    delays, place = np.unique(figures["delay_ms"], return_inverse=True)
    result = np.zeros(len(delays), FIGURE)
    result["delay_ms"] = delays
    for name in ("followed", "known", "hits", "profit"):
        np.add.at(result[name], place, figures[name])
    return bytes(result.tobytes())
