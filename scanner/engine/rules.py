"""What the user allows and has: kinds of opportunities, capital, stated rates, trust."""

from __future__ import annotations

import math
from collections.abc import Mapping

from msgspec import Struct

from scanner.engine.ways import Paces

SPOT_SPOT, CROSS_QUOTE = "spot-spot", "cross-quote"
MULTI, LOOP = "multi", "loop"
SPOT_PERP, PERP_PERP, SPOT_FUTURE = "spot-perp", "perp-perp", "spot-future"
PARITY = "parity"
CARRIES = (SPOT_PERP, PERP_PERP, SPOT_FUTURE)
KINDS = (SPOT_SPOT, CROSS_QUOTE, MULTI, LOOP, *CARRIES, PARITY)
HOUR = 3_600_000_000_000


class Amount(Struct, frozen=True):
    """Amounts by currency, or one worth in the accounting currency; what is not named is not
    bounded."""

    by_currency: Mapping[str, float] = {}
    worth: float = math.inf


class Holding(Struct, frozen=True, kw_only=True):
    """How a carry is held: for ``horizon`` (ns; a dated contract until it expires), its contracts
    at ``leverage`` with the ``maintenance`` margin (a fraction). ``min_net_apr`` (a fraction a year
    of the capital) is the least that is worth an event. ``reverts``: the basis of a perpetual is
    expected to be gone by then; else a gain from it is never counted on, and a loss is."""

    horizon: int = 168 * HOUR
    leverage: float = 1.0
    maintenance: float = 0.005
    min_net_apr: float = 0.05
    reverts: bool = False


class Moving(Struct, frozen=True, kw_only=True):
    """How coins come from one venue to the other, as in ``scanner.moving``. ``withdrawn``: they are
    moved after each purchase, which is a cost in net; else they are there beforehand, and
    ``trades`` of them are made before anything is moved. ``z``: deviations that are told as the
    price's risk."""

    withdrawn: bool = False
    z: float = 1.645
    trades: int = 10
    paces: Paces = Paces()


class Pegging(Struct, frozen=True, kw_only=True):
    """``stablecoins``: what each is pegged to. ``size``: of how much of that money parity is told.
    ``min_net_bps``: what a purchase below par must leave; ``furthest_bps`` from par a coin is
    taken for another, or for one whose peg is gone."""

    stablecoins: Mapping[str, str] = {}
    size: float = 10_000.0
    min_net_bps: float = 10.0
    furthest_bps: float = 2_000.0


class Rules(Struct, frozen=True, kw_only=True):
    """``kinds`` that are looked for. ``currency``: what profits are also told in. ``assumed``: what
    one of the first currency is worth in the second, as the user states. ``capital`` by venue;
    ``max_trade``: the most that the buy leg of one trade may cost. ``unverified``: whether books
    that nothing proves take part. ``holding``: how carries are held. ``suspect_bps``: how far
    apart two books of one coin may be; ``structural``: how long a route may be worth it without an
    end, ns (0: for ever). ``moving``: how coins come from one venue to the other. ``loop_length``:
    the most orders of a loop. ``pegs``: which coins are pegged, and when that is told."""

    kinds: frozenset[str] = frozenset(KINDS)
    currency: str = ""
    assumed: Mapping[tuple[str, str], float] = {}
    capital: Mapping[str, Amount] = {}
    max_trade: Amount = Amount()
    unverified: bool = True
    holding: Holding = Holding()
    suspect_bps: float = math.inf
    structural: int = 0
    moving: Moving = Moving()
    loop_length: int = 3
    pegs: Pegging = Pegging()
