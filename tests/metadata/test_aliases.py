"""A book that its venue lists under two symbols."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from scanner.config import Config, Endpoints, Feed, VenueConfig
from scanner.lab.server import Clock, LabServer
from scanner.lab.world import World
from scanner.markets import load
from scanner.metadata.aliases import each_book_once
from scanner.types import Market


def market(venue: str, symbol: str, name: str = "") -> Market:
    base, quote = symbol.split("/")
    return Market(
        venue=venue, id=name or symbol, symbol=symbol, base=base, quote=quote, taker_fee=0.001
    )


USD, USDC = market("a", "BTC/USD", "BTC-USD"), market("a", "BTC/USDC", "BTC-USD")
B_USD, B_USDC = market("b", "BTC/USD"), market("b", "BTC/USDC")


def config(**settings: Any) -> Config:
    return Config(venues={name: VenueConfig() for name in "ab"}, **settings)


@pytest.mark.parametrize(
    ("others", "settings", "chosen"),
    [
        ((B_USD, B_USDC), {}, "BTC/USD"),
        ((B_USDC,), {}, "BTC/USDC"),
        ((), {}, "BTC/USD"),
        ((B_USD, B_USDC), {"quotes": ("USDC",)}, "BTC/USDC"),
        ((B_USD, B_USDC), {"symbols": ("BTC/USDC",)}, "BTC/USDC"),
        ((B_USD,), {"symbols": ("BTC/USDC",)}, "BTC/USDC"),
        ((B_USDC,), {"symbols": ("BTC/USD", "BTC/USDC")}, "BTC/USDC"),
        ((B_USD, B_USDC), {"symbols": ("BTC/USDC", "BTC/USD")}, "BTC/USD"),
        ((B_USD,), {"symbols": ("ETH/USD",)}, "BTC/USD"),
    ],
)
def test_it_is_compared_where_it_finds_a_partner(
    others: tuple[Market, ...], settings: dict[str, Any], chosen: str
) -> None:
    found = each_book_once([USD, USDC, *others], config(**settings))
    assert [one.symbol for one in found if one.venue == "a"] == [chosen]
    assert [one for one in found if one.venue == "b"] == list(others)


def test_a_symbol_that_is_asked_for_and_loses_is_told_of(caplog: pytest.LogCaptureFixture) -> None:
    each_book_once([USD, USDC, B_USD, B_USDC], config())
    assert caplog.messages == []
    each_book_once([USD, USDC, B_USD], config(symbols=("BTC/USD", "BTC/USDC")))
    assert caplog.messages == ["BTC/USDC: on a it is one book with BTC/USD, and compared as that"]


async def test_a_usdc_symbol_finds_the_venue_that_has_it_as_another_name(tmp_path: Path) -> None:
    """ccxt's metadata of the simulated venue, which lists its USD books under USDC names too."""
    names = ("coinbase", "binance")
    async with LabServer(World(7, time.time_ns(), names), clock=Clock()) as lab:
        venues = {
            name: VenueConfig(
                feed=Feed.NATIVE, endpoints=Endpoints(rest=lab.url(name), ws=lab.ws(name))
            )
            for name in names
        }
        given = Config(
            venues=venues, cache_dir=tmp_path, symbols=("BTC/USDC",), kinds=("spot-spot",)
        )
        found = {one.venue: (one.id, one.symbol, one.quote) for one in await load(given)}
        assert found == {
            "coinbase": ("BTC-USD", "BTC/USDC", "USDC"),
            "binance": ("BTCUSDC", "BTC/USDC", "USDC"),
        }
