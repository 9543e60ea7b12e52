"""The configuration in the units of the engine."""

from __future__ import annotations

from scanner.config import Config
from scanner.engine.engine import Bounds
from scanner.engine.tracker import Thresholds

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
