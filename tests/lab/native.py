"""Our own way of the data on a plain socket, for tests against the lab: protocol, lane, books."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from random import Random

import aiohttp
from websockets.asyncio.client import ClientConnection, connect

from scanner.derivatives import Derivative
from scanner.engine.bounds import Bounds
from scanner.engine.ids import Ids
from scanner.engine.tracker import Thresholds
from scanner.lab.book import LabBook, LabMarket
from scanner.lab.server import LabServer
from scanner.lane import Action, Lane
from scanner.pipeline import Pipeline
from scanner.steps import Ack, Connect, Fetch, Reconnect, Send
from scanner.ticker_lane import TickerLane
from scanner.types import Depth, Market, MarketKind, Side
from scanner.venues.protocol import Options
from scanner.venues.registry import native

Levels = list[tuple[float, float]]


class NativeFeed:
    """One connection of one venue: ``actions`` are all that the lane passed on, in order."""

    def __init__(
        self,
        lab: LabServer,
        venue: str,
        ids: Mapping[str, str],
        depth: Depth,
    ) -> None:
        contracts = any(":" in symbol for symbol in ids)
        found = native(venue, contracts=contracts)
        assert found is not None
        self._lab = lab
        self._venue = venue
        self._ids = ids
        self.pipeline = Pipeline(
            thresholds=Thresholds(), bounds=Bounds(), ids=Ids(Random(1).getrandbits), emit=_ignore
        )
        markets = [_market(venue, name, lab.book(venue, symbol)) for symbol, name in ids.items()]
        options = Options(depth=depth, rest=lab.url(venue), ws=lab.ws(venue))
        self.lane: Lane = self.pipeline.lane(found, markets, options)
        self._beside = [self.pipeline.ticker_lane(found, markets, options)] if found.tickers else []
        self.actions: list[Action] = []
        self.urls: list[str] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._socket: ClientConnection | None = None
        self.keep_books = False

    def known(self, symbol: str) -> Derivative:
        """What is known of a contract now."""
        book = self.lane.books[self._ids[symbol]]
        return self.pipeline.derivatives.latest(book, self._lab.clock())

    async def run(self) -> None:
        """Until the venue closes the connection, or for ever."""
        async with aiohttp.ClientSession() as session:
            self._session = session
            for lane in self._beside:
                self._start(self._listen(lane))
            try:
                await self._do(self.lane.start(self._lab.clock()))
                while not self.urls:
                    await asyncio.sleep(0.01)
                async with connect(self.urls[0], max_size=1 << 25, compression=None) as socket:
                    self._socket = socket
                    await self._do(self.lane.opened(self._lab.clock()))
                    self._start(self._idle())
                    async for raw in socket:
                        data = raw.encode() if isinstance(raw, str) else raw
                        await self._do(self.lane.received(data, self._lab.clock()))
            finally:
                for task in self._tasks:
                    task.cancel()
                if not self.keep_books:
                    self.lane.closed("the test is over", self._lab.clock())

    def acked(self) -> set[str]:
        """The stream ids whose subscription the venue has acknowledged."""
        return {action.market for action in self.actions if isinstance(action, Ack)}

    def ladder(self, symbol: str, side: Side, levels: int) -> Levels:
        """What a taker meets: the depth channel with the best bid and offer laid over it."""
        book = self.lane.books[self._ids[symbol]]
        return self.pipeline.store.shown(book, side, levels)

    def depth(self, symbol: str) -> tuple[Levels, Levels]:
        """Bids and asks of the depth channel alone."""
        store, book = self.pipeline.store, self.lane.books[self._ids[symbol]]
        return store.depth(book, Side.BID, 1 << 17), store.depth(book, Side.ASK, 1 << 17)

    def truth(self, symbol: str, side: Side, levels: int) -> Levels:
        """The same of the lab's true book."""
        rows = self._lab.book(self._venue, symbol).levels(side, levels)
        return [(float(price), float(size)) for price, size in rows]

    def equal(self, symbol: str, levels: int) -> bool:
        """Whether both sides are the lab's, to the last digit."""
        return all(
            self.ladder(symbol, side, levels) == self.truth(symbol, side, levels) for side in Side
        )

    async def live(self, seconds: float = 10.0) -> None:
        """Wait until every book is live."""
        await until(lambda: self.lane.live() == len(self._ids), seconds)

    async def settled(self, symbol: str, levels: int, seconds: float = 5.0) -> None:
        """Wait until the book equals that of the (frozen) lab; then it must stay so."""
        await until(lambda: self.equal(symbol, levels), seconds)

    async def _listen(self, lane: TickerLane) -> None:
        """The connection beside the books."""
        at = self._lab.clock
        actions = [*lane.start(at())]
        (url,) = [action.url for action in actions if isinstance(action, Connect)]
        async with connect(url, max_size=1 << 25, compression=None) as socket:
            await self._carry_out(lane, socket, lane.opened(at()))
            async for raw in socket:
                data = raw.encode() if isinstance(raw, str) else raw
                await self._carry_out(lane, socket, [*lane.received(data, at()), *lane.idle(at())])

    async def _carry_out(
        self, lane: TickerLane, socket: ClientConnection, actions: Iterable[Action]
    ) -> None:
        for action in actions:
            if isinstance(action, Send):
                await socket.send(action.text)
            elif isinstance(action, Fetch):
                async with self._session.request(action.method, action.url) as response:
                    body = await response.read()
                found = lane.fetched(action.tag, response.status, body, self._lab.clock())
                await self._carry_out(lane, socket, found)

    async def _do(self, actions: Iterable[Action]) -> None:
        for action in actions:
            self.actions.append(action)
            if isinstance(action, Connect):
                self.urls.append(action.url)
            elif isinstance(action, Send):
                assert self._socket is not None
                await self._socket.send(action.text)
            elif isinstance(action, Fetch):
                self._start(self._fetch(action))
            elif isinstance(action, Reconnect) and self._socket is not None:
                await self._socket.close()

    async def _fetch(self, fetch: Fetch) -> None:
        async with self._session.request(fetch.method, fetch.url) as response:
            body = await response.read()
        at = self._lab.clock()
        await self._do(self.lane.fetched(fetch.tag, response.status, body, at))

    async def _idle(self) -> None:
        while True:
            await asyncio.sleep(0.2)
            await self._do(self.lane.idle(self._lab.clock()))

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def played(lab: LabServer, venue: str, ids: Mapping[str, str]) -> NativeFeed:
    """Our own feed on a recording, once nothing more comes."""
    feed = NativeFeed(lab, venue, ids, Depth.FULL)
    feed.keep_books = True
    running = asyncio.create_task(feed.run())
    await feed.live()
    messages = -1
    while messages != (messages := sum(count.messages for count in feed.lane.counts.values())):
        await asyncio.sleep(0.5)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    return feed


async def until(reached: Callable[[], bool], seconds: float) -> None:
    """Wait for ``reached``; fails after ``seconds``."""
    async with asyncio.timeout(seconds):
        while not reached():
            await asyncio.sleep(0.01)


def _market(venue: str, stream_id: str, book: LabBook) -> Market:
    market = book.market
    return Market(
        venue=venue,
        id=stream_id,
        symbol=market.symbol,
        base=market.base,
        quote=market.quote,
        price_tick=float(market.tick),
        lot=float(market.lot),
        taker_fee=float(market.taker),
        kind=_kind(market),
        settle=market.settle,
        contract_size=float(market.contract_size),
        inverse=market.inverse,
        expiry=market.expiry,
    )


def _kind(market: LabMarket) -> MarketKind:
    if not market.settle:
        return MarketKind.SPOT
    return MarketKind.FUTURE if market.expiry else MarketKind.PERPETUAL


def _ignore(_: object) -> None:
    pass
