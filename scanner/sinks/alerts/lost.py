"""A peg that is lost, in the place of an opportunity."""

from __future__ import annotations

from msgspec import Struct

from scanner.events import Peg


class Somewhere(Struct, frozen=True):
    """Where it is, as an opportunity's leg says it."""

    venue: str


class Depeg(Struct, frozen=True, kw_only=True):
    """A peg that has been lost ``since`` (ns), as an alert tells of it."""

    peg: Peg
    since: int

    @property
    def id(self) -> str:
        """None: it is no opportunity."""
        return ""

    @property
    def symbol(self) -> str:
        """Which pair."""
        return self.peg.symbol

    @property
    def buy(self) -> Somewhere:
        """Where."""
        return Somewhere(self.peg.venue)

    @property
    def sell(self) -> Somewhere:
        """The same."""
        return Somewhere(self.peg.venue)

    @property
    def net_bps(self) -> float:
        """How far: what the worst of a digest is chosen by."""
        return abs(self.peg.bps)
