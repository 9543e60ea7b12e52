"""A peg that is lost, or a hedge that is not as it should be, in the place of an opportunity."""

from __future__ import annotations

import math

from msgspec import Struct
from msgspec.structs import replace

from scanner.events import Peg
from scanner.hedge_events import HedgedCoin, HedgedShort


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


class Strayed(Struct, frozen=True, kw_only=True):
    """A coin whose hedge has drifted, or, with ``short``, a short that is near its liquidation
    (``margin``) or that pays the funding, ``since`` (ns), as an alert tells of it."""

    coin: HedgedCoin
    short: HedgedShort | None = None
    margin: bool = False
    since: int = 0

    def counted(self, since: int) -> Strayed:
        """It has been so since then."""
        return replace(self, since=since)

    @property
    def id(self) -> str:
        """None: it is no opportunity."""
        return ""

    @property
    def symbol(self) -> str:
        """Which coin, or which contract."""
        return self.coin.coin if self.short is None else self.short.symbol

    @property
    def buy(self) -> Somewhere:
        """Where; a coin is everywhere."""
        return Somewhere("" if self.short is None else self.short.venue)

    @property
    def sell(self) -> Somewhere:
        """The same."""
        return self.buy

    @property
    def net_bps(self) -> float:
        """How bad: what the worst of a digest is chosen by."""
        short = self.short
        if short is None:
            drift = self.coin.drift_pct
            return math.inf if drift is None else abs(drift) * 100
        if self.margin:
            return -100 * (short.distance_pct or 0.0)
        return -1e4 * (short.rate or 0.0)
