"""What the simulated Gate says about its markets."""

from __future__ import annotations

from typing import Any

from scanner.lab.chains import CHAINS
from scanner.lab.seam import LabMarket

# What the venue calls the chains.
CHAIN_NAMES = {
    **{"bitcoin": "BTC", "ethereum": "ETH", "tron": "TRX", "bnb": "BSC", "solana": "SOL"},
    **{"ripple": "XRP", "dogecoin": "DOGE", "cardano": "ADA", "litecoin": "LTC"},
}


def _percent(fraction: str) -> str:
    """Fee rates are written in percent."""
    return f"{float(fraction) * 100:.6g}"


def listed(market: LabMarket) -> dict[str, Any]:
    """One entry of ``/spot/currency_pairs``."""
    return {
        "id": market.id,
        "base": market.base,
        "base_name": market.base,
        "quote": market.quote,
        "quote_name": market.quote,
        "fee": _percent(market.taker),
        "maker_fee_rate": _percent(market.maker),
        "min_base_amount": market.min_amount,
        "min_quote_amount": market.min_notional,
        "max_quote_amount": "5000000",
        "amount_precision": market.size_decimals,
        "precision": market.price_decimals,
        "trade_status": "tradable",
        "sell_start": 0,
        "buy_start": 0,
        "type": "normal",
        "trade_url": f"https://www.gate.com/trade/{market.id}",
        "st_tag": False,
    }


def currency(name: str) -> dict[str, Any]:
    """One entry of ``/spot/currencies``: whether a chain is open and its contract, but no fee."""
    chains = CHAINS.get(name, ())
    return {
        "currency": name,
        "name": name,
        "delisted": False,
        "withdraw_disabled": False,
        "withdraw_delayed": False,
        "deposit_disabled": False,
        "trade_disabled": False,
        "fixed_rate": "",
        "chain": CHAIN_NAMES[chains[0].name] if chains else name,
        "chains": [
            {
                "name": CHAIN_NAMES[chain.name],
                "addr": chain.contract,
                "withdraw_disabled": not chain.withdraw,
                "withdraw_delayed": False,
                "deposit_disabled": not chain.deposit,
            }
            for chain in chains
        ],
    }
