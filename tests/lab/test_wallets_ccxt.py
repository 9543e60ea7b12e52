"""An unmodified ccxt client is told by the lab where coins can be moved, as by the real venues."""

from __future__ import annotations

from typing import Any

import ccxt.async_support as ccxt
import pytest

from scanner.lab.server import LabServer
from scanner.metadata import moved
from scanner.types import Network
from scanner.wallet_list import wallets

USDT_ON_ETHEREUM = "0xdac17f958d2ee523a2206206994597c13d831ec7"


async def listed(lab: LabServer, venue: str) -> Any:
    """What ccxt says of the currencies of a simulated venue."""
    exchange = getattr(ccxt, venue)()
    exchange.urls["api"] = moved(exchange.urls["api"], lab.url(venue))
    try:
        return await exchange.fetch_currencies()
    finally:
        await exchange.close()


@pytest.mark.parametrize("venue", ["kucoin", "bitget"])
async def test_networks_with_their_fees_and_contracts(lab: LabServer, venue: str) -> None:
    found = wallets(await listed(lab, venue), ["USDT", "BTC", "NOTHING"])
    assert list(found) == ["USDT", "BTC"]
    networks = {network.name: network for network in found["USDT"].networks}
    assert set(networks) == {"ERC20", "TRC20", "BEP20"}
    assert networks["ERC20"] == Network(
        name="ERC20",
        deposit=True,
        withdraw=True,
        fee=3.0,
        min_withdraw=10.0,
        min_deposit=10.0,
        confirmations=12,
        contract=USDT_ON_ETHEREUM,
    )
    assert networks["TRC20"].contract == "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
    (bitcoin,) = found["BTC"].networks
    assert (bitcoin.name, bitcoin.fee, bitcoin.contract) == ("BTC", 0.0001, "")


async def test_a_venue_that_names_no_fees(lab: LabServer) -> None:
    found = wallets(await listed(lab, "gate"), ["USDT", "SOL"])
    networks = {network.name: network for network in found["USDT"].networks}
    assert networks["ERC20"] == Network(
        name="ERC20", deposit=True, withdraw=True, contract=USDT_ON_ETHEREUM
    )
    assert [network.name for network in found["SOL"].networks] == ["SOL"]


@pytest.mark.parametrize("venue", ["binance", "okx", "bybit", "kraken", "coinbase"])
async def test_of_the_others_nothing_is_public(lab: LabServer, venue: str) -> None:
    assert wallets(await listed(lab, venue), ["USDT", "BTC"]) == {}
