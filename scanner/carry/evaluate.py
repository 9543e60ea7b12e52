"""What a carry leaves: bought and sold at the size that still pays, held, unwound. Pure and exact.

A unit of net base is bought at the asks of the one and sold at the bids of the other; at the end
the opposite sides are taken as they stand now, moved by what the basis is expected to change. While
the next unit brings more than all of that costs, it is taken.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from scanner.carry import formulas
from scanner.engine.costs import EDGE, LOT, LOT_SHARE, reached, rounded
from scanner.engine.gates import Gate, Rejection
from scanner.engine.rules import Holding
from scanner.engine.terms import Level, Terms, value
from scanner.events import Carry

BPS = formulas.BPS


class Paid(Struct, frozen=True, kw_only=True):
    """What a perpetual pays: the venue's ``rate`` for the payment at ``due`` (ns), what is expected
    of those ``later``, the ``interval`` between them (ns), the ``mark`` that it goes by."""

    rate: float
    later: float
    due: int
    interval: int
    mark: float

    def count(self, at: int, horizon: int) -> int:
        """The payments that are crossed."""
        return formulas.payments(at, horizon, self.due, self.interval)

    def brings(self, at: int, horizon: int) -> float:
        """What one base, sold, is expected to receive until then (quote)."""
        return formulas.expected(self.rate, self.later, self.count(at, horizon)) * self.mark


class Held(Struct, frozen=True, kw_only=True):
    """One of the two: its terms, both sides of its book, what it pays (None: nothing)."""

    terms: Terms
    asks: Sequence[Level]
    bids: Sequence[Level]
    paid: Paid | None = None

    @property
    def mid(self) -> float:
        """The middle between best bid and best ask."""
        return (self.asks[0][0] + self.bids[0][0]) / 2

    @property
    def enters(self) -> float:
        """Quote that one of net base costs, for one of its price."""
        return self.terms.buy_quote / self.terms.buy_base

    @property
    def leaves(self) -> float:
        """Quote that one of net base brings, for one of its price."""
        return self.terms.sell_quote / self.terms.sell_base


class Top(Struct, frozen=True):
    """What one base is bought and sold for after fees, the middle, what holding it short is
    expected to receive, and its best prices (quote)."""

    enter: float
    leave: float
    mid: float
    brings: float
    ask: float
    bid: float


class Money(Struct, frozen=True):
    """At most ``most`` (quote) may be bound, ``buying`` and ``selling`` of it for one in the price
    of either; ``name`` says whose it is."""

    most: float
    buying: float
    selling: float
    name: str


class Result(Struct, frozen=True, kw_only=True):
    """As in ``scanner.events.Opportunity``; ``sold`` in base."""

    bought: float
    sold: float
    buy: tuple[Level, ...]
    sell: tuple[Level, ...]
    gross_bps: float
    net_bps: float
    net_profit: float
    bound: str
    unrounded: float
    carry: Carry


def per_base(long: Held, short: Held, holding: Holding, at: int, horizon: int) -> float:
    """What holding brings to one base besides entry and exit (quote): funding, and what the basis
    is expected to change until the end."""
    gap = short.mid - long.mid
    return gap - exit_basis(long, short, holding) + _funding(long, short, at, horizon)


def exit_basis(long: Held, short: Held, holding: Holding) -> float:
    """What the one is expected to stand over the other at the end (quote). A dated contract ends at
    the coin's price. A perpetual need not: unless the user expects it to, what it stands under the
    coin is reckoned as lost by then and what it stands over is not reckoned as gained."""
    dated = short.terms.market.expiry > 0
    return 0.0 if dated or holding.reverts else max(short.mid - long.mid, 0.0)


def top(held: Held, at: int, horizon: int) -> Top:
    """The top of a book, from which many pairs are looked at."""
    enter, leave = held.asks[0][0] * held.enters, held.bids[0][0] * held.leaves
    brings = held.paid.brings(at, horizon) if held.paid else 0.0
    return Top(enter, leave, held.mid, brings, held.asks[0][0], held.bids[0][0])


def first_unit(long: Top, short: Top, *, ends: bool) -> float:
    """What the first unit leaves (quote), as ``touch_bps`` has it: no size leaves more. ``ends``:
    the basis is expected to be gone at the end."""
    fees = long.enter - long.ask + long.bid - long.leave
    fees += short.enter - short.ask + short.bid - short.leave
    return before_fees(long, short, ends=ends) - fees


def before_fees(long: Top, short: Top, *, ends: bool) -> float:
    """The same without any fee: what looks good."""
    gap = short.mid - long.mid
    kept = short.brings - long.brings + (gap if ends else min(gap, 0.0))
    return short.bid - long.ask + long.bid - short.ask + kept


def touch_bps(long: Held, short: Held, kept: float) -> float:
    """What the first unit leaves, in bps of what it costs: no size leaves more. ``kept`` as of
    ``per_base``."""
    cost = long.asks[0][0] * long.enters
    return (_unit(long, short, 0, 0, 0, 0) + kept) / cost * BPS


def evaluate(
    long: Held, short: Held, holding: Holding, at: int, horizon: int, moneys: Sequence[Money] = ()
) -> Result | Rejection:
    """The best size after rounding, and all that follows from it; or what is in its way.
    ``horizon`` (ns): how long it is held."""
    kept = per_base(long, short, holding, at, horizon)
    size, bound = walk(long, short, kept, moneys)
    capped = bound in {money.name for money in moneys}
    if size <= 0:
        missing = 0.0 if capped else -touch_bps(long, short, kept)
        return Rejection(Gate.CAPITAL if capped else Gate.FEES, missing)
    buy, sell = long.terms, short.terms
    bought, sold = rounded(long.asks, short.bids, buy, sell, size)
    if bought <= 0 or sold <= 0:
        return Rejection(Gate.CAPITAL if capped else Gate.LOT)
    paid, received = value(long.asks, bought), value(short.bids, sold)
    missing = max(buy.too_small(bought, paid), sell.too_small(sold, received))
    if missing > 0:
        return Rejection(Gate.CAPITAL if capped else Gate.SIZE, missing * BPS)
    carry = _carry(long, short, holding, at, horizon, bought, sold)
    net = paid * _left(carry) / BPS
    if net <= 0:
        return Rejection(Gate.LOT, -net / paid * BPS)
    if bought < (1 - LOT_SHARE) * size / buy.buy_base:
        bound = LOT
    return _result(long, short, carry, (bought, sold), bound, size)


def at_touch(long: Held, short: Held, holding: Holding, at: int, horizon: int) -> Result:
    """What is left of what stands at the best prices, be it a loss or too little for an order."""
    buy, sell = long.terms, short.terms
    size = min(
        long.asks[0][1] * buy.buy_base,
        short.bids[0][1] * sell.sell_base,
        long.bids[0][1] * buy.sell_base,
        short.asks[0][1] * sell.buy_base,
    )
    bought, sold = size / buy.buy_base, size / sell.sell_base
    carry = _carry(long, short, holding, at, horizon, bought, sold)
    return _result(long, short, carry, (bought, sold), "touch", size)


def _result(
    long: Held, short: Held, carry: Carry, sizes: tuple[float, float], bound: str, size: float
) -> Result:
    """Of ``sizes`` bought and sold, which ``size`` of net base comes to in lots."""
    bought, sold = sizes
    paid = value(long.asks, bought)
    net = paid * _left(carry) / BPS
    return Result(
        bought=bought,
        sold=sold,
        buy=reached(long.asks, bought),
        sell=reached(short.bids, sold),
        gross_bps=carry.basis_bps,
        net_bps=net / (paid * long.terms.buy_quote) * BPS,
        net_profit=net,
        bound=bound,
        unrounded=size / long.terms.buy_base,
        carry=carry,
    )


def walk(long: Held, short: Held, kept: float, moneys: Sequence[Money]) -> tuple[float, str]:
    """The net base at which the next unit would lose or a bound is met, and which."""
    asks, bids, outs, backs = long.asks, short.bids, long.bids, short.asks
    units = (
        *(long.terms.buy_base, short.terms.sell_base),
        *(long.terms.sell_base, short.terms.buy_base),
    )
    enters, leaves, exits, returns = long.enters, short.leaves, long.leaves, short.enters
    # Money without end bounds nothing.
    bounds = [one for one in moneys if one.most < math.inf]
    money = [one.most for one in bounds]
    a = b = o = k = 0
    left_a, left_b, left_o, left_k = (
        levels[0][1] * unit if levels else 0.0
        for levels, unit in zip((asks, bids, outs, backs), units, strict=True)
    )
    size = 0.0
    while a < len(asks) and b < len(bids) and o < len(outs) and k < len(backs):
        ask, bid = asks[a][0] * enters, bids[b][0]
        # As ``_unit``, to the last bit.
        unit = bid * leaves - ask + outs[o][0] * exits - backs[k][0] * returns
        if unit + kept <= 0:
            return size, EDGE
        take = min(left_a, left_b, left_o, left_k)
        if bounds:
            binds = [one.buying * ask + one.selling * bid for one in bounds]
            could = [m / per if per > 0 else math.inf for m, per in zip(money, binds, strict=True)]
            take = min(take, *could)
            for one, most in zip(bounds, could, strict=True):
                if most == take:
                    return size + take, one.name
            money = [m - take * per for m, per in zip(money, binds, strict=True)]
        size += take
        left_a, left_b, left_o, left_k = left_a - take, left_b - take, left_o - take, left_k - take
        if left_a <= 0:
            a += 1
            left_a = asks[a][1] * units[0] if a < len(asks) else 0.0
        if left_b <= 0:
            b += 1
            left_b = bids[b][1] * units[1] if b < len(bids) else 0.0
        if left_o <= 0:
            o += 1
            left_o = outs[o][1] * units[2] if o < len(outs) else 0.0
        if left_k <= 0:
            k += 1
            left_k = backs[k][1] * units[3] if k < len(backs) else 0.0
    ended = long if a == len(asks) or (b < len(bids) and o == len(outs)) else short
    return size, f"depth of {ended.terms.market.venue}"


def _unit(long: Held, short: Held, ask: int, bid: int, out: int, back: int) -> float:
    """What entry and an exit at once bring of one net base at these levels: a loss (quote)."""
    entry = short.bids[bid][0] * short.leaves - long.asks[ask][0] * long.enters
    return entry + long.bids[out][0] * long.leaves - short.asks[back][0] * short.enters


def _funding(long: Held, short: Held, at: int, horizon: int) -> float:
    received = short.paid.brings(at, horizon) if short.paid else 0.0
    return received - (long.paid.brings(at, horizon) if long.paid else 0.0)


def _carry(
    long: Held, short: Held, holding: Holding, at: int, horizon: int, bought: float, sold: float
) -> Carry:
    buy, sell = long.terms, short.terms
    paid, received = value(long.asks, bought), value(short.bids, sold)
    cost, proceeds = paid * buy.buy_quote, received * sell.sell_quote
    out = value(long.bids, sold / buy.sell_base) * buy.sell_quote
    back = value(short.asks, sold / sell.buy_base) * sell.buy_quote
    worth = received * (bought / sold)
    bps = BPS / paid
    exit_cost = back - out - sold * (short.mid - long.mid)
    at_end = sold * exit_basis(long, short, holding)
    funding = sold * _funding(long, short, at, horizon)
    leverage = holding.leverage
    margin = formulas.margin(received, leverage)
    if buy.market.is_contract:
        margin += formulas.margin(paid, leverage)
    capital = margin + (0.0 if buy.market.is_contract else cost)
    lost = cost - proceeds + exit_cost + at_end
    carry = Carry(
        basis_bps=(worth - paid) * bps,
        entry_cost_bps=(worth - paid - proceeds + cost) * bps,
        exit_cost_bps=exit_cost * bps,
        exit_basis_bps=at_end * bps,
        funding_bps=funding * bps,
        buy_funding_bps=-_next(long, sold) * bps,
        sell_funding_bps=_next(short, sold) * bps,
        buy_later_bps=-_later(long, sold) * bps,
        sell_later_bps=_later(short, sold) * bps,
        buy_interval_h=_hours(long),
        sell_interval_h=_hours(short),
        buy_payments=long.paid.count(at, horizon) if long.paid else 0,
        sell_payments=short.paid.count(at, horizon) if short.paid else 0,
        funding_apr=_apr(long, short, horizon),
        break_even_h=_break_even(long, short, lost / sold, at, horizon),
        horizon_h=horizon / formulas.HOUR,
        leverage=leverage,
        margin=margin,
        capital=capital,
        net_apr=formulas.a_year(funding - lost, capital, horizon),
        liquidation_price=formulas.liquidation(
            received / sold, leverage, holding.maintenance, inverse=sell.market.inverse
        ),
    )
    return carry


def _left(carry: Carry) -> float:
    """The sum of it, in bps of what is paid."""
    costs = carry.entry_cost_bps + carry.exit_cost_bps + carry.exit_basis_bps
    return math.fsum((carry.basis_bps, -costs, carry.funding_bps))


def _next(held: Held, size: float) -> float:
    return held.paid.rate * held.paid.mark * size if held.paid else 0.0


def _later(held: Held, size: float) -> float:
    return held.paid.later * held.paid.mark * size if held.paid else 0.0


def _hours(held: Held) -> float:
    return held.paid.interval / formulas.HOUR if held.paid else 0.0


def _apr(long: Held, short: Held, horizon: int) -> float:
    """What both legs pay a year at what is expected of each; of a dated contract the basis."""
    if short.terms.market.expiry:
        return formulas.dated_apr(formulas.basis(short.mid, long.mid), horizon)
    return sum(
        sign * formulas.apr(held.paid.later, held.paid.interval)
        for held, sign in ((short, 1), (long, -1))
        if held.paid
    )


def _break_even(long: Held, short: Held, lost: float, at: int, horizon: int) -> float | None:
    """Hours until funding has made up for what one base loses else (``lost``, quote), counted in
    the payments of the leg whose interval is the longer one."""
    if short.terms.market.expiry:
        return horizon / formulas.HOUR
    paying = [held.paid for held in (short, long) if held.paid]
    slowest = max(paying, key=lambda paid: paid.interval)
    each = sum(
        sign * held.paid.later * held.paid.mark * slowest.interval / held.paid.interval
        for held, sign in ((short, 1), (long, -1))
        if held.paid
    )
    time = formulas.break_even_time(lost, each, at, slowest.due, slowest.interval)
    return None if time is None else time / formulas.HOUR
