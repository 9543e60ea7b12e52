"""What the user allows and has: kinds of opportunities, capital, stated rates, trust."""

from __future__ import annotations

import math
from collections.abc import Mapping

from msgspec import Struct

SPOT_SPOT, CROSS_QUOTE = "spot-spot", "cross-quote"
KINDS = (SPOT_SPOT, CROSS_QUOTE)


class Amount(Struct, frozen=True):
    """Amounts by currency, or one worth in the accounting currency; what is not named is not
    bounded."""

    by_currency: Mapping[str, float] = {}
    worth: float = math.inf


class Rules(Struct, frozen=True, kw_only=True):
    """``kinds`` that are looked for. ``currency``: what profits are also told in. ``assumed``: what
    one of the first currency is worth in the second, as the user states. ``capital`` by venue;
    ``max_trade``: the most that the buy leg of one trade may cost. ``unverified``: whether books
    that nothing proves take part."""

    kinds: frozenset[str] = frozenset(KINDS)
    currency: str = ""
    assumed: Mapping[tuple[str, str], float] = {}
    capital: Mapping[str, Amount] = {}
    max_trade: Amount = Amount()
    unverified: bool = True
