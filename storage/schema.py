"""The tables: what was seen, when, and by which run.

All times are integers: nanoseconds since the epoch (UTC); 0 or NULL where said. Figures are those
of ``scanner.types``: sizes in base, profits in ``currency``, edges in bps. Ids are UUIDv7 text,
so they sort by time.

There are no foreign keys: while the database is away rows wait in a bounded spool, which may have
to give up a sample but keep its opportunity, or the other way round.
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

import storage.after_schema
import storage.readings_schema  # noqa: F401
from storage import base
from storage.base import key

metadata = base.metadata

run = Table(
    "run",
    metadata,
    Column("id", key(), primary_key=True),
    Column("version", Text, nullable=False),
    Column("config", Text, nullable=False),  # the configuration's text, secrets blanked
    Column("host", Text, nullable=False),  # machine and process namespace
    Column("pid", Integer, nullable=False),
    Column("token", Text, nullable=False),  # tells this process from a later one of the same pid
    Column("started_at", BigInteger, nullable=False),
    Column("heartbeat_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("reason", Text, nullable=False),  # "" while it lives, "stopped" or "interrupted"
    Column("dropped", Text, nullable=False),  # JSON: rows given up, by table
    Index("ix_run_started_at", "started_at"),
)

opportunity = Table(
    "opportunity",
    metadata,
    Column("id", key(), primary_key=True),
    Column("run_id", key(), nullable=False),
    Column("kind", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("buy", Text, nullable=False),  # venue
    Column("sell", Text, nullable=False),  # venue
    Column("opened_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),  # of its newest event
    Column("closed_at", BigInteger),  # NULL while open
    Column("duration", BigInteger),  # ns, NULL while open
    Column("reason", Text, nullable=False),  # why it closed; "interrupted": its run died
    Column("updates", Integer, nullable=False),  # events after the opening, before the close
    # the newest state
    Column("size", Double, nullable=False),
    Column("gross_bps", Double, nullable=False),
    Column("net_bps", Double, nullable=False),
    Column("net_profit", Double, nullable=False),
    Column("currency", Text, nullable=False),
    # over its life; may have been reached between two events
    Column("peak_net_bps", Double, nullable=False),
    Column("peak_net_profit", Double, nullable=False),
    # 1: it is closed, final, and counted in the summaries below (``storage.summary`` sets it)
    Column("summed", SmallInteger, nullable=False, server_default="0"),
    # They hold what lists are filtered by, so that thousands can be passed over without a look at
    # the rows themselves.
    Index("ix_opportunity_opened_at", "opened_at", "symbol", "buy", "sell"),
    *(
        Index(f"ix_opportunity_{first}", first, "symbol", "buy", "sell", "opened_at", *others)
        for first, *others in (
            ("peak_net_bps", "peak_net_profit", "duration"),
            ("peak_net_profit", "peak_net_bps", "duration"),
            ("duration", "peak_net_bps", "peak_net_profit"),
        )
    ),
)
Index(
    "ix_opportunity_open",
    opportunity.c.run_id,
    sqlite_where=opportunity.c.closed_at.is_(None),
    postgresql_where=opportunity.c.closed_at.is_(None),
)
_UNSUMMED = text("summed = 0")
Index(
    "ix_opportunity_unsummed",
    opportunity.c.closed_at,
    sqlite_where=_UNSUMMED,
    postgresql_where=_UNSUMMED,
)

OPENED, PEAK, LAST = 0, 1, 2

# One whole state of an opportunity: at its opening, at the highest net_bps among its events, and
# the newest. PEAK is missing while no later state beat the opening, LAST while none followed it:
# then the opening's stands for them. ``buy`` and ``sell`` are the legs as in the JSON lines, but
# without defaults (``storage.evidence``: with the sale stands what belongs to neither alone).
evidence = Table(
    "evidence",
    metadata,
    Column("opportunity_id", key(), primary_key=True),
    Column("moment", SmallInteger, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("size", Double, nullable=False),
    Column("gross_bps", Double, nullable=False),
    Column("net_bps", Double, nullable=False),
    Column("net_profit", Double, nullable=False),
    Column("buy", Text, nullable=False),
    Column("sell", Text, nullable=False),
)

# At most one a second for each opportunity, its opening, and every peak.
sample = Table(
    "sample",
    metadata,
    Column("opportunity_id", key(), primary_key=True),
    Column("at", BigInteger, primary_key=True),
    Column("size", Double, nullable=False),
    Column("gross_bps", Double, nullable=False),
    Column("net_bps", Double, nullable=False),
    Column("net_profit", Double, nullable=False),
    sqlite_with_rowid=False,
)

feed_event = Table(
    "feed_event",
    metadata,
    Column("run_id", key(), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),  # within the run
    Column("at", BigInteger, nullable=False),
    Column("venue", Text, nullable=False),
    Column("connection", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("market", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Index("ix_feed_event_at", "at"),
    Index("ix_feed_event_venue", "venue", "at"),
)

alert = Table(
    "alert",
    metadata,
    Column("id", key(), primary_key=True),
    Column("owner", key(), nullable=False),  # the run that is to send it
    Column("rule", Text, nullable=False),
    Column("channel", Text, nullable=False),  # its name in the configuration; never its URL
    Column("opportunity_id", key(), nullable=False),  # "" for a digest
    Column("symbol", Text, nullable=False),
    Column("buy", Text, nullable=False),  # venue
    Column("sell", Text, nullable=False),  # venue
    Column("at", BigInteger, nullable=False),
    Column("state", Text, nullable=False),  # pending, sent, failed, suppressed
    Column("digest", Text, nullable=False),  # the alert it was told in, if with others
    Column("attempts", Integer, nullable=False),
    Column("sent_at", BigInteger, nullable=False),  # 0: not yet
    Column("text", Text, nullable=False),
    Column("error", Text, nullable=False),  # of the last attempt, secrets blanked
    Index("ix_alert_at", "at"),
    Index("ix_alert_opportunity", "opportunity_id", "rule"),
    Index("ix_alert_state", "state"),
)

# --- summaries, so that millions of opportunities can be asked about at once (storage.summary) ----

# What is counted together; "" stands for any. Rows are numbered and never change.
series = Table(
    "series",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("buy", Text, nullable=False),  # venue
    Column("sell", Text, nullable=False),  # venue
    Column("currency", Text, nullable=False),
    Index("ix_series", "kind", "symbol", "buy", "sell", "currency", unique=True),
)

# The closed opportunities of a symbol that opened on a day (UTC, days since the epoch), packed by
# column: little-endian arrays with an element for each (``storage.columns``).
opportunity_day = Table(
    "opportunity_day",
    metadata,
    Column("symbol", Text, primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("rows", Integer, nullable=False),
    Column("max_net_bps", Double, nullable=False),  # of the peaks
    Column("max_net_profit", Double, nullable=False),  # of the peaks
    Column("max_duration", BigInteger, nullable=False),
    Column("series_id", LargeBinary, nullable=False),
    Column("peak_net_bps", LargeBinary, nullable=False),
    Column("peak_net_profit", LargeBinary, nullable=False),
    Column("duration", LargeBinary, nullable=False),
    Column("opened_at", LargeBinary, nullable=False),
    Column("ids", LargeBinary, nullable=False),
    Index(
        "ix_opportunity_day",
        *("day", "symbol", "rows", "max_net_bps", "max_net_profit", "max_duration"),
    ),
)

# The same rows, in the same order: what is told of very many in place of the figures themselves,
# the numbers of their buckets (``storage.histogram``); and the hour of the week.
opportunity_buckets = Table(
    "opportunity_buckets",
    metadata,
    Column("symbol", Text, primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("profit_buckets", LargeBinary, nullable=False),
    Column("duration_buckets", LargeBinary, nullable=False),
    Column("hours", LargeBinary, nullable=False),
)

# Counts, sums, bests and histograms of the closed opportunities of a series that opened in a span
# of days; each divided into the slots of one division (``storage.histogram``).
opportunity_span = Table(
    "opportunity_span",
    metadata,
    Column("division", SmallInteger, primary_key=True, autoincrement=False),
    Column("span", Integer, primary_key=True, autoincrement=False),
    Column("series_id", Integer, primary_key=True, autoincrement=False),
    Column("totals", LargeBinary, nullable=False),
    Column("profits", LargeBinary, nullable=False),
    Column("durations", LargeBinary, nullable=False),
)

# The same of eras, each of many spans: the totals of those spans that ``opportunity_rolled`` names.
opportunity_era = Table(
    "opportunity_era",
    metadata,
    Column("division", SmallInteger, primary_key=True, autoincrement=False),
    Column("era", Integer, primary_key=True, autoincrement=False),
    Column("series_id", Integer, primary_key=True, autoincrement=False),
    Column("totals", LargeBinary, nullable=False),
    Column("profits", LargeBinary, nullable=False),
    Column("durations", LargeBinary, nullable=False),
)

opportunity_rolled = Table(
    "opportunity_rolled",
    metadata,
    Column("division", SmallInteger, primary_key=True, autoincrement=False),
    Column("span", Integer, primary_key=True, autoincrement=False),
)

# --- the same rows once more, sorted by what they are asked to be at least (storage.segments) -----

# Some days whose opportunities are in slices, all of them when ``ready`` is above 0
# (``storage.segments``). ``bounds``: of each slice of each order its least and greatest figure, and
# its rows.
opportunity_segment = Table(
    "opportunity_segment",
    metadata,
    Column("first_day", Integer, primary_key=True, autoincrement=False),
    Column("last_day", Integer, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("begun_at", BigInteger, nullable=False),
    Column("ready", SmallInteger, nullable=False),
    Column("bounds", LargeBinary, nullable=False),
)

# Slice 0 of an order has the greatest figures. Within a slice rows are sorted by series. What is
# read first stands first, and what is read of few slices in a table of its own. ``sorted_by`` 3 has
# all rows of each series, whose ``number`` it is (``storage.by_series``).
opportunity_slice = Table(
    "opportunity_slice",
    metadata,
    Column("sorted_by", SmallInteger, primary_key=True, autoincrement=False),
    Column("first_day", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("runs", LargeBinary, nullable=False),  # series and how many rows of it
    Column("profit_buckets", LargeBinary, nullable=False),
    Column("duration_buckets", LargeBinary, nullable=False),
    Column("hours", LargeBinary, nullable=False),  # of the week
)
opportunity_figures = Table(
    "opportunity_figures",
    metadata,
    Column("sorted_by", SmallInteger, primary_key=True, autoincrement=False),
    Column("first_day", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("peak_net_bps", LargeBinary, nullable=False),
    Column("peak_net_profit", LargeBinary, nullable=False),
    Column("duration", LargeBinary, nullable=False),
)

# Counts, sums and bests of slice 0 to this one, of one level of series and slots.
opportunity_sum = Table(
    "opportunity_sum",
    metadata,
    Column("sorted_by", SmallInteger, primary_key=True, autoincrement=False),
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("first_day", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("owners", LargeBinary, nullable=False),
    Column("totals", LargeBinary, nullable=False),
)

# Beside each row of a slice: in which slice of each order it is, in a byte.
opportunity_place = Table(
    "opportunity_place",
    metadata,
    Column("sorted_by", SmallInteger, primary_key=True, autoincrement=False),
    Column("first_day", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("net_bps_slice", LargeBinary, nullable=False),
    Column("profit_slice", LargeBinary, nullable=False),
    Column("duration_slice", LargeBinary, nullable=False),
)

# Counts, sums and bests of slice 0 to this one by the slice of a second order
# (``storage.crossings``).
opportunity_crossing = Table(
    "opportunity_crossing",
    metadata,
    Column("sorted_by", SmallInteger, primary_key=True, autoincrement=False),
    Column("crossed_by", SmallInteger, primary_key=True, autoincrement=False),
    Column("kind", SmallInteger, primary_key=True, autoincrement=False),
    Column("first_day", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("others", LargeBinary, nullable=False),
    Column("owners", LargeBinary, nullable=False),
    Column("totals", LargeBinary, nullable=False),
)

# Histograms of slice 0 to this one (``storage.checkpoints``).
opportunity_checkpoint = Table(
    "opportunity_checkpoint",
    metadata,
    Column("sorted_by", SmallInteger, primary_key=True, autoincrement=False),
    Column("kind", SmallInteger, primary_key=True, autoincrement=False),
    Column("first_day", Integer, primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("profit_keys", LargeBinary, nullable=False),
    Column("profit_buckets", LargeBinary, nullable=False),
    Column("profit_counts", LargeBinary, nullable=False),
    Column("duration_keys", LargeBinary, nullable=False),
    Column("duration_buckets", LargeBinary, nullable=False),
    Column("duration_counts", LargeBinary, nullable=False),
)
