"""HTTP for a venue: one client that all its connections share."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from types import TracebackType
from typing import Self

from aiohttp import ClientResponse, ClientSession, DummyCookieJar, TCPConnector
from msgspec import Struct
from yarl import URL

from scanner import __version__
from scanner.errors import CrossbookError
from scanner.feeds.notices import Notices, describe
from scanner.feeds.pacing import Pace, Pause, refusal
from scanner.feeds.urls import environment_proxy, shown

REDIRECTS = frozenset({301, 302, 303, 307, 308})
MOST_REDIRECTS = 3
CHUNK = 1 << 16
JSON = {"Content-Type": "application/json"}


class Answer(Struct, frozen=True):
    """What came of a request; status 0: nothing did."""

    status: int
    body: bytes


NOTHING = Answer(0, b"")


class Fetcher:
    """Requests at the venue's pace, few at a time, bounded in time (seconds) and size (bytes).

    An answer that asks for peace (``Retry-After``) pauses the whole venue: ``pause`` is shared with
    whoever opens connections. Redirects are followed on the same host only.
    """

    def __init__(
        self,
        name: str,
        *,
        now: Callable[[], int],
        pace: Pace,
        pause: Pause,
        notices: Notices,
        timeout: float,
        most_bytes: int = 16 << 20,
        at_once: int = 4,
    ) -> None:
        self._name = name
        self._now = now
        self._pace = pace
        self._pause = pause
        self._notices = notices
        self._timeout = timeout
        self._most_bytes = most_bytes
        self._slots = asyncio.Semaphore(at_once)
        self._client: ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._client = ClientSession(
            connector=TCPConnector(limit=0),
            cookie_jar=DummyCookieJar(),
            headers={"User-Agent": f"crossbook/{__version__}"},
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def fetch(self, url: str, method: str = "GET", body: bytes = b"") -> Answer:
        """The answer to one request; ``body`` is JSON text. Raises nothing but cancellation."""
        if self._client is None:
            return NOTHING
        async with self._slots:
            await self._pace.turn()
            try:
                async with asyncio.timeout(self._timeout):
                    return await self._follow(self._client, url, method, body)
            except Exception as error:
                self._say(f"{method} {shown(url)}: {describe(error)}")
                return NOTHING

    async def _follow(self, client: ClientSession, url: str, method: str, body: bytes) -> Answer:
        for _ in range(MOST_REDIRECTS):
            async with client.request(
                method,
                URL(url),
                allow_redirects=False,
                proxy=environment_proxy(url),
                data=body or None,
                headers=JSON if body else None,
            ) as response:
                self._obey(response)
                target = _redirected(response)
                if target is None or not _same_host(response.url, target):
                    return Answer(response.status, await self._body(response))
            url = str(target)
            if response.status not in (307, 308):
                method, body = "GET", b""
        raise CrossbookError(f"more than {MOST_REDIRECTS} redirects")

    async def _body(self, response: ClientResponse) -> bytes:
        body = bytearray()
        async for chunk in response.content.iter_chunked(CHUNK):
            body += chunk
            if len(body) > self._most_bytes:
                raise CrossbookError(f"an answer of more than {self._most_bytes} bytes")
        return bytes(body)

    def _obey(self, response: ClientResponse) -> None:
        at = self._now()
        seconds = refusal(response.status, response.headers.get("Retry-After"), at)
        if seconds is not None:
            self._pause.extend(seconds, at)
            self._say(f"HTTP {response.status}: the venue asks for a pause of {seconds:.0f} s")

    def _say(self, text: str) -> None:
        self._notices.say(logging.WARNING, self._name, text)


def _redirected(response: ClientResponse) -> URL | None:
    location = response.headers.get("Location")
    if response.status not in REDIRECTS or location is None:
        return None
    return response.url.join(URL(location))


def _same_host(old: URL, new: URL) -> bool:
    return new.origin() == old.origin() or (new.host == old.host and new.scheme == "https")
