"""What was read of routes, markets and pairs time and again: funding, parity, rejects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeAlias

from msgspec import Struct
from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    Select,
    Table,
    and_,
    exists,
    func,
    null,
    or_,
    select,
)
from sqlalchemy.engine import Connection

from scanner.events import FundingSample, ParitySample, RejectMinute
from storage.readings_schema import (
    funding,
    funding_settled,
    market,
    pair,
    parity_minute,
    reject_minute,
    route,
)

Names: TypeAlias = tuple[str, ...]
Transaction: TypeAlias = Callable[[], AbstractContextManager[Connection]]


class Mean(Struct, frozen=True):
    """Of ``payments`` from ``since`` (ns) on, the mean rate for one ns."""

    rate: float
    payments: int
    since: int


Means: TypeAlias = dict[tuple[str, str, str], Mean]


class Payment(Struct, frozen=True, kw_only=True):
    """What the funding of a contract was settled at, at the boundary ``at`` (ns): ``rate`` is a
    fraction of the notional for ``interval`` ns (0: not said), paid by longs where positive.
    ``mark``: what a coin stood at then, where that is asked for and stored."""

    at: int
    venue: str
    market: str
    symbol: str
    rate: float
    interval: int
    mark: float | None = None


class Funding(Struct, frozen=True, kw_only=True):
    """Where the funding of a contract stands, and what was paid.

    ``newest``: the newest sample; of a contract of which only payments are known the time and the
    interval of the newest one. Of the payments of the time that was asked for: how many, the sum
    of their rates (what a long paid that held throughout, as a fraction of its notional), the least
    and the highest rate (None without payments), and the times of the oldest and of the newest (0:
    none).
    """

    newest: FundingSample
    payments: int
    paid: float
    lowest: float | None
    highest: float | None
    since: int
    paid_at: int


class Parity(Struct, frozen=True, kw_only=True):
    """How a pair stood over a time. ``newest``: the newest sample; low, high and mean (bps) are
    over ``minutes`` samples of a minute."""

    newest: ParitySample
    minutes: int
    low_bps: float
    high_bps: float
    mean_bps: float


class Rejects(Struct, frozen=True, kw_only=True):
    """What one gate stopped on a route: how many spreads in how many minutes, by how little the
    best of them missed (bps), and when the last one was counted (ns)."""

    symbol: str
    buy: str
    sell: str
    gate: str
    at: int
    minutes: int
    count: int
    best_shortfall_bps: float


class Readings:
    """Answers about readings. Times are ns, ``since`` included, ``until`` not; empty names leave it
    open which. Every method raises ``storage.errors.DatabaseError``."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def funding(
        self, since: int, until: int, *, symbols: Names = (), venues: Names = ()
    ) -> list[Funding]:
        """Every contract that has a sample from before ``until``, or a payment in the time, and
        what was paid in it."""
        newest = _funding(_newest(funding, until)).where(*_among(market, symbols, venues))
        s = funding_settled.c
        paid = (
            select(
                *(s.market_id, func.count(), func.sum(s.rate)),
                *(func.min(s.rate), func.max(s.rate), func.min(s.at), func.max(s.at)),
            )
            .where(s.at >= since, s.at < until)
            .where(s.market_id.in_(select(market.c.id).where(*_among(market, symbols, venues))))
            .group_by(s.market_id)
        )
        with self._transaction() as connection:
            payments = {row[0]: row[1:] for row in connection.execute(paid)}
            found = [
                *connection.execute(newest),
                *connection.execute(
                    _paid_alone(since, until).where(*_among(market, symbols, venues))
                ),
            ]
        found.sort(key=lambda row: (row.symbol, row.venue))
        none = (0, 0.0, None, None, 0, 0)
        return [_of_payments(_sample(row), payments.get(row.id, none)) for row in found]

    def mean_rates(
        self, since: int, until: int, *, symbols: Names = (), venues: Names = ()
    ) -> Means:
        """By venue, market and symbol, the mean of what was settled in the time: all rates over the
        time that they were for, as intervals may have changed meanwhile. Payments without an
        interval do not count."""
        s, m = funding_settled.c, market.c
        figures = func.sum(s.rate), func.sum(s.interval), func.count(), func.min(s.at)
        query = select(m.venue, m.name, m.symbol, *figures)
        query = query.join(funding_settled, s.market_id == m.id)
        query = query.where(*_among(market, symbols, venues))
        query = query.where(*_within(funding_settled, since, until), s.interval > 0)
        query = query.group_by(m.id, m.venue, m.name, m.symbol)
        with self._transaction() as connection:
            found = connection.execute(query).all()
        return {
            (venue, name, symbol): Mean(paid / float(length), count, first)
            for venue, name, symbol, paid, length, count, first in found
        }

    def funding_samples(
        self, since: int, until: int, limit: int, *, symbols: Names = (), venues: Names = ()
    ) -> list[FundingSample]:
        """The newest ``limit`` samples, newest first; what was settled is in ``payments``."""
        query = _funding(*_within(funding, since, until)).where(*_among(market, symbols, venues))
        with self._transaction() as connection:
            return [_sample(row) for row in connection.execute(_newest_first(query, limit))]

    def payments(
        self,
        since: int,
        until: int,
        limit: int,
        *,
        symbols: Names = (),
        venues: Names = (),
        near: int = 0,
    ) -> list[Payment]:
        """The newest ``limit`` payments, newest first, each with the last mark that is stored of
        the ``near`` ns up to it (0: none is looked for)."""
        s = funding_settled
        names = (market.c.venue, market.c.name.label("market"), market.c.symbol)
        query = select(s.c.at, *names, s.c.rate, func.coalesce(s.c.interval, 0).label("interval"))
        if near:
            query = query.add_columns(_mark_before(near).label("mark"))
        query = query.join(s, s.c.market_id == market.c.id)
        query = query.where(*_among(market, symbols, venues), *_within(s, since, until))
        with self._transaction() as connection:
            found = connection.execute(_newest_first(query, limit))
            return [Payment(**row._mapping) for row in found]

    def parities(
        self, since: int, until: int, *, symbols: Names = (), venues: Names = ()
    ) -> list[Parity]:
        """Every pair that has a sample of the time."""
        p, chosen = parity_minute, _among(pair, symbols, venues)
        newest = _parity(_newest(p, until), p.c.at >= since).where(*chosen)
        course = select(
            *(p.c.pair_id, func.count(), func.min(p.c.low_bps), func.max(p.c.high_bps)),
            func.sum(p.c.mean_bps * p.c.samples) / func.sum(p.c.samples),
        )
        course = course.where(p.c.pair_id.in_(select(pair.c.id).where(*chosen)))
        course = course.where(*_within(p, since, until)).group_by(p.c.pair_id)
        with self._transaction() as connection:
            figures = {row[0]: row[1:] for row in connection.execute(course)}
            found = connection.execute(newest.order_by(pair.c.symbol, pair.c.venue)).all()
        return [_of_course(_parity_sample(row), figures[row.id]) for row in found]

    def parity_samples(
        self, since: int, until: int, limit: int, *, symbols: Names = (), venues: Names = ()
    ) -> list[ParitySample]:
        """The newest ``limit`` samples, newest first."""
        query = _parity(*_within(parity_minute, since, until))
        query = query.where(*_among(pair, symbols, venues))
        with self._transaction() as connection:
            return [_parity_sample(row) for row in connection.execute(_newest_first(query, limit))]

    def rejects(
        self, since: int, until: int, *, symbols: Names = (), buy: Names = (), sell: Names = ()
    ) -> list[Rejects]:
        """What each gate stopped on each route in the time, the most often first. A route is of a
        symbol if it buys or sells it."""
        r = reject_minute
        names = (route.c.symbol, route.c.buy, route.c.sell)
        query = select(
            *(*names, r.c.gate),
            func.max(r.c.at).label("at"),
            func.count().label("minutes"),
            func.sum(r.c.count).label("count"),
            func.min(r.c.best_shortfall_bps).label("best_shortfall_bps"),
        ).join(r, r.c.route_id == route.c.id)
        query = query.where(*_of_routes(symbols, buy, sell), *_within(r, since, until))
        query = query.group_by(*names, r.c.gate)
        with self._transaction() as connection:
            found = [_rejects(row._mapping) for row in connection.execute(query)]
        return sorted(found, key=lambda one: (-one.count, one.symbol, one.buy, one.sell, one.gate))

    def reject_minutes(
        self,
        since: int,
        until: int,
        limit: int,
        *,
        symbols: Names = (),
        buy: Names = (),
        sell: Names = (),
    ) -> list[RejectMinute]:
        """The newest ``limit`` counts of a minute, newest first."""
        r = reject_minute
        names = (route.c.symbol, route.c.buy, route.c.sell)
        query = select(r.c.at, *names, r.c.gate, r.c.count, r.c.best_shortfall_bps)
        query = query.join(r, r.c.route_id == route.c.id)
        query = query.where(*_of_routes(symbols, buy, sell), *_within(r, since, until))
        with self._transaction() as connection:
            found = connection.execute(_newest_first(query, limit))
            return [RejectMinute(**row._mapping) for row in found]


def _within(table: Table, since: int, until: int) -> Sequence[ColumnElement[bool]]:
    return table.c.at >= since, table.c.at < until


def _among(table: Table, symbols: Names, venues: Names) -> Sequence[ColumnElement[bool]]:
    wanted = ((table.c.symbol, symbols), (table.c.venue, venues))
    return [column.in_(names) for column, names in wanted if names]


def _of_routes(symbols: Names, buy: Names, sell: Names) -> list[ColumnElement[bool]]:
    name = route.c.symbol
    wanted: list[ColumnElement[bool]] = [
        column.in_(names) for column, names in ((route.c.buy, buy), (route.c.sell, sell)) if names
    ]
    if symbols:
        across = [
            part
            for symbol in symbols
            for part in (
                name.startswith(f"{symbol}>", autoescape=True),
                name.endswith(f">{symbol}", autoescape=True),
            )
        ]
        wanted.append(or_(name.in_(symbols), *across))
    return wanted


def _newest(table: Table, until: int) -> ColumnElement[bool]:
    """It is the newest row before ``until`` of its number."""
    older, key = table.alias(), table.primary_key.columns.values()[0]
    newest = select(func.max(older.c.at)).where(older.c[key.name] == key, older.c.at < until)
    return table.c.at == newest.correlate(table).scalar_subquery()


def _mark_before(near: int) -> ScalarSelect[Any]:
    """The last mark of the ``near`` ns up to a payment of the same market."""
    f, s = funding.c, funding_settled.c
    query = select(f.mark_price).where(f.market_id == s.market_id, f.mark_price.is_not(None))
    query = query.where(f.at <= s.at, f.at >= s.at - near).order_by(f.at.desc()).limit(1)
    return query.correlate(funding_settled).scalar_subquery()


def _newest_first(query: Select[Any], limit: int) -> Select[Any]:
    order = (query.selected_columns["at"].desc(), query.selected_columns["symbol"])
    return query.order_by(*order).limit(limit)


def _funding(*conditions: ColumnElement[bool]) -> Select[Any]:
    columns = (column for column in funding.columns if column.name != "market_id")
    whole = market.join(funding, and_(funding.c.market_id == market.c.id, *conditions))
    return select(market, *columns).select_from(whole)


def _paid_alone(since: int, until: int) -> Select[Any]:
    """As ``_funding`` has it, the contracts of which payments of the time are known and no sample:
    venues tell their history at once, and samples are taken at the full minute."""
    s, f = funding_settled.c, funding.c
    copied = {"at": s.at, "interval": s.interval}
    columns = (
        copied.get(column.name, null().label(column.name))
        for column in f
        if column.name != "market_id"
    )
    whole = market.join(funding_settled, s.market_id == market.c.id)
    sampled = exists().where(f.market_id == market.c.id, f.at < until)
    query = select(market, *columns).select_from(whole)
    return query.where(s.at >= since, _newest(funding_settled, until), ~sampled)


def _sample(row: Any) -> FundingSample:
    return FundingSample(
        at=row.at,
        venue=row.venue,
        market=row.name,
        symbol=row.symbol,
        current=row.current_rate,
        predicted=row.predicted_rate,
        due=row.due or 0,
        interval=row.interval or 0,
        mark=row.mark_price,
        index=row.index_price,
        open_interest=row.open_interest,
    )


def _of_payments(newest: FundingSample, row: Sequence[Any]) -> Funding:
    names = ("payments", "paid", "lowest", "highest", "since", "paid_at")
    return Funding(newest=newest, **dict(zip(names, row, strict=True)))


def _parity(*conditions: ColumnElement[bool]) -> Select[Any]:
    columns = (column for column in parity_minute.columns if column.name != "pair_id")
    whole = pair.join(parity_minute, and_(parity_minute.c.pair_id == pair.c.id, *conditions))
    return select(pair, *columns).select_from(whole)


def _parity_sample(row: Any) -> ParitySample:
    return ParitySample(**{name: getattr(row, name) for name in ParitySample.__struct_fields__})


def _of_course(newest: ParitySample, row: Sequence[Any]) -> Parity:
    minutes, low, high, mean = row
    return Parity(newest=newest, minutes=minutes, low_bps=low, high_bps=high, mean_bps=mean)


def _rejects(row: Any) -> Rejects:
    return Rejects(**{**row, "count": int(row["count"])})  # PostgreSQL sums to Decimals
