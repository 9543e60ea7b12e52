"""What trading a market costs the user: the listed rates, and what the configuration says."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from msgspec.structs import replace

from scanner.configuration.fees import FeeRates
from scanner.configuration.venues import FeesIn, VenueConfig
from scanner.types import FeeIn, Market, MarketKind, OrderKind


def priced(markets: Iterable[Market], config: VenueConfig) -> list[Market]:
    """The markets at the rates, and with the fees in the currencies, that ``config`` says."""
    return [_priced(market, config) for market in markets]


def _priced(market: Market, config: VenueConfig) -> Market:
    key = f"venues.{market.venue}"
    pattern, rates = _of(market.symbol, config)
    kept = 1 - config.fee_discount
    found = {}
    for kind, listed in ((OrderKind.TAKER, market.taker_fee), (OrderKind.MAKER, market.maker_fee)):
        special, general = getattr(rates, kind), getattr(config, f"{kind}_fee")
        rate, source = listed, market.fee_source
        if special is not None:
            rate, source = special, f"{key}.fees.{pattern}.{kind}"
        elif general is not None:
            rate, source = general, f"{key}.{kind}_fee"
        if config.fee_discount and rate > 0:
            rate, source = rate * kept, f"{source}, {config.fee_discount:.6g} off by fee_discount"
        found[kind] = rate, source
    taken = {}
    # whatever spot fees are taken in: those of a contract are taken in what it is settled in
    if config.fee_in is not FeesIn.AUTO and market.kind is MarketKind.SPOT:
        fee_in = FeeIn(config.fee_in.value)
        taken = {
            "buy_fee_in": fee_in,
            "sell_fee_in": fee_in,
            "fee_in_source": f"{key}.fee_in",
        }
    return replace(
        market,
        taker_fee=found[OrderKind.TAKER][0],
        maker_fee=found[OrderKind.MAKER][0],
        order=config.order,
        fee_source=found[config.order][1],
        **taken,
    )


def _of(symbol: str, config: VenueConfig) -> tuple[str, FeeRates]:
    """The first pattern of ``fees`` that fits, with its rates."""
    for pattern, rates in config.fees.items():
        if fnmatchcase(symbol.lower(), pattern.lower()):
            return pattern, rates
    return "", FeeRates()
