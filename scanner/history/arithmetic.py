"""The figures of a stored state, computed again from its levels and fee rates alone."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from msgspec import Struct

from scanner.events import Carry, Leg
from scanner.types import FeeIn
from storage.queries import State

TOLERANCE = 1e-9
# What 64-bit sums of prices and sizes leave, as a part of what is paid.
FLOATS = 1e-13
WHOLE = 1e-6
MICROSECOND = 1e-3  # ms
LIVE = "live"


class Taken(Struct, frozen=True):
    """What is taken of one level: ``size`` of the ``offered``, for ``value`` in quote."""

    price: float
    offered: float
    size: float
    value: float


class Side(Struct, frozen=True):
    """One order: ``size`` in base and its ``value`` in quote; the ``fee`` on it, which is in base
    if ``fee_in_base``. ``total`` is the quote that it costs or brings with the fee, ``net_size``
    the base that arrives or has to be given. ``missing`` is the size that its levels do not
    cover."""

    leg: Leg
    taken: list[Taken]
    size: float
    value: float
    fee: float
    fee_in_base: bool
    total: float
    net_size: float
    missing: float


class Converted(Struct, frozen=True):
    """The order that turns what the sale brings into the currency of the purchase: ``given`` of the
    one brings ``got`` of the other; ``plain`` is the rate before its fee."""

    side: Side
    given: float
    got: float
    plain: float


class Account(Struct, frozen=True):
    """All orders and what follows from them, in the quote of the purchase and bps. ``brought`` is
    what comes of the sale in it, ``worth`` what all that is bought would bring before any fee.
    ``held`` is what a carry's funding, exit and exit basis come to: as it was stored, for neither
    the books of the exit nor what venues said of funding are kept with it (0: it is no carry).
    ``left`` is base that is bought and not sold. ``disagrees`` names the stored figures that are
    others than these, or what cannot have been: a book that was not live, or of another age, an
    order that does not reach its levels; none if all agree to 1e-9."""

    buy: Side
    sell: Side
    conversion: Converted | None
    worth: float
    brought: float
    left: float
    held: float
    gross: float
    fees: float
    net: float
    gross_bps: float
    net_bps: float
    disagrees: list[str]


def account(state: State) -> Account:
    """Compute it all again."""
    buy, sell = side(state.buy, state.size, 1), side(state.sell, state.size, -1)
    conversion = converted(state.conversion) if state.conversion else None
    plain, brought = (conversion.plain, conversion.got) if conversion else (1.0, sell.total)
    worth = sell.value * (buy.size / sell.size) * plain if sell.size else math.nan
    held = _held(state.carry, buy.value) if state.carry else 0.0
    gross, net = worth - buy.value, brought - buy.total + held
    gross_bps = gross / buy.value * 1e4 if buy.value else math.nan
    net_bps = net / buy.total * 1e4 if buy.total else math.nan
    left = buy.net_size - sell.net_size
    told = (
        ("gross bps", state.gross_bps, gross_bps, 1e4),
        ("net bps", state.net_bps, net_bps, 1e4),
        ("net profit", state.net_profit, net, buy.total),
        ("size", state.size, buy.size, buy.size),
    )
    disagrees = [name for name, is_, ought, scale in told if not same(is_, ought, scale)]
    orders = [buy, sell, *([conversion.side] if conversion else [])]
    disagrees += dict.fromkeys(name for name in impossible(orders) if name not in disagrees)
    disagrees += [name for order in orders for name in untrusted(order.leg)]
    disagrees += [f"age on {leg.venue}" for leg in (state.buy, state.sell) if misdated(leg, state)]
    if left < -TOLERANCE * buy.size and "size" not in disagrees:
        disagrees.append("size sold")
    if conversion and conversion.given > sell.total * (1 + TOLERANCE):
        disagrees.append("conversion")
    if state.carry and buy.value:
        fees = worth - brought + buy.total - buy.value
        disagrees += _of_carry(state.carry, gross_bps, fees / buy.value * 1e4)
    profit = state.accounting_profit
    if profit is not None and not same(profit, net * state.accounting_rate, profit):
        disagrees.append(f"profit in {state.accounting}")
    return Account(
        buy,
        sell,
        conversion,
        worth,
        brought,
        left,
        held,
        gross,
        gross - net,
        net,
        gross_bps,
        net_bps,
        disagrees,
    )


def is_multi(state: State) -> bool:
    """Of many orders: all are of one market, on several venues. Those of a loop are of different
    ones, unless it is two that buy and sell on one book, where a fee below zero pays for it."""
    return len(state.legs) > 2 and len({leg.symbol for leg in state.legs}) == 1


def side(leg: Leg, size: float, sign: int) -> Side:
    """Take the size of the leg (or ``size``, where it says none) from its levels, at its fee: more
    to pay or less that arrives (sign 1), less to receive or more to give (-1)."""
    size = leg.size or size
    taken, missing = _take(leg.levels, size)
    value = math.fsum(level.value for level in taken)
    in_base = leg.fee_in == FeeIn.BASE
    fee = leg.fee_rate * (size if in_base else value)
    total = value if in_base else value + sign * fee
    net_size = size - sign * fee if in_base else size
    return Side(leg, taken, size, value, fee, in_base, total, net_size, missing)


def converted(leg: Leg) -> Converted:
    """What the order comes to: a sale gives base for quote, a purchase quote for base."""
    if leg.side == "buy":
        bought = side(leg, leg.size, 1)
        plain = bought.size / bought.value if bought.value else math.nan
        return Converted(bought, bought.total, bought.net_size, plain)
    sold = side(leg, leg.size, -1)
    plain = sold.value / sold.size if sold.size else math.nan
    return Converted(sold, sold.net_size, sold.total, plain)


def _held(carry: Carry, paid: float) -> float:
    bps = carry.funding_bps - carry.exit_cost_bps - carry.exit_basis_bps
    return paid * bps / 1e4


def _of_carry(carry: Carry, basis: float, fees: float) -> Iterator[str]:
    """What of the carry itself the legs do not bear out."""
    if not same(carry.basis_bps, basis, 1e4):
        yield "basis"
    if not same(carry.entry_cost_bps, fees, 1e4):
        yield "entry cost"
    if (paid := _paid(carry)) is not None and not same(carry.funding_bps, paid, 1e4):
        yield "funding"


def _paid(carry: Carry) -> float | None:
    """What all payments of both legs come to, in bps; None: what the later ones are was not stored
    by older versions."""
    legs = (
        (carry.buy_funding_bps, carry.buy_later_bps, carry.buy_payments),
        (carry.sell_funding_bps, carry.sell_later_bps, carry.sell_payments),
    )
    total = 0.0
    for first, later, count in legs:
        if later is None:
            return None
        total += first + later * (count - 1) if count else 0.0
    return total


def impossible(orders: Sequence[Side]) -> Iterator[str]:
    """What could not have been done as it is stored."""
    for order in orders:
        leg = order.leg
        if order.missing > TOLERANCE * order.size:
            yield "size"
        lots = order.size / leg.lot if leg.lot else 0.0
        if abs(lots - round(lots)) > max(WHOLE, TOLERANCE * lots):
            yield f"lot on {leg.venue}"
        if leg.fee_currency and not same(leg.fee, order.fee, order.value * leg.fee_rate):
            yield f"fee on {leg.venue}"


def untrusted(leg: Leg) -> Iterator[str]:
    """What no flag could have rested on, or been filled at."""
    if leg.state not in ("", LIVE):
        yield f"state on {leg.venue}"
    if leg.limit and leg.levels:
        beyond = leg.limit / (leg.levels[-1][0] * leg.multiplier) - 1
        if (beyond if leg.side == "sell" else -beyond) > TOLERANCE:
            yield f"limit on {leg.venue}"


def misdated(leg: Leg, state: State) -> bool:
    """Whether its book was not as old then as it says."""
    return bool(leg.book_at) and abs((state.at - leg.book_at) / 1e6 - leg.age_ms) > MICROSECOND


def _take(levels: Sequence[tuple[float, float]], size: float) -> tuple[list[Taken], float]:
    taken = []
    left = size
    for price, offered in levels:
        part = min(left, offered)
        taken.append(Taken(price, offered, part, price * part))
        left -= part
        if left <= 0:
            break
    return taken, max(0.0, left)


def same(stored: float, computed: float, scale: float) -> bool:
    """Whether they agree to 1e-9, or differ by what sums of this ``scale`` leave."""
    return abs(stored - computed) <= TOLERANCE * abs(computed) + FLOATS * abs(scale)
