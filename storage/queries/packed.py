"""What is packed tells of groups: spans of days, segments, single days, in turn.

Without least figures, the totals of whole spans (``storage.totals``); with them, the slices of
whole segments (``storage.segments``); of few series, their rows in these; of the days that are
left, the packed columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from msgspec.structs import replace

from storage.columns import Array
from storage.queries import blocks, by_series, crossed, slices, spans
from storage.queries.blocks import Chunk, Days
from storage.queries.question import Question
from storage.queries.slices import Plan
from storage.queries.spans import Totals
from storage.queries.tally import EXACT_ROWS, Values

# Up to so many rows the packed columns are read even where totals would do: that is exact.
EXACT = 100_000
# All rows of a symbol are read rather than the slices of all symbols if they are fewer by so much:
# where sums stand ready, of rows in slices only four bytes are read; else as much of either.
SORTED = 0.25
ROW_BY_ROW = 1.0
# What is below is taken away from all if that spares more rows than the totals of all are worth.
SPARED = 2_000_000


def add(question: Question) -> None:
    """Add all that is asked for."""
    connection, asked = question.connection, question.asked
    when = blocks.days(connection, asked)
    if blocks.count(connection, asked, when) > EXACT:
        if (totals := spans.totals_for(asked, question.by)) is not None:
            whole, when = spans.spans_of(connection, asked, when)
            spans.add(question, totals, whole)
        elif asked.symbols and asked.of_venues:
            when = _series(question, when)
        else:
            when = _slices(question, when)
    _days(question, when)


def _series(question: Question, when: list[Days]) -> list[Days]:
    """Add the rows of the series asked for in segments; the days that are left to add."""
    found = [one for one in slices.whole_segments(question.connection, when) if one.by_series]
    by_series.add(question, [one.first for one in found])
    return list(blocks.without(when, {day for one in found for day in one.days}))


def _slices(question: Question, when: list[Days]) -> list[Days]:
    """Add what is above the least figures in segments; the days that are left to add."""
    connection, asked = question.connection, question.asked
    plan, left = slices.plan(connection, asked, when)
    if plan is None:
        return left
    level = slices.level_for(asked, question.by)
    few = plan.rows * (ROW_BY_ROW if level is None else SORTED)
    if asked.symbols and blocks.count(connection, asked, when) < few:
        return when
    exactly = plan.rows + blocks.count(connection, asked, left) <= EXACT
    kind = None if exactly else crossed.kind_for(asked, question.by)
    if kind is not None and all(segment.crossed for segment in plan.segments):
        crossed.add(question, plan.segments, kind)
        return left
    totals = spans.totals_for(asked.all_figures, question.by)
    worth = plan.rows > plan.total - plan.rows + SPARED
    if worth and totals is not None and level is not None:
        return _below(question, plan, totals, when)
    slices.add(question, plan, exactly=exactly)
    return left


def _below(question: Question, plan: Plan, totals: Totals, when: list[Days]) -> list[Days]:
    """As ``_slices``; but for quantiles all are added, and what is below taken away."""
    whole, rest = spans.spans_of(question.connection, question.asked, when)
    spans.add(question, totals, whole, sums=False)
    inside, beyond = plan.within(spans.days_of(whole)), plan.within(_days_of(rest))
    slices.add(question, replace(inside, below=True))
    slices.add(question, beyond)
    left = blocks.without(when, {*_days_of(rest), *inside.days})
    _days(question, [some for some in left if some.whole], below=True)
    return list(blocks.without(rest, beyond.days))


def _days(question: Question, when: Sequence[Days], *, below: bool = False) -> None:
    """Add the packed columns of days. ``below``: all of them are in the quantiles already."""
    connection, tally = question.connection, question.tally
    asked = question.asked.all_figures if below else question.asked
    exactly = tally.exact and not below and blocks.count(connection, asked, when) <= EXACT_ROWS
    names = {"series_id", "peak_net_profit", "peak_net_bps", *question.asked.tested}
    names |= {"duration"} if exactly else {"profit_buckets", "duration_buckets"}
    names |= {"hours"} if question.labels.slots > 1 else set()
    for chunk in blocks.read(connection, asked, names, when, question.numbers >= 0):
        meets = chunk.wanted & question.asked.meets(chunk.columns) if below else chunk.wanted
        number, columns = _chosen(question, chunk, meets)
        profit, bps = columns["peak_net_profit"], columns["peak_net_bps"]
        if exactly:
            tally.values(Values(number, profit, bps, columns["duration"].astype(float)))
            continue
        tally.singles(number, profit, bps)
        if below:
            number, columns = _chosen(question, chunk, chunk.wanted & ~meets)
        buckets = columns["profit_buckets"], columns["duration_buckets"]
        tally.buckets(number, *buckets, -1 if below else 1)


def _chosen(question: Question, chunk: Chunk, wanted: Array) -> tuple[Array, Mapping[str, Array]]:
    """The numbers and the columns of some rows."""
    columns = chunk.columns
    if not wanted.all():
        rows = np.flatnonzero(wanted)
        columns = {name: column.take(rows) for name, column in columns.items()}
    key = question.numbers.take(columns["series_id"])
    return question.labels.numbers(key, columns.get("hours")), columns


def _days_of(when: Iterable[Days]) -> set[int]:
    return {day for some in when for day in range(some.first, some.last + 1)}
