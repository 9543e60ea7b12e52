"""What routes showed, minute by minute, flagged or not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.engine import Connection

from storage.queries.access import UNSUMMED, UNSUMMED_INDEX
from storage.queries.access import rows as opportunities
from storage.queries.records import RouteFigures, SpreadPoint
from storage.readings_schema import route, route_minute
from storage.schema import series

Routes = dict[int, tuple[str, str, str]]
FIGURES = ("samples", "positive", "low_bps", "high_bps", "mean_bps", "last_bps")


def known(connection: Connection) -> tuple[set[str], set[str]]:
    """The symbols and the venues of routes and of opportunities."""
    rows: list[Any] = []
    for table in (route, series):
        rows += connection.execute(select(table.c.symbol, table.c.buy, table.c.sell)).all()
    names = ("symbol", "buy", "sell")
    rows += connection.execute(opportunities(connection, names, [UNSUMMED], UNSUMMED_INDEX)).all()
    venues = {venue for row in rows for venue in row[1:]}
    return {row[0] for row in rows} - {""}, venues - {""}


def routes(
    connection: Connection, symbol: str, since: int, until: int, buy: str, sell: str
) -> list[RouteFigures]:
    """The minutes of each route made one."""
    names = _routes(connection, symbol, buy, sell)
    m = route_minute.c
    query = select(
        m.route_id,
        func.max(m.at),
        func.count(),
        func.sum(m.samples),
        func.sum(m.positive),
        func.min(m.low_bps),
        func.max(m.high_bps),
        func.sum(m.mean_bps * m.samples),
    )
    query = query.where(*_within(names, since, until)).group_by(m.route_id)
    found = connection.execute(query).all()
    last = {}
    for key, at, *_ in found:
        newest = select(m.last_bps).where(m.route_id == key, m.at == at)
        last[key] = connection.execute(newest).scalar_one()
    return [
        _figures(names[key], (*counted, total / counted[2], last[key]))
        for key, *counted, total in found
    ]


def minutes(
    connection: Connection,
    symbol: str,
    since: int,
    until: int,
    limit: int,
    buy: str,
    sell: str,
) -> list[RouteFigures]:
    """The newest minutes themselves, newest first."""
    names = _routes(connection, symbol, buy, sell)
    m = route_minute.c
    found: list[Any] = []
    for key in names:
        query = select(m.route_id, m.at, *(m[name] for name in FIGURES))
        query = query.where(*_within([key], since, until)).order_by(m.at.desc()).limit(limit)
        found += connection.execute(query).all()
    found.sort(key=lambda row: (-row[1], names[row[0]]))
    return [_figures(names[row[0]], (row[1], 1, *row[2:])) for row in found[:limit]]


def course(
    connection: Connection,
    symbol: str,
    since: int,
    until: int,
    slices: int,
    buy: str,
    sell: str,
) -> list[SpreadPoint]:
    """The best of all routes in each slice that has any."""
    names = _routes(connection, symbol, buy, sell)
    m, width = route_minute.c, max(1, -(-(until - since) // slices))
    place = ((m.at - since) // width).label("place")
    query = select(place, func.max(m.high_bps), func.max(m.mean_bps))
    query = query.where(*_within(names, since, until)).group_by(place).order_by(place)
    return [
        SpreadPoint(since + int(row[0]) * width, row[1], row[2])
        for row in connection.execute(query)
    ]


def _routes(connection: Connection, symbol: str, buy: str, sell: str) -> Routes:
    r = route.c
    query = select(r.id, r.symbol, r.buy, r.sell).where(r.symbol == symbol)
    for column, wanted in ((r.buy, buy), (r.sell, sell)):
        if wanted:
            query = query.where(column == wanted)
    return {row[0]: (row[1], row[2], row[3]) for row in connection.execute(query)}


def _within(keys: Routes | Sequence[int], since: int, until: int) -> list[ColumnElement[bool]]:
    m = route_minute.c
    return [m.route_id.in_(list(keys)), m.at >= since, m.at < until]


def _figures(of: tuple[str, str, str], row: Sequence[Any]) -> RouteFigures:
    """``row`` is the time of the newest, the minutes, and ``FIGURES``."""
    names = ("at", "minutes", *FIGURES)
    values = dict(zip(names, row, strict=True))
    return RouteFigures(symbol=of[0], buy=of[1], sell=of[2], **values)
