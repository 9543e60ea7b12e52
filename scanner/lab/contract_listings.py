"""What the simulated venues list of perpetuals and dated futures: a table, like ``listings``."""

from __future__ import annotations

from msgspec import Struct

from scanner.lab.premium import HOUR


class Contracts(Struct, frozen=True, kw_only=True):
    """Some contracts of one venue. ``id`` is a template of ``base``, ``quote`` and ``date``
    (yymmdd); ``decimals``: of price and of size in the venue's unit, and the size of one contract,
    for each coin. ``on_the_hour``: payments are at full hours, whenever the simulation begins."""

    id: str
    quote: str
    settle: str
    decimals: str
    taker: str
    maker: str = "0.0002"
    interval: int = 8 * HOUR
    inverse: bool = False
    dated: bool = False
    on_the_hour: bool = False
    activity: float = 6.0
    lag_ms: float = 30.0
    names: dict[str, str] = {}


LINEAR = "BTC:1:3:1 ETH:2:3:1 SOL:2:1:1 XRP:4:1:1 DOGE:5:0:1 BNB:2:2:1"
XBT = {"BTC": "XBT"}
CONTRACTS: dict[str, tuple[Contracts, ...]] = {
    "binanceusdm": (
        Contracts(
            id="{base}{quote}",
            quote="USDT",
            settle="USDT",
            decimals=LINEAR,
            taker="0.0005",
            activity=10,
            lag_ms=5,
        ),
    ),
    "okx": (
        Contracts(
            id="{base}-{quote}-SWAP",
            quote="USDT",
            settle="USDT",
            decimals="BTC:1:2:0.01 ETH:2:2:0.1 SOL:2:2:1 XRP:4:2:100 DOGE:5:2:1000 BNB:1:0:0.01",
            taker="0.0005",
            activity=8,
            lag_ms=20,
        ),
        Contracts(
            id="{base}-{quote}-SWAP",
            quote="USD",
            settle="BTC",
            decimals="BTC:1:0:100",
            taker="0.0005",
            inverse=True,
        ),
        Contracts(
            id="{base}-{quote}-{date}",
            quote="USDT",
            settle="USDT",
            decimals="BTC:1:2:0.01",
            taker="0.0005",
            dated=True,
        ),
    ),
    "bybit": (
        Contracts(
            id="{base}{quote}",
            quote="USDT",
            settle="USDT",
            decimals=LINEAR,
            taker="0.00055",
            activity=9,
            lag_ms=15,
        ),
    ),
    "hyperliquid": (
        Contracts(
            id="{base}",
            quote="USDC",
            settle="USDC",
            decimals="BTC:0:5:1 ETH:1:4:1 SOL:2:2:1 XRP:4:0:1 DOGE:5:0:1",
            taker="0.00045",
            interval=HOUR,
            on_the_hour=True,
            lag_ms=60,
        ),
    ),
    "gate": (
        Contracts(
            id="{base}_{quote}",
            quote="USDT",
            settle="USDT",
            decimals="BTC:1:0:0.0001 ETH:2:0:0.01 SOL:2:0:1 XRP:4:0:10 DOGE:5:0:10",
            taker="0.0005",
            interval=4 * HOUR,
            lag_ms=80,
        ),
    ),
    "bitget": (
        Contracts(
            id="{base}{quote}",
            quote="USDT",
            settle="USDT",
            decimals="BTC:1:4:1 ETH:2:2:1 SOL:2:1:1 XRP:4:0:1 DOGE:5:0:1",
            taker="0.0006",
            lag_ms=50,
        ),
    ),
    "kucoinfutures": (
        Contracts(
            id="{base}{quote}M",
            quote="USDT",
            settle="USDT",
            decimals="BTC:1:0:0.001 ETH:2:0:0.01 SOL:2:0:0.1 XRP:4:0:10 DOGE:5:0:100",
            taker="0.0006",
            lag_ms=60,
            names=XBT,
        ),
    ),
    "krakenfutures": (
        Contracts(
            id="PF_{base}{quote}",
            quote="USD",
            settle="USD",
            decimals="BTC:0:4:1 ETH:1:3:1 SOL:2:2:1 XRP:4:0:1 DOGE:5:0:1",
            taker="0.0005",
            interval=HOUR,
            lag_ms=90,
            names=XBT,
        ),
    ),
}
