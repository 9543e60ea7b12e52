"""What the simulated Kraken says of its assets and pairs, and what it calls them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scanner.lab.seam import LabMarket

# Older assets have names of their own: in REST, and in the pair names made of them.
ASSETS = {"BTC": "XXBT", "ETH": "XETH", "XRP": "XXRP", "LTC": "XLTC", "DOGE": "XXDG"}
FIAT = {"USD": "ZUSD", "EUR": "ZEUR"}
ALTNAMES = {"BTC": "XBT", "DOGE": "XDG"}


def pair_id(base: str, quote: str) -> str:
    """``XXBTZUSD`` for two older assets, ``SOLUSD`` and ``XBTUSDT`` otherwise."""
    if base in ASSETS and base != "DOGE" and quote in FIAT:
        return ASSETS[base] + FIAT[quote]
    return _altname(base) + _altname(quote)


def _altname(asset: str) -> str:
    return ALTNAMES.get(asset, asset)


def names_of(market: LabMarket) -> tuple[str, ...]:
    """Every name that REST takes for a market."""
    alt = _altname(market.base), _altname(market.quote)
    return market.id, "".join(alt), "/".join(alt), market.symbol


def assets(markets: Sequence[LabMarket]) -> dict[str, Any]:
    """The answer to ``Assets``."""
    return {
        ASSETS.get(asset) or FIAT.get(asset, asset): {
            "aclass": "currency",
            "altname": _altname(asset),
            "decimals": 4 if asset in FIAT else 10,
            "display_decimals": 2 if asset in FIAT else 5,
            "status": "enabled",
        }
        for market in markets
        for asset in (market.base, market.quote)
    }


def listed(market: LabMarket) -> dict[str, Any]:
    """One entry of ``AssetPairs``."""
    alt = _altname(market.base), _altname(market.quote)
    return {
        "altname": "".join(alt),
        "wsname": "/".join(alt),
        "aclass_base": "currency",
        "base": ASSETS.get(market.base, market.base),
        "aclass_quote": "currency",
        "quote": FIAT.get(market.quote, market.quote),
        "lot": "unit",
        "cost_decimals": 5,
        "pair_decimals": market.price_decimals,
        "lot_decimals": market.size_decimals,
        "lot_multiplier": 1,
        "leverage_buy": [],
        "leverage_sell": [],
        "fees": [[0, _percent(market.taker)]],
        "fees_maker": [[0, _percent(market.maker)]],
        "fee_volume_currency": "ZUSD",
        "margin_call": 80,
        "margin_stop": 40,
        "ordermin": market.min_amount,
        "costmin": market.min_notional,
        "tick_size": market.tick,
        "status": "online",
    }


def _percent(rate: str) -> float:
    return round(float(rate) * 100, 6)
