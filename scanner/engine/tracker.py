"""The life of an opportunity: opened, updated, closed, with hysteresis, peak and duration.

It opens when the thresholds are met and stays open while net stays above ``close_ratio`` of them
(and positive). Every state it passes on is complete: the levels, the sizes, what is left.
"""

from __future__ import annotations

from collections.abc import Callable
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


class Trade(Left, Protocol):
    """What a trade leaves, and its size (base)."""

    @property
    def size(self) -> float: ...


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
    """One open opportunity. A state that is not told is not written down either, unless somebody
    asks for it: it may come a thousand times a second."""

    __slots__ = ("_last", "_peak", "_told", "_write")

    def __init__(self, opened: Opportunity) -> None:
        self._last = self._told = opened
        self._peak = opened.peak_net_bps, opened.peak_net_profit
        self._write: Callable[[], Opportunity] | None = None

    @property
    def last(self) -> Opportunity:
        """Its newest state, told or not."""
        if self._write is not None:
            bps, profit = self._peak
            self._last = replace(
                self._write(),
                event="updated",
                id=self._last.id,
                opened_at=self._last.opened_at,
                peak_net_bps=bps,
                peak_net_profit=profit,
            )
            self._write = None
        return self._last

    def update(self, state: Opportunity, interval: int) -> Opportunity | None:
        """As ``see``, with a state that is written down already."""
        return self.see(state, state.at, lambda: state, interval)

    def see(
        self, left: Trade, at: int, write: Callable[[], Opportunity], interval: int
    ) -> Opportunity | None:
        """Take over a new state, which ``write`` can write down at any time; it is to be told if it
        differs from what was told last and enough time has passed since."""
        bps, profit = self._peak
        self._peak = max(bps, left.net_bps), max(profit, left.net_profit)
        self._write = write
        told = self._told
        if (told.size, told.net_profit) == (left.size, left.net_profit) or at - told.at < interval:
            return None
        self._told = self.last
        return self._told

    def close(self, reason: str, at: int) -> Opportunity:
        """The end, with the last state in which it was true; ages are as of the end."""
        return replace(aged(self.last, at), event="closed", reason=reason)
