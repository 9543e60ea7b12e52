"""What the rows of few series in segments (``storage.by_series``) tell of groups."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from storage.by_series import SORTED_BY
from storage.columns import Array
from storage.queries.access import direct
from storage.queries.question import Question
from storage.queries.sliced import TYPES
from storage.queries.tally import EXACT_ROWS, Tally, Values

AT_ONCE = 64_000
FIGURES = ("peak_net_bps", "peak_net_profit", "duration")
BUCKETS = ("profit_buckets", "duration_buckets")


class _Part(Struct, frozen=True):
    """Some opportunities that meet all conditions, and their buckets."""

    values: Values
    buckets: tuple[Array, Array]

    def count(self, tally: Tally, *, exactly: bool) -> None:
        """Count them. ``exactly``: by their values, not by their buckets."""
        if exactly:
            tally.values(self.values)
            return
        number, profit, bps = self.values.number, self.values.profit, self.values.bps
        tally.singles(number, profit, bps)
        tally.buckets(number, *self.buckets)


def add(question: Question, first_days: Sequence[int]) -> None:
    """Add what the segments that begin on these days have."""
    series = [number for one, number in question.taken.items() if one.symbol and one.buy]
    if not series or not first_days:
        return
    waiting: list[_Part] = []
    rows, many = 0, False
    for found in _read(question, series, first_days):
        waiting.append(_part(question, found))
        rows += len(waiting[-1].values.number)
        many = many or rows > EXACT_ROWS
        while many and waiting:
            waiting.pop().count(question.tally, exactly=False)
    for part in waiting:
        part.count(question.tally, exactly=question.tally.exact)


def _read(
    question: Question, series: Sequence[int], first_days: Sequence[int]
) -> Iterator[dict[str, Array]]:
    """The columns of some of them at a time, and ``series``, the number of each row's key."""
    names = [*FIGURES, *BUCKETS, *(["hours"] if question.labels.slots > 1 else [])]
    numbers, days = (", ".join(map(str, some)) for some in (series, first_days))
    statement = (
        f"SELECT number, {', '.join(names)} FROM opportunity_slice"
        " JOIN opportunity_figures USING (sorted_by, first_day, number)"
        f" WHERE sorted_by = {SORTED_BY} AND first_day IN ({days}) AND number IN ({numbers})"
    )
    kept: list[Any] = []
    rows = 0
    for row in direct(question.connection, statement):
        kept.append(row)
        rows += len(row[1]) // TYPES[names[0]].itemsize
        if rows >= AT_ONCE:
            yield _columns(question, names, kept)
            kept, rows = [], 0
    if kept:
        yield _columns(question, names, kept)


def _columns(question: Question, names: Sequence[str], rows: Sequence[Any]) -> dict[str, Array]:
    columns = {
        name: np.frombuffer(b"".join([row[i] for row in rows]), TYPES[name])
        for i, name in enumerate(names, 1)
    }
    lengths = [len(row[1]) // TYPES[names[0]].itemsize for row in rows]
    keys = question.numbers[[row[0] for row in rows]]
    return columns | {"series": np.repeat(keys, lengths)}


def _part(question: Question, columns: dict[str, Array]) -> _Part:
    if question.asked.thresholds:
        kept = np.flatnonzero(question.asked.meets(columns))
        if len(kept) < len(columns["series"]):
            columns = {name: column.take(kept) for name, column in columns.items()}
    number = question.labels.numbers(columns["series"], columns.get("hours"))
    bps, profit, duration = (columns[name] for name in FIGURES)
    profits, durations = (columns[name] for name in BUCKETS)
    return _Part(Values(number, profit, bps, duration.astype(float)), (profits, durations))
