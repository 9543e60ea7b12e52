"""Which worker scans what."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scanner.types import Market
from scanner.workers.split import Share, split


def market(symbol: str, venue: str = "a") -> Market:
    base, _, quote = symbol.partition("/")
    return Market(venue=venue, id=symbol, symbol=symbol, base=base, quote=quote, taker_fee=0.001)


SYMBOLS = ("BTC/USDT", "ETH/USDT", "ETH/BTC", "BTC/USDC", "USDC/USDT", "SOL/USDT", "SOL/USDC")
MARKETS = [market(symbol, venue) for symbol in SYMBOLS for venue in ("a", "b")]


def symbols(share: Share) -> set[str]:
    return {market.symbol for market in share.markets}


def test_one_worker_has_everything_and_in_order() -> None:
    assert split(MARKETS, 1) == (Share(tuple(MARKETS)),)


def test_what_is_of_one_coin_stays_together_and_loads_are_even() -> None:
    first, second = split(MARKETS, 2)
    assert symbols(first) == {"BTC/USDT", "BTC/USDC", "SOL/USDT", "SOL/USDC"}
    assert symbols(second) == {"ETH/USDT", "ETH/BTC", "USDC/USDT"}


def test_each_worker_has_the_prices_that_convert_quotes() -> None:
    first, second = split(MARKETS, 2)
    assert {m.symbol for m in first.conversions} == {"USDC/USDT"}
    assert {m.symbol for m in second.conversions} == {"BTC/USDT", "BTC/USDC"}


def test_a_worker_without_symbols_needs_no_prices() -> None:
    shares = split([market(symbol) for symbol in ("BTC/USDT", "BTC/USDC", "USDC/USDT")], 4)
    assert [len(share.markets) for share in shares] == [2, 1, 0, 0]
    assert [len(share.conversions) for share in shares] == [1, 0, 0, 0]


def test_a_coin_stays_where_it_was() -> None:
    before = split(MARKETS, 2)
    more = [market("XRP/USDT"), *MARKETS, market("ADA/USDT")]
    after = split(more, 2, before)
    for old, new in zip(before, after, strict=True):
        assert symbols(old) <= symbols(new)
    fewer = split([m for m in MARKETS if m.base != "BTC"], 2, before)
    assert symbols(fewer[0]) == {"SOL/USDT", "SOL/USDC"}


@given(
    st.lists(
        st.builds(
            lambda base, quote, venue: market(f"{base}/{quote}", venue),
            st.sampled_from("ABCDEFGH"),
            st.sampled_from(["USDT", "USDC", "A", "B"]),
            st.sampled_from(["a", "b", "c"]),
        ),
        unique_by=lambda m: (m.venue, m.id),
        max_size=40,
    ),
    st.integers(1, 8),
)
def test_each_market_is_scanned_once_and_each_coin_in_one_place(
    markets: list[Market], workers: int
) -> None:
    shares = split(markets, workers)
    assert len(shares) == workers
    every = [market for share in shares for market in share.markets]
    assert sorted((m.venue, m.id) for m in every) == sorted((m.venue, m.id) for m in markets)
    coins = [coin for share in shares for coin in share.coins]
    assert len(coins) == len(set(coins))
    assert split(markets, workers, shares) == shares
