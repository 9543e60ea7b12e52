"""``crossbook venues --suspects``: what is kept apart, since when, and what it is told by."""

from __future__ import annotations

import json as encoder
import logging
from collections.abc import Iterator, Sequence
from typing import Any

from scanner.events import Suspect
from scanner.history.common import print_to, reading
from scanner.history.table import Column, table, terminal_width
from scanner.history.tables import lasted, moments
from scanner.history.wishes import times
from scanner.sinks.formats import rfc3339

DEFAULT_SINCE = "24h"
# What stands is told of again each minute: silent for longer, nobody looks at it any more.
FRESH = 150_000_000_000
ENOUGH_MOVES = 30

log = logging.getLogger(__name__)


def run_suspects(url: str, since: str | None, *, json: bool, now: int) -> int:
    """Print all that was kept apart since then, what still is first; the exit code."""
    begin, _ = times(since or DEFAULT_SINCE, None, now)
    with reading(url) as reader:
        found = reader.suspects(begin or 0)
    found.sort(key=lambda one: (status(one, now) != "barred", one.symbol, one.buy, one.sell))
    if json:
        print_to(None, (encoder.dumps(fields(one, now), allow_nan=False) for one in found))
    elif found:
        print_to(None, lines(found, now, terminal_width()))
    if not found:
        log.warning("nothing was kept apart since %s", rfc3339(begin or 0)[:19])
    return 0


def status(one: Suspect, now: int) -> str:
    """``barred``, ``released``, or ``unknown``: it was barred, and nobody has looked since."""
    if one.state == "released":
        return "released"
    return "barred" if now - one.at <= FRESH else "unknown"


def lines(found: Sequence[Suspect], now: int, width: int) -> Iterator[str]:
    """They as a table for people."""
    yield "routes that nothing is flagged on: prices that are not believed, premiums that stay"
    yield from table(
        [
            Column(title="symbol", cells=[one.symbol for one in found], least=6),
            Column(title="buy", cells=[one.buy for one in found], least=6),
            Column(title="at", cells=[f"{one.buy_mid:.8g}" for one in found], right=True, rank=5),
            Column(title="sell", cells=[one.sell for one in found], least=6),
            Column(title="at", cells=[f"{one.sell_mid:.8g}" for one in found], right=True, rank=5),
            Column(title="apart", cells=[_apart(one) for one in found], right=True),
            Column(title="for", cells=[_stood(one, now) for one in found], right=True),
            Column(title="together", cells=[_together(one) for one in found], rank=6),
            Column(title="because", cells=[one.reason for one in found], least=12),
            Column(title="now", cells=[status(one, now) for one in found]),
            Column(title="seen", cells=moments([one.at for one in found]), rank=7),
        ],
        width,
    )


def fields(one: Suspect, now: int) -> dict[str, Any]:
    """One as a JSON object."""
    return {
        "symbol": one.symbol,
        "buy": one.buy,
        "sell": one.sell,
        "status": status(one, now),
        "structural": one.structural,
        "reason": one.reason,
        "since": rfc3339(one.since),
        "seen_at": rfc3339(one.at),
        "buy_mid": one.buy_mid,
        "sell_mid": one.sell_mid,
        "ratio": one.ratio,
        "power_of_ten": one.power,
        "moves": one.moves,
        "correlation": one.correlation if one.moves else None,
        "same_direction": one.agreement if one.moves else None,
    }


def _stood(one: Suspect, now: int) -> str:
    """How long so far, or until it was heard of last."""
    return lasted((now if status(one, now) == "barred" else one.at) - one.since)


def _apart(one: Suspect) -> str:
    """As a part of the cheaper, or how many times as much."""
    return f"{one.ratio - 1:+.2%}" if one.ratio < 2 else f"x {one.ratio:.4g}"


def _together(one: Suspect) -> str:
    """Whether both prices move along."""
    if one.structural:
        return "-"
    if one.moves < ENOUGH_MOVES:
        return f"{one.moves} of {ENOUGH_MOVES} moves seen"
    return f"{one.correlation:+.2f} over {one.moves}, {one.agreement:.0%} the same way"
