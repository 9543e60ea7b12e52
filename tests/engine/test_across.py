"""Bought in one currency and sold in another: which conversion, when it opens, when it ends."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from scanner.engine.overview import Overview
from scanner.engine.rules import SPOT_SPOT, Amount, Rules
from scanner.types import BookState, FeeIn
from tests.engine.test_gates import AT, SECOND, Bench, show_across

LATER = AT + SECOND // 10


@pytest.fixture
def across() -> Bench:
    """Bought at a in USDT, sold at b in USDC, 1 % apart."""
    bench = Bench()
    bench.add("a")
    bench.add("b", "BTC/USDC")
    bench.add("c", "USDC/USDT")
    return bench


def convert(bench: Bench, venue: str, bid: float, at: int = AT) -> None:
    bench.show(f"{venue} USDC/USDT", [(bid, 500)], [(bid + 0.001, 500)], at)


def test_it_closes_in_the_call_in_which_its_conversion_gets_worse(across: Bench) -> None:
    convert(across, "c", 0.999)
    show_across(across)
    convert(across, "c", 0.985, LATER)
    assert [one.event for one in across.said] == ["opened", "closed"]
    assert (across.said[-1].reason, across.said[-1].at) == ("no net edge left", LATER)


def test_it_follows_its_conversion(across: Bench) -> None:
    convert(across, "c", 0.995)
    show_across(across)
    convert(across, "c", 0.999, LATER)
    assert [one.event for one in across.said] == ["opened", "updated"]
    assert across.said[-1].net_profit == pytest.approx(101 * 0.999 - 100)


def test_it_closes_when_its_conversion_is_lost(across: Bench) -> None:
    convert(across, "c", 0.999)
    show_across(across)
    book = across.book("c USDC/USDT")
    across.store.clear(book, BookState.UNSYNCHRONISED)
    across.engine.dropped(book, "gone", LATER)
    assert across.said[-1].event == "closed"
    assert across.said[-1].reason == "no book to be trusted converts what the sale brings"
    assert across.engine.open_count == 0


def test_at_the_end_all_closes_for_one_reason_and_nothing_opens_again(across: Bench) -> None:
    across.add("d", "USDC/USDT")
    convert(across, "c", 0.999)
    convert(across, "d", 0.998)
    show_across(across)
    across.engine.finish("the scanner stopped", LATER)
    for book in across.books.values():
        across.store.clear(book, BookState.UNSYNCHRONISED)
        across.engine.dropped(book, "over", LATER)
    convert(across, "c", 0.999, LATER)
    show_across(across, at=LATER)
    across.engine.tick(LATER)
    assert [one.event for one in across.said] == ["opened", "closed"]
    assert across.said[-1].reason == "the scanner stopped"


def test_another_conversion_takes_over(across: Bench) -> None:
    across.add("d", "USDC/USDT")
    convert(across, "c", 0.999)
    convert(across, "d", 0.998)
    show_across(across)
    book = across.book("c USDC/USDT")
    across.store.clear(book, BookState.UNSYNCHRONISED)
    across.engine.dropped(book, "gone", LATER)
    assert [one.event for one in across.said] == ["opened", "updated"]
    venues = [one.conversion.venue for one in across.said if one.conversion]
    assert venues == ["c", "d"]
    convert(across, "d", 0.98, LATER)
    assert across.said[-1].event == "closed"


def test_a_conversion_that_gets_better_opens_it_at_the_next_tick(across: Bench) -> None:
    convert(across, "c", 0.985)
    show_across(across)
    assert across.said == []
    convert(across, "c", 0.999, LATER)
    assert across.said == []
    across.engine.tick(LATER)
    assert [one.event for one in across.said] == ["opened"]


def test_where_the_sale_is_comes_first_if_it_pays(across: Bench) -> None:
    across.add("b", "USDC/USDT")
    convert(across, "c", 0.999)
    convert(across, "b", 0.998)
    show_across(across)
    assert across.said[0].conversion is not None
    assert across.said[0].conversion.venue == "b"
    convert(across, "b", 0.985, LATER)
    assert across.said[-1].event == "updated"
    assert across.said[-1].conversion is not None
    assert across.said[-1].conversion.venue == "c"


def test_what_is_bought_with_the_proceeds_may_be_the_base(across: Bench) -> None:
    bench = Bench()
    bench.add("a", "BTC/USDC")
    bench.add("b")
    bench.add("c", "USDC/USDT")
    bench.show("c USDC/USDT", [(0.99, 500)], [(1.001, 500)])
    bench.show("a BTC/USDC", [(99, 1)], [(100, 1)])
    bench.show("b", [(101, 1)], [(102, 1)])
    (found,) = bench.said
    assert (found.currency, found.sell.symbol) == ("USDC", "BTC/USDT")
    assert found.conversion is not None
    assert (found.conversion.side, found.conversion.symbol) == ("buy", "USDC/USDT")
    assert found.net_profit == pytest.approx(101 / 1.001 - 100)
    assert found.accounting_profit == pytest.approx(found.net_profit * 0.99)
    assert found.accounting_venue == "c"


def test_the_depth_of_the_conversion_bounds_the_size(across: Bench) -> None:
    across.show("c USDC/USDT", [(0.999, 20.2), (0.9, 500)], [(1.0, 500)])
    show_across(across)
    (found,) = across.said
    assert (found.size, found.bound) == (pytest.approx(0.2), "edge")
    across.show("c USDC/USDT", [(0.999, 30.3)], [(1.0, 500)], LATER)
    assert (across.said[-1].size, across.said[-1].bound) == (pytest.approx(0.3), "depth of c")


def test_capital_that_the_conversion_needs_elsewhere(across: Bench) -> None:
    rules = replace(across.rules, capital={"c": Amount({"USDC": 40.4})})
    across.engine.configure(across.thresholds, across.bounds, rules)
    convert(across, "c", 0.999)
    show_across(across)
    assert (across.said[0].size, across.said[0].bound) == (pytest.approx(0.4), "capital on c")


def test_a_stated_rate_stands_before_any_book_and_is_told_as_assumed(across: Bench) -> None:
    rules = replace(
        across.rules, assumed={("USDC", "USDT"): 1.0, ("USDT", "USDC"): 1.0}, currency="USDC"
    )
    across.engine.configure(across.thresholds, across.bounds, rules)
    convert(across, "c", 0.9)
    show_across(across)
    (found,) = across.said
    assert found.conversion is not None
    assert (found.conversion.assumed, found.conversion.venue) == (True, "")
    assert found.net_profit == pytest.approx(1.0)
    assert (found.accounting_profit, found.accounting_venue) == (pytest.approx(1.0), "")
    across.engine.configure(across.thresholds, across.bounds, replace(across.rules, currency="EUR"))
    convert(across, "c", 0.999, LATER)
    show_across(across)
    assert across.said[-1].conversion is not None
    assert not across.said[-1].conversion.assumed
    assert across.said[-1].accounting_profit is None


def test_the_kind_can_be_switched_off(across: Bench) -> None:
    across.engine.configure(
        across.thresholds, across.bounds, replace(across.rules, kinds=frozenset({SPOT_SPOT}))
    )
    convert(across, "c", 0.999)
    show_across(across)
    across.engine.tick(AT)
    assert across.said == []
    across.engine.configure(across.thresholds, across.bounds, across.rules)
    convert(across, "c", 0.999, LATER)
    across.engine.tick(LATER)
    assert [one.kind for one in across.said] == ["cross-quote"]


def test_minutes_are_of_one_symbol(across: Bench) -> None:
    convert(across, "c", 0.999)
    show_across(across)
    assert across.engine.take_minutes(AT) == []


def test_a_look_shows_it_among_the_routes_of_what_is_bought(across: Bench) -> None:
    convert(across, "c", 0.999)
    show_across(across)
    routes = {route.symbol: route for route in Overview(across.store, across.engine).best(AT)}
    route = routes["BTC/USDT"]
    assert (route.buy, route.sell) == (across.book("a"), across.book("b BTC/USDC"))
    assert route.opened is not None
    assert route.edge_bps == pytest.approx((101 * 0.999 / 100 - 1) * 1e4)
    assert (route.plain, route.rate) == (0.999, 0.999)


def test_a_group_grows_with_all_that_stands_on_it() -> None:
    bench = Bench()
    for number in range(40):
        bench.add(f"v{number}")
        bench.show(f"v{number}", [(100 + number, 1)], [(100.5 + number, 1)])
    opened = {(one.buy.venue, one.sell.venue) for one in bench.said if one.event == "opened"}
    assert len(opened) == 40 * 39 // 2
    assert bench.engine.open_count == len(opened)
    for number in range(40):
        bench.engine.dropped(bench.book(f"v{number}"), "over", AT)
    assert bench.engine.open_count == 0


def test_more_currencies_than_can_be_told_apart_only_meet_themselves() -> None:
    bench = Bench()
    for number in range(40):
        bench.add("a", f"BTC/Q{number}")
        bench.add("b", f"BTC/Q{number}")
    for number in (0, 39):
        bench.show(f"a BTC/Q{number}", [(99, 1)], [(100, 1)])
        bench.show(f"b BTC/Q{number}", [(101, 1)], [(102, 1)])
    assert [one.symbol for one in bench.said] == ["BTC/Q0", "BTC/Q39"]


def test_a_fee_taken_in_base_leaves_less_to_sell() -> None:
    bench = Bench()
    bench.add("a")
    bench.add("b")
    book = bench.book("a")
    market = replace(
        bench.engine.markets[book], taker_fee=0.001, buy_fee_in=FeeIn.BASE, fee_source="its list"
    )
    bench.engine.revalue(book, market)
    bench.show_both()
    (found,) = bench.said
    assert (found.buy.size, found.sell.size) == (1.0, pytest.approx(0.999))
    assert (found.buy.fee, found.buy.fee_currency) == (pytest.approx(0.001), "BTC")
    assert found.net_profit == pytest.approx(0.999 * 101 - 100)
    assert found.gross_bps == pytest.approx(100)


@pytest.mark.parametrize(
    ("rules", "size", "bound"),
    [
        (Rules(), 1.0, "depth of a"),
        (Rules(max_trade=Amount({"USDT": 30.0})), 0.3, "max_trade"),
        (Rules(capital={"a": Amount({"USDT": 40.0})}), 0.4, "capital on a"),
        (Rules(capital={"b": Amount({"BTC": 0.25})}), 0.25, "capital on b"),
        (Rules(capital={"b": Amount(worth=20.2)}, currency="USDT"), 0.2, "capital on b"),
    ],
)
def test_what_bounds_the_size(rules: Rules, size: float, bound: str) -> None:
    bench = Bench()
    bench.add("a")
    bench.add("b")
    bench.engine.configure(bench.thresholds, bench.bounds, rules)
    bench.show("b", [(101, 9)], [(102, 9)])
    bench.show("a", [(99, 1)], [(100, 1)])
    assert (bench.said[0].size, bench.said[0].bound) == (pytest.approx(size), bound)


def test_where_the_lot_takes_much_it_is_what_bounds() -> None:
    bench = Bench()
    bench.add("a")
    bench.add("b")
    bench.change("a", lot=0.4, price_tick=0.5)
    bench.show("b", [(101, 1)], [(102, 1)])
    bench.show("a", [(99, 1)], [(100.2, 1)])
    (found,) = bench.said
    assert (found.size, found.unrounded, found.bound) == (0.8, 1.0, "lot")
    assert (found.buy.lot, found.buy.limit) == (0.4, 100.5)
