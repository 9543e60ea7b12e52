"""Segments: the packed opportunities of some days once more, in slices (``storage.slices``).

Days are put into segments, of ``ROWS`` rows or of ``DAYS`` days, once nothing more is expected of
them. What changes in them afterwards (an opportunity that closes days late, or goes with its day)
takes the segment away (``drop``), and it is made anew (``Builder``) while there is enough in it.
Whoever asks reads the days that are in no segment from their packed columns, so an answer is
complete at every moment. All is done in the caller's transactions, a few slices in each; what is
not ready counts for nothing. When nothing is missing, a segment of an earlier version, which lacks
crossings (``storage.crossings``) and checkpoints (``storage.checkpoints``) or the rows by series
(``storage.by_series``), is made anew.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import Table, delete, func, insert, select, update
from sqlalchemy.engine import Connection

from storage import totals
from storage.by_series import SORTED_BY, by_series
from storage.checkpoints import checkpoints
from storage.columns import DAY, DERIVED, TYPES, Array, joined
from storage.crossings import crossings
from storage.owners import owners_of
from storage.schema import (
    opportunity_buckets,
    opportunity_checkpoint,
    opportunity_crossing,
    opportunity_day,
    opportunity_figures,
    opportunity_place,
    opportunity_segment,
    opportunity_slice,
    opportunity_sum,
)
from storage.series import SeriesNumbers
from storage.slices import BOUND, Order, Slice, cut, keyed

ROWS, LEAST = 400_000, 10_000
DAYS = 16
SETTLED_DAYS = 2
PART = 50_000  # rows that a transaction writes, about
DAYS_AT_ONCE = 4  # that a transaction reads
FORSAKEN = 600_000_000_000  # ns after which whoever has begun it is taken for dead
# What a segment is that counts; those of earlier versions count until they are GOING: 1 has neither
# crossings nor checkpoints, CROSSED has no rows by series. 0 is one that is being made.
READY, CROSSED, GOING = 3, 2, -1
TABLES = (
    opportunity_segment,
    *(opportunity_slice, opportunity_figures, opportunity_sum),
    *(opportunity_place, opportunity_crossing, opportunity_checkpoint),
)
COUNTED = (opportunity_slice, opportunity_crossing, opportunity_checkpoint)
COLUMNS = [name for name in TYPES if name not in ("ids", "opened_at")]
SORTED = (*(int(order) for order in Order), SORTED_BY)
NAMES = [*COLUMNS, *DERIVED]


class Stretch(Struct, frozen=True):
    """Days since the epoch, both included, and how many rows they have."""

    first: int
    last: int
    rows: int


class Builder:
    """Makes the segments that are missing, a few slices at a time."""

    def __init__(self) -> None:
        self._begun: _Begun | None = None

    def step(self, connection: Connection, at: int) -> bool:
        """A few slices of a segment whose days are settled at ``at`` (ns); False if all are."""
        if not totals.alone(connection):
            return False
        # What fails while it is written is forgotten, whatever of it is there: it is begun anew.
        begun, self._begun = self._begun, None
        if begun is None or not begun.stands(connection):
            self._begun = _begin(connection, at)
            return self._begun is not None or _shed(connection)
        if not begun.write(connection):
            self._begun = begun
        return True


def drop(connection: Connection, days: Iterable[int]) -> None:
    """The segments that these days are in are no longer true."""
    s, wanted = opportunity_segment.c, sorted(days)
    if not wanted:
        return
    near = (s.last_day >= wanted[0]) & (s.first_day <= wanted[-1])
    for first, last in connection.execute(select(s.first_day, s.last_day).where(near)).all():
        if any(first <= day <= last for day in wanted):
            _delete(connection, first)


def _missing(connection: Connection, before: int) -> Iterator[Stretch]:
    """Stretches of days before ``before`` that are to become segments."""
    d, s = opportunity_day.c, opportunity_segment.c
    rows = select(d.day, func.sum(d.rows)).where(d.day < before).group_by(d.day).order_by(d.day)
    days = connection.execute(rows).all()
    taken = connection.execute(select(s.first_day, s.last_day)).all()
    covered = {day for first, last in taken for day in range(first, last + 1)}
    firsts = sorted(first for first, _ in taken)
    left = [(day, int(count)) for day, count in days if day not in covered]
    for stretch, ended in _stretches(left, firsts):
        full = ended or stretch.rows >= ROWS or before - stretch.first >= DAYS
        if full and stretch.rows >= LEAST:
            yield stretch


def _stretches(
    days: Sequence[tuple[int, int]], firsts: Sequence[int]
) -> Iterator[tuple[Stretch, bool]]:
    """Days put together, as many as a segment takes; True if a segment comes right after them.

    ``firsts`` are the first days of the segments that there are, in order.
    """
    first, last, rows = 0, 0, 0
    for day, count in days:
        followed = rows > 0 and bisect(firsts, last) < bisect(firsts, day)
        if rows and (rows >= ROWS or day - first >= DAYS or followed):
            yield Stretch(first, last, rows), followed
            rows = 0
        first, last, rows = first if rows else day, day, rows + count
    if rows:
        yield Stretch(first, last, rows), bisect(firsts, last) < len(firsts)


class _Begun:
    """A segment that is being written."""

    def __init__(self, connection: Connection, stretch: Stretch, at: int) -> None:
        self._first = stretch.first
        self._at = at
        self._connection = connection
        self._pieces = _pieces(stretch, lambda: self._connection)
        self._bounds: list[Array] = []
        self._written = 0

    def stands(self, connection: Connection) -> bool:
        """Is it still there? What has changed in its days takes it away."""
        s = opportunity_segment.c
        here = (s.first_day == self._first) & (s.begun_at == self._at)
        return connection.execute(select(s.first_day).where(here)).first() is not None

    def write(self, connection: Connection) -> bool:
        """Some more of it; True if that was the last."""
        self._connection = connection
        rows = 0
        while rows < PART:
            piece = next(self._pieces, None)
            if piece is None:
                self._finish(connection)
                return True
            for table, values in piece.values:
                connection.execute(insert(table), values)
            self._bounds += piece.bounds
            self._written += sum(len(v) for table, v in piece.values if table in COUNTED)
            rows += piece.rows
        return False

    def _finish(self, connection: Connection) -> None:
        """All is there, unless a transaction came to nothing: then it is begun anew."""
        s, kept = opportunity_segment, 0
        for table in COUNTED:
            count = select(func.count()).where(table.c.first_day == self._first)
            kept += connection.execute(count).scalar_one()
        if kept != self._written:
            _delete(connection, self._first)
            return
        values = {"ready": READY, "bounds": np.concatenate(self._bounds).tobytes()}
        connection.execute(update(s).where(s.c.first_day == self._first).values(values))


class _Piece(Struct, frozen=True):
    """What is written at once: rows of tables; how many opportunities had to be gone through for
    it; and the bound, if it is a slice."""

    values: list[tuple[Table, list[dict[str, Any]]]]
    rows: int
    bounds: list[Array]


# What takes long and writes nothing: a transaction should do nothing else.
_PAUSE = _Piece([], PART, [])


def _pieces(stretch: Stretch, connection: Callable[[], Connection]) -> Iterator[_Piece]:
    """All of a segment, by and by. ``connection`` is that of the transaction of the moment: what
    changes between two takes the segment away (``_Begun.stands``)."""
    found: list[Any] = []
    for day in range(stretch.first, stretch.last + 1, DAYS_AT_ONCE):
        last = min(day + DAYS_AT_ONCE - 1, stretch.last)
        found += _days(connection(), day, last)
        yield _PAUSE
    wider = SeriesNumbers(connection()).wider()
    yield _PAUSE
    columns = {name: joined(name, [row[i] for row in found]) for i, name in enumerate(NAMES)}
    rows, first = keyed(columns, wider), stretch.first
    yield _PAUSE
    for order in Order:
        rows.ranking(order)
        yield _PAUSE
    for order in Order:
        for number, one in enumerate(cut(rows, order)):
            yield _slice({"sorted_by": int(order), "first_day": first, "number": number}, one)
    for slices, figures, count in by_series(rows, first):
        yield _Piece([(opportunity_slice, slices), (opportunity_figures, figures)], count, [])
    owners = owners_of(rows, wider)
    for table, made in (
        (opportunity_crossing, crossings(rows, owners)),
        (opportunity_checkpoint, checkpoints(rows, owners)),
    ):
        for whole in made:
            values = asdict(whole) | {"first_day": first}
            yield _Piece([(table, [values])], values.pop("rows") // 2, [])


def _slice(key: dict[str, int], one: Slice) -> _Piece:
    sums = [
        {**key, "level": int(level), "owners": owners, "totals": totals_}
        for level, (owners, totals_) in one.sums.items()
    ]
    values: list[tuple[Table, list[dict[str, Any]]]] = [
        (opportunity_slice, [{**key, **one.columns}]),
        (opportunity_figures, [{**key, **one.figures}]),
        (opportunity_place, [{**key, **one.places}]),
        (opportunity_sum, sums),
    ]
    return _Piece(values, int(one.bound["rows"][0]), [one.bound])


def _begin(connection: Connection, at: int) -> _Begun | None:
    """Of what is missing, the first; None if nothing is."""
    s = opportunity_segment.c
    left = select(s.first_day).where(s.ready == 0, s.begun_at < at - FORSAKEN)
    for first in connection.execute(left).scalars().all():
        _delete(connection, first)
    stretch = next(_missing(connection, at // DAY - SETTLED_DAYS), None)
    if stretch is None:
        return None
    row = {"first_day": stretch.first, "last_day": stretch.last, "rows": stretch.rows}
    connection.execute(
        insert(opportunity_segment), [{**row, "begun_at": at, "ready": 0, "bounds": b""}]
    )
    return _Begun(connection, stretch, at)


def _shed(connection: Connection) -> bool:
    """Delete some of a segment of an earlier version, whose days are missing when it is gone; False
    if there is none."""
    s = opportunity_segment.c
    old = (s.ready < READY) & (s.ready != 0)
    query = select(s.first_day).where(old).order_by(s.ready, s.first_day)
    first = connection.execute(query.limit(1)).scalar()
    if first is None:
        return False
    connection.execute(update(opportunity_segment).where(s.first_day == first).values(ready=GOING))
    for table in TABLES[1:]:
        for sorted_by in SORTED:
            some = (table.c.first_day == first) & (table.c.sorted_by == sorted_by)
            if connection.execute(delete(table).where(some)).rowcount:
                return True
    _delete(connection, first)
    return True


def _delete(connection: Connection, first: int) -> None:
    segment, *others = TABLES
    connection.execute(delete(segment).where(segment.c.first_day == first))
    for table in others:  # what keys begin with is named, lest all of a table be gone through
        its = table.c.sorted_by.in_(SORTED) & (table.c.first_day == first)
        connection.execute(delete(table).where(its))


def _days(connection: Connection, first: int, last: int) -> Sequence[Any]:
    """The columns ``NAMES`` of the blocks of these days."""
    d, b = opportunity_day.c, opportunity_buckets.c
    query = select(*(d[name] for name in COLUMNS), *(b[name] for name in DERIVED))
    beside = (b.symbol == d.symbol) & (b.day == d.day)
    query = query.select_from(opportunity_day.join(opportunity_buckets, beside))
    query = query.where(d.day >= first, d.day <= last)
    return connection.execute(query.order_by(d.day, d.symbol)).all()


def bounds_of(stored: bytes) -> list[Array]:
    """The bounds of the slices of each order; all orders have as many."""
    return np.split(np.frombuffer(stored, BOUND), len(Order))
