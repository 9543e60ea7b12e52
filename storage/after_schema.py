"""The tables of what becomes of opportunities, and of routes that cannot be one.

Times are integers, ns since the epoch (UTC); figures are those of ``scanner.events``.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    text,
)

from storage.base import key, metadata

# What the orders of an opportunity would have left so many ms after its flag; NULL where that is
# unknown, and then why.
survival = Table(
    "survival",
    metadata,
    Column("opportunity_id", key(), primary_key=True),
    Column("delay_ms", Integer, primary_key=True, autoincrement=False),
    Column("net_profit", Double),
    Column("net_bps", Double),
    Column("reason", Text, nullable=False),
    # 1: it is counted in the sums below (``storage.survivals`` sets it)
    Column("summed", SmallInteger, nullable=False, server_default="0"),
    sqlite_with_rowid=False,
)
_UNSUMMED = text("summed = 0")
Index(
    "ix_survival_unsummed",
    survival.c.opportunity_id,
    sqlite_where=_UNSUMMED,
    postgresql_where=_UNSUMMED,
)

# The same added up for the opportunities of a series that opened in some hours: the stretch with
# this number of the stretches of a level (``storage.survivals``).
survival_sum = Table(
    "survival_sum",
    metadata,
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("series_id", Integer, primary_key=True, autoincrement=False),
    Column("figures", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

# Two books of one name that are kept apart, as they were told of last in a run. A pair is named by
# its venues in alphabetical order; a structural premium, which has a direction, as it is traded.
suspect = Table(
    "suspect",
    metadata,
    Column("run_id", key(), primary_key=True),
    Column("symbol", key(), primary_key=True),
    Column("one", key(), primary_key=True),  # venue
    Column("other", key(), primary_key=True),  # venue
    Column("structural", SmallInteger, primary_key=True, autoincrement=False),
    Column("buy", Text, nullable=False),  # venue: the cheaper
    Column("sell", Text, nullable=False),  # venue
    Column("state", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("buy_mid", Double, nullable=False),
    Column("sell_mid", Double, nullable=False),
    Column("power", Integer, nullable=False),
    Column("moves", Integer, nullable=False),
    Column("correlation", Double, nullable=False),
    Column("agreement", Double, nullable=False),
    Index("ix_suspect_at", "at"),
)
