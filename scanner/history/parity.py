"""``crossbook parity``: how stablecoins stand against their pegs, now or over a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from scanner.errors import UserError
from scanner.history import plot, tables
from scanner.history.common import TABLE_ROWS, check, nothing, plot_size, print_to, reading
from scanner.history.options import Form, Show
from scanner.history.shapes import Fields
from scanner.history.table import Column, table, terminal_width
from scanner.history.wishes import Wishes, filter_of
from scanner.history.writers import write
from scanner.parity.figures import Standing
from scanner.sinks.formats import rfc3339
from scanner.text import printable
from storage.queries.readings import Parity

HOUR = 3_600_000_000_000
DAY = 24 * HOUR
MOST = 100_000
STORED = (
    *("symbol", "venue", "via", "low_bps", "mean_bps", "high_bps", "bid_bps", "ask_bps", "size"),
    *("depth_10", "depth_50", "depth_100", "minutes", "at"),
)
LIVE = (
    *("symbol", "venue", "via", "bid_bps", "ask_bps", "size", "fee_bps", "there_and_back_bps"),
    *("depth_10", "depth_50", "depth_100", "reason"),
)


def run_parity(url: str, wishes: Wishes, *, via: str | None, show: Show, now: int) -> int:
    """Print what was stored: a row for each pair and venue, or a plot; the exit code."""
    asked = filter_of(wishes, now)
    check(show)
    until = now + HOUR if asked.until is None else asked.until
    since = now - DAY if asked.since is None else asked.since
    of = {"symbols": asked.symbols, "venues": asked.venues}
    with reading(url) as reader:
        found = [
            one
            for one in reader.readings.parities(since, until, **of)
            if _wanted(one.newest.via, via)
        ]
        found.sort(key=lambda one: _order(one.newest.symbol, one.newest.via, one.newest.venue))
        rows = found[: show.limit or None]
        if show.plot:
            samples = [
                one
                for one in reader.readings.parity_samples(since, until, MOST, **of)
                if _wanted(one.via, via)
            ]
            course = [(float(one.at), one.mean_bps) for one in reversed(samples)]
            names = sorted({(s.symbol, s.via, s.venue) for s in samples})
            if len(names) > 1:
                raise UserError(
                    "--plot draws one line: name one pair and venue with --symbol, --venue and"
                    f" --via; there are {', '.join(_name(*name) for name in names[:5])}"
                )
            if course:
                title = printable(f"{_name(*names[0])}: bps from par (UTC)")
                width, height = plot_size()
                print_to(show.out, plot.chart(course, title, width, height, joined=True))
        elif show.form is not Form.TABLE:
            write(show.form, map(_stored, rows), STORED, show.out)
        elif rows:
            shown = rows[: TABLE_ROWS if show.limit is None else None]
            print_to(show.out, table(_columns(shown), terminal_width()))
        if not found:
            nothing(reader, (), ())
    return 0


def live_rows(seen: Iterable[Standing]) -> Iterator[Fields]:
    """A row for each pair and venue as it stands; None where it is not known."""
    for one in seen:
        price = one.price
        sized = price is not None and price.size > 0
        depths = price.depths if price is not None and sized else (None, None, None)
        figures = (price.bid_bps, price.ask_bps) if price is not None else (None, None)
        costs = (one.fee_bps, one.there_and_back_bps) if sized else (None, None)
        size = price.size if price is not None and sized else None
        values = (one.symbol, one.venue, one.via, *figures, size, *costs, *depths, one.reason)
        yield dict(zip(LIVE, values, strict=True))


def live_lines(seen: Sequence[Standing]) -> Iterator[str]:
    """The same as a table for people."""
    rows = list(live_rows(seen))
    yield "bps from par at the size, before fees; there and back: out and in again, fees included"
    columns = [
        *_names([(str(r["symbol"]), str(r["via"]), str(r["venue"])) for r in rows]),
        *(
            _bps(title, [r[key] for r in rows])
            for title, key in (("bid", "bid_bps"), ("ask", "ask_bps"))
        ),
        _amounts("size", [r["size"] for r in rows], 3),
        _bps("fee", [r["fee_bps"] for r in rows], sign=""),
        _bps("there and back", [r["there_and_back_bps"] for r in rows], sign=""),
        *(_amounts(f"in {n} bps", [r[f"depth_{n}"] for r in rows], 2) for n in (10, 50, 100)),
        Column(title="", cells=[printable(str(r["reason"])) for r in rows], least=10, rank=1),
    ]
    yield from table(columns, terminal_width())


def verdicts(seen: Sequence[Standing]) -> Iterator[str]:
    """For each pair whether the peg holds, by all that say so, and where it costs least to step
    over and back."""
    by_symbol: defaultdict[str, list[Standing]] = defaultdict(list)
    for one in seen:
        if one.price is not None:
            by_symbol[one.symbol].append(one)
    for symbol, ones in by_symbol.items():
        middles = sorted(one.price.bps for one in ones if one.price is not None)
        middle = (middles[len(middles) // 2] + middles[-1 - len(middles) // 2]) / 2
        line = f"{symbol}: {middle:+.1f} bps from par ({middles[0]:+.1f} to {middles[-1]:+.1f})"
        sized = [one for one in ones if one.price is not None and one.price.size]
        if sized:
            best = min(sized, key=lambda one: one.there_and_back_bps)
            through = f" through {best.via}" if best.via else ""
            line += (
                f"; over and back costs least on {best.venue}{through}:"
                f" {best.there_and_back_bps:.2f} bps"
            )
        yield printable(line)


def _columns(rows: Sequence[Parity]) -> list[Column]:
    newest = [row.newest for row in rows]
    return [
        *_names([(one.symbol, one.via, one.venue) for one in newest]),
        _bps("low", [row.low_bps for row in rows]),
        _bps("mean", [row.mean_bps for row in rows]),
        _bps("high", [row.high_bps for row in rows]),
        _bps("bid", [one.bid_bps for one in newest], rank=1),
        _bps("ask", [one.ask_bps for one in newest], rank=1),
        _amounts("size", [one.size or None for one in newest], 5),
        _amounts("in 10 bps", [one.depth_10 if one.size else None for one in newest], 2),
        _amounts("in 50 bps", [one.depth_50 if one.size else None for one in newest], 3),
        _amounts("in 100 bps", [one.depth_100 if one.size else None for one in newest], 4),
        Column(title="minutes", cells=[f"{row.minutes:,}" for row in rows], right=True, rank=6),
        Column(title="as of", cells=tables.moments([one.at for one in newest]), rank=5),
    ]


def _names(names: Sequence[tuple[str, str, str]]) -> list[Column]:
    return [
        Column(title="pair", cells=[printable(symbol) for symbol, _, _ in names], least=8),
        Column(title="venue", cells=[printable(venue) for _, _, venue in names], least=6),
        Column(title="through", cells=[printable(via) or "-" for _, via, _ in names]),
    ]


def _bps(title: str, values: Sequence[object], rank: int = 0, sign: str = "+") -> Column:
    cells = ["-" if not isinstance(v, float) else f"{v:{sign}.2f}" for v in values]
    return Column(title=title, cells=cells, right=True, rank=rank)


def _amounts(title: str, values: Sequence[object], rank: int) -> Column:
    cells = ["-" if not isinstance(v, int | float) else f"{v:,.0f}" for v in values]
    return Column(title=title, cells=cells, right=True, rank=rank)


def _wanted(via: str, asked: str | None) -> bool:
    return asked is None or via == ("" if asked == "none" else asked.upper())


def _order(symbol: str, via: str, venue: str) -> tuple[str, str, bool, str]:
    return symbol, via, venue == "median", venue


def _name(symbol: str, via: str, venue: str) -> str:
    return f"{symbol} on {venue}" + (f" through {via}" if via else "")


def _stored(row: Parity) -> Fields:
    one = row.newest
    return {
        "symbol": one.symbol,
        "venue": one.venue,
        "via": one.via,
        "low_bps": row.low_bps,
        "mean_bps": row.mean_bps,
        "high_bps": row.high_bps,
        "bid_bps": one.bid_bps,
        "ask_bps": one.ask_bps,
        "size": one.size,
        "depth_10": one.depth_10,
        "depth_50": one.depth_50,
        "depth_100": one.depth_100,
        "minutes": row.minutes,
        "at": rfc3339(one.at),
    }
