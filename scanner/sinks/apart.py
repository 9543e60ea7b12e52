"""How many routes are kept apart now, for whoever looks at the health of the scan."""

from __future__ import annotations

from collections.abc import Callable

from scanner.events import Suspect
from scanner.view.frame import ServiceLine

# What stands is told of again each minute.
FRESH = 150_000_000_000
NAMED = 3


class KeptApart:
    """A sink; ``now`` tells the time in ns."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._known: dict[tuple[str, str, str, bool], Suspect] = {}

    def __call__(self, event: object) -> None:
        """Take note of a suspect; all else is left out."""
        if not isinstance(event, Suspect):
            return
        if event.state == "released":
            self._known.pop(event.key, None)
        else:
            self._known[event.key] = event

    def line(self) -> ServiceLine:
        """What is kept apart; that there is something is no trouble of the scanner's."""
        since = self._now() - FRESH
        standing = [one for one in self._known.values() if one.at >= since]
        named = [f"{one.symbol} {one.buy} → {one.sell}" for one in standing[:NAMED]]
        more = [f"{len(standing) - NAMED} more"] * (len(standing) > NAMED)
        text = f"{len(standing)} kept apart: {', '.join(named + more)}" if standing else "none"
        return ServiceLine("suspects", True, text)
