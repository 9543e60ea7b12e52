"""What became of each flag, against books that are kept apart and exact fractions.

All that was ever shown is kept. Each figure that is told is reckoned again from what stood at the
flag and its delay, by the slow oracles, which share nothing with the engine.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from fractions import Fraction as F
from random import Random

import pytest

from scanner.engine.rules import CROSS_QUOTE, LOOP, MULTI, SPOT_SPOT, Rules
from scanner.engine.tracker import Thresholds
from scanner.events import Leg, Opportunity, Survival
from scanner.types import FeeIn, Market
from tests.engine import slow, slow_many
from tests.engine.floor import AT, SECOND, Floor, spot

MS = SECOND // 1000
WORTH = {"B": 100, "E": 10, "U": 1, "V": 1}
SYMBOLS = ("B/U", "B/V", "E/U", "E/B", "V/U")
LESS = "less than its size is shown on "
SMALL = (
    "less comes of it than the smallest order",
    "what the sale brings is less than the smalles",
)
LOST = ("a book is", "the books are too far")
KINDS = (SPOT_SPOT, CROSS_QUOTE, MULTI, LOOP)


def any_market(random: Random, venue: str, symbol: str) -> Market:
    worth = WORTH[symbol.partition("/")[0]]
    return spot(
        venue,
        symbol,
        random.choice([0.0, 0.0005, 0.001]),
        lot=random.choice([0.1, 0.05, 0.02]) / worth,
        min_amount=random.choice([0.0, 1.0 / worth]),
        buy_fee_in=random.choice([FeeIn.QUOTE, FeeIn.BASE]),
        sell_fee_in=FeeIn.QUOTE,
    )


class Past:
    """A floor of three venues, and every book that was shown on it, by time."""

    def __init__(self, seed: int) -> None:
        self.random = random = Random(seed)
        kinds = frozenset(KINDS)
        self.floor = Floor(
            Rules(kinds=kinds, currency="U"), Thresholds(min_net_bps=5.0, update_interval=0)
        )
        self.shown: dict[str, list[tuple[int, slow.Book]]] = {}
        self.markets = {
            f"{venue} {symbol}": any_market(random, venue, symbol)
            for venue in "abc"
            for symbol in SYMBOLS
        }
        for market in self.markets.values():
            self.floor.add(market)

    def show(self, name: str, at: int) -> None:
        random, market = self.random, self.markets[name]
        middle = WORTH[market.base] / WORTH[market.quote] * (1 + random.gauss(0, 0.002))
        sides: dict[str, list[tuple[float, float]]] = {"bids": [], "asks": []}
        for side, way in (("bids", -1), ("asks", 1)):
            price = middle
            for _ in range(3):
                price *= 1 + way * random.uniform(0.0001, 0.001)
                size = round(random.uniform(1, 60)) / WORTH[market.base]
                sides[side].append((round(price, 6), size))
        self.floor.show(name, sides["bids"], sides["asks"], at)
        bids, asks = (
            tuple((slow.exact(p), slow.exact(s)) for p, s in sides[side]) for side in sides
        )
        self.shown.setdefault(name, []).append((at, slow.Book(market, bids, asks)))

    def run(self, seconds: int) -> None:
        for name in self.markets:
            self.show(name, AT)
        at = AT
        while at < AT + seconds * SECOND:
            at += self.random.choice([1, 7, 13, 29, 50]) * MS
            self.show(self.random.choice(list(self.markets)), at)
            if self.random.random() < 0.3:
                self.floor.tick(at)
        self.floor.following.settle(at)

    def then(self, leg: Leg, at: int) -> tuple[int, slow.Book]:
        """What had been shown before that moment, and since when."""
        course = self.shown[f"{leg.venue} {leg.symbol}"]
        return course[bisect_left(course, at, key=lambda entry: entry[0]) - 1]


def legs_of(flag: Opportunity) -> list[Leg]:
    legs = list(flag.legs) or [flag.buy, flag.sell]
    return legs + ([flag.conversion] if flag.conversion else [])


def left(past: Past, flag: Opportunity, at: int) -> tuple[F, F] | str:
    """(net, cost), or the beginning of the reason why that is unknown."""
    there = [past.then(leg, at) for leg in legs_of(flag)]
    since = [time for time, _ in there]
    if at - min(since) > 3 * SECOND or max(since) - min(since) > SECOND:
        return "lost"
    if flag.kind == LOOP:
        return around(flag, [book for _, book in there])
    cost = came = F(0)
    orders = list(flag.legs) or [flag.buy, flag.sell]
    for leg, (_, book) in zip(orders, there, strict=False):
        _, buy_quote, _, sell_quote = slow.factors(book.market)
        levels, size = book.real("asks" if leg.side == "buy" else "bids"), slow.exact(leg.size)
        if size > sum(offered for _, offered in levels):
            return LESS + leg.venue
        worth = slow.take(levels, size)
        if leg.side == "buy":
            cost += worth * buy_quote
        else:
            came += worth * sell_quote
    if flag.conversion is not None:
        hop = slow_many.Hop(there[-1][1], flag.conversion.side == "sell")
        got = through(hop, came)
        if isinstance(got, str):
            return got
        came = got[1]
    return came - cost, cost


def around(flag: Opportunity, books: list[slow.Book]) -> tuple[F, F] | str:
    """The same of a loop: each order takes what the one before it brings."""
    put_in, amount = F(0), given_at_first(flag.legs[0], books[0].market)
    for leg, book in zip(flag.legs, books, strict=True):
        got = through(slow_many.Hop(book, leg.side == "sell"), amount)
        if isinstance(got, str):
            return got
        put_in, amount = put_in or got[0], got[1]
    return amount - put_in, put_in


def given_at_first(leg: Leg, market: Market) -> F:
    """What the flag put in, exactly: its ``size`` is a float, and a hair less is a lot less."""
    _, buy_quote, sell_base, _ = slow.factors(market)
    size = slow.exact(leg.size)
    if leg.side == "sell":
        return size * sell_base
    levels = [(slow.exact(price), slow.exact(offered)) for price, offered in leg.levels]
    return slow.take(levels, size) * buy_quote


def through(hop: slow_many.Hop, amount: F) -> tuple[F, F] | str:
    """(given, got) of an order for the amount in whole lots."""
    if amount > hop.whole:
        return LESS + hop.book.market.venue
    order = hop.order(amount)
    return "small" if isinstance(order, str) else order[1:]


def agrees(one: Survival, expected: tuple[F, F] | str) -> bool:
    if one.net_profit is None:
        beginnings = {"lost": LOST, "small": SMALL}
        return isinstance(expected, str) and one.reason.startswith(
            beginnings.get(expected, expected)
        )
    if isinstance(expected, str):
        return False
    net, cost = expected
    scale = float(cost) * 1e-12
    return one.net_profit == pytest.approx(float(net), rel=1e-9, abs=scale) and (
        one.net_bps == pytest.approx(float(net / cost * 10_000), rel=1e-9, abs=1e-8)
    )


@pytest.mark.parametrize("seed", range(3))
def test_it_is_what_the_books_of_that_moment_say(seed: int) -> None:
    past = Past(seed)
    past.run(6)
    flags = {one.id: one for one in past.floor.said if one.event == "opened"}
    known: Counter[str] = Counter()
    for one in past.floor.survived:
        flag = flags[one.id]
        expected = left(past, flag, flag.at + one.delay_ms * MS)
        assert agrees(one, expected), (one, flag.kind, expected)
        known[flag.kind] += one.net_profit is not None
    assert all(known[kind] > 8 for kind in KINDS), known
