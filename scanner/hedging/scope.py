"""What a scan takes for the sake of the hedge book, whatever else is scanned."""

from __future__ import annotations

from collections.abc import Iterable

from scanner.config import Config, Feed
from scanner.configuration.hedge import HedgeBook
from scanner.types import Market, MarketKind
from scanner.venues.registry import CONTRACTS

DATE = "-"


def scoped(config: Config, book: HedgeBook) -> Config:
    """``config`` with the whole hedge book, what stands in its file included."""
    whole = book.model_copy(update={"csv": None})
    return config.model_copy(update={"hedge_book": whole})


def hedged_kinds(venue: str, config: Config) -> tuple[MarketKind, ...]:
    """The kinds of contracts that are sold short on ``venue`` and that it would not be asked for
    otherwise; none where nothing speaks to its contracts."""
    here = config.venues[venue]
    if venue not in CONTRACTS and here.feed is not Feed.CCXT:
        return ()
    sold = [one.symbol.partition(":")[2] for one in config.hedge_book.shorts if one.venue == venue]
    kinds = [MarketKind.FUTURE if DATE in settled else MarketKind.PERPETUAL for settled in sold]
    return tuple(kind for kind in dict.fromkeys(kinds) if kind not in here.kinds)


def hedged_markets(
    coins: Iterable[Market], contracts: Iterable[Market], config: Config
) -> list[Market]:
    """Of what is listed: the contracts that are sold short, and the coins of the book in what
    those are quoted in, or else in the accounting currency."""
    book = config.hedge_book
    sold = {(one.venue, one.symbol) for one in book.shorts}
    shorts = [one for one in contracts if (one.venue, one.symbol) in sold]
    pairs = {(one.base, one.quote) for one in shorts}
    shorted = {base for base, _ in pairs}
    pairs |= {(one.coin, config.currency) for one in book.holdings if one.coin not in shorted}
    return [*(one for one in coins if (one.base, one.quote) in pairs), *shorts]
