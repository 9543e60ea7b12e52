"""One book under several symbols: under which of them it is compared.

Where a venue answers for ``BTC/USDC`` with the book of ``BTC/USD``, what stands in it can be had
once, so it takes part under one symbol only.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from scanner.config import Config
from scanner.types import Market

log = logging.getLogger(__name__)


def each_book_once(markets: Iterable[Market], config: Config) -> list[Market]:
    """Every book under the first of its symbols that is wanted and that another venue lists too;
    else under the first that is wanted; else under its first. Symbols that are asked for by name
    and lose by this are told of."""
    names: defaultdict[tuple[str, str], list[Market]] = defaultdict(list)
    for market in markets:
        names[market.venue, market.id].append(market)
    listed = Counter(market.symbol for of_book in names.values() for market in of_book)
    return [_one(of_book, listed, config) for of_book in names.values()]


def _one(of_book: Sequence[Market], listed: Counter[str], config: Config) -> Market:
    wanted = [market for market in of_book if _is_wanted(market, config)]
    shared = [market for market in wanted if listed[market.symbol] > 1]
    chosen = (shared or wanted or of_book)[0]
    if config.symbols != "auto":
        for market in wanted:
            if market is not chosen:
                text = "%s: on %s it is one book with %s, and compared as that"
                log.warning(text, market.symbol, market.venue, chosen.symbol)
    return chosen


def _is_wanted(market: Market, config: Config) -> bool:
    if config.symbols == "auto":
        return not config.quotes or market.quote in config.quotes
    return market.symbol in config.symbols
