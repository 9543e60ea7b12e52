"""What trading a market costs the user, and where each figure comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from scanner.commands.fee_table import fees, lines
from scanner.config import Config, load
from scanner.configuration.venues import VenueConfig
from scanner.errors import ConfigError
from scanner.markets import Cache, Kept
from scanner.metadata.fees import priced
from scanner.metadata.fetch import Wanted
from scanner.types import FeeIn, Market, MarketKind


def market(symbol: str = "BTC/USDT") -> Market:
    base, quote = symbol.split("/")
    return Market(
        venue="okx",
        id=symbol,
        symbol=symbol,
        base=base,
        quote=quote,
        taker_fee=0.001,
        maker_fee=0.0008,
        fee_source="its list",
        buy_fee_in=FeeIn.BASE,
        fee_in_source="ccxt",
    )


def venue(text: str) -> VenueConfig:
    return load_text(f"venues: {{okx: {text}}}").venues["okx"]


def load_text(text: str) -> Config:
    from scanner.config import validated
    from scanner.configuration.located import parse

    return validated(parse(text, "config.yaml"), {})


@pytest.mark.parametrize(
    ("text", "rate", "source"),
    [
        ("", 0.001, "its list"),
        ("{taker_fee: 0.0007}", 0.0007, "venues.okx.taker_fee"),
        ("{maker_fee: 0.0002}", 0.001, "its list"),
        ("{order: maker}", 0.0008, "its list"),
        ("{order: maker, maker_fee: -0.0001}", -0.0001, "venues.okx.maker_fee"),
        ("{fees: {'btc/*': {taker: 0.0005}}}", 0.0005, "venues.okx.fees.btc/*.taker"),
        ("{fees: {'*/USDC': {taker: 0}}}", 0.001, "its list"),
        (
            "{fees: {BTC/USDT: {maker: 0}, '*': {taker: 0.5}}}".replace("0.5", "0.02"),
            0.001,
            "its list",
        ),
        ("{fee_discount: 0.25}", 0.00075, "its list, 0.25 off by fee_discount"),
    ],
)
def test_the_rate_that_counts_and_its_source(text: str, rate: float, source: str) -> None:
    [made] = priced([market()], venue(text))
    assert (made.fee_rate, made.fee_source) == (pytest.approx(rate), source)


def test_a_rebate_is_not_discounted() -> None:
    [made] = priced([market()], venue("{order: maker, maker_fee: -0.0001, fee_discount: 0.5}"))
    assert made.fee_rate == -0.0001


@pytest.mark.parametrize("kind", [MarketKind.PERPETUAL, MarketKind.FUTURE])
def test_what_fees_of_contracts_are_taken_in_is_not_up_to_spot(kind: MarketKind) -> None:
    listed = replace(market(), kind=kind, buy_fee_in=FeeIn.QUOTE, sell_fee_in=FeeIn.QUOTE)
    [made] = priced([listed], venue("{fee_in: base}"))
    assert (made.buy_fee_in, made.sell_fee_in) == ("quote", "quote")
    assert made.fee_in_source == "ccxt"


@pytest.mark.parametrize("fee_in", ["base", "quote", "token"])
def test_the_user_knows_what_fees_are_taken_in(fee_in: str) -> None:
    [made] = priced([market()], venue(f"{{fee_in: {fee_in}}}"))
    assert (made.buy_fee_in, made.sell_fee_in) == (fee_in, fee_in)
    assert made.fee_in_source == "venues.okx.fee_in"
    [auto] = priced([market()], venue("{fee_in: auto}"))
    assert (auto.buy_fee_in, auto.sell_fee_in, auto.fee_in_source) == ("base", "quote", "ccxt")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{capital: -1}", "must be an amount such as 10000"),
        ("{capital: {USDT: much}}", "must be an amount such as 10000"),
        ("{capital: {}}", "must be an amount such as 10000"),
        ("{fee_discount: 2}", "must be at most 1"),
        ("{fees: {'*': {takr: 1}}}", "did you mean 'taker'"),
        ("{fees: {'*': {taker: 0.2}}}", "must be at most 0.05"),
        ("{order: both}", "must be one of"),
    ],
)
def test_what_is_wrong_is_named(text: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint.replace("'", ".")):
        venue(text)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("conversions: {USDUSDC: 1}", "no pair of currencies"),
        ("conversions: {USD/USDC: 0}", "must be a rate above 0"),
        ("conversions: {USD/USDC: 1, USDC/USD: 1}", "both ways round"),
        ("max_trade: never", "must be an amount"),
        ("kinds: [spot]", "must be"),
    ],
)
def test_what_is_wrong_of_the_whole_is_named(text: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        load_text(f"venues: {{okx: , kraken: }}\n{text}")


def test_the_table_tells_each_distinct_fee_with_its_source(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(
        "venues: {okx: {fees: {'*/USDC': {taker: 0.0004}}}, kraken: }\n"
        f"cache_dir: {tmp_path / 'cache'}\n"
    )
    config = load(path)
    listed = tuple(market(symbol) for symbol in ("BTC/USDT", "ETH/USDT", "BTC/USDC"))
    Cache(tmp_path / "cache").write(Wanted("okx", "", True), Kept(1, listed))
    found: dict[str, Any] = fees(config)
    assert found["kraken"] == []
    assert [(row["rate"], row["source"], row["markets"]) for row in found["okx"]] == [
        (0.001, "its list", 2),
        (0.0004, "venues.okx.fees.*/USDC.taker", 1),
    ]
    assert list(lines(found["okx"])) == [
        "  fee: taker 0.1000% (its list) on 2 markets such as BTC/USDT;"
        " taken in base when buying, quote when selling (ccxt)",
        "  fee: taker 0.0400% (venues.okx.fees.*/USDC.taker) on 1 markets such as BTC/USDC;"
        " taken in base when buying, quote when selling (ccxt)",
    ]
    assert "not known here" in next(iter(lines([])))
