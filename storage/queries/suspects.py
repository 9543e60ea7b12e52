"""What was kept apart, and why."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection

from scanner.events import Suspect
from storage.after_schema import suspect


def newest(connection: Connection, since: int) -> list[Suspect]:
    """Each as it was told of last, since that time (ns), by whichever run; the newest first."""
    s = suspect.c
    found: dict[tuple[str, str, str, int], Suspect] = {}
    query = select(suspect).where(s.at >= since).order_by(s.at.desc(), s.run_id.desc())
    for row in connection.execute(query):
        found.setdefault((row.symbol, row.one, row.other, row.structural), _suspect(row))
    return list(found.values())


def _suspect(row: Any) -> Suspect:
    return Suspect(
        at=row.at,
        symbol=row.symbol,
        buy=row.buy,
        sell=row.sell,
        ratio=row.sell_mid / row.buy_mid,
        buy_mid=row.buy_mid,
        sell_mid=row.sell_mid,
        power=row.power,
        moves=row.moves,
        correlation=row.correlation,
        agreement=row.agreement,
        reason=row.reason,
        since=row.since,
        state=row.state,
        structural=bool(row.structural),
    )
