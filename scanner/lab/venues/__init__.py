"""The simulated venues by ccxt id: one line each, imported when asked for."""

from __future__ import annotations

from importlib import import_module

from scanner.lab.seam import LabVenue

VENUES: dict[str, str] = {
    "binance": "scanner.lab.venues.binance",
    "okx": "scanner.lab.venues.okx",
    "kucoin": "scanner.lab.venues.kucoin",
    "bybit": "scanner.lab.venues.bybit",
    "kraken": "scanner.lab.venues.kraken",
    "coinbase": "scanner.lab.venues.coinbase",
    "gate": "scanner.lab.venues.gate",
    "bitget": "scanner.lab.venues.bitget",
}

# Those that trade nothing but contracts.
CONTRACT_VENUES: dict[str, str] = {
    "binanceusdm": "scanner.lab.venues.binanceusdm",
    "kucoinfutures": "scanner.lab.venues.kucoinfutures",
    "krakenfutures": "scanner.lab.venues.krakenfutures",
    "hyperliquid": "scanner.lab.venues.hyperliquid",
}

# Other names under which recordings of a venue are kept, or that its hosts bear.
RECORDED_AS = {"kraken-v2": "kraken", "okex": "okx"}


def lab_venue(venue: str) -> type[LabVenue]:
    """The class of the simulated venue. Raises KeyError for a venue that is not simulated."""
    module = CONTRACT_VENUES.get(venue) or VENUES[venue]
    return import_module(module).LAB  # type: ignore[no-any-return]


def market_id(venue: str, base: str, quote: str) -> str:
    """How the venue names a market in its REST interface. Raises KeyError as ``lab_venue``."""
    return str(import_module(VENUES[venue]).market_id(base, quote))
