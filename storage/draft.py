"""What is still to be written of one opportunity, however many events it has had."""

from __future__ import annotations

from scanner.events import Opportunity

SAMPLE_INTERVAL = 1_000_000_000


class Track:
    """An open opportunity's past, as far as its next event depends on it."""

    __slots__ = ("best_bps", "best_profit", "sampled_at", "updates")

    def __init__(self) -> None:
        self.updates = 0
        self.best_bps = float("-inf")
        self.best_profit = float("-inf")
        self.sampled_at = -SAMPLE_INTERVAL

    def peaks(self, event: Opportunity) -> tuple[bool, bool]:
        """Is this state the highest so far in net_bps; in either net_bps or profit?"""
        bps, profit = event.net_bps > self.best_bps, event.net_profit > self.best_profit
        self.best_bps = max(self.best_bps, event.net_bps)
        self.best_profit = max(self.best_profit, event.net_profit)
        return bps, bps or profit

    def sampled(self, event: Opportunity, peak: bool) -> bool:
        """Is this state to be kept as a sample: a second has passed, or it is a peak?"""
        if not peak and event.at - self.sampled_at < SAMPLE_INTERVAL:
            return False
        self.sampled_at = event.at
        return True


class Draft:
    """The rows that one opportunity needs next: its own, and its states (see ``schema.evidence``).

    ``opened`` and ``peak`` are None when they are already written, or there is none.
    """

    __slots__ = ("last", "opened", "peak", "updates")

    def __init__(
        self,
        last: Opportunity,
        updates: int,
        opened: Opportunity | None = None,
        peak: Opportunity | None = None,
    ) -> None:
        self.last = last
        self.updates = updates
        self.opened = opened
        self.peak = peak

    @property
    def rows(self) -> int:
        """How many rows it will be."""
        states = (self.opened is not None) + (self.peak is not None)
        return 1 + states + (self.last is not self.opened)

    def then(self, later: Draft) -> Draft:
        """This one and what came after it, as one."""
        return Draft(
            later.last, later.updates, self.opened or later.opened, later.peak or self.peak
        )
