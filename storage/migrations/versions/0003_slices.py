"""Opportunities in slices, in place of bands."""

from math import log
from typing import Any

import numpy as np
import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables. The writer fills them, but for what goes beside rows that are packed
    already. What they replace goes."""
    op.create_table(
        "opportunity_buckets",
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("profit_buckets", sa.LargeBinary(), nullable=False),
        sa.Column("duration_buckets", sa.LargeBinary(), nullable=False),
        sa.Column("hours", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("symbol", "day"),
    )
    fill_buckets(op.get_bind())
    op.create_table(
        "opportunity_segment",
        sa.Column("first_day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last_day", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("ready", sa.SmallInteger(), nullable=False),
        sa.Column("bounds", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("first_day"),
    )
    op.create_table(
        "opportunity_slice",
        sa.Column("sorted_by", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("first_day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("runs", sa.LargeBinary(), nullable=False),
        sa.Column("profit_buckets", sa.LargeBinary(), nullable=False),
        sa.Column("duration_buckets", sa.LargeBinary(), nullable=False),
        sa.Column("hours", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sorted_by", "first_day", "number"),
    )
    op.create_table(
        "opportunity_figures",
        sa.Column("sorted_by", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("first_day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("peak_net_bps", sa.LargeBinary(), nullable=False),
        sa.Column("peak_net_profit", sa.LargeBinary(), nullable=False),
        sa.Column("duration", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sorted_by", "first_day", "number"),
    )
    op.create_table(
        "opportunity_sum",
        sa.Column("sorted_by", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("first_day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("owners", sa.LargeBinary(), nullable=False),
        sa.Column("totals", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sorted_by", "level", "first_day", "number"),
    )
    for table in ("opportunity_span", "opportunity_era", "opportunity_rolled"):
        op.execute(f"DELETE FROM {table} WHERE division = 3")


def fill_buckets(connection: sa.Connection) -> None:
    """As ``storage.summary`` does it for new ones."""
    source = sa.text(
        "SELECT symbol, day, peak_net_profit, duration, opened_at FROM opportunity_day"
    )
    target = sa.text(
        "INSERT INTO opportunity_buckets (symbol, day, profit_buckets, duration_buckets, hours)"
        " VALUES (:symbol, :day, :profit_buckets, :duration_buckets, :hours)"
    )
    found = connection.execute(source, execution_options={"yield_per": 100})
    for rows in found.partitions():
        connection.execute(target, [beside(*row) for row in rows])


def beside(symbol: str, day: int, profit: bytes, duration: bytes, opened: bytes) -> dict[str, Any]:
    hours = np.frombuffer(opened, "<i8") // 3_600_000_000_000 + 72
    return {
        "symbol": symbol,
        "day": day,
        "profit_buckets": buckets(np.frombuffer(profit, "<f8") / 1e-12),
        "duration_buckets": buckets(np.frombuffer(duration, "<i8").astype(float)),
        "hours": (hours % 168).astype(np.uint8).tobytes(),
    }


def buckets(values: np.ndarray[Any, Any]) -> bytes:
    magnitudes = np.abs(values)
    numbers = np.floor(np.log(np.maximum(magnitudes, 1.0)) / log(1.01 / 0.99)) + 1
    numbers = np.where(magnitudes < 1, 0, np.minimum(numbers, 4095))
    return bytes(np.copysign(numbers, values).astype("<i2").tobytes())
