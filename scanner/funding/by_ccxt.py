"""Settlements by ccxt's client; ``python -m scanner.funding.by_ccxt`` asks in a process of its own,
for what importing ccxt costs (``scanner.metadata.fetch``).

It reads an ``Order`` as JSON from standard input and answers with one line of ``Answer`` for each
contract, as they come.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from math import isfinite
from typing import Any

import msgspec
from msgspec import Struct

from scanner.metadata.fetch import TIMEOUT_MS, moved, only
from scanner.metadata.one_exchange import read_only_what_is_named
from scanner.types import MarketKind
from scanner.venues.funding_history import MINUTE, MOST_PAGES, Settled, at_minute

MILLISECOND = 1_000_000
REASON = 200
BETWEEN = 1.0
LIMIT = 100
"""Rows of a page: no exchange allows fewer at most."""


class Asked(Struct, frozen=True):
    """A contract by the venue's name, and from when on (ns)."""

    market: str
    since: int


class Order(Struct, frozen=True):
    """``rest``: where the venue is reached instead ("": as usual); up to ``until`` (ns)."""

    venue: str
    rest: str
    asked: list[Asked]
    until: int


class Answer(Struct, frozen=True):
    """What one contract has settled, the oldest first, or the ``error`` that came instead."""

    market: str
    settled: tuple[Settled, ...] = ()
    error: str = ""


def answers(order: Order) -> Iterator[Answer]:
    """One for each contract; never raises."""
    try:
        import ccxt

        exchange = getattr(ccxt, order.venue)({"timeout": TIMEOUT_MS})
        if order.rest:
            exchange.urls["api"] = moved(exchange.urls["api"], order.rest)
        only(exchange.options, (MarketKind.PERPETUAL,))
        tells = exchange.has.get("fetchFundingRateHistory") is True
        if tells:
            exchange.load_markets()
    except Exception as error:  # whatever goes wrong is told of each
        yield from (Answer(one.market, error=_told(error)) for one in order.asked)
        return
    for one in order.asked:
        if not tells:
            yield Answer(one.market, error="ccxt knows no history of its funding")
            continue
        try:
            yield Answer(one.market, tuple(_course(exchange, one, order.until)))
        except Exception as error:
            yield Answer(one.market, error=_told(error))


def _course(exchange: Any, one: Asked, until: int) -> list[Settled]:
    """Page by page from ``since`` on. An exchange that gives the newest first ends with those."""
    symbol = _symbol(exchange, one.market)
    found: dict[int, Settled] = {}
    since = one.since - MINUTE // 2
    for _ in range(MOST_PAGES):
        rows = exchange.fetch_funding_rate_history(symbol, since // MILLISECOND, LIMIT)
        page = {row.at: row for row in settled(rows, symbol) if one.since <= row.at <= until}
        more = len(page) >= LIMIT and bool(page.keys() - found.keys())
        found |= page
        if not more:
            break
        since = max(page) + MILLISECOND
        time.sleep(BETWEEN)
    return [found[at] for at in sorted(found)]


def _symbol(exchange: Any, market: str) -> str:
    """ccxt's own, which is not always ours. Raises ``ValueError``."""
    for listed in exchange.markets_by_id.get(market, ()):
        if listed.get("swap"):
            return str(listed["symbol"])
    raise ValueError(f"no perpetual is called {market!r:.40}")


def settled(rows: Iterable[Any], symbol: str) -> Iterator[Settled]:
    """Of ccxt's rows (https://docs.ccxt.com/#/?id=funding-rate-history-structure). Raises
    ``ValueError`` for one that makes no sense."""
    for row in rows:
        at, rate = row.get("timestamp"), row.get("fundingRate")
        sound = all(isinstance(value, int | float) and isfinite(value) for value in (at, rate))
        if row.get("symbol") != symbol or not sound or not 0 < at < 1 << 43 or abs(rate) >= 1:
            raise ValueError(f"{symbol}: a row that is no settlement: {row!r:.100}")
        yield Settled(at_minute(int(at) * MILLISECOND), float(rate))


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:REASON]


def main() -> None:
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    for answer in answers(order):
        sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    read_only_what_is_named()
    main()
