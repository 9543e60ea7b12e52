"""What ccxt's books become, and where its requests go."""

import asyncio
import json
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.web import WebSocketResponse
from yarl import URL

from scanner.feeds.ccxt_client import (
    LEVELS,
    CcxtClient,
    Exchange,
    Outlet,
    Throttle,
    close,
    envelope,
)
from scanner.venues.parts import SECOND
from tests.feeds.test_rest import server
from tests.feeds.virtual import now, virtually

UNUSED = Throttle(None, None)  # type: ignore[arg-type]


def book(bids: Any = (), asks: Any = (), **more: Any) -> dict[str, Any]:
    return json.loads(envelope("BTC", {"bids": list(bids), "asks": list(asks), **more}))


def test_numbers_become_exact_decimal_text() -> None:
    found = book([[91000.5, 1.0], [0.1 + 0.2, 1e-8, 3]], [[1e22, 123456789.12345679]])
    assert found["bids"] == [["91000.5", "1.0"], ["0.30000000000000004", "0.00000001"]]
    assert found["asks"] == [["10000000000000000000000", "123456789.12345679"]]
    assert all(float(p) and float(s) for p, s in found["bids"])


@pytest.mark.parametrize(
    "row",
    [
        [float("nan"), 1.0],
        [1.0, float("nan")],
        [float("inf"), 1.0],
        [1.0, float("inf")],
        [None, 1.0],
        [1.0, None],
        [-1.0, 1.0],
        [1.0, -1.0],
        [0.0, 1.0],
        ["x", 1.0],
        [1.0],
        [],
        None,
        7,
    ],
)
@pytest.mark.parametrize("side", ["bids", "asks"])
def test_a_row_that_is_none_makes_the_book_a_fault(side: str, row: Any) -> None:
    found = book(**{side: [[100.0, 1.0], row]})
    assert found["fault"].startswith("a book that is none: ")
    assert "bids" not in found and "asks" not in found


@pytest.mark.parametrize("broken", [{}, {"bids": None, "asks": []}, {"bids": [], "asks": 5}])
def test_a_book_without_sides_is_a_fault(broken: dict[str, Any]) -> None:
    assert json.loads(envelope("BTC", broken))["fault"]


def test_a_level_of_size_zero_is_no_level() -> None:
    assert book([[2.0, 0.0], [1.0, 5.0]])["bids"] == [["1.0", "5.0"]]


def test_depth_is_bounded() -> None:
    assert len(book([[1000.0 - n, 1.0] for n in range(500)])["bids"]) == LEVELS


@pytest.mark.parametrize(
    ("timestamp", "expected"),
    [
        (1_700_000_000_123, 1_700_000_000_123_000_000),
        (None, None),
        (-5, None),
        (float("nan"), None),
        (1e300, None),
        ("1700000000123", None),
    ],
)
def test_the_venues_time(timestamp: Any, expected: int | None) -> None:
    assert book(timestamp=timestamp).get("sent_at") == expected


async def test_every_request_goes_to_the_configured_endpoint() -> None:
    seen: list[str] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.append(f"{request.method} {request.path_qs}")
        if request.headers.get("Upgrade"):
            socket = WebSocketResponse()
            await socket.prepare(request)
            return socket
        if request.path.endswith("/away"):
            raise web.HTTPFound("https://elsewhere.invalid/")
        return web.Response(text="ok")

    async with server(handler) as url, ClientSession() as client:
        outlet = Outlet(client, f"{url}/v", f"{url.replace('http', 'ws')}/v", UNUSED)
        for address in (
            URL("https://api.venue.invalid/a?x=%2F", encoded=True),
            "https://o.invalid/b",
        ):
            async with outlet.get(address) as response:
                assert await response.text() == "ok"
        async with outlet.post("https://api.venue.invalid/token", data=b"") as response:
            assert response.status == 200
        async with outlet.get("https://api.venue.invalid/away") as response:
            assert response.status == 302
        async with outlet.ws_connect("wss://stream.venue.invalid:9443/ws/0"):
            pass
        # What the endpoint itself has handed out is taken as it is.
        async with outlet.ws_connect(f"{url.replace('http', 'ws')}/v/t?token=1"):
            pass
    assert seen == [
        "GET /v/a?x=%2F",
        "GET /v/b",
        "POST /v/token",
        "GET /v/away",
        "GET /v/ws/0",
        "GET /v/t?token=1",
    ]


async def test_nothing_but_reading_is_possible() -> None:
    async with ClientSession() as client:
        outlet = Outlet(client, None, None, UNUSED)
        for verb in ("put", "delete", "patch", "request"):
            assert not hasattr(outlet, verb)


class Stream:
    """As much of an open stream as ccxt's client sends to."""

    closed = False

    def __init__(self) -> None:
        self.sent: list[tuple[str, float]] = []

    async def send_str(self, text: str) -> None:
        self.sent.append((text, now() / SECOND))


URL_OF_A_STREAM = "ws://127.0.0.1:1/"


def subscribed(exchange: Exchange, markets: str) -> Stream:
    """An exchange of ccxt that believes to be connected, and is told to subscribe ``markets``."""
    stream = Stream()
    client = exchange.client(URL_OF_A_STREAM)
    client.connection = stream
    client.connected.resolve(URL_OF_A_STREAM)
    for market in markets:
        exchange.watch(URL_OF_A_STREAM, market, {"sub": market}, market)
    return stream


async def paced(sends: float, markets: str, seconds: float) -> list[tuple[str, float]]:
    exchange = await CcxtClient("kraken", rest=None, ws=None, sends=sends, now=now).open(
        lambda *_: None
    )
    # Its own limit is not the one that is to be seen here.
    exchange.options["ws"]["throttle"].bucket.config["refillRate"] = 1e9
    stream = subscribed(exchange, markets)
    await asyncio.sleep(seconds)
    await exchange.client(URL_OF_A_STREAM).send("a heartbeat")
    await close(exchange, 0.1)
    await asyncio.sleep(60)
    return stream.sent


def test_requests_go_out_at_the_pace_that_is_given_and_heartbeats_at_once() -> None:
    sent = virtually(paced(2, "ABCDE", 0.7))
    assert [text for text, _ in sent] == ['{"sub":"A"}', '{"sub":"B"}', "a heartbeat"]
    assert [at for _, at in sent] == pytest.approx([0.0, 0.5, 0.7], abs=0.01)
    sent = virtually(paced(2, "ABCDE", 2.2))
    assert [at for _, at in sent][:5] == pytest.approx([0.0, 0.5, 1.0, 1.5, 2.0], abs=0.01)


def test_no_request_is_made_once_the_client_is_closed() -> None:
    assert len(virtually(paced(2, "ABCDE", 0.7))) == 3
