"""Live books of stablecoins, for as long as it takes to see them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from scanner import clock
from scanner.config import Config, Feed
from scanner.engine.terms import Terms
from scanner.errors import CrossbookError
from scanner.markets import sources
from scanner.metadata.aliases import each_book_once
from scanner.parity.figures import Price, Standing, at_par
from scanner.parity.pegs import VIA
from scanner.types import Market

if TYPE_CHECKING:
    from scanner.pipeline import Pipeline


async def look(config: Config, patience: float) -> tuple[list[Standing], list[str]]:
    """Every pair as it stands within ``patience`` seconds, and what went wrong besides. Raises
    ``CrossbookError``."""
    if not config.stablecoins:
        raise CrossbookError("no stablecoins are configured: there is no peg to look at")
    config = _spot_only(config)
    found = await sources(config)
    notes = [f"{name}: {source.error}" for name, source in found.items() if source.error]
    markets = _wanted([market for one in found.values() for market in one.markets], config)
    if not markets:
        why = "".join(f"; {note}" for note in notes)
        raise CrossbookError(f"no configured venue lists a pair of stablecoins{why}")

    def enough(pipeline: Pipeline) -> bool:
        seen = _seen(pipeline, clock.now())
        return bool(seen) and all(one.price is not None for one in seen)

    from scanner.hedging.glance import glance  # the kernels: not for who only plans

    return await glance(config, markets, patience, enough, _seen), notes


def _spot_only(config: Config) -> Config:
    venues = {
        name: venue.model_copy(update={"markets": None})
        for name, venue in config.enabled.items()
        if venue.markets is None or "spot" in venue.markets
        if venue.feed is not Feed.CCXT or config.limits.unverified
    }
    if not venues:
        raise CrossbookError("no configured venue has spot markets that can be trusted")
    return config.model_copy(update={"venues": venues, "symbols": (f"{VIA}/USDT",)})


def _wanted(markets: Sequence[Market], config: Config) -> list[Market]:
    """The pairs, and the coin in whatever is pegged."""
    coins = config.stablecoins
    markets = each_book_once([m for m in markets if not m.is_contract], config)
    pegged = {*coins, *coins.values()}
    return [
        market
        for market in markets
        if at_par(market.base, market.quote, coins)
        or (market.base == VIA and market.quote in pegged)
    ]


def _seen(pipeline: Pipeline, at: int) -> list[Standing]:
    seen = []
    for place in pipeline.pegs.places:
        price, reason = pipeline.pegs.price(place, at)
        markets = [pipeline.engine.markets[book] for book in place.books]
        back = 0.0
        if price is not None:
            kept = price.bid / price.ask
            for market in markets:
                terms = Terms.of(market)
                kept *= terms.buy_base / terms.buy_quote * terms.sell_quote / terms.sell_base
            back = (1 - kept) * 1e4
        seen.append(
            Standing(
                venue=place.venue,
                symbol=f"{place.base}/{place.quote}",
                via=place.via,
                price=price,
                reason=reason,
                fee_bps=sum(market.fee_rate for market in markets) * 1e4,
                there_and_back_bps=back,
            )
        )
    for symbol, ratio in pipeline.pegs.medians(at).items():
        price = Price(bid=ratio, ask=ratio, size=0.0, depths=())
        seen.append(Standing(venue="median", symbol=symbol, via=VIA, price=price))
    return sorted(seen, key=lambda one: (one.symbol, one.via, one.venue == "median", one.venue))
