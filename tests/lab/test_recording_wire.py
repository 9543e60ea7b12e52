"""Recordings of real venues, served by the lab and received by our own feed over sockets.

``CROSSBOOK_WIRE`` names the folder of recordings.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from scanner.lab.recording import recorded_venues
from scanner.lab.server import LabServer
from scanner.lab.tape import read_tapes
from tests.lab.native import played

WIRE = os.environ.get("CROSSBOOK_WIRE", "")
pytestmark = pytest.mark.skipif(not WIRE, reason="CROSSBOOK_WIRE names no folder of recordings")


def rebuilt(
    frames: list[Any], first: int, bids: list[list[str]], asks: list[list[str]]
) -> tuple[list[tuple[float, float]], list[tuple[float, float]]]:
    """What (bid rows, ask rows, id) in order make of a snapshot: the slow way."""
    sides = [dict(map(tuple, rows)) for rows in (bids, asks)]
    for change_bids, change_asks, last in frames:
        for side, rows in zip(sides, (change_bids, change_asks), strict=True):
            side.update({price: size for price, size in rows if last > first})
    for side in sides:
        for price in [price for price, size in side.items() if float(size) == 0]:
            del side[price]
    ladders = [sorted((float(p), float(s)) for p, s in side.items()) for side in sides]
    return ladders[0][::-1], ladders[1]


async def test_binance_as_it_was_on_2021_10_12() -> None:
    files = [
        Path(WIRE, "binance", f"spot.{what}.2021-10-12.jsonl") for what in ("depth", "bookTicker")
    ]
    ids = {"NKN/USDT": "NKNUSDT", "BLZ/ETH": "BLZETH", "LRC/BTC": "LRCBTC"}
    async with LabServer(others=recorded_venues(files, speed=100)) as server:
        assert server.recorded == [*sorted(ids), "RUNE/EUR"]
        feed = await played(server, "binance", ids)
    (tape,) = read_tapes(files)
    for symbol, name in ids.items():
        (answer,) = [each for each in tape.answers if name in each.markets]
        snapshot = json.loads(answer.body)
        datas = [json.loads(frame.data)["data"] for frame in tape.frames]
        changes = [
            (data["b"], data["a"], data["u"])
            for data in datas
            if data.get("e") == "depthUpdate" and data["s"] == name
        ]
        expected = rebuilt(changes, snapshot["lastUpdateId"], snapshot["bids"], snapshot["asks"])
        assert feed.depth(symbol) == expected
        assert feed.lane.counts[name].gaps == 0


async def test_kucoin_as_it_was_on_2021_04_25() -> None:
    files = [
        Path(WIRE, "kucoin", f"spot.{what}.2021-04-25.jsonl{zipped}")
        for what, zipped in (("control", ""), ("level2", ".gz"), ("ticker", ".gz"))
    ]
    async with LabServer(others=recorded_venues(files, speed=100)) as server:
        async with aiohttp.ClientSession() as session:
            token = session.post(server.url("kucoin") + "/api/v1/bullet-public")
            async with token as answer:
                assert (await answer.json())["data"]["token"]
        names = [symbol.replace("/", "-") for symbol in server.recorded]
        ids = dict(zip(server.recorded, names, strict=True))
        feed = await played(server, "kucoin", ids)
    (tape,) = read_tapes(files)
    for symbol, name in ids.items():
        (answer,) = [each for each in tape.answers if name in each.markets]
        snapshot = json.loads(answer.body)["data"]
        first = int(snapshot["sequence"])
        datas = [json.loads(frame.data).get("data") for frame in tape.frames]
        changes = [
            (above(first, data["changes"]["bids"]), above(first, data["changes"]["asks"]), end)
            for data in datas
            if isinstance(data, dict) and "changes" in data and data["symbol"] == name
            for end in [data["sequenceEnd"]]
        ]
        assert feed.depth(symbol) == rebuilt(changes, first, snapshot["bids"], snapshot["asks"])
        assert feed.lane.counts[name].gaps == 0


def above(first: int, rows: list[list[str]]) -> list[list[str]]:
    """KuCoin's rows that a snapshot at ``first`` does not hold yet, without the empty ones."""
    return [[price, size] for price, size, own in rows if int(own) > first and price != "0"]


@pytest.mark.parametrize(
    ("folder", "files", "ids"),
    [
        ("bybit", ["spot.control.2026-08-09", "spot.orderbook.200.2026-08-09"], ["BTC/USDT"]),
        # Its counter runs over all channels of the connection, so all of its files are needed.
        ("coinbase", ["spot.*.2026-08-09"], ["BTC/USD"]),
        ("kraken-v2", ["spot.control.2026-07-19", "spot.book.2026-07-19"], ["BTC/USD"]),
        ("gate", ["spot.control.2021-04-22", "spot.order_book_update.2021-04-22"], ["DIS/USDT"]),
    ],
)
async def test_the_other_venues_play_without_a_gap(
    folder: str, files: list[str], ids: list[str]
) -> None:
    """Not those of before their venues named predecessors: a live connection believes no change
    that does not say what it follows; only a replay does."""
    paths = [found for name in files for found in Path(WIRE, folder).glob(f"{name}.jsonl*")]
    separator = {"coinbase": "-", "gate": "_", "kraken-v2": "/"}.get(folder, "")
    names = {symbol: symbol.replace("/", separator) for symbol in ids}
    venue = "kraken" if folder == "kraken-v2" else folder
    async with LabServer(others=recorded_venues(paths, speed=100)) as server:
        feed = await played(server, venue, names)
    assert feed.lane.live() == len(ids)
    for counts in feed.lane.counts.values():
        assert counts.deltas > 10
        assert (counts.gaps, counts.checksums_bad) == (0, 0)
