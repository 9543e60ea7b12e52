"""``crossbook spreads``: what the routes of a symbol showed, flagged or not."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from msgspec import Struct

from scanner.errors import UserError
from scanner.history import plot, shapes, tables
from scanner.history.common import TABLE_ROWS, check, nothing, plot_size, print_to, reading
from scanner.history.options import Form, RouteOrder, Show, SpreadsBy
from scanner.history.table import table, terminal_width
from scanner.history.wishes import name, symbol, times
from scanner.history.writers import write
from scanner.text import printable
from storage.queries import Reader, RouteFigures

DEFAULT_SINCE = "24h"
HOUR = 3_600_000_000_000
ALL = sys.maxsize >> 1
NAMES = (
    *("symbol", "buy", "sell", "at", "minutes", "samples", "positive"),
    *("low_bps", "mean_bps", "high_bps", "last_bps"),
)
KEYS: dict[RouteOrder, Callable[[RouteFigures], float]] = {
    RouteOrder.HIGH: lambda route: route.high_bps,
    RouteOrder.MEAN: lambda route: route.mean_bps,
    RouteOrder.LOW: lambda route: route.low_bps,
    RouteOrder.LAST: lambda route: route.last_bps,
    RouteOrder.POSITIVE: lambda route: route.positive / max(1, route.samples),
}


class Routes(Struct, frozen=True, kw_only=True):
    """Which routes, as they were given; None leaves a side open."""

    symbol: str
    buy: str | None = None
    sell: str | None = None
    since: str | None = None
    until: str | None = None


class _Asked(Struct, frozen=True):
    symbol: str
    since: int
    until: int
    buy: str
    sell: str


def run_spreads(
    url: str,
    wishes: Routes,
    *,
    by: SpreadsBy,
    sort: RouteOrder | None,
    show: Show,
    now: int,
) -> int:
    """Print what the routes showed; the exit code."""
    asked = _understood(wishes, now)
    check(show)
    if by is SpreadsBy.MINUTE and sort is not None:
        raise UserError("--sort is for routes: minutes come newest first")
    if by is SpreadsBy.MINUTE and show.plot:
        raise UserError("--plot and --by minute exclude each other")
    with reading(url) as reader:
        if show.plot:
            found = _plot(reader, asked, show)
        elif by is SpreadsBy.MINUTE:
            found = _print(asked, _minutes(reader, asked, show), show, minutes=True)
        else:
            found = _print(asked, _routes(reader, asked, sort, show), show, minutes=False)
        if not found:
            nothing(reader, [asked.symbol], filter(None, (asked.buy, asked.sell)))
    return 0


def _understood(wishes: Routes, now: int) -> _Asked:
    since, until = times(wishes.since or DEFAULT_SINCE, wishes.until, now)
    assert since is not None
    return _Asked(
        symbol(wishes.symbol),
        since,
        now + HOUR if until is None else until,
        "" if wishes.buy is None else name(wishes.buy, "--buy"),
        "" if wishes.sell is None else name(wishes.sell, "--sell"),
    )


def _minutes(reader: Reader, asked: _Asked, show: Show) -> Sequence[RouteFigures]:
    most = show.limit
    if most is None:
        most = TABLE_ROWS if show.form is Form.TABLE else 0
    rows = reader.minutes(
        *(asked.symbol, asked.since, asked.until, most or ALL, asked.buy, asked.sell)
    )
    return rows[::-1] if show.reverse else rows


def _routes(
    reader: Reader, asked: _Asked, sort: RouteOrder | None, show: Show
) -> Sequence[RouteFigures]:
    found = reader.spreads(asked.symbol, asked.since, asked.until, asked.buy, asked.sell)
    rows = sorted(found, key=lambda row: (row.buy, row.sell))
    if sort is RouteOrder.NAME:
        rows = rows[::-1] if show.reverse else rows
    else:
        rows.sort(key=KEYS[sort or RouteOrder.HIGH], reverse=not show.reverse)
    return rows[: show.limit] if show.limit else rows


def _print(asked: _Asked, rows: Sequence[RouteFigures], show: Show, *, minutes: bool) -> bool:
    if show.form is not Form.TABLE:
        write(show.form, map(shapes.route, rows), NAMES, show.out)
    elif rows:
        day = tables.day([row.at for row in rows])
        when = f"; times UTC of {day}" if day else "; times UTC"
        lines = [f"{printable(asked.symbol)}: net bps at the touch{when}"]
        lines += table(tables.routes(rows, minutes=minutes), terminal_width())
        print_to(show.out, lines)
    return bool(rows)


def _plot(reader: Reader, asked: _Asked, show: Show) -> bool:
    width, height = plot_size()
    points = reader.course(*(asked.symbol, asked.since, asked.until, width, asked.buy, asked.sell))
    if points:
        sides = (f"buy {asked.buy}" * bool(asked.buy), f"sell {asked.sell}" * bool(asked.sell))
        which = ", ".join(filter(None, (*sides, "the best route")))
        title = printable(f"{asked.symbol}, {which}: highest net bps at the touch (UTC)")
        course = [(float(point.at), point.high_bps) for point in points]
        print_to(show.out, plot.chart(course, title, width, height, joined=True))
    return bool(points)
