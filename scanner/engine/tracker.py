"""The life of an opportunity: opened, updated, closed, with hysteresis, peak and duration.

It opens when the thresholds are met and stays open while net stays above ``close_ratio`` of them
(and positive). Every state it passes on is complete: the levels, the sizes, what is left.
"""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from scanner.engine.gates import Gate, Rejection
from scanner.events import Opportunity, aged


class Left(Protocol):
    """What a trade leaves, in bps and in quote."""

    @property
    def net_bps(self) -> float: ...
    @property
    def net_profit(self) -> float: ...


class Thresholds(Struct, frozen=True, kw_only=True):
    """When to flag: ``min_net_bps`` and ``min_profit`` (quote); ``close_ratio`` (0..1) of both
    keeps it open; ``update_interval`` ns at least between two updates of one opportunity."""

    min_net_bps: float = 5.0
    min_profit: float = 0.0
    close_ratio: float = 0.5
    update_interval: int = 250_000_000

    def short(self, result: Left, *, open_: bool) -> Rejection | None:
        """What is missing for it to open, or, if it is ``open_``, to stay so; None: nothing."""
        part = self.close_ratio if open_ else 1.0
        if result.net_bps < self.min_net_bps * part:
            return Rejection(Gate.THRESHOLD, self.min_net_bps * part - result.net_bps)
        least = self.min_profit * part
        if result.net_profit < least:
            return Rejection(Gate.PROFIT, (1 - result.net_profit / least) * 1e4)
        return None


class Life:
    """One open opportunity. ``last`` is its newest state, told or not."""

    __slots__ = ("_told", "last")

    def __init__(self, opened: Opportunity) -> None:
        self.last = self._told = opened

    def update(self, state: Opportunity, interval: int) -> Opportunity | None:
        """Take over a new state; it is to be told if it differs from what was told last and enough
        time has passed since."""
        self.last = replace(
            state,
            event="updated",
            id=self.last.id,
            opened_at=self.last.opened_at,
            peak_net_bps=max(self.last.peak_net_bps, state.net_bps),
            peak_net_profit=max(self.last.peak_net_profit, state.net_profit),
        )
        same = (self._told.size, self._told.net_profit) == (state.size, state.net_profit)
        if same or state.at - self._told.at < interval:
            return None
        self._told = self.last
        return self.last

    def close(self, reason: str, at: int) -> Opportunity:
        """The end, with the last state in which it was true; ages are as of the end."""
        return replace(aged(self.last, at), event="closed", reason=reason)
