"""Sums of what became of opportunities, so that all of them can be asked about at once.

What is stored of each (``survival``) is counted once, some time after: added to the sums of its
series for the day on which it opened, and for the longer stretches that this day is in. All of a
step is done in the caller's transaction, with the mark that says so, so nothing is counted twice.
What is about to be deleted is taken off again: counts exactly, sums as floats allow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from sqlalchemy import Row, and_, bindparam, delete, insert, select, update
from sqlalchemy.engine import Connection

from storage import totals
from storage.after_schema import survival, survival_sum
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
    new: dict[tuple[int, int], dict[int, Sums]] = {}
    for row, series in zip(rows, numbers, strict=True):
        sums = new.setdefault((row.opened_at // DAY, series), {}).setdefault(row.delay_ms, [0] * 4)
        sums[0] += times
        if row.net_profit is not None:
            sums[1] += times
            sums[2] += times * (row.net_profit > 0)
            sums[3] += times * row.net_profit
    for level, days in enumerate(LEVELS):
        stretches: dict[tuple[int, int], list[tuple[float, ...]]] = {}
        for (day, series), by_delay in new.items():
            figures = stretches.setdefault((day // days, series), [])
            figures += [(delay, *sums) for delay, sums in by_delay.items()]
        for (number, series), figures in stretches.items():
            _put(connection, (level, number, series), np.array(figures, FIGURE))


def _put(connection: Connection, place: tuple[int, int, int], new: Array) -> None:
    t = survival_sum.c
    here = and_(t.level == place[0], t.number == place[1], t.series_id == place[2])
    old = connection.execute(select(t.figures).where(here)).scalar()
    whole = added(np.concatenate((unpacked([old] if old else []), new)))
    whole = whole[whole["followed"] != 0]
    if old is not None:
        connection.execute(delete(survival_sum).where(here))
    if len(whole):
        level, number, series = place
        row = {"level": level, "number": number, "series_id": series, "figures": whole.tobytes()}
        connection.execute(insert(survival_sum), [row])


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
