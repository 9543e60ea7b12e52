"""How much is traded: what ``symbols: auto`` prefers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from msgspec import Struct

from scanner.types import Market

ANCHORS = ("USDT", "USD")


class Traded(Struct, frozen=True):
    """A market over the last 24 hours: its ``last`` price and its ``volume``, both in quote."""

    last: float
    volume: float


Tickers = Mapping[str, Traded]


def turnover(
    by_symbol: Mapping[str, Sequence[Market]], tickers: Mapping[str, Tickers]
) -> dict[str, float]:
    """The worth of what was traded of each symbol on the second busiest of its venues, in US
    dollars: a spread needs two. 0 where that is not known. ``tickers``: by venue, then symbol."""
    worth = _Worth(tickers.values())
    found = {}
    for symbol, markets in by_symbol.items():
        volumes = [_volume(market, tickers) for market in markets]
        second = sorted(volumes, reverse=True)[1] if len(volumes) > 1 else 0.0
        found[symbol] = second * worth.of(markets[0].quote) if second else 0.0
    return found


def _volume(market: Market, tickers: Mapping[str, Tickers]) -> float:
    traded = tickers.get(market.venue, {}).get(market.symbol)
    return traded.volume if traded else 0.0


class _Worth:
    """What currencies are worth, as far as the tickers say."""

    def __init__(self, tickers: Iterable[Tickers]) -> None:
        self._prices: defaultdict[str, list[float]] = defaultdict(list)
        for of_venue in tickers:
            for symbol, traded in of_venue.items():
                if traded.last > 0:
                    self._prices[symbol].append(traded.last)

    def of(self, currency: str) -> float:
        """One of it in US dollars; 0 if nothing says."""
        if currency in ANCHORS:
            return 1.0
        for anchor in ANCHORS:
            if there := self._prices.get(f"{currency}/{anchor}"):
                return median(there)
            if back := self._prices.get(f"{anchor}/{currency}"):
                return 1 / median(back)
        return 0.0
