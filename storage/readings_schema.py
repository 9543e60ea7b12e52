"""The tables of readings: figures of a route, a market or a pair, taken time and again.

Each reading is found by the number of what it is of and its time, and each table is sorted that
way. Times are integers, ns since the epoch (UTC); figures are those of ``scanner.types``.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Index, Integer, Table, Text

from storage.base import key, metadata


def _number(name: str) -> Column[int]:
    return Column(name, Integer, primary_key=True, autoincrement=False)


def _time(name: str = "at") -> Column[int]:
    return Column(name, BigInteger, primary_key=True, autoincrement=False)


# --- what they are of: numbered once, never changed ----------------------------------------------

route = Table(
    "route",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("symbol", Text, nullable=False),
    Column("buy", Text, nullable=False),
    Column("sell", Text, nullable=False),
    Index("ix_route_symbol", "symbol", "buy", "sell", unique=True),
)

market = Table(
    "market",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("venue", Text, nullable=False),
    Column("name", Text, nullable=False),  # the venue's own
    Column("symbol", Text, nullable=False),
    Index("ix_market_symbol", "symbol", "venue", "name", unique=True),
)

# Two currencies on a venue: by the book of ``symbol``, or implied by the books of the coin ``via``.
pair = Table(
    "pair",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("venue", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("via", Text, nullable=False),  # "": its own book
    Index("ix_pair_symbol", "symbol", "venue", "via", unique=True),
)

# --- readings -------------------------------------------------------------------------------------

# Net edges at the touch over about a minute, as in ``scanner.events.RouteMinute``.
route_minute = Table(
    "route_minute",
    metadata,
    _number("route_id"),
    _time(),  # when it was taken
    Column("samples", Integer, nullable=False),
    Column("positive", Integer, nullable=False),
    Column("low_bps", Double, nullable=False),
    Column("high_bps", Double, nullable=False),
    Column("mean_bps", Double, nullable=False),
    Column("last_bps", Double, nullable=False),
    sqlite_with_rowid=False,
)

# Spreads that one gate stopped, as in ``scanner.events.RejectMinute``.
reject_minute = Table(
    "reject_minute",
    metadata,
    _number("route_id"),
    _time(),
    Column("gate", key(), primary_key=True),
    Column("count", Integer, nullable=False),
    Column("best_shortfall_bps", Double, nullable=False),
    sqlite_with_rowid=False,
)

# What a venue announces of a contract's funding, as in ``scanner.events.FundingSample``; NULL where
# it does not say.
funding = Table(
    "funding",
    metadata,
    _number("market_id"),
    _time(),
    Column("current_rate", Double),  # of the interval that ends at ``due``
    Column("predicted_rate", Double),  # of the one after it
    Column("due", BigInteger),
    Column("interval", BigInteger),
    Column("mark_price", Double),
    Column("index_price", Double),
    Column("open_interest", Double),
    sqlite_with_rowid=False,
)

# What was paid, at each boundary once: a rate that is told again replaces itself.
funding_settled = Table(
    "funding_settled",
    metadata,
    _number("market_id"),
    _time(),  # the boundary
    Column("rate", Double, nullable=False),
    Column("interval", BigInteger),
    sqlite_with_rowid=False,
)

# How far from 1 a pair traded, as in ``scanner.events.ParitySample``.
parity_minute = Table(
    "parity_minute",
    metadata,
    _number("pair_id"),
    _time(),
    Column("samples", Integer, nullable=False),
    Column("low_bps", Double, nullable=False),
    Column("high_bps", Double, nullable=False),
    Column("mean_bps", Double, nullable=False),
    Column("bid_bps", Double, nullable=False),
    Column("ask_bps", Double, nullable=False),
    Column("size", Double, nullable=False),
    Column("depth_10", Double, nullable=False),
    Column("depth_50", Double, nullable=False),
    Column("depth_100", Double, nullable=False),
    sqlite_with_rowid=False,
)
