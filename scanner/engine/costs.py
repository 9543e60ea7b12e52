"""What a trade over two or three ladders costs and leaves, exactly.

The kernel only finds candidates; this computes each once, from the levels that are kept as
evidence. The size is where the marginal net edge ends, or what bounds it before; then it is rounded
down to lots. What rounding leaves over counts as nothing, so the net is never too high.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from scanner.engine.conversion import Converted, Exchange
from scanner.engine.gates import Gate, Rejection
from scanner.engine.terms import Level, Terms, common, exact, floor, value

__all__ = ["Caps", "Level", "Result", "evaluate", "reached", "rounded", "value", "walk"]

ROUNDING = 1e-9
EDGE, LOT = "edge", "lot"
# Where rounding takes more than this part of the size, the lot is what bounds it.
LOT_SHARE = 0.01


class Caps(Struct, frozen=True):
    """The most that may be spent (quote, fees included) and given away (base), and who says so."""

    spend: float = math.inf
    spend_of: str = ""
    give: float = math.inf
    give_of: str = ""


NO_CAPS = Caps()


class Left(Struct, frozen=True):
    """What orders cost and leave after all fees, in the quote of the purchase; ``plain`` is the
    rate of the conversion before its fee."""

    cost: float
    net: float
    plain: float
    conversion: Converted | None


class Result(Struct, frozen=True):
    """``size`` is bought and ``sold`` is sold, in base; ``buy`` and ``sell`` are the levels that
    these reach. The rest in the quote of the purchase or bps, ``bound`` and ``unrounded`` as in
    ``scanner.events.Opportunity``. ``withdrawal``: what is taken off on the way to the sale, in
    base."""

    size: float
    gross_bps: float
    net_bps: float
    net_profit: float
    buy: tuple[Level, ...]
    sell: tuple[Level, ...]
    sold: float
    bound: str
    unrounded: float
    conversion: Converted | None = None
    withdrawal: float = 0.0


def walk(
    asks: Sequence[Level],
    bids: Sequence[Level],
    buy: Terms,
    sell: Terms,
    exchange: Exchange | None = None,
    caps: Caps = NO_CAPS,
) -> tuple[float, str]:
    """The net base at which the marginal net edge ends or a bound is met, and which.

    Units are of net base: what arrives of the purchase is what is given for the sale.
    """
    buy_rate, buy_unit = buy.buy_quote / buy.buy_base, buy.buy_base
    sell_rate, sell_unit = sell.sell_quote / sell.sell_base, sell.sell_base
    rates = exchange.ladder() if exchange else [(1.0, math.inf)]
    i = j = k = 0
    size, spend, give = 0.0, caps.spend, caps.give
    budget = exchange.budget if exchange else math.inf
    ask_left = asks[0][1] * buy_unit if asks else 0.0
    bid_left = bids[0][1] * sell_unit if bids else 0.0
    rate_left = rates[0][1] if rates else 0.0
    while i < len(asks) and j < len(bids) and k < len(rates):
        ask, proceeds = asks[i][0] * buy_rate, bids[j][0] * sell_rate
        if proceeds * rates[k][0] <= ask:
            return size, EDGE
        by_rate = rate_left / proceeds
        by_spend, by_budget = spend / ask, budget / proceeds
        take = min(ask_left, bid_left, by_rate, by_spend, give, by_budget)
        size += take
        if take == by_spend:
            return size, caps.spend_of
        if take == give:
            return size, caps.give_of
        if exchange and take == by_budget:
            return size, exchange.budget_of
        spend, give, budget = spend - take * ask, give - take, budget - take * proceeds
        # What is used up is said by comparing, for a difference of floats need not come to 0.
        used = take == ask_left, take == bid_left, take == by_rate
        ask_left, bid_left = ask_left - take, bid_left - take
        rate_left -= take * proceeds
        if used[0] or ask_left <= 0:
            i += 1
            ask_left = asks[i][1] * buy_unit if i < len(asks) else 0.0
        if used[1] or bid_left <= 0:
            j += 1
            bid_left = bids[j][1] * sell_unit if j < len(bids) else 0.0
        if used[2] or rate_left <= 0:
            k += 1
            rate_left = rates[k][1] if k < len(rates) else 0.0
    if i == len(asks) or j == len(bids):
        return size, f"depth of {(buy if i == len(asks) else sell).market.venue}"
    return size, f"depth of {exchange.venue if exchange else ''}"


def evaluate(
    asks: Sequence[Level],
    bids: Sequence[Level],
    buy: Terms,
    sell: Terms,
    exchange: Exchange | None = None,
    caps: Caps = NO_CAPS,
    withdrawal: float = 0.0,
    walked: tuple[float, str] | None = None,
) -> Result | Rejection:
    """The best size after rounding, and all that follows from it; or what is in its way.
    ``withdrawal``: so much of the base is taken off on its way to the sale, whatever the size. The
    first units only pay for that, and the margins count from there. ``walked``: what ``walk`` comes
    to, where that is known."""
    rest = asks
    if withdrawal:
        lost = withdrawal / buy.buy_base
        rest = after(asks, lost)
        caps = replace(caps, spend=max(caps.spend - value(asks, lost) * buy.buy_quote, 0.0))
    size, bound = walked or walk(rest, bids, buy, sell, exchange, caps)
    capped = bound not in (EDGE, "") and not bound.startswith("depth")
    if size <= 0:
        return Rejection(Gate.CAPITAL) if capped else _no_edge(rest, bids, buy, sell, exchange)
    bought, sold = rounded(asks, bids, buy, sell, size, withdrawal)
    if bought <= 0 or sold <= 0:
        missing = 1 - size / max(float(buy.step), float(sell.step), size)
        return Rejection(Gate.CAPITAL if capped else Gate.LOT, missing * 1e4)
    paid, received = value(asks, bought), value(bids, sold)
    missing = max(buy.too_small(bought, paid), sell.too_small(sold, received))
    if missing > 0:
        return Rejection(Gate.CAPITAL if capped else Gate.SIZE, missing * 1e4)
    done = left(paid, received, buy, sell, exchange)
    if isinstance(done, Rejection):
        return done
    cost, net, plain = done.cost, done.net, done.plain
    if net <= 0:
        return Rejection(Gate.FEES if withdrawal else Gate.LOT, -net / cost * 1e4)
    size += withdrawal
    if bought < (1 - LOT_SHARE) * size / buy.buy_base:
        bound = LOT
    return Result(
        bought,
        (received * (bought / sold) * plain - paid) / paid * 1e4,
        net / cost * 1e4,
        net,
        reached(asks, bought),
        reached(bids, sold),
        sold,
        bound,
        size / buy.buy_base,
        done.conversion,
        withdrawal,
    )


def left(
    paid: float, received: float, buy: Terms, sell: Terms, exchange: Exchange | None = None
) -> Left | Rejection:
    """What is left of a purchase and a sale of these values; or that nothing converts the sale."""
    cost, proceeds = paid * buy.buy_quote, received * sell.sell_quote
    if exchange is None:
        return Left(cost, proceeds - cost, 1.0, None)
    done = exchange.convert(proceeds)
    if isinstance(done, Rejection):
        return done
    return Left(cost, done.got - cost, done.plain, done)


def _no_edge(
    asks: Sequence[Level],
    bids: Sequence[Level],
    buy: Terms,
    sell: Terms,
    exchange: Exchange | None,
) -> Rejection:
    """Not even the first unit pays: by how much it loses."""
    rates = exchange.ladder() if exchange else [(1.0, math.inf)]
    if not (asks and bids and rates):
        return Rejection(Gate.FEES)
    cost = asks[0][0] * buy.buy_quote / buy.buy_base
    proceeds = bids[0][0] * sell.sell_quote / sell.sell_base * rates[0][0]
    return Rejection(Gate.FEES, (1 - proceeds / cost) * 1e4)


def rounded(
    asks: Sequence[Level],
    bids: Sequence[Level],
    buy: Terms,
    sell: Terms,
    size: float,
    withdrawal: float = 0.0,
) -> tuple[float, float]:
    """What to buy and what to sell of it, in lots, for at most ``size`` of net base that is sold
    once ``withdrawal`` is off; as little of the former as the latter needs."""
    whole = not buy.market.inverse and not sell.market.inverse
    if whole and buy.buy_base == sell.sell_base and not withdrawal:
        both = floor(size / buy.buy_base, common(buy.step, sell.step))
        return both, both
    bought = buy.floor(asks, (size + withdrawal) / buy.buy_base)
    sold = sell.floor(bids, less(bought * buy.buy_base, withdrawal) / sell.sell_base)
    needed = (sold * sell.sell_base + withdrawal) / buy.buy_base
    return min(bought, buy.ceil(asks, needed)), sold


def less(size: float, withdrawal: float) -> float:
    """What is left of a size, without the noise that a difference of floats brings up."""
    return max(float(exact(size) - exact(withdrawal)), 0.0) if withdrawal else size


def after(levels: Sequence[Level], size: float) -> list[Level]:
    """What is left of a ladder once ``size`` is taken from its best."""
    left = size
    for i, (price, available) in enumerate(levels):
        if left < available:
            return [(price, available - left), *levels[i + 1 :]]
        left -= available
    return []


def reached(levels: Sequence[Level], size: float) -> tuple[Level, ...]:
    """The levels, best first, that a taker of ``size`` meets."""
    used: list[Level] = []
    left = size
    for level in levels:
        if left <= size * ROUNDING:
            break
        used.append(level)
        left -= level[1]
    return tuple(used)
