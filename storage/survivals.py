"""Sums of what became of opportunities, so that all of them can be asked about at once.

What is stored of each (``survival``) is counted once, some time after: added to the sums of its
series for the hour in which it opened, and for the longer stretches that this hour is in. All of a
step is done in the caller's transaction, with the mark that says so, so nothing is counted twice.
What is about to be deleted is taken off again: counts exactly, sums as floats allow.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from sqlalchemy import Row, and_, bindparam, delete, select
from sqlalchemy.engine import Connection

from storage import totals
from storage.after_schema import survival, survival_sum
from storage.batch import put
from storage.columns import HOUR, Array
from storage.schema import opportunity
from storage.series import Series, SeriesNumbers

MOST = 10_000
# The hours of a stretch, by its level: of a day, 16 and 256 days, and what stands between them.
# Sorted, each divides the next.
LEVELS = (24, 16 * 24, 256 * 24, 1, 6, 4 * 24, 64 * 24)
FIGURE = np.dtype(
    [
        ("delay_ms", "<u4"),
        ("followed", "<i4"),
        ("known", "<i4"),
        ("hits", "<i4"),
        ("profit", "<f8"),
    ]
)
COUNTED = ("followed", "known", "hits", "profit")
NAMES = ("kind", "symbol", "buy", "sell", "currency")


class Sums(Struct, frozen=True):
    """Figures, each of a series in an hour or in the stretch that has this number."""

    number: Array
    series: Array
    figures: Array

    def places(self) -> tuple[list[tuple[int, int]], list[bytes]]:
        """Numbers and series, and the figures of each: those that are added up have them in one
        piece."""
        starts = _starts(self.number, self.series)
        ends = [*starts[1:], len(self.number)] if len(starts) else []
        keys = zip(self.number[starts].tolist(), self.series[starts].tolist(), strict=True)
        stored = [
            self.figures[begin:end].tobytes() for begin, end in zip(starts, ends, strict=True)
        ]
        return [*keys], stored


def count(connection: Connection, most: int = MOST) -> int:
    """Count up to ``most`` that are not yet; how many that were."""
    if not totals.alone(connection):
        return 0
    s, o = survival.c, opportunity.c
    waiting = select(s.opportunity_id, s.delay_ms).where(s.summed == 0).limit(most).subquery()
    mine = and_(waiting.c.opportunity_id == s.opportunity_id, waiting.c.delay_ms == s.delay_ms)
    rows = connection.execute(
        select(
            s.opportunity_id, s.delay_ms, s.net_profit, o.opened_at, *(o[n] for n in NAMES)
        ).select_from(waiting.join(survival, mine).outerjoin(opportunity, o.id == s.opportunity_id))
    ).all()
    if not rows:
        return 0
    _add(connection, [row for row in rows if row.opened_at is not None], 1)
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    connection.exec_driver_sql(
        f"UPDATE survival SET summed = 1 WHERE opportunity_id = {mark} AND delay_ms = {mark}",
        [(row.opportunity_id, row.delay_ms) for row in rows],
    )
    return len(rows)


def forget(connection: Connection, ids: Sequence[str]) -> None:
    """Take off what is counted of opportunities that are about to be deleted."""
    totals.alone(connection, wait=True)
    s, o = survival.c, opportunity.c
    for chunk in totals.chunks(ids):
        query = select(s.delay_ms, s.net_profit, o.opened_at, *(o[n] for n in NAMES))
        query = query.join(opportunity, o.id == s.opportunity_id)
        rows = connection.execute(query.where(s.opportunity_id.in_(chunk), s.summed == 1)).all()
        _add(connection, rows, -1)


def _add(connection: Connection, rows: Sequence[Row[Any]], times: int) -> None:
    """Add them to their sums, or (-1) take them off."""
    if not rows:
        return
    series = SeriesNumbers(connection).of([Series(*row[-len(NAMES) :]) for row in rows])
    profit = np.array([row.net_profit for row in rows], float)  # NaN: unknown
    known = ~np.isnan(profit)
    figures = np.zeros(len(rows), FIGURE)
    figures["delay_ms"] = [row.delay_ms for row in rows]
    figures["followed"] = times
    figures["known"] = times * known
    figures["hits"] = times * (profit > 0)
    figures["profit"] = times * np.where(known, profit, 0.0)
    hours = np.array([row.opened_at for row in rows], np.int64) // HOUR
    new = added(Sums(hours, series, figures))
    for level, length in enumerate(LEVELS):
        _merge(connection, level, added(Sums(new.number // length, new.series, new.figures)))


def _merge(connection: Connection, level: int, new: Sums) -> None:
    places, _ = new.places()
    old = list(_stored(connection, level, places))
    kept, figures = added(_together([new, *old])).places()
    put(
        connection,
        survival_sum,
        [(level, *place, some) for place, some in zip(kept, figures, strict=True)],
    )
    if gone := sorted({*places} - {*kept}):
        t = survival_sum.c
        here = and_(t.level == level, t.number == bindparam("of"), t.series_id == bindparam("one"))
        none = [{"of": number, "one": series} for number, series in gone]
        connection.execute(delete(survival_sum).where(here), none)


def _stored(
    connection: Connection, level: int, places: Sequence[tuple[int, int]]
) -> Iterable[Sums]:
    """What there is already at these places."""
    t = survival_sum.c
    numbers: dict[int, list[int]] = {}
    for number, series in places:
        numbers.setdefault(number, []).append(series)
    for number, wanted in numbers.items():
        for some in totals.chunks(wanted):
            query = select(t.series_id, t.figures)
            query = query.where(t.level == level, t.number == number, t.series_id.in_(some))
            found = connection.execute(query).all()
            if found:
                of, figures = unpacked([(row[0], row[1]) for row in found])
                yield Sums(np.full(len(of), number), of, figures)


def unpacked(rows: Sequence[tuple[Any, ...]]) -> tuple[Array, Array]:
    """Rows of a series and its figures as they are stored: of which series each figure is, and
    the figures."""
    lengths = [len(stored) // FIGURE.itemsize for _, stored in rows]
    of = np.repeat(np.array([series for series, _ in rows], np.int64), lengths)
    return of, np.frombuffer(b"".join([stored for _, stored in rows]), FIGURE)


def added(sums: Sums) -> Sums:
    """One figure for each number, series and delay, sorted by these; none where nothing is left."""
    order = np.lexsort((sums.figures["delay_ms"], sums.series, sums.number))
    keys = [of[order] for of in (sums.number, sums.series, sums.figures["delay_ms"])]
    starts = _starts(*keys)
    figures = np.zeros(len(starts), FIGURE)
    figures["delay_ms"] = keys[2][starts]
    if len(starts):
        for name in COUNTED:
            figures[name] = np.add.reduceat(sums.figures[name][order], starts)
    left = figures["followed"] != 0
    return Sums(keys[0][starts][left], keys[1][starts][left], figures[left])


def _starts(*keys: Array) -> Array:
    """Where something else begins in sorted keys."""
    differ = np.any([np.diff(key) != 0 for key in keys], axis=0)
    first = np.zeros(min(len(keys[0]), 1), np.int64)
    return np.concatenate((first, np.flatnonzero(differ) + 1))


def _together(parts: Sequence[Sums]) -> Sums:
    return Sums(
        np.concatenate([one.number for one in parts]),
        np.concatenate([one.series for one in parts]),
        np.concatenate([one.figures for one in parts]),
    )
