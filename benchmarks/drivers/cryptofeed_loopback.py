"""cryptofeed's feeds over sockets, with a callback that looks for crossed prices.

    cryptofeed_loopback.py URL VENUES SYMBOLS MESSAGES

It takes no plain addresses by itself, so that check is lifted.
"""

from __future__ import annotations

import asyncio
import logging
import sys

from cryptofeed import connection
from cryptofeed.connection import AsyncConnection, WebsocketEndpoint
from cryptofeed.defines import L2_BOOK
from cryptofeed.exchanges import Bybit
from cryptofeed.symbols import Symbols
from report import Report

FEE = 0.001
books: dict = {}


def plain(self, address, conn_id, subscription=None, **options) -> None:
    self.address = address
    name = f"{conn_id}.ws.{self.conn_count}"
    AsyncConnection.__init__(self, name, subscription=subscription)
    self.ws_kwargs = options


def best(side) -> float:
    return float(side.index(0)[0])


def crossed(symbol: str, venue: int) -> bool:
    own = books[symbol][venue]
    for other, book in books[symbol].items():
        if other != venue and len(own.bids) and len(own.asks) and len(book.bids) and len(book.asks):
            if best(own.bids) * (1 - FEE) > best(book.asks) * (1 + FEE):
                return True
            if best(book.bids) * (1 - FEE) > best(own.asks) * (1 + FEE):
                return True
    return False


def feed(url: str, venue: int, symbols: int, report: Report) -> Bybit:
    options = {"compression": None}
    endpoint = WebsocketEndpoint(f"{url}/{venue}/v5/public/spot", options=options)
    made = type(f"Bybit{venue}", (Bybit,), {"id": f"BYBIT{venue}"})
    made.websocket_endpoints = [endpoint]
    names = {f"C{n}-USDT": f"C{n}/USDT" for n in range(symbols)}
    Symbols.set(made.id, names, {"instrument_type": dict.fromkeys(names, "spot"), "tick_size": {}})

    async def told(book, at) -> None:
        books.setdefault(book.symbol, {})[venue] = book.book
        crossed(book.symbol, venue)
        if book.delta is not None:
            report.took(1)
            report.scanned(round(book.timestamp * 1000))
            if report.over:
                report.end()

    return made(symbols=list(names), channels=[L2_BOOK], callbacks={L2_BOOK: told})


async def main() -> None:
    url, venues, symbols, messages = sys.argv[1], *map(int, sys.argv[2:5])
    connection.WSAsyncConn.__init__ = plain
    report, end = Report(messages), asyncio.Event()
    await asyncio.gather(*(feed(url, v, symbols, report).run(end) for v in range(venues)))


logging.basicConfig(level=logging.ERROR)
asyncio.run(main())
