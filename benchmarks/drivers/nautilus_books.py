"""nautilus_trader's Binance adapter on a session: the real data client decodes and publishes on the
real message bus; where its data engine listens, the deltas go straight into the real order book."""

from __future__ import annotations

import asyncio
import json
import sys

from nautilus_trader.adapters.binance.common.enums import BinanceAccountType
from nautilus_trader.adapters.binance.config import BinanceDataClientConfig
from nautilus_trader.adapters.binance.http.client import BinanceHttpClient
from nautilus_trader.adapters.binance.spot.data import BinanceSpotDataClient
from nautilus_trader.cache.cache import Cache
from nautilus_trader.common.component import LiveClock, MessageBus
from nautilus_trader.common.providers import InstrumentProvider
from nautilus_trader.model.book import OrderBook
from nautilus_trader.model.enums import BookType
from nautilus_trader.model.identifiers import TraderId
from session import TOP, Session, serve


class Subject:
    def __init__(self, session: Session) -> None:
        self.session = session
        self.ids = {name for name, _ in session.markets}
        self.seen = {name: json.loads(text)["lastUpdateId"] for name, text in session.seeds}
        clock = LiveClock()
        bus = MessageBus(TraderId("BENCH-001"), clock)
        bus.register("DataEngine.process", self.process)
        url = "http://127.0.0.1:9"
        self.client = BinanceSpotDataClient(
            loop=asyncio.get_running_loop(),
            client=BinanceHttpClient(clock, "key", "secret", url),
            msgbus=bus,
            cache=Cache(),
            clock=clock,
            instrument_provider=InstrumentProvider(),
            base_url_ws="ws://127.0.0.1:9",
            config=BinanceDataClientConfig(account_type=BinanceAccountType.SPOT),
        )
        self.made: dict = {}

    def process(self, deltas) -> None:
        name = deltas.instrument_id
        book = self.made.get(name)
        if book is None:
            book = self.made[name] = OrderBook(name, BookType.L2_MBP)
        book.apply_deltas(deltas)

    def prepare(self):
        self.made.clear()
        handle = self.client._handle_ws_message
        for name, text in self.session.seeds:
            handle(whole(name, json.loads(text)))
        for text in self.session.frames:
            data = json.loads(text).get("data")
            if data and data["u"] > self.seen[data["s"]]:  # older than the snapshot
                handle(text.encode())
        raws = [text.encode() for text in self.session.timed]

        def go() -> None:
            for raw in raws:
                handle(raw)

        return go, len(raws)

    def books(self) -> dict:
        ended = {}
        for name, book in self.made.items():
            sides = (book.bids(), book.asks())
            ended[str(name).partition(".")[0]] = [
                [[float(level.price), level.size()] for level in side[:TOP]] for side in sides
            ]
        return ended


def whole(name: str, answer: dict) -> bytes:
    """A snapshot as the adapter reads changes."""
    last = answer["lastUpdateId"]
    data = {"e": "depthUpdate", "E": 1, "s": name, "U": last, "u": last}
    data |= {"b": answer["bids"], "a": answer["asks"]}
    return json.dumps({"stream": f"{name.lower()}@depth@100ms", "data": data}).encode()


async def main() -> None:
    subject = Subject(Session(sys.argv[2]))
    serve(subject.prepare, subject.books)


asyncio.run(main())
