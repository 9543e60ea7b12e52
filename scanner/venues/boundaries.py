"""When funding is paid next, where the stream does not say: asked for market by market, over REST.

An answer is true until the boundary that it names has passed; then, and now and then before, it is
asked for again. Until it has come nothing is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import Struct

from scanner.steps import Fetch
from scanner.venues.parts import SECOND, Fetches

SETTLING = 2 * SECOND
EVERY = 3600 * SECOND
UNCHANGED = 15 * SECOND
PREFIX = "funding:"


class Boundary(Struct, frozen=True):
    """The next payment, ns (0: not known), and ns from one to the next (0: not known)."""

    at: int = 0
    interval: int = 0


UNKNOWN = Boundary()


class Boundaries:
    """The boundaries of the contracts of one connection; ``url`` says where that of one is. Each is
    asked for again after ``every`` ns at the latest."""

    def __init__(self, url: Callable[[str], str], every: int = EVERY) -> None:
        self._url = url
        self._every = every
        self._wanted = Fetches()
        self._known: dict[str, Boundary] = {}
        self._due: dict[str, int] = {}

    def start(self, markets: Iterable[str], at: int) -> None:
        """Ask for all of these from now on."""
        self._due = dict.fromkeys(markets, at)

    def of(self, market: str, at: int) -> Boundary:
        """What is known at the time ``at``: a boundary that has passed is none."""
        known = self._known.get(market, UNKNOWN)
        return known if known.at > at or not known.at else Boundary(0, known.interval)

    def due(self, at: int) -> list[Fetch]:
        """The requests that are to be made now."""
        asked = [market for market, when in self._due.items() if when <= at]
        new = [market for market in asked if self._wanted.start(market, at)]
        for market in asked:
            del self._due[market]
        return [self._request(market) for market in [*new, *self._wanted.due(at)]]

    def found(self, market: str, boundary: Boundary, at: int) -> None:
        """An answer has come."""
        self._wanted.done(market)
        self._known[market] = boundary
        # Around a boundary the venue may still name the one that has passed.
        latest = at + self._every
        after = max(boundary.at + SETTLING, at + UNCHANGED) if boundary.at else latest
        self._due[market] = min(after, latest)

    def failed(self, market: str, at: int) -> None:
        """No answer came, or one of no use."""
        self._wanted.failed(market, at)

    def _request(self, market: str) -> Fetch:
        return Fetch(f"{PREFIX}{market}", self._url(market))
