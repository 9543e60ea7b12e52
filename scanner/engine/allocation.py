"""What to buy on which venues and sell on which others, at once: the allocation that leaves most.

Without lots and minimums the best of it is a walk over all ladders merged: the cheapest ask against
the dearest bid, each after its fee, while that pays (``costs.walk`` on two ladders of many venues).
What a venue's budget does not pay for is no part of its ladder.

Lots, orders under their minimum, and pairs of books that may not trade with each other make it a
search (branch and bound): one of two books is left out; an order is left out, or made as large as
it must be; it has at most so many lots, or one more. The walk leaves no less than any answer
within the same bounds does. So a search in the order of what walks leave ends with the best
answer; it ends before that when no other could leave noticeably more. What is found on the way is
made better lot by lot (``polish``), and orders that add next to nothing are left out of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from heapq import heappop, heappush
from itertools import count, product

from msgspec import Struct
from msgspec.structs import replace

from scanner.engine.costs import EDGE, LOT, LOT_SHARE, reached
from scanner.engine.gates import Gate, Rejection
from scanner.engine.orders import NOISE, Offer, Order, settle
from scanner.engine.polish import Limits, polish, profit
from scanner.engine.terms import Level, ceil, value

# So many choices are looked at, and none more if the best could leave no more than this part above
# what was found.
MOST_CHOICES, ENOUGH = 40, 1e-3
# An order adds at least this part of the profit, or is left out.
SHARE = 0.01
DEPTH, MAX_TRADE = "depth", "max_trade"

# Whether it is free to be left, price for one of net base (of bids below zero), how much, place.
Piece = tuple[bool, float, float, int]
LOST: Piece = (True, 0.0, math.inf, -1)
# Why what is bought at the one book may not be sold at the other.
Apart = Callable[[int, int], Gate | None]


class Part(Struct, frozen=True):
    """One order of an allocation: ``size`` in base of the offer, at the levels that it reaches."""

    offer: Offer
    size: float
    levels: tuple[Level, ...]


class Result(Struct, frozen=True):
    """``buys`` and ``sells``, the largest first. The rest in quote or bps, as in
    ``scanner.events.Opportunity``; ``size`` is all that is bought."""

    buys: tuple[Part, ...]
    sells: tuple[Part, ...]
    size: float
    gross_bps: float
    net_bps: float
    net_profit: float
    bound: str
    unrounded: float


class _Choice(Struct, frozen=True):
    """A part of all answers: by place (of the buyers, then of the sellers) the sizes that an order
    has at least and at most; 0 at most: it is left out. ``before`` is the same without what was
    chosen for lots; None: nothing was."""

    least: dict[int, float] = {}
    most: dict[int, float] = {}
    before: _Choice | None = None

    def at_least(self, place: int, size: float) -> _Choice:
        before = self.before and self.before.at_least(place, size)
        return _Choice({**self.least, place: size}, self.most, before)

    def at_most(self, place: int, size: float) -> _Choice:
        before = self.before and self.before.at_most(place, size)
        return _Choice(self.least, {**self.most, place: size}, before)

    def in_lots(self, place: int, low: float, high: float) -> tuple[_Choice, _Choice]:
        """The order has ``low`` at most, or ``high`` at least."""
        before = self.before or self
        return (
            replace(self.at_most(place, low), before=before),
            replace(self.at_least(place, high), before=before),
        )


class _Walked(Struct, frozen=True):
    """The best of a choice without lots: net base by place, what it leaves, what ended it."""

    sizes: dict[int, float]
    profit: float
    bound: str


def best(
    buyers: Sequence[Offer],
    sellers: Sequence[Offer],
    apart: Apart,
    most: float = math.inf,
    *,
    choices: int = MOST_CHOICES,
    enough: float = ENOUGH,
    share: float = SHARE,
) -> Result | Rejection:
    """The allocation that leaves most, or what is in its way. ``apart`` says why what is bought at
    one book may not be sold at another; ``most``: quote that all purchases together may cost;
    ``share``: the part of the profit that all orders that are left out may have added."""
    search = _Search(buyers, sellers, apart, most, share)
    found = search.run(choices, 1 + enough)
    return search.trimmed(found) if isinstance(found, Result) and share else found


class _Search:
    def __init__(
        self,
        buyers: Sequence[Offer],
        sellers: Sequence[Offer],
        apart: Apart,
        most: float,
        share: float,
    ) -> None:
        self._offers = [*buyers, *sellers]
        self._buyers = len(buyers)
        self._apart = apart
        self._most = most
        self._share = share
        # What the orders have to leave to be worth polishing.
        self._ahead = -math.inf
        self._bounds: Limits | None = None
        self._pieces = [offer.pieces(buys=i < len(buyers)) for i, offer in enumerate(self._offers)]
        self._refused: Rejection | None = None

    def run(self, choices: int, noticeable: float) -> Result | Rejection:
        found: Result | None = None
        numbers = count()
        waiting: list[tuple[float, int, _Choice, _Walked]] = []

        def add(choice: _Choice) -> None:
            walked = self._walk(choice)
            if walked is not None and walked.profit > (found.net_profit if found else 0.0):
                heappush(waiting, (-walked.profit, next(numbers), choice, walked))

        add(_Choice())
        if not waiting:
            return Rejection(Gate.FEES)
        for _ in range(choices):
            if not waiting or (found and -waiting[0][0] <= found.net_profit * noticeable):
                break
            _, _, choice, walked = heappop(waiting)
            result = self._rounded(choice, walked)
            if result is not None and (found is None or result.net_profit > found.net_profit):
                found = result
                self._ahead = found.net_profit
            for narrower in self._narrower(choice, walked):
                add(narrower)
        return found or self._refused or Rejection(Gate.LOT)

    def trimmed(self, found: Result) -> Result:
        """Without the orders, the smallest first, that add next to nothing."""
        least = found.net_profit * (1 - self._share)
        self._ahead = -math.inf
        without = _Choice()
        for place in self._places(found):
            choice = without.at_most(place, 0.0)
            walked = self._walk(choice)
            left = self._rounded(choice, walked) if walked and walked.profit >= least else None
            if left is None or left.net_profit < least:
                continue
            if len(left.buys) + len(left.sells) < len(found.buys) + len(found.sells):
                found, without = left, choice
        return found

    def _places(self, found: Result) -> list[int]:
        """Of its orders, the smallest first."""
        sizes = {(True, part.offer.book): part.size for part in found.buys}
        sizes |= {(False, part.offer.book): part.size for part in found.sells}
        places = {
            place: sizes.get((place < self._buyers, offer.book), 0.0)
            for place, offer in enumerate(self._offers)
        }
        return sorted((place for place in places if places[place] > 0), key=places.__getitem__)

    def _walk(self, choice: _Choice) -> _Walked | None:
        """None: what must be had cannot be."""
        asks: list[Piece] = []
        bids: list[Piece] = []
        for place, pieces in enumerate(self._pieces):
            buys = place < self._buyers
            unit = self._offers[place].unit(buys=buys)
            must = choice.least.get(place, 0.0) * unit
            left = choice.most.get(place, math.inf) * unit
            sign, side = (1, asks) if buys else (-1, bids)
            for price, size in pieces:
                take = min(size, left)
                first = min(must, take)
                if first > 0:
                    side.append((False, sign * price, first, place))
                if take > first:
                    side.append((True, sign * price, take - first, place))
                must, left = must - first, left - take
            if must > NOISE * choice.least.get(place, 0.0) * unit:
                return None
        return _merged(sorted(asks), sorted(bids), self._most)

    def _rounded(self, choice: _Choice, walked: _Walked) -> Result | None:
        """An answer near the walk, in whole lots; None: it breaks a rule, or leaves nothing."""
        orders = []
        for place, offer in enumerate(self._offers):
            buys = place < self._buyers
            least = choice.least.get(place, 0.0)
            size = walked.sizes.get(place, 0.0) / offer.unit(buys=buys)
            orders.append(Order(offer, buys, max(offer.terms.floor((), size), least), least))
        buys_, sells = orders[: self._buyers], orders[self._buyers :]
        if not settle(buys_, sells):
            return None
        if profit(orders) > self._ahead:
            polish(orders, self._limits(choice))
        used = [place for place, order in enumerate(orders) if order.size > 0]
        if any(orders[place].too_small() > 0 for place in used):
            return None
        if any(self._between(*route) for route in self._routes(used)):
            return None
        # what was chosen for lots is no bound of the walk, though it ends there
        free = self._walk(choice.before) if choice.before else None
        return self._result(buys_, sells, free or walked)

    def _limits(self, choice: _Choice) -> Limits:
        """What is left out stays so."""
        if self._bounds is None:
            sides = [(each, i < self._buyers) for i, each in enumerate(self._offers)]
            least = [offer.least(buys=buys) for offer, buys in sides]
            largest = [
                math.fsum(size for _, size in pieces) / offer.unit(buys=buys)
                for pieces, (offer, buys) in zip(self._pieces, sides, strict=True)
            ]
            self._bounds = Limits(least, largest, self._most, self._share, self._may)
        left_out = [place for place, size in choice.most.items() if size == 0.0]
        if not left_out:
            return self._bounds
        largest = list(self._bounds.largest)
        for place in left_out:
            largest[place] = 0.0
        return replace(self._bounds, largest=largest)

    def _may(self, buy: Order, sell: Order) -> bool:
        return self._apart(buy.offer.book, sell.offer.book) is None

    def _narrower(self, choice: _Choice, walked: _Walked) -> Iterator[_Choice]:
        """The choices that are left where the walk breaks a rule; none: it breaks none."""
        used = [place for place, net in walked.sizes.items() if net > 0]
        for route in self._routes(used):
            gate = self._between(*route)
            if gate is not None:
                self._refuse(gate)
                yield from (choice.at_most(place, 0.0) for place in route)
                return
        for place in used:
            offer, buys = self._offers[place], place < self._buyers
            size = walked.sizes[place] / offer.unit(buys=buys)
            least = offer.least(buys=buys)
            if size < least * (1 - NOISE):
                self._refuse(Gate.SIZE, (1 - size / least) * 1e4)
                yield choice.at_most(place, 0.0)
                if math.isfinite(least):
                    yield choice.at_least(place, least)
                return
        for place in used:
            offer = self._offers[place]
            size = walked.sizes[place] / offer.unit(buys=place < self._buyers)
            low, high = offer.terms.floor((), size), ceil(size, offer.terms.step)
            if low < high:
                yield from choice.in_lots(place, low, high)
                return

    def _routes(self, used: Sequence[int]) -> Iterator[tuple[int, int]]:
        buyers = [place for place in used if place < self._buyers]
        return product(buyers, (place for place in used if place >= self._buyers))

    def _between(self, buy: int, sell: int) -> Gate | None:
        return self._apart(self._offers[buy].book, self._offers[sell].book)

    def _refuse(self, gate: Gate, missing: float = 0.0) -> None:
        self._refused = self._refused or Rejection(gate, missing)

    def _result(
        self, bought_in: Sequence[Order], sold_in: Sequence[Order], walked: _Walked
    ) -> Result | None:
        buys, sells = _parts(bought_in), _parts(sold_in)
        paid = math.fsum(value(each.levels, each.size) for each in buys)
        received = math.fsum(value(each.levels, each.size) for each in sells)
        cost = math.fsum(order.quote for order in bought_in)
        net = math.fsum(order.quote for order in sold_in) - cost
        if not buys or net <= 0:
            return None
        bought = math.fsum(each.size for each in buys)
        sold = math.fsum(each.size for each in sells)
        unrounded = math.fsum(
            walked.sizes.get(place, 0.0) / self._offers[place].unit(buys=True)
            for place in range(self._buyers)
        )
        return Result(
            buys,
            sells,
            bought,
            (received * (bought / sold) - paid) / paid * 1e4,
            net / cost * 1e4,
            net,
            LOT if bought < (1 - LOT_SHARE) * unrounded else self._bound(walked),
            unrounded,
        )

    def _bound(self, walked: _Walked) -> str:
        """What ended the size: the budget of a venue whose next unit would still have paid, or what
        ended the walk."""
        if walked.bound == MAX_TRADE:
            return MAX_TRADE
        ends = [
            (offer, pieces, place < self._buyers)
            for place, (offer, pieces) in enumerate(zip(self._offers, self._pieces, strict=True))
            if offer.is_cut(pieces, buys=place < self._buyers)
            and walked.sizes.get(place, 0.0) >= math.fsum(size for _, size in pieces) > 0
        ]
        return ends[0][0].budget_of if ends else walked.bound


def _merged(asks: Sequence[Piece], bids: Sequence[Piece], spend: float) -> _Walked | None:
    """The walk over both, what must be had first; what must be bought and cannot be sold is
    lost."""
    sizes: dict[int, float] = {}
    i = j = 0
    gains: list[float] = []
    ask_left = asks[0][2] if asks else 0.0
    bid_left = bids[0][2] if bids else 0.0
    bound = DEPTH
    while i < len(asks) and (j < len(bids) or not asks[i][0]):
        ask_free, ask, _, buyer = asks[i]
        bid_free, bid, _, seller = bids[j] if j < len(bids) else LOST
        if j == len(bids):
            bid_left = math.inf
        if ask_free and bid_free and -bid <= ask:
            bound = EDGE
            break
        take = min(ask_left, bid_left, spend / ask)
        sizes[buyer] = sizes.get(buyer, 0.0) + take
        if seller >= 0:
            sizes[seller] = sizes.get(seller, 0.0) + take
        gains.append(take * (-bid - ask))
        if take == spend / ask:
            bound = MAX_TRADE
            break
        spend -= take * ask
        used = take == ask_left, take == bid_left
        ask_left, bid_left = ask_left - take, bid_left - take
        if used[0] or ask_left <= 0:
            i += 1
            ask_left = asks[i][2] if i < len(asks) else 0.0
        if j < len(bids) and (used[1] or bid_left <= 0):
            j += 1
            bid_left = bids[j][2] if j < len(bids) else 0.0
    if (i < len(asks) and not asks[i][0]) or (j < len(bids) and not bids[j][0]):
        return None
    return _Walked(sizes, math.fsum(gains), bound)


def _parts(orders: Sequence[Order]) -> tuple[Part, ...]:
    parts = [
        Part(order.offer, order.size, reached(order.offer.levels, order.size))
        for order in orders
        if order.size > 0
    ]
    return tuple(sorted(parts, key=lambda part: (-part.size, part.offer.book)))
