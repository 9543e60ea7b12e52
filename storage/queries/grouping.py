"""Figures of groups of opportunities: what is packed (``storage.queries.packed``), and what is not
packed yet, row by row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from sqlalchemy.engine import Connection

from storage.columns import Array, hour_of_week
from storage.queries import blocks, packed
from storage.queries.access import COLUMNS, UNSUMMED, UNSUMMED_INDEX, plain, rows
from storage.queries.filter import By, Filter
from storage.queries.labels import Labels, Names
from storage.queries.question import Question
from storage.queries.tally import Figures, Tally, Values
from storage.series import Series

AT_ONCE = 500
NAMES = ("kind", "symbol", "buy", "sell", "currency")
FIGURES = ("opened_at", "duration", "peak_net_bps", "peak_net_profit")


class Group(Struct, frozen=True, kw_only=True):
    """One group. ``names`` says which: symbol; buy and sell; venue; kind; hour; or weekday
    (0: Monday).

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
    loose = _unpacked(connection, asked)
    taken, count = blocks.taken_series(connection, asked)
    labels = Labels(by, [*(one for one in taken if one.symbol and one.buy), *loose.series])
    numbers, tally = labels.table(taken, count), Tally(labels.count)
    packed.add(Question(connection, asked, by, taken, labels, numbers, tally))
    _add_loose(loose, labels, tally)
    return _named(connection, asked, labels, tally)


def _unpacked(connection: Connection, asked: Filter) -> _Loose:
    """What is not packed yet."""
    names = [*NAMES, *FIGURES]
    query = rows(connection, names, [UNSUMMED, *asked.conditions(COLUMNS)], UNSUMMED_INDEX)
    found = plain(connection.execute(query))
    numbers: dict[Series, int] = {}
    of = [numbers.setdefault(Series(*row[:5]), len(numbers)) for row in found]
    return _loose(list(numbers), of, [row[5:] for row in found])


def _loose(series: list[Series], of: Sequence[int], figures: Sequence[Sequence[Any]]) -> _Loose:
    opened, *others = zip(*figures, strict=True) if figures else ((),) * len(FIGURES)
    # what has no duration yet becomes NaN
    duration, bps, profit = (np.array(column, float) for column in others)
    numbers = np.array(of, np.int64)
    return _Loose(series, numbers, np.array(opened, np.int64), duration, bps, profit)


def _add_loose(loose: _Loose, labels: Labels, tally: Tally) -> None:
    series = {one: number for number, one in enumerate(loose.series)}
    table = labels.table(series, len(series))
    number = labels.numbers(table[loose.of], hour_of_week(loose.opened_at))
    tally.values(Values(number, loose.profit, loose.bps, loose.duration))


def _named(connection: Connection, asked: Filter, labels: Labels, tally: Tally) -> list[Group]:
    """The groups with their names, and the ids of their best."""
    groups = labels.groups()
    found = zip(groups, tally.figures([label.members for label in groups]), strict=True)
    told = [(label, figures) for label, figures in found if figures.count]
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
