"""What the simulated Bybit says of its instruments."""

from __future__ import annotations

from typing import Any

from scanner.lab.seam import LabContract, LabMarket
from scanner.lab.units import MILLISECOND, SECOND


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


def listed_contract(number: int, market: LabMarket) -> dict[str, Any]:
    """One entry of ``instruments-info`` of the linear category; intervals in minutes."""
    return {
        "symbol": market.id,
        "contractType": "LinearFutures" if market.expiry else "LinearPerpetual",
        "status": "Trading",
        "baseCoin": market.base,
        "quoteCoin": market.quote,
        "settleCoin": market.settle,
        "launchTime": "1585526400000",
        "deliveryTime": str(market.expiry // MILLISECOND),
        "deliveryFeeRate": "",
        "priceScale": str(market.price_decimals),
        "leverageFilter": {"minLeverage": "1", "maxLeverage": "100.00", "leverageStep": "0.01"},
        "priceFilter": {"minPrice": market.tick, "maxPrice": "1999999", "tickSize": market.tick},
        "lotSizeFilter": {
            "maxOrderQty": "1190.000",
            "minOrderQty": market.min_amount,
            "qtyStep": market.lot,
            "postOnlyMaxOrderQty": "1190.000",
            "maxMktOrderQty": "500.000",
            "minNotionalValue": market.min_notional,
        },
        "unifiedMarginTrade": True,
        "fundingInterval": market.interval // (60 * SECOND),
        "copyTrading": "both",
        "upperFundingRate": "0.005",
        "lowerFundingRate": "-0.005",
        "symbolType": "",
    }


def ticker(contract: LabContract) -> dict[str, str]:
    """What is said of a contract; the interval in hours."""
    said, market = contract.said, contract.market
    bid, ask = (row or ("", "") for row in contract.book.best())
    return {
        "symbol": market.id,
        "markPrice": said.mark,
        "indexPrice": said.index,
        "openInterest": said.open_interest,
        "fundingRate": said.rate,
        "nextFundingTime": str(said.next_at // MILLISECOND),
        "fundingIntervalHour": str(said.interval // (3600 * SECOND)) if said.interval else "",
        "bid1Price": bid[0],
        "bid1Size": bid[1],
        "ask1Price": ask[0],
        "ask1Size": ask[1],
    }
