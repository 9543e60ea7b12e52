"""The size by the kernel is that of ``costs.walk`` on the same ladders, to the last digit."""

from __future__ import annotations

import json
import math
from collections import Counter
from random import Random

from scanner.books.store import BookStore, Keys
from scanner.engine import costs
from scanner.engine.bounds import Bounds
from scanner.engine.conversion import Exchange
from scanner.engine.engine import Engine
from scanner.engine.ids import Ids
from scanner.engine.measure import measure
from scanner.engine.terms import Terms
from scanner.engine.tracker import Thresholds
from scanner.steps import Best, Snapshot
from scanner.types import FeeIn, LevelLayout, Market, Side

KEYS = Keys.of(LevelLayout())
DEEP = 1000
WORLDS = 400


def rows(random: Random, way: int, middle: float) -> bytes:
    price, found = middle * (1 - way * random.uniform(0, 0.02)), []
    for _ in range(random.choice([0, 1, 2, 5, 40])):
        price *= 1 + way * random.uniform(0.00001, 0.002)
        found.append([f"{price:.8f}", f"{random.uniform(0.01, 9):.5f}"])
    return json.dumps(found).encode()


def market(random: Random, venue: str, base: str, quote: str) -> Market:
    inverse = random.random() < 0.2
    return Market(
        venue=venue,
        id=venue,
        symbol=f"{base}/{quote}",
        base=base,
        quote=quote,
        taker_fee=random.choice([0.0, 0.001, 0.0021]),
        buy_fee_in=random.choice(list(FeeIn)),
        sell_fee_in=random.choice(list(FeeIn)),
        inverse=inverse,
        contract_size=10.0 if inverse else random.choice([1.0, 0.1]),
        multiplier=random.choice([1.0, 1000.0]),
    )


def exchange(random: Random, book: int, terms: Terms) -> Exchange | None:
    way = random.choice(["none", "stated", "book", "book"])
    if way == "none":
        return None
    budget = random.choice([math.inf, random.uniform(1, 60)])
    if way == "stated":
        return Exchange(rate=1.001, symbol="USDC/USDT", budget=budget, budget_of="means")
    side = random.choice(list(Side))
    return Exchange(book=book, terms=terms, side=side, budget=budget, budget_of="means")


def test_it_is_the_walk_to_the_last_digit() -> None:
    random, bounds, deep = Random(5), Counter[str](), 0
    for _ in range(WORLDS):
        store = BookStore()
        engine = Engine(store, Thresholds(), Bounds(), Ids(lambda n: 0), lambda event: None)
        places = (("a", "X", "USDT", 10.0), ("b", "X", "USDC", 10.0), ("c", "USDC", "USDT", 1.0))
        traded = []
        for venue, base, quote, middle in places:
            one = market(random, venue, base, quote)
            traded.append(Terms.of(one))
            number = store.add()
            engine.add(number, one)
            text = {"bids": rows(random, -1, middle), "asks": rows(random, 1, middle)}
            store.snapshot(number, Snapshot(market="", sequence=1, **text), keys=KEYS, at=1)
            if random.random() < 0.3:
                price = f"{middle * random.uniform(0.99, 1.01):.5f}"
                best = {"bid_price": price, "bid_size": "3", "ask_price": price, "ask_size": "2"}
                store.best(number, Best(market="", order=2, **best), 1)
        means = exchange(random, 2, traded[2])
        if means is not None and means.book >= 0:
            levels = store.ladder(2, means.side, DEEP)
            means = Exchange(
                book=2, terms=traded[2], side=means.side, levels=levels,
                budget=means.budget, budget_of="means",
            )  # fmt: skip
        caps = costs.Caps(
            random.choice([math.inf, random.uniform(1, 60)]), "spend",
            random.choice([math.inf, random.uniform(0.1, 20)]), "give",
        )  # fmt: skip
        asks, bids = store.ladder(0, Side.ASK, DEEP), store.ladder(1, Side.BID, DEEP)
        expected = costs.walk(asks, bids, traded[0], traded[1], means, caps)
        found, levels_seen = measure(store.context, (0, 1), (traded[0], traded[1]), means, caps)
        assert found == expected
        bounds[expected[1].split(" of ")[-1]] += expected[0] > 0
        short = levels_seen
        if means is not None and means.book >= 0:
            means = Exchange(
                book=2, terms=traded[2], side=means.side, levels=means.levels[:short],
                budget=means.budget, budget_of="means",
            )  # fmt: skip
        enough = costs.walk(asks[:short], bids[:short], traded[0], traded[1], means, caps)
        assert enough == expected
        deep += levels_seen > 16
    assert set(bounds) >= {"edge", "a", "b", "c", "spend", "give", "means"}
    assert min(bounds.values()) >= 5
    assert deep >= 5
