"""What moving the coin does to a purchase on some venues and a sale on others.

Each venue of a purchase has coins too many afterwards, each of a sale too few, and with the money
it is the other way round; what both is bought and sold on one venue needs no move. Which sends how
much to which other is what costs least (``assignment``); of the coin it is the same in both ways.

**Transfer**: all withdrawals are made at once, each takes its fee off, and what arrives is sold, by
lots of each sale, no more on any venue than without. The sales are taken to be made when the last
coin has arrived, so

``risk = z x volatility x sqrt(longest of the moves' minutes / 60)``

with the volatilities of the books that are sold to, each counting as what it brings does: they are
of one coin and move as one, so their deviations add up. The money stays where the coin is sold, as
it does of a pair.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from operator import mul

from msgspec import Struct
from msgspec.structs import replace

from scanner.engine.allocation import Part, Result
from scanner.engine.assignment import Route, assign
from scanner.engine.costs import less
from scanner.engine.shipping import Shipping, too_little
from scanner.engine.terms import exact, value
from scanner.engine.transfers import Place
from scanner.moving import CLOSED, NOT_NEEDED, OPEN, Move, Placed, Prefunded, Transfer


class _Stock(Struct):
    """What of a currency a trade brings to a venue (below zero: takes from it), at a book there."""

    book: int
    amount: float = 0.0


def of_multi(shipping: Shipping, found: Result, at: int) -> tuple[Transfer, Prefunded]:
    """Both ways of it, in the quote of the orders."""
    coins, money = _coins(found), _money(found)
    prices = {_venue(part): _price(part) for part in reversed(found.buys)}
    moved = _moves(shipping, coins, True, prices, at)
    back = _moves(shipping, money, False, {}, at)
    paid = math.fsum(_paid(part) for part in found.buys)
    prefunded = shipping.prefunded((*moved, *back), found.net_profit, paid)
    return _transfer(shipping, found, _all_sent(coins, moved), paid), prefunded


def _coins(found: Result) -> dict[str, _Stock]:
    """Net base by venue."""
    stocks: dict[str, _Stock] = {}
    for part in found.buys:
        _at(stocks, part).amount += part.size * part.offer.terms.buy_base
    for part in found.sells:
        _at(stocks, part).amount -= part.size * part.offer.terms.sell_base
    return stocks


def _money(found: Result) -> dict[str, _Stock]:
    """Quote by venue, fees included."""
    stocks: dict[str, _Stock] = {}
    for part in found.buys:
        _at(stocks, part).amount -= _paid(part)
    for part in found.sells:
        _at(stocks, part).amount += _brings(part, part.size)
    return stocks


def _moves(
    shipping: Shipping,
    stocks: Mapping[str, _Stock],
    base: bool,
    rates: Mapping[str, float],
    at: int,
) -> list[Move]:
    """From where there is more than before to where there is less, for the lowest fees."""
    sources = [venue for venue, stock in stocks.items() if stock.amount > 0]
    targets = [venue for venue, stock in stocks.items() if stock.amount < 0]
    if not sources or not targets:
        return []

    def move(source: str, target: str, amount: float) -> Move:
        here, there = Place(stocks[source].book, base), Place(stocks[target].book, base)
        return shipping.move(here, there, amount, rates.get(source, 1.0), at)

    shipments = assign(
        [stocks[venue].amount for venue in sources],
        [-stocks[venue].amount for venue in targets],
        [[_route(move(source, target, 0.0)) for target in targets] for source in sources],
    )
    return [move(sources[i], targets[j], amount) for i, j, amount in shipments]


def _route(move: Move) -> Route:
    return Route(
        closed=move.state == CLOSED,
        known=move.state == OPEN,
        fee=move.fee or 0.0,
        least=move.min_withdraw or 0.0,
        minutes=move.minutes,
    )


def _all_sent(coins: Mapping[str, _Stock], moves: Sequence[Move]) -> list[Move]:
    """What lots have left over where the coin is bought goes along with the largest move."""
    left = {venue: stock.amount for venue, stock in coins.items()}
    for move in moves:
        left[move.source] = less(left[move.source], move.amount)
    sent = []
    for move in sorted(moves, key=lambda move: -move.amount):
        more = left.pop(move.source, 0.0)
        sent.append(replace(move, amount=_sum((move.amount, more))))
    return sent


def _transfer(shipping: Shipping, found: Result, moves: Sequence[Move], paid: float) -> Transfer:
    told = shipping.told(moves, _longest(moves))
    if told.state not in (OPEN, NOT_NEEDED):
        return told
    sizes = _sold(found, moves)
    reason = _too_little(found, moves, sizes)
    if reason:
        return replace(told, reason=reason)
    return _sales(shipping, told, found, sizes, paid)


def _longest(moves: Sequence[Move]) -> float | None:
    """None: of one of them it is not known."""
    known = [move.minutes for move in moves if move.minutes is not None]
    return max(known, default=0.0) if len(known) == len(moves) else None


def _too_little(found: Result, moves: Sequence[Move], sizes: Sequence[float]) -> str:
    """What is less than its venue takes; empty: nothing."""
    for move in moves:
        if reason := too_little(move):
            return reason
    for part, size in zip(found.sells, sizes, strict=True):
        if size <= 0 or part.offer.terms.too_small(size, value(part.levels, size)) > 0:
            return f"less than the smallest order on {_venue(part)} arrives"
    return ""


def _sales(
    shipping: Shipping, told: Transfer, found: Result, sizes: Sequence[float], paid: float
) -> Transfer:
    """What all orders leave once the sales are of these sizes."""
    books = [part.offer.book for part in found.sells]
    volatilities = list(map(shipping.transfers.volatility, books))
    brings = list(map(_brings, found.sells, sizes))
    volatility = _mean(volatilities, brings)
    risk = shipping.transfers.risk(volatility, told.minutes) if told.moves else 0.0
    came = math.fsum(brings)
    net = came - paid
    purchases = [Placed(size=part.size, minutes=0.0) for part in found.buys]
    sales = [
        Placed(size=size, minutes=told.minutes, volatility_bps=each)
        for size, each in zip(sizes, volatilities, strict=True)
    ]
    return replace(
        told,
        orders=(*purchases, *sales),
        volatility_bps=volatility,
        net_profit=net,
        net_bps=net / paid * 1e4,
        risk_bps=risk,
        net_after_risk=None if risk is None else net - risk / 1e4 * came,
    )


def _sold(found: Result, moves: Sequence[Move]) -> list[float]:
    """What each sale comes to, of what is bought at its venue and arrives there; the largest
    first."""
    there: defaultdict[str, list[float]] = defaultdict(list)
    for part in found.buys:
        there[_venue(part)].append(part.size * part.offer.terms.buy_base)
    for move in moves:
        there[move.source].append(-move.amount)
        there[move.target].append(less(move.amount, move.fee or 0.0))
    sizes = []
    for part in found.sells:
        terms, venue = part.offer.terms, _venue(part)
        size = min(terms.floor(part.levels, _sum(there[venue]) / terms.sell_base), part.size)
        sizes.append(size)
        there[venue].append(-size * terms.sell_base)
    return sizes


def _mean(each: Sequence[float | None], weights: Sequence[float]) -> float | None:
    known = [one for one in each if one is not None]
    if len(known) < len(each):
        return None
    return math.fsum(map(mul, known, weights)) / math.fsum(weights)


def _sum(amounts: Sequence[float]) -> float:
    """Without the noise of floats, so that what is left of equal amounts is nothing."""
    return float(sum(map(exact, amounts)))


def _at(stocks: dict[str, _Stock], part: Part) -> _Stock:
    return stocks.setdefault(_venue(part), _Stock(part.offer.book))


def _venue(part: Part) -> str:
    return part.offer.terms.market.venue


def _price(part: Part) -> float:
    """What one more of the coin costs, its fee included."""
    terms = part.offer.terms
    return part.levels[0][0] * terms.buy_quote / terms.buy_base


def _paid(part: Part) -> float:
    return value(part.levels, part.size) * part.offer.terms.buy_quote


def _brings(part: Part, size: float) -> float:
    return value(part.levels, size) * part.offer.terms.sell_quote
