"""What was traded, in one currency, on the second busiest venue."""

from __future__ import annotations

import pytest

from scanner.metadata.liquidity import Traded, turnover
from scanner.types import Market


def market(venue: str, symbol: str) -> Market:
    base, quote = symbol.split("/")
    return Market(venue=venue, id=symbol, symbol=symbol, base=base, quote=quote, taker_fee=0.0)


def of(symbol: str, tickers: dict[str, dict[str, Traded]], venues: str = "abc") -> float:
    return turnover({symbol: [market(venue, symbol) for venue in venues]}, tickers)[symbol]


def test_the_second_venue_counts() -> None:
    tickers = {v: {"X/USDT": Traded(1.0, n)} for v, n in (("a", 5.0), ("b", 9.0), ("c", 7.0))}
    assert of("X/USDT", tickers) == 7.0
    assert of("X/USDT", tickers, "a") == 0.0
    assert of("X/USDT", {}) == 0.0


@pytest.mark.parametrize(
    ("rates", "worth"),
    [
        ({"BTC/USDT": Traded(100_000.0, 1.0)}, 100_000.0),
        ({"USDT/BTC": Traded(1e-5, 1.0)}, 100_000.0),
        ({"BTC/USD": Traded(90_000.0, 1.0)}, 90_000.0),
        ({"BTC/USD": Traded(90_000.0, 1.0), "USDT/BTC": Traded(1e-5, 1.0)}, 100_000.0),
        ({"BTC/USDT": Traded(0.0, 1.0)}, 0.0),
        ({}, 0.0),
    ],
)
def test_other_quotes_count_at_what_they_are_worth(rates: dict[str, Traded], worth: float) -> None:
    tickers = {venue: {"X/BTC": Traded(1.0, 2.0), **rates} for venue in "ab"}
    assert of("X/BTC", tickers) == pytest.approx(2 * worth)
