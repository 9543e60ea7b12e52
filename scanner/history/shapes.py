"""Rows as mappings: what the JSON, CSV and parquet outputs name and hold."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from scanner.events import Leg
from scanner.history import after
from scanner.history.tables import DAYS
from scanner.sinks import formats
from scanner.sinks.formats import rfc3339
from storage.queries import Group, Latency, RouteFigures, Stored

MILLISECOND = 1e6
Fields = dict[str, Any]


def opportunity(one: Stored) -> Fields:
    """The names of the JSON lines, and what is known now of its whole life."""
    fields: Fields = {
        "event": one.event,
        "id": one.id,
        "kind": one.kind,
        "symbol": one.symbol,
        "at": rfc3339(one.at),
        "buy": leg(one.buy, one.buy_venue, one.symbol),
        "sell": leg(one.sell, one.sell_venue, one.symbol),
        "size": one.size,
        "gross_bps": one.gross_bps,
        "net_bps": one.net_bps,
        "net_profit": one.net_profit,
        "currency": one.currency,
        **formats.basis(one.basis),
    }
    if one.closed_at is not None:
        fields["reason"] = one.reason
    return fields | {
        "opened_at": rfc3339(one.opened_at),
        "closed_at": None if one.closed_at is None else rfc3339(one.closed_at),
        "duration_ms": None if one.duration is None else one.duration / MILLISECOND,
        "peak_net_bps": one.peak_net_bps,
        "peak_net_profit": one.peak_net_profit,
        "survival": after.fields(one.survival),
    }


def leg(it: Leg | None, venue: str, symbol: str) -> Fields:
    """A leg as in the JSON lines; without its levels where they could not be kept."""
    if it is None:
        empty: Fields = {"levels": [], "fee_rate": None, "age_ms": None}
        return {"venue": venue, "symbol": symbol, **empty}
    return formats.leg(it)


def group(one: Group, latencies: Sequence[Latency] | None) -> Fields:
    """A group and its figures; what is not exact is within 1 %. ``latencies``: what became of it
    (None: it is not told)."""
    figures = one.figures
    names: Fields = dict(one.names)
    if "weekday" in names:
        names["weekday"] = DAYS[names["weekday"]]
    return names | {
        "currency": one.currency,
        "count": figures.count,
        "total_profit": figures.total_profit,
        "median_profit": figures.median_profit,
        "median_duration_ms": _milliseconds(figures.median_duration),
        "p90_duration_ms": _milliseconds(figures.p90_duration),
        "best_profit": figures.best_profit,
        "best_net_bps": figures.best_bps,
        "best_id": one.best_id or None,
        "exact": one.exact,
        "survival": None if latencies is None else after.group_fields(latencies),
    }


def route(one: RouteFigures) -> Fields:
    """What a route showed."""
    return {
        "symbol": one.symbol,
        "buy": one.buy,
        "sell": one.sell,
        "at": rfc3339(one.at),
        "minutes": one.minutes,
        "samples": one.samples,
        "positive": one.positive,
        "low_bps": one.low_bps,
        "mean_bps": one.mean_bps,
        "high_bps": one.high_bps,
        "last_bps": one.last_bps,
    }


def flat(fields: Mapping[str, Any]) -> Fields:
    """The same without mappings in it, for formats that have only columns."""
    result: Fields = {}
    for name, value in fields.items():
        if isinstance(value, Mapping):
            result |= {f"{name}_{inner}": of for inner, of in flat(value).items()}
        else:
            result[name] = value
    return result


def text(value: Any) -> Any:
    """A value as CSV holds it."""
    if isinstance(value, list):
        return json.dumps(value, separators=(",", ":"))
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, float) else value


def _milliseconds(duration: float) -> float | None:
    return None if math.isnan(duration) else duration / MILLISECOND
