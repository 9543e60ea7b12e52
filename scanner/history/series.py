"""What was read of contracts, by time: ``history --kind basis`` and ``--kind funding``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from scanner.errors import UserError
from scanner.events import FundingSample
from scanner.history import plot, tables
from scanner.history.common import TABLE_ROWS, check, nothing, plot_size, print_to, reading
from scanner.history.options import Form, Show
from scanner.history.shapes import Fields
from scanner.history.table import Column, table, terminal_width
from scanner.history.wishes import Wishes, filter_of
from scanner.history.writers import write
from scanner.sinks.formats import rfc3339
from scanner.text import printable

HOUR = 3_600_000_000_000
YEAR = 8760 * HOUR
BPS = 1e4
MOST = 100_000
NAMES = (
    *("symbol", "venue", "market", "at", "mark", "index", "basis_bps"),
    *("current", "predicted", "next_at", "interval_h", "apr"),
)


class _Kind(Struct, frozen=True):
    """What a sample says of it (None: nothing), and what the line of a plot is."""

    value: Callable[[FundingSample], float | None]
    title: str


def basis_bps(sample: FundingSample) -> float | None:
    """``1e4 (mark / index - 1)``: what the contract stands over the coins of its venue's index."""
    if sample.mark is None or not sample.index:
        return None
    return (sample.mark / sample.index - 1) * BPS


def rate_pct(sample: FundingSample) -> float | None:
    """What is paid next, per cent."""
    return None if sample.current is None else sample.current * 100


KINDS = {
    "basis": _Kind(basis_bps, "bps of the mark over the index"),
    "funding": _Kind(rate_pct, "% at the next payment"),
}


def kind_of(kinds: Sequence[str]) -> str:
    """Which of these is asked for; empty if it is opportunities. Raises ``UserError``."""
    asked = [kind for kind in kinds if kind in KINDS]
    if asked and len(set(kinds)) > 1:
        raise UserError(f"--kind {asked[0]} is read of contracts: it goes with no other --kind")
    return asked[0] if asked else ""


def run_series(url: str, kind: str, wishes: Wishes, *, show: Show, now: int) -> int:
    """Print the samples of the contracts, newest first; the exit code."""
    asked = filter_of(wishes, now)
    check(show)
    if asked.buy or asked.sell or asked.thresholds or wishes.side is not None:
        raise UserError(f"--kind {kind} takes --symbol, --venue, --since and --until only")
    since = 0 if asked.since is None else asked.since
    until = now + HOUR if asked.until is None else asked.until
    limit = show.limit
    if limit is None:
        limit = TABLE_ROWS if show.form is Form.TABLE and not show.plot else 0
    said = KINDS[kind].value
    with reading(url) as reader:
        samples = reader.readings.funding_samples(
            since, until, MOST, symbols=asked.symbols, venues=asked.venues
        )
        found = [one for one in samples if said(one) is not None][: limit or None]
        if show.reverse:
            found.reverse()
        if show.plot:
            _plot(kind, found, show)
        elif show.form is not Form.TABLE:
            write(show.form, map(_fields, found), NAMES, show.out)
        elif found:
            print_to(show.out, table(_columns(kind, found), terminal_width()))
        if not found:
            nothing(reader, (), ())
    return 0


def _plot(kind: str, found: Sequence[FundingSample], show: Show) -> None:
    names = sorted({(one.symbol, one.venue) for one in found})
    if len(names) > 1:
        some = ", ".join(f"{symbol} on {venue}" for symbol, venue in names[:5])
        raise UserError(
            "--plot draws one line: name one contract and venue with --symbol and --venue; there"
            f" are {printable(some)}"
        )
    if names:
        ((symbol, venue),) = names
        title = printable(f"{symbol} on {venue}: {KINDS[kind].title} (UTC)")
        said = KINDS[kind].value
        course = sorted((float(one.at), said(one) or 0.0) for one in found)
        print_to(show.out, plot.chart(course, title, *plot_size(), joined=True))


def _columns(kind: str, rows: Sequence[FundingSample]) -> list[Column]:
    def right(title: str, cells: list[str], rank: int = 0) -> Column:
        return Column(title=title, cells=cells, right=True, rank=rank)

    columns = [
        Column(title="at (UTC)", cells=tables.moments([one.at for one in rows])),
        Column(title="symbol", cells=[printable(one.symbol) for one in rows], least=8),
        Column(title="venue", cells=[printable(one.venue) for one in rows], least=6),
    ]
    if kind == "basis":
        return [
            *columns,
            right("basis bps", [_signed(basis_bps(one), 2) for one in rows]),
            right("mark", [f"{one.mark:,.8g}" for one in rows], 1),
            right("index", [f"{one.index:,.8g}" for one in rows], 1),
        ]
    return [
        *columns,
        right("now %", [_signed(rate_pct(one), 4) for one in rows]),
        right("then %", [_signed(_percent(one.predicted), 4) for one in rows], 2),
        right("a year %", [_signed(_percent(_apr(one)), 2) for one in rows]),
        right("every", [f"{one.interval / HOUR:g} h" if one.interval else "-" for one in rows], 1),
    ]


def _fields(one: FundingSample) -> Fields:
    return {
        "symbol": one.symbol,
        "venue": one.venue,
        "market": one.market,
        "at": rfc3339(one.at),
        "mark": one.mark,
        "index": one.index,
        "basis_bps": basis_bps(one),
        "current": one.current,
        "predicted": one.predicted,
        "next_at": rfc3339(one.due) if one.due else None,
        "interval_h": one.interval / HOUR if one.interval else None,
        "apr": _apr(one),
    }


def _apr(one: FundingSample) -> float | None:
    if one.current is None or not one.interval:
        return None
    return one.current * YEAR / one.interval


def _percent(part: float | None) -> float | None:
    return None if part is None else part * 100


def _signed(value: float | None, places: int) -> str:
    return "-" if value is None else f"{value:+.{places}f}"
