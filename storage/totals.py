"""Totals of the opportunities that opened in a span of days, and in an era of many spans.

Closed opportunities are added to their span (``add``). Spans that are over are added up once more,
to eras (``roll``), so that a question about all time reads few rows. Where opportunities have been
deleted, the totals of their span and era go (``drop``), for bests cannot be subtracted: then the
days of the span tell (``storage.summary``). All is done in the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Column, bindparam, delete, func, insert, select, text, update
from sqlalchemy.engine import Connection

from storage import histogram
from storage.columns import DAY
from storage.histogram import Cells, Division
from storage.schema import (
    opportunity_day,
    opportunity_era,
    opportunity_rolled,
    opportunity_span,
)

SPAN_DAYS = 16
ERA_SPANS = 16
SETTLED_DAYS = 2
CHUNK = 500
LOCK = 0x63726F7374  # any number that other programs on the server are unlikely to lock


def add(connection: Connection, division: Division, span: int, cells: Cells) -> None:
    """Add to the totals of a span, and to those of its era if the span is in them."""
    _add(connection, opportunity_span.c.span, division, span, cells)
    r = opportunity_rolled.c
    rolled = select(r.span).where(r.division == int(division), r.span == span)
    if connection.execute(rolled).first() is not None:
        _add(connection, opportunity_era.c.era, division, span // ERA_SPANS, cells)


def drop(connection: Connection, span: int) -> None:
    """Part of the span has been deleted: its totals are no longer true."""
    connection.execute(delete(opportunity_span).where(opportunity_span.c.span == span))
    era, r = span // ERA_SPANS, opportunity_rolled.c
    begin, end = era * ERA_SPANS, (era + 1) * ERA_SPANS
    connection.execute(delete(opportunity_rolled).where(r.span >= begin, r.span < end))
    connection.execute(delete(opportunity_era).where(opportunity_era.c.era == era))


def roll(connection: Connection, at: int) -> bool:
    """Add one division of one span that was over before ``at`` (ns) to its era; False if there is
    none left to add."""
    if not alone(connection):
        return False
    s, r = opportunity_span.c, opportunity_rolled.c
    known = connection.execute(select(r.division, r.span))
    rolled = {(row[0], row[1]) for row in known}
    broken: set[int] = set()  # some of it was forgotten, and soon more will be
    for span in _spans(connection, (at // DAY - SETTLED_DAYS) // SPAN_DAYS):
        left = [division for division in Division if (int(division), span) not in rolled]
        era = span // ERA_SPANS
        if not left or era in broken:
            continue
        whole = list(range(era * ERA_SPANS, (era + 1) * ERA_SPANS))
        if countable(connection, whole) != whole:
            broken.add(era)
            continue
        query = select(s.series_id, s.totals, s.profits, s.durations)
        query = query.where(s.division == int(left[0]), s.span == span)
        rows = connection.execute(query).all()
        cells = histogram.unpacked([row[0] for row in rows], [row[1:] for row in rows])
        _add(connection, opportunity_era.c.era, left[0], era, cells)
        mark = {"division": int(left[0]), "span": span}
        connection.execute(insert(opportunity_rolled), [mark])
        return True
    return False


def countable(connection: Connection, spans: list[int]) -> list[int]:
    """The spans that have totals, or nothing yet: in the others something has been deleted."""
    s, day = opportunity_span.c, opportunity_day.c.day
    good = []
    for span in spans:
        first = span * SPAN_DAYS
        days = select(day).where(day >= first, day < first + SPAN_DAYS).limit(1)
        totals = select(s.span).where(s.division == Division.WHOLE, s.span == span).limit(1)
        if connection.execute(totals).first() or not connection.execute(days).first():
            good.append(span)
    return good


def alone(connection: Connection, *, wait: bool = False) -> bool:
    """No other process changes the summaries until this transaction ends.

    A transaction of SQLite that writes is alone anyway.
    """
    if connection.dialect.name != "postgresql":
        return True
    lock = "pg_advisory_xact_lock" if wait else "pg_try_advisory_xact_lock"
    answer = connection.execute(text(f"SELECT {lock}(:key)"), {"key": LOCK}).scalar()
    return wait or bool(answer)


def _spans(connection: Connection, before: int) -> range:
    """The spans of the days that there are, up to ``before``."""
    day = opportunity_day.c.day
    first, last = connection.execute(select(func.min(day), func.max(day))).one()
    return (
        range(0) if first is None else range(first // SPAN_DAYS, min(before, last // SPAN_DAYS + 1))
    )


def _add(
    connection: Connection, column: Column[int], division: Division, number: int, new: Cells
) -> None:
    """Add to the totals of the span, or the era, that has this number in ``column``."""
    table = column.table
    s = table.c
    here = (s.division == int(division)) & (column == number)
    rows: list[Any] = []
    for chunk in chunks(np.unique(new.total_owners).tolist()):
        query = select(s.series_id, s.totals, s.profits, s.durations)
        rows += connection.execute(query.where(here, s.series_id.in_(chunk))).all()
    known = {row.series_id for row in rows}
    old = histogram.unpacked([row.series_id for row in rows], [tuple(row[1:]) for row in rows])
    for exists, statement in (
        (True, update(table).where(here, s.series_id == bindparam("one"))),
        (False, insert(table)),
    ):
        key = {} if exists else {"division": int(division), column.name: number}
        name = "one" if exists else "series_id"
        values = [
            {**key, name: owner, "totals": totals, "profits": profits, "durations": durations}
            for owner, totals, profits, durations in histogram.packed(
                histogram.combined([old, new])
            )
            if (owner in known) is exists
        ]
        if values:
            connection.execute(statement, values)


def chunks(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """The values, some at a time: a statement takes only so many."""
    return (values[i : i + CHUNK] for i in range(0, len(values), CHUNK))
