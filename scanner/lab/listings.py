"""What the simulated venues list: coins, quote currencies, steps, fees, how busy and how late.

Plain data in the likeness of the real venues' listings and base fee tiers; the names of the venues
are keys of a table here, and nothing else in the simulation knows them.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from scanner.lab.book import LabMarket
from scanner.lab.venues import market_id


class Coin(Struct, frozen=True):
    """``usd``: price to start near; ``drift``: bps per square root of a second that it wanders;
    ``touch_usd``: what typically stands at the best price; ``activity``: book changes relative to
    the busiest coin; ``min_amount``: smallest order in units of the coin."""

    usd: float
    drift: float
    touch_usd: float
    activity: float
    min_amount: str


COINS = {
    "BTC": Coin(91_000.0, 0.9, 30_000, 1.0, "0.00001"),
    "ETH": Coin(3_050.0, 1.2, 20_000, 0.9, "0.001"),
    "SOL": Coin(142.0, 1.6, 12_000, 0.7, "0.01"),
    "XRP": Coin(2.15, 1.5, 10_000, 0.6, "1"),
    "DOGE": Coin(0.152, 1.7, 8_000, 0.5, "10"),
    "BNB": Coin(870.0, 1.1, 8_000, 0.4, "0.001"),
    "ADA": Coin(0.47, 1.7, 6_000, 0.35, "10"),
    "LTC": Coin(86.0, 1.4, 5_000, 0.3, "0.01"),
    "LINK": Coin(13.2, 1.6, 5_000, 0.3, "0.1"),
    "USDC": Coin(1.0, 0.02, 50_000, 0.15, "1"),
    "USDT": Coin(1.0, 0.03, 50_000, 0.15, "1"),
}
# A quote currency in US dollars, and how much it wanders.
QUOTES = {"USD": (1.0, 0.0), "USDT": (0.9994, 0.03), "USDC": (1.0, 0.02), "EUR": (1.155, 0.1)}
QUOTE_ACTIVITY = {"USD": 1.0, "USDT": 1.0, "USDC": 0.35, "EUR": 0.3}

EIGHT = "BTC ETH SOL XRP DOGE ADA LTC LINK"
FOUR = "BTC ETH SOL XRP"
Steps = dict[str, tuple[int, int]]


class Listing(Struct, frozen=True, kw_only=True):
    """One venue. ``activity``: book changes a second of its busiest market; ``lag_ms``: how late it
    follows the fair price; ``bases``: the coins traded against each quote currency; ``decimals``:
    of price and size for each coin."""

    taker: str
    maker: str
    activity: float
    lag_ms: float
    min_notional: str
    bases: dict[str, str]
    decimals: Steps


def _steps(text: str) -> Steps:
    rows = (row.split(":") for row in text.split())
    return {base: (int(price), int(size)) for base, price, size in rows}


STABLE = {"USDT": f"{EIGHT} BNB USDC", "USDC": FOUR}
LISTINGS = {
    "binance": Listing(
        taker="0.001",
        maker="0.001",
        activity=20,
        lag_ms=5,
        min_notional="5",
        bases={**STABLE, "EUR": FOUR},
        decimals=_steps(
            "BTC:2:5 ETH:2:4 SOL:2:3 XRP:4:1 DOGE:5:0 ADA:4:1 LTC:2:3 LINK:2:2 BNB:2:3 USDC:4:0"
        ),
    ),
    "okx": Listing(
        taker="0.0015",
        maker="0.001",
        activity=14,
        lag_ms=20,
        min_notional="1",
        bases=STABLE,
        decimals=_steps(
            "BTC:1:8 ETH:2:6 SOL:2:6 XRP:4:6 DOGE:5:6 ADA:4:6 LTC:2:6 LINK:3:6 BNB:1:6 USDC:4:6"
        ),
    ),
    "kucoin": Listing(
        taker="0.001",
        maker="0.001",
        activity=8,
        lag_ms=60,
        min_notional="0.1",
        bases={**STABLE, "EUR": "BTC ETH"},
        decimals=_steps(
            "BTC:1:8 ETH:2:7 SOL:3:4 XRP:5:4 DOGE:5:4 ADA:4:4 LTC:2:6 LINK:4:4 BNB:3:4 USDC:4:4"
        ),
    ),
    "bybit": Listing(
        taker="0.001",
        maker="0.001",
        activity=16,
        lag_ms=15,
        min_notional="5",
        bases=STABLE,
        decimals=_steps(
            "BTC:1:6 ETH:2:5 SOL:2:3 XRP:4:2 DOGE:5:1 ADA:4:2 LTC:2:5 LINK:3:3 BNB:1:4 USDC:4:2"
        ),
    ),
    "kraken": Listing(
        taker="0.008",
        maker="0.004",
        activity=7,
        lag_ms=90,
        min_notional="0.5",
        bases={
            "USD": f"{EIGHT} USDC USDT",
            "EUR": FOUR,
            "USDT": "BTC ETH SOL XRP DOGE ADA USDC",
            "USDC": "BTC ETH",
        },
        decimals=_steps(
            "BTC:1:8 ETH:2:8 SOL:2:8 XRP:5:8 DOGE:7:8 ADA:6:8 LTC:2:8 LINK:5:8 USDC:4:8 USDT:4:8"
        ),
    ),
    "coinbase": Listing(
        taker="0.012",
        maker="0.006",
        activity=10,
        lag_ms=30,
        min_notional="1",
        # No USDC: the venue answers those under the name of the USD market.
        bases={"USD": EIGHT, "EUR": FOUR, "USDT": "BTC ETH SOL XRP"},
        decimals=_steps("BTC:2:8 ETH:2:8 SOL:2:8 XRP:4:6 DOGE:5:1 ADA:4:8 LTC:2:8 LINK:3:2"),
    ),
    "gate": Listing(
        taker="0.002",
        maker="0.002",
        activity=7,
        lag_ms=80,
        min_notional="3",
        bases=STABLE,
        decimals=_steps(
            "BTC:1:6 ETH:2:4 SOL:2:3 XRP:4:2 DOGE:5:1 ADA:4:2 LTC:2:3 LINK:3:2 BNB:1:3 USDC:4:2"
        ),
    ),
    "bitget": Listing(
        taker="0.001",
        maker="0.001",
        activity=9,
        lag_ms=50,
        min_notional="1",
        bases=STABLE,
        decimals=_steps(
            "BTC:2:6 ETH:2:4 SOL:2:4 XRP:4:4 DOGE:5:4 ADA:4:4 LTC:2:4 LINK:3:4 BNB:2:4 USDC:4:4"
        ),
    ),
}


def coarsest_decimals(base: str) -> int:
    """Decimals of the coarsest lot of a coin over all venues: every quoted size is a multiple."""
    return min(
        listing.decimals[base][1] for listing in LISTINGS.values() if base in listing.decimals
    )


def lab_markets(venue: str) -> Iterator[LabMarket]:
    """The markets that ``venue`` lists."""
    listing = LISTINGS[venue]
    for quote, bases in listing.bases.items():
        for base in bases.split():
            price_decimals, size_decimals = listing.decimals[base]
            yield LabMarket(
                id=market_id(venue, base, quote),
                base=base,
                quote=quote,
                price_decimals=price_decimals,
                size_decimals=size_decimals,
                tick=_step(price_decimals),
                lot=_step(size_decimals),
                min_amount=COINS[base].min_amount,
                min_notional=listing.min_notional,
                taker=listing.taker,
                maker=listing.maker,
            )


def _step(decimals: int) -> str:
    return "1" if decimals == 0 else "0." + "0" * (decimals - 1) + "1"
