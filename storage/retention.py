"""What is thrown away, and when: by age, and by the size that the database may have.

Opportunities go by whole days (UTC) of their opening, the oldest first, with their evidence and
samples; those still open stay. By age everything goes that is of a day more than ``days`` ago. By
size the details go first, six hours at a time from the oldest: readings (but not what was paid as
funding), samples, feed events; only when none is left that may go, the oldest day of opportunities.
Nothing of the newest 24 hours is ever thrown away for its size. All is done in small steps, each a
transaction of its own, between which the writer writes.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Sequence

from msgspec import Struct
from sqlalchemy import ColumnElement, Select, Subquery, Table, bindparam, delete, func, select, text
from sqlalchemy.engine import Connection

from storage import after_schema, readings_schema, schema
from storage.ids import lowest_id

log = logging.getLogger(__name__)

HOUR = 3_600_000_000_000
DAY = 24 * HOUR
PAUSE = 600_000_000_000
STEP = 500
ROUTES = 200
MEGABYTE = 1 << 20
ENOUGH = 0.95
SPARE = 100
PAGES = 500


class Keep(Struct, frozen=True, kw_only=True):
    """How much is kept: ``days`` and ``max_mb`` (1 MB = 2^20 bytes); 0 sets no bound."""

    days: int = 0
    max_mb: int = 0


class Retention:
    """Decides what may go, one step at a time.

    ``forget`` is called with the opportunities that are about to go.
    """

    def __init__(self, keep: Keep, forget: Callable[[Connection, Sequence[str]], None]) -> None:
        self._keep = keep
        self._forget = forget
        self._due = 0
        self._shrinking = False
        self._said = False

    def due(self, at: int) -> bool:
        """Is it time for a step?"""
        return at >= self._due

    def step(self, connection: Connection, at: int) -> bool:
        """One step, within the caller's transaction; True if another should follow soon."""
        if self._by_age(connection, at) or self._by_size(connection, at) or shrink(connection):
            return True
        self._due = at + PAUSE
        return False

    def _by_age(self, connection: Connection, at: int) -> bool:
        if not self._keep.days:
            return False
        day = at // DAY - self._keep.days
        return (
            details_before(connection, day * DAY)
            or self._opportunities(connection, day)
            or others_before(connection, day * DAY)
        )

    def _by_size(self, connection: Connection, at: int) -> bool:
        limit = self._keep.max_mb * MEGABYTE
        if not limit:
            return False
        used = used_bytes(connection)
        if used <= limit * (ENOUGH if self._shrinking else 1):
            self._shrinking = self._said = False
            return False
        self._shrinking = True
        detail, newest = oldest_detail(connection), at - DAY
        if detail is not None and detail < newest:
            return details_before(connection, min(detail + 6 * HOUR, newest))
        day = oldest_day(connection)
        if day is not None and (day + 1) * DAY <= newest:
            return self._opportunities(connection, day + 1)
        if not self._said:
            log.warning(
                "the newest day alone takes %d MB of the %d that database.max_size_mb allows",
                used // MEGABYTE,
                self._keep.max_mb,
            )
            self._said = True
        return False

    def _opportunities(self, connection: Connection, day: int) -> bool:
        """Delete some that opened before ``day``, with all that is theirs; were there any?"""
        ids = ended_before(connection, day * DAY)
        if ids:
            self._forget(connection, ids)
        for table, column in OWNED:
            _delete(connection, table, column, ids)
        return bool(ids)


def details_before(connection: Connection, before: int) -> bool:
    """Delete some feed events, samples or readings of the time before; were there any?"""
    return (
        _oldest_rows(connection, schema.feed_event, before)
        or _samples(connection, before)
        or any(
            _of_readings(connection, table, before) for table in READINGS if table not in LASTING
        )
    )


def ended_before(connection: Connection, before: int) -> Sequence[str]:
    """Some of the oldest opportunities that opened before and have ended."""
    o = schema.opportunity.c
    ended = select(o.id).where(o.opened_at < before, o.closed_at.is_not(None))
    return _ids(connection, ended.order_by(o.opened_at).limit(STEP))


def oldest_day(connection: Connection) -> int | None:
    """The day on which the oldest opportunity that has ended opened, in days since the epoch."""
    o = schema.opportunity.c
    ended = select(o.opened_at).where(o.closed_at.is_not(None)).order_by(o.opened_at).limit(1)
    found = connection.execute(ended).scalar()
    return None if found is None else found // DAY


def others_before(connection: Connection, before: int) -> bool:
    """Delete the alerts, suspects, lasting readings and the runs of the time before."""
    ended = schema.run.c.ended_at < before
    runs = connection.execute(delete(schema.run).where(ended)).rowcount
    lasting = any(_of_readings(connection, table, before) for table in LASTING)
    loose = [
        _oldest_rows(connection, table, before) for table in (schema.alert, after_schema.suspect)
    ]
    return any(loose) or lasting or runs > 0


def oldest_detail(connection: Connection) -> int | None:
    """The time of the oldest reading (but lasting ones), sample or feed event."""
    s = schema.sample.c
    firsts = [_firsts(table).c.at for table in READINGS if table not in LASTING]
    found = (
        *(connection.execute(select(func.min(first))).scalar() for first in firsts),
        connection.execute(select(s.at).order_by(s.opportunity_id, s.at).limit(1)).scalar(),
        connection.execute(select(func.min(schema.feed_event.c.at))).scalar(),
    )
    return min((at for at in found if at is not None), default=None)


def used_bytes(connection: Connection) -> int:
    """How much of the database is in use.

    Of a file that is exact. A server does not tell free space within its tables from the rest, so
    there it is estimated: live rows by their average width, indexes half as much again.
    """
    if connection.dialect.name == "sqlite":
        pages, free, size = (
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)
    return int(
        connection.execute(_LIVE_BYTES, {"tables": list(schema.metadata.tables)}).scalar_one()
    )


def shrink(connection: Connection) -> bool:
    """Give some free pages back to the disk, if more than a twentieth is free."""
    if connection.dialect.name != "sqlite":
        return False
    pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    free = connection.exec_driver_sql("PRAGMA freelist_count").scalar_one()
    if free <= max(SPARE, pages // 20):
        return False
    raw = connection.connection.driver_connection
    assert isinstance(raw, sqlite3.Connection)
    for _ in range(PAGES):
        # It stops after each page until it is asked for a further row, which sqlite3 never does.
        raw.execute("PRAGMA incremental_vacuum(1)")
    return True


# The tables of readings, and where the numbers are from that they begin with.
READINGS: dict[Table, Table] = {
    readings_schema.route_minute: readings_schema.route,
    readings_schema.reject_minute: readings_schema.route,
    readings_schema.funding: readings_schema.market,
    readings_schema.funding_settled: readings_schema.market,
    readings_schema.parity_minute: readings_schema.pair,
}
# A row every some hours: small, and asked for over years.
LASTING = (readings_schema.funding_settled,)
OWNED: tuple[tuple[Table, ColumnElement[str]], ...] = (
    (schema.evidence, schema.evidence.c.opportunity_id),
    (schema.sample, schema.sample.c.opportunity_id),
    (after_schema.survival, after_schema.survival.c.opportunity_id),
    (schema.opportunity, schema.opportunity.c.id),
)
_LIVE_BYTES = text(
    """
    SELECT coalesce(sum(n_live_tup * 1.5 * (32 + coalesce(
        (SELECT sum(avg_width) FROM pg_stats
         WHERE schemaname = t.schemaname AND tablename = t.relname), 200))), 0)
    FROM pg_stat_user_tables t WHERE relname = ANY(:tables)
    """
)


def _oldest_rows(connection: Connection, table: Table, before: int) -> bool:
    """Delete some rows by their ``at``; one moment's are never parted."""
    at = table.c.at
    nth = select(at).where(at < before).order_by(at).limit(1).offset(STEP)
    cut = connection.execute(nth).scalar()
    old = at < before if cut is None else at <= cut
    return connection.execute(delete(table).where(old)).rowcount > 0


def _samples(connection: Connection, before: int) -> bool:
    """An opportunity's samples go together, by when it opened: that is how they are sorted."""
    column = schema.sample.c.opportunity_id
    old = select(column).where(column < lowest_id(before)).distinct().order_by(column).limit(STEP)
    ids = _ids(connection, old)
    _delete(connection, schema.sample, column, ids)
    return bool(ids)


def _of_readings(connection: Connection, table: Table, before: int) -> bool:
    """At most six hours of some routes, markets or pairs."""
    firsts = _firsts(table)
    query = select(firsts).where(firsts.c.at < before).limit(ROUTES)
    found = connection.execute(query).all()
    own, at = table.primary_key.columns.values()[0], table.c.at
    for one, oldest in found:
        old = (own == one) & (at < min(before, oldest + 6 * HOUR))
        connection.execute(delete(table).where(old))
    return bool(found)


def _firsts(table: Table) -> Subquery:
    """Of each number that a table may have readings of, the time ``at`` of the first."""
    own, numbers = table.primary_key.columns.values()[0], READINGS[table]
    first = select(func.min(table.c.at)).where(own == numbers.c.id).correlate(numbers)
    return select(numbers.c.id, first.scalar_subquery().label("at")).subquery()


def _ids(connection: Connection, query: Select[str]) -> Sequence[str]:
    return connection.execute(query).scalars().all()


def _delete(
    connection: Connection, table: Table, column: ColumnElement[str], ids: Sequence[str]
) -> None:
    rows = [{"one": one} for one in ids]
    if rows:
        connection.execute(delete(table).where(column == bindparam("one")), rows)
