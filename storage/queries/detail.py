"""Opportunities one by one: their rows, their states, what happened around them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from scanner.events import Alert, FeedEvent, Leg
from storage import schema, wal
from storage.evidence import Basis, basis, leg
from storage.migrate import version_of
from storage.queries import records, survival
from storage.queries.access import UNSUMMED
from storage.queries.records import Detail, Info, Sample, State, Stored
from storage.queries.survival import Moment
from storage.retention import used_bytes
from storage.schema import alert, evidence, feed_event, opportunity, run, sample

AT_ONCE = 500
AROUND = 60_000_000_000
FEEDS = 40
SAMPLES = 5_000
MOMENTS = {
    schema.OPENED: records.OPENED,
    schema.PEAK: records.PEAK,
    schema.LAST: records.LAST,
}
ALERT = [alert.c[name] for name in Alert.__struct_fields__]
Legs: TypeAlias = tuple[Leg | None, Leg | None, Basis]
NO_LEGS: Legs = (None, None, Basis())
FEED = [feed_event.c[name] for name in FeedEvent.__struct_fields__]


def stored(connection: Connection, ids: Sequence[str]) -> list[Stored]:
    """The opportunities with these ids, in their order."""
    found: dict[str, Stored] = {}
    for i in range(0, len(ids), AT_ONCE):
        some = ids[i : i + AT_ONCE]
        legs = _newest_legs(connection, some)
        after = survival.moments(connection, some)
        for row in connection.execute(select(opportunity).where(opportunity.c.id.in_(some))):
            its = legs.get(row.id, NO_LEGS)
            found[row.id] = _stored(row._mapping, its, after.get(row.id, ()))
    return [found[one] for one in ids if one in found]


def ids(connection: Connection, prefix: str, limit: int) -> list[str]:
    """The first ids that begin with ``prefix``, which is of hexadecimal digits and dashes."""
    key = opportunity.c.id
    query = select(key).where(key >= prefix, key < prefix + "g").order_by(key).limit(limit)
    return list(connection.execute(query).scalars())


def one(connection: Connection, key: str) -> Detail | None:
    """All of one opportunity."""
    found = stored(connection, [key])
    if not found:
        return None
    it = found[0]
    rows = connection.execute(
        select(evidence).where(evidence.c.opportunity_id == key).order_by(evidence.c.moment)
    )
    states = [_state(row._mapping) for row in rows]
    samples = connection.execute(
        select(*(sample.c[name] for name in Sample.__struct_fields__))
        .where(sample.c.opportunity_id == key)
        .order_by(sample.c.at)
        .limit(SAMPLES)
    )
    alerts = select(*ALERT).where(alert.c.opportunity_id == key).order_by(alert.c.at)
    feeds, left_out, before = _feeds(connection, it)
    version = select(run.c.version).where(run.c.id == it.run_id)
    return Detail(
        opportunity=it,
        states=states,
        samples=[Sample(*row) for row in samples],
        feeds=feeds,
        feeds_left_out=left_out,
        before=before,
        alerts=[Alert(**row._mapping) for row in connection.execute(alerts)],
        version=connection.execute(version).scalar() or "",
    )


def states(connection: Connection, ids: Sequence[str]) -> dict[str, list[State]]:
    """The states of these opportunities, by their ids, in the order opened, peak, last."""
    e = evidence.c
    found: dict[str, list[State]] = {}
    for i in range(0, len(ids), AT_ONCE):
        some = ids[i : i + AT_ONCE]
        query = select(evidence).where(e.opportunity_id.in_(some)).order_by(e.moment)
        for row in connection.execute(query):
            found.setdefault(row.opportunity_id, []).append(_state(row._mapping))
    return found


def info(connection: Connection, place: str) -> Info:
    """What is in the database."""
    o = opportunity.c
    days = schema.opportunity_day.c
    packed = connection.execute(select(func.coalesce(func.sum(days.rows), 0))).scalar_one()
    unsummed = select(func.count()).select_from(opportunity).where(UNSUMMED)
    still_open = unsummed.where(o.closed_at.is_(None))
    return Info(
        place=place,
        schema=version_of(connection) or "",
        size=used_bytes(connection),
        wal=wal.size(Path(place)) if connection.dialect.name == "sqlite" else None,
        runs=connection.execute(select(func.count()).select_from(run)).scalar_one(),
        opportunities=packed + connection.execute(unsummed).scalar_one(),
        open=connection.execute(still_open).scalar_one(),
        first=connection.execute(select(func.min(o.opened_at))).scalar(),
        last=connection.execute(select(func.max(o.opened_at))).scalar(),
    )


def _newest_legs(connection: Connection, some: Sequence[str]) -> dict[str, Legs]:
    """Both legs of the newest state (the last, or the opening where nothing followed it), and what
    else it rests on."""
    e = evidence.c
    query = select(e.opportunity_id, e.buy, e.sell).where(
        e.opportunity_id.in_(some), e.moment.in_((schema.OPENED, schema.LAST))
    )
    rows = connection.execute(query.order_by(e.moment))
    return {row[0]: (leg(row[1]), leg(row[2]), basis(row[2])) for row in rows}


def _feeds(connection: Connection, it: Stored) -> tuple[list[FeedEvent], int, list[FeedEvent]]:
    """What happened to its venues' feeds around its life, and the newest of each from before."""
    e = feed_event.c
    begin, end = it.opened_at - AROUND, (it.closed_at or it.at) + AROUND
    legs = (leg.venue for leg in it.basis.legs)
    venues = sorted({it.buy_venue, it.sell_venue, *legs})
    around = (e.venue.in_(venues), e.at >= begin, e.at <= end)
    total = connection.execute(select(func.count()).select_from(feed_event).where(*around))
    rows = connection.execute(select(*FEED).where(*around).order_by(e.at, e.number).limit(FEEDS))
    events = [FeedEvent(**row._mapping) for row in rows]
    before = []
    for venue in venues:
        query = select(*FEED).where(e.venue == venue, e.at < begin, e.run_id == it.run_id)
        newest = connection.execute(query.order_by(e.at.desc()).limit(1)).one_or_none()
        if newest is not None:
            before.append(FeedEvent(**newest._mapping))
    return events, total.scalar_one() - len(events), before


def _stored(row: Any, legs: Legs, after: tuple[Moment, ...]) -> Stored:
    return Stored(
        id=row["id"],
        run_id=row["run_id"],
        kind=row["kind"],
        symbol=row["symbol"],
        buy_venue=row["buy"],
        sell_venue=row["sell"],
        buy=legs[0],
        sell=legs[1],
        basis=legs[2],
        opened_at=row["opened_at"],
        at=row["closed_at"] or row["updated_at"],
        closed_at=row["closed_at"],
        duration=row["duration"],
        reason=row["reason"],
        updates=row["updates"],
        size=row["size"],
        gross_bps=row["gross_bps"],
        net_bps=row["net_bps"],
        net_profit=row["net_profit"],
        currency=row["currency"],
        peak_net_bps=row["peak_net_bps"],
        peak_net_profit=row["peak_net_profit"],
        survival=after,
    )


def _state(row: Any) -> State:
    return State(
        moment=MOMENTS[row["moment"]],
        at=row["at"],
        size=row["size"],
        gross_bps=row["gross_bps"],
        net_bps=row["net_bps"],
        net_profit=row["net_profit"],
        buy=leg(row["buy"]),
        sell=leg(row["sell"]),
        **msgspec.structs.asdict(basis(row["sell"])),
    )
