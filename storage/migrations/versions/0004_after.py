"""What becomes of opportunities, and suspects."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def key() -> sa.types.TypeEngine[str]:
    """Text compared byte by byte, on every database."""
    return sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """Make their tables."""
    op.create_table(
        "survival",
        sa.Column("opportunity_id", key(), nullable=False),
        sa.Column("delay_ms", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("net_profit", sa.Double(), nullable=True),
        sa.Column("net_bps", sa.Double(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("summed", sa.SmallInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("opportunity_id", "delay_ms"),
        sqlite_with_rowid=False,
    )
    unsummed = sa.text("summed = 0")
    op.create_index(
        "ix_survival_unsummed",
        "survival",
        ["opportunity_id"],
        sqlite_where=unsummed,
        postgresql_where=unsummed,
    )
    op.create_table(
        "survival_sum",
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("series_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("figures", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "number", "series_id"),
    )
    op.create_table(
        "suspect",
        sa.Column("run_id", key(), nullable=False),
        sa.Column("symbol", key(), nullable=False),
        sa.Column("one", key(), nullable=False),
        sa.Column("other", key(), nullable=False),
        sa.Column("structural", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("buy", sa.Text(), nullable=False),
        sa.Column("sell", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("buy_mid", sa.Double(), nullable=False),
        sa.Column("sell_mid", sa.Double(), nullable=False),
        sa.Column("power", sa.Integer(), nullable=False),
        sa.Column("moves", sa.Integer(), nullable=False),
        sa.Column("correlation", sa.Double(), nullable=False),
        sa.Column("agreement", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "symbol", "one", "other", "structural"),
    )
    op.create_index("ix_suspect_at", "suspect", ["at"])
