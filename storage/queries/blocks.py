"""Reads the packed columns of the days and symbols that a filter is about."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import accumulate
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.engine import Connection

from storage.columns import DAY, DERIVED, Array, joined
from storage.queries.access import plain
from storage.queries.filter import Filter, among
from storage.schema import opportunity_buckets, opportunity_day
from storage.series import Series

AT_ONCE = 64_000
BLOCKS = 16


class Days(Struct, frozen=True):
    """Days since the epoch, both included; ``whole`` if the filter takes all of each."""

    first: int
    last: int
    whole: bool = True


class Chunk(Struct, frozen=True):
    """Some blocks, one after the other. ``wanted`` is True where a row meets the filter."""

    blocks: list[tuple[str, int]]
    ends: list[int]
    columns: Mapping[str, Array]
    wanted: Array

    def place(self, row: int) -> tuple[str, int, int]:
        """The symbol and the day of a row's block, and the row's place in it."""
        block = bisect_right(self.ends, row)
        return *self.blocks[block], row - (self.ends[block - 1] if block else 0)


def without_columns(chunk: Chunk) -> Chunk:
    """What is needed to find its rows again."""
    return replace(chunk, columns={}, wanted=chunk.wanted[:0])


def known_series(connection: Connection) -> dict[Series, int]:
    """All series by their numbers, also the wider ones."""
    query = "SELECT id, kind, symbol, buy, sell, currency FROM series"
    rows = plain(connection.exec_driver_sql(query))
    made = partial(tuple.__new__, Series)  # there are thousands, and a call for each adds up
    return {made(row[1:]): row[0] for row in rows}


def taken_series(connection: Connection, asked: Filter) -> tuple[dict[Series, int], int]:
    """Those that the filter takes, by their numbers, and how many numbers there are in all."""
    known = known_series(connection)
    count = max(known.values(), default=-1) + 1
    if asked.names_any:
        known = {one: number for one, number in known.items() if asked.takes(one)}
    return known, count


def days(connection: Connection, asked: Filter) -> list[Days]:
    """The days of the filter, as far as there are blocks."""
    d = opportunity_day.c
    first, last = (
        connection.execute(select(d.day).order_by(order).limit(1)).scalar()
        for order in (d.day.asc(), d.day.desc())
    )
    if first is None or last is None:
        return []
    since = first * DAY if asked.since is None else max(asked.since, first * DAY)
    until = (last + 1) * DAY if asked.until is None else min(asked.until, (last + 1) * DAY)
    if since >= until:
        return []
    begin, end = -(-since // DAY), until // DAY
    found = [Days(begin, end - 1)] if begin < end else []
    if begin > since // DAY:
        found.append(Days(begin - 1, begin - 1, whole=False))
    if end * DAY < until and end >= begin:
        found.append(Days(end, end, whole=False))
    return found


def count(connection: Connection, asked: Filter, when: Sequence[Days]) -> int:
    """How many rows would have to be read."""
    rows = func.coalesce(func.sum(opportunity_day.c.rows), 0)
    return sum(
        connection.execute(select(rows).where(*_conditions(asked, some))).scalar_one()
        for some in when
    )


def without(when: Iterable[Days], covered: Collection[int]) -> Iterator[Days]:
    """The days that are not among ``covered``; what is not asked for whole stays."""
    for some in when:
        if not some.whole:
            yield some
            continue
        begin = some.first
        for day in range(some.first, some.last + 2):
            if day > some.last or day in covered:
                if begin < day:
                    yield Days(begin, day - 1)
                begin = day + 1


def read(
    connection: Connection,
    asked: Filter,
    names: Iterable[str],
    when: Sequence[Days],
    takes: Array,
) -> Iterator[Chunk]:
    """The columns ``names`` of those days, some blocks at a time.

    ``takes`` is True at the numbers of the series that the filter takes.
    """
    picky = bool(asked.of_venues or asked.kinds)
    for some in when:
        needed = {*names, *asked.tested}
        needed |= {"opened_at"} if not some.whole else set()
        needed |= {"series_id"} if picky else set()
        for chunk in _chunks(connection, asked, sorted(needed), some):
            wanted = takes.take(chunk.columns["series_id"]) if picky else chunk.wanted
            yield replace(chunk, wanted=wanted & _meets(asked, chunk.columns, some.whole))


def _chunks(
    connection: Connection, asked: Filter, names: Sequence[str], some: Days
) -> Iterator[Chunk]:
    d, b = opportunity_day.c, opportunity_buckets.c
    columns = [b[name] if name in DERIVED else d[name] for name in names]
    query: Select[Any] = select(d.symbol, d.day, d.rows, *columns)
    if DERIVED.keys() & set(names):
        beside = (b.symbol == d.symbol) & (b.day == d.day)
        query = query.select_from(opportunity_day.join(opportunity_buckets, beside))
    result = connection.execute(query.where(*_conditions(asked, some)))
    kept: list[Any] = []
    rows = 0
    while more := result.fetchmany(BLOCKS):
        kept += more
        rows += sum(row[2] for row in more)
        if rows >= AT_ONCE:
            yield _chunk(kept, names)
            kept, rows = [], 0
    if kept:
        yield _chunk(kept, names)


def _chunk(rows: Sequence[Any], names: Sequence[str]) -> Chunk:
    ends = list(accumulate(row[2] for row in rows))
    columns = {name: joined(name, [row[3 + i] for row in rows]) for i, name in enumerate(names)}
    return Chunk([(row[0], row[1]) for row in rows], ends, columns, np.ones(ends[-1], bool))


def _conditions(asked: Filter, some: Days) -> Iterator[ColumnElement[bool]]:
    d = opportunity_day.c
    yield d.day >= some.first
    yield d.day <= some.last
    if asked.symbols:
        yield among(d.symbol, asked.symbols)
    for column, least in (
        (d.max_net_bps, asked.min_net_bps),
        (d.max_net_profit, asked.min_profit),
        (d.max_duration, asked.min_duration),
    ):
        if least is not None:
            yield column >= least


def _meets(asked: Filter, columns: Mapping[str, Array], whole: bool) -> Any:
    meets = asked.meets(columns)
    if not whole and asked.since is not None:
        meets = meets & (columns["opened_at"] >= asked.since)
    if not whole and asked.until is not None:
        meets = meets & (columns["opened_at"] < asked.until)
    return meets
