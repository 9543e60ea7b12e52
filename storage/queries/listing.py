"""The first so many opportunities of a filter, in the order of a figure.

Three ways, each bounded in what it reads, tried in turn:

1. the best by the figure, from its index: enough where the filter lets many pass;
2. all that one condition of the filter leaves, from that condition's index: enough where it leaves
   few;
3. the packed columns (``storage.summary``) of the days and symbols asked for, and, row by row, what
   is not packed yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import ColumnElement, select, tuple_
from sqlalchemy.engine import Connection

from storage.columns import Array, id_text, joined
from storage.queries import blocks
from storage.queries.access import COLUMNS, UNSUMMED, UNSUMMED_INDEX, nth, rows, tie
from storage.queries.filter import Filter, Sort
from storage.schema import opportunity_day

# How many entries of an index are looked at, first of the order, then of a condition. A look at an
# entry is cheap, at its row it is not; rows are only looked at where the entry lets them pass.
STEPS = ((2_000, 2_000), (100_000, 50_000))
COLUMN = {
    Sort.OPENED: "opened_at",
    Sort.DURATION: "duration",
    Sort.NET_BPS: "peak_net_bps",
    Sort.PROFIT: "peak_net_profit",
}
FIELD = {
    "opened_at": "since",
    "duration": "min_duration",
    "peak_net_bps": "min_net_bps",
    "peak_net_profit": "min_profit",
}
Conditions = list[ColumnElement[bool]]


class Index(Struct, frozen=True):
    """An index of ``opportunity`` with the part of a filter that it serves.

    ``sort`` is the column in whose order it gives what meets those conditions.
    """

    name: str
    sort: str
    conditions: Conditions


def first(
    connection: Connection, asked: Filter, sort: Sort, count: int, *, ascending: bool = False
) -> list[str]:
    """The ids of the first ``count``; what is still open has no duration and comes last."""
    column = COLUMN[sort]
    search = _Search(connection, asked, column, count, ascending)
    found = None
    for of_order, of_condition in STEPS:
        if found is None:
            found = search.by_order(of_order)
        if found is None:
            found = search.by_condition(of_condition)
    if found is None:
        found = search.by_columns()
    if sort is Sort.DURATION and len(found) < count:
        found += still_open(connection, asked)[: count - len(found)]
    return found


def page(
    connection: Connection,
    asked: Filter,
    sort: Sort,
    count: int,
    *,
    ascending: bool = False,
    after: tuple[Any, str] | None = None,
) -> list[tuple[Any, str]]:
    """``count`` pairs of figure and id that follow the pair ``after``, for whoever reads them all.

    Without an ``after`` it begins at the first. What is still open has no place by duration.
    """
    figure, key = COLUMNS[COLUMN[sort]], COLUMNS["id"]
    conditions = [*asked.conditions(COLUMNS), figure.is_not(None)]
    if after is not None:
        pair, bound = tuple_(figure, key), tuple_(*after)
        conditions.append(pair > bound if ascending else pair < bound)
    order = [figure.asc(), key.asc()] if ascending else [figure.desc(), key.desc()]
    query = rows(connection, [COLUMN[sort], "id"], conditions).order_by(*order).limit(count)
    return [(row[0], row[1]) for row in connection.execute(query)]


def still_open(connection: Connection, asked: Filter) -> list[str]:
    """The ids of what is open, newest first."""
    conditions = [*asked.conditions(COLUMNS), COLUMNS["closed_at"].is_(None), UNSUMMED]
    query = rows(connection, ["id"], conditions, UNSUMMED_INDEX)
    return list(connection.execute(query.order_by(COLUMNS["opened_at"].desc())).scalars())


def indexes(asked: Filter) -> Iterator[Index]:
    """Every index, with the part of the filter that it begins with."""
    yield Index("ix_opportunity_opened_at", "opened_at", list(asked.times(COLUMNS)))
    for name, least in asked.least:
        column = COLUMNS[name]
        at_least = column.is_not(None) if least is None else column >= least
        yield Index(f"ix_opportunity_{name}", name, [at_least])


def narrow(connection: Connection, asked: Filter, few: int) -> Index | None:
    """An index that leaves fewer entries than ``few`` to look at; None if there is none."""
    for index in indexes(asked):
        asks = getattr(asked, FIELD[index.sort]) is not None
        asks |= index.sort == "opened_at" and asked.until is not None
        if asks and nth(connection, index.sort, index.conditions, index.name, few) is None:
            return index
    return None


class _Search(Struct, frozen=True):
    connection: Connection
    asked: Filter
    column: str
    count: int
    ascending: bool

    def by_order(self, few: int) -> list[str] | None:
        """From the index of the order: its first ``few`` entries."""
        index = next(i for i in indexes(self.asked) if i.sort == self.column)
        bound = nth(
            *(self.connection, self.column, index.conditions, index.name),
            max(few, self.count),
            ascending=self.ascending,
        )
        if bound is None:
            return self._sorted(index.name, self.asked)
        column = COLUMNS[self.column]
        if not self.ascending:
            # in place of its own bound, for two would not both guide the database
            asked = replace(self.asked, **{FIELD[self.column]: bound})
            found = self._sorted(index.name, asked)
        else:
            found = self._sorted(index.name, self.asked, [column <= bound])
        return found if len(found) == self.count else None

    def by_condition(self, few: int) -> list[str] | None:
        """From an index that leaves few."""
        index = narrow(self.connection, self.asked, few)
        return None if index is None else self._sorted(index.name, self.asked)

    def by_columns(self) -> list[str]:
        """From the packed columns, and what is not yet in them."""
        rest = [*self.asked.conditions(COLUMNS), COLUMNS[self.column].is_not(None), UNSUMMED]
        best = [
            (row[0], row[1]) for row in self.connection.execute(self._query(rest, UNSUMMED_INDEX))
        ]
        best += _best_packed(self.connection, self.asked, self.column, self.count, self.ascending)
        best.sort(reverse=not self.ascending)
        return [one for _, one in best[: self.count]]

    def _sorted(self, index: str, asked: Filter, more: Conditions | None = None) -> list[str]:
        whole = [*asked.conditions(COLUMNS), *(more or [])]
        if getattr(asked, FIELD[self.column]) is None:
            whole.append(COLUMNS[self.column].is_not(None))
        return [row[1] for row in self.connection.execute(self._query(whole, index))]

    def _query(self, conditions: Sequence[ColumnElement[bool]], index: str) -> Any:
        order = [COLUMNS[self.column], tie(self.connection)]
        if not self.ascending:
            order = [one.desc() for one in order]
        query = rows(self.connection, [self.column, "id"], conditions, index)
        return query.order_by(*order).limit(self.count)


def _best_packed(
    connection: Connection, asked: Filter, column: str, count: int, ascending: bool
) -> list[tuple[Any, str]]:
    figures: list[Array] = []
    places: list[Array] = []
    chunks: list[blocks.Chunk] = []
    taken, numbers = blocks.taken_series(connection, asked)
    takes = np.zeros(numbers, bool)
    takes[[*taken.values()]] = True
    for chunk in blocks.read(connection, asked, {column}, blocks.days(connection, asked), takes):
        values = chunk.columns[column]
        kept = np.flatnonzero(chunk.wanted)
        if len(kept) > count:
            part = values[kept] if ascending else -values[kept]
            kept = kept[np.argpartition(part, count - 1)[:count]]
        figures.append(values[kept])
        places.append(np.stack((np.full(len(kept), len(chunks)), kept)))
        chunks.append(blocks.without_columns(chunk))
    if not figures:
        return []
    values, where = np.concatenate(figures), np.concatenate(places, axis=1)
    order = np.argsort(values if ascending else -values, kind="stable")[:count]
    ids: dict[tuple[str, int], Array] = {}
    best: list[tuple[Any, str]] = []
    for i in order.tolist():
        symbol, day, row = chunks[int(where[0, i])].place(int(where[1, i]))
        if (symbol, day) not in ids:
            ids[symbol, day] = _ids(connection, symbol, day)
        best.append((values[i].item(), id_text(ids[symbol, day][row])))
    return best


def _ids(connection: Connection, symbol: str, day: int) -> Array:
    d = opportunity_day.c
    query = select(d.ids).where(d.symbol == symbol, d.day == day)
    return joined("ids", [connection.execute(query).scalar_one()])
