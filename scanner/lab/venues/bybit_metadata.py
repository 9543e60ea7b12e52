"""What the simulated Bybit says of its instruments."""

from __future__ import annotations

from typing import Any

from scanner.lab.seam import LabMarket


def listed(number: int, market: LabMarket) -> dict[str, Any]:
    """One entry of ``instruments-info``."""
    return {
        "symbolId": number,
        "symbol": market.id,
        "baseCoin": market.base,
        "quoteCoin": market.quote,
        "innovation": "0",
        "status": "Trading",
        "marginTrading": "utaOnly",
        "stTag": "0",
        "lotSizeFilter": {
            "basePrecision": market.lot,
            "quotePrecision": "0.0000001",
            "minOrderQty": market.min_amount,
            "maxOrderQty": "1000000",
            "minOrderAmt": market.min_notional,
            "maxOrderAmt": "8000000",
            "maxLimitOrderQty": "1000000",
            "maxMarketOrderQty": "500000",
            "postOnlyMaxLimitOrderSize": "5000000",
        },
        "priceFilter": {"tickSize": market.tick},
        "riskParameters": {"priceLimitRatioX": "0.05", "priceLimitRatioY": "0.1"},
        "symbolType": "",
        "xstockMultiplier": "1",
    }
