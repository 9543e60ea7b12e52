"""Deviations at a size, direct and through a coin: exact values."""

from __future__ import annotations

import math

import pytest

from scanner.parity.figures import (
    at_par,
    deviation,
    direct,
    implied,
    ordered,
    pegged_to,
    standing,
)

COINS = {"USDT": "USD", "USDC": "USD", "EURC": "EUR"}
BIDS = [(0.9990, 4_000.0), (0.9980, 6_000.0), (0.9900, 90_000.0)]
ASKS = [(0.9992, 10_000.0), (0.9995, 10_000.0)]


def test_a_price_is_that_of_the_whole_size() -> None:
    price = direct(BIDS, ASKS, 10_000)
    assert price is not None
    assert price.bid == pytest.approx(0.9984)  # (4,000 x 0.999 + 6,000 x 0.998) / 10,000
    assert price.ask == pytest.approx(0.9992)
    assert price.bid_bps == pytest.approx(-16.012813666)  # 1e4 ln 0.9984
    assert price.bps == pytest.approx((1e4 * math.log(0.9984) + 1e4 * math.log(0.9992)) / 2)


def test_depths_are_within_so_many_bps_of_the_middle_both_sides_added() -> None:
    price = direct(BIDS, ASKS, 1_000)
    assert price is not None
    # the middle of the touch is 0.9991: 0.998 is 11 bps below it, 0.99 is 91
    assert price.depths == (24_000.0, 30_000.0, 120_000.0)
    assert standing(BIDS, BIDS, ASKS, 50) == 10_000.0


def test_of_a_thin_book_the_size_is_what_it_holds() -> None:
    price = direct([(0.99, 300.0)], [(1.01, 200.0)], 10_000)
    assert price is not None and price.size == 200.0


@pytest.mark.parametrize(("bids", "asks"), [([], ASKS), (BIDS, []), ([(1.0, 1.0)], [(1.0, 1.0)])])
def test_a_book_with_an_empty_side_or_a_crossed_one_says_nothing(bids: list, asks: list) -> None:
    assert direct(bids, asks, 100) is None


def test_through_a_coin_both_spreads_are_paid() -> None:
    in_usdc = ([(102_000.0, 1.0)], [(102_100.0, 1.0)])
    in_usdt = ([(99_500.0, 1.0)], [(99_600.0, 1.0)])
    price = implied(in_usdc, in_usdt, 10_000)
    assert price is not None
    assert price.bid == pytest.approx(99_500 / 102_100)
    assert price.ask == pytest.approx(99_600 / 102_000)
    assert price.size == 10_000


def test_through_a_thin_coin_the_size_is_what_both_books_hold() -> None:
    in_usdc = ([(100_000.0, 1.0)], [(100_100.0, 1.0)])
    in_usdt = ([(99_500.0, 0.01)], [(99_600.0, 1.0)])
    price = implied(in_usdc, in_usdt, 10_000)
    assert price is not None and price.size == pytest.approx(1_000.0)
    assert implied(in_usdc, ([], in_usdt[1]), 10_000) is None


def test_the_deviation_is_the_same_in_both_directions() -> None:
    assert deviation(0.975) == pytest.approx(-253.178, abs=1e-3)
    assert deviation(1 / 0.975) == pytest.approx(-deviation(0.975))


@pytest.mark.parametrize(
    ("base", "quote", "same"),
    [
        ("USDC", "USDT", True),
        ("USDT", "USD", True),
        ("EURC", "EUR", True),
        ("EURC", "USDT", False),
        ("EUR", "USDT", False),
        ("BTC", "USDT", False),
        ("BTC", "ETH", False),
    ],
)
def test_only_what_is_pegged_to_the_same_money_is_at_par(base: str, quote: str, same: bool) -> None:
    assert at_par(base, quote, COINS) is same


def test_a_coin_is_priced_in_its_money_and_the_later_in_the_earlier() -> None:
    assert ordered("USD", "USDT", COINS) == ordered("USDT", "USD", COINS) == ("USDT", "USD")
    assert ordered("USDT", "USDC", COINS) == ("USDC", "USDT")
    assert [pegged_to(name, COINS) for name in ("USDC", "USD", "BTC")] == ["USD", "USD", ""]
