"""Live books for one coin, for as long as it takes to see them: what a hedge is planned with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from scanner import clock
from scanner.config import Config, Feed, VenueConfig
from scanner.configuration.hedge import HedgeBook
from scanner.errors import CrossbookError
from scanner.hedge.offers import Seen
from scanner.markets import sources
from scanner.types import BookState, Market, MarketKind, Proof, Side
from scanner.venues.registry import CONTRACTS, VENUES

if TYPE_CHECKING:
    from scanner.pipeline import Pipeline

LEVELS = 5000


async def look(config: Config, coin: str, patience: float) -> tuple[list[Seen], list[str]]:
    """The books of the coin and of the contracts on it that are live, young and proven within
    ``patience`` seconds; and what there is not, each with its reason. Raises ``CrossbookError``."""
    config = _every_kind(config, [coin])
    found = await sources(config)
    notes = [f"{name}: {source.error}" for name, source in found.items() if source.error]
    markets = _of_coin([market for one in found.values() for market in one.markets], coin)
    if not markets:
        raise CrossbookError(
            f"no configured venue lists {coin}" + "".join(f"; {note}" for note in notes)
        )
    if not any(market.is_contract for market in markets):
        raise CrossbookError(f"no configured venue lists a contract on {coin}: nothing to short")
    return await _watch(config, markets, patience, notes)


async def look_at_book(
    config: Config, book: HedgeBook, patience: float
) -> tuple[list[Market], list[Seen], list[str]]:
    """The markets that the hedge book rests on (its contracts, and its coins in what those are
    quoted in), of them the live books as ``look`` has them, and what there is not."""
    coins = dict.fromkeys(
        [*(one.coin for one in book.holdings), *(one.coin for one in book.shorts)]
    )
    config = _every_kind(config, list(coins))
    found = await sources(config)
    notes = [f"{name}: {source.error}" for name, source in found.items() if source.error]
    listed = [market for one in found.values() for market in one.markets]
    sold = {(one.venue, one.symbol) for one in book.shorts}
    contracts = [one for one in listed if one.is_contract and (one.venue, one.symbol) in sold]
    quotes = {market.quote for market in contracts} | {config.currency}
    spots = [
        one for one in listed if not one.is_contract and one.base in coins and one.quote in quotes
    ]
    markets = [*contracts, *spots]
    return (
        (markets, *await _watch(config, markets, patience, notes)) if markets else ([], [], notes)
    )


async def _watch(
    config: Config, markets: Sequence[Market], patience: float, notes: list[str]
) -> tuple[list[Seen], list[str]]:
    def enough(pipeline: Pipeline) -> bool:
        return all(_whole(pipeline, market) for market in markets)

    def read(pipeline: Pipeline, at: int) -> list[Seen]:
        return [one for market in markets if (one := _seen(pipeline, config, market, at))]

    from scanner.hedging.glance import glance  # the kernels: not for who only plans

    seen = await glance(config, markets, patience, enough, read)
    there = {(one.market.venue, one.market.symbol) for one in seen}
    missing = [
        f"{market.venue} {market.symbol}: no book to be trusted within {patience:g} s"
        for market in markets
        if (market.venue, market.symbol) not in there
    ]
    return seen, [*notes, *missing]


def _every_kind(config: Config, coins: Sequence[str]) -> Config:
    """The configuration with all that its venues trade natively, for these coins alone."""
    venues: dict[str, VenueConfig] = {}
    for name, venue in config.enabled.items():
        both = venue.feed is not Feed.CCXT and name in VENUES and name in CONTRACTS
        more = {"markets": tuple(MarketKind)} if both else {}
        venues[name] = venue.model_copy(update=more)
    return config.model_copy(
        update={"venues": venues, "symbols": tuple(f"{coin}/USDT" for coin in coins)}
    )


def _of_coin(markets: Sequence[Market], coin: str) -> list[Market]:
    """The contracts on the coin, and the coin itself in what they are quoted in, or in a
    stablecoin."""
    contracts = [market for market in markets if market.base == coin and market.is_contract]
    quotes = {market.quote for market in contracts} | {"USDT", "USDC"}
    spots = [
        market
        for market in markets
        if market.base == coin and not market.is_contract and market.quote in quotes
    ]
    return list(
        {(one.venue, one.is_contract, one.id): one for one in [*spots, *contracts]}.values()
    )


def _book(pipeline: Pipeline, market: Market) -> int | None:
    for book, known in pipeline.markets.items():
        if known == market:
            return book
    return None


def _whole(pipeline: Pipeline, market: Market) -> bool:
    """Its book is live, and of a perpetual all is said that funding is reckoned with."""
    book = _book(pipeline, market)
    if book is None or pipeline.store.state(book) is not BookState.LIVE:
        return False
    if market.kind is not MarketKind.PERPETUAL:
        return True
    said = pipeline.derivatives.latest(book, clock.now())
    return None not in (said.mark, said.funding_rate, said.interval, said.next_funding_at)


def _seen(pipeline: Pipeline, config: Config, market: Market, at: int) -> Seen | None:
    book, store = _book(pipeline, market), pipeline.store
    if book is None or store.state(book) is not BookState.LIVE:
        return None
    if at - store.proven_at(book) > pipeline.bounds.max_age:
        return None
    if pipeline.carries.proof(book) is Proof.NONE and not config.limits.unverified:
        return None
    asks, bids = (store.ladder(book, side, LEVELS) for side in (Side.ASK, Side.BID))
    if not asks or not bids:
        return None
    said = pipeline.derivatives.latest(book, at) if market.is_contract else None
    return Seen(market=market, asks=asks, bids=bids, **({"said": said} if said else {}))
