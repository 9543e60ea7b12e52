"""What the totals of spans and eras (``storage.totals``) tell of groups."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from msgspec import Struct
from sqlalchemy import ColumnElement, select, text
from sqlalchemy.engine import Connection

from storage import histogram
from storage.columns import DAY
from storage.histogram import BANDS, Division
from storage.queries.blocks import Days
from storage.queries.filter import By, Filter
from storage.queries.labels import Labels
from storage.queries.tally import Tally
from storage.schema import opportunity_era, opportunity_rolled, opportunity_span
from storage.summary import Series
from storage.totals import ERA_SPANS, SPAN_DAYS

Known: TypeAlias = Mapping[Series, int]


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
    symbols, venues = bool(asked.symbols), asked.of_venues
    if by in (By.HOUR, By.WEEKDAY):
        if asked.thresholds or (symbols and venues):
            return None
        division = Division.HOUR if by is By.HOUR else Division.WEEKDAY
        return Totals(division, symbols, venues)
    symbols, venues = symbols or by is By.SYMBOL, venues or by is not By.SYMBOL
    if not asked.thresholds:
        return Totals(Division.WHOLE, symbols, venues)
    alone = asked.min_profit is None and asked.min_duration is None
    if alone and asked.min_net_bps in BANDS and not (symbols and venues):
        return Totals(Division.BAND, symbols, venues)
    return None


def spans_of(
    connection: Connection, asked: Filter, when: Sequence[Days]
) -> tuple[list[int], list[Days]]:
    """The spans of these days that are asked for whole and have totals; the days that are left."""
    if not when:
        return [], []
    s = opportunity_span.c
    first, last = min(some.first for some in when), max(some.last for some in when)
    spans = []
    for span in range(first // SPAN_DAYS, last // SPAN_DAYS + 1):
        if not _whole(asked, span, SPAN_DAYS):
            continue
        query = select(s.span).where(s.division == int(Division.WHOLE), s.span == span).limit(1)
        if connection.execute(query).first() is not None:
            spans.append(span)
    return spans, list(_without(when, set(spans)))


def _without(when: Sequence[Days], spans: Collection[int]) -> Iterator[Days]:
    """The days that lie in none of the spans."""
    for some in when:
        if not some.whole:
            yield some
            continue
        begin = some.first
        for day in range(some.first, some.last + 2):
            if day > some.last or day // SPAN_DAYS in spans:
                if begin < day:
                    yield Days(begin, day - 1)
                begin = day + 1


def add_spans(
    connection: Connection,
    asked: Filter,
    totals: Totals,
    spans: Sequence[int],
    known: Known,
    labels: Labels,
    tally: Tally,
) -> None:
    """Add the totals of the spans."""
    answering = {
        one: number for one, number in known.items() if totals.has(one) and asked.takes(one)
    }
    if not spans or not answering:
        return
    rows: list[Any] = []
    eras, left = _eras(connection, asked, totals.division, spans)
    for column, chosen in ((opportunity_era.c.era, eras), (opportunity_span.c.span, left)):
        c = column.table.c
        query = select(c.series_id, c.totals, c.profits, c.durations).where(
            c.division == int(totals.division),
            _in(column, chosen),
            _in(c.series_id, answering.values()),
        )
        rows += connection.execute(query).all() if chosen else ()
    keys = labels.table(answering)[[row[0] for row in rows]] if rows else ()
    cells = histogram.unpacked(keys, [row[1:] for row in rows])
    if totals.division is Division.BAND:
        cells = histogram.from_slot(cells, int(np.searchsorted(BANDS, asked.min_net_bps or 0)))
    tally.cells(histogram.numbered(cells, labels.slots) if labels.slots > 1 else cells)


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
