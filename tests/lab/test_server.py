"""The lab's server on real sockets: many clients, hostile ones, faults on demand."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path

import aiohttp
import msgspec
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from scanner.lab import client as lab_client
from scanner.lab.book import ASK, BID
from scanner.lab.listings import LISTINGS
from scanner.lab.seam import Close, Connection, LabVenue, Out, Ping, Reply, Request, VenueWorld
from scanner.lab.server import Clock, LabServer
from scanner.lab.world import World
from tests.lab.native import until


@pytest.fixture
def lab_venues() -> tuple[str, ...]:
    return ("binance",)


class _Echo:
    """A connection that repeats what it hears; some words are orders."""

    def __init__(self) -> None:
        self.pongs: list[bytes] = []

    def opened(self, at: int) -> list[Out]:
        return ["hello", Ping(b"there?")]

    def received(self, text: str, at: int) -> list[Out]:
        if text == "fail":
            raise ZeroDivisionError
        if text == "pongs":
            return [json.dumps([pong.decode() for pong in self.pongs])]
        if text == "end":
            return ["last", Close(4001, "as asked"), "never sent"]
        return [text, text.encode()]

    def ponged(self, payload: bytes, at: int) -> list[Out]:
        self.pongs.append(payload)
        return []

    def due(self, at: int) -> list[Out]:
        return []


class _Flood(_Echo):
    def due(self, at: int) -> list[Out]:
        return ["x" * 100_000] * 10


class _EchoVenue:
    id = "echo"

    def __init__(self, world: VenueWorld) -> None:
        self.world = world

    def rest(self, request: Request, at: int) -> Reply:
        if request.path == "/fail":
            raise ZeroDivisionError
        seen = [request.method, request.path, request.query, request.body.decode()]
        return Reply(201, json.dumps(seen), {"X-Seen": request.headers.get("x-mine", "")})

    def connect(self, path: str, query: dict[str, str], at: int) -> Connection | Reply:
        if path == "/closed":
            return Reply(401, "no")
        if path == "/fail":
            raise ZeroDivisionError
        return _Flood() if path == "/flood" else _Echo()


@pytest.fixture
async def echo():  # type: ignore[no-untyped-def]
    world = VenueWorld("echo", {})
    venue: LabVenue = _EchoVenue(world)
    async with LabServer(others={"echo": (world, venue)}) as server:
        yield server


async def text(ws: ClientConnection) -> str:
    async with asyncio.timeout(5):
        got = await ws.recv()
    assert isinstance(got, str)
    return got


async def test_addresses_are_known_once_it_listens(echo: LabServer) -> None:
    assert echo.port > 0
    assert echo.url("echo") == f"http://127.0.0.1:{echo.port}/echo"
    assert echo.ws("echo") == f"ws://127.0.0.1:{echo.port}/echo"


async def test_rest_requests_reach_the_venue_without_its_prefix(echo: LabServer) -> None:
    async with aiohttp.ClientSession() as session:
        url = echo.url("echo") + "/api/v1/x?a=1&b=%2F"
        async with session.post(url, data="body", headers={"X-Mine": "yes"}) as answer:
            assert answer.status == 201
            assert answer.headers["X-Seen"] == "yes"
            assert answer.headers["Content-Type"] == "application/json"
            assert await answer.json() == ["POST", "/api/v1/x", {"a": "1", "b": "/"}, "body"]
        async with session.get(f"http://127.0.0.1:{echo.port}/nobody/x") as answer:
            assert answer.status == 404
        async with session.get(echo.url("echo") + "/fail") as answer:
            assert answer.status == 500
        async with session.post(url, data=b"x" * (2 << 20)) as answer:
            assert answer.status == 413


async def test_frames_pings_pongs_and_the_end(echo: LabServer) -> None:
    async with connect(echo.ws("echo") + "/any/path") as ws:
        assert await text(ws) == "hello"
        await ws.send("one")
        assert await text(ws) == "one"
        assert await ws.recv() == b"one"
        await (await ws.ping())
        await ws.send("pongs")
        assert await text(ws) == '["there?"]'
        await ws.send("end")
        assert await text(ws) == "last"
        with pytest.raises(ConnectionClosed) as closed:
            await text(ws)
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4001, "as asked")


@pytest.mark.parametrize(
    ("message", "code"), [("fail", 1011), (b"\x00", 1003), ("y" * 2**21, 1009)]
)
async def test_a_client_that_misbehaves_harms_only_itself(
    echo: LabServer, message: str | bytes, code: int
) -> None:
    async with connect(echo.ws("echo")) as bystander, connect(echo.ws("echo")) as ws:
        await text(ws)
        await ws.send(message)
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                await text(ws)
        assert closed.value.rcvd is not None and closed.value.rcvd.code == code
        assert await text(bystander) == "hello"
        await bystander.send("still here")
        assert await text(bystander) == "still here"


@pytest.mark.parametrize(("path", "status"), [("/closed", 401), ("/fail", 500)])
async def test_a_refused_upgrade_is_an_http_answer(echo: LabServer, path: str, status: int) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(echo.ws("echo") + path)
    assert refused.value.response.status_code == status


async def test_pages_of_other_origins_are_refused(echo: LabServer) -> None:
    async with aiohttp.ClientSession() as session:
        for name, value in (("Host", "rebound.example"), ("Origin", "https://evil.example")):
            async with session.get(echo.url("echo") + "/x", headers={name: value}) as answer:
                assert answer.status == 403
    with pytest.raises(InvalidStatus):
        await connect(echo.ws("echo"), origin="https://evil.example")  # type: ignore[arg-type]


async def test_a_client_that_reads_too_slowly_is_cut_off(
    echo: LabServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lab_client, "MOST_WAITING_BYTES", 4 << 20)
    slow = socket.create_connection(("127.0.0.1", echo.port))
    slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    request = (
        "GET /echo/flood HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    slow.sendall(request.encode())
    await until(lambda: echo.clients == 1, 5)
    await until(lambda: echo.clients == 0, 10)
    slow.close()


async def test_raw_garbage_is_survived(echo: LabServer) -> None:
    for data in (b"\x00\xff" * 500, b"GET / HTTP/9.9\r\n\r\n", b"GET /echo HTTP/1.1\r\nHost: ["):
        reader, writer = await asyncio.open_connection("127.0.0.1", echo.port)
        writer.write(data)
        writer.write_eof()
        async with asyncio.timeout(5):
            await reader.read()
        writer.close()
    async with connect(echo.ws("echo")) as ws:
        assert await text(ws) == "hello"


async def test_many_clients_are_served(lab: LabServer) -> None:
    address = lab.ws("binance") + "/ws/btcusdt@bookTicker"
    clients = await asyncio.gather(*(connect(address) for _ in range(50)))
    firsts = [json.loads(await text(ws)) for ws in clients]
    assert {first["s"] for first in firsts} == {"BTCUSDT"}
    await asyncio.gather(*(ws.close() for ws in clients))
    await until(lambda: lab.clients == 0, 5)


async def test_freezing_stops_the_market_and_thawing_lets_it_run(lab: LabServer) -> None:
    assert lab.world is not None
    book = lab.world.book("binance", "BTC/USDT")
    lab.freeze()
    sequence = book.sequence
    await asyncio.sleep(0.3)
    assert book.sequence == sequence
    lab.thaw()
    await until(lambda: book.sequence > sequence, 5)


async def test_faults_a_silent_venue_and_a_cut_connection(lab: LabServer) -> None:
    async with connect(lab.ws("binance") + "/ws/btcusdt@bookTicker") as ws:
        await text(ws)
        lab.silence("binance")
        await asyncio.sleep(0.05)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                while True:
                    await ws.recv()
        lab.silence("binance", False)
        await text(ws)
        lab.drop("binance")
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                await text(ws)
        assert closed.value.rcvd is None, "no closing handshake"


async def test_the_truth_holds_every_state_that_clients_saw(tmp_path: Path) -> None:
    path, clock = tmp_path / "truth.jsonl", Clock()
    seen: list[tuple[int, list[list[str]], list[list[str]]]] = []
    world = World(7, clock(), ("binance",))
    async with (
        LabServer(world, truth=path, clock=clock) as server,
        connect(server.ws("binance") + "/ws/ethusdt@depth20@100ms") as ws,
    ):
        while len(seen) < 10:
            got = json.loads(await text(ws))
            seen.append((got["lastUpdateId"], got["bids"], got["asks"]))
    states = {
        line["sequence"]: line
        for line in map(json.loads, path.read_text().splitlines())
        if line["symbol"] == "ETH/USDT"
    }
    for sequence, bids, asks in seen:
        assert states[sequence]["bids"][:20] == [[float(p), float(s)] for p, s in bids]
        assert states[sequence]["asks"][:20] == [[float(p), float(s)] for p, s in asks]
    book = world.book("binance", "ETH/USDT")
    last = states[book.sequence]
    for key, side in (("bids", BID), ("asks", ASK)):
        assert last[key][:50] == [[float(p), float(s)] for p, s in book.levels(side, 50)]


async def test_a_taken_port_is_an_error(echo: LabServer) -> None:
    with pytest.raises(OSError, match="address already in use"):
        async with LabServer(port=echo.port):
            pass


async def test_an_unwritable_truth_is_an_error(tmp_path: Path) -> None:
    clock = Clock()
    with pytest.raises(OSError, match="No such file"):
        async with LabServer(World(1, clock(), ("binance",)), truth=tmp_path / "no" / "truth"):
            pass


async def test_who_asks_is_answered_however_busy_the_market(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """More changes are due than anything can make, and many clients want to hear of them."""
    busy = msgspec.structs.replace(LISTINGS["binance"], activity=100_000)
    monkeypatch.setitem(LISTINGS, "binance", busy)
    clock = Clock()
    async with LabServer(World(7, clock(), ("binance",)), clock=clock) as server:
        address = server.ws("binance") + "/ws/btcusdt@bookTicker"
        clients = await asyncio.gather(*(connect(address) for _ in range(20)))
        async with aiohttp.ClientSession() as session, asyncio.timeout(10):
            for _ in range(20):
                async with session.get(server.url("binance") + "/api/v3/time") as answer:
                    assert answer.status == 200
            for ws in clients:
                assert json.loads(await text(ws))["s"] == "BTCUSDT"
        await asyncio.gather(*(ws.close() for ws in clients))
