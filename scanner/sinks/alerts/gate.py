"""How often one rule may speak through one channel: cooldown and digest. Pure: time is given."""

from __future__ import annotations

from msgspec import Struct

from scanner.configuration.alerts import AlertRule
from scanner.events import Opportunity
from scanner.sinks.alerts.lost import Depeg, Strayed
from scanner.sinks.alerts.rules import SECOND, Hit

KEPT = 10_000
SHOWN = 10


class Pass(Struct, frozen=True):
    """To be told on its own, now."""


class Gathered(Struct, frozen=True):
    """To be told in the digest ``name``."""

    name: str


class Refused(Struct, frozen=True):
    """Not to be told."""

    reason: str


Verdict = Pass | Gathered | Refused


class Bundle(Struct, frozen=True):
    """The digest ``name``: ``count`` gathered in a window of ``seconds``, and the best of them."""

    name: str
    seconds: float
    count: int
    best: tuple[Opportunity | Depeg | Strayed, ...]


class Gate:
    """Cooldowns and the window of one rule on one channel."""

    def __init__(self, rule: AlertRule) -> None:
        self._per = rule.cooldown_per
        self._cooldown = int(rule.cooldown_s * SECOND)
        self._after = rule.digest.after
        self._seconds = rule.digest.window_s
        self._told_at: dict[str, int] = {}
        self._ends = 0
        self._passed = 0
        self._name = ""
        self._gathered: list[Opportunity | Depeg | Strayed] = []
        self._count = 0

    @property
    def due(self) -> int | None:
        """When there is a digest to be told; None while nothing is gathered."""
        return self._ends if self._gathered else None

    def decide(self, hit: Hit, name: str, at: int) -> Verdict:
        """What becomes of the hit. ``name``: for the digest, should one begin with it."""
        key = same(self._per, hit.found.symbol, hit.found.buy.venue, hit.found.sell.venue)
        left = self._told_at.get(key, at - self._cooldown) + self._cooldown - at
        if left > 0:
            return Refused(f"cooldown: {left / SECOND:.0f} s left for the same {self._per}")
        self.told(key, at)
        if not self._gathered and at >= self._ends:
            self._ends = at + int(self._seconds * SECOND)
            self._passed = 0
        if self._passed < self._after and not self._gathered:
            self._passed += 1
            return Pass()
        if not self._gathered:
            self._name, self._count = name, 0
        self._count += 1
        self._gathered.append(hit.found)
        if len(self._gathered) > KEPT:
            self._gathered = self._best()
        return Gathered(self._name)

    def told(self, key: str, at: int) -> None:
        """The cooldown of ``key`` (see ``same``) began at ``at``."""
        self._told_at[key] = max(at, self._told_at.get(key, at))
        if len(self._told_at) > KEPT:
            ended = at - self._cooldown
            self._told_at = {key: then for key, then in self._told_at.items() if then > ended}

    def bundle(self, at: int) -> Bundle | None:
        """The digest whose window has ended by now, once."""
        if not self._gathered or at < self._ends:
            return None
        bundle = Bundle(self._name, self._seconds, self._count, tuple(self._best()))
        self._gathered = []
        return bundle

    def _best(self) -> list[Opportunity | Depeg | Strayed]:
        return sorted(self._gathered, key=lambda found: -found.net_bps)[:SHOWN]


def same(per: str, symbol: str, buy: str, sell: str) -> str:
    """What a cooldown counts as the same: the symbol, the route, or everything of the rule."""
    if per == "rule":
        return ""
    return symbol if per == "symbol" else f"{symbol} {buy} {sell}"
