"""The configuration in the units of the engine."""

from __future__ import annotations

import math

from scanner.config import Config
from scanner.configuration.transfers import TransferSettings
from scanner.engine.bounds import Bounds, Probing
from scanner.engine.rules import HOUR, Amount, Holding, Moving, Pegging, Rules
from scanner.engine.tracker import Thresholds
from scanner.engine.ways import Paces
from scanner.metadata.networks import shipped, usual_name

MILLISECOND = 1_000_000


def thresholds(config: Config) -> Thresholds:
    """What is worth an event."""
    asked = config.thresholds
    return Thresholds(
        min_net_bps=asked.min_net_bps,
        min_profit=asked.min_profit,
        close_ratio=asked.close_ratio,
        update_interval=config.limits.update_interval_ms * MILLISECOND,
    )


def bounds(config: Config) -> Bounds:
    """How fresh books must be."""
    limits = config.limits
    return Bounds(
        max_age=limits.max_age_ms * MILLISECOND, max_skew=limits.max_skew_ms * MILLISECOND
    )


def probing(config: Config, processes: int) -> Probing:
    """How one of so many ``processes``, which share what goes to a venue, asks for quiet books."""
    limits = config.limits
    rate = limits.quiet_requests_per_s / processes
    return Probing(quiet=limits.quiet_after_ms * MILLISECOND, rate=rate)


def rules(config: Config) -> Rules:
    """What the user allows and has."""
    assumed = {}
    for symbol, rate in config.conversions.items():
        base, _, quote = symbol.partition("/")
        assumed[base, quote], assumed[quote, base] = rate, 1 / rate
    return Rules(
        kinds=frozenset(config.kinds),
        currency=config.currency,
        assumed=assumed,
        capital={name: _amount(venue.capital) for name, venue in config.enabled.items()},
        max_trade=_amount(config.max_trade),
        unverified=config.limits.unverified,
        holding=Holding(
            horizon=int(config.carry.horizon_hours * HOUR),
            leverage=config.carry.leverage,
            maintenance=config.carry.maintenance,
            min_net_apr=config.carry.min_net_apr,
            reverts=config.carry.basis_reverts,
        ),
        suspect_bps=config.limits.suspect_bps or math.inf,
        structural=int(config.limits.structural_h * HOUR),
        moving=_moving(config.transfer),
        loop_length=config.loop_length,
        pegs=Pegging(
            stablecoins=config.stablecoins,
            size=config.parity.size,
            min_net_bps=config.parity.min_net_bps,
            furthest_bps=config.parity.furthest_bps,
        ),
    )


def _moving(asked: TransferSettings) -> Moving:
    known = shipped()
    return Moving(
        withdrawn=asked.mode == "transfer",
        z=asked.z,
        trades=asked.trades_per_rebalance,
        paces=Paces(
            processing=asked.processing_minutes,
            stated={usual_name(name): minutes for name, minutes in asked.minutes.items()},
            typical={name: pace.minutes for name, pace in known.items() if pace.minutes},
            block_s={name: pace.block_s for name, pace in known.items() if pace.block_s},
        ),
    )


def _amount(stated: float | dict[str, float] | None) -> Amount:
    if stated is None:
        return Amount()
    return Amount(stated) if isinstance(stated, dict) else Amount(worth=stated)
