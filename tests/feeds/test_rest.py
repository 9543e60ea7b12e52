"""The HTTP client against servers that do not mean well."""

import asyncio
import gzip
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from scanner.feeds.notices import Notices
from scanner.feeds.pacing import Bucket, Pace, Pause
from scanner.feeds.rest import Answer, Fetcher
from scanner.venues.parts import SECOND
from tests.feeds.tiny import free_port

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def server(handler: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.05)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def fetching(
    rate: float = 1000.0, pause: Pause | None = None, most_bytes: int = 1000, at_once: int = 4
) -> AsyncIterator[Fetcher]:
    pause = pause or Pause()
    fetcher = Fetcher(
        "tiny",
        now=time.time_ns,
        pace=Pace(Bucket(rate), time.time_ns, pause),
        pause=pause,
        notices=Notices(logging.getLogger("rest"), time.time_ns),
        timeout=0.2,
        most_bytes=most_bytes,
        at_once=at_once,
    )
    async with fetcher:
        yield fetcher


async def test_status_body_and_method() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=201, text=f"{request.method} {request.path_qs}")

    async with server(handler) as url, fetching() as fetcher:
        assert await fetcher.fetch(f"{url}/a?b=c%2Fd") == Answer(201, b"GET /a?b=c/d")
        assert await fetcher.fetch(f"{url}/t", "POST") == Answer(201, b"POST /t")


async def test_a_body_is_json_and_goes_with_the_request() -> None:
    async def handler(request: web.Request) -> web.Response:
        if request.path == "/kept":
            return web.Response(status=307, headers={"Location": "/there"})
        if request.path == "/dropped":
            return web.Response(status=302, headers={"Location": "/there"})
        body = await request.text()
        return web.Response(text=f"{request.method} {request.content_type} {body}")

    told = b'POST application/json {"type":"x"}'
    async with server(handler) as url, fetching() as fetcher:
        for path in ("there", "kept"):
            answer = await fetcher.fetch(f"{url}/{path}", "POST", b'{"type":"x"}')
            assert answer == Answer(200, told)
        answer = await fetcher.fetch(f"{url}/dropped", "POST", b'{"type":"x"}')
        assert answer.body.startswith(b"GET ") and b"type" not in answer.body


async def test_an_error_status_is_an_answer() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(status=400, text='{"code":-1121}')

    async with server(handler) as url, fetching() as fetcher:
        assert await fetcher.fetch(url) == Answer(400, b'{"code":-1121}')


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/", "nonsense", "ftp://x/", ""])
async def test_nothing_came(url: str, caplog: pytest.LogCaptureFixture) -> None:
    async with fetching() as fetcher:
        assert await fetcher.fetch(url.format(port=free_port())) == Answer(0, b"")
    assert len(caplog.messages) == 1


async def test_a_silent_server_is_left_in_time() -> None:
    async def handler(request: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return web.Response()

    async with server(handler) as url, fetching() as fetcher:
        began = time.monotonic()
        assert await fetcher.fetch(url) == Answer(0, b"")
        assert time.monotonic() - began < 0.6


async def test_a_dripping_server_is_left_in_time() -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x")
            await asyncio.sleep(0.02)

    async with server(handler) as url, fetching() as fetcher:
        assert await fetcher.fetch(url) == Answer(0, b"")


async def test_a_large_answer_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=b"x" * int(request.query["n"]))

    async with server(handler) as url, fetching() as fetcher:
        assert (await fetcher.fetch(f"{url}/?n=1000")).status == 200
        assert await fetcher.fetch(f"{url}/?n=1001") == Answer(0, b"")
    assert "more than 1000 bytes" in caplog.text


async def test_a_small_answer_that_unpacks_large_is_refused() -> None:
    async def handler(request: web.Request) -> web.Response:
        packed = gzip.compress(b"\0" * 20_000_000)
        return web.Response(body=packed, headers={"Content-Encoding": "gzip"})

    async with server(handler) as url, fetching(most_bytes=100_000) as fetcher:
        assert await fetcher.fetch(url) == Answer(0, b"")


async def test_retry_after_pauses_the_whole_venue() -> None:
    served: list[str] = []

    async def handler(request: web.Request) -> web.Response:
        served.append(request.path)
        if request.path == "/first":
            return web.Response(status=429, headers={"Retry-After": "0.3"}, text="slow down")
        return web.Response(text="ok")

    pause = Pause()
    async with server(handler) as url, fetching(pause=pause) as fetcher:
        began = time.monotonic()
        assert await fetcher.fetch(f"{url}/first") == Answer(429, b"slow down")
        assert 0.2 * SECOND < pause.wait(time.time_ns()) <= 0.3 * SECOND
        answers = await asyncio.gather(*(fetcher.fetch(f"{url}/{n}") for n in range(3)))
        assert time.monotonic() - began >= 0.3
    assert answers == [Answer(200, b"ok")] * 3
    assert served[0] == "/first"


async def test_the_pace_and_the_number_at_once_are_kept() -> None:
    now, most = 0, 0
    times: list[float] = []

    async def handler(request: web.Request) -> web.Response:
        nonlocal now, most
        now += 1
        most = max(most, now)
        times.append(time.monotonic())
        await asyncio.sleep(0.06)
        now -= 1
        return web.Response()

    async with server(handler) as url, fetching(rate=50.0, at_once=2) as fetcher:
        await asyncio.gather(*(fetcher.fetch(url) for _ in range(6)))
    assert most == 2
    assert times[-1] - times[0] >= 0.1


async def test_redirects_stay_on_the_host(caplog: pytest.LogCaptureFixture) -> None:
    visited: list[str] = []

    async def elsewhere(request: web.Request) -> web.Response:
        visited.append(request.path)
        return web.Response(text="stolen")

    async with server(elsewhere) as other:

        async def handler(request: web.Request) -> web.Response:
            match request.path:
                case "/off":
                    raise web.HTTPFound(f"{other}/x")
                case "/on":
                    raise web.HTTPTemporaryRedirect("/there?q=1")
                case "/round":
                    raise web.HTTPFound("/round")
            return web.Response(text=f"{request.method} {request.path_qs}")

        async with server(handler) as url, fetching() as fetcher:
            assert (await fetcher.fetch(f"{url}/off")).status == 302
            assert await fetcher.fetch(f"{url}/on", "POST") == Answer(200, b"POST /there?q=1")
            assert await fetcher.fetch(f"{url}/round") == Answer(0, b"")
    assert visited == []
    assert "more than 3 redirects" in caplog.text


async def test_cancellation_is_prompt() -> None:
    async def handler(request: web.Request) -> web.Response:
        await asyncio.sleep(5)
        return web.Response()

    async with server(handler) as url, fetching() as fetcher:
        task = asyncio.create_task(fetcher.fetch(url))
        await asyncio.sleep(0.05)
        task.cancel()
        began = time.monotonic()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - began < 0.1


async def test_no_proxy_stands_before_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")

    async def handler(request: web.Request) -> web.Response:
        return web.Response(text="direct")

    async with server(handler) as url, fetching() as fetcher:
        assert (await fetcher.fetch(url)).body == b"direct"


async def test_a_proxy_from_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async def proxy(request: web.Request) -> web.Response:
        return web.Response(text=f"via proxy: {request.headers['Host']}")

    async with server(proxy) as url, fetching() as fetcher:
        monkeypatch.setenv("http_proxy", url)
        monkeypatch.setenv("no_proxy", "")
        answer = await fetcher.fetch("http://venue.invalid/x")
    assert answer == Answer(200, b"via proxy: venue.invalid")
