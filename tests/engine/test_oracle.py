"""The engine against the slow oracle, on random books: same size, same profit, same gate."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction as F
from itertools import permutations
from random import Random

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from scanner.books.store import BookStore, Keys
from scanner.engine import costs
from scanner.engine.band import band
from scanner.engine.bounds import Bounds
from scanner.engine.conversion import Exchange
from scanner.engine.engine import Engine
from scanner.engine.gates import Rejection
from scanner.engine.ids import Ids
from scanner.engine.rules import CROSS_QUOTE, SPOT_SPOT, Amount, Moving, Rules
from scanner.engine.terms import Terms
from scanner.engine.tracker import Thresholds
from scanner.events import Opportunity
from scanner.steps import Snapshot
from scanner.types import FeeIn, LevelLayout, Market, Network, Side, Wallet
from tests.engine import slow
from tests.repeats import repeats

KEYS = Keys.of(LevelLayout())
AT = 1_000_000_000
FEES = [0.0, 0.001, 0.00075, 0.0021, -0.0002]
MIN_BPS = 10.0123  # no fraction of these books is that


def market(random: Random, venue: str, symbol: str) -> Market:
    base, quote = symbol.split("/")
    inverse = random.random() < 0.15
    return Market(
        venue=venue,
        id=symbol,
        symbol=symbol,
        base=base,
        quote=quote,
        taker_fee=random.choice(FEES),
        lot=random.choice([0.0, 0.001, 0.001, 0.01, 0.003, 0.5]),
        min_amount=random.choice([0.0, 0.0, 0.02, 1.0]),
        min_notional=random.choice([0.0, 0.0, 5.0, 60.0]),
        buy_fee_in=random.choice(list(FeeIn)),
        sell_fee_in=random.choice(list(FeeIn)),
        inverse=inverse,
        contract_size=random.choice([10.0, 1.0] if inverse else [1.0, 1.0, 0.1]),
        multiplier=random.choice([1.0, 1.0, 1000.0]),
        wallet=wallet(random),
        quote_wallet=wallet(random),
    )


def wallet(random: Random) -> Wallet:
    """Of a small fee, in the unit of the venue."""
    fee = random.choice([0.0, 0.0001, 0.002, 0.05, 0.3])
    return Wallet(networks=(Network(name="N", deposit=True, withdraw=True, fee=fee),))


def book(random: Random, market: Market, middle: F) -> slow.Book:
    """Around ``middle``, in quote for one of base; written as the venue would."""
    tick = F(1, 10**7) * 10 ** len(str(int(middle * 1000)))
    price = round(middle / tick) * tick
    sides: dict[str, list[slow.Level]] = {"bids": [], "asks": []}
    for name, way in (("bids", -1), ("asks", 1)):
        at = price + way * tick
        for _ in range(random.choice([0, 1, 2, 3, 4, 4, 4])):
            size = F(random.randint(1, 5000), 1000)
            if market.inverse:
                size *= 100
            sides[name].append((at * slow.exact(market.multiplier), size))
            at += way * tick * random.randint(1, 6)
    return slow.Book(market, tuple(sides["bids"]), tuple(sides["asks"]))


def shown(levels: Sequence[slow.Level]) -> list[tuple[float, float]]:
    return [(float(price), float(size)) for price, size in levels]


def compare(found: costs.Result | Rejection, expected: slow.Done | str) -> None:
    if isinstance(expected, str):
        assert isinstance(found, Rejection), expected
        assert found.gate.value == expected
        return
    assert isinstance(found, costs.Result), (found, expected)
    assert found.size == pytest.approx(float(expected.bought), rel=1e-9)
    assert found.sold == pytest.approx(float(expected.sold), rel=1e-9)
    cost = float(expected.net / expected.net_bps * 10_000)
    assert found.net_profit == pytest.approx(float(expected.net), rel=1e-9, abs=1e-12 * cost)
    assert found.net_bps == pytest.approx(float(expected.net_bps), rel=1e-9, abs=1e-8)
    assert found.gross_bps == pytest.approx(float(expected.gross_bps), rel=1e-9, abs=1e-8)


def real(book: slow.Book, side: str) -> list[tuple[float, float]]:
    """As the store gives it out."""
    terms = Terms.of(book.market)
    levels = []
    for price, size in shown(getattr(book, side)):
        unit = price * terms.price_scale
        scaled = size * terms.size_scale
        levels.append((unit, scaled / unit if book.market.inverse else scaled))
    return levels


Route = tuple[slow.Book, slow.Book, slow.Conversion | None, slow.Means]


def cap(random: Random) -> F | None:
    return F(random.randint(1, 99_999), 100) if random.random() < 0.2 else None


def route(random: Random) -> Route:
    """One that is likely to pay."""
    across = random.random() < 0.6
    buy = book(random, market(random, "a", "X/Q"), F(random.randint(9_880, 10_000), 100))
    sell_market = market(random, "b", "X/R" if across else "X/Q")
    sell = book(random, sell_market, F(random.randint(9_990, 10_300), 100))
    conversion = None
    if across:
        symbol = random.choice(["R/Q", "Q/R", "R/Q", "Q/R", ""])
        if symbol:
            there = book(random, market(random, "c", symbol), F(random.randint(990, 1010), 1000))
            conversion = slow.Conversion(there, symbol == "R/Q")
        else:
            conversion = slow.Conversion(stated=F(random.randint(99, 102), 100))
    budget = cap(random) if conversion and conversion.book else None
    gone = F(random.randint(1, 800), 1000) if random.random() < 0.4 else F(0)
    return buy, sell, conversion, slow.Means(cap(random), cap(random), budget, gone)


def exchange(conversion: slow.Conversion | None, means: slow.Means) -> Exchange | None:
    if conversion is None:
        return None
    if conversion.book is None:
        return Exchange(rate=float(conversion.stated or 0), symbol="R/Q")
    side = "bids" if conversion.sells else "asks"
    budget = float("inf") if means.convert is None else float(means.convert)
    return Exchange(
        book=2,
        terms=Terms.of(conversion.book.market),
        side=Side.BID if conversion.sells else Side.ASK,
        levels=real(conversion.book, side),
        budget=budget,
        budget_of="capital on c",
    )


@settings(max_examples=repeats(200, 1500), deadline=None)
@given(st.randoms(use_true_random=True))
def test_the_exact_computation_agrees(random: Random) -> None:
    buy, sell, conversion, means = chosen = route(random)
    try:
        expected = slow.solve(*chosen)
    except slow.Tie:
        assume(False)
    event(expected if isinstance(expected, str) else "trade")
    caps = costs.Caps(
        float("inf") if means.spend is None else float(means.spend),
        "capital on a",
        float("inf") if means.give is None else float(means.give),
        "capital on b",
    )
    found = costs.evaluate(
        real(buy, "asks"),
        real(sell, "bids"),
        Terms.of(buy.market),
        Terms.of(sell.market),
        exchange(conversion, means),
        caps,
        float(means.withdrawal),
    )
    compare(found, expected)


@settings(max_examples=repeats(80, 1000), deadline=None)
@given(st.randoms(use_true_random=True))
def test_the_sizes_that_pay_a_withdrawal_agree(random: Random) -> None:
    buy, sell, conversion, means = route(random)
    means = replace(means, give=None, withdrawal=F(random.randint(0, 400), 1000))
    try:
        expected = slow.paying(buy, sell, conversion, means)
        points = slow.course(buy, sell, conversion, means).points if expected else []
    except slow.Tie:
        assume(False)
    assume(not expected or max(profit for _, profit in points) > F(1, 10**6))
    event("some" if expected else "none")
    asks, bids = real(buy, "asks"), real(sell, "bids")
    found = band(
        asks,
        bids,
        Terms.of(buy.market),
        Terms.of(sell.market),
        exchange(conversion, means),
        float(means.withdrawal),
        float("inf") if means.spend is None else float(means.spend),
    )
    if expected is None:
        assert found is None or found.most - found.least < 1e-6
        return
    assert found is not None
    assert found.least == pytest.approx(float(expected[0]), rel=1e-9, abs=1e-9)
    assert found.most == pytest.approx(float(expected[1]), rel=1e-9)
    used = sum(size for _, size in asks[: found.levels[0]])
    assert used >= found.most * (1 - 1e-9)
    assert sum(size for _, size in asks[: found.levels[0] - 1]) <= found.most * (1 + 1e-9)


class Floor:
    """Up to six venues, each with some of X/Q, X/R and R/Q, as the engine and the oracle see
    them."""

    def __init__(self, random: Random) -> None:
        self.said: list[Opportunity] = []
        self.store = BookStore()
        venues = [f"v{i}" for i in range(random.randint(2, 6))]
        self.rules = Rules(
            kinds=frozenset({SPOT_SPOT, CROSS_QUOTE}),
            currency="Q",
            assumed={("R", "Q"): 0.998, ("Q", "R"): 1.01} if random.random() < 0.1 else {},
            capital={venue: amount(random) for venue in venues if random.random() < 0.4},
            max_trade=amount(random) if random.random() < 0.2 else Amount(),
            moving=Moving(withdrawn=random.random() < 0.3),
        )
        self.engine = Engine(
            self.store,
            Thresholds(min_net_bps=MIN_BPS, close_ratio=1.0, update_interval=0),
            Bounds(),
            Ids(lambda n: 0),
            self.said.append,
            self.rules,
        )
        self.books: list[slow.Book] = []
        for venue in venues:
            for symbol, middle in (("X/Q", F(100)), ("X/R", F(100)), ("R/Q", F(1))):
                if random.random() < 0.6:
                    near = middle * F(random.randint(9_950, 10_050), 10_000)
                    self.books.append(book(random, market(random, venue, symbol), near))
        random.shuffle(self.books)
        for number, each in enumerate(self.books):
            self.store.add()
            self.engine.add(number, each.market)

    def show(self) -> None:
        """Every book comes, and changes once more when all that prices it is there."""
        for number, each in 2 * list(enumerate(self.books)):
            step = Snapshot(market="", bids=text(each.bids), asks=text(each.asks), sequence=1)
            self.store.snapshot(number, step, KEYS, AT)
            self.engine.updated(number, AT)
        self.engine.tick(AT)

    def converters(self, have: str, want: str) -> list[slow.Conversion]:
        stated = self.rules.assumed.get((have, want))
        if stated:
            return [slow.Conversion(stated=slow.exact(stated))]
        sells = have == "R"
        there = [each for each in self.books if each.market.base == "R"]
        return [slow.Conversion(each, sells) for each in there if each.bids and each.asks]

    def worth(self, have: str, want: str) -> F | None:
        """The best price of one in the other, after the fee, at the touch."""
        if have == want:
            return F(1)
        return max((one.ladder()[0][0] for one in self.converters(have, want)), default=None)

    def bounded(self, amount: Amount | None, currency: str) -> F | None:
        """The most of a currency that the amount allows; None: no bound."""
        if amount is None:
            return None
        bounds = []
        if currency in amount.by_currency:
            bounds.append(slow.exact(amount.by_currency[currency]))
        if amount.worth < float("inf"):
            price = self.worth(currency, "Q")
            bounds.append(slow.exact(amount.worth) / price if price else F(0))
        return min(bounds, default=None)

    def expected(self, buy: slow.Book, sell: slow.Book) -> slow.Done | str:
        here, there = buy.market, sell.market
        if not (buy.bids and buy.asks and sell.bids and sell.asks):
            return "trust"
        capital = self.rules.capital
        spend = least(
            self.bounded(capital.get(here.venue), here.quote),
            self.bounded(self.rules.max_trade, here.quote),
        )
        owned, give = capital.get(there.venue), None
        if owned is not None:
            named = owned.by_currency.get(there.base)
            worth = self.bounded(Amount(worth=owned.worth), there.quote)
            bids = sell.real("bids")
            give = least(
                None if named is None else slow.exact(named),
                worth / bids[0][0] if worth is not None and bids else None,
            )
        gone = F(0)
        if self.rules.moving.withdrawn:
            fee, give = here.wallet.networks[0].fee or 0.0, None
            gone = slow.exact(fee) * slow.exact(here.multiplier)
        if here.quote == there.quote:
            return slow.solve(buy, sell, None, slow.Means(spend, give, None, gone))
        outcome: slow.Done | str = "conversion"
        found = self.converters(there.quote, here.quote)
        if self.rules.moving.withdrawn:  # the money stays where the sale is
            found = [one for one in found if not one.book or one.book.market.venue == there.venue]
        at = [one.book.market.venue if one.book else "" for one in found]
        rest = [
            one
            for one, venue in zip(found, at, strict=True)
            if venue not in {here.venue, there.venue}
        ]
        order = [one for one, venue in zip(found, at, strict=True) if venue == there.venue]
        order += [one for one, venue in zip(found, at, strict=True) if venue == here.venue]
        rates = sorted((one.ladder()[0][0] for one in rest), reverse=True)
        if len(rates) > 1 and rates[0] == rates[1]:
            raise slow.Tie
        order += [one for one in rest if one.ladder()[0][0] == rates[0]]
        for one in order:
            budget = None
            if one.book is not None and one.book.market.venue != there.venue:
                budget = self.bounded(capital.get(one.book.market.venue), there.quote)
            outcome = slow.solve(buy, sell, one, slow.Means(spend, give, budget, gone))
            if isinstance(outcome, slow.Done):
                break
        return outcome


def amount(random: Random) -> Amount:
    if random.random() < 0.5:
        return Amount(worth=random.randint(0, 50_000) / 100)
    named = random.sample(["Q", "R", "X"], random.randint(1, 3))
    return Amount({currency: random.randint(0, 50_000) / 100 for currency in named})


def least(*bounds: F | None) -> F | None:
    return min((bound for bound in bounds if bound is not None), default=None)


def text(levels: Sequence[slow.Level]) -> bytes:
    return json.dumps([[str(float(p)), str(float(s))] for p, s in levels]).encode()


@settings(max_examples=repeats(40, 250), deadline=None)
@given(st.randoms(use_true_random=True))
def test_the_engine_flags_what_the_oracle_finds(random: Random) -> None:
    floor = Floor(random)
    floor.show()
    opened = {
        (floor.books.index(buy), floor.books.index(sell)): (buy, sell)
        for buy, sell in permutations(floor.books, 2)
        if buy.market.base == sell.market.base
    }
    flagged = 0
    for (i, j), (buy, sell) in opened.items():
        found = floor.engine.open_between(i, j)
        try:
            expected = floor.expected(buy, sell)
        except slow.Tie:
            continue
        if isinstance(expected, str) or expected.net_bps < MIN_BPS:
            assert found is None, (buy.market, sell.market, expected)
            continue
        assert found is not None, (buy.market, sell.market, expected)
        flagged += 1
        assert found.size == pytest.approx(float(expected.bought), rel=1e-9)
        assert found.sell.size == pytest.approx(float(expected.sold), rel=1e-9)
        assert found.net_profit == pytest.approx(float(expected.net), rel=1e-9)
        assert found.net_bps == pytest.approx(float(expected.net_bps), rel=1e-9)
        priced = floor.worth(buy.market.quote, "Q")
        if priced is None:
            assert found.accounting_profit is None
        else:
            assert found.accounting_profit == pytest.approx(float(expected.net * priced), rel=1e-9)
    event(f"flagged {min(flagged, 5)}")
