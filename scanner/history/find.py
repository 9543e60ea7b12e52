"""``crossbook history``: opportunities, or figures of their groups."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from scanner.errors import UserError
from scanner.events import DELAYS_MS
from scanner.history import after, plot, shapes, tables
from scanner.history.common import (
    TABLE_ROWS,
    check,
    no_parity,
    nothing,
    plot_size,
    print_to,
    reading,
)
from scanner.history.options import Form, GroupBy, Order, Show
from scanner.history.table import table, terminal_width
from scanner.history.wishes import Wishes, filter_of
from scanner.history.writers import write
from scanner.text import printable
from storage.histogram import PRECISION
from storage.queries import By, Filter, Group, Reader, Sort, Stored

PLOT_POINTS = 2_000
AT_ONCE = 2_000
CAPTION = {
    Sort.OPENED: "by time",
    Sort.DURATION: "by duration",
    Sort.NET_BPS: "by net bps",
    Sort.PROFIT: "by profit",
}
LISTED = {Order(sort.value): sort for sort in Sort}
SINGLE = ("net_profit", "net_bps", "reason")
GROUPED = ("followed", "known", "hits", "hit_rate", "total_profit")
# Where least figures are asked for, what became of opportunities is looked up one by one.
MOST_SINGLY = 20_000
OPPORTUNITY_NAMES = (
    *("event", "id", "kind", "symbol", "at", "opened_at", "closed_at", "duration_ms"),
    *("buy_venue", "buy_symbol", "buy_levels", "buy_fee_rate", "buy_age_ms"),
    *("sell_venue", "sell_symbol", "sell_levels", "sell_fee_rate", "sell_age_ms"),
    *("size", "gross_bps", "net_bps", "net_profit", "currency"),
    *("peak_net_bps", "peak_net_profit", "reason"),
    *(f"survival_{delay}_{name}" for delay in DELAYS_MS for name in SINGLE),
)
GROUP_NAMES = (
    *("currency", "count", "total_profit", "median_profit", "median_duration_ms"),
    *("p90_duration_ms", "best_profit", "best_net_bps", "best_id", "exact"),
    *(f"survival_{delay}_{name}" for delay in DELAYS_MS for name in GROUPED),
)
LABELS = {By.ROUTE: ("buy", "sell")}
GROUP_KEYS: dict[Order, Callable[[Group], Any]] = {
    Order.COUNT: lambda group: group.figures.count,
    Order.TOTAL: lambda group: group.figures.total_profit,
    Order.PROFIT: lambda group: group.figures.best_profit,
    Order.NET_BPS: lambda group: group.figures.best_bps,
    Order.DURATION: lambda group: group.figures.median_duration,
}


def run_history(
    url: str, wishes: Wishes, *, by: GroupBy | None, sort: Order | None, show: Show, now: int
) -> int:
    """Print the opportunities, or their groups; the exit code."""
    asked = filter_of(wishes, now)
    check(show)
    if by is None and sort not in (None, *LISTED):
        raise UserError(f"--sort {sort} is for groups: name one with --by")
    if by is not None and sort is Order.OPENED:
        raise UserError("--sort opened is for opportunities, not for groups")
    with reading(url) as reader:
        if by is None:
            found = _list(reader, asked, LISTED[sort or Order.OPENED], show)
        else:
            found = _groups(reader, asked, By(by.value), sort, show)
        if not found:
            nothing(reader, asked.symbols, (*asked.venues, *asked.buy, *asked.sell))
            if "parity" in asked.kinds:
                no_parity()
    return 0


def _list(reader: Reader, asked: Filter, sort: Sort, show: Show) -> bool:
    if show.plot:
        rows = reader.opportunities(asked, sort, show.limit or PLOT_POINTS, ascending=show.reverse)
        if rows:
            points = [(float(row.opened_at), row.peak_net_bps) for row in rows]
            title = f"peak net bps of {len(rows):,} opportunities over their opening (UTC)"
            print_to(show.out, plot.chart(points, title, *plot_size(), joined=False))
        return bool(rows)
    every = _found(reader, asked, sort, show)
    if show.form is Form.TABLE:
        rows = list(every)
        if rows:
            day = tables.day([row.opened_at for row in rows])
            when = " ".join(filter(None, ("times UTC", day and f"of {day}")))
            lines = [f"{CAPTION[sort]}; {when}; bps and profit net, at the peak"]
            lines += table(tables.opportunities(rows), terminal_width())
            print_to(show.out, lines)
        return bool(rows)
    counted = _Counted(every)
    write(show.form, map(shapes.opportunity, counted), OPPORTUNITY_NAMES, show.out)
    return counted.count > 0


def _found(reader: Reader, asked: Filter, sort: Sort, show: Show) -> Iterable[Stored]:
    """Few in one look, many page by page."""
    limit = show.limit
    if limit is None:
        limit = TABLE_ROWS if show.form is Form.TABLE else 0
    if 0 < limit <= AT_ONCE:
        return reader.opportunities(asked, sort, limit, ascending=show.reverse)
    every = reader.every(asked, sort, ascending=show.reverse)
    return islice(every, limit) if limit else every


def _groups(reader: Reader, asked: Filter, by: By, sort: Order | None, show: Show) -> bool:
    rows = ordered(reader.groups(asked, by), by, sort, show.reverse)
    told = not asked.thresholds or sum(row.figures.count for row in rows) <= MOST_SINGLY
    found = reader.latencies(asked, by) if told and not show.plot else {}
    rows = rows[: show.limit] if show.limit else rows
    if show.plot:
        if rows:
            print_to(show.out, plot.bars(_bars(rows, by, sort), terminal_width()))
    elif show.form is Form.TABLE:
        if rows:
            lines = [*table(tables.groups(rows, by), terminal_width())]
            if not all(row.exact for row in rows):
                lines.append(f"~ within {100 * PRECISION:g} %")
            below = [*after.group_lines(rows, by, found, terminal_width())]
            if not told:
                below = [f"what became of them is told of {MOST_SINGLY:,} that meet such bounds"]
            print_to(show.out, [*lines, *([""] if below else []), *below])
    else:
        names = (*LABELS.get(by, (by.value,)), *GROUP_NAMES)
        shaped = (
            shapes.group(row, found.get(after.key(row), ()) if told else None) for row in rows
        )
        write(show.form, shaped, names, show.out)
    return bool(rows)


def ordered(rows: Iterable[Group], by: By, sort: Order | None, reverse: bool) -> list[Group]:
    """Hours and days in their own order, others by their count, unless ``sort`` says otherwise."""
    by_name = sorted(rows, key=lambda group: (*group.names.values(), group.currency))
    if sort is None:
        sort = Order.NAME if by in (By.HOUR, By.WEEKDAY) else Order.COUNT
    if sort is Order.NAME:
        return by_name[::-1] if reverse else by_name
    return sorted(by_name, key=GROUP_KEYS[sort], reverse=not reverse)


def _bars(rows: Sequence[Group], by: By, sort: Order | None) -> list[tuple[str, float, str]]:
    """A bar shows what is sorted by; the count, if that is the name."""
    key = GROUP_KEYS.get(sort or Order.COUNT, GROUP_KEYS[Order.COUNT])
    labels = zip(*(cells for _, cells in tables.names(rows, by)), strict=True)
    return [
        (
            printable(" > ".join(label)),
            float(key(row)),
            printable(
                f"{row.figures.count:,}  {tables.profit(row.figures.total_profit)} {row.currency}"
            ),
        )
        for label, row in zip(labels, rows, strict=True)
    ]


class _Counted:
    """Passes rows on and counts them."""

    def __init__(self, rows: Iterable[Stored]) -> None:
        self._rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[Stored]:
        for row in self._rows:
            self.count += 1
            yield row
