"""Reads slices (``storage.slices``), and says to which group each of their rows belongs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from storage.columns import DERIVED, Array
from storage.columns import TYPES as COLUMNS
from storage.histogram import TOTAL
from storage.queries.access import direct
from storage.queries.question import Question
from storage.slices import FIGURE, PLACE, RUN, Level, Order

BUCKETS = ("profit_buckets", "duration_buckets")
TABLES = {
    "opportunity_slice": ("runs", *DERIVED),
    "opportunity_place": tuple(PLACE.values()),
    "opportunity_figures": tuple(FIGURE.values()),
}
TYPES: dict[str, np.dtype[Any]] = {
    "runs": RUN,
    **COLUMNS,
    **DERIVED,
    **dict.fromkeys(PLACE.values(), np.dtype("u1")),
}


class Sliced(Struct, frozen=True):
    """Slices as a question sees them."""

    question: Question

    def read(
        self, order: Order, first: int, begin: int, end: int, names: Sequence[str]
    ) -> Iterator[dict[str, Array]]:
        """Columns of the slices from ``begin`` until before ``end`` of a segment, with what says
        to which group their rows belong."""
        wanted = ["runs", *names, *(["hours"] if self.question.labels.slots > 1 else [])]
        tables = [table for table, columns in TABLES.items() if {*wanted}.intersection(columns)]
        joined = " ".join(
            [tables[0], *(f"JOIN {one} USING (sorted_by, first_day, number)" for one in tables[1:])]
        )
        rows = self.fetch(
            f"SELECT {', '.join(wanted)} FROM {joined} WHERE sorted_by = ?"
            " AND first_day = ? AND number >= ? AND number < ?",
            (int(order), first, begin, end),
        )
        for row in rows:
            yield {
                name: np.frombuffer(value, TYPES[name])
                for name, value in zip(wanted, row, strict=True)
            }

    def sums(self, order: Order, first: int, number: int, level: Level) -> tuple[Array, Array]:
        """Owners and totals of all slices up to this one."""
        (row,) = self.fetch(
            "SELECT owners, totals FROM opportunity_sum WHERE sorted_by = ? AND level = ?"
            " AND first_day = ? AND number = ?",
            (int(order), int(level), first, number),
        )
        return np.frombuffer(row[0], "<u4"), np.frombuffer(row[1], TOTAL)

    def numbers(
        self, columns: Mapping[str, Array], among: Array | None = None
    ) -> tuple[Array, Array | slice]:
        """The number of each row that is asked for, of those ``among`` (None: of all), and which
        these are."""
        runs, slots = columns["runs"], self.question.labels.slots
        keys = self.question.numbers[runs["series"]].astype(np.int32)
        kept: Array | slice = slice(None) if among is None else among
        count: Array = runs["count"]
        asked = np.flatnonzero(keys >= 0)
        if among is not None:
            number = np.repeat(keys, count).take(among)
            if len(asked) < len(keys):
                rows = np.flatnonzero(number >= 0)
                number, kept = number.take(rows), among.take(rows)
        else:
            number = np.repeat(keys[asked], count[asked])
            if len(asked) < len(keys):
                kept = _rows_of(asked, count)
        if slots > 1:
            number = number * number.dtype.type(slots)
            number += self.question.labels.slot(taken(columns["hours"], kept))
        return number, kept

    def add_sums(self, owners: Array, totals: Array) -> None:
        """Count sums of owners."""
        question = self.question
        number = question.numbers[owners]
        kept = number >= 0
        if not kept.all():
            number, totals = number.compress(kept), totals.compress(kept)
        if question.labels.slots > 1:
            number = number * question.labels.slots + totals["slot"]
        question.tally.totals(number, totals)

    def add_figures(self, number: Array, columns: Mapping[str, Array], kept: Array | slice) -> None:
        """Count the figures of rows, but for quantiles."""
        profit, bps = (taken(columns[name], kept) for name in ("peak_net_profit", "peak_net_bps"))
        self.question.tally.singles(number, profit, bps)

    def add_buckets(
        self, number: Array, columns: Mapping[str, Array], kept: Array | slice, times: int = 1
    ) -> None:
        """Count the buckets of rows; ``times`` -1 takes them away."""
        profit, duration = (taken(columns[name], kept) for name in BUCKETS)
        self.question.tally.buckets(number, profit, duration, times)

    def fetch(self, statement: str, values: tuple[int, ...]) -> Iterable[Any]:
        """The rows of a statement with ``?`` for its values."""
        return direct(self.question.connection, statement, values)


def taken(column: Array, kept: Array | slice) -> Array:
    """Some elements of a column."""
    return column[kept] if isinstance(kept, slice) else column.take(kept)


def _rows_of(runs: Array, count: Array) -> Array | slice:
    """The rows of some runs of so many rows each."""
    if not len(runs):
        return slice(0, 0)
    first, last = int(runs[0]), int(runs[-1])
    if last - first + 1 == len(runs):
        begin = int(count[:first].sum())
        return slice(begin, begin + int(count[first : last + 1].sum()))
    chosen = np.zeros(len(count), bool)
    chosen[runs] = True
    return np.flatnonzero(np.repeat(chosen, count))
