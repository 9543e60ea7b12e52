"""What the totals of spans and eras (``storage.totals``) tell of groups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Select, select, text
from sqlalchemy.engine import Connection

from storage import histogram
from storage.columns import DAY
from storage.histogram import Division
from storage.queries import blocks
from storage.queries.blocks import Days
from storage.queries.filter import By, Filter
from storage.queries.question import Question
from storage.schema import opportunity_era, opportunity_rolled, opportunity_span
from storage.series import Series
from storage.totals import ERA_SPANS, SPAN_DAYS

AT_ONCE = 500_000  # bytes


class Totals(Struct, frozen=True):
    """Which totals can answer: those of a division, of series of which these names are given."""

    division: Division
    symbol: bool
    route: bool

    def has(self, one: Series) -> bool:
        """Are exactly those names given of this series?"""
        return (bool(one.symbol), bool(one.buy)) == (self.symbol, self.route)


def totals_for(asked: Filter, by: By) -> Totals | None:
    """The totals that know what is asked for; None if none do."""
    if asked.thresholds:
        return None
    symbols, venues = bool(asked.symbols), asked.of_venues
    if by in (By.HOUR, By.WEEKDAY):
        if symbols and venues:
            return None
        division = Division.HOUR if by is By.HOUR else Division.WEEKDAY
        return Totals(division, symbols, venues)
    symbols, venues = symbols or by is By.SYMBOL, venues or by is not By.SYMBOL
    return Totals(Division.WHOLE, symbols, venues)


def spans_of(
    connection: Connection, asked: Filter, when: Sequence[Days]
) -> tuple[list[int], list[Days]]:
    """The spans of these days that are asked for whole and have totals; the days that are left."""
    if not when:
        return [], []
    first, last = min(some.first for some in when), max(some.last for some in when)
    asked_for = [
        span
        for span in range(first // SPAN_DAYS, last // SPAN_DAYS + 1)
        if _whole(asked, span, SPAN_DAYS)
    ]
    spans = _with_totals(connection, asked_for)
    return spans, list(blocks.without(when, days_of(spans)))


def _with_totals(connection: Connection, spans: Sequence[int]) -> list[int]:
    if not spans:
        return []
    found = connection.exec_driver_sql(
        f"WITH asked (span) AS (VALUES {', '.join(f'({span})' for span in spans)})"
        " SELECT span FROM asked WHERE EXISTS (SELECT 1 FROM opportunity_span o"
        f" WHERE o.division = {int(Division.WHOLE)} AND o.span = asked.span)"
    )
    return sorted(found.scalars().all())


def days_of(spans: Iterable[int]) -> set[int]:
    """The days of these spans."""
    return {span * SPAN_DAYS + day for span in spans for day in range(SPAN_DAYS)}


def add(question: Question, totals: Totals, spans: Sequence[int], *, sums: bool = True) -> None:
    """Add the totals of the spans; without ``sums`` only what quantiles need."""
    labels, tally = question.labels, question.tally
    answering = [number for one, number in question.taken.items() if totals.has(one)]
    if not spans or not answering:
        return
    eras, left = _eras(question.connection, question.asked, totals.division, spans)
    for column, chosen in ((opportunity_era.c.era, eras), (opportunity_span.c.span, left)):
        c = column.table.c
        query = select(c.series_id, c.totals, c.profits, c.durations).where(
            c.division == int(totals.division),
            _in(column, chosen),
            _in(c.series_id, answering),
        )
        for rows in _some(question.connection, query) if chosen else ():
            keys = question.numbers[[row[0] for row in rows]]
            cells = histogram.unpacked(keys, [row[1:] for row in rows])
            cells = histogram.numbered(cells, labels.slots) if labels.slots > 1 else cells
            if sums:
                tally.cells(cells)
            else:
                tally.histograms(cells)


def _some(connection: Connection, query: Select[Any]) -> Iterator[list[Any]]:
    """Some rows at a time: what fits into a processor's cache is added up faster."""
    some: list[Any] = []
    size = 0
    cursor = connection.execute(query).cursor
    assert cursor is not None
    while row := cursor.fetchone():  # as the driver gives it: there may be thousands
        some.append(row)
        size += len(row[2]) + len(row[3])
        if size >= AT_ONCE:
            yield some
            some, size = [], 0
    if some:
        yield some


def _eras(
    connection: Connection, asked: Filter, division: Division, spans: Sequence[int]
) -> tuple[set[int], list[int]]:
    """The eras that are asked for whole, and the spans that are not in them."""
    r = opportunity_rolled.c
    rolled = set(connection.execute(select(r.span).where(r.division == int(division))).scalars())
    eras = {
        span // ERA_SPANS
        for span in rolled.intersection(spans)
        if _whole(asked, span // ERA_SPANS, SPAN_DAYS * ERA_SPANS)
    }
    return eras, [span for span in spans if span not in rolled or span // ERA_SPANS not in eras]


def _whole(asked: Filter, number: int, days: int) -> bool:
    """Is all of the ``number``th stretch of so many days asked for?"""
    begin, end = number * days * DAY, (number + 1) * days * DAY
    late = asked.since is not None and asked.since > begin
    return not late and (asked.until is None or asked.until >= end)


def _in(column: ColumnElement[int], numbers: Iterable[int]) -> ColumnElement[bool]:
    """As text, for there may be thousands of them."""
    return column.op("IN")(text(f"({', '.join(str(int(n)) for n in numbers)})"))
