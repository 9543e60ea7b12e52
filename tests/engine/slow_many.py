"""Slow oracles of what has more orders than two: every size of every order, in exact fractions.

As ``slow``, they share nothing with the engine but the description of a market.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction as F
from itertools import accumulate, permutations, product

from msgspec import Struct

from tests.engine import slow
from tests.engine.slow import Book, accepts, exact, factors, take


class Best(Struct, frozen=True):
    """The most that any allocation leaves, and one that does: sizes by place among the books."""

    net: F
    bought: tuple[F, ...] = ()
    sold: tuple[F, ...] = ()


def sizes(book: Book, side: str, budget: F | None, lots: int = 60) -> list[tuple[F, F, F]]:
    """(size, net base, quote) of every order that the venue takes and the budget allows; 0 too."""
    market, levels = book.market, book.real(side)
    buy_base, buy_quote, sell_base, sell_quote = factors(market)
    unit, quote = (buy_base, buy_quote) if side == "asks" else (sell_base, sell_quote)
    step = exact(market.lot) * exact(market.contract_size) * exact(market.multiplier)
    whole = sum((size for _, size in levels), F(0))
    found = [(F(0), F(0), F(0))]
    for number in range(1, int(whole // step) + 1):
        size = number * step
        worth = take(levels, size)
        if budget is not None and (worth * quote if side == "asks" else size * unit) > budget:
            break
        if accepts(market, size, worth):
            found.append((size, size * unit, worth * quote))
    assert len(found) <= lots
    return found


def allocation(
    books: Sequence[Book],
    spend: Sequence[F | None],
    give: Sequence[F | None],
    most: F | None = None,
) -> Best:
    """The best of all ways to buy some and sell no more than that, every book on one side or the
    other."""
    best = Best(F(0))
    for roles in product(["asks", "bids"], repeat=len(books)):
        buyers = [i for i, role in enumerate(roles) if role == "asks"]
        sellers = [i for i, role in enumerate(roles) if role == "bids"]
        if buyers and sellers:
            best = max(
                best, _between(books, buyers, sellers, spend, give, most), key=lambda b: b.net
            )
    return best


def _between(
    books: Sequence[Book],
    buyers: Sequence[int],
    sellers: Sequence[int],
    spend: Sequence[F | None],
    give: Sequence[F | None],
    most: F | None,
) -> Best:
    buys = [(F(0), F(0), ())]
    for i in buyers:
        each = sizes(books[i], "asks", spend[i])
        buys = [(n + b, q + c, (*s, (i, x))) for n, q, s in buys for x, b, c in each]
    sells = [(F(0), F(0), ())]
    for i in sellers:
        each = sizes(books[i], "bids", give[i])
        sells = [(n + b, q + c, (*s, (i, x))) for n, q, s in sells for x, b, c in each]
    sells.sort(key=lambda row: row[0])
    nets = [row[0] for row in sells]
    # The best sale for at most so much base.
    top = list(accumulate(sells, lambda a, b: b if b[1] > a[1] else a))
    best = Best(F(0))
    for net, cost, bought in buys:
        if most is not None and cost > most:
            continue
        _, came, sold = top[bisect_right(nets, net) - 1]
        if came - cost > best.net:
            best = Best(came - cost, _spread(bought, len(books)), _spread(sold, len(books)))
    return best


def _spread(chosen: Sequence[tuple[int, F]], count: int) -> tuple[F, ...]:
    found = [F(0)] * count
    for i, size in chosen:
        found[i] = size
    return tuple(found)


class Hop(Struct, frozen=True):
    """One order of a loop: ``sells`` base for quote, or buys it. ``budget``: what may be given."""

    book: Book
    sells: bool
    budget: F | None = None

    def brings(self, amount: F) -> F:
        return take(self._conversion.ladder(), amount)

    @property
    def _conversion(self) -> slow.Conversion:
        return slow.Conversion(self.book, self.sells)

    @property
    def whole(self) -> F:
        """All that can be given."""
        return sum((size for _, size in self._conversion.ladder()), F(0))

    @property
    def first(self) -> F:
        """What the first unit given brings."""
        return self._conversion.ladder()[0][0]

    def corners(self) -> list[F]:
        """Amounts given at which a level is used up."""
        return list(accumulate(size for _, size in self._conversion.ladder()))

    def needs(self, amount: F) -> F:
        """What has to be given for ``amount``."""
        return slow.spendable([(rate, size) for rate, size in self._conversion.ladder()], amount)

    def order(self, amount: F) -> tuple[F, F, F] | str:
        """(size, given, got) in whole lots for at most ``amount``, or what is in the way."""
        _, buy_quote, sell_base, _ = factors(self.book.market)
        levels = self.book.real("bids" if self.sells else "asks")
        if self.sells:
            size = slow.lots_of(self.book.market, levels, amount / sell_base)
        else:
            money = slow.spendable(levels, amount / buy_quote)
            size = slow.lots_of(self.book.market, levels, money)
        return self._sized(size, levels)

    def least(self, amount: F) -> tuple[F, F, F] | str:
        """The same for at least ``amount`` of what it brings."""
        buy_base, _, _, sell_quote = factors(self.book.market)
        levels = self.book.real("bids" if self.sells else "asks")
        size = slow.spendable(levels, amount / sell_quote) if self.sells else amount / buy_base
        return self._sized(slow.lots_of(self.book.market, levels, size, up=True), levels)

    def _sized(self, size: F, levels: Sequence[slow.Level]) -> tuple[F, F, F] | str:
        buy_base, buy_quote, sell_base, sell_quote = factors(self.book.market)
        worth = take(levels, size)
        if not size:
            return "lot"
        if not accepts(self.book.market, size, worth):
            return "size"
        if self.sells:
            return size, size * sell_base, worth * sell_quote
        return size, worth * buy_quote, size * buy_base


class Round(Struct, frozen=True):
    """What a loop comes to: sizes in base of each order."""

    put_in: F
    net: F
    sizes: tuple[F, ...]


def loop(hops: Sequence[Hop], most: F | None = None) -> Round | str:
    """The profit at every point where its slope can change, the best of them in lots."""
    if not all(hop.whole for hop in hops):
        return "fees"

    def back(amount: F) -> F:
        for hop in hops:
            amount = hop.brings(amount)
        return amount

    limits = [(hop.whole, False) for hop in hops]
    limits += [(hop.budget, True) for hop in hops if hop.budget is not None]
    points: list[F] = []
    bounds: list[tuple[F, bool]] = [] if most is None else [(most, True)]
    for i, hop in enumerate(hops):
        for corner, capped in [
            *((corner, False) for corner in hop.corners()),
            *([(hop.budget, True)] if hop.budget is not None else []),
        ]:
            amount, reached = corner, True
            for before in reversed(hops[:i]):
                there = sum((rate * size for rate, size in before._conversion.ladder()), F(0))
                reached = reached and amount <= there
                amount = before_needs(before, min(amount, there))
            points.append(amount)
            if capped and reached:
                bounds.append((amount, True))
            elif corner == hop.whole and reached:
                bounds.append((amount, False))
    least = min(bounds)[0]
    if sum(bound == least for bound, _ in bounds) > 1:
        raise slow.Tie
    chosen = {point for point in points if point < least} | {least, F(0)}
    ranked = sorted(((back(point) - point, -point) for point in chosen), reverse=True)
    size = -ranked[0][1]
    if len(ranked) > 1 and abs(ranked[0][0] - ranked[1][0]) <= slow.SMALL * max(chosen):
        raise slow.Tie
    capped = dict(bounds)[least] and size == least
    if size == 0:
        return "capital" if capped else "fees"
    orders: list[tuple[F, F, F]] = []
    amount = size
    for hop in hops:
        order = hop.order(amount)
        if isinstance(order, str):
            return "capital" if capped else order
        orders.append(order)
        amount = order[2]
    for i in range(len(hops) - 2, -1, -1):
        less = hops[i].least(orders[i + 1][1])
        if not isinstance(less, str) and less[1] < orders[i][1]:
            orders[i] = less
    net = orders[-1][2] - orders[0][1]
    if net <= 0:
        return "lot"
    return Round(orders[0][1], net, tuple(order[0] for order in orders))


def before_needs(hop: Hop, amount: F) -> F:
    """What has to be given for ``amount`` of what the hop brings."""
    given = F(0)
    for rate, size in hop._conversion.ladder():
        part = min(size, amount / rate)
        given += part
        amount -= part * rate
        if amount == 0:
            return given
    raise AssertionError("more than there is")


def cycles(currencies: Sequence[str], length: int) -> set[tuple[str, ...]]:
    """Every way through up to ``length`` of them and back, each once, from its first name on."""
    return {
        way
        for count in range(2, length + 1)
        for way in permutations(currencies, count)
        if way[0] == min(way)
    }
