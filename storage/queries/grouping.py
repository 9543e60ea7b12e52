"""Figures of groups of opportunities.

What the totals of whole spans of days can tell (``storage.summary``) is taken from them; the other
days from their packed columns; what is not packed yet row by row. Where there are few rows anyway,
or a condition leaves few, these alone are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from sqlalchemy.engine import Connection

from storage.columns import Array
from storage.queries import blocks, listing
from storage.queries.access import COLUMNS, UNSUMMED, UNSUMMED_INDEX, plain, rows
from storage.queries.blocks import Days
from storage.queries.filter import By, Filter
from storage.queries.labels import Labels, Names
from storage.queries.spans import Known, add_spans, spans_of, totals_for
from storage.queries.tally import Figures, Tally, Values
from storage.summary import Series

# Up to so many rows the packed columns are read even where totals would do: that is exact.
EXACT = 100_000
# From so many rows of them on it is better to read up to FEW entries of an index, if that will do.
FEW, MANY = 150_000, 500_000
AT_ONCE = 500
NAMES = ("kind", "symbol", "buy", "sell", "currency")
FIGURES = ("opened_at", "duration", "peak_net_bps", "peak_net_profit")


class Group(Struct, frozen=True, kw_only=True):
    """One group. ``names`` says which: symbol; buy and sell; venue; hour; or weekday (0: Monday).

    Profits are in ``currency``: what is earned in different ones is never added up. By venue an
    opportunity counts for both. Unless ``exact``, medians and percentiles are within
    ``histogram.PRECISION``. ``best_id`` is the opportunity of the best profit.
    """

    names: Names
    currency: str
    figures: Figures
    exact: bool
    best_id: str


class _Loose(Struct, frozen=True):
    """Opportunities read row by row: ``of`` says which of ``series`` each is."""

    series: list[Series]
    of: Array
    opened_at: Array
    duration: Array
    bps: Array
    profit: Array


def groups(connection: Connection, asked: Filter, by: By) -> list[Group]:
    """All groups that have any, in no order."""
    when = blocks.days(connection, asked)
    packed = blocks.count(connection, asked, when)
    totals = totals_for(asked, by) if packed > EXACT else None
    known = blocks.known_series(connection)
    loose = None
    if totals is None and packed > MANY:
        index = listing.narrow(connection, asked, FEW)
        loose = None if index is None else _few(connection, asked, index, known)
    if loose is not None:
        labels = Labels(by, loose.series)
        tally = Tally(labels.count)
    else:
        loose = _unpacked(connection, asked)
        full = (one for one in known if one.symbol and one.buy and asked.takes(one))
        labels = Labels(by, [*full, *loose.series])
        tally = Tally(labels.count)
        if totals is not None:
            spans, when = spans_of(connection, asked, when)
            add_spans(connection, asked, totals, spans, known, labels, tally)
        _add_days(connection, asked, when, known, labels, tally)
    _add_loose(loose, labels, tally)
    return _named(connection, asked, labels, tally)


def _add_days(
    connection: Connection,
    asked: Filter,
    when: Sequence[Days],
    known: Known,
    labels: Labels,
    tally: Tally,
) -> None:
    """Add the packed columns of the days."""
    table = labels.table(known)
    names = {"series_id", *FIGURES} - (set() if labels.slots > 1 else {"opened_at"})
    for chunk in blocks.read(connection, asked, names, when, known):
        columns = chunk.columns
        if not chunk.wanted.all():
            rows = np.flatnonzero(chunk.wanted)
            columns = {name: columns[name][rows] for name in names}
        number = labels.numbers(table[columns["series_id"]], columns.get("opened_at"))
        profit, bps = columns["peak_net_profit"], columns["peak_net_bps"]
        tally.values(Values(number, profit, bps, columns["duration"].astype(float)))


def _unpacked(connection: Connection, asked: Filter) -> _Loose:
    """What is not packed yet."""
    names = [*NAMES, *FIGURES]
    query = rows(connection, names, [UNSUMMED, *asked.conditions(COLUMNS)], UNSUMMED_INDEX)
    found = plain(connection.execute(query))
    numbers: dict[Series, int] = {}
    of = [numbers.setdefault(Series(*row[:5]), len(numbers)) for row in found]
    return _loose(list(numbers), of, [row[5:] for row in found])


def _few(
    connection: Connection, asked: Filter, index: listing.Index, known: Known
) -> _Loose | None:
    """What one index leaves, from the index alone; None if it does not say which series it is."""
    names = ("symbol", "buy", "sell")
    of_route = {(one.symbol, one.buy, one.sell): one for one in known if one.symbol and one.buy}
    full = sum(bool(one.symbol and one.buy) for one in known)
    if asked.kinds or len(of_route) < full:
        return None
    query = rows(connection, [*names, *FIGURES], [*asked.conditions(COLUMNS)], index.name)
    found = plain(connection.execute(query))
    numbers: dict[tuple[str, str, str], int] = {}
    of = [numbers.setdefault(row[:3], len(numbers)) for row in found]
    if not numbers.keys() <= of_route.keys():
        return None
    return _loose([of_route[route] for route in numbers], of, [row[3:] for row in found])


def _loose(series: list[Series], of: Sequence[int], figures: Sequence[Sequence[Any]]) -> _Loose:
    opened, *others = zip(*figures, strict=True) if figures else ((),) * len(FIGURES)
    # what has no duration yet becomes NaN
    duration, bps, profit = (np.array(column, float) for column in others)
    numbers = np.array(of, np.int64)
    return _Loose(series, numbers, np.array(opened, np.int64), duration, bps, profit)


def _add_loose(loose: _Loose, labels: Labels, tally: Tally) -> None:
    table = labels.table({one: number for number, one in enumerate(loose.series)})
    number = labels.numbers(table[loose.of], loose.opened_at)
    tally.values(Values(number, loose.profit, loose.bps, loose.duration))


def _named(connection: Connection, asked: Filter, labels: Labels, tally: Tally) -> list[Group]:
    """The groups with their names, and the ids of their best."""
    groups = labels.groups()
    found = zip(groups, tally.figures([label.members for label in groups]), strict=True)
    told = [(label, figures) for label, figures in found if figures is not None]
    best = _best(connection, asked, labels, [figures.best_profit for _, figures in told])
    return [
        Group(
            names=label.names,
            currency=label.currency,
            figures=figures,
            exact=tally.exact,
            best_id=min(best.get((n, figures.best_profit), "~") for n in label.members).rstrip("~"),
        )
        for label, figures in told
    ]


def _best(
    connection: Connection, asked: Filter, labels: Labels, profits: Iterable[float]
) -> dict[tuple[int, float], str]:
    """The first opportunity of each number and profit."""
    result: dict[tuple[int, float], str] = {}
    profits = sorted(set(profits))
    for i in range(0, len(profits), AT_ONCE):
        among = COLUMNS["peak_net_profit"].in_(profits[i : i + AT_ONCE])
        query = rows(
            connection,
            ["id", "peak_net_profit", "opened_at", *NAMES],
            [among, *asked.conditions(COLUMNS)],
            "ix_opportunity_peak_net_profit",
        )
        for one, profit, opened_at, *names in connection.execute(query.order_by(COLUMNS["id"])):
            result.setdefault((labels.number(Series(*names), opened_at), profit), one)
    return result
