"""Which rules an opportunity meets, and when it has met them for the first time. Pure.

This runs in the scanner's own thread for every event, so the patterns are looked up once for each
route and remembered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from fnmatch import translate

from msgspec import Struct

from scanner.configuration.alerts import AlertRule, AlertSettings
from scanner.events import Leg, Opportunity, aged
from scanner.sinks.alerts.lost import Depeg, Strayed

SECOND = 1_000_000_000
REMEMBERED_ROUTES = 100_000
_NONE: frozenset[str] = frozenset()


class Rule(Struct, frozen=True, kw_only=True):
    """The part of a rule that is compared for each event; ``min_duration`` is in ns."""

    name: str
    min_net_bps: float
    min_profit: float
    min_size: float
    min_notional: float
    min_duration: int

    def met(self, found: Opportunity, notional: float) -> bool:
        """Whether the figures suffice, however long it has been open."""
        return (
            found.net_bps >= self.min_net_bps
            and found.net_profit >= self.min_profit
            and found.size >= self.min_size
            and notional >= self.min_notional
        )


class Hit(Struct, frozen=True):
    """``rule`` has something to tell: the opportunity, the lost peg, or the hedge that has
    strayed, as of ``at``."""

    rule: str
    found: Opportunity | Depeg | Strayed
    at: int


class Rules:
    """All rules in force."""

    def __init__(self, settings: AlertSettings) -> None:
        self._rules = [
            (_route_test(rule), _compared(name, rule))
            for name, rule in settings.enabled
            if rule.of_opportunities
        ]
        self._routes: dict[tuple[str, ...], tuple[Rule, ...]] = {}
        self._of_notional = any(rule.min_notional for _, rule in self._rules)

    def met(self, found: Opportunity) -> Iterator[Rule]:
        """The rules that were met if it had only been open for long enough."""
        rules = self.of(found)
        notional = bought_for(found) if rules and self._of_notional else 0.0
        return (rule for rule in rules if rule.met(found, notional))

    def of(self, found: Opportunity) -> tuple[Rule, ...]:
        """Those whose patterns fit what was found."""
        route = (found.symbol, found.buy.venue, found.sell.venue, found.kind, *_others(found))
        rules = self._routes.get(route)
        if rules is None:
            if len(self._routes) >= REMEMBERED_ROUTES:
                self._routes.clear()
            rules = tuple(rule for fits, rule in self._rules if fits(*route))
            self._routes[route] = rules
        return rules


class Watcher:
    """Gives each rule's first hit of each opportunity, and never another.

    What meets a rule but has not been open for long enough waits here until ``due``.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._told: dict[str, frozenset[str]] = {}
        self._waiting: dict[str, tuple[Opportunity, list[Rule]]] = {}

    def change(self, rules: Rules) -> None:
        """From here on these rules; what is open and has been told stays told."""
        self._rules = rules
        self._waiting.clear()

    def take(self, found: Opportunity) -> list[Hit]:
        """The hits of this event."""
        if found.event == "closed":
            self._told.pop(found.id, None)
            self._waiting.pop(found.id, None)
            return []
        told = self._told.get(found.id, _NONE)
        met = [rule for rule in self._rules.met(found) if rule.name not in told]
        return self._ripe(found, met, found.at)

    def due(self, at: int) -> list[Hit]:
        """The hits of those that have been open for long enough by now."""
        hits: list[Hit] = []
        for found, rules in list(self._waiting.values()):
            if any(at - found.opened_at >= rule.min_duration for rule in rules):
                hits += self._ripe(aged(found, at), rules, at)
        return hits

    def _ripe(self, found: Opportunity, met: list[Rule], at: int) -> list[Hit]:
        """The hits among the rules that are met; the others wait."""
        open_for = at - found.opened_at
        unripe = [rule for rule in met if rule.min_duration > open_for]
        if unripe:
            self._waiting[found.id] = (found, unripe)
        elif self._waiting:
            self._waiting.pop(found.id, None)
        if len(unripe) == len(met):
            return []
        names = [rule.name for rule in met if rule.min_duration <= open_for]
        self._told[found.id] = self._told.get(found.id, _NONE).union(names)
        return [Hit(name, found, at) for name in names]


def of_place(rule: AlertRule) -> Callable[[str, str], bool]:
    """Whether a rule is about this symbol on this venue, which is bought at and sold at."""
    symbols, venues = one_of(rule.symbols), one_of(rule.venues)
    buys, sells = one_of(rule.buy), one_of(rule.sell)
    return lambda symbol, at: symbols(symbol) and venues(at) and buys(at) and sells(at)


def one_of(patterns: Iterable[str]) -> Callable[[str], bool]:
    """A test for text: a pattern fits, and none with a leading ``!`` does."""
    wanted = [_compiled(text) for text in patterns if not text.startswith("!")]
    unwanted = [_compiled(text[1:]) for text in patterns if text.startswith("!")]

    def fits(text: str) -> bool:
        if any(pattern.fullmatch(text) for pattern in unwanted):
            return False
        return not wanted or any(pattern.fullmatch(text) for pattern in wanted)

    return fits


def cost(leg: Leg, size: float) -> float:
    """What ``size`` costs or brings at the levels of ``leg``, without fees."""
    total, left = 0.0, size
    for price, available in leg.levels:
        taken = min(left, available)
        total += price * taken
        left -= taken
        if left <= 0:
            break
    return total


def _compared(name: str, rule: AlertRule) -> Rule:
    return Rule(
        name=name,
        min_net_bps=rule.min_net_bps,
        min_profit=rule.min_profit,
        min_size=rule.min_size,
        min_notional=rule.min_notional,
        min_duration=int(rule.min_duration_s * SECOND),
    )


def bought_for(found: Opportunity) -> float:
    """What is bought is worth, without fees; of a loop, what is put in."""
    if not found.legs:
        return cost(found.buy, found.size)
    if any(leg.symbol != found.symbol for leg in found.legs):
        return found.size
    return sum(cost(leg, leg.size) for leg in found.legs if leg.side == "buy")


def _others(found: Opportunity) -> tuple[str, ...]:
    """The venues of further orders."""
    return tuple(sorted({leg.venue for leg in found.legs}))


def _route_test(rule: AlertRule) -> Callable[..., bool]:
    symbols, venues = one_of(rule.symbols), one_of(rule.venues)
    buys, sells, kinds = one_of(rule.buy), one_of(rule.sell), one_of(rule.kinds)

    def fits(symbol: str, buy: str, sell: str, kind: str, *others: str) -> bool:
        return (
            symbols(symbol)
            and all(map(venues, others))
            and venues(buy)
            and venues(sell)
            and buys(buy)
            and sells(sell)
            and kinds(kind)
        )

    return fits


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern), re.IGNORECASE)
