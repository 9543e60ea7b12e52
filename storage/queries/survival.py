"""What became of opportunities: of single ones, and of groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import and_, select
from sqlalchemy.engine import Connection

from storage import survivals, totals
from storage.after_schema import survival, survival_sum
from storage.columns import HOUR, Array
from storage.queries import blocks
from storage.queries.access import COLUMNS, plain, rows
from storage.queries.filter import By, Filter
from storage.queries.labels import Labels
from storage.series import Series
from storage.survivals import COUNTED, FIGURE, LEVELS, NAMES

LATE = max(LEVELS) << 18  # an hour after all others
GROUPED = (By.SYMBOL, By.ROUTE, By.VENUE, By.KIND)
Key: TypeAlias = tuple[tuple[str | int, ...], str]


class Moment(Struct, frozen=True):
    """What the orders of an opportunity would have left ``delay_ms`` after its flag, as in
    ``scanner.events.Survival``."""

    delay_ms: int
    net_profit: float | None
    net_bps: float | None
    reason: str


class Latency(Struct, frozen=True):
    """What became of many, ``delay_ms`` after their flags: of the ``followed`` so many are
    ``known``, and of these ``hits`` would still have left a profit. ``profit`` is what all that are
    known would have left together, losses included."""

    delay_ms: int
    followed: int
    known: int
    hits: int
    profit: float


class _Singles(Struct):
    """Figures that stand in no sum: which of ``series`` each is of."""

    series: dict[Series, int] = {}
    of: list[int] = []
    figures: list[tuple[float, ...]] = []

    def add(self, one: Series, delay: int, profit: float | None) -> None:
        self.of.append(self.series.setdefault(one, len(self.series)))
        known = profit is not None
        self.figures.append((delay, 1, known, known and profit > 0, profit or 0.0))  # type: ignore[operator]


def moments(connection: Connection, ids: Sequence[str]) -> dict[str, tuple[Moment, ...]]:
    """Of these opportunities, by their ids, the soonest first; without those never followed."""
    s = survival.c
    found: dict[str, list[Moment]] = {}
    for some in totals.chunks(ids):
        query = select(s.opportunity_id, s.delay_ms, s.net_profit, s.net_bps, s.reason)
        query = query.where(s.opportunity_id.in_(some)).order_by(s.opportunity_id, s.delay_ms)
        for one, *figures in connection.execute(query):
            found.setdefault(one, []).append(Moment(*figures))
    return {one: tuple(theirs) for one, theirs in found.items()}


def latencies(connection: Connection, asked: Filter, by: By) -> dict[Key, tuple[Latency, ...]]:
    """Of groups, by the values of their names and their currency. What has to meet least figures is
    looked at one by one."""
    if by not in GROUPED:
        return {}
    singles = _Singles()
    _unsummed(connection, asked, singles)
    of: Array = np.zeros(0, np.int64)
    summed, taken = np.zeros(0, FIGURE), {}
    if asked.thresholds:
        _one_by_one(connection, asked, singles)
    else:
        for edge in _edges(asked):
            _one_by_one(connection, edge, singles)
        taken = {
            one: number
            for one, number in blocks.known_series(connection).items()
            if one.symbol and one.buy and asked.takes(one)
        }
        of, summed = _summed(connection, _whole_hours(asked))
    labels = Labels(by, [*taken, *singles.series])
    size = max(of.max(initial=0), max(taken.values(), default=0)) + 1
    number = np.concatenate(
        (
            labels.table(taken, int(size))[of],
            labels.table(singles.series, len(singles.series))[np.array(singles.of, np.int64)],
        )
    )
    figures = np.concatenate((summed, np.array(singles.figures, FIGURE)))
    return _grouped(labels, number, figures)


def _grouped(labels: Labels, number: Array, figures: Array) -> dict[Key, tuple[Latency, ...]]:
    figures, number = figures[number >= 0], number[number >= 0]
    delays = np.unique(figures["delay_ms"])
    size = (labels.count, len(delays))
    place = number * len(delays) + np.searchsorted(delays, figures["delay_ms"])
    sums = np.zeros(size, FIGURE)
    sums["delay_ms"] = delays
    for name in COUNTED:
        sums[name] = np.bincount(place, figures[name], sums.size).reshape(size)
    found: dict[Key, tuple[Latency, ...]] = {}
    for label in labels.groups():
        whole = sums[label.members[0]]
        for member in label.members[1:]:
            whole = _plus(whole, sums[member])
        if whole["followed"].any():
            key = (tuple(label.names.values()), label.currency)
            found[key] = tuple(Latency(*f) for f in whole[whole["followed"] > 0].tolist())
    return found


def _plus(one: Array, other: Array) -> Array:
    both = one.copy()
    for name in COUNTED:
        both[name] += other[name]
    return both


def _unsummed(connection: Connection, asked: Filter, singles: _Singles) -> None:
    """What is not counted yet."""
    s = survival.c
    query = select(s.opportunity_id, s.delay_ms, s.net_profit).where(s.summed == 0)
    waiting: dict[str, list[tuple[int, float | None]]] = {}
    for one, delay, profit in plain(connection.execute(query)):
        waiting.setdefault(one, []).append((delay, profit))
    for some in totals.chunks(list(waiting)):
        conditions = [COLUMNS["id"].in_(some), *asked.conditions(COLUMNS)]
        for one, *names in connection.execute(rows(connection, ["id", *NAMES], conditions)):
            for delay, profit in waiting[one]:
                singles.add(Series(*names), delay, profit)


def _one_by_one(connection: Connection, asked: Filter, singles: _Singles) -> None:
    """What is counted, of those asked for."""
    query = rows(connection, ["id", *NAMES], list(asked.conditions(COLUMNS)))
    series = {row[0]: Series(*row[1:]) for row in plain(connection.execute(query))}
    s = survival.c
    for some in totals.chunks(list(series)):
        found = select(s.opportunity_id, s.delay_ms, s.net_profit)
        found = found.where(s.opportunity_id.in_(some), s.summed == 1)
        for one, delay, profit in plain(connection.execute(found)):
            singles.add(series[one], delay, profit)


def _whole_hours(asked: Filter) -> tuple[int, int]:
    """The hours that are asked for from beginning to end: the first, and that after the last."""
    first = -(-asked.since // HOUR) if asked.since is not None else 0
    end = asked.until // HOUR if asked.until is not None else LATE
    return first, max(first, end)


def _edges(asked: Filter) -> Iterator[Filter]:
    """What is asked for before and after those hours."""
    first, end = (hour * HOUR for hour in _whole_hours(asked))
    if asked.since is not None and asked.since < first:
        yield replace(asked, until=min(first, asked.until) if asked.until else first)
    if asked.until is not None and asked.until > end:
        yield replace(asked, since=max(end, asked.since or 0))


def _summed(connection: Connection, hours: tuple[int, int]) -> tuple[Array, Array]:
    """The sums of these hours: of which series each is, and the figures."""
    t = survival_sum.c
    pieces = [
        and_(t.level == level, t.number >= begin, t.number < end)
        for level, begin, end in _stretches(*hours)
    ]
    found: list[tuple[Any, ...]] = []
    for piece in pieces:
        found += plain(connection.execute(select(t.series_id, t.figures).where(piece)))
    return survivals.unpacked(found)


def _stretches(first: int, end: int) -> Iterable[tuple[int, int, int]]:
    """The fewest stretches of whole levels that the hours are made of: (level, number, number)."""
    found: list[tuple[int, int, int]] = []
    around = [(first, end)]
    for level, hours in sorted(enumerate(LEVELS), key=lambda one: -one[1]):
        left = []
        for begin, stop in around:
            one, last = -(-begin // hours), stop // hours
            if one < last:
                found.append((level, one, last))
                left += [(begin, one * hours), (last * hours, stop)]
            else:
                left.append((begin, stop))
        around = [(begin, stop) for begin, stop in left if begin < stop]
    return found
