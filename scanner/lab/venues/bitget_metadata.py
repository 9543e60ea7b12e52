"""What the simulated Bitget says of its markets, and how it writes answers."""

from __future__ import annotations

from collections.abc import Sequence

from scanner.lab.chains import CHAINS, Chain
from scanner.lab.seam import LabMarket, Reply, Request
from scanner.lab.units import MILLISECOND
from scanner.lab.wire import encoded, plain

PRODUCTS = ("USDT-FUTURES", "USDC-FUTURES", "COIN-FUTURES")
DEMO_PRODUCTS = ("SUSDT-FUTURES", "SUSDC-FUTURES", "SCOIN-FUTURES")
CATEGORIES = ("SPOT", "MARGIN", *PRODUCTS)
# What the venue calls the chains.
CHAIN_NAMES = {
    **{"bitcoin": "BTC", "ethereum": "ERC20", "tron": "TRC20", "bnb": "BEP20", "solana": "SOL"},
    **{"ripple": "XRP", "dogecoin": "DOGE", "cardano": "Cardano", "litecoin": "LTC"},
}
LAUNCHED = "1532454360000"


def success(data: object, at: int) -> Reply:
    """An answer with ``data``."""
    body = {"code": "00000", "msg": "success", "requestTime": at // MILLISECOND, "data": data}
    return Reply(200, encoded(body))


def failure(status: int, code: str, text: str, at: int) -> Reply:
    """An error."""
    body = {"code": code, "msg": text, "requestTime": at // MILLISECOND, "data": None}
    return Reply(status, encoded(body))


def catalogue(request: Request, markets: Sequence[LabMarket], at: int) -> Reply | None:
    """The answer to a question about coins, markets or the time; None to any other."""
    query = request.query
    match request.path:
        case "/api/v2/public/time":
            return success({"serverTime": str(at // MILLISECOND)}, at)
        case "/api/v2/spot/public/coins":
            return success(_coins(markets, query.get("coin")), at)
        case "/api/v2/spot/public/symbols":
            return _listed([_symbol(m) for m in markets], query.get("symbol"), at)
        case "/api/v2/margin/currencies":
            return success([], at)
        case "/api/v2/mix/market/contracts":
            return _nothing_of("productType", (*PRODUCTS, *DEMO_PRODUCTS), query, at)
        case "/api/v3/market/instruments":
            if query.get("category") == "SPOT":
                return _listed([_instrument(m) for m in markets], query.get("symbol"), at)
            return _nothing_of("category", CATEGORIES, query, at)
        case "/api/v2/mix/market/merge-depth":
            return failure(400, "40034", f"Parameter {query.get('symbol')} does not exist", at)
    return None


def _listed(rows: list[dict[str, str]], symbol: str | None, at: int) -> Reply:
    """All of them, or the one that was asked for."""
    rows = [row for row in rows if symbol in (None, "", row["symbol"])]
    return success(rows, at) if rows else failure(400, "40034", "Parameter does not exist", at)


def _nothing_of(name: str, kinds: Sequence[str], query: dict[str, str], at: int) -> Reply:
    """No contracts are traded here."""
    if query.get(name, "").upper() not in kinds:
        return failure(400, "400172", "Parameter verification failed", at)
    return success([], at)


def _coins(markets: Sequence[LabMarket], wanted: str | None) -> list[dict[str, object]]:
    names = dict.fromkeys(coin for market in markets for coin in (market.base, market.quote))
    return [
        {
            "coinId": str(number),
            "coin": name,
            "transfer": "true",
            "chains": [_chain(chain) for chain in CHAINS.get(name, ())],
            "areaCoin": "no",
        }
        for number, name in enumerate(names, 1)
        if wanted in (None, "", name)
    ]


def _chain(chain: Chain) -> dict[str, object]:
    return {
        "chain": CHAIN_NAMES[chain.name],
        "needTag": "true" if chain.name == "ripple" else "false",
        "withdrawable": str(chain.withdraw).lower(),
        "rechargeable": str(chain.deposit).lower(),
        "withdrawFee": chain.fee,
        "extraWithdrawFee": "0",
        "depositConfirm": str(chain.confirmations),
        "withdrawConfirm": str(2 * chain.confirmations),
        "minDepositAmount": chain.least,
        "minWithdrawAmount": chain.least,
        "browserUrl": "",
        "contractAddress": chain.contract or None,
        "withdrawStep": "0",
        "withdrawMinScale": "8",
        "congestion": "normal",
    }


def _symbol(market: LabMarket) -> dict[str, str]:
    """A market as v2 lists it."""
    return {
        "symbol": market.id,
        "baseCoin": market.base,
        "quoteCoin": market.quote,
        "minTradeAmount": plain(market.min_amount),
        "maxTradeAmount": "900000000000000000000",
        "takerFeeRate": plain(market.taker),
        "makerFeeRate": plain(market.maker),
        "pricePrecision": str(market.price_decimals),
        "quantityPrecision": str(market.size_decimals),
        "quotePrecision": str(market.price_decimals + market.size_decimals),
        "status": "online",
        "minTradeUSDT": market.min_notional,
        "buyLimitPriceRatio": "0.05",
        "sellLimitPriceRatio": "0.05",
        "areaSymbol": "no",
        "orderQuantity": "200",
        "openTime": LAUNCHED,
        "offTime": "",
    }


def _instrument(market: LabMarket) -> dict[str, str]:
    """A market as v3 lists it (without fees, as there)."""
    return {
        "symbol": market.id,
        "category": "SPOT",
        "baseCoin": market.base,
        "quoteCoin": market.quote,
        "buyLimitPriceRatio": "0.05",
        "sellLimitPriceRatio": "0.05",
        "minOrderQty": plain(market.min_amount),
        "maxOrderQty": "0",
        "pricePrecision": str(market.price_decimals),
        "quantityPrecision": str(market.size_decimals),
        "quotePrecision": str(market.price_decimals + market.size_decimals),
        "minOrderAmount": market.min_notional,
        "maxSymbolOrderNum": "400",
        "maxProductOrderNum": "400",
        "status": "online",
        "maintainTime": "",
        "areaSymbol": "no",
        "launchTime": LAUNCHED,
    }
