"""Events as the engine makes them, and readings of the tables."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace
from sqlalchemy import create_engine, text

from scanner.events import (
    FeedEvent,
    FundingSample,
    Leg,
    Opportunity,
    ParitySample,
    RejectMinute,
    RouteMinute,
    Survival,
    Suspect,
)
from storage.location import located

SECOND = 1_000_000_000
START = 1_790_000_000_000_000_000
ID = "01a0c2de-1800-7000-8000-0000000000{:02x}"


def opened(number: int = 1, at: int = START, net_bps: float = 10.0) -> Opportunity:
    """The opening of opportunity ``number``."""
    return Opportunity(
        event="opened",
        id=ID.format(number),
        kind="spot-spot",
        symbol="BTC/USDT",
        at=at,
        buy=leg("alpha", 100.1),
        sell=leg("beta", 100.4),
        size=0.1 + 0.2,
        gross_bps=net_bps + 20.0,
        net_bps=net_bps,
        net_profit=net_bps / 100,
        currency="USDT",
        opened_at=at,
        peak_net_bps=net_bps,
        peak_net_profit=net_bps / 100,
    )


def updated(last: Opportunity, at: int, net_bps: float) -> Opportunity:
    """The same one later on."""
    return replace(
        last,
        event="updated",
        at=at,
        net_bps=net_bps,
        gross_bps=net_bps + 20.0,
        net_profit=net_bps / 100,
        peak_net_bps=max(last.peak_net_bps, net_bps),
        peak_net_profit=max(last.peak_net_profit, net_bps / 100),
    )


def closed(last: Opportunity, at: int, reason: str = "no net edge left") -> Opportunity:
    """Its end."""
    return replace(last, event="closed", at=at, reason=reason)


def leg(venue: str, price: float) -> Leg:
    return Leg(
        venue=venue,
        symbol="BTC/USDT",
        levels=((price, 0.25), (price + 0.1, 3.0)),
        fee_rate=0.001,
        age_ms=12.34567,
    )


def minute(at: int = START, symbol: str = "BTC/USDT", buy: str = "alpha") -> RouteMinute:
    return RouteMinute(
        at=at,
        symbol=symbol,
        buy=buy,
        sell="beta",
        samples=7,
        positive=2,
        low_bps=-3.25,
        high_bps=1.5,
        mean_bps=-0.1,
        last_bps=0.3,
    )


def reject(at: int = START, gate: str = "fees", buy: str = "alpha") -> RejectMinute:
    return RejectMinute(
        at=at,
        symbol="BTC/USDT",
        buy=buy,
        sell="beta",
        gate=gate,
        count=5,
        best_shortfall_bps=2.5,
    )


def funding(at: int = START, venue: str = "alpha", **figures: Any) -> FundingSample:
    """What a contract's funding stands at, an hour before its next boundary."""
    known: dict[str, Any] = {
        "current": 0.0001,
        "predicted": -0.00025,
        "due": START + 3600 * SECOND,
        "interval": 8 * 3600 * SECOND,
        "mark": 100.25,
        "index": 100.2,
        "open_interest": 1234.5,
    }
    return FundingSample(
        at=at, venue=venue, market="BTCUSDT", symbol="BTC/USDT:USDT", **(known | figures)
    )


def parity(at: int = START, via: str = "", **figures: float) -> ParitySample:
    """USDC a little below USDT."""
    known: dict[str, Any] = {
        "samples": 60,
        "low_bps": -4.5,
        "high_bps": -0.5,
        "mean_bps": -2.0,
        "bid_bps": -3.0,
        "ask_bps": -1.0,
        "size": 10_000.0,
        "depth_10": 1e6,
        "depth_50": 2e6,
        "depth_100": 3e6,
    }
    return ParitySample(at=at, venue="alpha", symbol="USDC/USDT", via=via, **(known | figures))


def survival(
    of: Opportunity, delay_ms: int = 50, net_profit: float | None = 1.5, reason: str = ""
) -> Survival:
    """What became of an opportunity."""
    return Survival(
        id=of.id,
        symbol=of.symbol,
        delay_ms=delay_ms,
        at=of.opened_at + delay_ms * 1_000_000,
        net_profit=net_profit,
        net_bps=None if net_profit is None else net_profit * 10,
        reason=reason,
    )


def suspect(at: int = START, *, structural: bool = False, **more: Any) -> Suspect:
    """Two books that are kept apart."""
    known: dict[str, Any] = {
        "symbol": "CAT/USDT",
        "buy": "beta",
        "sell": "alpha",
        "ratio": 2.0,
        "buy_mid": 1.5,
        "sell_mid": 3.0,
        "power": 0,
        "moves": 31,
        "correlation": 0.05,
        "agreement": 0.5,
        "reason": "structural premium" if structural else "another coin",
        "since": START - 60 * SECOND,
        "state": "barred",
    }
    return Suspect(at=at, structural=structural, **(known | more))


def feed_event(at: int = START, reason: str = "closed by the venue") -> FeedEvent:
    return FeedEvent(at=at, venue="alpha", connection=2, kind="lost", market="", reason=reason)


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    """What a query answers on a connection of its own."""
    engine = create_engine(located(url))
    try:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]
    finally:
        engine.dispose()


def count(url: str, table: str) -> int:
    return int(rows(url, f"SELECT count(*) FROM {table}")[0][0])


def until(condition: Callable[[], object], seconds: float = 5.0) -> None:
    """Wait for a thread to have done something."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.005)
