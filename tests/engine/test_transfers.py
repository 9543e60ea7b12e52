"""Moving the coin: what it costs, which sizes pay it, and what stops it, against sums by hand."""

from __future__ import annotations

import math
from decimal import Decimal as D
from typing import Any

import pytest
from msgspec.structs import replace

from scanner.engine.gates import Gate
from scanner.engine.rules import Amount, Moving
from scanner.engine.ways import DAY, Paces
from scanner.events import Opportunity
from scanner.moving import Prefunded, Transfer
from scanner.types import FeeIn, Network, Wallet
from tests.engine.test_gates import AT, SECOND, Bench

PACES = Paces(processing=5.0, typical={"BTC": 40.0, "TRC20": 1.0})
WITHDRAWN = Moving(withdrawn=True, paces=PACES)


def wallet(name: str = "BTC", **more: Any) -> Wallet:
    known = {"deposit": True, "withdraw": True, "fee": 0.01} | more
    return Wallet(networks=(Network(name=name, **known),))


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.add("a")
    bench.add("b")
    both = {"wallet": wallet(), "quote_wallet": wallet("TRC20", fee=1.0)}
    bench.change("a", **both)
    bench.change("b", **both)
    return bench


def moving(bench: Bench, rules: Moving, **more: Any) -> None:
    bench.rules = replace(bench.rules, moving=rules, **more)
    bench.engine.configure(bench.thresholds, bench.bounds, bench.rules)


def transfer(found: Opportunity) -> Transfer:
    assert found.transfer is not None
    return found.transfer


def prefunded(found: Opportunity) -> Prefunded:
    assert found.prefunded is not None
    return found.prefunded


def test_both_modes_are_told_and_net_is_as_before(bench: Bench) -> None:
    """Bought for 100, sold for 101: of 1 BTC, 0.99 arrives."""
    moving(bench, Moving(paces=PACES, trades=4))
    bench.show_both()
    (found,) = bench.said
    assert (found.size, found.net_profit) == (1.0, 1.0)
    told = transfer(found)
    assert (told.state, told.network, told.fee, told.minutes) == ("open", "BTC", 0.01, 45.0)
    assert (told.sold, told.net_profit) == (0.99, pytest.approx(float(D("0.99") * 101 - 100)))
    assert told.net_bps == pytest.approx(-0.01 / 100 * 1e4)
    assert (told.volatility_bps, told.risk_bps, told.net_after_risk) == (None, None, None)
    assert told.min_size is None  # it takes 1.01 BTC to pay for it
    back = prefunded(found)
    assert (back.network, back.fee, back.back_network, back.back_fee) == ("BTC", 0.01, "TRC20", 1.0)
    assert back.back_currency == "USDT"
    assert back.cost == pytest.approx((0.01 * 100 + 1.0) / 4)
    assert back.net_profit == pytest.approx(1 - 0.5)
    assert back.net_bps == pytest.approx(50.0)


def test_what_is_not_known_is_told_so_and_never_counted_as_nothing(bench: Bench) -> None:
    bench.change("b", wallet=Wallet(), quote_wallet=Wallet())
    bench.show_both()
    (found,) = bench.said
    told, back = transfer(found), prefunded(found)
    assert (told.state, told.reason) == ("unknown", "nothing is known of the deposits")
    assert (told.fee, told.net_profit, told.min_size) == (None, None, None)
    assert (back.state, back.back_state, back.fee) == ("unknown", "unknown", None)
    assert (back.cost, back.net_profit, back.net_bps) == (None, None, None)


def test_with_transfers_the_fee_is_a_cost_and_a_band_of_sizes_pays(bench: Bench) -> None:
    """Asks 2 at 100 and 3 at 101.5; bids 4 at 101: the fee of 0.01 BTC costs 1, each further
    unit of the first level leaves 1 and of the second -0.5.

    Least: 0.01 + 1/1 = 1.01. Best: all of the first level, 2 BTC: 1.99 x 101 - 200 = 0.99.
    Largest: 2 + 0.99 / 0.5 = 3.98.
    """
    moving(bench, WITHDRAWN)
    bench.show("a", [(99, 1)], [(100, 2), (101.5, 3)])
    bench.show("b", [(101, 4)], [(102, 1)])
    (found,) = bench.said
    assert (found.size, found.sell.size) == (2.0, 1.99)
    assert found.net_profit == pytest.approx(float(D("1.99") * 101 - 200))
    assert found.net_bps == pytest.approx(float((D("1.99") * 101 - 200) / 200 * 10_000))
    told = transfer(found)
    assert told.net_profit == found.net_profit
    assert (told.min_size, told.max_size) == (pytest.approx(1.01), pytest.approx(3.98))
    assert told.more_asks == ((101.5, 3.0),)
    assert told.more_bids == ()
    unmoved = prefunded(found)
    assert (unmoved.sold, unmoved.trade_profit) == (2.0, pytest.approx(2.0))
    assert unmoved.cost == pytest.approx((0.01 * 100 + 1) / 10)
    assert unmoved.net_profit == pytest.approx(1.8)


def test_a_fee_that_no_size_pays(bench: Bench) -> None:
    moving(bench, WITHDRAWN)
    bench.show_both()
    assert bench.said == []
    (gate,) = bench.rejects()
    assert gate == "fees"


def test_a_fee_that_only_more_than_the_first_levels_pay(bench: Bench) -> None:
    """Forty levels of 0.1 BTC: what is looked at first is not enough."""
    moving(bench, WITHDRAWN)
    bench.change("a", wallet=wallet(fee=0.02))
    bench.show("a", [(99, 1)], [(100, 0.1)] + [(100 + i / 1e5, 0.1) for i in range(1, 40)])
    bench.show("b", [(101, 9)], [(102, 1)])
    (found,) = bench.said
    assert found.size == pytest.approx(4.0)
    assert transfer(found).min_size == pytest.approx(2.02, rel=1e-3)


@pytest.mark.parametrize(
    ("source", "target", "reason"),
    [
        ({"withdraw": False}, {}, "withdrawals are closed"),
        ({}, {"deposit": False}, "deposits are closed"),
        ({"withdraw": None}, {}, "whether it is open is not known"),
        ({"fee": None}, {}, "the withdrawal fee is not known"),
    ],
)
def test_with_transfers_a_wallet_that_is_shut_has_a_gate_of_its_own(
    bench: Bench, source: dict[str, Any], target: dict[str, Any], reason: str
) -> None:
    moving(bench, WITHDRAWN)
    bench.show_both(size=5.0)
    assert [found.event for found in bench.said] == ["opened"]
    bench.change("a", wallet=wallet(**source))
    bench.change("b", wallet=wallet(**target))
    bench.engine.tick(AT)
    assert bench.said[-1].event == "closed"
    assert bench.said[-1].reason == f"the coin cannot be moved to where it is sold: {reason}"
    assert bench.rejects() == {}
    bench.show_both(size=5.0)
    assert bench.rejects() == {"transfer": (2, 0.0)}


def test_what_was_listed_a_day_ago_is_not_known(bench: Bench) -> None:
    moving(bench, WITHDRAWN)
    old = replace(wallet(), listed_at=AT - DAY + SECOND)
    bench.change("a", wallet=old)
    bench.show_both(size=5.0)
    assert [found.event for found in bench.said] == ["opened"]
    bench.engine.tick(AT + 2 * SECOND)
    assert bench.said[-1].reason.endswith("what is known is older than a day")


def test_less_than_can_be_withdrawn(bench: Bench) -> None:
    moving(bench, WITHDRAWN)
    bench.change("a", wallet=wallet(min_withdraw=10.0))
    bench.show_both(size=5.0)
    assert bench.said == []
    assert bench.rejects() == {"transfer": (1, pytest.approx(5000.0, rel=1e-2))}


def test_with_transfers_no_coin_has_to_be_there(bench: Bench) -> None:
    capital = {"b": Amount({"BTC": 0.5})}
    moving(bench, Moving(paces=PACES), capital=capital)
    bench.show_both(size=5.0)
    assert (bench.said[-1].size, bench.said[-1].bound) == (0.5, "capital on b")
    moving(bench, WITHDRAWN, capital=capital)
    bench.show_both(size=6.0)
    assert bench.said[-1].size == pytest.approx(6.0)


def test_capital_bounds_the_band(bench: Bench) -> None:
    moving(bench, WITHDRAWN, capital={"a": Amount({"USDT": 300.0})})
    bench.show_both(size=5.0)
    (found,) = bench.said
    assert (found.size, found.bound) == (3.0, "capital on a")
    told = transfer(found)
    assert (told.min_size, told.max_size) == (pytest.approx(1.01), pytest.approx(3.0))


def test_the_fee_is_in_the_unit_of_the_venue(bench: Bench) -> None:
    """One of its units is ten coins: a fee of 0.01 is 0.1 coins."""
    bench.change("a", multiplier=10.0)
    bench.show("a", [(990, 5)], [(1000, 5)])
    bench.show("b", [(101, 50)], [(102, 1)])
    assert transfer(bench.said[-1]).fee == pytest.approx(0.1)


def test_a_fee_in_base_comes_before_the_withdrawal(bench: Bench) -> None:
    moving(bench, WITHDRAWN)
    bench.change("a", taker_fee=0.001, buy_fee_in=FeeIn.BASE)
    bench.show_both(size=5.0)
    (found,) = bench.said
    sold = D(5) * D("0.999") - D("0.01")
    assert found.sell.size == pytest.approx(float(sold))
    assert found.net_profit == pytest.approx(float(sold * 101 - 500))


def test_the_price_may_fall_while_the_coin_is_on_its_way(bench: Bench) -> None:
    moving(bench, Moving(paces=PACES, z=2.0))
    at = AT
    for number in range(40):
        at = AT + number * 10 * SECOND
        up = math.exp(1e-4 * (number % 2))
        bench.show("a", [(99, 5)], [(100, 5)], at)
        bench.show("b", [(101 * up, 5)], [(102 * up, 5)], at)
        bench.engine.tick(at)
    bench.show("a", [(99, 5)], [(100, 6)], at)
    told = transfer(bench.said[-1])
    hourly = math.sqrt(360.0)
    assert told.volatility_bps == pytest.approx(hourly)
    assert told.risk_bps == pytest.approx(2.0 * hourly * math.sqrt(45 / 60))
    assert told.sold is not None and told.net_profit is not None
    brought = told.net_profit + bench.said[-1].size * 100
    assert told.net_after_risk == pytest.approx(told.net_profit - told.risk_bps / 1e4 * brought)


def test_two_contracts_are_two_coins_whatever_they_are_called(bench: Bench) -> None:
    suspects = bench.suspects
    bench.show_both()
    assert [found.event for found in bench.said] == ["opened"]
    bench.change("a", wallet=wallet("ERC20", contract="0x" + "ab" * 20))
    assert bench.engine.open_count == 1
    bench.change("b", wallet=wallet("ERC20", contract="0x" + "cd" * 20))
    bench.engine.tick(AT)
    assert bench.said[-1].reason == (
        "the legs are not of the same asset: another contract on ERC20"
    )
    assert [(one.state, one.reason) for one in suspects] == [
        ("barred", "another contract on ERC20")
    ]
    bench.show_both()
    assert bench.rejects() == {"identity": (2, 0.0)}
    bench.engine.bar(bench.book("a"), bench.book("b"), Gate.QUARANTINE)
    bench.engine.bar(bench.book("a"), bench.book("b"), None)
    bench.show_both()
    assert bench.rejects() == {"identity": (2, 0.0)}
    bench.change("b", wallet=wallet("ERC20", contract="0x" + "ab" * 20))
    bench.show_both()
    assert bench.said[-1].event == "opened"
    bench.engine.tick(AT + SECOND)
    assert suspects[1:] == [replace(suspects[0], state="released", at=AT + SECOND)]
    bench.engine.tick(AT + 2 * SECOND)
    assert len(suspects) == 2


def test_contracts_that_differ_are_told_of_each_minute_and_when_they_do_otherwise(
    bench: Bench,
) -> None:
    bench.change("a", wallet=wallet("ERC20", contract="0x" + "ab" * 20))
    bench.change("b", wallet=wallet("ERC20", contract="0x" + "cd" * 20))
    bench.show_both()
    for second in range(61):
        bench.engine.tick(AT + second * SECOND)
    told = [(one.state, one.at - AT, one.since - AT) for one in bench.suspects]
    assert told == [("barred", 0, 0), ("held", 60 * SECOND, 0)]
    for book in "ab":
        address = "0x" + book * 40
        bench.change(book, wallet=wallet("BSC", contract=address))
    bench.engine.tick(AT + 62 * SECOND)
    assert [(one.state, one.reason) for one in bench.suspects[2:]] == [
        ("changed", "another contract on BSC")
    ]


def test_of_a_book_that_left_nothing_is_told_any_more(bench: Bench) -> None:
    bench.change("a", wallet=wallet("ERC20", contract="0x" + "ab" * 20))
    bench.change("b", wallet=wallet("ERC20", contract="0x" + "cd" * 20))
    bench.show_both()
    bench.engine.tick(AT)
    bench.engine.remove(bench.book("b"))
    bench.engine.tick(AT + 120 * SECOND)
    assert [one.state for one in bench.suspects] == ["barred"]


def test_a_book_that_comes_later_is_held_against_the_others(bench: Bench) -> None:
    bench.change("a", wallet=wallet("ERC20", contract="0x" + "ab" * 20))
    book = bench.book("b")
    market = replace(bench.engine.markets[book], wallet=wallet("ERC20", contract="0x" + "cd" * 20))
    bench.engine.remove(book)
    bench.engine.add(book, market)
    bench.show_both()
    assert bench.said == []
    assert bench.rejects() == {"identity": (1, 0.0)}
    bench.engine.remove(book)
    bench.engine.add(book, replace(market, wallet=Wallet()))
    bench.show_both()
    assert [found.event for found in bench.said] == ["opened"]
