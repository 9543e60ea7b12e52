"""Venues by ccxt's own client, with all that they list, against the lab.

    python -m tests.feeds.by_ccxt [--seconds N] [VENUE ...]

Every market of every venue has to come alive, to stay so for ``--seconds``, and to equal the lab's
book once that stands still: its best level, and every level that is shown. (Where ccxt starts from
a REST snapshot of few levels, what lies beyond it is missing until it changes.)
"""

from __future__ import annotations

import argparse
import asyncio
import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack
from random import Random

from scanner.feeds.ccxt_feed import ccxt_feed
from scanner.feeds.feed import Feed
from scanner.feeds.shell import Shell
from scanner.lab.server import Clock, LabServer
from scanner.lab.venues import VENUES
from scanner.lab.world import World
from scanner.pipeline import Pipeline
from scanner.types import BookState, Market, Side
from tests.feeds.pipeline import book_of, market_of, pipeline_of
from tests.feeds.tiny import running, until

LEVELS = 50
LONGEST_START = 60.0


async def all_markets(names: Sequence[str], seconds: float) -> dict[str, Feed]:
    """The feeds of ``names`` as they were at the end; raises where something is not as it must."""
    clock = Clock()
    async with (
        LabServer(World(7, clock(), tuple(names)), clock=clock) as lab,
        AsyncExitStack() as on,
    ):
        assert lab.world is not None
        pipeline = pipeline_of()
        feeds: dict[str, Feed] = {}
        markets: list[Market] = []
        for name in names:
            books = lab.world.venues[name].books.values()
            listed = [market_of(lab, name, book.market.symbol) for book in books]
            where = {"rest": lab.url(name), "ws": lab.ws(name)}
            shell = Shell(now=clock, rng=Random(1))
            feeds[name] = ccxt_feed(name, listed, pipeline, shell, **where)
            await on.enter_async_context(running(feeds[name]))
            markets += listed
        await until(lambda: all(live(pipeline, market) for market in markets), LONGEST_START)
        await asyncio.sleep(seconds)
        lab.freeze()
        await until(lambda: all(true(pipeline, lab, market) for market in markets), 5.0)
        return feeds


def live(pipeline: Pipeline, market: Market) -> bool:
    book = book_of(pipeline, market)
    return book is not None and pipeline.store.state(book) is BookState.LIVE


def true(pipeline: Pipeline, lab: LabServer, market: Market) -> bool:
    """Whether our book shows the best level of both sides, and no level that is not there."""
    book = book_of(pipeline, market)
    assert book is not None
    truth = lab.book(market.venue, market.symbol)
    for side in Side:
        ours = pipeline.store.ladder(book, side, LEVELS)
        rows = [(float(price), float(size)) for price, size in truth.levels(side, None)]
        if ours[0] != rows[0] or not set(ours) <= set(rows):
            return False
    return live(pipeline, market)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("venues", nargs="*", default=list(VENUES))
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(relativeCreated)6d ms: %(message)s")
    for name, feed in asyncio.run(all_markets(given.venues, given.seconds)).items():
        for health in feed.health():
            known = f"{health.markets} markets, {health.messages} books"
            print(f"{name} #{health.connection}: {known}, {health.reconnects} reconnects")


if __name__ == "__main__":
    main()
