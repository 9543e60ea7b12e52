"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def key() -> sa.types.TypeEngine[str]:
    """Text compared byte by byte, on every database."""
    return sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """Make all tables."""
    op.create_table(
        "alert",
        sa.Column("id", key(), nullable=False),
        sa.Column("owner", key(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("opportunity_id", key(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("buy", sa.Text(), nullable=False),
        sa.Column("sell", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_alert_at", "alert", ["at"])
    op.create_index("ix_alert_opportunity", "alert", ["opportunity_id", "rule"])
    op.create_index("ix_alert_state", "alert", ["state"])
    op.create_table(
        "evidence",
        sa.Column("opportunity_id", key(), nullable=False),
        sa.Column("moment", sa.SmallInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.Double(), nullable=False),
        sa.Column("gross_bps", sa.Double(), nullable=False),
        sa.Column("net_bps", sa.Double(), nullable=False),
        sa.Column("net_profit", sa.Double(), nullable=False),
        sa.Column("buy", sa.Text(), nullable=False),
        sa.Column("sell", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("opportunity_id", "moment"),
    )
    op.create_table(
        "feed_event",
        sa.Column("run_id", key(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("venue", sa.Text(), nullable=False),
        sa.Column("connection", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("market", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "number"),
    )
    op.create_index("ix_feed_event_at", "feed_event", ["at"])
    op.create_index("ix_feed_event_venue", "feed_event", ["venue", "at"])
    op.create_table(
        "opportunity",
        sa.Column("id", key(), nullable=False),
        sa.Column("run_id", key(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("buy", sa.Text(), nullable=False),
        sa.Column("sell", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("duration", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("updates", sa.Integer(), nullable=False),
        sa.Column("size", sa.Double(), nullable=False),
        sa.Column("gross_bps", sa.Double(), nullable=False),
        sa.Column("net_bps", sa.Double(), nullable=False),
        sa.Column("net_profit", sa.Double(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("peak_net_bps", sa.Double(), nullable=False),
        sa.Column("peak_net_profit", sa.Double(), nullable=False),
        sa.Column("summed", sa.SmallInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_opportunity_duration",
        "opportunity",
        ["duration", "symbol", "buy", "sell", "opened_at", "peak_net_bps", "peak_net_profit"],
    )
    op.create_index(
        "ix_opportunity_open",
        "opportunity",
        ["run_id"],
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index(
        "ix_opportunity_opened_at", "opportunity", ["opened_at", "symbol", "buy", "sell"]
    )
    op.create_index(
        "ix_opportunity_peak_net_bps",
        "opportunity",
        ["peak_net_bps", "symbol", "buy", "sell", "opened_at", "peak_net_profit", "duration"],
    )
    op.create_index(
        "ix_opportunity_peak_net_profit",
        "opportunity",
        ["peak_net_profit", "symbol", "buy", "sell", "opened_at", "peak_net_bps", "duration"],
    )
    op.create_index(
        "ix_opportunity_unsummed",
        "opportunity",
        ["closed_at"],
        sqlite_where=sa.text("summed = 0"),
        postgresql_where=sa.text("summed = 0"),
    )
    op.create_table(
        "opportunity_day",
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("max_net_bps", sa.Double(), nullable=False),
        sa.Column("max_net_profit", sa.Double(), nullable=False),
        sa.Column("max_duration", sa.BigInteger(), nullable=False),
        sa.Column("series_id", sa.LargeBinary(), nullable=False),
        sa.Column("peak_net_bps", sa.LargeBinary(), nullable=False),
        sa.Column("peak_net_profit", sa.LargeBinary(), nullable=False),
        sa.Column("duration", sa.LargeBinary(), nullable=False),
        sa.Column("opened_at", sa.LargeBinary(), nullable=False),
        sa.Column("ids", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("symbol", "day"),
    )
    op.create_index(
        "ix_opportunity_day",
        "opportunity_day",
        ["day", "symbol", "rows", "max_net_bps", "max_net_profit", "max_duration"],
    )
    op.create_table(
        "opportunity_era",
        sa.Column("division", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("era", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("series_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("totals", sa.LargeBinary(), nullable=False),
        sa.Column("profits", sa.LargeBinary(), nullable=False),
        sa.Column("durations", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("division", "era", "series_id"),
    )
    op.create_table(
        "opportunity_rolled",
        sa.Column("division", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("span", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("division", "span"),
    )
    op.create_table(
        "opportunity_span",
        sa.Column("division", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("span", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("series_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("totals", sa.LargeBinary(), nullable=False),
        sa.Column("profits", sa.LargeBinary(), nullable=False),
        sa.Column("durations", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("division", "span", "series_id"),
    )
    op.create_table(
        "route",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("buy", sa.Text(), nullable=False),
        sa.Column("sell", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_route_symbol", "route", ["symbol", "buy", "sell"], unique=True)
    op.create_table(
        "route_minute",
        sa.Column("route_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("positive", sa.Integer(), nullable=False),
        sa.Column("low_bps", sa.Double(), nullable=False),
        sa.Column("high_bps", sa.Double(), nullable=False),
        sa.Column("mean_bps", sa.Double(), nullable=False),
        sa.Column("last_bps", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("route_id", "at"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "run",
        sa.Column("id", key(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("heartbeat_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("dropped", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_run_started_at", "run", ["started_at"])
    op.create_table(
        "sample",
        sa.Column("opportunity_id", key(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.Double(), nullable=False),
        sa.Column("gross_bps", sa.Double(), nullable=False),
        sa.Column("net_bps", sa.Double(), nullable=False),
        sa.Column("net_profit", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("opportunity_id", "at"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "series",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("buy", sa.Text(), nullable=False),
        sa.Column("sell", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_series", "series", ["kind", "symbol", "buy", "sell", "currency"], unique=True
    )
