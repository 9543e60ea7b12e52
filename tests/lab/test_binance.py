"""The simulated Binance, alone and against an unmodified ccxt and our own feed."""

from __future__ import annotations

import json
from typing import Any

import ccxt.pro
import pytest

from scanner.lab.book import LabBook
from scanner.lab.seam import Close, Ping, Request, VenueWorld
from scanner.lab.server import LabServer
from scanner.lab.units import SECOND
from scanner.lab.venues.binance import BinanceLab, market_id
from scanner.types import Depth
from tests.lab.clients import (
    AT,
    MS,
    asked,
    books,
    connected,
    lab_book,
    lab_market,
    reached,
    recovered,
    refused,
    said,
    sides,
    stream,
    truth,
)
from tests.lab.conftest import StartNative


@pytest.fixture
def lab_venues() -> tuple[str, ...]:
    return ("binance",)


@pytest.fixture
def book() -> LabBook:
    """91000.10/91000.20 and one level behind each, last update id 104."""
    market = lab_market("BTCUSDT", price_decimals=2, size_decimals=5, min_notional="5")
    return lab_book(market, "91000.1/0.5 91000/1.2", "91000.2/0.3 91000.35/2")


@pytest.fixture
def venue(book: LabBook) -> BinanceLab:
    return BinanceLab(VenueWorld("binance", {"BTCUSDT": book}))


def request(method: str, *params: str, number: int = 1) -> str:
    return json.dumps({"method": method, "params": params, "id": number})


BIDS = [["91000.10000000", "0.50000000"], ["91000.00000000", "1.20000000"]]
ASKS = [["91000.20000000", "0.30000000"], ["91000.35000000", "2.00000000"]]


def test_market_ids_are_base_and_quote_together() -> None:
    assert market_id("BTC", "USDT") == "BTCUSDT"


def test_depth_over_rest(venue: BinanceLab) -> None:
    assert asked(venue, "/api/v3/depth", symbol="BTCUSDT") == (
        200,
        {"lastUpdateId": 104, "bids": BIDS, "asks": ASKS},
    )
    assert asked(venue, "/api/v3/depth", symbol="BTCUSDT", limit="1")[1]["bids"] == BIDS[:1]


def test_rest_errors(venue: BinanceLab) -> None:
    unknown = (400, {"code": -1121, "msg": "Invalid symbol."})
    assert asked(venue, "/api/v3/depth", symbol="XYZUSDT") == unknown
    assert asked(venue, "/api/v3/depth")[1]["code"] == -1102
    assert asked(venue, "/api/v3/depth", symbol="BTCUSDT", limit="-1")[1]["code"] == -1100
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
    client = connected(venue, "/ws")
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
    client = connected(venue, "/ws/btcusdt@depth@100ms")
    monkeypatch.setattr(book, "changes_since", lambda sequence: None)
    book.set(0, 9_100_010, 1, AT)
    book.set(0, 9_100_010, 2, AT)
    (update,) = said(client.due(AT + 100 * MS))
    assert (update["U"], update["u"], update["b"]) == (106, 106, [])


def test_partial_books_and_best_prices_in_the_combined_stream(
    venue: BinanceLab, book: LabBook
) -> None:
    client = connected(venue, "/stream", streams="btcusdt@depth20@100ms/btcusdt@bookTicker")
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
    client = connected(venue, "/stream")
    streams = ("xyzusdt@depth20@100ms", "BTCUSDT@bookTicker", "btcusdt@nothing")
    acknowledged = [{"result": None, "id": 1}]
    assert said(client.received(request("SUBSCRIBE", *streams), AT)) == acknowledged
    assert client.due(AT + SECOND) == []
    (listed,) = said(client.received(request("LIST_SUBSCRIPTIONS", number=2), AT))
    assert listed == {"result": list(streams), "id": 2}


def test_unsubscribing_ends_a_stream(venue: BinanceLab) -> None:
    client = connected(venue, "/ws/btcusdt@bookTicker")
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
        ("[" * 5000, 3),
        ("[]", 2),
        ('{"method": "BUY", "id": 1}', 2),
        ('{"method": "SUBSCRIBE", "params": 7, "id": 1}', 2),
        ('{"method": "SUBSCRIBE", "params": [[]], "id": 1}', 2),
        ('{"method": "SUBSCRIBE", "params": [], "id": {}}', 2),
        (request("SUBSCRIBE", *(f"a{i}usdt@bookTicker" for i in range(1025))), 2),
    ],
)
def test_bad_requests_are_refused(venue: BinanceLab, text: str, code: int) -> None:
    (answer,) = said(connected(venue, "/ws").received(text, AT))
    assert (answer.get("error") or answer)["code"] == code


def test_more_than_five_messages_a_second_end_the_connection(venue: BinanceLab) -> None:
    client = connected(venue, "/ws")
    for number in range(5):
        assert said(client.received(request("LIST_SUBSCRIPTIONS", number=number), AT))
    outs = client.received(request("LIST_SUBSCRIPTIONS"), AT + SECOND - 1)
    assert outs == [Close(1008, "Too many requests")]


def test_pings_must_be_answered_with_their_payload(venue: BinanceLab) -> None:
    client = connected(venue, "/ws")
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
    client = connected(venue, "/ws")
    day = 24 * 3600 * SECOND
    notice = client.due(AT + day - 5 * SECOND)[0]
    assert isinstance(notice, str) and json.loads(notice)["e"] == "serverShutdown"
    fresh = connected(venue, "/ws")
    assert fresh.due(AT + day + SECOND) == [Close(1001, "Connection lifetime exceeded")]


def test_other_paths_are_not_there(venue: BinanceLab) -> None:
    assert refused(venue, "/nowhere").status == 404


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
    async with pointed_at(lab) as exchange:
        markets = await exchange.load_markets()
        assert len(markets) == len(books(lab, "binance"))
        assert markets["BTC/USDT"]["precision"]["price"] == 0.01
        assert markets["BTC/USDT"]["limits"]["cost"]["min"] == 5.0
        await stream(exchange, symbols, 15, (full, top))
        lab.freeze()
        for symbol in symbols:
            fetched = await exchange.fetch_order_book(symbol, 1000)
            book = lab.book("binance", symbol)
            await reached(exchange, symbol, book.sequence)
            await full.settled(symbol, 1000)
            await top.settled(symbol, 20)
            assert sides(fetched) == sides(exchange.orderbooks[symbol]) == truth(book)
        assert full.acked() == top.acked() == {"BTCUSDT", "DOGEUSDT"}


async def test_our_feed_recovers_when_the_venue_drops_it(
    lab: LabServer, start_native: StartNative
) -> None:
    await recovered(lab, start_native, "binance", "ETH/USDT", Depth.FULL, 500)
