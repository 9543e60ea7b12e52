"""Sums of what became of opportunities, so that all of them can be asked about at once.

What is stored of each (``survival``) is counted once, some time after: added to the sums of its
series for the day on which it opened, and for the longer stretches that this day is in. All of a
step is done in the caller's transaction, with the mark that says so, so nothing is counted twice.
What is about to be deleted is taken off again: counts exactly, sums as floats allow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from sqlalchemy import Row, and_, bindparam, delete, select, update
from sqlalchemy.engine import Connection

from storage import totals
from storage.after_schema import survival, survival_sum
from storage.batch import put
from storage.columns import DAY, Array
from storage.schema import opportunity
from storage.series import Series, SeriesNumbers

MOST = 10_000
# The days of a stretch, by its level. Each divides the next.
LEVELS = (1, 16, 256)
FIGURE = np.dtype(
    [
        ("delay_ms", "<u4"),
        ("followed", "<i4"),
        ("known", "<i4"),
        ("hits", "<i4"),
        ("profit", "<f8"),
    ]
)
Sums: TypeAlias = list[float]  # a figure but for its delay
Place: TypeAlias = tuple[int, int]  # of a stretch or day, and a series
NAMES = ("kind", "symbol", "buy", "sell", "currency")


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
    one = and_(s.opportunity_id == bindparam("one"), s.delay_ms == bindparam("ms"))
    marked = [{"one": row.opportunity_id, "ms": row.delay_ms} for row in rows]
    connection.execute(update(survival).where(one).values(summed=1), marked)
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
    numbers = SeriesNumbers(connection).of([Series(*row[-len(NAMES) :]) for row in rows]).tolist()
    new: dict[Place, dict[int, Sums]] = {}
    for row, series in zip(rows, numbers, strict=True):
        sums = new.setdefault((row.opened_at // DAY, series), {}).setdefault(row.delay_ms, [0] * 4)
        sums[0] += times
        if row.net_profit is not None:
            sums[1] += times
            sums[2] += times * (row.net_profit > 0)
            sums[3] += times * row.net_profit
    for level, days in enumerate(LEVELS):
        stretches: dict[Place, list[tuple[float, ...]]] = {}
        for (day, series), by_delay in new.items():
            figures = stretches.setdefault((day // days, series), [])
            figures += [(delay, *sums) for delay, sums in by_delay.items()]
        _merge(connection, level, {p: np.array(f, FIGURE) for p, f in stretches.items()})


def _merge(connection: Connection, level: int, new: Mapping[Place, Array]) -> None:
    t = survival_sum.c
    numbers: dict[int, list[int]] = {}
    for number, series in new:
        numbers.setdefault(number, []).append(series)
    whole = dict(new)
    for number, all_series in numbers.items():
        for some in totals.chunks(all_series):
            query = select(t.series_id, t.figures)
            query = query.where(t.level == level, t.number == number, t.series_id.in_(some))
            for series, figures in connection.execute(query):
                place = number, series
                whole[place] = np.concatenate((unpacked([figures]), whole[place]))
    kept: list[tuple[int, int, int, bytes]] = []
    gone: list[dict[str, int]] = []
    for (number, series), figures in whole.items():
        left = added(figures)
        left = left[left["followed"] != 0]
        if len(left):
            kept.append((level, number, series, left.tobytes()))
        else:
            gone.append({"of": number, "one": series})
    put(connection, survival_sum, kept)
    if gone:
        here = and_(t.level == level, t.number == bindparam("of"), t.series_id == bindparam("one"))
        connection.execute(delete(survival_sum).where(here), gone)


def unpacked(blobs: Sequence[bytes]) -> Array:
    """Figures as they are stored."""
    return np.frombuffer(b"".join(blobs), FIGURE)


def added(figures: Array) -> Array:
    """One figure for each delay, in order."""
    delays, place = np.unique(figures["delay_ms"], return_inverse=True)
    result = np.zeros(len(delays), FIGURE)
    result["delay_ms"] = delays
    for name in FIGURE.names[1:]:  # type: ignore[index]
        np.add.at(result[name], place, figures[name])
    return result
