"""A report of ``scanner.commands.check`` in words, and as JSON."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from typing import Any

import msgspec

from scanner.commands.check import Report, VenueReport
from scanner.config import Config
from scanner.logs import clean
from scanner.markets import SECOND, age_text
from scanner.redact import redacted

WIDTH = 100
TOGETHER = "\0"
HEAD = ("exchange", "feed", "depth", "markets", "connections", "lists", "stream")


def to_json(report: Report, config: Config, source: str, database: str) -> str:
    """One JSON object."""
    told: dict[str, Any] = {
        "config": source,
        "reachable": None if report.offline else report.reachable,
        "problem": report.problem,
        "symbols": report.symbols,
        "venues": [
            msgspec.to_builtins(venue) | {"reachable": None if report.offline else venue.reachable}
            for venue in report.venues
        ],
        "alerts": {
            "rules": [name for name, _ in config.alerts.enabled],
            "channels": list(config.alerts.channels),
        },
        "hedge_book": {
            "holdings": report.holdings,
            "shorts": report.shorts,
            "unscanned": report.unscanned,
        },
        "database": redacted(database),
    }
    return json.dumps(told)


def to_lines(report: Report, config: Config, source: str, database: str) -> Iterator[str]:
    """Lines for people."""
    yield f"{source} is valid."
    yield _summary(report)
    yield ""
    yield from _table([HEAD, *map(_row, report.venues)])
    yield from _reasons(report)
    yield ""
    yield from _paragraph("symbols", _symbols(report))
    yield from _paragraph("alerts", _alerts(config))
    if report.holdings or report.shorts:
        yield from _paragraph("hedge", _hedge(report))
    yield from _paragraph("database", redacted(database))


def _summary(report: Report) -> str:
    venues = len(report.venues)
    markets = sum(len(venue.symbols) for venue in report.venues)
    told = f"{len(report.symbols)} symbols in {markets} markets of {venues} exchanges"
    if report.problem:
        told = f"NOTHING would be scanned: {report.problem}"
    if report.offline:
        return f"{told}; whether they can be reached was not tried (--offline)."
    if not report.reachable:
        return f"{told}. NO EXCHANGE CAN BE REACHED."
    return f"{told}; {report.reachable} of {venues} can be reached."


def _row(venue: VenueReport) -> tuple[str, ...]:
    return (
        venue.id,
        venue.feed,
        venue.depth,
        str(len(venue.symbols)),
        str(len(venue.connections)),
        _listed(venue),
        _stream(venue),
    )


def _listed(venue: VenueReport) -> str:
    if not venue.listed:
        return "FAILED" if venue.rest_error else "none kept"
    age = "" if venue.fresh or venue.age_s is None else age_text(int(venue.age_s * SECOND))
    return f"{venue.listed}, kept {age} ago" if age else str(venue.listed)


def _stream(venue: VenueReport) -> str:
    stream = venue.stream
    if stream is None:
        return "not tried"
    if stream.connect_ms is None:
        return "FAILED"
    told = f"connected {stream.connect_ms:.0f} ms"
    if stream.data_ms is not None:
        return f"{told}, data {stream.data_ms:.0f} ms"
    return f"{told}, NO DATA" if stream.market else told


def _reasons(report: Report) -> Iterator[str]:
    for venue in report.venues:
        if venue.rest_error:
            yield f"{venue.id}: lists: {venue.rest_error}"
        if venue.stream is not None and venue.stream.error:
            yield f"{venue.id}: stream: {venue.stream.error}"


def _table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()


def _symbols(report: Report) -> str:
    on = [symbol for venue in report.venues for symbol in venue.symbols]
    return ", ".join(f"{clean(symbol)} ({on.count(symbol)})" for symbol in report.symbols)


def _hedge(report: Report) -> str:
    told = f"holdings: {report.holdings}; shorts: {report.shorts}"
    if report.unscanned:
        told += f"; NOT scanned, so that watch cannot value them: {', '.join(report.unscanned)}"
    return clean(told)


def _alerts(config: Config) -> str:
    rules = ", ".join(name for name, _ in config.alerts.enabled)
    channels = ", ".join(config.alerts.channels)
    return f"rules: {rules or 'none'}; channels: {channels or 'none'}"


def _paragraph(name: str, text: str) -> list[str]:
    """Text beside its name, wrapped; a parenthesis stays with what it belongs to."""
    head = f"{name:10}"
    lines = textwrap.wrap(
        (text or "none").replace(" (", TOGETHER + "("),
        WIDTH,
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_on_hyphens=False,
        break_long_words=False,
    )
    return [line.replace(TOGETHER, " ") for line in lines]
