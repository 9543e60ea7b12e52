"""``/metrics`` over HTTP, for this machine alone."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from scanner.errors import CrossbookError

log = logging.getLogger(__name__)
ADDRESS = "127.0.0.1"
NAMES = frozenset({ADDRESS, "localhost"})
PATH = "/metrics"


@asynccontextmanager
async def serving(text: Callable[[], bytes], port: int) -> AsyncIterator[int]:
    """Serve ``text()`` at /metrics while the block runs; gives the port (0 asks for any that is
    free). Raises ``CrossbookError`` where it cannot be had.

    A request that was meant for another host (a page in a browser that was led here) is refused.
    """

    async def answer(request: web.Request) -> web.Response:
        if _host(request) not in NAMES or "Origin" in request.headers:
            raise web.HTTPForbidden(text="this is for programs on this machine\n")
        return web.Response(body=text(), headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})

    application = web.Application(client_max_size=1024)
    application.router.add_get(PATH, answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, ADDRESS, port).start()
        except OSError as error:
            told = error.strerror or str(error)
            raise CrossbookError(
                f"--metrics: port {port} of {ADDRESS} cannot be had ({told}); 0 takes any"
            ) from None
        port = runner.addresses[0][1]
        log.info("metrics: http://%s:%d%s", ADDRESS, port, PATH)
        yield port
    finally:
        await runner.cleanup()


def _host(request: web.Request) -> str:
    return request.headers.get("Host", "").rpartition(":")[0] or request.headers.get("Host", "")
