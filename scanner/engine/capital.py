"""How much of what may be spent where: the user's capital at each venue, and a bound per trade."""

from __future__ import annotations

import math

from scanner.engine.costs import Caps
from scanner.engine.currencies import Currencies
from scanner.engine.rules import Amount, Rules
from scanner.types import Market


class Capital:
    """Amounts in other currencies than the accounting one are priced by live books; where there is
    none of that, nothing may be spent, for what it is worth is not known."""

    def __init__(self, currencies: Currencies, rules: Rules) -> None:
        self._currencies = currencies
        self._rules = rules

    def caps(self, buy: Market, sell: Market, bid: float, at: int) -> Caps:
        """The bounds of a trade that pays at ``buy`` and gives away at ``sell``, where ``bid`` is
        the best."""
        spend, spend_of = self.budget(buy.venue, buy.quote, at), name(buy.venue)
        once = self.once(buy.quote, at)
        if once < spend:
            spend, spend_of = once, "max_trade"
        return Caps(spend, spend_of, self.give(sell, bid, at), name(sell.venue))

    def give(self, market: Market, bid: float, at: int, share: int = 1) -> float:
        """How much of the base of a market may be given away there, where ``bid`` is the best. One
        sum for all currencies is shared by so many orders."""
        amount = self._rules.capital.get(market.venue)
        if amount is None:
            return math.inf
        worth = self._worth(amount, market.quote, at) / share / bid if bid > 0 else math.inf
        return min(amount.by_currency.get(market.base, math.inf), worth)

    def budget(self, venue: str, currency: str, at: int, share: int = 1) -> float:
        """How much of a currency may be spent at a venue; ``share`` as of ``give``."""
        amount = self._rules.capital.get(venue)
        return math.inf if amount is None else self._of(amount, currency, at, share)

    def once(self, currency: str, at: int) -> float:
        """How much of a currency the purchase of one trade may cost."""
        return self._of(self._rules.max_trade, currency, at)

    def known(self, buy: Market, sell: Market) -> tuple[float, float]:
        """As much of the bounds as holds whatever prices are: quote to spend at the first market,
        base to give at the second."""
        there, here = self._rules.capital.get(buy.venue), self._rules.capital.get(sell.venue)
        once = self._rules.max_trade.by_currency.get(buy.quote, math.inf)
        spend = there.by_currency.get(buy.quote, math.inf) if there else math.inf
        give = here.by_currency.get(sell.base, math.inf) if here else math.inf
        return min(spend, once), give

    def _of(self, amount: Amount, currency: str, at: int, share: int = 1) -> float:
        named = amount.by_currency.get(currency, math.inf)
        return min(named, self._worth(amount, currency, at) / share)

    def _worth(self, amount: Amount, currency: str, at: int) -> float:
        if amount.worth == math.inf:
            return math.inf
        rate = self._currencies.rate(currency, self._rules.currency, at)
        return amount.worth / rate[0] if rate else 0.0


def name(venue: str) -> str:
    """What bounds a size when the capital there does."""
    return f"capital on {venue}"
