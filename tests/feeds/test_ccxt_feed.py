"""ccxt behind the seam: an exchange that is made up, and ccxt's real client against the lab."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from scanner.feeds.ccxt_client import CcxtClient, Lost, close
from scanner.feeds.ccxt_feed import ccxt_feed
from scanner.feeds.feed import Feed
from scanner.feeds.health import ConnectionState
from scanner.feeds.shell import Lanes, Shell
from scanner.lab.server import Clock, LabServer
from scanner.lab.world import World
from scanner.steps import Snapshot, Step
from scanner.types import BookState, Market
from scanner.venues.ccxt_book import CcxtBook
from scanner.venues.protocol import Options, Venue
from tests.feeds.pipeline import market_of, pipeline_of, same_book
from tests.feeds.tiny import FAST, running, shell, until


class Lane:
    """The real protocol, and of its books only which are there."""

    def __init__(self, venue: Venue, markets: Any, options: Options) -> None:
        self.protocol = CcxtBook(markets, options)
        self.live: dict[str, Snapshot] = {}
        self.steps: list[Step] = []
        self.proved = False
        self.reason = ""
        self.on_closed: Callable[[], None] = lambda: None
        self.to_resync: list[str] = []

    def _took(self, steps: Any) -> Any:
        for step in steps:
            if isinstance(step, Snapshot):
                self.live[step.market] = step
                self.proved = True
            elif type(step).__name__ == "Reset":
                self.live.pop(step.market, None)
        self.steps += steps
        return [step for step in steps if not isinstance(step, Snapshot)]

    def start(self, at: int) -> Any:
        return self._took(self.protocol.start(at))

    def opened(self, at: int) -> Any:
        return self._took(self.protocol.opened(at))

    def received(self, raw: bytes, at: int) -> Any:
        return self._took(self.protocol.received(raw, at))

    def fetched(self, tag: str, status: int, body: bytes, at: int) -> Any:
        return self._took(self.protocol.fetched(tag, status, body, at))

    def idle(self, at: int) -> Any:
        asked, self.to_resync = self.to_resync, []
        return [s for m in asked for s in self._took(self.protocol.resync(m, "silent", at))]

    def proven(self) -> dict[str, int]:
        return {}

    def closed(self, reason: str, at: int) -> None:
        self.reason = reason
        self.live.clear()
        self.on_closed()


class Made:
    """Hands out lanes and keeps them."""

    def __init__(self) -> None:
        self.made: list[Lane] = []

    def lane(self, venue: Venue, markets: Any, options: Options) -> Lane:
        self.made.append(Lane(venue, markets, options))
        return self.made[-1]


class Exchange:
    """As much of a ccxt exchange as is used: books are put in by the test."""

    def __init__(self, lost: Lost) -> None:
        self.lost = lost
        self.books: dict[str, asyncio.Queue[Any]] = defaultdict(asyncio.Queue)
        self.rest: Any = None
        self.session = None
        self.closed = False
        self.last_response_headers: dict[str, str] = {}

    async def watch_order_book(self, symbol: str) -> Any:
        found = await self.books[symbol].get()
        if isinstance(found, asyncio.Future):
            return await found
        if isinstance(found, Exception):
            raise found
        return found

    async def fetch_order_book(self, symbol: str) -> Any:
        if isinstance(self.rest, Exception):
            raise self.rest
        return self.rest

    async def close(self) -> None:
        self.closed = True


class Client:
    """Makes such exchanges; ``failures`` come first."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.made: list[Exchange] = []

    async def open(self, lost: Lost) -> Exchange:
        self.made.append(Exchange(lost))
        return self.made[-1]

    async def load(self, exchange: Exchange) -> None:
        if self.failures:
            raise self.failures.pop(0)


def coin(name: str) -> Market:
    return Market(venue="x", id=name, symbol=f"{name}/USD", base=name, quote="USD", taker_fee=0.001)


def made_up(lanes: Lanes, client: Client, names: str = "A", per_connection: int = 0) -> Feed:
    return ccxt_feed(
        "x",
        [coin(name) for name in names],
        lanes,
        shell(),
        per_connection=per_connection,
        client=client,  # type: ignore[arg-type]
    )


BOOK = {"bids": [[1.0, 2.0]], "asks": [[3.0, 4.0]], "timestamp": 5}


async def test_books_pass_through_and_health_counts() -> None:
    lanes, client = Made(), Client()
    async with running(made_up(lanes, client, "AB")) as _:
        await until(lambda: client.made)
        client.made[0].books["A/USD"].put_nowait(BOOK)
        client.made[0].books["B/USD"].put_nowait(BOOK)
        await until(lambda: len(lanes.made[0].live) == 2)
    snapshot = next(s for s in lanes.made[0].steps if isinstance(s, Snapshot))
    assert (snapshot.bids, snapshot.asks) == (b'[["1.0","2.0"]]', b'[["3.0","4.0"]]')
    assert snapshot.sent_at == 5_000_000
    assert client.made[0].closed


async def test_each_connection_has_a_client_of_its_own() -> None:
    lanes, client = Made(), Client()
    feed = made_up(lanes, client, "ABC", per_connection=2)
    async with running(feed):
        await until(lambda: len(client.made) == 2)
        assert [health.markets for health in feed.health()] == [2, 1]


async def test_a_lost_connection_drops_the_books_in_the_same_tick() -> None:
    lanes, client = Made(), Client()
    async with running(made_up(lanes, client, "AB")):
        await until(lambda: client.made)
        client.made[0].books["A/USD"].put_nowait(BOOK)
        await until(lambda: lanes.made[0].live)
        client.made[0].lost("closed by the venue: 1006", None)
        assert lanes.made[0].live == {} and lanes.made[0].reason == "closed by the venue: 1006"
        await until(lambda: len(client.made) == 2)
        assert client.made[0].closed
        client.made[0].books["A/USD"].put_nowait(BOOK)
        await asyncio.sleep(0.02)
        assert lanes.made[0].live == {}, "nothing comes after the end"


async def test_a_network_error_is_the_end_of_the_connection() -> None:
    from ccxt.base.errors import NetworkError

    lanes, client = Made(), Client()
    async with running(made_up(lanes, client, "AB")):
        await until(lambda: client.made)
        client.made[0].books["A/USD"].put_nowait(BOOK)
        await until(lambda: lanes.made[0].live)
        client.made[0].books["B/USD"].put_nowait(NetworkError("gone"))
        await until(lambda: len(client.made) == 2)
    assert lanes.made[0].reason == "NetworkError: gone"


async def test_a_watcher_that_ccxt_cancels_is_the_end_of_the_connection() -> None:
    lanes, client = Made(), Client()
    async with running(made_up(lanes, client, "AB")):
        await until(lambda: client.made)
        future = asyncio.get_running_loop().create_future()
        client.made[0].books["A/USD"].put_nowait(future)
        await asyncio.sleep(0.02)
        future.cancel()
        await until(lambda: len(client.made) == 2)
    assert lanes.made[0].reason == "ccxt closed its connection"


async def test_a_refused_market_leaves_the_others_alone(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ccxt.base.errors import BadSymbol

    monkeypatch.setattr("scanner.feeds.ccxt_feed.FIRST_RETRY", 0.05)
    lanes, client = Made(), Client()
    async with running(made_up(lanes, client, "AB")):
        await until(lambda: client.made)
        (exchange,) = client.made
        exchange.books["A/USD"].put_nowait(BOOK)
        exchange.books["B/USD"].put_nowait(BadSymbol("no such market\x1b[2J"))
        await until(lambda: lanes.made[0].live and "refused" in caplog.text)
        exchange.books["B/USD"].put_nowait(BOOK)
        await until(lambda: len(lanes.made[0].live) == 2)
        assert len(client.made) == 1
    assert "x #1: B: refused: BadSymbol: no such market\\x1b[2J" in caplog.messages


async def test_a_poisoned_book_is_dropped_and_comes_back() -> None:
    lanes, client = Made(), Client()
    async with running(made_up(lanes, client, "AB")):
        await until(lambda: client.made)
        (exchange,) = client.made
        for symbol in ("A/USD", "B/USD"):
            exchange.books[symbol].put_nowait(BOOK)
        await until(lambda: len(lanes.made[0].live) == 2)
        exchange.books["A/USD"].put_nowait({"bids": [[float("nan"), 1.0]], "asks": []})
        await until(lambda: set(lanes.made[0].live) == {"B"})
        exchange.books["A/USD"].put_nowait(BOOK)
        await until(lambda: len(lanes.made[0].live) == 2)


async def test_a_quiet_market_is_asked_for_by_rest() -> None:
    lanes, client = Made(), Client()
    async with running(made_up(lanes, client)):
        await until(lambda: client.made and lanes.made)
        client.made[0].rest = BOOK
        lanes.made[0].to_resync.append("A")
        await until(lambda: lanes.made[0].live)
        client.made[0].rest = OSError("no route")
        lanes.made[0].to_resync.append("A")
        await until(lambda: type(lanes.made[0].steps[-1]).__name__ == "Notice")


async def test_a_failed_start_is_tried_again_and_a_plea_is_heard(
    caplog: pytest.LogCaptureFixture,
) -> None:
    from ccxt.base.errors import ExchangeNotAvailable, RateLimitExceeded

    lanes = Made()
    client = Client(ExchangeNotAvailable("down"), RateLimitExceeded("slow down"))
    began = time.monotonic()
    opened = client.open

    async def limited(lost: Lost) -> Exchange:
        exchange = await opened(lost)
        exchange.last_response_headers = {"Retry-After": "0.3"}
        return exchange

    client.open = limited  # type: ignore[method-assign]
    async with running(made_up(lanes, client)):
        await until(lambda: len(client.made) == 3)
        assert time.monotonic() - began >= 0.3
    assert [lane.reason for lane in lanes.made[:2]] == [
        "ExchangeNotAvailable: down",
        "RateLimitExceeded: slow down",
    ]
    assert all(exchange.closed for exchange in client.made)
    assert "asks for a pause of 0 s" in caplog.text


async def test_a_plea_that_every_watcher_hears_is_told_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    from ccxt.base.errors import RateLimitExceeded

    lanes, client = Made(), Client()
    async with running(made_up(lanes, client, "ABC")):
        await until(lambda: client.made)
        client.made[0].last_response_headers = {"Retry-After": "9"}
        for name in "ABC":
            client.made[0].books[f"{name}/USD"].put_nowait(RateLimitExceeded("slow down"))
        await until(lambda: client.made[0].closed)
    text = "x #1: the venue asks for a pause of 9 s"
    assert [line for line in caplog.messages if "pause" in line] == [text]


async def test_a_client_that_does_not_close_does_not_hold_us() -> None:
    lanes, client = Made(), Client()
    async with running(made_up(lanes, client)):
        await until(lambda: client.made)

        async def hang() -> None:
            await asyncio.sleep(60)

        client.made[0].close = hang  # type: ignore[method-assign]


async def test_the_end_is_heard_in_the_tick_in_which_ccxt_hears_it() -> None:
    from ccxt.base.errors import NetworkError

    heard: list[tuple[str, str | None]] = []
    client = CcxtClient("kraken", rest=None, ws=None, sends=1, now=time.time_ns)
    exchange = await client.open(lambda reason, after: heard.append((reason, after)))
    try:
        for url in ("ws://127.0.0.1:1/", "ws://127.0.0.1:2/"):
            stream = exchange.client(url)
            if url.endswith("1/"):
                stream.on_close_callback(stream, 1006)
            else:
                stream.last_retry_after = 7.0
                stream.error = NetworkError("429")
                stream.on_error_callback(stream, stream.error)
            assert url not in exchange.clients, "ccxt's own handler has run too"
    finally:
        await close(exchange, 0.1)
    assert heard == [("closed by the venue: 1006", None), ("NetworkError: 429", "7.0")]


async def test_ccxts_own_client_against_the_lab() -> None:
    """Real sockets, the real pipeline: exact books, an end in one tick, a clean stop. ccxt tells
    this venue's spot stream from its futures by the real address, which it must still see."""
    name = "binance"
    clock = Clock()
    async with LabServer(World(7, clock(), (name,)), clock=clock) as lab:
        assert lab.world is not None
        markets = [market_of(lab, name, book.market.symbol) for book in _first(lab, name)]
        pipeline = pipeline_of()
        ours = Shell(now=clock, rng=Random(1), timing=_patient())
        feed = ccxt_feed(name, markets, pipeline, ours, rest=lab.url(name), ws=lab.ws(name))
        async with running(feed):
            books = [pipeline.book(_venue(name), market.id, market) for market in markets]
            await until(lambda: all(_live(pipeline, book) for book in books), 20.0)
            await asyncio.sleep(0.5)
            lab.freeze()
            await until(lambda: all(same_book(pipeline, lab, m) for m in markets), 3.0)
            assert feed.health()[0].state is ConnectionState.OPEN
            lab.thaw()
            lab.drop(name)
            await until(lambda: feed.health()[0].last_error, 3.0)
            assert not any(_live(pipeline, book) for book in books)
            await until(lambda: all(_live(pipeline, book) for book in books), 5.0)


def _patient() -> Any:
    import msgspec

    return msgspec.structs.replace(FAST, first=10.0, silence=10.0)


def _first(lab: LabServer, name: str) -> Any:
    assert lab.world is not None
    return list(lab.world.venues[name].books.values())[:3]


def _venue(name: str) -> Venue:
    from scanner.venues.ccxt_book import venue

    return venue(name)


def _live(pipeline: Any, book: int) -> bool:
    return bool(pipeline.store.state(book) is BookState.LIVE)
