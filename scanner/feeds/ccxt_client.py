"""ccxt's own WebSocket client, tamed: where it connects, how it ends, what its books are."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from importlib import import_module
from math import isfinite
from typing import Any, TypeAlias

import msgspec
from aiohttp import ClientSession
from msgspec import Raw
from yarl import URL

from scanner.errors import CrossbookError
from scanner.feeds.notices import describe
from scanner.feeds.pacing import Bucket, Pace
from scanner.feeds.urls import environment_proxy, rebase
from scanner.venues.ccxt_book import Envelope
from scanner.venues.parts import MILLISECOND

LEVELS = 100
LOADING = 60.0

Exchange: TypeAlias = Any
"""A ``ccxt.pro`` exchange: ccxt has no types that would help here."""

Lost: TypeAlias = Callable[[str, str | None], None]
"""Told at once that a connection ended: why, and the venue's ``Retry-After`` if it gave one."""


class Throttle:
    """What every request on ccxt's streams waits for: ccxt's own bucket, which knows the venue's
    REST limits only, and then a turn of ``pace``. ccxt's heartbeats do not come through here."""

    def __init__(self, bucket: Callable[[float], Awaitable[None]], pace: Pace) -> None:
        self.bucket = bucket
        self._pace = pace
        self._waiting: set[asyncio.Task[Any]] = set()

    async def __call__(self, cost: float = 1.0) -> None:
        """Returns when the request may be made."""
        task = asyncio.current_task()
        assert task is not None, "ccxt sends each request in a task of its own"
        self._waiting.add(task)
        try:
            await self.bucket(cost)
            await self._pace.turn()
        finally:
            self._waiting.discard(task)

    def close(self) -> None:
        """Nothing more is to be sent: ccxt would, on a connection that is gone."""
        for task in self._waiting:
            task.cancel()


class Outlet:
    """The HTTP client that ccxt is given: it leads to the configured endpoints.

    ccxt goes on to believe in the real addresses, in which it looks for what kind of stream it is
    on. Only what reads public data is there.
    """

    def __init__(
        self, client: ClientSession, rest: str | None, ws: str | None, throttle: Throttle
    ) -> None:
        self._client = client
        self._rest = rest
        self._ws = ws
        self.throttle = throttle
        self.cookie_jar = client.cookie_jar
        self.headers = client.headers

    def get(self, url: object, **options: Any) -> Any:
        """``ClientSession.get``."""
        led = self._led(url, self._rest, options)
        return self._client.get(led, allow_redirects=False, **options)

    def post(self, url: object, **options: Any) -> Any:
        """``ClientSession.post``."""
        led = self._led(url, self._rest, options)
        return self._client.post(led, allow_redirects=False, **options)

    def ws_connect(self, url: object, **options: Any) -> Any:
        """``ClientSession.ws_connect``."""
        return self._client.ws_connect(self._led(url, self._ws, options), **options)

    async def close(self) -> None:
        """End every connection."""
        await self._client.close()

    def _led(self, url: object, base: str | None, options: dict[str, Any]) -> URL:
        led = rebase(str(url), base) if base else str(url)
        if not options.get("proxy"):
            options["proxy"] = environment_proxy(led)
        return URL(led, encoded=True)


class CcxtClient:
    """One exchange by ccxt: makes a fresh client for each try, loads its markets once for all.

    ``sends``: messages a second that a client may send on its streams, all together.
    """

    def __init__(
        self, name: str, *, rest: str | None, ws: str | None, sends: float, now: Callable[[], int]
    ) -> None:
        self._name = name
        self._rest = rest
        self._ws = ws
        self._sends = sends
        self._now = now
        self._catalogue: tuple[Any, Any] | None = None
        self._loading = asyncio.Lock()

    async def open(self, lost: Lost) -> Exchange:
        """A client that is ready to watch. ``close`` it, whatever happens."""
        # This and the lists of markets may take seconds, in which other sockets want to be read.
        exchange = await asyncio.to_thread(self._make)
        exchange.own_session = False
        exchange.session = None
        exchange.open()
        throttle = self._throttle(exchange)
        exchange.session = Outlet(ClientSession(), self._rest, self._ws, throttle)
        _listen(exchange, lost)
        return exchange

    async def load(self, exchange: Exchange) -> None:
        """The exchange's list of markets, from REST the first time."""
        async with self._loading:
            if self._catalogue is not None:
                await asyncio.to_thread(exchange.set_markets, *self._catalogue)
                return
            async with asyncio.timeout(LOADING):
                await exchange.load_markets()
            self._catalogue = (exchange.markets, exchange.currencies)

    def _make(self) -> Exchange:
        module = import_module("ccxt.pro")
        return getattr(module, self._name)({"timeout_on_exit": 0})

    def _throttle(self, exchange: Exchange) -> Throttle:
        """The streams' throttle, put where ccxt looks for one that it is to use."""
        from ccxt.async_support.base.throttler import Throttler

        bucket = Throttler(exchange.tokenBucket, exchange.asyncio_loop)
        throttle = Throttle(bucket, Pace(Bucket(self._sends), self._now))
        exchange.options["ws"] = {**(exchange.options.get("ws") or {}), "throttle": throttle}
        return throttle


async def close(exchange: Exchange, patience: float) -> None:
    """End the client, politely if that takes no longer than ``patience`` seconds; never raises."""
    outlet: Outlet | None = exchange.session
    if outlet is not None:
        outlet.throttle.close()
    try:
        with suppress(Exception):
            async with asyncio.timeout(patience):
                await exchange.close()
    finally:
        exchange.session = None
        if outlet is not None:
            await outlet.close()


def _listen(exchange: Exchange, lost: Lost) -> None:
    """Hear of the end in the tick in which ccxt does; its watchers are told a tick later."""
    on_close, on_error = exchange.on_close, exchange.on_error

    def closed(client: Any, code: Any) -> None:
        lost(f"closed by the venue: {code}", None)
        on_close(client, code)

    def failed(client: Any, error: BaseException) -> None:
        retry_after = getattr(client, "last_retry_after", None)
        lost(describe(error), None if retry_after is None else str(retry_after))
        on_error(client, error)

    exchange.on_close, exchange.on_error = closed, failed


def is_refusal(error: Exception) -> bool:
    """The exchange has answered, and the answer is no: to one market, not to the connection."""
    from ccxt.base.errors import ExchangeError

    return isinstance(error, ExchangeError)


def is_plea(error: Exception) -> bool:
    """The exchange asks to be left alone for a while."""
    from ccxt.base.errors import DDoSProtection, RateLimitExceeded

    return isinstance(error, DDoSProtection | RateLimitExceeded)


def envelope(market: str, book: Mapping[str, Any]) -> bytes:
    """The message that stands for one of ccxt's books; a fault if it is made of anything else than
    positive prices and sizes."""
    try:
        found = Envelope(
            market=market,
            bids=_side(book["bids"]),
            asks=_side(book["asks"]),
            sent_at=_nanoseconds(book.get("timestamp")),
        )
    except (CrossbookError, LookupError, TypeError, ValueError, ArithmeticError) as error:
        found = Envelope(market=market, fault=f"a book that is none: {describe(error)}")
    return msgspec.json.encode(found)


def _side(rows: Sequence[Sequence[Any]]) -> Raw:
    levels = [(_text(row[0]), _text(row[1])) for row in rows[:LEVELS] if row[1] != 0]
    return Raw(msgspec.json.encode(levels))


def _text(number: Any) -> str:
    """The shortest decimal text that is this number, without an exponent."""
    value = float(number)
    if not (isfinite(value) and value > 0.0):
        raise CrossbookError(f"{number!r} is neither a price nor a size")
    text = repr(value)
    return format(Decimal(text), "f") if "e" in text else text


def _nanoseconds(milliseconds: Any) -> int:
    if not isinstance(milliseconds, int | float) or not isfinite(milliseconds):
        return 0
    at = int(milliseconds * MILLISECOND)
    return at if 0 < at < 1 << 62 else 0
