"""What the tests of the simulated venues share: a small market, clients without sockets, and ccxt.

``AT`` is the present of what runs without sockets.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from scanner.lab.book import ASK, BID, LabBook, LabMarket, decimal_text
from scanner.lab.seam import Connection, LabVenue, Reply, Request
from scanner.lab.server import LabServer
from scanner.lab.units import MILLISECOND, SECOND
from scanner.steps import Refused
from scanner.types import Depth
from tests.lab.conftest import StartNative
from tests.lab.native import NativeFeed, until

AT = 1_790_000_000 * SECOND
MS = MILLISECOND

Sides = list[list[list[float]]]
"""Bids and asks, each a list of price and size."""


# --- a market -----------------------------------------------------------------------------------


def lab_market(
    name: str,
    *,
    base: str = "BTC",
    quote: str = "USDT",
    price_decimals: int,
    size_decimals: int,
    min_amount: str = "0.00001",
    min_notional: str = "1",
    taker: str = "0.001",
    maker: str = "0.001",
) -> LabMarket:
    """A market whose steps follow from its decimals."""
    return LabMarket(
        id=name,
        base=base,
        quote=quote,
        price_decimals=price_decimals,
        size_decimals=size_decimals,
        tick=decimal_text(1, price_decimals),
        lot=decimal_text(1, size_decimals),
        min_amount=min_amount,
        min_notional=min_notional,
        taker=taker,
        maker=maker,
    )


def lab_book(market: LabMarket, bids: str = "", asks: str = "") -> LabBook:
    """A book of ``price/size`` levels, its ids counted from 100."""
    book = LabBook(market, sequence=100, at=AT)
    for side, levels in ((BID, bids), (ASK, asks)):
        for level in levels.split():
            price, size = map(Decimal, level.split("/"))
            ticks = int(price.scaleb(market.price_decimals))
            book.set(side, ticks, int(size.scaleb(market.size_decimals)), AT)
    return book


# --- clients without sockets --------------------------------------------------------------------


def connected(venue: LabVenue, path: str, at: int = AT, **query: str) -> Connection:
    """A client whose connection the venue has accepted."""
    found = venue.connect(path, query, at)
    assert not isinstance(found, Reply)
    return found


def refused(venue: LabVenue, path: str) -> Reply:
    """The answer to a client whose connection the venue does not accept."""
    found = venue.connect(path, {}, AT)
    assert isinstance(found, Reply)
    return found


def asked(venue: LabVenue, path: str, method: str = "GET", **query: str) -> tuple[int, Any]:
    """The status and the JSON of a REST answer."""
    reply = venue.rest(Request(method, path, query), AT)
    return reply.status, json.loads(reply.body)


def said(outs: Iterable[Any]) -> list[Any]:
    """What text frames say."""
    return [json.loads(out) for out in outs]


# --- ccxt, and our own feed beside it -----------------------------------------------------------


def books(lab: LabServer, venue: str) -> dict[str, LabBook]:
    """The true books of a venue by its own names."""
    assert lab.world is not None
    return lab.world.venues[venue].books


async def watch(exchange: Any, symbol: str, updates: int, *limit: int) -> None:
    """Wait for so many updates of ccxt's book."""
    for _ in range(updates):
        await exchange.watch_order_book(symbol, *limit)


async def stream(
    exchange: Any, symbols: Sequence[str], updates: int, feeds: Iterable[NativeFeed], *limit: int
) -> None:
    """Wait for so many updates of each of ccxt's books, and until the books of ``feeds`` live."""
    watched = [watch(exchange, symbol, updates, *limit) for symbol in symbols]
    await asyncio.gather(*(feed.live() for feed in feeds), *watched)


async def reached(exchange: Any, symbol: str, sequence: int) -> None:
    """Wait until ccxt's book has come to ``sequence``."""
    await until(lambda: exchange.orderbooks[symbol]["nonce"] == sequence, 5)


async def shows(exchange: Any, symbol: str, expected: Sides) -> None:
    """Wait until ccxt's book is the expected one."""
    await until(lambda: sides(exchange.orderbooks[symbol]) == expected, 5)


def sides(book: Any) -> Sides:
    """Bids and asks of one of ccxt's books."""
    return [[list(level[:2]) for level in book[side]] for side in ("bids", "asks")]


def truth(book: LabBook, levels: int | None = None) -> Sides:
    """Bids and asks of the true book."""
    return [
        [[float(price), float(size)] for price, size in book.levels(side, levels)]
        for side in (BID, ASK)
    ]


def refusals(feed: NativeFeed) -> list[str | None]:
    """The markets that the venue has refused."""
    return [action.market for action in feed.actions if isinstance(action, Refused)]


async def recovered(
    lab: LabServer, start_native: StartNative, venue: str, symbol: str, depth: Depth, levels: int
) -> tuple[NativeFeed, NativeFeed]:
    """Our feed before and after the venue has dropped it; the second one has the true book."""
    first = start_native(venue, [symbol], depth)
    await first.live()
    lab.drop(venue)
    await until(lambda: first.lane.live() == 0, 5)
    second = start_native(venue, [symbol], depth)
    await second.live()
    lab.freeze()
    await second.settled(symbol, levels)
    return first, second
