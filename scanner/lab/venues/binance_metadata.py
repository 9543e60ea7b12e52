"""What the simulated Binance says of its markets."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from scanner.lab.seam import LabMarket
from scanner.lab.units import MILLISECOND

WEIGHT_A_MINUTE = 6000


@lru_cache(1 << 15)
def padded(text: str) -> str:
    """Every price and size has eight decimals on this venue."""
    whole, _, part = text.partition(".")
    return f"{whole}.{part:0<8}"


def exchange_info(markets: Sequence[LabMarket], at: int) -> object:
    """The answer to ``exchangeInfo``, of the spot exchange and (empty) of the others."""
    limits = [
        {
            "rateLimitType": "REQUEST_WEIGHT",
            "interval": "MINUTE",
            "intervalNum": 1,
            "limit": WEIGHT_A_MINUTE,
        },
        {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 61000},
    ]
    return {
        "timezone": "UTC",
        "serverTime": at // MILLISECOND,
        "rateLimits": limits,
        "exchangeFilters": [],
        "symbols": [_listed(market) for market in markets],
    }


def _listed(market: LabMarket) -> dict[str, Any]:
    tick, lot = padded(market.tick), padded(market.lot)
    minimum = padded(market.min_amount)
    return {
        "symbol": market.id,
        "status": "TRADING",
        "baseAsset": market.base,
        "baseAssetPrecision": 8,
        "quoteAsset": market.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"],
        "icebergAllowed": True,
        "ocoAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": tick,
                "maxPrice": "1000000.00000000",
                "tickSize": tick,
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": minimum,
                "maxQty": "90000000.00000000",
                "stepSize": lot,
            },
            {"filterType": "ICEBERG_PARTS", "limit": 10},
            {
                "filterType": "NOTIONAL",
                "minNotional": padded(market.min_notional),
                "applyMinToMarket": True,
                "maxNotional": "9000000.00000000",
                "applyMaxToMarket": False,
                "avgPriceMins": 5,
            },
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"],
    }
