"""Perpetuals and futures out of ccxt lists: what they stand for is known, or they are left out."""

from __future__ import annotations

from typing import Any

import pytest

from scanner.config import Config, validated
from scanner.configuration.located import parse
from scanner.errors import ConfigError, CrossbookError
from scanner.hedging.scope import hedged_kinds
from scanner.markets import choose
from scanner.metadata.fetch import TICK_SIZE, Wanted, converted, only
from scanner.types import FeeIn, Market, MarketKind

ALL = tuple(MarketKind)


def entry(**changes: Any) -> dict[str, Any]:
    """As ccxt has the swap of OKX."""
    return {
        "id": "BTC-USDT-SWAP",
        "symbol": "BTC/USDT:USDT",
        "base": "BTC",
        "quote": "USDT",
        "settle": "USDT",
        "spot": False,
        "swap": True,
        "future": False,
        "linear": True,
        "inverse": False,
        "contractSize": 0.01,
        "expiry": None,
        "active": True,
        "taker": 0.0005,
        "maker": 0.0002,
        "precision": {"price": 0.1, "amount": 0.01},
        "limits": {"amount": {"min": 0.01}},
    } | changes


DATED = {
    "id": "BTC-USDT-261225",
    "symbol": "BTC/USDT:USDT-261225",
    "swap": False,
    "future": True,
    "expiry": 1_798_185_600_000,
}


def convert(
    *entries: dict[str, Any],
    kinds: tuple[MarketKind, ...] = ALL,
    venue: str = "",
    own: bool = False,
) -> tuple[Market, ...]:
    return converted(Wanted(venue, "", own, kinds), entries, TICK_SIZE)


@pytest.mark.parametrize("venue", ["", "binanceusdm", "bybit", "gate"])
def test_no_coin_is_taken_as_the_fee_of_a_contract(venue: str) -> None:
    """Whatever ccxt says for all markets of an exchange, which is of spot."""
    for side in ("get", "give", "base", "quote", None):
        (made,) = convert(entry(feeSide=side), venue=venue)
        assert (made.buy_fee_in, made.sell_fee_in) == (FeeIn.QUOTE, FeeIn.QUOTE)
        assert made.fee_in_source == "as contracts are settled"


def test_a_swap_and_a_dated_future_and_an_inverse_one() -> None:
    inverse = {
        "id": "BTC-USD-SWAP",
        "symbol": "BTC/USD:BTC",
        "quote": "USD",
        "settle": "BTC",
        "linear": False,
        "inverse": True,
        "contractSize": 100,
    }
    swap, dated, coin = convert(entry(), entry(**DATED), entry(**inverse))
    assert (swap.kind, swap.settle, swap.contract_size) == (MarketKind.PERPETUAL, "USDT", 0.01)
    assert (swap.lot, swap.min_amount, swap.taker_fee, swap.expiry) == (0.01, 0.01, 0.0005, 0)
    assert (dated.kind, dated.expiry) == (MarketKind.FUTURE, 1_798_185_600 * 10**9)
    assert (coin.inverse, coin.settle, coin.contract_size) == (True, "BTC", 100.0)


@pytest.mark.parametrize(
    "changes",
    [
        {"contractSize": None},
        {"contractSize": 0},
        {"contractSize": -1},
        {"settle": None},
        {"linear": None, "inverse": None},
        {"linear": True, "inverse": True},
        {"swap": False, "future": True},
        {"expiry": 1_798_185_600_000},
        DATED | {"expiry": 2**70},
        {"active": False},
    ],
)
def test_what_it_stands_for_is_known_or_it_is_left_out(changes: dict[str, Any]) -> None:
    assert convert(entry(**changes)) == ()


def test_only_the_kinds_that_are_wanted_are_taken() -> None:
    spot = entry(id="BTC-USDT", symbol="BTC/USDT", spot=True, swap=False)
    found = {
        kind: [market.symbol for market in convert(spot, entry(), entry(**DATED), kinds=(kind,))]
        for kind in MarketKind
    }
    assert found == {
        MarketKind.SPOT: ["BTC/USDT"],
        MarketKind.PERPETUAL: ["BTC/USDT:USDT"],
        MarketKind.FUTURE: ["BTC/USDT:USDT-261225"],
    }


def test_spot_and_a_contract_of_the_same_name_are_two_markets() -> None:
    spot = entry(id="BTCUSDT", symbol="BTC/USDT", spot=True, swap=False)
    found = convert(spot, entry(id="BTCUSDT"), venue="bybit", own=True)
    assert [(one.id, one.kind) for one in found] == [
        ("BTCUSDT", MarketKind.SPOT),
        ("BTCUSDT", MarketKind.PERPETUAL),
    ]


@pytest.mark.parametrize("venue", ["bybit", "gate", "bitget", "binanceusdm"])
def test_what_a_native_venue_does_not_carry_is_left_out(venue: str) -> None:
    inverse = entry(quote="USD", settle="BTC", linear=False, inverse=True, symbol="BTC/USD:BTC")
    assert convert(inverse, venue=venue, own=True) == ()
    assert len(convert(inverse, venue=venue)) == 1


def test_the_stream_of_a_contract_may_know_it_by_another_name() -> None:
    found = convert(entry(id="0", baseName="kPEPE"), venue="hyperliquid", own=True)
    assert [one.id for one in found] == ["kPEPE"]


@pytest.mark.parametrize(
    ("kinds", "types"),
    [
        ((MarketKind.SPOT,), ["spot"]),
        ((MarketKind.SPOT, MarketKind.PERPETUAL), ["spot", "swap", "linear"]),
        ((MarketKind.FUTURE,), ["linear", "future"]),
    ],
)
def test_ccxt_is_asked_for_those_kinds_alone(kinds: Any, types: list[str]) -> None:
    asked = {"fetchMarkets": {"types": ["spot", "swap", "linear", "future", "option"], "x": 1}}
    only(asked, kinds)
    assert sorted(asked["fetchMarkets"]["types"]) == sorted(types)  # type: ignore[index, call-overload]
    odd: dict[str, Any] = {"fetchMarkets": {"types": ["margin"]}}
    only(odd, kinds)
    assert odd["fetchMarkets"]["types"] == ["margin"]


# --- what of it is taken ------------------------------------------------------------------------


def config(text: str) -> Config:
    return validated(parse(text, "test.yaml"))


def listed(venue: str, *symbols: str) -> list[Market]:
    def one(symbol: str) -> Market:
        pair, _, settle = symbol.partition(":")
        base, quote = pair.split("/")
        kind = MarketKind.PERPETUAL if settle else MarketKind.SPOT
        return Market(
            venue=venue, id=symbol, symbol=symbol, base=base, quote=quote, taker_fee=0.1, kind=kind
        )

    return [one(symbol) for symbol in symbols]


def chosen(text: str, **markets: list[Market]) -> list[tuple[str, str]]:
    return [(one.venue, one.symbol) for one in choose(markets, config(text))]


TWO = "venues: {okx: {markets: [spot, perpetual]}, bybit: , hyperliquid: }"


def test_contracts_come_with_the_coins_that_are_scanned() -> None:
    okx = listed("okx", "BTC/USDT", "BTC/USDT:USDT", "BTC/USD:BTC", "DOGE/USDT:USDT")
    bybit = listed("bybit", "BTC/USDT")
    other = listed("hyperliquid", "BTC/USDC:USDC", "PEPE/USDC:USDC")
    found = chosen(TWO, okx=okx, bybit=bybit, hyperliquid=other)
    assert found == [
        ("okx", "BTC/USDT"),
        ("bybit", "BTC/USDT"),
        ("okx", "BTC/USDT:USDT"),
        ("okx", "BTC/USD:BTC"),
        ("hyperliquid", "BTC/USDC:USDC"),
    ]
    named = chosen(f"{TWO}\nsymbols: [DOGE/USDT, BTC/USDT]", okx=okx, bybit=bybit)
    assert ("okx", "DOGE/USDT:USDT") in named


def test_without_any_spot_the_coins_that_most_list_are_taken() -> None:
    text = "venues: {binanceusdm: , hyperliquid: }\nmax_symbols: 1"
    a = listed("binanceusdm", "PEPE/USDT:USDT", "BTC/USDT:USDT")
    b = listed("hyperliquid", "BTC/USDC:USDC")
    assert chosen(text, binanceusdm=a, hyperliquid=b) == [
        ("binanceusdm", "BTC/USDT:USDT"),
        ("hyperliquid", "BTC/USDC:USDC"),
    ]
    with pytest.raises(CrossbookError):
        chosen(f"{text}\nsymbols: [XYZ/USDT]", binanceusdm=a, hyperliquid=b)


SHORTS = (
    "hedge_book: {shorts: [{venue: okx, symbol: 'PEPE/USDT:USDT', amount: 1, entry_price: 1},"
    " {venue: okx, symbol: 'BTC/USD:BTC-271231', amount: 1, entry_price: 1},"
    " {venue: kucoin, symbol: 'BTC/USDT:USDT', amount: 1, entry_price: 1}],"
    " holdings: [{venue: here, coin: DOGE, amount: 1}]}"
)


def test_the_contracts_of_the_hedge_book_and_its_coins_are_scanned_too() -> None:
    """Of a venue of which no contracts are taken otherwise: these alone."""
    okx = listed(
        "okx", "BTC/USDT", "PEPE/USDT", "PEPE/EUR", "DOGE/USDT", "DOGE/EUR", "PEPE/USDT:USDT"
    )
    others = listed("okx", "BTC/USDT:USDT", "DOGE/USDT:USDT")
    bybit = listed("bybit", "BTC/USDT", "BTC/USDT:USDT")
    text = f"venues: {{okx: , bybit: }}\nsymbols: [BTC/USDT]\n{SHORTS}"
    assert chosen(text, okx=[*okx, *others], bybit=bybit) == [
        ("okx", "BTC/USDT"),
        ("bybit", "BTC/USDT"),
        ("okx", "PEPE/USDT"),
        ("okx", "DOGE/USDT"),
        ("okx", "PEPE/USDT:USDT"),
    ]


def test_one_that_is_scanned_anyway_is_scanned_once() -> None:
    okx = listed("okx", "PEPE/USDT", "PEPE/USDT:USDT")
    text = f"venues: {{okx: {{markets: [spot, perpetual]}}}}\nsymbols: [PEPE/USDT]\n{SHORTS}"
    assert chosen(text, okx=okx) == [("okx", "PEPE/USDT"), ("okx", "PEPE/USDT:USDT")]


@pytest.mark.parametrize(
    ("venue", "kinds"),
    [
        ("okx: ", "perpetual future"),
        ("okx: {markets: [spot, perpetual]}", "future"),
        ("okx: {markets: [spot, perpetual, future]}", ""),
        ("kucoin: ", ""),
        ("kucoin: {feed: ccxt}", "perpetual"),
        ("bybit: ", ""),
    ],
)
def test_a_venue_is_asked_for_the_kinds_that_are_sold_there(venue: str, kinds: str) -> None:
    settings = config(f"venues: {{{venue}}}\n{SHORTS}")
    assert " ".join(hedged_kinds(venue.partition(":")[0], settings)) == kinds


# --- what is configured -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "kinds", "feed"),
    [
        ("okx: ", "spot", "native"),
        ("okx: {markets: [perpetual]}", "perpetual", "native"),
        ("binanceusdm: ", "perpetual future", "native"),
        ("hyperliquid: ", "perpetual future", "native"),
        ("hyperliquid: {markets: [spot]}", "spot", "ccxt"),
        ("htx: {markets: [spot, future]}", "spot future", "ccxt"),
        ("binance: {markets: [spot, perpetual]}", "spot perpetual", "native"),
    ],
)
def test_what_is_taken_of_a_venue_and_by_whom(text: str, kinds: str, feed: str) -> None:
    (venue,) = config(f"venues:\n  {text}").venues.values()
    assert (" ".join(venue.kinds), venue.feed) == (kinds, feed)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("okx: {markets: [swap]}", "markets"),
        ("okx: {markets: []}", "markets"),
        ("hyperliquid: {markets: [spot], feed: native}", "no native protocol"),
        ("binanceusd: ", "did you mean"),
    ],
)
def test_what_cannot_be_taken_is_said(text: str, word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        config(f"venues:\n  {text}")
