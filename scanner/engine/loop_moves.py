"""What moving its currencies does to a loop: within it, or once in a while between inventories.

Wherever the next order is on another venue, what the order before it brings has to come there, and
so has what the last one brings, if the first is elsewhere: else it is not back where it began.
Where all orders are on one venue nothing has to be moved, and that costs nothing.

**Transfer**: one move after another. Each takes its fee off what the next order is given, and that
is rounded down to lots once more; no order takes more than it did without. Minutes add up: the
order ``i`` is made ``t_i`` minutes after the first one, and

``risk = z x (sum over the later orders of volatility_i x sqrt(t_i / 60))``

with the volatility of that order's own book. The result is a product of the rates of all orders, so
its log return is the sum of theirs. They hang together (two books of one coin move along), and how
much is not measured; but whatever it is, the deviation of a sum is at most the sum of the
deviations. So this is a bound, and of a single later order exactly what a pair is told. Nothing is
left to risk on the way back: by then no order is open.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from scanner.engine import cycle
from scanner.engine.conversion import Converted
from scanner.engine.costs import less
from scanner.engine.gates import Rejection
from scanner.engine.shipping import Shipping, too_little
from scanner.engine.transfers import Place
from scanner.moving import NOT_NEEDED, OPEN, Move, Placed, Prefunded, Transfer
from scanner.types import Side


def of_loop(shipping: Shipping, found: cycle.Result, at: int) -> tuple[Transfer, Prefunded]:
    """Both ways of it, in the currency that the loop begins with."""
    after, orders = _moves(shipping, found.orders, at), found.orders
    behind = (*orders[1:], orders[0])
    displaced = [replace(move, amount=behind[i].given) for i, move in after.items()]
    prefunded = shipping.prefunded(displaced, found.net_profit, found.size)
    return _transfer(shipping, orders, after), prefunded


def _moves(shipping: Shipping, orders: Sequence[Converted], at: int) -> dict[int, Move]:
    """By the place of the order that brings it: all of what that brings, worth what the orders up
    to there have paid for it."""
    found, rate = {}, 1.0
    for i, (order, following) in enumerate(zip(orders, (*orders[1:], orders[0]), strict=True)):
        rate *= order.given / order.got
        if order.exchange.venue != following.exchange.venue:
            source = Place(order.exchange.book, order.exchange.side is Side.ASK)
            target = Place(following.exchange.book, following.exchange.side is Side.BID)
            worth = rate if following is not orders[0] else 1.0
            found[i] = shipping.move(source, target, order.got, worth, at)
    return found


class _Chain(Struct):
    """``made`` orders and ``sent`` moves of a loop, as far as they can be made; then what ``comes``
    of it, and why nothing, if so."""

    made: list[Converted]
    sent: list[Move]
    comes: float = 0.0
    reason: str = ""


def _transfer(
    shipping: Shipping, orders: Sequence[Converted], after: Mapping[int, Move]
) -> Transfer:
    moves = list(after.values())
    told = shipping.told(moves, _sum(move.minutes for move in moves))
    if told.state not in (OPEN, NOT_NEEDED):
        return told
    chain = _chain(orders, after)
    if chain.reason:
        return replace(told, reason=chain.reason)
    placed = tuple(_placed(shipping, chain.made, after))
    risk = _sum(_risk(shipping, each) for each in placed)
    put_in = orders[0].given
    net = chain.comes - put_in
    return replace(
        told,
        moves=tuple(chain.sent),
        orders=placed,
        net_profit=net,
        net_bps=net / put_in * 1e4,
        risk_bps=risk,
        net_after_risk=None if risk is None else net - risk / 1e4 * chain.comes,
    )


def _chain(orders: Sequence[Converted], after: Mapping[int, Move]) -> _Chain:
    done = _Chain([], [])
    amount = orders[0].given
    for i, order in enumerate(orders):
        made = order if amount >= order.given else order.exchange.convert(amount)
        if isinstance(made, Rejection):
            done.reason = f"less than the smallest order on {order.exchange.venue} arrives"
            return done
        done.made.append(made)
        amount = made.got
        if i in after:
            move = replace(after[i], amount=amount)
            done.reason = too_little(move)
            if done.reason:
                return done
            done.sent.append(move)
            amount = less(amount, move.fee or 0.0)
    done.comes = amount
    return done


def _placed(
    shipping: Shipping, made: Sequence[Converted], after: Mapping[int, Move]
) -> Iterator[Placed]:
    minutes: float | None = 0.0
    for i, order in enumerate(made):
        volatility = shipping.transfers.volatility(order.exchange.book)
        yield Placed(size=order.size, minutes=minutes, volatility_bps=volatility)
        if i in after:
            minutes = _sum((minutes, after[i].minutes))


def _risk(shipping: Shipping, order: Placed) -> float | None:
    """What is ordered at once is at the price that is seen."""
    if order.minutes == 0:
        return 0.0
    return shipping.transfers.risk(order.volatility_bps, order.minutes)


def _sum(amounts: Iterable[float | None]) -> float | None:
    """None: one of them is not known."""
    known = 0.0
    for amount in amounts:
        if amount is None:
            return None
        known += amount
    return known
