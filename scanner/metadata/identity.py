"""Which coin a venue means by a name: a coin is the same on two venues only if that is known.

What is shipped (``assets.yaml``) is data: names that mean several coins, and units that are many of
one. No prefix is ever stripped by itself, for ``1000CAT`` is not 1000 of what is called ``CAT``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

from msgspec.structs import replace
from pydantic import TypeAdapter

from scanner.configuration.identity import Asset, AssetName
from scanner.configuration.located import parse
from scanner.metadata.liquidity import Tickers, Traded
from scanner.types import Market

Assets = Mapping[str, Asset]


@cache
def shipped() -> Assets:
    """What is known of names that do not mean what they say."""
    text = files("scanner").joinpath("metadata/assets.yaml").read_text(encoding="utf-8")
    document = parse(text, "assets.yaml")
    return TypeAdapter(dict[AssetName, Asset]).validate_python(document.value)


def identified(markets: Iterable[Market], *assets: Assets) -> list[Market]:
    """The markets under the coins that are meant. The first of ``assets`` that knows the name
    counts, what it says of the venue before what it says of all. A coin that is not to be compared
    gets the base ``NAME@venue``."""
    return [_identified(market, assets) for market in markets]


def retold(tickers: Tickers, markets: Iterable[Market], *assets: Assets) -> dict[str, Traded]:
    """The tickers of a venue by the symbols that ``identified`` gives its ``markets`` (as it lists
    them), and for one coin."""
    found = dict(tickers)
    for market in markets:
        meant = _identified(market, assets)
        if meant is not market and (there := tickers.get(market.symbol)) is not None:
            found.pop(market.symbol, None)
            coins = meant.multiplier / market.multiplier
            found[meant.symbol] = replace(there, last=there.last / coins)
    return found


def _identified(market: Market, assets: Iterable[Assets]) -> Market:
    name = f"{market.base}@{market.venue}"
    for known in assets:
        asset = known.get(name) or known.get(market.base)
        if asset is not None:
            return _as(market, asset.coin or name, asset.coins)
    return market


def _as(market: Market, coin: str, coins: float) -> Market:
    if coin == market.base and coins == 1:
        return market
    return replace(
        market,
        base=coin,
        symbol=coin + market.symbol[len(market.base) :],
        multiplier=market.multiplier * coins,
    )
