"""One slow decoder for each venue: frames in, what is known after each of them out."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

from .book import Book, Seen, Top, Wrong, changes, digits_10, interleaved_25
from .recording import Frame

Decoder = Callable[[Iterable[Frame]], Iterator[Seen | Top]]


def _asked_for(url: str) -> str:
    """The market a REST request was about."""
    query = parse_qs(urlsplit(url).query)
    return next(query[key][0] for key in ("symbol", "currency_pair", "contract") if key in query)


def _expect(right: bool, frame: Frame, text: str) -> None:
    if not right:
        raise Wrong(f"frame {frame.index}: {text}")


def binance(frames: Iterable[Frame]) -> Iterator[Seen | Top]:
    """Spot and USD-M: differences joined to a REST snapshot, and ``bookTicker``."""
    books: dict[str, Book] = {}
    last: dict[str, int] = {}
    joined: set[str] = set()
    waiting: dict[str, list[dict]] = defaultdict(list)

    def apply(frame: Frame, event: dict) -> tuple:
        market, known = event["s"], last[event["s"]]
        futures = "pu" in event
        if event["u"] < known or (event["u"] == known and not futures):
            return [], []
        if market in joined:
            follows = event["pu"] == known if futures else event["U"] == known + 1
        else:
            start = known if futures else known + 1
            follows = event["U"] <= start <= event["u"] or event.get("pu") == known
        _expect(follows, frame, f"{market}: {event['U']}..{event['u']} after {known}")
        joined.add(market)
        last[market] = event["u"]
        return changes(books[market], event["b"], event["a"])

    for frame in frames:
        message = json.loads(frame.raw)
        if frame.rest:
            market = _asked_for(frame.url)
            books[market] = Book(message["bids"], message["asks"])
            last[market] = message["lastUpdateId"]
            joined.discard(market)
            for event in waiting.pop(market, []):
                apply(frame, event)
            book = books[market]
            yield Seen(frame.index, market, book.bids, book.asks, None, last[market])
            continue
        channel = message.get("stream", "").partition("@")[2]
        event = message.get("data", {})
        if channel == "bookTicker":
            bid = Decimal(event["b"]), Decimal(event["B"])
            ask = Decimal(event["a"]), Decimal(event["A"])
            yield Top(frame.index, event["s"], bid, ask, event["u"])
        elif channel.startswith("depth"):
            market = event["s"]
            if market not in books:
                waiting[market].append(event)
                continue
            touched = apply(frame, event)
            book = books[market]
            yield Seen(frame.index, market, book.bids, book.asks, touched, last[market])


def okx(frames: Iterable[Frame]) -> Iterator[Seen]:
    """``books`` and ``books-l2-tbt``: snapshot, updates, a checksum unless it is zero."""
    books: dict[str, Book] = {}
    last: dict[str, int] = {}
    for frame in frames:
        if frame.raw == "pong":
            continue
        message = json.loads(frame.raw)
        if "data" not in message or not message["arg"]["channel"].startswith("books"):
            continue
        market = message["arg"]["instId"]
        for data in message["data"]:
            touched = None
            if message["action"] == "snapshot":
                books[market] = Book(data["bids"], data["asks"])
            else:
                chained = data.get("prevSeqId") == last.get(market)
                _expect(chained, frame, f"{market}: chain broken")
                touched = changes(books[market], data["bids"], data["asks"])
            if "seqId" in data:
                last[market] = data["seqId"]
            yield _checked(frame, market, books[market], data.get("checksum", 0), touched)


def bitget(frames: Iterable[Frame]) -> Iterator[Seen]:
    """``books`` of the first two generations, with a checksum unless it is zero or absent."""
    books: dict[str, Book] = {}
    last: dict[str, int] = {}
    for frame in frames:
        if frame.raw == "pong":
            continue
        message = json.loads(frame.raw)
        if "data" not in message or message["arg"]["channel"] != "books":
            continue
        market = message["arg"]["instId"]
        for data in message["data"]:
            touched = None
            if message["action"] == "snapshot":
                books[market] = Book(data["bids"], data["asks"])
            else:
                chained = data.get("pseq") == last.get(market)
                _expect(chained, frame, f"{market}: chain broken")
                touched = changes(books[market], data["bids"], data["asks"])
            if "seq" in data:
                last[market] = data["seq"]
            yield _checked(frame, market, books[market], data.get("checksum", 0), touched)


def _checked(frame: Frame, market: str, book: Book, checksum: int, touched: tuple | None) -> Seen:
    if checksum:
        right = interleaved_25(book) == checksum
        _expect(right, frame, f"{market}: checksum is not {checksum}")
    return Seen(frame.index, market, book.bids, book.asks, touched, checked=bool(checksum))


def kucoin(frames: Iterable[Frame]) -> Iterator[Seen | Top]:
    """``/market/level2`` joined to a REST snapshot; a row has its own sequence and price 0 none."""
    books: dict[str, Book] = {}
    last: dict[str, int] = {}
    rows_after: dict[str, int] = {}
    joined: set[str] = set()
    waiting: dict[str, list[dict]] = defaultdict(list)

    def apply(frame: Frame, data: dict) -> tuple:
        market, known = data["symbol"], last[data["symbol"]]
        if data["sequenceEnd"] <= known:
            return [], []
        start = data["sequenceStart"]
        follows = start == known + 1 if market in joined else start <= known + 1
        _expect(follows, frame, f"{market}: {start} after {known}")
        joined.add(market)
        last[market] = data["sequenceEnd"]
        new = {
            side: [row for row in rows if Decimal(row[0]) and int(row[2]) > rows_after[market]]
            for side, rows in data["changes"].items()
        }
        return changes(books[market], new["bids"], new["asks"])

    for frame in frames:
        message = json.loads(frame.raw)
        if frame.rest:
            market = _asked_for(frame.url)
            data = message["data"]
            books[market] = Book(data["bids"], data["asks"])
            last[market] = rows_after[market] = int(data["sequence"])
            joined.discard(market)
            for event in waiting.pop(market, []):
                apply(frame, event)
            book = books[market]
            yield Seen(frame.index, market, book.bids, book.asks, None, last[market])
            continue
        topic, _, market = message.get("topic", "").partition(":")
        data = message.get("data", {})
        if topic == "/market/ticker":
            bid = Decimal(data["bestBid"]), Decimal(data["bestBidSize"])
            ask = Decimal(data["bestAsk"]), Decimal(data["bestAskSize"])
            yield Top(frame.index, market, bid, ask, int(data["sequence"]))
        elif topic == "/market/level2":
            if market not in books:
                waiting[market].append(data)
                continue
            touched = apply(frame, data)
            book = books[market]
            yield Seen(frame.index, market, book.bids, book.asks, touched, last[market])


def bybit(frames: Iterable[Frame]) -> Iterator[Seen | Top]:
    """``orderbook.N``: a snapshot at any time, deltas counted by ``u``. Depth 1 is the top of a
    deeper book, or the whole book where no deeper one is recorded."""
    books: dict[str, Book] = {}
    last: dict[str, int] = {}
    deep: set[str] = set()
    for frame in frames:
        message = json.loads(frame.raw)
        topic = message.get("topic", "")
        if not topic.startswith("orderbook."):
            continue
        data = message["data"]
        market = data["s"]
        if topic.startswith("orderbook.1."):
            if market in deep:
                bid, ask = (tuple(map(Decimal, data[side][0])) for side in ("b", "a"))
                yield Top(frame.index, market, bid, ask, data["seq"])
            else:
                book = Book(data["b"], data["a"])
                yield Seen(frame.index, market, book.bids, book.asks, None, data["seq"])
            continue
        deep.add(market)
        touched = None
        if message["type"] == "snapshot" or data["u"] == 1:
            books[market] = Book(data["b"], data["a"])
        else:
            follows = data["u"] == last[market] + 1
            _expect(follows, frame, f"{market}: {data['u']} after {last[market]}")
            touched = changes(books[market], data["b"], data["a"])
        last[market] = data["u"]
        book = books[market]
        yield Seen(frame.index, market, book.bids, book.asks, touched, data["seq"])


def coinbase(frames: Iterable[Frame]) -> Iterator[Seen]:
    """``l2_data``; one counter over every frame of the connection."""
    books: dict[str, Book] = {}
    last: int | None = None
    for frame in frames:
        message = json.loads(frame.raw)
        number = message["sequence_num"]
        _expect(last is None or number == last + 1, frame, f"number {number} after {last}")
        last = number
        if message["channel"] != "l2_data":
            continue
        for event in message["events"]:
            market = event["product_id"]
            rows: dict[str, list] = {"bid": [], "offer": []}
            for update in event["updates"]:
                rows[update["side"]].append((update["price_level"], update["new_quantity"]))
            touched = None
            if event["type"] == "snapshot":
                books[market] = Book(rows["bid"], rows["offer"])
            else:
                touched = changes(books[market], rows["bid"], rows["offer"])
            book = books[market]
            yield Seen(frame.index, market, book.bids, book.asks, touched, number)


def kraken(frames: Iterable[Frame]) -> Iterator[Seen]:
    """``book`` of the second version: cut to the subscribed depth, a checksum on every message."""
    books: dict[str, Book] = {}
    depth: dict[str, int] = {}
    for frame in frames:
        message = json.loads(frame.raw, parse_float=Decimal, parse_int=Decimal)
        if message.get("method") == "subscribe" and message["result"]["channel"] == "book":
            depth[message["result"]["symbol"]] = int(message["result"]["depth"])
        if message.get("channel") != "book":
            continue
        for data in message["data"]:
            market = data["symbol"]
            bids = [(level["price"], level["qty"]) for level in data["bids"]]
            asks = [(level["price"], level["qty"]) for level in data["asks"]]
            if message["type"] == "snapshot":
                books[market] = Book(bids, asks)
            else:
                changes(books[market], bids, asks)
            book = books[market]
            book.truncate(depth[market])
            right = digits_10(book) == int(data["checksum"])
            _expect(right, frame, f"{market}: checksum is not {data['checksum']}")
            yield Seen(frame.index, market, book.bids, book.asks, checked=True)


def gate(frames: Iterable[Frame]) -> Iterator[Seen | Top]:
    """``order_book_update`` of spot and futures joined to a REST snapshot, and ``book_ticker``."""
    books: dict[str, Book] = {}
    last: dict[str, int] = {}
    joined: set[str] = set()
    waiting: dict[str, list[dict]] = defaultdict(list)

    def rows(levels: list) -> list[tuple]:
        return [(row["p"], row["s"]) if isinstance(row, dict) else row for row in levels]

    def apply(frame: Frame, event: dict) -> tuple:
        market, known = event["s"], last[event["s"]]
        if event["u"] <= known:
            return [], []
        follows = event["U"] == known + 1 if market in joined else event["U"] <= known + 1
        _expect(follows, frame, f"{market}: {event['U']}..{event['u']} after {known}")
        joined.add(market)
        last[market] = event["u"]
        return changes(books[market], rows(event["b"]), rows(event["a"]))

    for frame in frames:
        message = json.loads(frame.raw)
        if frame.rest:
            market = _asked_for(frame.url)
            books[market] = Book(rows(message["bids"]), rows(message["asks"]))
            last[market] = message["id"]
            joined.discard(market)
            for event in waiting.pop(market, []):
                apply(frame, event)
            book = books[market]
            yield Seen(frame.index, market, book.bids, book.asks, None, last[market])
            continue
        channel = message["channel"].partition(".")[2]
        event = message.get("result") or {}
        if message.get("event") != "update":
            continue
        if channel == "book_ticker":
            bid = Decimal(event["b"]), Decimal(event["B"])
            ask = Decimal(event["a"]), Decimal(event["A"])
            yield Top(frame.index, event["s"], bid, ask, event["u"])
        elif channel == "order_book_update":
            market = event["s"]
            if market not in books:
                waiting[market].append(event)
                continue
            touched = apply(frame, event)
            book = books[market]
            yield Seen(frame.index, market, book.bids, book.asks, touched, last[market])


def kraken_futures(frames: Iterable[Frame]) -> Iterator[Seen]:
    """``book_snapshot`` and then one level a message, each product's ``seq`` counted by one."""
    books: dict[str, Book] = {}
    last: dict[str, int] = {}
    for frame in frames:
        message = json.loads(frame.raw, parse_float=Decimal)
        market, feed = message.get("product_id", ""), message.get("feed")
        if feed == "book_snapshot":
            rows = {s: [(row["price"], row["qty"]) for row in message[s]] for s in ("bids", "asks")}
            books[market] = Book(rows["bids"], rows["asks"])
            touched = None
        elif feed == "book" and "seq" in message:
            follows = message["seq"] == last[market] + 1
            _expect(follows, frame, f"{market}: {message['seq']} after {last[market]}")
            row = [(message["price"], message["qty"])]
            bids, asks = (row, []) if message["side"] == "buy" else ([], row)
            touched = changes(books[market], bids, asks)
        else:
            continue
        last[market] = message["seq"]
        book = books[market]
        yield Seen(frame.index, market, book.bids, book.asks, touched, message["seq"])


def hyperliquid(frames: Iterable[Frame]) -> Iterator[Seen]:
    """``l2Book``: whole every time."""
    for frame in frames:
        message = json.loads(frame.raw)
        if message["channel"] == "l2Book":
            data = message["data"]
            bids, asks = ([(row["px"], row["sz"]) for row in side] for side in data["levels"])
            book = Book(bids, asks)
            yield Seen(frame.index, data["coin"], book.bids, book.asks, None, data["time"])


DECODERS: dict[str, Decoder] = {
    "binance": binance,
    "okx": okx,
    "okcoin": okx,
    "kucoin": kucoin,
    "bybit": bybit,
    "coinbase": coinbase,
    "kraken-v2": kraken,
    "gate": gate,
    "bitget": bitget,
    "kraken-futures": kraken_futures,
    "hyperliquid": hyperliquid,
}
"""Decoders by the name of the folder a recording is kept in."""
