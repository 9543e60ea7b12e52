"""Serving a recording as the venue that sent it."""

from __future__ import annotations

import asyncio
import gzip
import json
from pathlib import Path
from typing import Any

import ccxt.pro
import pytest
from websockets.asyncio.client import connect

from scanner.lab.recording import recorded_venues
from scanner.lab.server import LabServer
from scanner.lab.tape import RecordingError, read_tapes
from tests.lab.native import played

START = 1_700_000_000.0


def depth(first: int, last: int, bids: list[list[str]], asks: list[list[str]]) -> str:
    data = {"e": "depthUpdate", "E": 1, "s": "ABCUSDT", "U": first, "u": last, "b": bids, "a": asks}
    return json.dumps({"stream": "abcusdt@depth@100ms", "data": data})


def best(update: int, bid: list[str], ask: list[str]) -> str:
    data = {"u": update, "s": "ABCUSDT", "b": bid[0], "B": bid[1], "a": ask[0], "A": ask[1]}
    return json.dumps({"stream": "abcusdt@bookTicker", "data": data})


FRAMES = [
    (0, 0.00, depth(101, 102, [["1.2340", "5.0"]], [])),
    (1, 0.05, best(103, ["1.2340", "5.0"], ["1.2350", "7.00"])),
    (2, 0.10, depth(103, 105, [["1.2330", "0.0"]], [["1.2350", "7.00"]])),
    (3, 0.20, depth(106, 106, [], [["1.2360", "2.5"]])),
]
SNAPSHOT = {
    "lastUpdateId": 103,
    "bids": [["1.2340", "5.0"], ["1.2330", "1.0"]],
    "asks": [["1.2355", "9.0"]],
}
SNAPSHOT_URL = "https://api.binance.com/api/v3/depth?symbol=ABCUSDT&limit=1000"
BIDS = [(1.234, 5.0)]
ASKS = [(1.235, 7.0), (1.2355, 9.0), (1.236, 2.5)]


def line(raw: str, t: float | None, n: int | None = None, **more: Any) -> str:
    return json.dumps({"t": t, "dir": "in", "url": None, "raw": raw, "n": n, **more}) + "\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One connection in two files, and its snapshot in the folder beside."""
    venue, rest = tmp_path / "binance", tmp_path / "rest"
    venue.mkdir()
    rest.mkdir()
    depths = [line(raw, START + t, n) for n, t, raw in FRAMES if "@depth" in raw]
    tickers = [line(raw, START + t, n) for n, t, raw in FRAMES if "@bookTicker" in raw]
    (venue / "spot.depth.2023-11-14.jsonl").write_text("".join(depths))
    with gzip.open(venue / "spot.bookTicker.2023-11-14.jsonl.gz", "wt") as file:
        file.write(line("{}", START, None, dir="out") + "".join(tickers))
    snapshot = line(json.dumps(SNAPSHOT), START + 0.06, url=SNAPSHOT_URL)
    (rest / "binance.spot.depth-snapshot.2023-11-14.jsonl").write_text(snapshot)
    return tmp_path


def test_files_of_one_connection_are_merged_by_their_numbers(folder: Path) -> None:
    (tape,) = read_tapes([folder / "binance"])
    assert tape.venue == "binance"
    assert [frame.data for frame in tape.frames] == [raw for _, _, raw in FRAMES]
    assert [round(frame.after / 1e6) for frame in tape.frames] == [0, 50, 100, 200]
    assert [answer.markets for answer in tape.answers] == [{"ABCUSDT"}]


def test_a_single_file_finds_its_snapshot(folder: Path) -> None:
    (tape,) = read_tapes([folder / "binance" / "spot.depth.2023-11-14.jsonl"])
    assert (len(tape.frames), len(tape.answers)) == (3, 1)


def test_frames_without_times_follow_at_an_even_pace(tmp_path: Path) -> None:
    path = tmp_path / "kraken-v2.jsonl"
    path.write_text("".join(line(json.dumps({"n": n}), None, n) for n in range(3)))
    (tape,) = read_tapes([path])
    assert tape.venue == "kraken"
    gaps = {b.after - a.after for a, b in zip(tape.frames, tape.frames[1:], strict=False)}
    assert gaps == {10_000_000}


def test_the_url_tells_the_venue_where_names_do_not(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text(line("{}", START, 0, url="wss://ws.okex.com:8443/ws/v5/public"))
    assert read_tapes([path])[0].venue == "okx"


def test_binary_frames_stay_binary(tmp_path: Path) -> None:
    path = tmp_path / "binance.jsonl"
    path.write_text(line("AAH/", START, 0, b64=True))
    assert read_tapes([path])[0].frames[0].data == b"\x00\x01\xff"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "no telling which venue"),
        ("nonsense\n", "line 1: not a recording"),
        ('{"raw": "{}", "t": 1e300}\n', "line 1: not a recording"),
        (line("{}", START, 0, url="wss://example.com/"), "no telling which venue"),
    ],
)
def test_what_is_no_recording_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text(text)
    with pytest.raises(RecordingError, match=complaint):
        read_tapes([path])


def test_a_missing_or_broken_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="No such file"):
        read_tapes([tmp_path / "binance.jsonl"])
    (tmp_path / "binance.jsonl.gz").write_bytes(b"\x1f\x8b broken")
    with pytest.raises(RecordingError):
        read_tapes([tmp_path / "binance.jsonl.gz"])
    empty = tmp_path / "nothing"
    empty.mkdir()
    (tmp_path / "okx.jsonl").write_text(line("*", START, 0, b64=True))
    with pytest.raises(RecordingError, match="no base64"):
        read_tapes([tmp_path / "okx.jsonl"])
    with pytest.raises(RecordingError, match="no recording"):
        read_tapes([empty])


def test_two_connections_at_once_are_refused(folder: Path) -> None:
    again = folder / "binance" / "spot.depth.2023-11-15.jsonl"
    again.write_text(line("{}", START, 0))
    with pytest.raises(RecordingError, match="more than one connection"):
        read_tapes([folder / "binance"])


async def test_a_recording_looks_like_its_venue(folder: Path) -> None:
    async with LabServer(others=recorded_venues([folder / "binance"])) as server:
        assert server.recorded == ["ABC/USDT"]
        exchange = ccxt.pro.binance()
        for name, path in (
            ("public", "api/v3"),
            ("fapiPublic", "fapi/v1"),
            ("dapiPublic", "dapi/v1"),
        ):
            exchange.urls["api"][name] = f"{server.url('binance')}/{path}"
        exchange.urls["api"]["ws"]["spot"] = server.ws("binance") + "/stream/ws"
        try:
            markets = await exchange.load_markets()
            assert list(markets) == ["ABC/USDT"]
            assert markets["ABC/USDT"]["precision"]["price"] == 0.0001
            fetched = await exchange.fetch_order_book("ABC/USDT")
            assert fetched["bids"] == [[1.234, 5.0], [1.233, 1.0]]
        finally:
            await exchange.close()


async def test_frames_come_at_their_own_pace_from_the_first_subscription_on(folder: Path) -> None:
    async with (
        LabServer(others=recorded_venues([folder / "binance"])) as server,
        connect(server.ws("binance") + "/stream") as ws,
    ):
        loop = asyncio.get_running_loop()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.15):
                await ws.recv()
        begun = loop.time()
        request = {"method": "SUBSCRIBE", "params": ["abcusdt@depth@100ms"], "id": 3}
        await ws.send(json.dumps(request))
        assert json.loads(await ws.recv()) == {"result": None, "id": 3}
        assert [await ws.recv() for _ in FRAMES] == [raw for _, _, raw in FRAMES]
        assert loop.time() - begun >= 0.2


async def test_a_faster_pace(folder: Path) -> None:
    slow = folder / "binance" / "spot.depth.2023-11-14.jsonl"
    slow.write_text("".join(line(raw, START + 100 * t, n) for n, t, raw in FRAMES))
    async with (
        LabServer(others=recorded_venues([slow], speed=200)) as server,
        connect(server.ws("binance") + "/stream?streams=abcusdt@depth@100ms") as ws,
        asyncio.timeout(5),
    ):
        assert [await ws.recv() for _ in FRAMES] == [raw for _, _, raw in FRAMES]


async def test_our_feed_builds_the_recorded_book(folder: Path) -> None:
    async with LabServer(others=recorded_venues([folder / "binance"])) as server:
        feed = await played(server, "binance", {"ABC/USDT": "ABCUSDT"})
    assert feed.depth("ABC/USDT") == (BIDS, ASKS)
