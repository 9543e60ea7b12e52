"""Alerts that a run left pending when it ended: who goes on with them."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Engine, or_, select, update

from scanner.events import Alert
from storage.database import for_reading, for_writing
from storage.errors import DatabaseError, explained
from storage.location import located, place
from storage.queries.detail import ALERT
from storage.schema import alert, run

MOST = 1_000


def adopt(url: str, own: str, channels: Collection[str], expired: int) -> list[Alert] | None:
    """What ended runs left pending for ``channels``, or from before ``expired`` (ns), oldest first;
    None as long as the run ``own`` has not begun in the database.

    In the same transaction they become the run's, so that no other one sends them too. Raises
    ``DatabaseError``.
    """
    where = located(url)
    try:
        if not _has_begun(for_reading(where), own):
            return None
    except DatabaseError:
        return None
    engine = for_writing(where)
    ended = select(run.c.id).where(run.c.ended_at.is_not(None))
    pending = (
        select(alert.c.id)
        .where(alert.c.state == "pending", alert.c.owner != own, alert.c.owner.in_(ended))
        .where(or_(alert.c.channel.in_(channels), alert.c.at < expired))
        .order_by(alert.c.id)
        .limit(MOST)
    )
    taken = update(alert).where(alert.c.id.in_(pending), alert.c.owner.in_(ended))
    try:
        with engine.connect() as connection, connection.begin():
            rows = connection.execute(taken.values(owner=own).returning(*ALERT)).all()
    except Exception as error:
        raise explained(error, place(where)) from error
    finally:
        engine.dispose()
    return sorted((Alert(**row._mapping) for row in rows), key=lambda one: one.id)


def _has_begun(engine: Engine, own: str) -> bool:
    """Whether the run is in the database; it may not even have tables yet."""
    try:
        with engine.connect() as connection:
            found = select(run.c.id).where(run.c.id == own)
            return connection.execute(found).one_or_none() is not None
    except Exception as error:
        raise explained(error, "") from error
    finally:
        engine.dispose()
