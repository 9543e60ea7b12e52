"""ccxt as its manual shows it: a loop of ``watch_order_book`` for each symbol of each exchange, and
a look for crossed prices after each.

    ccxt_loopback.py URL VENUES SYMBOLS MESSAGES [CERTIFICATE]
"""

from __future__ import annotations

import asyncio
import sys

import ccxt.pro
from report import Report

FEE = 0.001
books: dict = {}


def crossed(symbol: str, venue: int) -> bool:
    own = books[symbol][venue]
    for other, book in books[symbol].items():
        if other != venue and own["bids"] and own["asks"] and book["bids"] and book["asks"]:
            if own["bids"][0][0] * (1 - FEE) > book["asks"][0][0] * (1 + FEE):
                return True
            if book["bids"][0][0] * (1 - FEE) > own["asks"][0][0] * (1 + FEE):
                return True
    return False


def exchange(url: str, venue: int, symbols: list[str], report: Report, authority: str):
    made = ccxt.pro.bybit({"newUpdates": True} | ({"cafile": authority} if authority else {}))
    made.set_markets(
        [
            made.safe_market_structure(
                {
                    **{"id": s.replace("/", ""), "symbol": s, "base": s.split("/")[0]},
                    **{"quote": "USDT", "baseId": s.split("/")[0], "quoteId": "USDT"},
                    **{"type": "spot", "spot": True, "swap": False, "future": False},
                    **{"option": False, "contract": False, "active": True, "limits": {}},
                    "precision": {"price": 1e-8, "amount": 1e-8},
                }
            )
            for s in symbols
        ]
    )
    made.urls["api"]["ws"]["public"]["spot"] = f"{url}/{venue}/v5/public/spot"
    handle = made.handle_message

    def counted(client, message) -> None:
        handle(client, message)
        if message.get("type") == "delta":
            report.took(1)
            if report.over:
                asyncio.get_running_loop().call_later(0.1, report.end)

    made.handle_message = counted
    return made


async def watch(made, venue: int, symbol: str, report: Report) -> None:
    while True:
        book = await made.watch_order_book(symbol)
        books.setdefault(symbol, {})[venue] = book
        crossed(symbol, venue)
        report.scanned(book["timestamp"] or 0)


async def main() -> None:
    url, venues, symbols, messages = sys.argv[1], *map(int, sys.argv[2:5])
    authority = sys.argv[5] if len(sys.argv) > 5 else ""
    names = [f"C{n}/USDT" for n in range(symbols)]
    report = Report(messages)
    made = [exchange(url, v, names, report, authority) for v in range(venues)]
    await asyncio.gather(*(watch(m, v, s, report) for v, m in enumerate(made) for s in names))


asyncio.run(main())
