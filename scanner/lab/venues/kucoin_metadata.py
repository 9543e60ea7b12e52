"""What the simulated KuCoin says about its markets."""

from __future__ import annotations

from typing import Any

from scanner.lab.chains import CHAINS, Chain
from scanner.lab.seam import LabBook, LabMarket
from scanner.lab.wire import plain_row

# What the venue calls the chains.
CHAIN_IDS = {
    **{"bitcoin": "btc", "ethereum": "eth", "tron": "trx", "bnb": "bsc", "solana": "sol"},
    **{"ripple": "xrp", "dogecoin": "doge", "cardano": "ada", "litecoin": "ltc"},
}
CHAIN_NAMES = {"eth": "ERC20", "trx": "TRC20", "bsc": "BEP20"}


def ticker(book: LabBook) -> dict[str, Any]:
    """One entry of ``market/allTickers``, which is where the fee rates stand."""
    market, (bid, ask) = book.market, book.best()
    buy, sell = (plain_row(row) if row else (None, None) for row in (bid, ask))
    return {
        "symbol": market.id,
        "symbolName": market.id,
        "buy": buy[0],
        "bestBidSize": buy[1],
        "sell": sell[0],
        "bestAskSize": sell[1],
        "changeRate": "0",
        "changePrice": "0",
        "high": sell[0],
        "low": buy[0],
        "vol": "0",
        "volValue": "0",
        "last": buy[0],
        "averagePrice": buy[0],
        "takerFeeRate": market.taker,
        "makerFeeRate": market.maker,
        "takerCoefficient": "1",
        "makerCoefficient": "1",
    }


def listed(market: LabMarket) -> dict[str, Any]:
    """One entry of ``symbols``."""
    return {
        "symbol": market.id,
        "name": market.id,
        "baseCurrency": market.base,
        "quoteCurrency": market.quote,
        "feeCurrency": market.quote,
        "market": market.quote,
        "baseMinSize": market.min_amount,
        "quoteMinSize": market.min_notional,
        "baseMaxSize": "10000000000",
        "quoteMaxSize": "99999999",
        "baseIncrement": market.lot,
        "quoteIncrement": market.tick,
        "priceIncrement": market.tick,
        "priceLimitRate": "0.1",
        "minFunds": market.min_notional,
        "isMarginEnabled": False,
        "enableTrading": True,
        "feeCategory": 1,
        "makerFeeCoefficient": "1.00",
        "takerFeeCoefficient": "1.00",
        "st": False,
    }


def currency(name: str) -> dict[str, Any]:
    """One entry of ``currencies``."""
    return {
        "currency": name,
        "name": name,
        "fullName": name,
        "precision": 8,
        "confirms": None,
        "contractAddress": None,
        "isMarginEnabled": False,
        "isDebitEnabled": False,
        "chains": [_chain(chain) for chain in CHAINS.get(name, ())],
    }


def _chain(chain: Chain) -> dict[str, Any]:
    chain_id = CHAIN_IDS[chain.name]
    return {
        "chainName": CHAIN_NAMES.get(chain_id, chain_id.upper()),
        "withdrawalMinSize": chain.least,
        "depositMinSize": chain.least,
        "withdrawFeeRate": "0",
        "withdrawalMinFee": chain.fee,
        "isWithdrawEnabled": chain.withdraw,
        "isDepositEnabled": chain.deposit,
        "confirms": chain.confirmations,
        "preConfirms": chain.confirmations,
        "contractAddress": chain.contract.lower() if chain.contract[:2] == "0x" else chain.contract,
        "withdrawPrecision": 8,
        "maxWithdraw": None,
        "maxDeposit": None,
        "needTag": chain.name == "ripple",
        "chainId": chain_id,
    }
