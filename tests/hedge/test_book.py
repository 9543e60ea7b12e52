"""The hedge book by hand: balance, results, margin, funding, and what is unknown."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from scanner.configuration.hedge import HedgeBook, Holding, Position
from scanner.derivatives import Derivative
from scanner.hedge.book import Balance, balances
from scanner.hedge.book_text import fields, lines
from scanner.hedge.contract import Contract, Short
from scanner.hedge.offers import Seen
from scanner.hedge.received import Paid, Received, received
from scanner.types import Market, MarketKind

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
AT = 1_800_000_000_000_000_000
OPENED = "2027-01-14T00:00:00Z"  # 32 hours before AT
SPOT = Market(venue="alpha", id="s", symbol="BTC/USDT", base="BTC", quote="USDT", taker_fee=0.001)
PERPETUAL = Market(
    venue="beta",
    id="p",
    symbol="BTC/USDT:USDT",
    base="BTC",
    quote="USDT",
    taker_fee=0.001,
    kind=MarketKind.PERPETUAL,
    contract_size=0.01,
)
INVERSE = Market(
    venue="beta",
    id="i",
    symbol="BTC/USD:BTC",
    base="BTC",
    quote="USD",
    taker_fee=0.001,
    kind=MarketKind.PERPETUAL,
    contract_size=100.0,
    inverse=True,
)


def seen(market: Market, mid: float, said: Derivative | None = None) -> Seen:
    asks, bids = [(mid + 1, 1.0)], [(mid - 1, 1.0)]
    return Seen(market=market, asks=asks, bids=bids, said=said or Derivative())


def holding(**more: Any) -> Holding:
    return Holding(**({"venue": "alpha", "coin": "BTC", "amount": 1.0} | more))


def position(**more: Any) -> Position:
    of = {"venue": "beta", "symbol": "BTC/USDT:USDT", "entry_price": 100_000.0, "leverage": 2.0}
    size = {} if "amount" in more else {"contracts": 90.0}
    return Position(**(of | size | more))


def of(
    holdings: list[Holding],
    shorts: list[Position],
    live: list[Seen],
    paid: list[Paid] | None = None,
) -> Balance:
    (found,) = balances(
        HedgeBook(holdings=tuple(holdings), shorts=tuple(shorts)),
        (SPOT, PERPETUAL, INVERSE),
        live,
        [paid] * len(shorts),
        AT,
        maintenance=0.005,
        currency="USDT",
    )
    return found


def test_both_sides_stand_side_by_side() -> None:
    mark = Derivative(mark=95_190.0, funding_rate=-0.0001)
    found = of(
        [holding(price=90_000.0)],
        [position()],
        [seen(SPOT, 95_000.0), seen(PERPETUAL, 95_100.0, mark)],
    )
    assert (found.coin, found.quote, found.amount) == ("BTC", "USDT", 1.0)
    assert found.hedged == pytest.approx(0.9)
    assert found.delta == pytest.approx(0.1)
    assert found.drift_pct == pytest.approx(10.0)
    assert found.spot_value == 95_000.0
    assert found.contracts_value == pytest.approx(85_671.0)
    assert found.held[0].profit == 5_000.0
    (one,) = found.opened
    assert (one.price, one.marked, one.against, one.reason) == (95_190.0, True, True, "")
    assert one.profit == pytest.approx(0.9 * 4_810) == found.unrealised
    assert one.profit_in_base is None
    assert one.margin == pytest.approx(45_000.0)
    assert one.liquidation_price == pytest.approx(150_000 / 1.005)
    assert one.distance_pct == pytest.approx((150_000 / 1.005 / 95_190 - 1) * 100)
    assert one.basis == pytest.approx(0.002)


def test_an_inverse_short_is_reckoned_in_coins() -> None:
    """1,000 contracts of 100 USD, sold at 100,000, at 80,000: 100,000 (1/80,000 - 1/100,000)."""
    short = position(symbol="BTC/USD:BTC", amount=1.0)
    found = of([holding()], [short], [seen(INVERSE, 80_000.0)])
    (one,) = found.opened
    assert one.short is not None and one.short.contracts == 1_000.0
    assert (found.hedged, found.delta, found.quote) == (1.0, 0.0, "USD")
    assert one.profit == pytest.approx(20_000.0)
    assert one.profit_in_base == pytest.approx(0.25)
    assert (one.value, one.margin, one.marked) == (100_000.0, 50_000.0, False)
    assert one.liquidation_price == pytest.approx(100_000 * 0.995 / 0.5)
    assert (found.held[0].price, found.spot_value) == (None, None), "no book says USD for one"


def test_a_multiplied_contract_is_told_for_one_coin() -> None:
    many = Market(
        venue="beta",
        id="m",
        symbol="PEPE/USDT:USDT",
        base="PEPE",
        quote="USDT",
        taker_fee=0.0,
        kind=MarketKind.PERPETUAL,
        multiplier=1000.0,
    )
    short = position(symbol="PEPE/USDT:USDT", entry_price=0.02, contracts=5.0)
    live = [seen(many, 3.0, Derivative(mark=10.0))]
    book = HedgeBook(shorts=(short,))
    (found,) = balances(book, [many], live, [None], AT, maintenance=0.0, currency="USDT")
    assert (found.hedged, found.delta, found.drift_pct) == (5_000.0, -5_000.0, None)
    assert found.opened[0].price == pytest.approx(0.01)
    assert found.unrealised == pytest.approx(50.0)


def test_what_no_live_book_says_is_unknown() -> None:
    found = of([holding()], [position()], [])
    (one,) = found.opened
    assert one.reason == "its book is not live"
    assert (one.price, one.value, one.profit, one.distance_pct, one.basis) == (None,) * 5
    assert (one.against, found.funding, found.spot_value, found.unrealised) == (None,) * 4
    assert found.delta == pytest.approx(0.1), "sizes need no book"


def test_a_contract_that_is_not_listed_leaves_the_balance_unknown() -> None:
    gone = position(symbol="BTC/USDC:USDC", contracts=1.0)
    found = of([holding()], [position(), gone], [seen(SPOT, 1.0), seen(PERPETUAL, 1.0)])
    assert found.opened[1].reason == "no list of its venue has such a contract"
    assert (found.hedged, found.delta, found.drift_pct, found.quote) == (None, None, None, "")


def test_a_holding_elsewhere_is_valued_by_the_books_there_are() -> None:
    found = of([holding(venue="my wallet")], [], [seen(SPOT, 95_000.0)])
    assert (found.held[0].elsewhere, found.spot_value, found.drift_pct) == (True, 95_000.0, 100.0)


def test_funding_since_the_opening_by_the_mark_of_each_boundary() -> None:
    paid = [
        Paid(AT - 34 * HOUR, 0.5, 8 * HOUR, 1.0),  # before it was opened
        Paid(AT - 26 * HOUR, 0.0001, 8 * HOUR, 100_000.0),
        Paid(AT - 18 * HOUR, -0.0002, 8 * HOUR, 90_000.0),
        Paid(AT - 10 * HOUR, 0.0001, 8 * HOUR, 95_000.0),
        Paid(AT - 2 * HOUR, 0.0001, 8 * HOUR, 95_000.0),
    ]
    found = of([], [position(opened_at=OPENED)], [], paid)
    assert found.funding == pytest.approx(0.9 * (10.0 - 18.0 + 9.5 + 9.5))
    assert found.opened[0].funding.payments == 4
    unknown = of([], [position()], [], paid)
    assert unknown.opened[0].funding == Received()


LINEAR = Short(contract=Contract(), contracts=1.0, entry=110.0)


def paid(*hours: float, mark: float | None = 100.0, interval: int = 8) -> list[Paid]:
    return [Paid(int(hour * HOUR), 0.01, interval * HOUR, mark) for hour in hours]


@pytest.mark.parametrize(
    ("payments", "opened", "at", "amount", "known"),
    [
        (paid(8, 16), 1, 17, 2.0, 2.0),
        (paid(16, 8), 1, 17, 2.0, 2.0),
        (paid(0), 1, 7, 0.0, 0.0),  # no boundary yet
        (paid(), 1, 7, None, 0.0),
        (paid(0), 1, 9, None, 0.0),  # the boundary at 8 has passed
        (paid(16), 1, 17, None, 1.0),  # that at 8 is missing
        (paid(8, 24), 1, 25, None, 2.0),  # that at 16
        (paid(8), 1, 17, None, 1.0),  # the last
        (paid(8, 16, mark=None), 1, 17, 2.2, 2.2),  # at the entry price
        (paid(8, interval=0), 1, 9, None, 1.0),
        (paid(8, 16), 8, 17, 1.0, 1.0),  # opened at a boundary: that one was another's
    ],
)
def test_a_payment_that_is_missing_makes_the_sum_unknown(
    payments: list[Paid], opened: int, at: int, amount: float | None, known: float
) -> None:
    found = received(LINEAR, payments, opened * HOUR, at * HOUR)
    assert (found.amount, found.known) == (amount, known)


def test_funding_of_an_inverse_short_needs_no_mark() -> None:
    short = Short(contract=Contract(contract_size=100, inverse=True), contracts=10, entry=50_000.0)
    found = received(short, paid(8, mark=None), 1 * HOUR, 9 * HOUR)
    assert found.amount == pytest.approx(10.0)


def test_what_funding_is_known_by_is_told() -> None:
    payments = [*paid(0, 8, mark=None), *paid(16, 24), *paid(32, mark=None)]
    found = received(LINEAR, payments, 1 * HOUR, 33 * HOUR)
    assert (found.payments, found.since, found.at_entry) == (4, 8 * HOUR, 2)
    assert found.amount == pytest.approx(1.1 + 1.0 + 1.0 + 1.1)
    inverse = Short(contract=Contract(contract_size=1, inverse=True), contracts=1, entry=5.0)
    assert received(inverse, payments, 1 * HOUR, 33 * HOUR).at_entry == 0
    assert received(LINEAR, paid(0), 1 * HOUR, 7 * HOUR).since == 0


def test_text_says_what_funding_is_known_by() -> None:
    payments = [Paid(AT - hour * HOUR, 0.0001, 8 * HOUR, None) for hour in (34, 26, 18, 10, 2)]
    when = datetime.fromtimestamp((AT - 26 * HOUR) // SECOND, UTC).strftime("%Y-%m-%d %H:%M")
    said = f"funding by 4 payments from {when} UTC on"
    found = of([], [position(opened_at=OPENED)], [], payments)
    entry = "4 of them at the entry price (~), for no mark of then is stored: not to the cent"
    assert f"beta BTC/USDT:USDT: {said}; {entry}" in list(lines([found], 200))
    assert " ~+" in next(line for line in lines([found], 200) if line.startswith("beta "))
    assert "funding ~+" in next(line for line in lines([found], 200) if line.startswith("spot "))
    assert fields([found])["coins"][0]["payments_at_entry_price"] == 4
    (short,) = fields([found])["coins"][0]["shorts"]
    assert short["payments_since"] == when.replace(" ", "T") + ":00Z"
    assert (short["payments"], short["payments_at_entry_price"]) == (4, 4)
    missing = of([], [position(opened_at=OPENED)], [], payments[2:])
    (told,) = [line for line in lines([missing], 200) if "payments" in line]
    assert told.startswith("beta BTC/USDT:USDT: of its funding by 3 payments from ")
    assert "UTC on alone, +" in told and "; others are not known; 3 of them at" in told
    (short,) = fields([missing])["coins"][0]["shorts"]
    assert (short["funding"], short["payments"]) == (None, 3)


def test_an_opening_in_the_future_has_no_funding() -> None:
    assert received(LINEAR, paid(8), 10 * HOUR, 9 * HOUR) == Received()


def test_text_and_fields_tell_the_same_and_unknown_as_unknown() -> None:
    mark = Derivative(mark=95_190.0, funding_rate=-0.0001)
    live = [seen(SPOT, 95_000.0), seen(PERPETUAL, 95_100.0, mark)]
    found = of([holding(price=90_000.0)], [position()], live)
    text = "\n".join(lines([found], 200))
    assert "BTC: hold 1, short 0.9, net delta +0.1, drift +10 %" in text
    assert "spot 95,000.00 | contracts 85,671.00 | unrealised +4,329.00 | funding - (USDT)" in text
    assert "149,253.73" in text and "+56.7956" in text
    (told,) = fields([found])["coins"]
    (short,) = told["shorts"]
    assert (told["funding"], short["funding"], short["price_from"]) == (None, None, "mark")
    assert (short["funding_against"], told["drift_pct"]) == (True, pytest.approx(10.0))
    dark = "\n".join(lines([of([holding()], [position()], [])], 200))
    assert "spot - | contracts - | unrealised -" in dark
    assert "beta BTC/USDT:USDT: its book is not live" in dark
