"""Funding, parity and rejects."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def key() -> sa.types.TypeEngine[str]:
    """Text compared byte by byte, on every database."""
    return sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """Make their tables."""
    op.create_table(
        "market",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("venue", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_market_symbol", "market", ["symbol", "venue", "name"], unique=True)
    op.create_table(
        "pair",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("venue", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_pair_symbol", "pair", ["symbol", "venue", "via"], unique=True)
    op.create_table(
        "reject_minute",
        sa.Column("route_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("gate", key(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("best_shortfall_bps", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("route_id", "at", "gate"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "funding",
        sa.Column("market_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("current_rate", sa.Double(), nullable=True),
        sa.Column("predicted_rate", sa.Double(), nullable=True),
        sa.Column("due", sa.BigInteger(), nullable=True),
        sa.Column("interval", sa.BigInteger(), nullable=True),
        sa.Column("mark_price", sa.Double(), nullable=True),
        sa.Column("index_price", sa.Double(), nullable=True),
        sa.Column("open_interest", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("market_id", "at"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "funding_settled",
        sa.Column("market_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("rate", sa.Double(), nullable=False),
        sa.Column("interval", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("market_id", "at"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "parity_minute",
        sa.Column("pair_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("low_bps", sa.Double(), nullable=False),
        sa.Column("high_bps", sa.Double(), nullable=False),
        sa.Column("mean_bps", sa.Double(), nullable=False),
        sa.Column("bid_bps", sa.Double(), nullable=False),
        sa.Column("ask_bps", sa.Double(), nullable=False),
        sa.Column("size", sa.Double(), nullable=False),
        sa.Column("depth_10", sa.Double(), nullable=False),
        sa.Column("depth_50", sa.Double(), nullable=False),
        sa.Column("depth_100", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("pair_id", "at"),
        sqlite_with_rowid=False,
    )
