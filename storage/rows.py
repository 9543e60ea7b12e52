"""Events as rows, in the order of the tables' columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from scanner.events import Alert, FeedEvent, Opportunity, Survival, Suspect
from storage import evidence, schema
from storage.draft import Draft
from storage.text import Row, clean, name


def opportunity_row(draft: Draft, run: str) -> Row:
    """The opportunity itself, as of its newest event."""
    o = draft.last
    closed = o.event == "closed"
    return (
        o.id,
        run,
        name(o.kind),
        name(o.symbol),
        name(o.buy.venue),
        name(o.sell.venue),
        o.opened_at,
        o.at,
        o.at if closed else None,
        o.at - o.opened_at if closed else None,
        clean(o.reason),
        draft.updates,
        o.size,
        o.gross_bps,
        o.net_bps,
        o.net_profit,
        name(o.currency),
        o.peak_net_bps,
        o.peak_net_profit,
    )


def evidence_rows(draft: Draft) -> Iterator[Row]:
    """Its whole states that are not yet written."""
    if draft.opened is not None:
        yield _state(draft.opened, schema.OPENED)
    if draft.peak is not None:
        yield _state(draft.peak, schema.PEAK)
    if draft.last is not draft.opened:
        yield _state(draft.last, schema.LAST)


def feed_event_row(number: int, event: FeedEvent, run: str) -> Row:
    """What happened to a feed; ``number`` counts within the run."""
    return (
        run,
        number,
        event.at,
        name(event.venue),
        event.connection,
        clean(event.kind),
        clean(event.market),
        clean(event.reason),
    )


def alert_row(alert: Alert, run: str) -> Row:
    """An alert as it stands, in the hands of ``run``."""
    values: dict[str, Any] = {**msgspec.structs.asdict(alert), "owner": run}
    for field, value in values.items():
        if isinstance(value, str):
            values[field] = clean(value) if field in ("text", "error") else name(value)
    return tuple(values[column.name] for column in schema.alert.columns)


def survival_row(one: Survival) -> Row:
    """What became of an opportunity, at one moment."""
    return one.id, one.delay_ms, one.net_profit, one.net_bps, clean(one.reason)


def suspect_row(suspect: Suspect, run: str) -> Row:
    """A suspect as it was told of last, by ``run``."""
    return (
        run,
        *(name(part) for part in suspect.key[:3]),
        int(suspect.structural),
        name(suspect.buy),
        name(suspect.sell),
        clean(suspect.state),
        clean(suspect.reason),
        suspect.since,
        suspect.at,
        suspect.buy_mid,
        suspect.sell_mid,
        suspect.power,
        suspect.moves,
        suspect.correlation,
        suspect.agreement,
    )


def _state(o: Opportunity, moment: int) -> Row:
    return (
        o.id,
        moment,
        o.at,
        o.size,
        o.gross_bps,
        o.net_bps,
        o.net_profit,
        *evidence.written(o),
    )
