"""ccxt's WebSocket classes on a session: the real client decodes, the real exchange handles."""

from __future__ import annotations

import asyncio
import json
import sys

import ccxt.pro
from ccxt.async_support.base.ws.client import Client
from session import TOP, Session, serve

NONCE = {"binance": "lastUpdateId", "gate": "id", "kucoin": "sequence"}
URLS = {
    "binance": "wss://stream.binance.com:9443/ws/0",
    "bybit": "wss://stream.bybit.com/v5/public/spot",
    "okx": "wss://ws.okx.com:8443/ws/v5/public",
    "kraken": "wss://ws.kraken.com/v2",
}


class Subject:
    def __init__(self, venue: str, session: Session) -> None:
        self.venue, self.session = venue, session
        self.exchange = getattr(ccxt.pro, venue)({"newUpdates": True})
        self.symbols = {}
        markets = []
        for number, (name, symbol) in enumerate(session.markets):
            unified = symbol if symbol.count("/") == 1 else f"A{number}/B{number}"
            self.symbols[name] = unified
            markets.append(self.market(name, unified))
        self.exchange.set_markets(markets)
        nothing = lambda *arguments: None  # noqa: E731
        url = URLS.get(venue, "wss://127.0.0.1")
        self.client = Client(url, self.exchange.handle_message, nothing, nothing, nothing, {})

    def market(self, name: str, symbol: str) -> dict:
        base, quote = symbol.split("/")
        return self.exchange.safe_market_structure(
            {
                "id": name,
                "lowercaseId": name.lower(),
                "symbol": symbol,
                **{"base": base, "quote": quote, "baseId": base, "quoteId": quote},
                **{"type": "spot", "spot": True, "swap": False, "future": False, "option": False},
                **{"contract": False, "active": True, "limits": {}},
                "precision": {"price": 1e-8, "amount": 1e-8},
                "info": {"wsname": name},
            }
        )

    def prepare(self):
        self.exchange.orderbooks.clear()
        for name, text in self.session.seeds:
            answer = json.loads(text)
            answer = answer.get("data", answer)
            book = self.exchange.order_book({})
            symbol = self.symbols[name]
            snapshot = self.exchange.parse_order_book(answer, symbol, None)
            snapshot["nonce"] = int(answer[NONCE[self.venue]])
            book.reset(snapshot)
            book["symbol"] = symbol
            self.exchange.orderbooks[symbol] = book
        handle = self.client.handle_text_or_binary_message
        for symbol in self.symbols.values():
            for topic in ("orderbook:", "orderbook::", "books:", "level2::"):
                self.client.subscriptions[topic + symbol] = {"symbol": symbol}
        for text in self.session.frames:
            handle(text)

        def go() -> None:
            for text in self.session.timed:
                handle(text)

        return go, len(self.session.timed)

    def books(self) -> dict:
        ended = {}
        for name, symbol in self.symbols.items():
            book = self.exchange.orderbooks.get(symbol)
            if book is not None:
                sides = (book["bids"], book["asks"])
                ended[name] = [[[row[0], row[1]] for row in list(side)[:TOP]] for side in sides]
        return ended


async def main() -> None:
    subject = Subject(sys.argv[1], Session(sys.argv[2]))
    try:
        serve(subject.prepare, subject.books)
    finally:
        await subject.exchange.close()


asyncio.run(main())
