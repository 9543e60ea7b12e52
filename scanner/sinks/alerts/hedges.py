"""Rules about the hedge book: how far it is from balance, how near to liquidation, who pays. Pure.

A rule counts from the first reading that meets it. One that does not, or that is unknown, ends the
count; then it begins anew, and can be told again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from msgspec import Struct

from scanner.configuration.alerts import AlertRule, AlertSettings
from scanner.hedge_events import HedgedCoin, HedgedShort, HedgeState
from scanner.sinks.alerts.lasting import Lasting
from scanner.sinks.alerts.lost import Strayed
from scanner.sinks.alerts.rules import SECOND, Hit, of_place, one_of

# Sums of sizes are off in their last digits; a limit that is met is met.
PLACES = 9
# The coin, and of a short its venue, its symbol, and which of the coin's shorts it is.
Key: TypeAlias = tuple[str, str, str, int]


class _Rule(Struct, frozen=True):
    """``met`` gives what is to be told of a coin, each with its key and since when (0)."""

    name: str
    lasting: int
    met: Callable[[HedgedCoin], Iterator[tuple[Key, Strayed]]]


class HedgeWatcher:
    """Gives each rule's first hit of each thing that is not as it should be, and the next only
    after it was."""

    def __init__(self, settings: AlertSettings) -> None:
        self._lasting: Lasting[Key] = Lasting()
        self.change(settings)

    def change(self, settings: AlertSettings) -> None:
        """From here on these rules; what has been told stays told."""
        self._rules = [_compared(name, rule) for name, rule in settings.enabled if rule.of_hedges]

    def take(self, state: HedgeState) -> list[Hit]:
        """The hits of this reading."""
        return [hit for rule in self._rules for hit in self._hits(rule, state)]

    def _hits(self, rule: _Rule, state: HedgeState) -> Iterator[Hit]:
        met = dict(found for coin in state.coins for found in rule.met(coin))
        for key in self._lasting.counting(rule.name):
            if key not in met:
                self._lasting.end(rule.name, key)
        for key, found in met.items():
            self._lasting.begin(rule.name, key, state.at)
            since = self._lasting.ripe(rule.name, key, rule.lasting, state.at)
            if since is not None:
                yield Hit(rule.name, found.counted(since), state.at)


def _compared(name: str, rule: AlertRule) -> _Rule:
    symbols, meant = one_of(rule.symbols), of_place(rule)

    def of_coin(coin: HedgedCoin) -> Iterator[tuple[Key, Strayed]]:
        if symbols(coin.coin) and _drifts(coin, rule.drift_pct):
            yield (coin.coin, "", "", 0), Strayed(coin=coin)

    def of_shorts(coin: HedgedCoin) -> Iterator[tuple[Key, Strayed]]:
        for place, short in enumerate(coin.shorts):
            if meant(short.symbol, short.venue) and (
                _near(short, rule.margin_pct) if rule.margin_pct else _against(short)
            ):
                key = coin.coin, short.venue, short.symbol, place
                yield key, Strayed(coin=coin, short=short, margin=bool(rule.margin_pct))

    met = of_coin if rule.drift_pct else of_shorts
    return _Rule(name, int(rule.min_duration_s * SECOND), met)


def _drifts(coin: HedgedCoin, least: float) -> bool:
    """Where nothing is held, whatever is sold is out of balance."""
    if not coin.amount:
        return bool(coin.hedged)
    return coin.drift_pct is not None and round(abs(coin.drift_pct), PLACES) >= least


def _near(short: HedgedShort, most: float) -> bool:
    return short.distance_pct is not None and round(short.distance_pct, PLACES) <= most


def _against(short: HedgedShort) -> bool:
    return short.rate is not None and short.rate < 0
