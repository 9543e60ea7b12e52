"""An unmodified ccxt client is told by the lab where coins can be moved, as by the real venues."""

from __future__ import annotations

from typing import Any

import ccxt.async_support as ccxt
import pytest

from scanner.engine.assets import Sameness, sameness
from scanner.lab.server import LabServer
from scanner.metadata.fetch import moved
from scanner.metadata.wallet_list import wallets
from scanner.types import Network

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


# What the venues say of a coin, as their documentation shows it.
KUCOIN = {
    "currency": "NEIRO",
    "name": "NEIRO",
    "fullName": "Neiro",
    "precision": 8,
    "confirms": None,
    "contractAddress": None,
    "isMarginEnabled": False,
    "isDebitEnabled": False,
    "chains": [
        {
            "chainName": "ERC20",
            "withdrawalMinSize": "2999",
            "depositMinSize": None,
            "withdrawFeeRate": "0",
            "withdrawalMinFee": "2999",
            "isWithdrawEnabled": False,
            "isDepositEnabled": True,
            "confirms": 12,
            "preConfirms": 12,
            "contractAddress": "0x812ba41e071c7b7fa4ebcfb62df5f45f6fa853ee",
            "withdrawPrecision": 8,
            "maxWithdraw": None,
            "maxDeposit": None,
            "needTag": False,
            "chainId": "eth",
        }
    ],
}
BITGET = {
    "coinId": "1456",
    "coin": "NEIRO",
    "transfer": "false",
    "chains": [
        {
            "chain": "ERC20",
            "needTag": "false",
            "withdrawable": "true",
            "rechargeable": "true",
            "withdrawFee": "44.91017965",
            "extraWithdrawFee": "0",
            "depositConfirm": "12",
            "withdrawConfirm": "64",
            "minDepositAmount": "0.06",
            "minWithdrawAmount": "60",
            "browserUrl": "https://etherscan.io/tx/",
            "contractAddress": "0xee2a03aa6dacf51c18679c516ad5283d8e7c2637",
            "withdrawStep": "0",
            "withdrawMinScale": "8",
            "congestion": "normal",
        }
    ],
    "areaCoin": "no",
}
GATE = {
    "currency": "NEIRO",
    "name": "First Neiro On Ethereum",
    "delisted": False,
    "withdraw_disabled": False,
    "withdraw_delayed": False,
    "deposit_disabled": False,
    "trade_disabled": False,
    "fixed_rate": "",
    "chain": "ETH",
    "chains": [
        {
            "name": "ETH",
            "addr": "0x812Ba41e071C7b7fA4EBcFB62dF5F45f6fA853Ee",
            "withdraw_disabled": False,
            "withdraw_delayed": False,
            "deposit_disabled": True,
        }
    ],
}


def test_two_coins_of_one_name_are_told_apart_by_what_venues_say() -> None:
    """Neiro, and the other one: the same code on the same network, another contract."""
    found = {}
    for venue, said in (("kucoin", KUCOIN), ("bitget", BITGET), ("gate", GATE)):
        currency = getattr(ccxt, venue)().parse_currency(said)
        (found[venue],) = wallets({"NEIRO": currency}, ["NEIRO"]).values()
    assert sameness(found["kucoin"], found["gate"]) == (Sameness.PROVEN, "ERC20")
    assert sameness(found["kucoin"], found["bitget"]) == (Sameness.REFUTED, "ERC20")
    assert sameness(found["bitget"], found["gate"]) == (Sameness.REFUTED, "ERC20")
    (kucoin,), (bitget,), (gate,) = (wallet.networks for wallet in found.values())
    assert (kucoin.withdraw, kucoin.deposit, kucoin.fee) == (False, True, 2999.0)
    assert (bitget.fee, bitget.min_withdraw, bitget.confirmations) == (44.91017965, 60.0, 12)
    assert (gate.withdraw, gate.deposit, gate.fee) == (True, False, None)
