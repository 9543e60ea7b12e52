"""Allocations over many venues, against all that could have been done."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction as F
from random import Random

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from scanner.engine.allocation import SHARE, Result, best
from scanner.engine.gates import Gate, Rejection
from scanner.engine.orders import Offer
from scanner.engine.terms import Terms
from scanner.types import FeeIn, Market
from tests.engine import slow, slow_many
from tests.repeats import repeats

INFINITE = float("inf")
Ladder = list[tuple[float, float]]


def market(venue: str, fee: float = 0.0, **terms: float) -> Market:
    return Market(venue=venue, id="X/Q", symbol="X/Q", base="X", quote="Q", taker_fee=fee, **terms)


def no_objection(buy: int, sell: int) -> Gate | None:
    """A venue does not trade with itself."""
    return Gate.FEES if buy == sell else None


def any_market(random: Random, venue: str, *, alike: bool) -> Market:
    if alike:
        return market(venue, random.choice([0.0, 0.001, 0.002, 0.005]), lot=1.0)
    return Market(
        venue=venue,
        id="X/Q",
        symbol="X/Q",
        base="X",
        quote="Q",
        taker_fee=random.choice([0.0, 0.001, 0.002, 0.005]),
        lot=random.choice([1.0, 0.5, 2.0, 1.5]),
        min_amount=random.choice([0.0, 0.0, 0.0, 2.0, 3.0]),
        min_notional=random.choice([0.0, 0.0, 0.0, 150.0, 250.0]),
        buy_fee_in=random.choice(list(FeeIn)),
        sell_fee_in=random.choice(list(FeeIn)),
    )


def any_book(random: Random, market: Market, levels: int) -> slow.Book:
    """Sizes of a few lots, prices within some percent of 100."""
    middle = F(random.randint(9_700, 10_300), 100)
    sides: dict[str, tuple[slow.Level, ...]] = {}
    for name, way in (("bids", -1), ("asks", 1)):
        at = middle + way * F(random.randint(1, 20), 100)
        rows = []
        for _ in range(random.randint(1, levels)):
            rows.append((at, random.randint(1, 3) * slow.exact(market.lot)))
            at += way * F(random.randint(1, 60), 100)
        sides[name] = tuple(rows)
    return slow.Book(market, sides["bids"], sides["asks"])


def cap(random: Random, least: int, most: int) -> F | None:
    return F(random.randint(least, most), 100) if random.random() < 0.2 else None


def offers(books: Sequence[slow.Book], side: str, budgets: Sequence[F | None]) -> list[Offer]:
    return [
        Offer(
            i,
            Terms.of(book.market),
            [(float(price), float(size)) for price, size in book.real(side)],
            INFINITE if budget is None else float(budget),
            f"capital on {book.market.venue}",
        )
        for i, (book, budget) in enumerate(zip(books, budgets, strict=True))
    ]


def compared(random: Random, venues: int, levels: int, *, alike: bool, **search: float) -> None:
    books = [
        any_book(random, any_market(random, f"v{i}", alike=alike), levels) for i in range(venues)
    ]
    spend = [cap(random, 100, 60_000) for _ in books]
    give = [cap(random, 25, 1_000) for _ in books]
    most = cap(random, 100, 60_000)
    expected = slow_many.allocation(books, spend, give, most)
    found = best(
        offers(books, "asks", spend),
        offers(books, "bids", give),
        no_objection,
        INFINITE if most is None else float(most),
        **{"share": 0.0, **search},  # type: ignore[arg-type]
    )
    event("trade" if expected.net else "none")
    if not expected.net:
        assert isinstance(found, Rejection)
        return
    assert isinstance(found, Result), expected
    net = float(expected.net)
    slack = 1e-9 if search else 1e-3
    assert found.net_profit <= net * (1 + 1e-9)
    assert found.net_profit == pytest.approx(net, rel=slack)
    consistent(found, books)


def consistent(found: Result, books: Sequence[slow.Book]) -> None:
    """The figures follow from the orders, exactly."""
    paid = cost = bought = arrived = received = came = sold = given_ = F(0)
    for part in found.buys:
        book = books[part.offer.book]
        buy_base, buy_quote, _, _ = slow.factors(book.market)
        size = F(repr(part.size)).limit_denominator(10**6)
        worth = slow.take(book.real("asks"), size)
        assert slow.accepts(book.market, size, worth)
        assert size % (slow.exact(book.market.lot)) == 0
        paid, cost = paid + worth, cost + worth * buy_quote
        bought, arrived = bought + size, arrived + size * buy_base
    for part in found.sells:
        book = books[part.offer.book]
        _, _, sell_base, sell_quote = slow.factors(book.market)
        size = F(repr(part.size)).limit_denominator(10**6)
        worth = slow.take(book.real("bids"), size)
        assert slow.accepts(book.market, size, worth)
        received, came = received + worth, came + worth * sell_quote
        sold, given_ = sold + size, given_ + size * sell_base
    assert given_ <= arrived
    assert found.size == pytest.approx(float(bought), rel=1e-12)
    assert found.net_profit == pytest.approx(float(came - cost), rel=1e-9)
    assert found.net_bps == pytest.approx(float((came - cost) / cost * 10_000), rel=1e-9)
    gross = (received * bought / sold - paid) / paid * 10_000
    assert found.gross_bps == pytest.approx(float(gross), rel=1e-9, abs=1e-9)


@settings(max_examples=repeats(40, 400), deadline=None)
@given(st.randoms(use_true_random=True))
def test_of_whole_lots_alike_it_is_the_best_there_is(random: Random) -> None:
    compared(random, random.randint(2, 4), 3, alike=True, choices=10_000, enough=0.0)


@settings(max_examples=repeats(40, 400), deadline=None)
@given(st.randoms(use_true_random=True))
def test_whatever_lots_minimums_and_fees_it_is_the_best_there_is(random: Random) -> None:
    compared(random, random.randint(2, 4), 3, alike=False, choices=50_000, enough=0.0)


@settings(max_examples=repeats(5, 50), deadline=None)
@given(st.randoms(use_true_random=True))
def test_of_six_venues_it_is_the_best_there_is(random: Random) -> None:
    compared(random, 6, 1, alike=False, choices=50_000, enough=0.0)


@settings(max_examples=repeats(40, 400), deadline=None)
@given(st.randoms(use_true_random=True))
def test_as_the_engine_asks_it_is_as_good(random: Random) -> None:
    compared(random, random.randint(2, 4), 3, alike=True)


@settings(max_examples=repeats(40, 400), deadline=None)
@given(st.randoms(use_true_random=True))
def test_no_order_is_made_that_adds_next_to_nothing(random: Random) -> None:
    """What is left out may have added 1 % together, and every order that is made adds more."""
    venues = random.randint(2, 4)
    books = [any_book(random, any_market(random, f"v{i}", alike=True), 3) for i in range(venues)]
    none = [None] * venues
    expected = slow_many.allocation(books, none, none)
    found = best(offers(books, "asks", none), offers(books, "bids", none), no_objection)
    if not isinstance(found, Result):
        assert not expected.net
        return
    net = float(expected.net)
    assert net * (1 - SHARE) * (1 - 1e-3) <= found.net_profit <= net * (1 + 1e-9)
    orders = len(found.buys) + len(found.sells)
    event(f"{orders} orders")
    for part in (*found.buys, *found.sells) if orders > 2 else ():
        buys = [one.offer for one in found.buys if one is not part]
        sells = [one.offer for one in found.sells if one is not part]
        left = best(buys, sells, no_objection, share=0.0)
        if isinstance(left, Result):
            assert left.net_profit < net * (1 - SHARE) * (1 + 2e-3)


def offer(number: int, market: Market, levels: Ladder, budget: float = INFINITE) -> Offer:
    return Offer(number, Terms.of(market), levels, budget, f"capital on {market.venue}")


def sizes(found: Result | Rejection) -> tuple[dict[int, float], dict[int, float]]:
    assert isinstance(found, Result)
    return (
        {part.offer.book: part.size for part in found.buys},
        {part.offer.book: part.size for part in found.sells},
    )


A, B, C = (market(name, 0.001, lot=0.1) for name in "abc")
ASKS = [offer(0, A, [(100.0, 1.0), (100.5, 2.0)]), offer(1, B, [(100.2, 1.5)])]
BIDS = [offer(2, C, [(101.0, 2.0), (100.6, 2.0)])]


def test_the_cheapest_is_bought_first_wherever_it_stands() -> None:
    found = best(ASKS, BIDS, no_objection)
    assert sizes(found) == ({0: 1.0, 1: 1.5}, {2: 2.5})
    assert isinstance(found, Result)
    cost = (100 + 150.3) * 1.001
    net = (202 + 50.3) * 0.999 - cost
    assert found.net_profit == pytest.approx(net, rel=1e-12)
    assert found.net_bps == pytest.approx(net / cost * 1e4, rel=1e-12)
    assert (found.bound, found.size, found.unrounded) == ("edge", 2.5, pytest.approx(2.5))


def test_each_venue_has_a_budget_of_its_own() -> None:
    asks = [ASKS[0], offer(1, B, [(100.2, 1.5)], budget=60.0)]
    found = best(asks, BIDS, no_objection)
    assert sizes(found) == ({0: 1.5, 1: 0.5}, {2: 2.0})
    assert isinstance(found, Result)
    assert found.bound == "capital on b"
    given_away = best(ASKS, [offer(2, C, [(101.0, 2.0)], budget=0.35)], no_objection)
    assert sizes(given_away) == ({0: 0.3}, {2: 0.3})
    assert isinstance(given_away, Result)
    assert given_away.bound == "capital on c"


def test_all_purchases_together_have_one_bound() -> None:
    found = best(ASKS, BIDS, no_objection, most=150.5)
    assert sizes(found) == ({0: 1.0, 1: 0.5}, {2: 1.5})
    assert isinstance(found, Result)
    assert found.bound == "max_trade"


def test_what_bounds_it_is_not_how_its_lots_were_chosen() -> None:
    """The best rounding is found by allowing the seller and both buyers no more than whole lots."""
    asks = [offer(0, A, [(100.0, 5.0)]), offer(1, B, [(100.0, 5.0)])]
    finer = market("c", 0.001, lot=0.01)
    found = best(asks, [offer(2, finer, [(101.0, 5.0)])], no_objection, most=333.3)
    assert isinstance(found, Result)
    assert (found.bound, found.size) == ("max_trade", pytest.approx(3.3))
    assert found.unrounded == pytest.approx(333.3 / 100.1)


def test_an_order_too_small_is_left_out_or_made_large_enough() -> None:
    small = market("b", 0.001, lot=0.1, min_amount=1.0)
    asks = [offer(0, A, [(100.0, 1.0)]), offer(1, small, [(100.2, 3.0)])]
    found = best(asks, [offer(2, C, [(101.0, 1.4)])], no_objection)
    assert sizes(found) == ({0: 0.4, 1: 1.0}, {2: 1.4})
    smaller = best(asks, [offer(2, C, [(101.0, 0.9)])], no_objection)
    assert sizes(smaller) == ({0: 0.9}, {2: 0.9})


@pytest.mark.parametrize("gate", [Gate.QUARANTINE, Gate.SKEW, Gate.IDENTITY])
def test_books_that_may_not_trade_with_each_other_do_not(gate: Gate) -> None:
    found = best(ASKS, BIDS, lambda buy, sell: gate if (buy, sell) == (0, 2) else None)
    assert sizes(found) == ({1: 1.5}, {2: 1.5})
    assert best(ASKS, BIDS, lambda buy, sell: gate) == Rejection(gate)


def test_why_there_is_nothing() -> None:
    dear = [offer(2, C, [(100.0, 2.0)])]
    assert best(ASKS, dear, no_objection) == Rejection(Gate.FEES)
    small = market("c", 0.001, lot=0.1, min_amount=10.0)
    found = best(ASKS, [offer(2, small, [(101.0, 2.0)])], no_objection)
    assert isinstance(found, Rejection)
    assert found.gate is Gate.SIZE


def test_few_of_what_lots_and_minimums_make_hard_are_missed() -> None:
    """Books of a few lots, of which every order is a large part: much harder than real ones, so
    that not all of it is found among the choices that are looked at."""
    missed = trades = 0
    for seed in range(120):
        random = Random(seed)
        books = [any_book(random, any_market(random, f"v{i}", alike=False), 3) for i in range(3)]
        none = [None] * len(books)
        net = float(slow_many.allocation(books, none, none).net)
        found = best(
            offers(books, "asks", none), offers(books, "bids", none), no_objection, share=0.0
        )
        left = found.net_profit if isinstance(found, Result) else 0.0
        assert left <= net * (1 + 1e-9)
        trades += net > 0
        missed += left < net * (1 - 1e-2)
    assert trades > 50
    assert missed <= 1  # it was three before they were made better lot by lot


def test_a_small_order_is_made_where_it_pays_and_left_out_where_it_does_not() -> None:
    asks = [offer(0, A, [(100.0, 10.0)]), offer(1, B, [(100.2, 0.1)])]
    bids = [offer(2, C, [(101.0, 20.0)])]
    found = best(asks, bids, no_objection)
    assert sizes(found) == ({0: 10.0}, {2: 10.0})  # the other 0.1 would bring 0.7 % more
    assert sizes(best(asks, bids, no_objection, share=0.005)) == ({0: 10.0, 1: 0.1}, {2: 10.1})
    asks[1] = offer(1, B, [(100.2, 0.3)])
    assert sizes(best(asks, bids, no_objection)) == ({0: 10.0, 1: 0.3}, {2: 10.3})
