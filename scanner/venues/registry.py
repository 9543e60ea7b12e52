"""Which venues are spoken natively: one line each, imported when asked for."""

from __future__ import annotations

from importlib import import_module

from scanner.venues.protocol import Venue

VENUES: dict[str, str] = {
    "binance": "scanner.venues.binance",
    "okx": "scanner.venues.okx",
    "kucoin": "scanner.venues.kucoin",
    "bybit": "scanner.venues.bybit",
    "kraken": "scanner.venues.kraken",
    "coinbase": "scanner.venues.coinbase",
    "gate": "scanner.venues.gate",
    "bitget": "scanner.venues.bitget",
}


CONTRACTS: dict[str, str] = {
    "binanceusdm": "scanner.venues.binanceusdm",
    "okx": "scanner.venues.okx_contracts",
    "kucoinfutures": "scanner.venues.kucoinfutures",
    "bybit": "scanner.venues.bybit_linear",
    "gate": "scanner.venues.gate_futures",
    "bitget": "scanner.venues.bitget_futures",
    "krakenfutures": "scanner.venues.krakenfutures",
    "hyperliquid": "scanner.venues.hyperliquid",
}
"""Those whose perpetuals and futures are; ccxt has some of them as venues of their own."""


def native(venue: str, *, contracts: bool = False) -> Venue | None:
    """The native venue of this ccxt id, for coins or for ``contracts`` on them; None where there is
    none."""
    module = (CONTRACTS if contracts else VENUES).get(venue)
    if module is None:
        return None
    return import_module(module).VENUE  # type: ignore[no-any-return]
