"""Moves of a trade of many orders: each as it is told, and what all of them come to."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from scanner.engine.legs import Traded
from scanner.engine.transfers import Place, Transfers
from scanner.moving import CLOSED, NOT_NEEDED, OPEN, UNKNOWN, Move, Prefunded, Transfer

ONE_VENUE = "all of it is on one venue"


class Shipping:
    """Writes them down; ``traded`` by the number of the book."""

    def __init__(self, transfers: Transfers, traded: Mapping[int, Traded]) -> None:
        self.transfers = transfers
        self.traded = traded

    def move(self, source: Place, target: Place, amount: float, rate: float, at: int) -> Move:
        """``amount`` of what is in the one wallet to the other, at what one of it is worth."""
        found = self.transfers.between(source, target, at)
        market, other = (self.traded[place.book].terms.market for place in (source, target))
        unit = market.multiplier if source.base else 1.0
        return Move(
            currency=market.base if source.base else market.quote,
            amount=amount,
            source=market.venue,
            target=other.venue,
            state=found.state,
            reason=found.reason,
            network=found.network,
            fee=None if found.fee is None else found.fee * unit,
            min_withdraw=None if found.least is None else found.least * unit,
            minutes=found.minutes,
            listed_at=found.listed_at,
            rate=rate,
        )

    def told(self, moves: Sequence[Move], minutes: float | None) -> Transfer:
        """How they are made within the trade, whatever comes of it; all of them take ``minutes``
        (None: not known)."""
        state, reason = together(moves)
        rules = self.transfers.rules
        return Transfer(
            state=state,
            reason=reason,
            minutes=minutes,
            listed_at=oldest(moves),
            z=rules.z,
            moves=tuple(moves),
            asked=rules.withdrawn,
        )

    def prefunded(self, moves: Sequence[Move], net: float, paid: float) -> Prefunded:
        """What making all of them once in a while costs each trade, which leaves ``net`` and costs
        ``paid``."""
        state, reason = together(moves)
        trades = self.transfers.rules.trades
        cost = rebalance(moves, trades)
        left = None if cost is None else net - cost
        return Prefunded(
            trades=trades,
            state=state,
            reason=reason,
            trade_profit=net,
            cost=cost,
            net_profit=left,
            net_bps=None if left is None else left / paid * 1e4,
            moves=tuple(moves),
        )


def together(moves: Sequence[Move]) -> tuple[str, str]:
    """Whether all can be made, and what is in the way of it: closed if one of them is for certain,
    unknown if that is not known of one."""
    if not moves:
        return NOT_NEEDED, ONE_VENUE
    for state in (CLOSED, UNKNOWN):
        for move in moves:
            if move.state == state:
                return state, f"{route(move)}: {move.reason}"
    return OPEN, ""


def route(move: Move) -> str:
    """What is moved, from where and to where."""
    return f"{move.currency} from {move.source} to {move.target}"


def rebalance(moves: Sequence[Move], trades: int) -> float | None:
    """What all fees come to, a trade, in the opportunity's currency; None: one is not known."""
    worth = []
    for move in moves:
        if move.state != OPEN or move.fee is None:
            return None
        worth.append(move.fee * move.rate)
    return math.fsum(worth) / trades


def too_little(move: Move) -> str:
    """Why it cannot be made, though it is open; empty: it can."""
    if move.min_withdraw is None or move.amount >= move.min_withdraw:
        return ""
    return f"{route(move)}: less than the smallest withdrawal"


def oldest(moves: Sequence[Move]) -> int:
    """When the oldest of the venues' lists said so, ns (0: the user says all of it)."""
    return min((move.listed_at for move in moves if move.listed_at), default=0)
