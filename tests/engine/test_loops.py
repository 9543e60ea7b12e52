"""Closed loops inside and across venues, in an engine."""

from __future__ import annotations

import pytest

from scanner.books import layout as L
from scanner.engine.gates import Gate
from scanner.engine.rules import CROSS_QUOTE, LOOP, MULTI, SPOT_SPOT, Amount, Rules
from scanner.engine.tracker import Thresholds
from scanner.events import Leg, Opportunity
from scanner.types import BookState, Proof
from tests.engine.floor import AT, SECOND, Fault, Floor, spot

FEE = 0.001
ONLY = frozenset({LOOP})
EVERY = frozenset({SPOT_SPOT, CROSS_QUOTE, MULTI, LOOP})


@pytest.fixture
def floor() -> Floor:
    """A triangle on one venue that gains 0.2 % after fees: USDT to BTC to ETH and back."""
    return triangle(ONLY)


def triangle(kinds: frozenset[str]) -> Floor:
    floor = Floor(Rules(kinds=kinds, currency="USDT", unverified=False))
    for symbol in ("BTC/USDT", "ETH/BTC", "ETH/USDT"):
        floor.add(spot("a", symbol, FEE))
    return floor


def show(floor: Floor, at: int = AT, venue: str = "a") -> None:
    floor.show(f"{venue} BTC/USDT", [(99_990, 1)], [(100_000, 1)], at)
    floor.show(f"{venue} ETH/BTC", [(0.0299, 10)], [(0.03, 20)], at)
    floor.show(f"{venue} ETH/USDT", [(3_015, 12)], [(3_020, 9)], at)


def hops(found: Opportunity) -> list[tuple[str, str, str]]:
    return [(leg.venue, leg.symbol, leg.side) for leg in found.legs]


def came(leg: Leg, amount: float) -> float:
    """What an order brings that is given ``amount`` or less of it; fees are in quote."""
    worth, left = 0.0, leg.size
    for price, size in leg.levels:
        worth += price * min(size, left)
        left -= min(size, left)
    given = worth * (1 + leg.fee_rate) if leg.side == "buy" else leg.size
    assert given <= amount * (1 + 1e-12)
    return leg.size if leg.side == "buy" else worth * (1 - leg.fee_rate)


def test_a_triangle_opens_with_its_orders_in_turn(floor: Floor) -> None:
    show(floor)
    (found,) = floor.tick()
    assert (found.event, found.kind, found.symbol) == ("opened", "loop", "USDT/BTC/ETH/USDT")
    assert hops(found) == [
        ("a", "BTC/USDT", "buy"),
        ("a", "ETH/BTC", "buy"),
        ("a", "ETH/USDT", "sell"),
    ]
    assert (found.buy, found.sell) == (found.legs[0], found.legs[2])
    amount = found.size
    for leg in found.legs:
        amount = came(leg, amount)
    assert found.net_profit == pytest.approx(amount - found.size, rel=1e-9)
    assert found.net_bps == pytest.approx((amount / found.size - 1) * 1e4, rel=1e-9)
    assert (found.currency, found.bound) == ("USDT", "depth of a")
    assert found.accounting_profit == found.net_profit


def test_the_other_way_round_loses(floor: Floor) -> None:
    floor.show("a BTC/USDT", [(99_990, 1)], [(100_000, 1)])
    floor.show("a ETH/BTC", [(0.0299, 10)], [(0.03, 20)])
    floor.show("a ETH/USDT", [(2_999, 12)], [(3_001, 9)])
    assert floor.tick() == []


def test_on_one_venue_it_is_no_pair_across_currencies() -> None:
    """Both kinds know these three orders: they are told once."""
    floor = triangle(EVERY)
    show(floor)
    floor.tick()
    assert [one.kind for one in floor.said] == ["loop"]
    without = triangle(EVERY - {LOOP})
    show(without)
    without.tick()
    assert [one.kind for one in without.said] == ["cross-quote"]


def spread(kinds: frozenset[str]) -> Floor:
    """The same triangle over three venues."""
    floor = Floor(Rules(kinds=kinds, currency="USDT"))
    floor.add(spot("a", "BTC/USDT", FEE))
    floor.add(spot("b", "ETH/BTC", FEE))
    floor.add(spot("c", "ETH/USDT", FEE))
    floor.show("a BTC/USDT", [(99_990, 1)], [(100_000, 1)])
    floor.show("b ETH/BTC", [(0.0299, 10)], [(0.03, 20)])
    floor.show("c ETH/USDT", [(3_015, 12)], [(3_020, 9)])
    floor.tick()
    return floor


def test_across_venues_it_is_a_pair_where_those_are_looked_for() -> None:
    assert [one.kind for one in spread(EVERY).said] == ["cross-quote"]
    assert [one.kind for one in spread(EVERY - {CROSS_QUOTE}).said] == ["loop"]


def four(length: int) -> Floor:
    """USDT to BTC to EUR to ETH and back, over two venues."""
    floor = Floor(Rules(kinds=EVERY, currency="USDT", loop_length=length))
    for venue, symbol in (("a", "BTC/USDT"), ("b", "BTC/EUR"), ("b", "ETH/EUR"), ("a", "ETH/USDT")):
        floor.add(spot(venue, symbol, FEE))
    floor.show("a BTC/USDT", [(99_990, 1)], [(100_000, 1)])
    floor.show("b BTC/EUR", [(90_500, 1)], [(90_600, 1)])
    floor.show("b ETH/EUR", [(2_699, 10)], [(2_700, 20)])
    floor.show("a ETH/USDT", [(3_000, 12)], [(3_001, 9)])
    floor.tick()
    return floor


def test_loops_are_as_long_as_is_wished() -> None:
    assert four(3).said == []
    (found,) = four(4).said
    assert found.symbol == "USDT/BTC/EUR/ETH/USDT"
    assert hops(found) == [
        ("a", "BTC/USDT", "buy"),
        ("b", "BTC/EUR", "sell"),
        ("b", "ETH/EUR", "buy"),
        ("a", "ETH/USDT", "sell"),
    ]


def test_the_same_two_currencies_written_both_ways() -> None:
    floor = Floor(Rules(kinds=EVERY, currency="USDT"))
    floor.add(spot("a", "EUR/USDT", FEE))
    floor.add(spot("b", "USDT/EUR", FEE))
    floor.show("a EUR/USDT", [(1.099, 100)], [(1.1, 100)])
    floor.show("b USDT/EUR", [(0.90, 100)], [(0.905, 100)])
    (found,) = floor.tick()
    assert hops(found) == [("b", "USDT/EUR", "buy"), ("a", "EUR/USDT", "buy")] or hops(found) == [
        ("a", "EUR/USDT", "buy"),
        ("b", "USDT/EUR", "buy"),
    ]
    assert (found.kind, found.symbol) == ("loop", "USDT/EUR/USDT")


def test_a_pair_in_one_currency_is_no_loop() -> None:
    floor = Floor(Rules(kinds=ONLY, currency="USDT"))
    for venue in "ab":
        floor.add(spot(venue, "BTC/USDT", FEE))
        floor.add(spot(venue, "ETH/BTC", FEE))
        floor.add(spot(venue, "ETH/USDT", FEE))
        floor.show(f"{venue} ETH/BTC", [(0.0299, 10)], [(0.0301, 20)])
        floor.show(f"{venue} ETH/USDT", [(2_999, 12)], [(3_001, 9)])
    floor.show("a BTC/USDT", [(99_990, 1)], [(100_000, 1)])
    floor.show("b BTC/USDT", [(103_000, 1)], [(103_100, 1)])
    assert all(len(one.legs) == 3 for one in floor.tick())


def test_it_need_not_touch_the_currency_of_accounting() -> None:
    """Whose books show one side, so that nothing says what the others are worth in it."""
    floor = Floor(Rules(kinds=ONLY, currency="USDT"))
    for symbol in ("BTC/USDT", "ETH/USDT", "ETH/BTC", "XRP/ETH", "XRP/BTC"):
        floor.add(spot("a", symbol, FEE))
    floor.show("a BTC/USDT", [(99_990, 1)], [])
    floor.show("a ETH/USDT", [(2_990, 1)], [])
    floor.show("a ETH/BTC", [(0.0299, 10)], [(0.03, 20)])
    floor.show("a XRP/ETH", [(0.000_799, 10_000)], [(0.0008, 10_000)])
    floor.show("a XRP/BTC", [(0.000_024_2, 10_000)], [(0.000_024_3, 10_000)])
    (found,) = floor.tick()
    assert found.symbol == "BTC/ETH/XRP/BTC"
    assert found.currency == "BTC"


def lost(floor: Floor) -> None:
    floor.lose("a ETH/BTC")


def turned_off(floor: Floor) -> None:
    floor.configure(kinds=frozenset({SPOT_SPOT}))


def stale(floor: Floor) -> None:
    floor.store.set_state(floor.books["a ETH/BTC"], BookState.STALE)


def crossed(floor: Floor) -> None:
    floor.store.set_state(floor.books["a ETH/BTC"], BookState.CROSSED)


def unproven(floor: Floor) -> None:
    meta = floor.store.array(L.META)
    meta[floor.books["a BTC/USDT"] * L.META_WIDTH + L.UNPROVEN] = 1


def too_good(floor: Floor) -> None:
    floor.configure(suspect_bps=40.0)


def moved(floor: Floor) -> None:
    floor.show("a ETH/USDT", [(3_000, 12)], [(3_020, 9)])


def thinner(floor: Floor) -> None:
    floor.show("a ETH/USDT", [(3_009.3, 12)], [(3_020, 9)])


def too_small(floor: Floor) -> None:
    floor.change("a ETH/BTC", min_amount=50.0)


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        (lost, "gap"),
        (turned_off, "this kind is not looked for any more"),
        (stale, "a book is stale"),
        (crossed, "a book is crossed"),
        (unproven, "nothing proves a book any more"),
        (too_good, "it is too good to be true"),
        (moved, "no net edge left"),
        (thinner, "net fell below the threshold"),
        (too_small, "less than the smallest order is left"),
    ],
)
def test_it_closes_in_the_tick_in_which_it_is_over(floor: Floor, what: Fault, reason: str) -> None:
    show(floor)
    (opened,) = floor.tick()
    what(floor)
    floor.tick(AT + SECOND // 5)
    (closed,) = floor.said[1:]
    assert (closed.event, closed.id, closed.reason) == ("closed", opened.id, reason)


def test_it_closes_when_its_legs_are_too_old(floor: Floor) -> None:
    show(floor)
    floor.tick()
    assert floor.tick(AT + 3 * SECOND) == []
    (closed,) = floor.tick(AT + 3 * SECOND + SECOND // 5)
    assert closed.reason == "a book is too old"
    assert {leg.age_ms for leg in closed.legs} == {3200.0}


def test_a_better_book_takes_its_place() -> None:
    floor = spread(ONLY)
    floor.add(spot("d", "BTC/USDT", FEE))
    floor.show("d BTC/USDT", [(99_800, 1)], [(99_900, 1)])
    (updated,) = floor.tick(AT + SECOND // 5)
    assert (updated.event, updated.id) == ("updated", floor.said[0].id)
    assert hops(updated)[0] == ("d", "BTC/USDT", "buy")
    floor.lose("d BTC/USDT")
    floor.tick(AT + 2 * SECOND // 5)
    assert [one.event for one in floor.said[2:]] == ["closed", "opened"]


# --- why not ------------------------------------------------------------------------------------


def profit(floor: Floor) -> None:
    floor.thresholds = Thresholds(min_net_bps=5, min_profit=1e6, update_interval=0)
    floor.configure()
    show(floor)


def capital(floor: Floor) -> None:
    floor.configure(capital={"a": Amount({"USDT": 25.0})})
    floor.change("a ETH/BTC", min_amount=0.5)
    show(floor)


def lot(floor: Floor) -> None:
    floor.change("a ETH/BTC", lot=50.0)
    show(floor)


def size(floor: Floor) -> None:
    floor.change("a ETH/BTC", min_amount=50.0)
    show(floor)


def quarantine(floor: Floor) -> None:
    floor.configure(suspect_bps=40.0)
    show(floor)


def skew(floor: Floor) -> None:
    show(floor)
    floor.show("a ETH/BTC", [(0.0299, 10)], [(0.03, 20)], AT - 2 * SECOND)


@pytest.mark.parametrize("fault", [profit, capital, lot, size, quarantine, skew])
def test_one_fault_gives_exactly_its_reason(floor: Floor, fault: Fault) -> None:
    fault(floor)
    assert floor.tick() == []
    counted = {key: count for key, (count, _) in floor.rejects().items() if "/ETH/" in key[0]}
    assert counted == {("USDT/BTC/ETH/USDT", "a", "a", fault.__name__): 1}


def test_a_coin_that_is_not_the_same_on_two_venues_is_not_handed_on() -> None:
    floor = spread(frozenset({SPOT_SPOT}))
    floor.add(spot("c", "BTC/USDT", FEE))
    floor.add(spot("b", "BTC/USDT", FEE))
    floor.engine.bar(floor.books["a BTC/USDT"], floor.books["b BTC/USDT"], Gate.IDENTITY)
    floor.configure(kinds=ONLY)
    assert floor.tick(AT + SECOND // 5) == []
    assert floor.rejects()["USDT/BTC/ETH/USDT", "a", "c", "identity"][0] == 1


def test_a_book_that_is_barred_from_all_others_hides_none() -> None:
    """The best price of all is that of another coin."""
    floor = spread(frozenset({SPOT_SPOT}))
    for venue, price in (("d", 60_000), ("e", 100_050)):
        floor.add(spot(venue, "BTC/USDT", FEE))
        floor.show(f"{venue} BTC/USDT", [(price - 10, 1)], [(price, 1)])
    for venue in "ae":
        one, other = floor.books[f"{venue} BTC/USDT"], floor.books["d BTC/USDT"]
        floor.engine.bar(one, other, Gate.QUARANTINE)
        floor.engine.bar(other, one, Gate.QUARANTINE)
    floor.configure(kinds=ONLY, suspect_bps=500.0)
    (found,) = (one for one in floor.tick(AT + SECOND // 5) if one.event == "opened")
    assert hops(found)[0][0] == "a"


def test_books_that_nothing_proves_have_no_part_in_it() -> None:
    floor = triangle(ONLY)
    floor.engine.remove(floor.books["a ETH/BTC"])
    floor.add(spot("a", "ETH/BTC", FEE), Proof.NONE)
    show(floor)
    assert floor.tick() == []


def test_one_sum_at_a_venue_is_shared_by_what_is_stocked_there() -> None:
    """It gives USDT for BTC there, and then ETH that came elsewhere: half of the sum for each."""
    floor = four(4)
    floor.configure(capital={"a": Amount(worth=1_000.0)})
    (updated,) = floor.tick(AT + SECOND // 5)
    assert (updated.bound, updated.size) == ("capital on a", pytest.approx(500.0, rel=1e-2))


def test_it_is_followed_with_what_was_put_in_at_the_prices_of_then(floor: Floor) -> None:
    show(floor)
    (found,) = floor.tick()
    floor.show("a ETH/BTC", [(0.0299, 10)], [(0.0303, 20)], AT + 60_000_000)
    floor.show("a ETH/USDT", [(3_015, 1)], [(3_020, 9)], AT + 300_000_000)
    floor.following.settle(AT + SECOND)
    first, then, again, *rest = floor.survived
    assert (first.id, first.symbol, first.reason) == (found.id, "USDT/BTC/ETH/USDT", "")
    assert first.net_profit == pytest.approx(found.net_profit, rel=1e-9)
    assert first.net_bps == pytest.approx(found.net_bps, rel=1e-9)
    left = (found.net_profit + found.size) * 0.03 / 0.0303 - found.size
    assert left < 0
    assert then.net_profit == again.net_profit == pytest.approx(left, rel=1e-9)
    assert {one.reason for one in rest} == {"less than its size is shown on a"}


def test_in_lots_it_is_worth_what_it_was_while_nothing_changes(floor: Floor) -> None:
    for symbol, lot in (("BTC/USDT", 1e-5), ("ETH/BTC", 1e-3), ("ETH/USDT", 1e-4)):
        floor.change(f"a {symbol}", lot=lot, min_notional=1e-6)
    show(floor)
    (found,) = floor.tick()
    for at in range(AT, AT + SECOND + 1, SECOND // 10):
        floor.following.settle(at)
    assert len(floor.survived) == 5
    for one in floor.survived:
        assert one.net_profit == pytest.approx(found.net_profit, abs=found.size * 1e-6)


def test_what_comes_of_it_may_be_under_the_smallest_order_by_then(floor: Floor) -> None:
    show(floor)
    (found,) = floor.tick()
    eth = found.legs[1].size
    terms = floor.engine.markets[floor.books["a ETH/BTC"]]
    assert terms.min_amount == 0
    floor.following.finish("the end", AT + 1)
    assert {one.reason for one in floor.survived} == {"the end"}
    floor = triangle(ONLY)
    floor.change("a ETH/BTC", min_amount=eth)
    show(floor)
    floor.tick()
    floor.show("a ETH/BTC", [(0.0299, 10)], [(0.0303, 20)], AT + 1)
    floor.following.settle(AT + SECOND // 10)
    assert {one.reason for one in floor.survived} == {
        "less comes of it than the smallest order on a"
    }
