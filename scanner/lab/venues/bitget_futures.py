"""What the simulated Bitget says of its USDT futures; sizes are in coins."""

from __future__ import annotations

from scanner.lab.past import number
from scanner.lab.seam import LabContract, Reply, Request
from scanner.lab.units import MILLISECOND, SECOND
from scanner.lab.venues.bitget_metadata import failure, success
from scanner.lab.wire import plain

PRODUCT = "USDT-FUTURES"
HOUR = 3600 * SECOND
TICKER_PERIOD = 300 * MILLISECOND
MOST_SETTLED = 100


def answered(request: Request, contracts: dict[str, LabContract], at: int) -> Reply | None:
    """The answer to a question about contracts; None to any other."""
    query, path = request.query, request.path.removeprefix("/api/v2/mix/market/")
    if path == request.path or query.get("productType", "").upper() != PRODUCT:
        return None
    wanted = query.get("symbol")
    found = [contract for name, contract in contracts.items() if wanted in (None, "", name)]
    if wanted and not found and path != "merge-depth":
        return failure(400, "40034", f"Parameter {wanted} does not exist", at)
    match path:
        case "contracts":
            return success([_listed(contract) for contract in found], at)
        case "tickers":
            return success([ticker(contract, at) for contract in found], at)
        case "current-fund-rate":
            return success([_rate(contract) for contract in found], at)
        case "history-fund-rate" if found and wanted:
            return success(_settled(found[0], query), at)
        case "symbol-price":
            return success([_price(contract, at) for contract in found], at)
    return None


class Ticker:
    """``ticker``: whole each time, by the names of the stream's version."""

    def __init__(self, arg: dict[str, str], contract: LabContract) -> None:
        self._arg = arg
        self._contract = contract
        self._next = 0

    def due(self, at: int) -> object | None:
        """What the channel says now, None for nothing."""
        if at < self._next:
            return None
        self._next = at + TICKER_PERIOD
        data = ticker(self._contract, at)
        if "topic" in self._arg:
            data["openInterest"] = data.pop("holdingAmount")
            del data["ts"]
        stamp = at // MILLISECOND
        return {"action": "snapshot", "arg": self._arg, "data": [data], "ts": stamp}


def ticker(contract: LabContract, at: int) -> dict[str, str]:
    """What is said of a contract, by the names of v2."""
    said, market = contract.said, contract.market
    bid, ask = (row or ("", "") for row in contract.book.best())
    return {
        "instId": market.id,
        "symbol": market.id,
        "lastPr": said.mark,
        "bidPr": bid[0],
        "askPr": ask[0],
        "bidSz": bid[1],
        "askSz": ask[1],
        "markPrice": said.mark,
        "indexPrice": said.index,
        "fundingRate": said.rate,
        "nextFundingTime": str(said.next_at // MILLISECOND),
        "holdingAmount": said.open_interest,
        "deliveryPrice": "0",
        "symbolType": "1",
        "ts": str(at // MILLISECOND),
    }


def _rate(contract: LabContract) -> dict[str, str]:
    said = contract.said
    return {
        "symbol": contract.market.id,
        "fundingRate": said.rate,
        "fundingRateInterval": str(said.interval // HOUR),
        "nextUpdate": str(said.next_at // MILLISECOND),
        "minFundingRate": "-0.003",
        "maxFundingRate": "0.003",
    }


def _settled(contract: LabContract, query: dict[str, str]) -> list[dict[str, str]]:
    """A page of what it has settled, the newest first."""
    size = min(max(number(query.get("pageSize"), 20), 1), MOST_SETTLED)
    begin = (max(number(query.get("pageNo"), 1), 1) - 1) * size
    return [
        {
            "symbol": contract.market.id,
            "fundingRate": plain(f"{one.rate:.8f}"),
            "fundingTime": str(one.at // MILLISECOND),
        }
        for one in contract.settled[::-1][begin : begin + size]
    ]


def _price(contract: LabContract, at: int) -> dict[str, str]:
    said = contract.said
    return {
        "symbol": contract.market.id,
        "price": said.mark,
        "indexPrice": said.index,
        "markPrice": said.mark,
        "ts": str(at // MILLISECOND),
    }


def _listed(contract: LabContract) -> dict[str, object]:
    market = contract.market
    return {
        "symbol": market.id,
        "baseCoin": market.base,
        "quoteCoin": market.quote,
        "buyLimitPriceRatio": "0.05",
        "sellLimitPriceRatio": "0.05",
        "feeRateUpRatio": "0.005",
        "makerFeeRate": market.maker,
        "takerFeeRate": market.taker,
        "openCostUpRatio": "0.01",
        "supportMarginCoins": [market.settle],
        "minTradeNum": plain(market.min_amount),
        "priceEndStep": "1",
        "volumePlace": str(market.size_decimals),
        "pricePlace": str(market.price_decimals),
        "sizeMultiplier": plain(market.lot),
        "symbolType": "perpetual",
        "minTradeUSDT": market.min_notional,
        "symbolStatus": "normal",
        "offTime": "-1",
        "limitOpenTime": "-1",
        "deliveryTime": "",
        "fundInterval": str(contract.said.interval // HOUR),
        "minLever": "1",
        "maxLever": "125",
        "maintainTime": "",
    }
