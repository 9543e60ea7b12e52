"""The simulated Binance, alone and against an unmodified ccxt and our own feed."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import ccxt.pro
import pytest

from scanner.lab.book import LabBook, LabMarket
from scanner.lab.seam import Close, Connection, Ping, Reply, Request, VenueWorld
from scanner.lab.server import LabServer
from scanner.lab.venues.binance import BinanceLab, market_id
from scanner.types import Depth
from tests.lab.conftest import StartNative
from tests.lab.native import until

SECOND = 1_000_000_000
AT = 1_790_000_000 * SECOND
MS = 1_000_000


@pytest.fixture
def lab_venues() -> tuple[str, ...]:
    return ("binance",)


@pytest.fixture
def book() -> LabBook:
    """91000.10/91000.20 and one level behind each, last update id 104."""
    market = LabMarket(
        id="BTCUSDT",
        base="BTC",
        quote="USDT",
        price_decimals=2,
        size_decimals=5,
        tick="0.01",
        lot="0.00001",
        min_amount="0.00001",
        min_notional="5",
        taker="0.001",
        maker="0.001",
    )
    book = LabBook(market, sequence=100, at=AT)
    book.set(0, 9_100_010, 50_000, AT)
    book.set(0, 9_100_000, 120_000, AT)
    book.set(1, 9_100_020, 30_000, AT)
    book.set(1, 9_100_035, 200_000, AT)
    return book


@pytest.fixture
def venue(book: LabBook) -> BinanceLab:
    return BinanceLab(VenueWorld("binance", {"BTCUSDT": book}))


def connection(venue: BinanceLab, path: str, **query: str) -> Connection:
    found = venue.connect(path, query, AT)
    assert not isinstance(found, Reply)
    return found


def ask(venue: BinanceLab, path: str, **query: str) -> tuple[int, Any]:
    reply = venue.rest(Request("GET", path, query), AT)
    return reply.status, json.loads(reply.body)


def said(outs: list[Any]) -> list[Any]:
    return [json.loads(out) for out in outs]


def request(method: str, *params: str, number: int = 1) -> str:
    return json.dumps({"method": method, "params": params, "id": number})


BIDS = [["91000.10000000", "0.50000000"], ["91000.00000000", "1.20000000"]]
ASKS = [["91000.20000000", "0.30000000"], ["91000.35000000", "2.00000000"]]


def test_market_ids_are_base_and_quote_together() -> None:
    assert market_id("BTC", "USDT") == "BTCUSDT"


def test_depth_over_rest(venue: BinanceLab) -> None:
    assert ask(venue, "/api/v3/depth", symbol="BTCUSDT") == (
        200,
        {"lastUpdateId": 104, "bids": BIDS, "asks": ASKS},
    )
    assert ask(venue, "/api/v3/depth", symbol="BTCUSDT", limit="1")[1]["bids"] == BIDS[:1]


def test_rest_errors(venue: BinanceLab) -> None:
    unknown = (400, {"code": -1121, "msg": "Invalid symbol."})
    assert ask(venue, "/api/v3/depth", symbol="XYZUSDT") == unknown
    assert ask(venue, "/api/v3/depth")[1]["code"] == -1102
    assert ask(venue, "/api/v3/depth", symbol="BTCUSDT", limit="-1")[1]["code"] == -1100
    assert venue.rest(Request("GET", "/api/v3/nothing"), AT).status == 404


def test_too_heavy_requests_are_refused_until_the_next_minute(venue: BinanceLab) -> None:
    heavy = Request("GET", "/api/v3/depth", {"symbol": "BTCUSDT", "limit": "5000"})
    statuses = [venue.rest(heavy, AT).status for _ in range(25)]
    assert statuses == [200] * 24 + [429]
    refused = venue.rest(heavy, AT)
    assert int(refused.headers["Retry-After"]) <= 60
    assert json.loads(refused.body)["code"] == -1003
    assert venue.rest(heavy, AT + 60 * SECOND).status == 200


def test_diffs_are_contiguous_and_leave_out_what_came_and_went(
    venue: BinanceLab, book: LabBook
) -> None:
    client = connection(venue, "/ws")
    assert said(client.received(request("SUBSCRIBE", "btcusdt@depth@100ms"), AT)) == [
        {"result": None, "id": 1}
    ]
    book.set(0, 9_100_010, 0, AT)
    book.set(1, 9_100_035, 0, AT)
    book.set(1, 9_100_035, 70_000, AT)
    assert client.due(AT + 99 * MS) == []
    assert said(client.due(AT + 100 * MS)) == [
        {
            "e": "depthUpdate",
            "E": AT // MS + 100,
            "s": "BTCUSDT",
            "U": 105,
            "u": 107,
            "b": [["91000.10000000", "0.00000000"]],
            "a": [["91000.35000000", "0.70000000"]],
        }
    ]
    assert client.due(AT + 250 * MS) == []
    book.set(1, 9_100_020, 40_000, AT)
    (next_one,) = said(client.due(AT + 260 * MS))
    assert (next_one["U"], next_one["u"]) == (108, 108)


def test_a_client_too_far_behind_sees_a_gap(
    venue: BinanceLab, book: LabBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = connection(venue, "/ws/btcusdt@depth@100ms")
    monkeypatch.setattr(book, "changes_since", lambda sequence: None)
    book.set(0, 9_100_010, 1, AT)
    book.set(0, 9_100_010, 2, AT)
    (update,) = said(client.due(AT + 100 * MS))
    assert (update["U"], update["u"], update["b"]) == (106, 106, [])


def test_partial_books_and_best_prices_in_the_combined_stream(
    venue: BinanceLab, book: LabBook
) -> None:
    client = connection(venue, "/stream", streams="btcusdt@depth20@100ms/btcusdt@bookTicker")
    ticker = {
        "stream": "btcusdt@bookTicker",
        "data": {
            "u": 104,
            "s": "BTCUSDT",
            "b": "91000.10000000",
            "B": "0.50000000",
            "a": "91000.20000000",
            "A": "0.30000000",
        },
    }
    assert said(client.due(AT)) == [ticker]
    assert said(client.due(AT + 100 * MS)) == [
        {
            "stream": "btcusdt@depth20@100ms",
            "data": {"lastUpdateId": 104, "bids": BIDS, "asks": ASKS},
        }
    ]
    book.set(1, 9_100_035, 90_000, AT)
    assert client.due(AT + 110 * MS) == [], "the best did not change"
    book.set(1, 9_100_020, 10_000, AT)
    ticker["data"] |= {"u": 106, "A": "0.10000000"}
    assert said(client.due(AT + 120 * MS)) == [ticker]


def test_an_unknown_symbol_is_acknowledged_and_silent(venue: BinanceLab) -> None:
    client = connection(venue, "/stream")
    streams = ("xyzusdt@depth20@100ms", "BTCUSDT@bookTicker", "btcusdt@nothing")
    acknowledged = [{"result": None, "id": 1}]
    assert said(client.received(request("SUBSCRIBE", *streams), AT)) == acknowledged
    assert client.due(AT + SECOND) == []
    (listed,) = said(client.received(request("LIST_SUBSCRIPTIONS", number=2), AT))
    assert listed == {"result": list(streams), "id": 2}


def test_unsubscribing_ends_a_stream(venue: BinanceLab) -> None:
    client = connection(venue, "/ws/btcusdt@bookTicker")
    assert len(client.due(AT)) == 1
    client.received(request("UNSUBSCRIBE", "btcusdt@bookTicker"), AT)
    client.received(request("SUBSCRIBE", "btcusdt@bookTicker", number=2), AT)
    assert len(client.due(AT)) == 1, "a new subscription starts with what stands"
    client.received(request("UNSUBSCRIBE", "btcusdt@bookTicker", number=3), AT)
    assert said(client.received(request("LIST_SUBSCRIPTIONS", number=4), AT))[0]["result"] == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", 3),
        ("[]", 2),
        ('{"method": "BUY", "id": 1}', 2),
        ('{"method": "SUBSCRIBE", "params": 7, "id": 1}', 2),
        ('{"method": "SUBSCRIBE", "params": [[]], "id": 1}', 2),
        ('{"method": "SUBSCRIBE", "params": [], "id": {}}', 2),
        (request("SUBSCRIBE", *(f"a{i}usdt@bookTicker" for i in range(1025))), 2),
    ],
)
def test_bad_requests_are_refused(venue: BinanceLab, text: str, code: int) -> None:
    (answer,) = said(connection(venue, "/ws").received(text, AT))
    assert (answer.get("error") or answer)["code"] == code


def test_more_than_five_messages_a_second_end_the_connection(venue: BinanceLab) -> None:
    client = connection(venue, "/ws")
    for number in range(5):
        assert said(client.received(request("LIST_SUBSCRIPTIONS", number=number), AT))
    outs = client.received(request("LIST_SUBSCRIPTIONS"), AT + SECOND - 1)
    assert outs == [Close(1008, "Too many requests")]


def test_pings_must_be_answered_with_their_payload(venue: BinanceLab) -> None:
    client = connection(venue, "/ws")
    assert client.due(AT + 19 * SECOND) == []
    (ping,) = client.due(AT + 20 * SECOND)
    assert ping == Ping(str(AT // MS + 20_000).encode())
    client.ponged(ping.payload, AT + 21 * SECOND)  # type: ignore[attr-defined]
    (second,) = client.due(AT + 40 * SECOND)
    client.ponged(b"something else", AT + 41 * SECOND)  # type: ignore[attr-defined]
    client.due(AT + 60 * SECOND)
    assert isinstance(second, Ping)
    assert client.due(AT + 101 * SECOND) == [Close(1008, "Pong timeout")]


def test_a_connection_ends_after_a_day_with_a_notice(venue: BinanceLab) -> None:
    client = connection(venue, "/ws")
    day = 24 * 3600 * SECOND
    notice = client.due(AT + day - 5 * SECOND)[0]
    assert isinstance(notice, str) and json.loads(notice)["e"] == "serverShutdown"
    fresh = connection(venue, "/ws")
    assert fresh.due(AT + day + SECOND) == [Close(1001, "Connection lifetime exceeded")]


def test_other_paths_are_not_there(venue: BinanceLab) -> None:
    refused = venue.connect("/nowhere", {}, AT)
    assert isinstance(refused, Reply) and refused.status == 404


def pointed_at(lab: LabServer) -> Any:
    """An unmodified ccxt client whose addresses are the lab's."""
    exchange = ccxt.pro.binance()
    urls = exchange.urls["api"]
    urls["public"] = lab.url("binance") + "/api/v3"
    urls["fapiPublic"] = lab.url("binance") + "/fapi/v1"
    urls["dapiPublic"] = lab.url("binance") + "/dapi/v1"
    urls["ws"]["spot"] = lab.ws("binance") + "/stream/ws"
    return exchange


async def test_ccxt_and_our_feed_build_the_same_book(
    lab: LabServer, start_native: StartNative
) -> None:
    symbols = ["BTC/USDT", "DOGE/USDT"]
    full = start_native("binance", symbols, Depth.FULL)
    top = start_native("binance", symbols, Depth.TOP)
    exchange = pointed_at(lab)
    try:
        markets = await exchange.load_markets()
        assert lab.world is not None
        assert len(markets) == len(lab.world.venues["binance"].books)
        assert markets["BTC/USDT"]["precision"]["price"] == 0.01
        assert markets["BTC/USDT"]["limits"]["cost"]["min"] == 5.0
        watched = [asyncio.create_task(watch(exchange, symbol, 15)) for symbol in symbols]
        await asyncio.gather(full.live(), top.live(), *watched)
        lab.freeze()
        for symbol in symbols:
            fetched = await exchange.fetch_order_book(symbol, 1000)
            book = lab.world.book("binance", symbol)
            await until(lambda s=symbol, b=book: exchange.orderbooks[s]["nonce"] == b.sequence, 5)
            await full.settled(symbol, 1000)
            await top.settled(symbol, 20)
            for side, name in enumerate(("bids", "asks")):
                truth = [[float(price), float(size)] for price, size in book.levels(side)]
                assert fetched[name] == truth
                assert [list(level) for level in exchange.orderbooks[symbol][name]] == truth
        assert full.acked() == top.acked() == {"BTCUSDT", "DOGEUSDT"}
    finally:
        await exchange.close()


async def watch(exchange: Any, symbol: str, updates: int) -> None:
    for _ in range(updates):
        await exchange.watch_order_book(symbol)


async def test_our_feed_recovers_when_the_venue_drops_it(
    lab: LabServer, start_native: StartNative
) -> None:
    first = start_native("binance", ["ETH/USDT"], Depth.FULL)
    await first.live()
    lab.drop("binance")
    await until(lambda: first.lane.live() == 0, 5)
    second = start_native("binance", ["ETH/USDT"], Depth.FULL)
    await second.live()
    lab.freeze()
    await second.settled("ETH/USDT", 500)
