"""The simulated Bybit, alone and against an unmodified ccxt and our own feed."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import ccxt.pro
import pytest

from scanner.lab.book import LabBook
from scanner.lab.seam import Close, Connection, Request, VenueWorld
from scanner.lab.server import LabServer
from scanner.lab.units import SECOND
from scanner.lab.venues.bybit import BybitLab, market_id
from scanner.types import Depth, Side
from tests.lab.clients import (
    AT,
    MS,
    asked,
    books,
    connected,
    lab_book,
    lab_market,
    refusals,
    refused,
    said,
    shows,
    sides,
    stream,
    truth,
)
from tests.lab.conftest import StartNative
from tests.lab.native import until


@pytest.fixture
def lab_venues() -> tuple[str, ...]:
    return ("bybit",)


@pytest.fixture
def book() -> LabBook:
    """91000.1/91000.2 and one level behind each, last change 104."""
    market = lab_market("BTCUSDT", price_decimals=1, size_decimals=6, min_notional="5")
    return lab_book(market, "91000.1/0.5 91000/1.2", "91000.2/0.3 91000.3/2")


@pytest.fixture
def venue(book: LabBook) -> BybitLab:
    return BybitLab(VenueWorld("bybit", {"BTCUSDT": book}))


def connection(venue: BybitLab, category: str = "spot") -> Connection:
    return connected(venue, f"/v5/public/{category}")


def request(op: str, *args: str, number: str = "1") -> str:
    return json.dumps({"op": op, "args": args, "req_id": number})


BIDS = [["91000.1", "0.5"], ["91000", "1.2"]]
ASKS = [["91000.2", "0.3"], ["91000.3", "2"]]


def test_market_ids_are_base_and_quote_together() -> None:
    assert market_id("BTC", "USDT") == "BTCUSDT"


def test_order_book_over_rest_has_no_trailing_zeros(venue: BybitLab) -> None:
    path = "/v5/market/orderbook"
    status, body = asked(venue, path, category="spot", symbol="BTCUSDT", limit="50")
    assert (status, body["retCode"]) == (200, 0)
    assert (body["result"]["b"], body["result"]["a"]) == (BIDS, ASKS)
    assert (body["result"]["u"], body["result"]["ts"]) == (104, AT // MS)
    one = asked(venue, path, category="spot", symbol="BTCUSDT")[1]["result"]
    assert (one["b"], one["a"]) == (BIDS[:1], ASKS[:1])


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"category": "spot"},
        {"category": "spot", "symbol": "XYZUSDT"},
        {"category": "linear", "symbol": "BTCUSDT"},
        {"category": "spot", "symbol": "BTCUSDT", "limit": "201"},
        {"category": "spot", "symbol": "BTCUSDT", "limit": "-1"},
        {"category": "spot", "symbol": "BTCUSDT", "limit": "9" * 5000},
    ],
)
def test_rest_errors_come_with_status_200(venue: BybitLab, query: dict[str, str]) -> None:
    status, body = asked(venue, "/v5/market/orderbook", **query)
    assert (status, body["retCode"]) == (200, 10001)


def test_only_spot_lists_markets(venue: BybitLab) -> None:
    path = "/v5/market/instruments-info"
    (listed,) = asked(venue, path, category="spot")[1]["result"]["list"]
    assert (listed["symbol"], listed["priceFilter"]) == ("BTCUSDT", {"tickSize": "0.1"})
    assert asked(venue, path, category="spot", symbol="XYZUSDT")[1]["result"]["list"] == []
    for category in ("linear", "inverse", "option"):
        result = asked(venue, path, category=category)[1]["result"]
        assert (result["list"], result["nextPageCursor"]) == ([], "")
    assert asked(venue, path, category="stocks")[1]["retCode"] == 10001


def test_more_than_600_requests_in_five_seconds_are_refused(venue: BybitLab) -> None:
    time = Request("GET", "/v5/market/time")
    assert [venue.rest(time, AT).status for _ in range(601)] == [200] * 600 + [403]
    assert venue.rest(time, AT + 5 * SECOND).status == 200


def test_snapshot_then_deltas_counted_by_u_and_ordered_by_seq(
    venue: BybitLab, book: LabBook
) -> None:
    client = connection(venue)
    ack, snapshot = said(client.received(request("subscribe", "orderbook.50.BTCUSDT"), AT))
    assert ack == {
        "success": True,
        "ret_msg": "subscribe",
        "conn_id": ack["conn_id"],
        "req_id": "1",
        "op": "subscribe",
    }
    first = snapshot["data"]["u"]
    assert snapshot == {
        "topic": "orderbook.50.BTCUSDT",
        "ts": AT // MS,
        "type": "snapshot",
        "data": {"s": "BTCUSDT", "b": BIDS, "a": ASKS, "u": first, "seq": 104},
        "cts": AT // MS,
    }
    book.set(0, 910_001, 0, AT)
    book.set(1, 910_003, 700_000, AT + 5 * MS)
    assert client.due(AT + 10 * MS) == [], "it pushes every 20 ms"
    (delta,) = said(client.due(AT + 20 * MS))
    assert delta == {
        "topic": "orderbook.50.BTCUSDT",
        "ts": AT // MS + 20,
        "type": "delta",
        "data": {
            "s": "BTCUSDT",
            "b": [["91000.1", "0"]],
            "a": [["91000.3", "0.7"]],
            "u": first + 1,
            "seq": 106,
        },
        "cts": AT // MS + 5,
    }
    assert client.due(AT + 99 * MS) == []


def test_levels_pushed_out_of_the_depth_are_deleted(venue: BybitLab, book: LabBook) -> None:
    random = Random(5)
    client = connection(venue)
    shown: tuple[dict[str, str], dict[str, str]] = ({}, {})
    frames = said(client.received(request("subscribe", "orderbook.50.BTCUSDT"), AT))[1:]
    last = frames[0]["data"]["u"] - 1
    for step in range(1, 400):
        for frame in frames:
            assert frame["data"]["u"] == (last := last + 1)
            for side, rows in zip(shown, (frame["data"]["b"], frame["data"]["a"]), strict=True):
                side.update(rows)
                for price in [price for price, size in side.items() if size == "0"]:
                    del side[price]
        for side, levels in zip(shown, (book.levels(0, 50), book.levels(1, 50)), strict=True):
            truth = {float(price): float(size) for price, size in levels}
            assert {float(price): float(size) for price, size in side.items()} == truth
        for _ in range(20):
            side = random.randrange(2)
            ticks = 910_001 - random.randrange(80) if side == 0 else 910_002 + random.randrange(80)
            book.set(side, ticks, random.choice((0, 1_000, 2_500_000)), AT)
        frames = said(client.due(AT + step * 20 * MS))


def test_orderbook_1_is_whole_each_time_and_repeats_after_three_quiet_seconds(
    venue: BybitLab, book: LabBook
) -> None:
    client = connection(venue)
    _, first = said(client.received(request("subscribe", "orderbook.1.BTCUSDT"), AT))
    assert (first["type"], first["data"]["b"], first["data"]["a"]) == (
        "snapshot",
        BIDS[:1],
        ASKS[:1],
    )
    book.set(0, 910_000, 900_000, AT)
    assert client.due(AT + 10 * MS) == [], "the best did not change"
    (repeat,) = said(client.due(AT + 3 * SECOND))
    assert repeat["data"] == first["data"] | {"seq": 105}
    book.set(1, 910_002, 0, AT)
    (change,) = said(client.due(AT + 3 * SECOND + 10 * MS))
    assert change["type"] == "snapshot"
    assert change["data"] == {
        "s": "BTCUSDT",
        "b": BIDS[:1],
        "a": ASKS[1:],
        "u": first["data"]["u"] + 1,
        "seq": 106,
    }


@pytest.mark.parametrize(
    ("topics", "error"),
    [
        (["orderbook.50.XYZUSDT"], "Invalid symbol :[orderbook.50.XYZUSDT]"),
        (["orderbook.30.BTCUSDT"], "error:handler not found,topic:orderbook.30.BTCUSDT"),
        (["orderbook.50.btcusdt"], "error:handler not found,topic:orderbook.50.btcusdt"),
        (["whatever"], "error:handler not found,topic:whatever"),
        (["orderbook.50.BTCUSDT"] * 11, "args size >10"),
        ([], "error:request args invalid"),
    ],
)
def test_refusals(venue: BybitLab, topics: list[str], error: str) -> None:
    (answer,) = said(connection(venue).received(request("subscribe", *topics), AT))
    assert (answer["success"], answer["ret_msg"], answer["req_id"]) == (False, error, "1")


def test_one_bad_topic_fails_the_whole_request(venue: BybitLab) -> None:
    client = connection(venue)
    topics = ("orderbook.50.BTCUSDT", "orderbook.50.XYZUSDT")
    (answer,) = said(client.received(request("subscribe", *topics), AT))
    assert answer["success"] is False
    assert client.due(AT + SECOND) == []


def test_a_second_subscription_is_refused_until_the_first_has_ended(venue: BybitLab) -> None:
    client = connection(venue)
    subscribe = request("subscribe", "orderbook.50.BTCUSDT")
    assert len(client.received(subscribe, AT)) == 2
    (again,) = said(client.received(subscribe, AT))
    assert again["ret_msg"] == "error:already subscribed,topic:orderbook.50.BTCUSDT"
    (left,) = said(client.received(request("unsubscribe", "orderbook.50.BTCUSDT"), AT))
    assert (left["success"], left["op"]) == (True, "unsubscribe")
    assert len(client.received(subscribe, AT)) == 2


def test_pings_are_answered(venue: BybitLab) -> None:
    (pong,) = said(connection(venue).received('{"op":"ping"}', AT))
    assert (pong["success"], pong["ret_msg"], pong["op"]) == (True, "pong", "ping")
    assert "req_id" not in pong


@pytest.mark.parametrize(
    "text", ["", "hello", "[]", "[" * 100_000, '{"op":"nope"}', '{"op":7}', '{"args":{}}']
)
def test_nonsense_is_answered_with_an_error(venue: BybitLab, text: str) -> None:
    (answer,) = said(connection(venue).received(text, AT))
    assert answer["success"] is False


def test_silent_clients_are_cut_off(venue: BybitLab) -> None:
    idle, busy = connection(venue), connection(venue)
    busy.received(request("subscribe", "orderbook.1.BTCUSDT"), AT)
    assert idle.due(AT + 61 * SECOND) == [Close(1000, "")]
    assert not any(isinstance(out, Close) for out in busy.due(AT + 61 * SECOND))
    assert busy.due(AT + 601 * SECOND) == [Close(1000, "")]


def test_other_categories_are_empty_and_other_paths_are_not_there(venue: BybitLab) -> None:
    linear = connection(venue, "linear")
    (answer,) = said(linear.received(request("subscribe", "orderbook.50.BTCUSDT"), AT))
    assert answer["success"] is False
    for path in ("/", "/v5/private", "/v5/public/stocks", "/v5/public"):
        assert refused(venue, path).status == 404


def pointed_at(lab: LabServer) -> Any:
    """An unmodified ccxt client whose addresses are the lab's."""
    exchange = ccxt.pro.bybit({"enableRateLimit": False})
    urls = exchange.urls["api"]
    for key in ("spot", "futures", "v2", "public", "private"):
        urls[key] = lab.url("bybit")
    for category in ("spot", "linear", "inverse", "option"):
        urls["ws"]["public"][category] = f"{lab.ws('bybit')}/v5/public/{category}"
    return exchange


async def test_ccxt_and_our_feed_build_the_same_book(
    lab: LabServer, start_native: StartNative
) -> None:
    symbols = ["BTC/USDT", "DOGE/USDT"]
    full = start_native("bybit", symbols, Depth.FULL)
    top = start_native("bybit", symbols, Depth.TOP)
    async with pointed_at(lab) as exchange:
        markets = await exchange.load_markets()
        assert len(markets) == len(books(lab, "bybit"))
        assert markets["BTC/USDT"]["precision"] == {"amount": 0.000001, "price": 0.1} | {
            key: None for key in markets["BTC/USDT"]["precision"] if key not in ("amount", "price")
        }
        assert markets["BTC/USDT"]["limits"]["cost"]["min"] == 5.0
        await stream(exchange, symbols, 30, (full, top))
        lab.freeze()
        for symbol in symbols:
            fetched = await exchange.fetch_order_book(symbol, 200)
            book = lab.book("bybit", symbol)
            await shows(exchange, symbol, truth(book, 50))
            await full.settled(symbol, 200)
            await top.settled(symbol, 50)
            assert sides(fetched) == truth(book, 200)
            assert top.ladder(symbol, Side.BID, 51) == top.truth(symbol, Side.BID, 50)
        assert full.acked() == top.acked() == {"BTCUSDT", "DOGEUSDT"}
        with pytest.raises(ccxt.ExchangeError, match="Not supported symbols"):
            await exchange.fetch_order_book("BTC/USDT", params={"symbol": "XYZUSDT"})


async def test_an_unknown_symbol_is_refused_and_the_others_of_its_request_live(
    lab: LabServer, start_native: StartNative
) -> None:
    feed = start_native(
        "bybit", {"BTC/USDT": "BTCUSDT", "ETH/USDT": "NOPEUSDT", "XRP/USDT": "XRPUSDT"}, Depth.TOP
    )
    await until(lambda: feed.lane.live() == 2, 10)
    assert feed.acked() == {"BTCUSDT", "XRPUSDT"}
    assert refusals(feed) == ["NOPEUSDT"]


async def test_a_gap_is_mended_by_a_new_subscription(
    lab: LabServer, start_native: StartNative
) -> None:
    feed = start_native("bybit", ["ETH/USDT"], Depth.TOP)
    await feed.live()
    gap = {"s": "ETHUSDT", "b": [], "a": [], "u": 10**15, "seq": 10**15}
    frame = {"topic": "orderbook.50.ETHUSDT", "type": "delta", "ts": 1, "data": gap}
    await feed._do(feed.lane.received(json.dumps(frame).encode(), lab.clock()))
    assert feed.lane.live() == 0
    await feed.live()
    counts = feed.lane.counts["ETHUSDT"]
    assert (counts.snapshots, counts.gaps) == (2, 1)
    lab.freeze()
    await feed.settled("ETH/USDT", 50)
