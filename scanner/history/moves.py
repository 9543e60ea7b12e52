"""What the moves of a stored state of many orders come to, computed again from its legs, fees and
minutes alone. What is said of each move (state, fee, minutes) is taken as it was listed then."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from scanner.events import Leg
from scanner.history.arithmetic import TOLERANCE, Side, converted, is_multi, same, side
from scanner.history.moving import MINUTES, ordered, whole_lots
from scanner.moving import CLOSED, NOT_NEEDED, OPEN, UNKNOWN, Move, Placed, Prefunded, Transfer
from storage.queries import State


class Within(Struct, frozen=True):
    """A trade whose moves are made within it: the ``sizes`` of its orders in turn of the legs and
    when each is made (minutes), what it ``pays`` and ``brings``, its risk."""

    sizes: list[float]
    minutes: list[float | None]
    pays: float
    brings: float
    risk_bps: float | None

    @property
    def net(self) -> float:
        """What is left."""
        return self.brings - self.pays


class Expected(Struct, frozen=True):
    """A move as the legs ask for it: what, from where, to where, how much, what one is worth."""

    currency: str
    source: str
    target: str
    amount: float
    rate: float


def cost(told: Prefunded) -> float | None:
    """What moving all of it back costs each trade; None: one of the fees is not known."""
    if any(move.state != OPEN or move.fee is None for move in told.moves):
        return None
    return math.fsum((move.fee or 0.0) * move.rate for move in told.moves) / told.trades


def overall(moves: Sequence[Move]) -> str:
    """Whether all can be made: the worst of them says so."""
    states = {move.state for move in moves}
    if not states:
        return NOT_NEEDED
    return CLOSED if CLOSED in states else OPEN if states == {OPEN} else UNKNOWN


def lasts(moves: Sequence[Move], *, at_once: bool) -> float | None:
    """How long all of them take, minutes; None: it is not known of one."""
    times = [move.minutes for move in moves if move.minutes is not None]
    if len(times) < len(moves):
        return None
    return max(times, default=0.0) if at_once else sum(times)


def disagreements(state: State, net: float, paid: float) -> Iterator[str]:
    """What of it is another than what is stored, of a trade that leaves ``net`` and costs
    ``paid``."""
    if state.prefunded is not None:
        yield from _of_inventory(state.prefunded, net, paid)
        if is_multi(state):
            yield from _of_stocks(state, state.prefunded.moves, money=True)
        else:
            yield from _of_loop_back(state, state.prefunded)
    if state.transfer is not None:
        yield from _of_transfer(state.transfer, state, paid)
        if is_multi(state):
            yield from _of_stocks(state, state.transfer.moves, money=False)


def _of_inventory(told: Prefunded, net: float, paid: float) -> Iterator[str]:
    if told.state != overall(told.moves):
        yield "state of moving back"
    again = cost(told)
    if again is None or told.cost is None or told.net_profit is None or told.net_bps is None:
        if {again, told.cost, told.net_profit, told.net_bps} != {None}:
            yield "cost of moving back"
        return
    if not same(told.cost, again, again):
        yield "cost of moving back"
    if not same(told.net_profit, net - again, paid):
        yield "net after moving back"
    if not same(told.net_bps, (net - again) / paid * 1e4, 1e4):
        yield "net bps after moving back"


def _of_loop_back(state: State, told: Prefunded) -> Iterator[str]:
    """Each move brings what the next order takes, worth what the orders so far have paid."""
    ways = asked(state)
    if len(ways) != len(told.moves):
        yield "moves"
        return
    for move, way in zip(told.moves, ways.values(), strict=True):
        if not _is_of(move, way) or not same(move.amount, way.amount, way.amount):
            yield f"move of {move.currency}"
        if not same(move.rate, way.rate, way.rate):
            yield f"worth of {move.currency}"


def asked(state: State) -> dict[int, Expected]:
    """What the orders of a loop ask to be moved, by the place of the order that brings it."""
    orders = [converted(leg) for leg in state.legs]
    found, rate = {}, 1.0
    for i, (order, behind) in enumerate(zip(orders, (*orders[1:], orders[0]), strict=True)):
        rate *= order.given / order.got
        here, there = order.side.leg, behind.side.leg
        if here.venue != there.venue:
            base, _, quote = here.symbol.partition("/")
            currency = base if here.side == "buy" else quote
            worth = rate if i < len(orders) - 1 else 1.0
            found[i] = Expected(currency, here.venue, there.venue, behind.given, worth)
    return found


def _is_of(move: Move, way: Expected) -> bool:
    return (move.currency, move.source, move.target) == (way.currency, way.source, way.target)


def _of_stocks(state: State, moves: Sequence[Move], *, money: bool) -> Iterator[str]:
    """Of a multi: nothing is sent that is not there, and all that is wanted comes; fees are off."""
    base, _, quote = state.legs[0].symbol.partition("/")
    prices = {leg.venue: _price(leg) for leg in reversed(state.legs) if leg.side == "buy"}
    for currency, stocks in ((base, _coins(state)), *(((quote, _money(state)),) if money else ())):
        left, most = dict(stocks), sum(map(abs, stocks.values()))
        for move in moves:
            if move.currency == currency:
                left[move.source] = left.get(move.source, 0.0) - move.amount
                left[move.target] = left.get(move.target, 0.0) + move.amount
                rate = prices.get(move.source, math.nan) if currency == base else 1.0
                if not same(move.rate, rate, rate):
                    yield f"worth of {move.currency}"
        if any(amount < -TOLERANCE * most for amount in left.values()):
            yield f"move of {currency}"
    if {move.currency for move in moves} - ({base, quote} if money else {base}):
        yield "moves"


def _coins(state: State) -> dict[str, float]:
    """What of the coin the trade brings to each venue (below zero: takes)."""
    stocks: defaultdict[str, float] = defaultdict(float)
    for leg in state.legs:
        sign = 1 if leg.side == "buy" else -1
        stocks[leg.venue] += sign * side(leg, leg.size, sign).net_size
    return stocks


def _money(state: State) -> dict[str, float]:
    stocks: defaultdict[str, float] = defaultdict(float)
    for leg in state.legs:
        sign = 1 if leg.side == "buy" else -1
        stocks[leg.venue] -= sign * side(leg, leg.size, sign).total
    return stocks


def _price(leg: Leg) -> float:
    one = side(replace(leg, size=0.0), leg.levels[0][1], 1)
    return one.total / one.net_size


def _of_transfer(told: Transfer, state: State, paid: float) -> Iterator[str]:
    if told.state != overall(told.moves):
        yield "state of the transfer"
    if not _as_long(told.minutes, lasts(told.moves, at_once=is_multi(state))):
        yield "minutes of the transfer"
    if not told.orders:
        if told.net_profit is not None or not told.reason:
            yield "net after the transfer"
        return
    again = within(state)
    if again is None or told.net_profit is None or told.net_bps is None:
        yield "moves of the transfer"
        return
    sizes = zip(told.orders, again.sizes, strict=True)
    if any(not same(order.size, size, size) for order, size in sizes):
        yield "size ordered after the transfer"
    if not same(told.net_profit, again.net, paid):
        yield "net after the transfer"
    if not same(told.net_bps, again.net / again.pays * 1e4, 1e4):
        yield "net bps after the transfer"
    times = zip(told.orders, again.minutes, strict=True)
    if not all(_as_long(order.minutes, minutes) for order, minutes in times):
        yield "minutes of the transfer"
    if again.risk_bps is None or told.risk_bps is None or told.net_after_risk is None:
        if {again.risk_bps, told.risk_bps, told.net_after_risk} != {None}:
            yield "risk of the transfer"
        return
    if not same(told.risk_bps, again.risk_bps, again.risk_bps):
        yield "risk of the transfer"
    after = again.net - again.risk_bps / 1e4 * again.brings
    if not same(told.net_after_risk, after, paid):
        yield "net after the risk of the transfer"


def _as_long(told: float | None, minutes: float | None) -> bool:
    if told is None or minutes is None:
        return told is minutes
    return same(told, minutes, minutes)


def within(state: State) -> Within | None:
    """The trade with its moves again; None: it cannot have been made like this."""
    told = state.transfer
    if told is None or len(told.orders) != len(state.legs):
        return None
    if any(
        move.state != OPEN or move.fee is None or move.amount < (move.min_withdraw or 0.0)
        for move in told.moves
    ):
        return None
    return _multi(state, told) if is_multi(state) else _loop(state, told)


def _loop(state: State, told: Transfer) -> Within | None:
    ways, moves = asked(state), iter(told.moves)
    first = converted(state.legs[0])
    amount, at = first.given, 0.0
    sizes: list[float] = []
    minutes: list[float | None] = []
    known = True
    for i, leg in enumerate(state.legs):
        whole = converted(leg)
        # What is moved is written without the noise of sums, which is less than this.
        order = whole if amount >= whole.given * (1 - TOLERANCE / 1e3) else ordered(leg, amount)
        sizes.append(order.side.size)
        minutes.append(at if known else None)
        amount = order.got
        if i in ways:
            move = next(moves, None)
            if move is None or not _is_of(move, ways[i]) or not same(move.amount, amount, amount):
                return None
            amount -= move.fee or 0.0
            known = known and move.minutes is not None
            at += move.minutes or 0.0
    if next(moves, None) is not None:
        return None
    risks = [
        0.0 if time == 0 else risk(told.z, order.volatility_bps, time)
        for order, time in zip(told.orders, minutes, strict=True)
    ]
    return Within(sizes, minutes, first.given, amount, _sum(risks))


def _multi(state: State, told: Transfer) -> Within:
    there: defaultdict[str, float] = defaultdict(float)
    for leg in state.legs:
        if leg.side == "buy":
            there[leg.venue] += side(leg, leg.size, 1).net_size
    for move in told.moves:
        there[move.source] -= move.amount
        there[move.target] += move.amount - (move.fee or 0.0)
    longest = lasts(told.moves, at_once=True)
    orders: list[Side] = []
    for leg in state.legs:
        if leg.side != "buy":
            unit = side(leg, leg.size, -1).net_size / leg.size
            size = min(leg.size, whole_lots(leg, there[leg.venue] / unit))
            orders.append(side(replace(leg, size=size), size, -1))
            there[leg.venue] -= size * unit
    bought = [side(leg, leg.size, 1) for leg in state.legs if leg.side == "buy"]
    brings = math.fsum(order.total for order in orders)
    sales: Sequence[Placed] = told.orders[len(bought) :]
    weighed = [
        None if sale.volatility_bps is None else sale.volatility_bps * order.total / brings
        for sale, order in zip(sales, orders, strict=True)
    ]
    return Within(
        [order.size for order in (*bought, *orders)],
        [*[0.0 for _ in bought], *[longest for _ in orders]],
        math.fsum(order.total for order in bought),
        brings,
        0.0 if longest == 0 and not told.moves else risk(told.z, _sum(weighed), longest),
    )


def risk(z: float, volatility: float | None, minutes: float | None) -> float | None:
    """How far a price falls in that time, but for few cases, bps; None: not known."""
    if volatility is None or minutes is None:
        return None
    return z * volatility * math.sqrt(minutes / MINUTES)


def _sum(amounts: Sequence[float | None]) -> float | None:
    known = [amount for amount in amounts if amount is not None]
    return math.fsum(known) if len(known) == len(amounts) else None
