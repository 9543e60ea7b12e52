"""Runs: who writes here, and who has died without closing what it had open."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import ColumnElement, Update, case, select, update
from sqlalchemy.engine import Connection

from storage.batch import put
from storage.process import Process, lives
from storage.schema import opportunity, run

HEARTBEAT = 5_000_000_000
# A run that cannot be looked at (on another machine, in another container) is dead when it has not
# said for this long that it lives.
SILENCE = 60_000_000_000
INTERRUPTED = "interrupted"
STOPPED = "stopped"


class Run(Struct, frozen=True, kw_only=True):
    """What a run says of itself when it begins."""

    id: str
    version: str
    config: str
    process: Process
    started_at: int


def begin(connection: Connection, new: Run, dropped: str, at: int) -> None:
    """The run is here, from now on or again."""
    p = new.process
    row = (
        new.id,
        new.version,
        new.config,
        p.host,
        p.pid,
        p.token,
        new.started_at,
        at,
        None,
        "",
        dropped,
    )
    put(connection, run, [row])


def beat(connection: Connection, run_id: str, dropped: str, at: int) -> None:
    """The run lives, and all that it knew at ``at`` is written.

    Should another one have taken it for dead, it says here that it is not.
    """
    values = {"heartbeat_at": at, "dropped": dropped, "ended_at": None, "reason": ""}
    connection.execute(update(run).where(run.c.id == run_id).values(values))


def end(connection: Connection, run_id: str, dropped: str, at: int) -> None:
    """The run has come to its end, as it should."""
    values = {"heartbeat_at": at, "dropped": dropped, "ended_at": at, "reason": STOPPED}
    connection.execute(update(run).where(run.c.id == run_id).values(values))


def close_leftovers(connection: Connection, own: str, at: int) -> int:
    """Close what runs that have died left open; how many opportunities that were.

    They end when their run was last known to live.
    """
    closed = 0
    open_runs = select(opportunity.c.run_id).where(opportunity.c.closed_at.is_(None)).distinct()
    unended = select(run.c.id).where(run.c.ended_at.is_(None))
    for run_id in connection.execute(open_runs.union(unended)).scalars().all():
        if run_id == own:
            continue
        row = connection.execute(select(run).where(run.c.id == run_id)).one_or_none()
        if row is not None and row.ended_at is None:
            if _alive(Process(row.host, row.pid, row.token), row.heartbeat_at, at):
                continue
            ended = {"ended_at": row.heartbeat_at, "reason": INTERRUPTED}
            connection.execute(update(run).where(run.c.id == run_id).values(ended))
        last = row.heartbeat_at if row else 0
        closed += connection.execute(_closing(opportunity.c.run_id == run_id, last)).rowcount
    return closed


def close_forgotten(connection: Connection, own: str, known: set[str]) -> int:
    """Close what this run has open but no longer knows: the news of its end had to be dropped."""
    left_open = opportunity.c.closed_at.is_(None)
    ids = select(opportunity.c.id).where(left_open, opportunity.c.run_id == own)
    forgotten = set(connection.execute(ids).scalars()) - known
    for one in forgotten:
        connection.execute(_closing(opportunity.c.id == one, 0))
    return len(forgotten)


def _alive(process: Process, heartbeat_at: int, at: int) -> bool:
    seen = lives(process)
    return at - heartbeat_at < SILENCE if seen is None else seen


def _closing(which: ColumnElement[bool], last: int) -> Update:
    """Closes those at ``last``, or at their newest event if that is later."""
    newest = opportunity.c.updated_at
    closed_at = case((newest > last, newest), else_=last)
    values = {
        "closed_at": closed_at,
        "duration": closed_at - opportunity.c.opened_at,
        "reason": INTERRUPTED,
    }
    return update(opportunity).where(which, opportunity.c.closed_at.is_(None)).values(values)
