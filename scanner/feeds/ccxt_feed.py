"""Any exchange that ccxt streams, by ccxt's own client, behind the seam that the others use.

Slower than a native venue (every level becomes Python objects inside ccxt), and without proof: see
``scanner.venues.ccxt_book``. Each market is watched by a task of its own: the book that ccxt hands
out is its live one, so nothing is missed between two looks, and one market that the exchange
refuses leaves the others alone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import nullcontext

import msgspec
from msgspec import Struct

from scanner.feeds.backoff import Backoff
from scanner.feeds.ccxt_client import CcxtClient, Exchange, close, envelope, is_plea, is_refusal
from scanner.feeds.ccxt_rates import tell_rates
from scanner.feeds.driver import Deed, Driver
from scanner.feeds.feed import Feed, pace_of_connects, sessions
from scanner.feeds.health import ConnectionState, Meter
from scanner.feeds.notices import Notices, describe
from scanner.feeds.pacing import Pause, refusal
from scanner.feeds.plan import plan
from scanner.feeds.session import Try
from scanner.feeds.shell import Lane, Lanes, Shell
from scanner.steps import DerivativeTicker, Fetch
from scanner.types import Depth, Market
from scanner.venues.ccxt_book import Envelope, venue
from scanner.venues.protocol import Options

log = logging.getLogger("scanner.feeds")

FIRST_RETRY = 5.0
LAST_RETRY = 300.0


class Stage(Struct, frozen=True, kw_only=True):
    """What all clients of one exchange share."""

    client: CcxtClient
    shell: Shell
    pause: Pause
    notices: Notices


class CcxtAttempt:
    """One try: a fresh ccxt client, from its making to its end."""

    def __init__(
        self,
        lane: Lane,
        markets: Sequence[Market],
        stage: Stage,
        meter: Meter,
        backoff: Backoff,
    ) -> None:
        self._markets = {market.id: market for market in markets}
        self._stage = stage
        self._meter = meter
        self._exchange: Exchange = None
        self._obeyed = False
        self._driver = Driver(
            lane,
            stage.shell,
            meter=meter,
            notices=stage.notices,
            backoff=backoff,
            carry_out=self._carry_out,
        )

    async def run(self) -> str:
        """Live until the end; why it came."""
        return await self._driver.live(self._converse())

    async def _converse(self) -> None:
        self._driver.start()
        try:
            self._exchange = await self._stage.client.open(self._lost)
            await self._stage.client.load(self._exchange)
            self._opened()
            async with asyncio.TaskGroup() as watchers:
                for market in self._markets.values():
                    watchers.create_task(self._watch(market))
                if contracts := [one for one in self._markets.values() if one.is_contract]:
                    rates = tell_rates(self._exchange, contracts, self._told, self._untold)
                    watchers.create_task(rates)
        except Exception as error:
            self._failed(error)
        finally:
            if self._exchange is not None:
                await close(self._exchange, self._stage.shell.timing.close)

    def _opened(self) -> None:
        at = self._stage.shell.now()
        self._meter.enter(ConnectionState.OPEN, at)
        self._stage.shell.tell(self._meter.event("connected", at))
        log.info("%s: ccxt is ready, %d markets", self._meter.name, self._meter.markets)
        self._driver.opened()

    async def _watch(self, market: Market) -> None:
        patience = FIRST_RETRY
        while True:
            try:
                book = await self._exchange.watch_order_book(market.symbol)
            except Exception as error:
                if not is_refusal(error):
                    self._failed(error)
                    return
                self._refused(market, describe(error))
                await asyncio.sleep(patience)
                patience = min(2 * patience, LAST_RETRY)
            except asyncio.CancelledError:
                # ccxt cancels what its watchers wait for when it closes by itself.
                self._driver.end("ccxt closed its connection")
                raise
            else:
                patience = FIRST_RETRY
                self._driver.received(envelope(market.id, book))

    def _told(self, tickers: Sequence[DerivativeTicker]) -> None:
        for ticker in tickers:
            found = Envelope(market=ticker.market, ticker=ticker)
            self._driver.received(msgspec.json.encode(found))

    def _untold(self, error: Exception) -> None:
        self._obey(error)
        text = f"no marks and rates: {describe(error)}"
        self._stage.notices.say(logging.WARNING, self._meter.name, text)

    def _refused(self, market: Market, reason: str) -> None:
        found = Envelope(market=market.id, fault=reason, refused=True)
        self._driver.received(msgspec.json.encode(found))

    def _carry_out(self, deed: Deed) -> None:
        if isinstance(deed, Fetch):
            self._driver.spawn(self._fetch(deed.tag))

    async def _fetch(self, tag: str) -> None:
        market = self._markets[tag.partition(":")[2]]
        try:
            book = await self._exchange.fetch_order_book(market.symbol)
        except Exception as error:
            self._obey(error)
            self._driver.fetched(tag, 0, b"")
        else:
            self._driver.fetched(tag, 200, envelope(market.id, book))

    def _lost(self, reason: str, retry_after: str | None) -> None:
        if retry_after is not None:
            self._rest(retry_after)
        self._driver.end(reason)

    def _failed(self, error: Exception) -> None:
        self._obey(error)
        self._driver.end(describe(error))

    def _obey(self, error: Exception) -> None:
        # ccxt tells every watcher of the same one.
        if is_plea(error) and not self._obeyed:
            self._obeyed = True
            headers = getattr(self._exchange, "last_response_headers", None) or {}
            self._rest(headers.get("Retry-After"))

    def _rest(self, retry_after: str | None) -> None:
        at = self._stage.shell.now()
        seconds = refusal(429, retry_after, at) or 0.0
        self._stage.pause.extend(seconds, at)
        text = f"the venue asks for a pause of {seconds:.0f} s"
        self._stage.notices.say(logging.WARNING, self._meter.name, text)


def ccxt_feed(  # noqa: PLR0913 (an option each)
    name: str,
    markets: Sequence[Market],
    lanes: Lanes,
    shell: Shell,
    *,
    rest: str | None = None,
    ws: str | None = None,
    per_connection: int = 0,
    contracts: bool = False,
    first: int = 1,
    client: CcxtClient | None = None,
) -> Feed:
    """The feed of the exchange with the ccxt id ``name``; ``rest`` and ``ws`` replace scheme and
    host of its addresses. ``per_connection``: markets for each client (0: 50); ``first`` as in
    ``socket_feed``."""
    spoken = venue(name, contracts=contracts)
    pause = Pause()
    stage = Stage(
        client=client
        or CcxtClient(name, rest=rest, ws=ws, sends=spoken.limits.sends, now=shell.now),
        shell=shell,
        pause=pause,
        notices=Notices(log, shell.now),
    )
    options = Options(depth=Depth.TOP, rest=rest or "", ws=ws or "")

    def attempt(group: tuple[Market, ...]) -> Try:
        async def run(meter: Meter, backoff: Backoff) -> str:
            lane = lanes.lane(spoken, group, options)
            return await CcxtAttempt(lane, group, stage, meter, backoff).run()

        return run

    groups = plan(markets, per_connection or spoken.limits.markets)
    connects = pace_of_connects(spoken.limits, shell, pause)
    return Feed(sessions(name, groups, attempt, shell, connects, first=first), nullcontext())
