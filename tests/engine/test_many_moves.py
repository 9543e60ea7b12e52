"""What moving coins and money does to a loop or to many venues at once, against sums by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal as D

import pytest

from scanner.engine.rules import LOOP, MULTI, Amount, Moving, Rules
from scanner.engine.tracker import Thresholds
from scanner.engine.ways import Paces
from scanner.events import Opportunity
from scanner.moving import Move, Prefunded, Transfer
from scanner.types import FeeIn, Network, Wallet
from tests.engine.floor import AT, SECOND, Floor, spot

PACES = Paces(processing=5.0, typical={"BTC": 40.0, "ERC20": 5.0, "TRC20": 1.0, "SLOW": 120.0})
STEP = 10 * SECOND


def net(name: str, fee: float | None = 0.0, **more: object) -> Network:
    known = {"deposit": True, "withdraw": True, "fee": fee} | more
    return Network(name=name, **known)  # type: ignore[arg-type]


def wallet(*networks: Network) -> Wallet:
    return Wallet(networks=networks)


BTC = wallet(net("BTC", 0.01))
ETH = wallet(net("ERC20", 0.05))
USDT = wallet(net("TRC20", 1.0))
COINS = {"BTC": BTC, "ETH": ETH, "USDT": USDT}


def ways(found: Sequence[Move]) -> list[tuple[str, str, str, float]]:
    return [(move.currency, move.source, move.target, move.amount) for move in found]


def both(found: Opportunity) -> tuple[Transfer, Prefunded]:
    assert found.transfer is not None and found.prefunded is not None
    return found.transfer, found.prefunded


# --- loops --------------------------------------------------------------------------------


def loop(*venues: str, coins: dict[str, Wallet] = COINS, **more: object) -> Floor:
    """200 USDT become 2 BTC, 20 ETH and 204 USDT, on these venues in turn, without trading fees."""
    moving = Moving(paces=PACES, trades=4, **more)  # type: ignore[arg-type]
    floor = Floor(Rules(kinds=frozenset({LOOP}), currency="USDT", moving=moving))
    for venue, symbol in zip(venues, SYMBOLS, strict=True):
        base, quote = symbol.split("/")
        floor.add(spot(venue, symbol, wallet=coins[base], quote_wallet=coins[quote]))
    return floor


SYMBOLS = ("BTC/USDT", "ETH/BTC", "ETH/USDT")


def show(floor: Floor, at: int = AT) -> list[Opportunity]:
    a, b, c = floor.books
    floor.show(a, [(99, 9)], [(100, 2)], at)
    floor.show(b, [(0.09, 90)], [(0.1, 90)], at)
    floor.show(c, [(10.2, 90)], [(10.5, 90)], at)
    return floor.tick(at)


def test_on_one_venue_nothing_has_to_be_moved() -> None:
    (found,) = show(loop("a", "a", "a", coins=dict.fromkeys(COINS, Wallet())))
    told, back = both(found)
    assert (found.size, found.net_profit) == (200.0, pytest.approx(4.0))
    assert (told.state, back.state) == ("not needed", "not needed")
    assert told.reason == "all of it is on one venue"
    assert (told.moves, back.moves) == ((), ())
    assert (told.net_profit, told.minutes, told.risk_bps) == (found.net_profit, 0.0, 0.0)
    assert told.net_after_risk == found.net_profit
    assert (back.cost, back.net_profit) == (0.0, found.net_profit)
    assert (told.net_bps, back.net_bps) == (found.net_bps, found.net_bps)


def test_a_loop_over_two_venues() -> None:
    """BTC go from a to b and, at its end, USDT back.

    Pre-funded: (0.01 x 100 + 1) / 4 = 0.5 a trade.
    Transfer: 2 - 0.01 = 1.99 BTC, 19.9 ETH, 202.98 USDT, less 1: 201.98.
    """
    (found,) = show(loop("a", "b", "b"))
    told, back = both(found)
    assert ways(back.moves) == [("BTC", "a", "b", 2.0), ("USDT", "b", "a", 200.0)]
    assert [(move.network, move.fee, move.rate) for move in back.moves] == [
        ("BTC", 0.01, 100.0),
        ("TRC20", 1.0, 1.0),
    ]
    assert (back.state, back.trades, back.cost) == ("open", 4, 0.5)
    assert back.trade_profit == found.net_profit == pytest.approx(4.0)
    assert back.net_profit == pytest.approx(3.5)
    assert back.net_bps == pytest.approx(175.0)
    assert told.state == "open"
    assert ways(told.moves) == [
        ("BTC", "a", "b", 2.0),
        ("USDT", "b", "a", pytest.approx(float(D("202.98")))),
    ]
    assert [(order.size, order.minutes) for order in told.orders] == [
        (2.0, 0.0),
        (pytest.approx(19.9), 45.0),
        (pytest.approx(19.9), 45.0),
    ]
    assert told.minutes == 45 + 6
    assert told.net_profit == pytest.approx(float(D("1.98")))
    assert told.net_bps == pytest.approx(99.0)
    assert (told.risk_bps, told.net_after_risk) == (None, None)  # too little was seen of the prices
    assert not told.in_net and not told.asked


def test_what_arrives_is_rounded_down_to_lots_again() -> None:
    """Of 19.9 ETH, 19.5 are whole lots: 198.9 USDT less 1."""
    floor = loop("a", "b", "b")
    floor.change("b ETH/BTC", lot=0.5)
    (found,) = show(floor)
    told, back = both(found)
    assert found.net_profit == pytest.approx(4.0)
    assert [order.size for order in told.orders] == [2.0, 19.5, 19.5]
    assert told.net_profit == pytest.approx(197.9 - 200)
    assert back.cost == 0.5


def test_a_loop_over_three_venues() -> None:
    """1.99 BTC, 19.9 less 0.05 ETH, 202.47 less 1 USDT. An ETH has cost 10 USDT."""
    (found,) = show(loop("a", "b", "c"))
    told, back = both(found)
    assert [way[:3] for way in ways(told.moves)] == [
        ("BTC", "a", "b"),
        ("ETH", "b", "c"),
        ("USDT", "c", "a"),
    ]
    assert [move.rate for move in back.moves] == pytest.approx([100.0, 10.0, 1.0])
    assert back.cost == pytest.approx((0.01 * 100 + 0.05 * 10 + 1) / 4)
    assert told.net_profit == pytest.approx(201.47 - 200)
    assert [order.size for order in told.orders] == pytest.approx([2.0, 19.9, 19.85])
    assert [order.minutes for order in told.orders] == [0.0, 45.0, 55.0]
    assert told.minutes == 45 + 10 + 6


def moved_for_a_while(floor: Floor, books: Sequence[str], ratios: Sequence[float]) -> int:
    """Mids that go up by a ratio and down again every ten seconds; until when."""
    at = AT
    for number in range(41):
        at = AT + number * STEP
        for name, ratio in zip(books, ratios, strict=True):
            mid = 50.0 * ratio ** (number % 2)
            floor.show(name, [(mid - 0.01, 1e-6)], [(mid + 0.01, 1e-6)], at)
        floor.tick(at)
    return at


def hourly(ratio: float) -> float:
    """Of such mids: 360 returns of the same square an hour, bps."""
    return math.log(ratio) * math.sqrt(360) * 1e4


def test_the_risk_of_a_loop_is_that_of_its_later_orders() -> None:
    floor = loop("a", "b", "c")
    at = moved_for_a_while(floor, list(floor.books), (1.05, 1.001, 1.002))
    (found,) = [one for one in show(floor, at + SECOND) if one.event == "opened"]
    told, _ = both(found)
    expected = 1.645 * (hourly(1.001) * math.sqrt(45 / 60) + hourly(1.002) * math.sqrt(55 / 60))
    assert told.risk_bps == pytest.approx(expected, rel=1e-9)
    assert told.net_profit is not None
    after = told.net_profit - expected / 1e4 * float(D("201.47"))
    assert told.net_after_risk == pytest.approx(after, rel=1e-9)


@pytest.mark.parametrize(
    ("coin", "network", "state", "reason"),
    [
        ("BTC", net("BTC", None), "unknown", "the withdrawal fee is not known"),
        ("BTC", net("BTC", 0.01, deposit=False), "closed", "deposits are closed"),
        ("USDT", net("TRC20", 1, withdraw=None), "unknown", "whether it is open is not known"),
        ("USDT", net("TRC20", 1, withdraw=False), "closed", "withdrawals are closed"),
        ("ETH", None, "unknown", "nothing is known of the withdrawals"),
    ],
)
def test_one_move_that_is_not_open_makes_all_of_a_loop_so(
    coin: str, network: Network | None, state: str, reason: str
) -> None:
    known = wallet(network) if network else Wallet()
    (found,) = show(loop("a", "b", "c", coins=COINS | {coin: known}))
    told, back = both(found)
    for one in (told, back):
        assert one.state == state
        assert one.reason.startswith(f"{coin} from ") and one.reason.endswith(reason)
        assert (one.net_profit, one.net_bps) == (None, None)
        assert len(one.moves) == 3
    assert back.cost is None
    assert (told.orders, told.risk_bps) == ((), None)


def test_closed_is_more_certain_than_unknown() -> None:
    coins = COINS | {"BTC": Wallet(), "ETH": wallet(net("ERC20", 1, withdraw=False))}
    (found,) = show(loop("a", "b", "c", coins=coins))
    assert both(found)[0].state == "closed"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"BTC": wallet(net("BTC", 0.01, min_withdraw=2.5))}, "BTC from a to b: less than the "),
        ({"BTC": wallet(net("BTC", 1.999))}, "less than the smallest order on b arrives"),
    ],
)
def test_too_little_for_a_move_or_an_order_is_told(change: dict[str, Wallet], reason: str) -> None:
    floor = loop("a", "b", "b", coins=COINS | change)
    floor.change("b ETH/BTC", min_amount=1.0)
    (found,) = show(floor)
    told, back = both(found)
    assert (told.state, told.net_profit, told.orders) == ("open", None, ())
    assert told.reason.startswith(reason)
    assert back.cost is not None


def test_a_loop_that_a_transfer_does_not_pay_is_not_flagged_in_that_mode() -> None:
    """It leaves 200 bps, and 99 once it is moved."""
    for least, flagged in ((98.0, True), (100.0, False)):
        floor = loop("a", "b", "b", withdrawn=True)
        floor.thresholds = Thresholds(min_net_bps=least, update_interval=0)
        floor.configure()
        told = show(floor)
        assert bool(told) is flagged
        if flagged:
            transfer, _ = both(told[0])
            assert transfer.asked and not transfer.in_net
        else:
            assert [key[3] for key in floor.rejects()] == ["threshold"]


def test_in_that_mode_a_shut_wallet_stops_a_loop_and_closes_it() -> None:
    floor = loop("a", "b", "b", withdrawn=True)
    assert len(show(floor)) == 1
    shut = wallet(net("BTC", 0.01, withdraw=False))
    floor.change("a BTC/USDT", wallet=shut)
    (closed,) = show(floor, AT + SECOND)
    assert (closed.event, closed.reason) == (
        "closed",
        "what it goes through cannot be moved from venue to venue",
    )
    again = loop("a", "b", "b", coins=COINS | {"BTC": shut}, withdrawn=True)
    assert show(again) == []
    assert [key[3] for key in again.rejects()] == ["transfer"]


# --- several venues at once ---------------------------------------------------------------


def multi(
    wallets: dict[str, Wallet], money: Wallet = USDT, fee: float = 0.0, **more: object
) -> Floor:
    moving = Moving(paces=PACES, trades=4, **more)  # type: ignore[arg-type]
    floor = Floor(Rules(kinds=frozenset({MULTI}), currency="USDT", moving=moving))
    for venue, coin in wallets.items():
        floor.add(spot(venue, "BTC/USDT", fee, wallet=coin, quote_wallet=money))
    return floor


def buy(floor: Floor, venue: str, size: float, at: int = AT, price: float = 100) -> None:
    floor.show(f"{venue} BTC/USDT", [(price - 1, 1)], [(price, size)], at)


def sell(floor: Floor, venue: str, size: float, at: int = AT, price: float = 101) -> None:
    floor.show(f"{venue} BTC/USDT", [(price, size)], [(price + 1, 1)], at)


def two_to_one(**more: object) -> Floor:
    """1 BTC at a and 2 at b for 100 each, sold at c for 101."""
    coins = {"a": BTC, "b": wallet(net("BTC", 0.02)), "c": BTC}
    floor = multi(coins, **more)  # type: ignore[arg-type]
    return floor


def show_two_to_one(floor: Floor, at: int = AT) -> list[Opportunity]:
    buy(floor, "a", 1, at)
    buy(floor, "b", 2, at)
    sell(floor, "c", 3, at)
    return floor.tick(at)


def test_two_purchases_and_one_sale() -> None:
    """0.99 + 1.98 = 2.97 BTC arrive. Moving back costs 0.01 + 0.02 BTC and twice 1 USDT."""
    (found,) = show_two_to_one(two_to_one())
    told, back = both(found)
    assert found.net_profit == pytest.approx(3.0)
    assert sorted(ways(back.moves)) == [
        ("BTC", "a", "c", 1.0),
        ("BTC", "b", "c", 2.0),
        ("USDT", "c", "a", 100.0),
        ("USDT", "c", "b", 200.0),
    ]
    assert back.cost == pytest.approx((0.03 * 100 + 2) / 4)
    assert back.net_profit == pytest.approx(3 - 1.25)
    assert back.net_bps == pytest.approx((3 - 1.25) / 300 * 1e4)
    assert sorted(ways(told.moves)) == [("BTC", "a", "c", 1.0), ("BTC", "b", "c", 2.0)]
    assert [order.size for order in told.orders] == pytest.approx([2.0, 1.0, 2.97])
    assert [order.minutes for order in told.orders] == [0.0, 0.0, 45.0]
    assert told.net_profit == pytest.approx(float(D("2.97") * 101 - 300))
    assert told.net_bps == pytest.approx(-0.03 / 300 * 1e4)
    assert told.minutes == 45.0


def test_the_fee_of_a_purchase_that_is_taken_in_coins_is_not_moved() -> None:
    """Half a percent stays with the venues: 2.985 BTC are sold, and 2.955 once they are moved."""
    floor = two_to_one(fee=0.005)
    for venue in "abc":
        floor.change(f"{venue} BTC/USDT", buy_fee_in=FeeIn.BASE)
    (found,) = show_two_to_one_dearer(floor)
    told, back = both(found)
    assert [way[3] for way in ways(told.moves)] == pytest.approx([1.99, 0.995])
    assert told.orders[-1].size == pytest.approx(2.955)
    assert told.net_profit == pytest.approx(2.955 * 103 * 0.995 - 300)
    assert back.moves[0].rate == pytest.approx(100 / 0.995)


def show_two_to_one_dearer(floor: Floor) -> list[Opportunity]:
    buy(floor, "a", 1)
    buy(floor, "b", 2)
    sell(floor, "c", 3, price=103)
    return floor.tick()


def crossed(far: float = 0.02) -> dict[str, Wallet]:
    """c takes deposits on one network only, which is dearer, and from b dearest."""
    return {
        "a": wallet(net("ONE", 0.001), net("BTC", 0.01)),
        "b": wallet(net("ONE", 0.002), net("BTC", far)),
        "c": wallet(net("BTC", 0.03)),
        "d": wallet(net("ONE", 0.03), net("BTC", 0.03)),
    }


def show_two_to_two(floor: Floor, sizes: Sequence[float] = (1, 1, 1, 1)) -> list[Opportunity]:
    for venue, act, size in zip("abcd", (buy, buy, sell, sell), sizes, strict=True):
        act(floor, venue, size)
    return floor.tick()


def test_the_cheaper_of_two_ways_to_send_it() -> None:
    """a to c and b to d cost 0.01 + 0.002, the other way 0.001 + 0.02; where b is as near to c as
    a is, that way costs 0.001 + 0.01."""
    (found,) = show_two_to_two(multi(crossed()))
    told, back = both(found)
    assert ways(told.moves) == [("BTC", "a", "c", 1.0), ("BTC", "b", "d", 1.0)]
    assert [move.network for move in told.moves] == ["BTC", "ONE"]
    assert back.cost == pytest.approx((0.012 * 100 + 2) / 4)
    assert told.net_profit == pytest.approx(float(D("1.988") * 101 - 200))
    (other,) = show_two_to_two(multi(crossed(0.01)))
    assert sorted(ways(both(other)[0].moves)) == [("BTC", "a", "d", 1.0), ("BTC", "b", "c", 1.0)]


def test_what_does_not_fit_is_sent_in_parts() -> None:
    (found,) = show_two_to_two(multi(crossed()), (1.5, 0.5, 1, 1))
    told, back = both(found)
    assert sorted(ways(told.moves)) == [
        ("BTC", "a", "c", 1.0),
        ("BTC", "a", "d", 0.5),
        ("BTC", "b", "d", 0.5),
    ]
    assert back.cost == pytest.approx(((0.01 + 0.001 + 0.002) * 100 + 3) / 4)


def test_the_last_to_arrive_says_how_long_it_takes() -> None:
    coins = {"a": wallet(net("SLOW", 0.01)), "b": BTC, "c": wallet(net("SLOW"), net("BTC"))}
    (found,) = show_two_to_one(multi(coins))
    assert both(found)[0].minutes == 125.0


def test_the_risk_of_many_venues_is_that_of_the_sales() -> None:
    floor = multi(crossed())
    books = list(floor.books)
    at = moved_for_a_while(floor, books, (1.05, 1.04, 1.001, 1.003)) + SECOND
    floor.said.clear()
    buy(floor, "a", 1, at)
    buy(floor, "b", 1, at)
    sell(floor, "c", 1, at)
    sell(floor, "d", 1, at, 102)
    (found,) = floor.tick(at)
    told, _ = both(found)
    brings = {
        leg.venue: leg.levels[0][0] * size.size
        for leg, size in zip(found.legs, told.orders, strict=True)
    }
    share = brings["c"] / (brings["c"] + brings["d"])
    volatility = share * hourly(1.001) + (1 - share) * hourly(1.003)
    assert told.volatility_bps == pytest.approx(volatility, rel=1e-9)
    assert told.minutes is None  # nothing says how long the network ONE takes
    assert told.risk_bps is None and told.net_profit is not None


def test_the_risk_is_over_the_longest_move() -> None:
    floor = two_to_one()
    at = moved_for_a_while(floor, list(floor.books), (1.05, 1.04, 1.002)) + SECOND
    floor.said.clear()
    (found,) = show_two_to_one(floor, at)
    told, _ = both(found)
    expected = 1.645 * hourly(1.002) * math.sqrt(45 / 60)
    assert told.risk_bps == pytest.approx(expected, rel=1e-9)
    assert told.net_after_risk == pytest.approx(-0.03 - expected / 1e4 * 2.97 * 101, rel=1e-9)


def test_a_shut_wallet_is_gone_round_where_another_can_send_it() -> None:
    """b has no way to c; a sends all that c sells, and b what d does."""
    coins = crossed() | {"b": wallet(net("ONE", 0.5), net("BTC", 0.0001, withdraw=False))}
    (found,) = show_two_to_two(multi(coins))
    told, _ = both(found)
    assert told.state == "open"
    assert ways(told.moves) == [("BTC", "a", "c", 1.0), ("BTC", "b", "d", 1.0)]


@pytest.mark.parametrize(
    ("coin", "state", "reason"),
    [
        (Wallet(), "unknown", "BTC from b to c: nothing is known of the withdrawals"),
        (wallet(net("BTC", None)), "unknown", "BTC from b to c: the withdrawal fee is not known"),
        (
            wallet(net("BTC", 0.1, withdraw=False)),
            "closed",
            "BTC from b to c: withdrawals are closed",
        ),
    ],
)
def test_one_move_that_is_not_open_makes_all_so(coin: Wallet, state: str, reason: str) -> None:
    (found,) = show_two_to_one(multi({"a": BTC, "b": coin, "c": BTC}))
    told, back = both(found)
    assert (told.state, told.reason) == (back.state, back.reason) == (state, reason)
    assert (told.net_profit, back.cost, back.net_profit) == (None, None, None)


def test_money_that_cannot_be_moved_back_concerns_inventory_alone() -> None:
    (found,) = show_two_to_one(two_to_one(money=Wallet()))
    told, back = both(found)
    assert (told.state, back.state) == ("open", "unknown")
    assert told.net_profit is not None
    assert back.cost is None
    assert back.reason == "USDT from c to b: nothing is known of the withdrawals"


def test_less_than_can_be_withdrawn_or_sold_is_told() -> None:
    coins = {"a": wallet(net("BTC", 0.01, min_withdraw=1.5)), "b": BTC, "c": BTC}
    (found,) = show_two_to_one(multi(coins))
    told, back = both(found)
    assert told.reason == "BTC from a to c: less than the smallest withdrawal"
    assert (told.state, told.net_profit) == ("open", None)
    assert back.cost is not None
    floor = two_to_one()
    floor.change("c BTC/USDT", min_amount=2.98)
    (found,) = show_two_to_one(floor)
    assert both(found)[0].reason == "less than the smallest order on c arrives"


def test_what_lots_leave_over_is_sent_too() -> None:
    """Bought are 1 less a fee of 0.003 and 2, sold 2.99; what is left over pays a part of the
    withdrawals: 2.997 - 0.03 = 2.967, which is 2.96 in lots."""
    floor = two_to_one()
    floor.change("a BTC/USDT", buy_fee_in=FeeIn.BASE, taker_fee=0.003, lot=0.01)
    floor.change("b BTC/USDT", lot=0.01)
    floor.change("c BTC/USDT", lot=0.01)
    (found,) = show_two_to_one_dearer(floor)
    told, back = both(found)
    assert found.legs[-1].size == 2.99
    assert sum(move.amount for move in told.moves) == pytest.approx(2.997)
    assert sum(m.amount for m in back.moves if m.currency == "BTC") == pytest.approx(2.99)
    assert told.orders[-1].size == 2.96


def test_many_venues_that_a_transfer_does_not_pay_are_not_flagged_in_that_mode() -> None:
    floor = two_to_one(withdrawn=True)
    assert show_two_to_one(floor) == []
    assert [key[3] for key in floor.rejects()] == ["threshold"]
    cheap = multi(dict.fromkeys("abc", wallet(net("BTC", 0.001))), withdrawn=True)
    (found,) = show_two_to_one(cheap)
    assert both(found)[0].asked
    shut = wallet(net("BTC", 0.001, withdraw=False))
    cheap.change("a BTC/USDT", wallet=shut)
    (closed,) = cheap.tick(AT + SECOND // 5)
    assert (closed.event, closed.reason) == (
        "closed",
        "what is bought cannot be moved to where it is sold",
    )


def test_moves_are_reckoned_for_what_is_told_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten looks a second at what stays open; nobody asks for it before half a second is over."""
    floor = two_to_one()
    floor.thresholds = Thresholds(min_net_bps=5, update_interval=SECOND // 2)
    floor.configure(max_trade=Amount())
    floor.engine.configure(floor.thresholds, floor.bounds, floor.rules)
    show_two_to_one(floor)
    looked: list[int] = []
    real = floor.engine._pairs.transfers.between

    def counted(*asked: object) -> object:
        looked.append(1)
        return real(*asked)  # type: ignore[arg-type]

    monkeypatch.setattr(floor.engine._pairs.transfers, "between", counted)
    for tenths in range(1, 5):
        sell(floor, "c", 3 - tenths / 100, AT + tenths * SECOND // 10)
        floor.tick(AT + tenths * SECOND // 10)
    assert looked == []
    (state,) = floor.engine.several.states()
    assert looked and state.prefunded is not None
    assert state.legs[-1].size == pytest.approx(2.96)


def test_a_state_that_nobody_has_asked_for_rests_on_what_was_known_then() -> None:
    floor = two_to_one()
    floor.thresholds = Thresholds(min_net_bps=5, update_interval=SECOND)
    floor.engine.configure(floor.thresholds, floor.bounds, floor.rules)
    show_two_to_one(floor)
    later = AT + SECOND // 10
    sell(floor, "c", 2.9, later)
    assert floor.tick(later) == []
    floor.change("a BTC/USDT", wallet=wallet(net("BTC", 0.5)))
    floor.configure(moving=Moving(paces=PACES, trades=1))
    floor.lose("c BTC/USDT", at=later)
    closed = floor.said[-1]
    _, back = both(closed)
    assert (closed.event, closed.legs[-1].size) == ("closed", 2.9)
    assert (back.trades, back.cost) == (4, pytest.approx((0.03 * 100 + 2) / 4))
