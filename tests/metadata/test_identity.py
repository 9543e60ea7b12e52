"""Which coin is meant: units of many, names of several coins, and what the user says of them."""

from __future__ import annotations

import pytest

from scanner.config import Config, validated
from scanner.configuration.identity import Asset
from scanner.configuration.located import parse
from scanner.errors import ConfigError
from scanner.metadata.identity import identified, retold, shipped
from scanner.metadata.liquidity import Traded
from scanner.types import Market, MarketKind


def market(venue: str, symbol: str, **fields: object) -> Market:
    base, _, quote = symbol.partition(":")[0].partition("/")
    known = {"venue": venue, "id": symbol, "symbol": symbol, "base": base, "quote": quote}
    return Market(**known, taker_fee=0.001, **fields)  # type: ignore[arg-type]


def config(text: str) -> Config:
    return validated(parse(text, "c.yaml"), {})


def named(venue: str, symbol: str) -> tuple[str, str, float]:
    """As what is shipped has it."""
    (found,) = identified([market(venue, symbol)], shipped())
    return found.base, found.symbol, found.multiplier


@pytest.mark.parametrize(
    ("venue", "symbol", "base", "unified", "multiplier"),
    [
        ("x", "1000PEPE/USDT", "PEPE", "PEPE/USDT", 1000),
        ("x", "1000SHIB/USDT:USDT", "SHIB", "SHIB/USDT:USDT", 1000),
        ("x", "SHIB1000/USDT:USDT", "SHIB", "SHIB/USDT:USDT", 1000),
        ("x", "1000FLOKI/USDT", "FLOKI", "FLOKI/USDT", 1000),
        ("x", "1000BONK/USDC", "BONK", "BONK/USDC", 1000),
        ("x", "1MBABYDOGE/USDT", "BABYDOGE", "BABYDOGE/USDT", 1_000_000),
        ("x", "10000SATS/USDT", "SATS", "SATS/USDT", 10_000),
        ("hyperliquid", "KPEPE/USDC:USDC", "PEPE", "PEPE/USDC:USDC", 1000),
    ],
)
def test_a_unit_of_many_is_the_coin(
    venue: str, symbol: str, base: str, unified: str, multiplier: float
) -> None:
    assert named(venue, symbol) == (base, unified, multiplier)


@pytest.mark.parametrize(
    ("venue", "symbol"),
    [
        ("x", "1000CAT/USDT"),
        ("x", "1INCH/USDT"),
        ("x", "MART/USDT"),
        ("x", "ART/USDT"),
        ("x", "KPEPE/USDT"),
        ("x", "1000XYZ/USDT"),
        ("x", "PEPE/USDT"),
        ("okx", "NEIRO/USDT"),
        ("binance", "PUMP/USDT"),
    ],
)
def test_no_prefix_is_stripped_that_is_not_known(venue: str, symbol: str) -> None:
    assert named(venue, symbol) == (symbol.partition("/")[0], symbol, 1)


@pytest.mark.parametrize("coin", ["NEIRO", "PUMP", "CAT"])
def test_a_name_of_several_coins_is_compared_with_nothing_unless_it_is_known(coin: str) -> None:
    assert named("x", f"{coin}/USDT") == (f"{coin}@x", f"{coin}@x/USDT", 1)
    assert named("y", f"{coin}/USDT")[0] != named("x", f"{coin}/USDT")[0]


def test_one_coin_under_two_names_is_one() -> None:
    assert named("okx", "NEIRO/USDT")[0] == named("bybit", "NEIROCTO/USDT")[0] == "NEIRO"
    assert named("okx", "NEIROETH/USDT")[0] == "NEIROETH"


def test_what_the_user_says_goes_first_and_of_a_venue_before_all() -> None:
    own = {"NEIRO@x": Asset(coin="NEIRO"), "1000PEPE": Asset(), "ABC": Asset(coin="DEF", coins=10)}
    own["ABC@y"] = Asset(coin="ABC")
    markets = [
        market(venue, f"{coin}/Q")
        for venue in ("x", "y")
        for coin in ("NEIRO", "1000PEPE", "ABC", "1000SHIB")
    ]
    found = identified(markets, own, shipped())
    assert [one.base for one in found] == [
        *("NEIRO", "1000PEPE@x", "DEF", "SHIB"),
        *("NEIRO@y", "1000PEPE@y", "ABC", "SHIB"),
    ]
    assert [one.multiplier for one in found] == [1, 1, 10, 1000, 1, 1, 1, 1000]


def test_all_else_of_a_market_stays_as_the_venue_has_it() -> None:
    one = market("x", "1000PEPE/USDT:USDT", kind=MarketKind.PERPETUAL, lot=2.0, settle="USDT")
    (found,) = identified([one], shipped())
    assert (found.id, found.lot, found.settle) == ("1000PEPE/USDT:USDT", 2.0, "USDT")
    assert identified([found], shipped()) == [found]


def test_what_is_traded_is_known_under_the_new_name_for_one_coin() -> None:
    markets = [market("x", "1000PEPE/USDT"), market("x", "CAT/USDT"), market("x", "BTC/USDT")]
    tickers = {one.symbol: Traded(last=10.0, volume=5.0) for one in markets}
    assert retold(tickers, markets, shipped()) == {
        "PEPE/USDT": Traded(last=0.01, volume=5.0),
        "CAT@x/USDT": Traded(last=10.0, volume=5.0),
        "BTC/USDT": Traded(last=10.0, volume=5.0),
    }


def test_the_section_of_the_configuration() -> None:
    found = config(
        """
        venues: {okx: , gate: }
        identity:
          1000XYZ: {coin: XYZ, coins: 1000}
          ABC@okx:
        """
    )
    assert found.identity == {"1000XYZ": Asset(coin="XYZ", coins=1000), "ABC@okx": Asset()}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{ABC/USDT: {}}", "is no name of a coin"),
        ("{ABC@: {}}", "is no name of a coin"),
        ("{'@okx': {}}", "is no name of a coin"),
        ("{ABC: {coin: D/E}}", "is no name of a coin"),
        ("{ABC: {coin: D@okx}}", "a coin has no venue"),
        ("{ABC: {coins: 0}}", "coins"),
    ],
)
def test_what_is_no_coin_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        config(f"venues: {{okx: , gate: }}\nidentity: {text}\n")
