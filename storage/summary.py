"""Keeps the summaries that questions about millions of opportunities are answered from.

A closed opportunity is counted once, some time after it has closed: ``seal`` packs those that are
not yet (``opportunity.summed`` is 0) by column, adds them to the totals of their span of days, and
marks them, all in the caller's transaction. What is open or not yet counted is few: whoever asks
reads it row by row, so an answer is complete at every moment.

The writer calls ``seal`` now and then, and ``forget`` before it deletes opportunities.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from msgspec import Struct
from sqlalchemy import bindparam, delete, func, insert, literal_column, select, update
from sqlalchemy.engine import Connection

from storage import histogram, segments, totals
from storage.columns import (
    DAY,
    TYPES,
    Array,
    hour_of,
    hour_of_week,
    id_bytes,
    joined,
    packed,
    weekday_of,
)
from storage.histogram import DURATION_UNIT, PROFIT_UNIT, Division
from storage.schema import opportunity, opportunity_buckets, opportunity_day
from storage.series import Series, SeriesNumbers
from storage.totals import SPAN_DAYS

LEAST, MOST = 4_096, 8_192
# Rows of blocks that are in memory together.
AT_ONCE = 50_000
_Place: TypeAlias = tuple[str, int, Mapping[str, Array]]
"""A block: its symbol, its day, its columns."""

_UNSUMMED = literal_column("summed") == literal_column("0")


class _Closed(Struct, frozen=True):
    """Opportunities to be counted, an element of each array for each; ``of`` is which of the
    ``kinds`` it is, ``columns`` are those of ``storage.columns``."""

    kinds: list[Series]
    of: Array
    columns: Mapping[str, Array]

    @property
    def days(self) -> Array:
        return self.columns["opened_at"] // DAY


def seal(connection: Connection, *, least: int = LEAST, most: int = MOST) -> int:
    """Count up to ``most`` closed opportunities, if at least ``least`` wait; how many that were.

    Call it again at once while it answers ``most``.
    """
    if not totals.alone(connection):
        return 0
    o = opportunity.c
    waiting = select(o.closed_at).where(_UNSUMMED, o.closed_at.is_not(None))
    count = select(func.count()).select_from(waiting.limit(least).subquery())
    if connection.execute(count).scalar_one() < max(1, least):
        return 0
    rows = connection.execute(
        select(
            *(o.id, o.kind, o.symbol, o.buy, o.sell, o.currency),
            *(o.opened_at, o.duration, o.peak_net_bps, o.peak_net_profit),
        )
        .where(_UNSUMMED, o.closed_at.is_not(None))
        .order_by(o.closed_at)
        .limit(most)
        .with_for_update()
    ).all()
    closed, numbers = _closed(rows), SeriesNumbers(connection)
    own = numbers.of(closed.kinds)[closed.of]
    spans = closed.days // SPAN_DAYS
    counted = np.isin(spans, totals.countable(connection, np.unique(spans).tolist()))
    _pack(connection, closed, own)
    segments.drop(connection, set(closed.days.tolist()))
    wider = [one.wider for one in closed.kinds]
    owners = [own, *(numbers.of([w[i] for w in wider])[closed.of] for i in range(3))]
    _count(connection, closed, [owner[counted] for owner in owners], spans, counted)
    mark = update(opportunity).where(o.id == bindparam("one")).values(summed=1)
    connection.execute(mark, [{"one": row.id} for row in rows])
    return len(rows)


def forget(connection: Connection, ids: Iterable[str]) -> None:
    """Take opportunities that are about to be deleted out of the summaries."""
    totals.alone(connection, wait=True)
    o, d = opportunity.c, opportunity_day.c
    gone: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
    for chunk in totals.chunks(list(ids)):
        query = select(o.id, o.symbol, o.opened_at).where(o.id.in_(chunk), o.summed == 1)
        for one in connection.execute(query):
            gone[one.symbol, one.opened_at // DAY].append(one.id)
    for (symbol, day), theirs in gone.items():
        block = (d.symbol == symbol) & (d.day == day)
        row = connection.execute(select(opportunity_day).where(block)).one_or_none()
        if row is None:
            continue
        for table in (opportunity_day, opportunity_buckets):
            connection.execute(delete(table).where(table.c.symbol == symbol, table.c.day == day))
        columns = {name: joined(name, [getattr(row, name)]) for name in TYPES}
        kept = ~np.isin(columns["ids"].view("S16"), id_bytes(theirs).view("S16"))
        if kept.any():
            left = {name: values[kept] for name, values in columns.items()}
            connection.execute(insert(opportunity_day), [_block(symbol, day, left)])
            connection.execute(insert(opportunity_buckets), [_buckets(symbol, day, left)])
    segments.drop(connection, {day for _, day in gone})
    for span in {day // SPAN_DAYS for _, day in gone}:
        totals.drop(connection, span)


def _closed(rows: Sequence[Any]) -> _Closed:
    ids, *names, opened, durations, bps, profits = zip(*rows, strict=True)
    known: dict[tuple[str, ...], int] = {}
    of = [known.setdefault(one, len(known)) for one in zip(*names, strict=True)]
    columns: dict[str, Array] = {
        "peak_net_bps": np.array(bps, float),
        "peak_net_profit": np.array(profits, float),
        "duration": np.array(durations, np.int64),
        "opened_at": np.array(opened, np.int64),
        "ids": id_bytes(ids),
    }
    return _Closed([Series(*one) for one in known], np.array(of), columns)


def _pack(connection: Connection, closed: _Closed, own: Array) -> None:
    """Append them to the blocks of their days."""
    columns = {**closed.columns, "series_id": own}
    d = opportunity_day.c
    symbols = [closed.kinds[i].symbol for i in closed.of.tolist()]
    places: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
    for i, place in enumerate(zip(symbols, closed.days.tolist(), strict=True)):
        places[place].append(i)
    fresh: list[_Place] = []
    longer: list[_Place] = []
    rows = 0
    for (symbol, day), chosen in sorted(places.items()):
        if rows > AT_ONCE:
            _write(connection, fresh, longer)
            fresh, longer, rows = [], [], 0
        new = {name: values[chosen] for name, values in columns.items()}
        block = (d.symbol == symbol) & (d.day == day)
        row = connection.execute(select(opportunity_day).where(block)).one_or_none()
        rows += len(chosen) + (row.rows if row is not None else 0)
        if row is None:
            fresh.append((symbol, day, new))
            continue
        whole = {
            name: np.concatenate((joined(name, [getattr(row, name)]), values.astype(TYPES[name])))
            for name, values in new.items()
        }
        longer.append((symbol, day, whole))
    _write(connection, fresh, longer)


def _write(connection: Connection, fresh: Sequence[_Place], longer: Sequence[_Place]) -> None:
    """Blocks that are new, and such as have become longer; a statement for all of them."""
    for table, made in ((opportunity_day, _block), (opportunity_buckets, _buckets)):
        if fresh:
            connection.execute(insert(table), [made(*one) for one in fresh])
        if longer:
            here = (table.c.symbol == bindparam("of")) & (table.c.day == bindparam("on"))
            values = [{"of": one[0], "on": one[1], **made(*one)} for one in longer]
            connection.execute(update(table).where(here), values)


def _block(symbol: str, day: int, columns: Mapping[str, Array]) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "day": day,
        "rows": len(columns["ids"]),
        "max_net_bps": float(columns["peak_net_bps"].max()),
        "max_net_profit": float(columns["peak_net_profit"].max()),
        "max_duration": int(columns["duration"].max()),
        **{name: packed(name, columns[name]) for name in TYPES},
    }


def _buckets(symbol: str, day: int, columns: Mapping[str, Array]) -> dict[str, Any]:
    return {
        "symbol": symbol,
        "day": day,
        "profit_buckets": histogram.buckets(columns["peak_net_profit"], PROFIT_UNIT).tobytes(),
        "duration_buckets": histogram.buckets(columns["duration"], DURATION_UNIT).tobytes(),
        "hours": hour_of_week(columns["opened_at"]).tobytes(),
    }


def _count(
    connection: Connection, closed: _Closed, owners: Sequence[Array], spans: Array, counted: Array
) -> None:
    """Add them to the totals of their spans; ``owners`` are their series and the wider ones."""
    own, markets, routes, all_ = owners
    values = {name: column[counted] for name, column in closed.columns.items()}
    opened = values["opened_at"]
    whole = np.zeros(len(own), np.int64)
    for division, slot, theirs in (
        (Division.WHOLE, whole, (own, markets, routes)),
        (Division.HOUR, hour_of(opened), (markets, routes, all_)),
        (Division.WEEKDAY, weekday_of(opened), (markets, routes, all_)),
    ):
        for span in np.unique(spans[counted]).tolist():
            here = spans[counted] == span
            new = histogram.combined(
                [
                    histogram.tally(
                        *(owner[here], slot[here], values["peak_net_profit"][here]),
                        *(values["peak_net_bps"][here], values["duration"][here]),
                    )
                    for owner in theirs
                ]
            )
            totals.add(connection, division, span, new)
