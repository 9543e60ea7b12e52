"""Rules about pegs: which coin has been how far from its peg for how long. Pure: time is given.

A rule with ``depeg_bps`` counts from the first reading that is so far away, on one venue, directly
or through a coin. One that is nearer, or a venue that does not say any more, ends the count; then
it begins anew, and can be told again.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from scanner.configuration.alerts import AlertRule, AlertSettings
from scanner.events import Peg
from scanner.sinks.alerts.lasting import Lasting
from scanner.sinks.alerts.lost import Depeg
from scanner.sinks.alerts.rules import SECOND, Hit, of_place

# A peg that is not told again for so long is unknown: whoever told it is gone.
UNHEARD = 15 * SECOND


class _Rule(Struct, frozen=True):
    name: str
    least: float
    lasting: int
    fits: Callable[[Peg], bool]


class PegWatcher:
    """Gives each rule's first hit of each lost peg, and the next only after it was back."""

    def __init__(self, settings: AlertSettings) -> None:
        self._heard: dict[tuple[str, str, str], Peg] = {}
        self._lasting: Lasting[tuple[str, str, str]] = Lasting()
        self.change(settings)

    def change(self, settings: AlertSettings) -> None:
        """From here on these rules; what has been told stays told."""
        self._rules = [_compared(name, rule) for name, rule in settings.enabled if rule.depeg_bps]

    def take(self, peg: Peg) -> list[Hit]:
        """The hits of this reading."""
        key = (peg.venue, peg.symbol, peg.via)
        self._heard[key] = peg
        hits = []
        for rule in self._rules:
            if peg.reason or abs(peg.bps) < rule.least or not rule.fits(peg):
                self._lasting.end(rule.name, key)
            else:
                self._lasting.begin(rule.name, key, peg.at)
                hits += self._ripe(rule, key, peg.at)
        return hits

    def due(self, at: int) -> list[Hit]:
        """The hits of those that have lasted for long enough by now."""
        hits = []
        for rule in self._rules:
            for key in self._lasting.counting(rule.name):
                if at - self._heard[key].at > UNHEARD:
                    self._lasting.end(rule.name, key)
                else:
                    hits += self._ripe(rule, key, at)
        return hits

    def _ripe(self, rule: _Rule, key: tuple[str, str, str], at: int) -> list[Hit]:
        since = self._lasting.ripe(rule.name, key, rule.lasting, at)
        if since is None:
            return []
        return [Hit(rule.name, Depeg(peg=self._heard[key], since=since), at)]


def _compared(name: str, rule: AlertRule) -> _Rule:
    meant = of_place(rule)

    def fits(peg: Peg) -> bool:
        return meant(peg.symbol, peg.venue)

    return _Rule(name, rule.depeg_bps, int(rule.min_duration_s * SECOND), fits)
