"""``crossbook funding``: where the funding of every contract stands, and what it came to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from msgspec import Struct

from scanner.history import tables
from scanner.history.common import TABLE_ROWS, check, nothing, print_to, reading
from scanner.history.options import Form, Show
from scanner.history.shapes import Fields
from scanner.history.table import Column, table, terminal_width
from scanner.history.wishes import Wishes, filter_of
from scanner.history.writers import write
from scanner.sinks.formats import rfc3339
from scanner.text import printable
from storage.queries.readings import Funding, Mean, Means

HOUR = 3_600_000_000_000
DAY = 24 * HOUR
YEAR = 8760 * HOUR
NAMES = (
    *("symbol", "venue", "market", "current", "predicted", "mean_24h", "mean_7d", "apr"),
    *("next_at", "interval_h", "payments_24h", "payments_7d", "paid_since", "paid_7d"),
    *("lowest_7d", "at"),
)


class Row(Struct, frozen=True):
    """A contract: how it stands, what was settled in seven days, and the means of what was settled
    (None: nothing is known of it)."""

    funding: Funding
    of_day: Mean | None
    of_week: Mean | None

    @property
    def day(self) -> float | None:
        """The mean of 24 h for one of its intervals now."""
        return self._mean(self.of_day)

    @property
    def week(self) -> float | None:
        """That of seven days."""
        return self._mean(self.of_week)

    def _mean(self, of: Mean | None) -> float | None:
        interval = self.funding.newest.interval
        return of.rate * interval if of is not None and interval else None

    @property
    def apr(self) -> float | None:
        """``rate x 8760 h / interval``; None where the venue does not say its interval."""
        newest = self.funding.newest
        if newest.current is None or not newest.interval:
            return None
        return newest.current * YEAR / newest.interval


def run_funding(url: str, wishes: Wishes, *, show: Show, now: int) -> int:
    """Print a row for each contract, what pays a short most first; the exit code."""
    asked = filter_of(wishes, now)
    check(show)
    until = now + HOUR
    with reading(url) as reader:
        of = {"symbols": asked.symbols, "venues": asked.venues}
        found = reader.readings.funding(now - 7 * DAY + 1, until, **of)
        days = reader.readings.mean_rates(now - DAY + 1, until, **of)
        weeks = reader.readings.mean_rates(now - 7 * DAY + 1, until, **of)
        rows = [_row(one, days, weeks) for one in found]
        rows.sort(key=_by_apr, reverse=not show.reverse)
        if show.form is not Form.TABLE:
            write(show.form, map(_fields, rows[: show.limit or None]), NAMES, show.out)
        elif rows:
            shown = rows[: TABLE_ROWS if show.limit is None else show.limit or None]
            print_to(show.out, table(_columns(shown, now), terminal_width()))
        if not rows:
            nothing(reader, (), ())
    return 0


def _row(one: Funding, days: Means, weeks: Means) -> Row:
    newest = one.newest
    key = newest.venue, newest.market, newest.symbol
    return Row(one, days.get(key), weeks.get(key))


def _by_apr(row: Row) -> tuple[bool, float]:
    return row.apr is not None, row.apr or 0.0


def _columns(rows: Sequence[Row], now: int) -> list[Column]:
    newest = [row.funding.newest for row in rows]

    def rates(title: str, values: Sequence[float | None], rank: int = 0) -> Column:
        cells = ["-" if value is None else f"{value * 100:+.4f}" for value in values]
        return Column(title=title, cells=cells, right=True, rank=rank)

    aprs = ["-" if row.apr is None else f"{row.apr * 100:+.2f}" for row in rows]
    hours = [f"{one.interval / HOUR:g} h" if one.interval else "-" for one in newest]
    return [
        Column(title="symbol", cells=[printable(one.symbol) for one in newest], least=8),
        Column(title="venue", cells=[printable(one.venue) for one in newest], least=6),
        rates("now %", [one.current for one in newest]),
        rates("then %", [one.predicted for one in newest], 3),
        rates("24 h %", [row.day for row in rows], 1),
        rates("7 d %", [row.week for row in rows], 2),
        Column(title="by payments", cells=[_based(row.funding) for row in rows], rank=6),
        Column(title="a year %", cells=aprs, right=True),
        Column(title="every", cells=hours, right=True),
        Column(title="next", cells=[_next(one.due, now) for one in newest], right=True),
        rates("lowest paid %", [row.funding.lowest for row in rows], 5),
        Column(title="as of", cells=tables.moments([one.at for one in newest]), rank=4),
    ]


def _based(one: Funding) -> str:
    """How many payments of seven days are known, and since when."""
    if not one.payments:
        return "-"
    return f"{one.payments} since {rfc3339(one.since)[5:16].replace('T', ' ')}"


def _next(due: int, now: int) -> str:
    """In how long; what has passed since it was said is told as passed."""
    if not due:
        return "-"
    return "passed" if due <= now else str(timedelta(seconds=(due - now) // 1_000_000_000))


def _fields(row: Row) -> Fields:
    one = row.funding
    newest = one.newest
    return {
        "symbol": newest.symbol,
        "venue": newest.venue,
        "market": newest.market,
        "current": newest.current,
        "predicted": newest.predicted,
        "mean_24h": row.day,
        "mean_7d": row.week,
        "apr": row.apr,
        "next_at": rfc3339(newest.due) if newest.due else None,
        "interval_h": newest.interval / HOUR if newest.interval else None,
        "payments_24h": row.of_day.payments if row.of_day else 0,
        "payments_7d": one.payments,
        "paid_since": rfc3339(one.since) if one.since else None,
        "paid_7d": one.paid,
        "lowest_7d": one.lowest,
        "at": rfc3339(newest.at),
    }
