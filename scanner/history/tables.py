"""Rows as tables for people: opportunities, groups, routes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from scanner.history.table import Column
from scanner.sinks.formats import rfc3339
from storage.queries import By, Group, RouteFigures, Stored

DATE, YEAR = len("2026-01-01"), len("2026-")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SHORT_ID = 18  # the millisecond, and the number within it
DASH = "-"


def opportunities(rows: Sequence[Stored]) -> list[Column]:
    """Times are UTC, bps and profits those of the peaks."""
    return [
        Column(title="opened", cells=moments([row.opened_at for row in rows])),
        Column(title="lasted", cells=[_lasted(r) for r in rows], right=True, rank=2),
        Column(title="symbol", cells=[r.symbol for r in rows], least=6),
        Column(title="buy", cells=[r.buy_venue for r in rows], least=6),
        Column(title="sell", cells=[r.sell_venue for r in rows], least=6),
        Column(title="bps", cells=[f"{r.peak_net_bps:+.2f}" for r in rows], right=True),
        Column(title="profit", cells=[profit(r.peak_net_profit) for r in rows], right=True),
        Column(title="", cells=[r.currency for r in rows], rank=6),
        Column(title="size", cells=[f"{r.size:.6g}" for r in rows], right=True, rank=8),
        Column(title="id", cells=short_ids([r.id for r in rows])),
        Column(title="kind", cells=[r.kind for r in rows], rank=9),
        Column(title="ended", cells=[r.reason for r in rows], least=12, rank=7),
    ]


def groups(rows: Sequence[Group], by: By) -> list[Column]:
    """Medians that are not exact have a mark."""
    figures = [row.figures for row in rows]
    mark = ["" if row.exact else "~" for row in rows]
    medians = [f"{m}{profit(f.median_profit)}" for m, f in zip(mark, figures, strict=True)]
    halves = [_about(m, f.median_duration) for m, f in zip(mark, figures, strict=True)]
    most = [_about(m, f.p90_duration) for m, f in zip(mark, figures, strict=True)]
    best_ids = short_ids([row.best_id for row in rows])
    return [
        *(Column(title=title, cells=cells, least=6) for title, cells in names(rows, by)),
        Column(title="count", cells=[f"{f.count:,}" for f in figures], right=True),
        Column(title="total", cells=[profit(f.total_profit) for f in figures], right=True),
        Column(title="median", cells=medians, right=True),
        Column(title="best", cells=[profit(f.best_profit) for f in figures], right=True),
        Column(title="", cells=[row.currency for row in rows]),
        Column(title="lasted", cells=halves, right=True),
        Column(title="90 %", cells=most, right=True),
        Column(title="best bps", cells=[f"{f.best_bps:+.2f}" for f in figures], right=True, rank=2),
        Column(title="best's id", cells=best_ids, rank=3),
    ]


def names(rows: Sequence[Group], by: By) -> list[tuple[str, list[str]]]:
    """The columns that say which group it is."""
    if by is By.HOUR:
        return [("hour", [f"{row.names['hour']:02}" for row in rows])]
    if by is By.WEEKDAY:
        return [("weekday", [DAYS[int(row.names["weekday"])] for row in rows])]
    titles = list(rows[0].names) if rows else []
    return [(title, [str(row.names[title]) for row in rows]) for title in titles]


def routes(rows: Sequence[RouteFigures], *, minutes: bool) -> list[Column]:
    """Net edges at the touch, bps."""
    shares = [f"{100 * r.positive / r.samples:.1f} %" if r.samples else DASH for r in rows]
    at = moments([row.at for row in rows])
    return [
        *([Column(title="taken", cells=at)] if minutes else []),
        Column(title="buy", cells=[row.buy for row in rows], least=6),
        Column(title="sell", cells=[row.sell for row in rows], least=6),
        Column(title="high", cells=[f"{row.high_bps:+.2f}" for row in rows], right=True),
        Column(title="mean", cells=[f"{row.mean_bps:+.2f}" for row in rows], right=True),
        Column(title="low", cells=[f"{row.low_bps:+.2f}" for row in rows], right=True),
        Column(title="last", cells=[f"{row.last_bps:+.2f}" for row in rows], right=True),
        Column(title="above 0", cells=shares, right=True, rank=2),
        Column(title="samples", cells=[f"{row.samples:,}" for row in rows], right=True, rank=3),
        *([] if minutes else [Column(title="last taken", cells=at, rank=4)]),
    ]


def short_ids(ids: Sequence[str]) -> list[str]:
    """As much of each id as tells it from the others in the table; enough for ``explain``."""
    length = SHORT_ID
    for one, other in pairwise(sorted(set(filter(None, ids)))):
        same = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), 0)
        length = max(length, same + 1)
    return [one[:length].rstrip("-") for one in ids]


def moments(times: Sequence[int]) -> list[str]:
    """Times to the second, with as much of the date as tells them apart."""
    texts = [rfc3339(at)[:19].replace("T", " ") for at in times]
    for length in (DATE, YEAR):
        if len({text[:length] for text in texts}) <= 1:
            return [text[length:].strip() for text in texts]
    return texts


def day(times: Sequence[int]) -> str:
    """The date of them all, if that is the same."""
    dates = {rfc3339(at)[:DATE] for at in times}
    return dates.pop() if len(dates) == 1 else ""


def lasted(duration: float | None) -> str:
    """How long, in three or four digits."""
    if duration is None or math.isnan(duration):
        return DASH
    seconds = duration / 1e9
    for limit, unit, form in (
        (1, 1e-3, "ms"),
        (100, 1, "s"),
        (6000, 60, "min"),
        (360_000, 3600, "h"),
    ):
        if seconds < limit:
            return f"{seconds / unit:.{0 if form == 'ms' else 1}f} {form}"
    return f"{seconds / 86_400:.1f} d"


def profit(value: float) -> str:
    """Money, to what still matters."""
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}"
    if size >= 0.1 or not size:
        return f"{value:.2f}"
    return f"{value:.3g}"


def _lasted(row: Stored) -> str:
    return "open" if row.closed_at is None else lasted(row.duration)


def _about(mark: str, duration: float) -> str:
    told = lasted(duration)
    return told if told == DASH else mark + told
