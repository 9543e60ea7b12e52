"""cryptofeed's feeds on a session: ``message_handler`` of the real feed, with a callback."""

from __future__ import annotations

import logging
import re
import sys
from importlib import import_module

from cryptofeed.defines import L2_BOOK
from cryptofeed.symbols import Symbols
from session import TOP, Session, serve

FEEDS = {
    "binance": "Binance",
    "bitget": "Bitget",
    "bybit": "Bybit",
    "coinbase": "Coinbase",
    "gate": "Gate",
    "kraken": "Kraken",
    "kucoin": "KuCoin",
    "okx": "OKX",
}
ADDRESSES = {
    "binance": "wss://stream.binance.com:9443/stream?streams=x",
    "bybit": "wss://stream.bybit.com/v5/public/spot",
}
SUFFIX = {"bitget": "_SPOT"}
DEPTH = re.compile(r'"subscribe".*"depth":(\d+)')
SPOT = re.compile("(USDT|USDC|EUR|BTC|ETH)$")


class Connection:
    """What a handler asks of the connection that a message came from."""

    uuid = id = "benchmark"
    subscription: dict = {}  # noqa: RUF012

    def __init__(self, address: str) -> None:
        self.address = address


class Subject:
    def __init__(self, venue: str, session: Session) -> None:
        self.venue, self.session = venue, session
        made = getattr(import_module("cryptofeed.exchanges"), FEEDS[venue])
        suffix = SUFFIX.get(venue, "")
        self.names = {}
        exchange_names = {}
        for number, (name, _) in enumerate(session.markets):
            self.names[name] = f"A{number}-B{number}"
            # bybit tells spot from perpetuals by a slash
            there = SPOT.sub(r"/\1", name) if venue == "bybit" else name
            exchange_names[f"A{number}-B{number}"] = there + suffix
        kinds = dict.fromkeys(exchange_names, "spot")
        Symbols.set(made.id, exchange_names, {"instrument_type": kinds, "tick_size": {}})

        async def told(book, at) -> None:
            pass

        self.made = lambda: made(
            symbols=list(exchange_names), channels=[L2_BOOK], callbacks={L2_BOOK: told}
        )
        self.connection = Connection(ADDRESSES.get(venue, "wss://127.0.0.1"))

    def prepare(self):
        feed = self.feed = self.made()
        depths = [found for text in self.session.frames if (found := DEPTH.search(text))]
        if self.venue == "kraken" and depths:
            feed.book_depth = int(depths[0][1])  # what was subscribed, as its checksums need it
        for name, text in self.session.seeds:
            known = self.names[name]
            book = feed._parse_snapshot(known, text)
            feed._l2_book[known] = book
            for of in ("last_update_id", "seq_no", "_update_id"):
                if hasattr(feed, of):
                    getattr(feed, of)[known] = book.sequence_number
        for text in self.session.frames:
            if self.venue == "binance" and '"stream"' not in text:
                continue  # it subscribes by its address, and is never told of that
            run(feed.message_handler(text, self.connection, 1.0))

        def go() -> None:
            run(all_of(feed.message_handler, self.session.timed, self.connection))

        return go, len(self.session.timed)

    def books(self) -> dict:
        ended = {}
        for name, known in self.names.items():
            made = self.feed._l2_book.get(known)
            if made is not None:
                sides = (made.book.bids, made.book.asks)
                ended[name] = [
                    [[float(x) for x in side.index(i)] for i in range(min(TOP, len(side)))]
                    for side in sides
                ]
        return ended


async def all_of(handler, texts, connection) -> None:
    for text in texts:
        await handler(text, connection, 1.0)


def run(coroutine) -> None:
    """To its end: what a handler awaits here never waits."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise RuntimeError("a handler waits for something")


logging.disable(logging.CRITICAL)
subject = Subject(sys.argv[1], Session(sys.argv[2]))
serve(subject.prepare, subject.books)
