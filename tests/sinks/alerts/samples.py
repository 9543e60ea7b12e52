"""Opportunities, rules and settings for the tests of alerts."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from scanner.configuration.alerts import AlertSettings
from scanner.configuration.model import Model
from scanner.events import Leg, Opportunity

START = 1_700_000_000_000_000_000
SECOND = 1_000_000_000


def leg(venue: str, *levels: tuple[float, float], symbol: str = "BTC/USDT") -> Leg:
    return Leg(venue=venue, symbol=symbol, levels=levels, fee_rate=0.0005, age_ms=12.5)


FOUND = Opportunity(
    event="opened",
    id="01934b0e-0000-7000-8000-000000000001",
    kind="spot-spot",
    symbol="BTC/USDT",
    at=START,
    buy=leg("kucoin", (100_000.0, 0.6), (100_001.0, 3.0)),
    sell=leg("okx", (100_200.0, 0.4), (100_199.0, 2.0)),
    size=1.0,
    gross_bps=20.0,
    net_bps=9.75,
    net_profit=99.9,
    currency="USDT",
    opened_at=START,
    peak_net_bps=11.0,
    peak_net_profit=120.0,
)


def found(number: int = 1, symbol: str = "BTC/USDT", **changes: Any) -> Opportunity:
    """Another opportunity."""
    return replace(FOUND, id=f"id-{number}", symbol=symbol, **changes)


def settings(**values: Any) -> AlertSettings:
    """Settings as the configuration would give them."""

    class Whole(Model):
        alerts: AlertSettings

    return Whole.model_validate({"alerts": values}).alerts


def one_rule(**values: Any) -> AlertSettings:
    """Settings with the rule ``r`` for the terminal only, unless it says otherwise."""
    return settings(rules={"r": {"to": ("terminal",), **values}})
