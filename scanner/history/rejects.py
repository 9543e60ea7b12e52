"""``crossbook history --rejects``: what stopped the spreads that looked good, and how near they
came."""

from __future__ import annotations

from collections.abc import Sequence

from scanner.errors import UserError
from scanner.history import tables
from scanner.history.common import TABLE_ROWS, check, nothing, print_to, reading
from scanner.history.options import Form, Show
from scanner.history.shapes import Fields
from scanner.history.table import Column, table, terminal_width
from scanner.history.wishes import Wishes, filter_of
from scanner.history.writers import write
from scanner.sinks.formats import rfc3339
from scanner.text import printable
from storage.queries.readings import Rejects

DEFAULT_SINCE = "24h"
HOUR = 3_600_000_000_000
NAMES = ("symbol", "buy", "sell", "gate", "at", "minutes", "count", "best_shortfall_bps")


def run_rejects(url: str, wishes: Wishes, *, show: Show, now: int) -> int:
    """Print what each gate stopped on each route, the most often first; the exit code."""
    asked = filter_of(wishes, now)
    since = asked.since
    if since is None:
        since = filter_of(Wishes(since=DEFAULT_SINCE), now).since or 0
    check(show)
    if show.plot:
        raise UserError("--plot and --rejects exclude each other")
    figures = (asked.min_net_bps, asked.min_profit, asked.min_duration)
    if asked.kinds or any(figure is not None for figure in figures):
        raise UserError("--rejects is of routes: no --kind, no least bps, profit or duration")
    until = now + HOUR if asked.until is None else asked.until
    with reading(url) as reader:
        rows = reader.readings.rejects(
            since, until, symbols=asked.symbols, buy=asked.buy, sell=asked.sell
        )
        if asked.venues:
            rows = [row for row in rows if {row.buy, row.sell} & set(asked.venues)]
        if show.reverse:
            rows.reverse()
        if show.form is Form.TABLE:
            shown = rows[: show.limit] if show.limit else rows
            if show.limit is None:
                shown = rows[:TABLE_ROWS]
            if rows:
                print_to(show.out, [_title(rows), *table(_columns(shown), terminal_width())])
        else:
            write(show.form, map(_fields, rows[: show.limit or None]), NAMES, show.out)
        if not rows:
            nothing(reader, asked.symbols, (*asked.venues, *asked.buy, *asked.sell))
    return 0


def _title(rows: Sequence[Rejects]) -> str:
    """The whole of it in a line: which gates, how often."""
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.gate] = counts.get(row.gate, 0) + row.count
    ranked = sorted(counts.items(), key=lambda one: -one[1])
    total = sum(counts.values())
    parts = [f"{gate} {count / total:.1%}" for gate, count in ranked]
    return printable(
        f"{total:,} looks at spreads that were positive before costs: {', '.join(parts)}"
    )


def _columns(rows: Sequence[Rejects]) -> list[Column]:
    return [
        Column(title="symbol", cells=[printable(row.symbol) for row in rows], least=6),
        Column(title="buy", cells=[row.buy for row in rows], least=6),
        Column(title="sell", cells=[row.sell for row in rows], least=6),
        Column(title="stopped by", cells=[row.gate for row in rows]),
        Column(title="count", cells=[f"{row.count:,}" for row in rows], right=True),
        Column(title="minutes", cells=[f"{row.minutes:,}" for row in rows], right=True, rank=3),
        Column(
            title="missed by bps",
            cells=[_missed(row.best_shortfall_bps) for row in rows],
            right=True,
        ),
        Column(title="last", cells=tables.moments([row.at for row in rows]), rank=4),
    ]


def _missed(bps: float) -> str:
    return f"{bps:.2f}" if bps else tables.DASH


def _fields(row: Rejects) -> Fields:
    return {name: getattr(row, name) for name in NAMES} | {"at": rfc3339(row.at)}
