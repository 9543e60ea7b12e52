"""Readings as rows: figures of a route, a market or a pair, taken time and again.

Each goes into the table of its kind under the number of what it is of (``storage.numbers``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from sqlalchemy import Table

from scanner.events import FundingSample, ParitySample, RejectMinute, RouteMinute
from storage import readings_schema as schema
from storage.numbers import Of
from storage.text import Row, clean

Reading: TypeAlias = RouteMinute | RejectMinute | FundingSample | ParitySample
READINGS = (RouteMinute, RejectMinute, FundingSample, ParitySample)
TABLES: dict[type, Table] = {
    RouteMinute: schema.route_minute,
    RejectMinute: schema.reject_minute,
    FundingSample: schema.funding,
    ParitySample: schema.parity_minute,
}


def rows(readings: Iterable[Reading], number: Callable[[Of], int]) -> dict[Table, list[Row]]:
    """The rows of each table; ``number`` tells the number of what a reading is of."""
    found: dict[Table, list[Row]] = {}
    for reading in readings:
        for table, of, row in _rows(reading):
            found.setdefault(table, []).append((number(of), *row))
    return found


def _rows(reading: Reading) -> Iterator[tuple[Table, Of, Row]]:
    match reading:
        case RouteMinute():
            yield schema.route_minute, _route(reading), _route_minute(reading)
        case RejectMinute():
            yield schema.reject_minute, _route(reading), _reject_minute(reading)
        case ParitySample():
            names = (reading.venue, reading.symbol, reading.via)
            yield schema.parity_minute, (schema.pair, names), _parity(reading)
        case FundingSample():
            of = (schema.market, (reading.venue, reading.market, reading.symbol))
            if any(value is not None for value in _told(reading)):
                yield schema.funding, of, _funding(reading)
            if reading.settled is not None:
                row = (reading.settled_at, reading.settled, reading.interval or None)
                yield schema.funding_settled, of, row


def _route(one: RouteMinute | RejectMinute) -> Of:
    return schema.route, (one.symbol, one.buy, one.sell)


def _route_minute(one: RouteMinute) -> Row:
    figures = (one.low_bps, one.high_bps, one.mean_bps, one.last_bps)
    return one.at, one.samples, one.positive, *figures


def _reject_minute(one: RejectMinute) -> Row:
    return one.at, clean(one.gate), one.count, one.best_shortfall_bps


def _told(one: FundingSample) -> Row:
    return one.current, one.predicted, one.mark, one.index, one.open_interest


def _funding(one: FundingSample) -> Row:
    current, predicted, *others = _told(one)
    return one.at, current, predicted, one.due or None, one.interval or None, *others


def _parity(one: ParitySample) -> Row:
    return (
        *(one.at, one.samples, one.low_bps, one.high_bps, one.mean_bps),
        *(one.bid_bps, one.ask_bps, one.size),
        *(one.depth_10, one.depth_50, one.depth_100),
    )
