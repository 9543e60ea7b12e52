"""The simulated Bitget (v2 and v3), alone and against an unmodified ccxt and our own feed."""

from __future__ import annotations

import json
from typing import Any

import ccxt.pro
import pytest

from scanner.lab.book import LabBook
from scanner.lab.seam import Close, Connection, Request, VenueWorld
from scanner.lab.server import LabServer
from scanner.lab.units import SECOND
from scanner.lab.venues.bitget import BitgetLab, market_id
from scanner.types import Depth
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

BTC = "BTCUSDT"


@pytest.fixture
def lab_venues() -> tuple[str, ...]:
    return ("bitget",)


@pytest.fixture
def book() -> LabBook:
    """91000.10/91000.20 and one level behind each, last update id 104."""
    market = lab_market(BTC, price_decimals=2, size_decimals=6)
    return lab_book(market, "91000.1/0.5 91000/1.2", "91000.2/0.3 91001/2")


@pytest.fixture
def venue(book: LabBook) -> BitgetLab:
    return BitgetLab(VenueWorld("bitget", {BTC: book}))


@pytest.fixture
def v2(venue: BitgetLab) -> Connection:
    return connected(venue, "/v2/ws/public")


@pytest.fixture
def v3(venue: BitgetLab) -> Connection:
    return connected(venue, "/v3/ws/public")


def ask(venue: BitgetLab, path: str, **query: str) -> tuple[int, Any]:
    return asked(venue, "/api" + path, **query)


def old(channel: str, market: str = BTC, kind: str = "SPOT") -> dict[str, str]:
    return {"instType": kind, "channel": channel, "instId": market}


def new(topic: str, market: str = BTC, kind: str = "spot") -> dict[str, str]:
    return {"instType": kind, "topic": topic, "symbol": market}


def request(op: str, *args: object) -> str:
    return json.dumps({"op": op, "args": args})


BIDS = [["91000.10", "0.500000"], ["91000.00", "1.200000"]]
ASKS = [["91000.20", "0.300000"], ["91001.00", "2.000000"]]
SHORT_BIDS = [["91000.1", "0.5"], ["91000", "1.2"]]
SHORT_ASKS = [["91000.2", "0.3"], ["91001", "2"]]


def test_market_ids_are_base_and_quote_together() -> None:
    assert market_id("BTC", "USDT") == BTC


def test_books_over_rest(venue: BitgetLab) -> None:
    ts = str(AT // MS)
    assert ask(venue, "/v2/spot/market/orderbook", symbol=BTC, type="step0") == (
        200,
        {
            "code": "00000",
            "msg": "success",
            "requestTime": AT // MS,
            "data": {"asks": ASKS, "bids": BIDS, "ts": ts},
        },
    )
    answer = ask(venue, "/v2/spot/market/orderbook", symbol=BTC, limit="1")[1]
    assert answer["data"]["bids"] == BIDS[:1]
    answer = ask(venue, "/v3/market/orderbook", category="SPOT", symbol=BTC)[1]
    assert answer["data"] == {"a": SHORT_ASKS, "b": SHORT_BIDS, "ts": ts}


def test_the_catalogue(venue: BitgetLab) -> None:
    (symbol,) = ask(venue, "/v2/spot/public/symbols")[1]["data"]
    assert (symbol["symbol"], symbol["status"], symbol["takerFeeRate"]) == (BTC, "online", "0.001")
    assert (symbol["pricePrecision"], symbol["quantityPrecision"]) == ("2", "6")
    (instrument,) = ask(venue, "/v3/market/instruments", category="SPOT")[1]["data"]
    assert (instrument["minOrderQty"], instrument["minOrderAmount"]) == ("0.00001", "1")
    coins = ask(venue, "/v2/spot/public/coins")[1]["data"]
    assert [coin["coin"] for coin in coins] == ["BTC", "USDT"]
    assert ask(venue, "/v2/spot/public/coins", coin="USDT")[1]["data"] == coins[1:]
    assert ask(venue, "/v2/margin/currencies")[1]["data"] == []
    assert ask(venue, "/v2/mix/market/contracts", productType="USDT-FUTURES")[1]["data"] == []
    assert ask(venue, "/v3/market/instruments", category="USDT-FUTURES")[1]["data"] == []
    assert ask(venue, "/v2/public/time")[1]["data"] == {"serverTime": str(AT // MS)}


@pytest.mark.parametrize(
    ("path", "query", "code"),
    [
        ("/v2/spot/market/orderbook", {"symbol": "XUSDT"}, "40034"),
        ("/v2/spot/market/orderbook", {}, "40034"),
        ("/v2/spot/market/orderbook", {"symbol": BTC, "limit": "x"}, "400172"),
        ("/v2/spot/market/orderbook", {"symbol": BTC, "limit": "²"}, "400172"),
        ("/v2/spot/market/orderbook", {"symbol": BTC, "type": "step9"}, "400172"),
        ("/v3/market/orderbook", {"symbol": BTC}, "40034"),
        ("/v2/spot/public/symbols", {"symbol": "XUSDT"}, "40034"),
        ("/v2/mix/market/contracts", {"productType": "X"}, "400172"),
        ("/v2/mix/market/merge-depth", {"symbol": BTC}, "40034"),
        ("/v2/nowhere", {}, "40404"),
    ],
)
def test_rest_errors(venue: BitgetLab, path: str, query: dict[str, str], code: str) -> None:
    status, answer = ask(venue, path, **query)
    assert status in (400, 404)
    assert (answer["code"], answer["data"]) == (code, None)


def test_more_than_twenty_requests_a_second_are_refused(venue: BitgetLab) -> None:
    book = Request("GET", "/api/v2/spot/market/orderbook", {"symbol": BTC})
    assert [venue.rest(book, AT).status for _ in range(21)] == [200] * 20 + [429]
    assert venue.rest(book, AT + SECOND).status == 200


def test_each_argument_is_acknowledged(v2: Connection, v3: Connection) -> None:
    args = [old("books1"), old("books")]
    assert said(v2.received(request("subscribe", *args), AT)) == [
        {"event": "subscribe", "arg": arg} for arg in args
    ]
    assert said(v3.received(request("subscribe", new("books50")), AT)) == [
        {"event": "subscribe", "arg": new("books50")}
    ]
    assert said(v3.received(request("unsubscribe", new("books50")), AT)) == [
        {"event": "unsubscribe", "arg": new("books50")}
    ]


def test_books_start_whole_and_name_the_id_before(v3: Connection, book: LabBook) -> None:
    v3.received(request("subscribe", new("books")), AT)
    now = AT // MS
    assert said(v3.due(AT)) == [
        {
            "action": "snapshot",
            "arg": new("books"),
            "data": [
                {"a": SHORT_ASKS, "b": SHORT_BIDS, "seq": 104, "pseq": 0, "ts": str(now)},
            ],
            "ts": now,
        }
    ]
    book.set(0, 9_100_010, 0, AT)
    book.set(1, 9_100_020, 100_000, AT)
    assert v3.due(AT + 49 * MS) == []
    assert said(v3.due(AT + 50 * MS)) == [
        {
            "action": "update",
            "arg": new("books"),
            "data": [
                {
                    "a": [["91000.2", "0.1"]],
                    "b": [["91000.1", "0"]],
                    "seq": 106,
                    "pseq": 104,
                    "ts": str(now + 50),
                }
            ],
            "ts": now + 50,
        }
    ]
    assert v3.due(AT + 200 * MS) == []


def test_v2_says_the_same_in_its_own_words(v2: Connection, book: LabBook) -> None:
    v2.received(request("subscribe", old("books")), AT)
    (whole,) = said(v2.due(AT))
    assert whole["arg"] == old("books")
    assert whole["data"][0] == {
        "asks": ASKS,
        "bids": BIDS,
        "seq": 104,
        "pseq": 0,
        "ts": str(AT // MS),
    }
    book.set(0, 9_100_010, 0, AT)
    (update,) = said(v2.due(AT + 100 * MS))
    assert update["data"][0]["bids"] == [["91000.10", "0"]]
    assert (update["data"][0]["seq"], update["data"][0]["pseq"]) == (105, 104)


def test_what_came_and_went_between_updates_is_not_said(v3: Connection, book: LabBook) -> None:
    v3.received(request("subscribe", new("books")), AT)
    v3.due(AT)
    book.set(0, 9_000_000, 5, AT)
    book.set(0, 9_000_000, 0, AT)
    assert v3.due(AT + 100 * MS) == []
    book.set(0, 9_000_000, 5, AT)
    (update,) = said(v3.due(AT + 200 * MS))
    assert (update["data"][0]["pseq"], update["data"][0]["seq"]) == (104, 107)


@pytest.mark.parametrize(("topic", "levels"), [("books1", 1), ("books5", 5), ("books50", 50)])
def test_shallow_books_are_whole_and_come_when_they_change(
    v3: Connection, book: LabBook, topic: str, levels: int
) -> None:
    for i in range(60):
        book.set(0, 9_050_000 - i, 1_000_000, AT)
    v3.received(request("subscribe", new(topic)), AT)
    (whole,) = said(v3.due(AT))
    assert (whole["action"], whole["data"][0]["pseq"]) == ("snapshot", 0)
    assert len(whole["data"][0]["b"]) == levels
    assert whole["data"][0]["b"][0] == SHORT_BIDS[0]
    book.set(0, 8_000_000, 7, AT)
    assert v3.due(AT + 100 * MS) == [], "nothing that it shows has changed"
    book.set(0, 9_100_010, 7, AT)
    (whole,) = said(v3.due(AT + 200 * MS))
    assert (whole["action"], whole["data"][0]["seq"]) == ("snapshot", book.sequence)
    assert whole["data"][0]["b"][0] == ["91000.1", "0.000007"]


def test_unsubscribing_ends_a_channel_and_subscribing_anew_starts_whole(
    v3: Connection, book: LabBook
) -> None:
    v3.received(request("subscribe", new("books")), AT)
    v3.due(AT)
    book.set(0, 9_100_000, 7, AT)
    v3.received(request("subscribe", new("books")), AT)
    assert said(v3.due(AT + SECOND))[0]["action"] == "update", "it was subscribed already"
    v3.received(request("unsubscribe", new("books")), AT + SECOND)
    book.set(0, 9_100_000, 8, AT)
    assert v3.due(AT + 2 * SECOND) == []
    v3.received(request("subscribe", new("books")), AT + 2 * SECOND)
    assert said(v3.due(AT + 2 * SECOND))[0]["action"] == "snapshot"


def test_an_unknown_symbol_is_refused_by_name(v2: Connection, v3: Connection) -> None:
    arg = old("books", "XUSDT")
    assert said(v2.received(request("subscribe", arg), AT)) == [
        {
            "event": "error",
            "code": 30001,
            "msg": "instType:SPOT,channel:books,instId:XUSDT doesn't exist",
            "arg": arg,
            "op": "subscribe",
        }
    ]
    arg = new("books15")
    error = said(v3.received(request("subscribe", arg), AT))[0]
    assert (error["code"], error["arg"]) == (30001, arg)


def test_the_wrong_kind_of_instrument_is_acknowledged_and_silent(v3: Connection) -> None:
    arg = new("books50", kind="usdt-futures")
    assert said(v3.received(request("subscribe", arg), AT)) == [{"event": "subscribe", "arg": arg}]
    assert v3.due(AT + SECOND) == []
    error = said(v3.received(request("subscribe", new("books50", kind="x")), AT))[0]
    assert error["code"] == 30001


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", 30002),
        ("[]", 30002),
        ("[" * 5000, 30002),
        ('{"op":"buy","args":[{}]}', 30003),
        ('{"op":["buy"]}', 30003),
        ('{"op":"login","args":[{}]}', 30004),
        ('{"op":"subscribe"}', 30016),
        ('{"op":"subscribe","args":[]}', 30016),
        ('{"op":"subscribe","args":[7]}', 30016),
        ('{"op":"subscribe","args":[{"instType":"spot","topic":7,"symbol":"BTCUSDT"}]}', 30016),
        (request("subscribe", *[new("books" + "x" * 500)] * 10), 30016),
    ],
)
def test_bad_requests_are_refused(v3: Connection, text: str, code: int) -> None:
    (answer,) = said(v3.received(text, AT))
    assert (answer["event"], answer["code"]) == ("error", code)


def test_v3_drops_a_connection_that_asks_for_25_channels_at_once(
    v2: Connection, v3: Connection
) -> None:
    assert len(v3.received(request("subscribe", *[new("books1")] * 24), AT)) == 24
    assert v3.received(request("subscribe", *[new("books1")] * 25), AT) == [Close(1008, "")]
    assert len(v2.received(request("subscribe", *[old("books1")] * 25), AT)) == 25


def test_more_than_ten_messages_a_second_end_the_connection(v3: Connection) -> None:
    for _ in range(10):
        assert v3.received("ping", AT) == ["pong"]
    error, close = v3.received("ping", AT + SECOND - 1)
    assert isinstance(error, str) and json.loads(error)["code"] == 30007
    assert isinstance(close, Close)


def test_more_than_240_subscribes_an_hour_are_refused(v3: Connection) -> None:
    for i in range(240):
        answer = v3.received(request("subscribe", new("books1")), AT + i * SECOND)
        assert said(answer)[0]["event"] == "subscribe"
    later = AT + 241 * SECOND
    assert said(v3.received(request("subscribe", new("books1")), later))[0]["code"] == 30006
    hour = AT + 3600 * SECOND
    assert said(v3.received(request("subscribe", new("books1")), hour))[0]["event"] == "subscribe"


def test_a_connection_without_a_ping_for_two_minutes_is_closed(v3: Connection) -> None:
    v3.received(request("subscribe", new("books1")), AT)
    assert len(v3.due(AT + 60 * SECOND)) == 1
    assert v3.received("ping", AT + 60 * SECOND) == ["pong"]
    assert v3.due(AT + 179 * SECOND) == []
    assert v3.due(AT + 180 * SECOND) == [Close(1000, "no ping")]


def test_other_paths_are_not_there(venue: BitgetLab) -> None:
    for path in ("/v1/ws/public", "/v3/ws/private"):
        assert refused(venue, path).status == 404


def pointed_at(lab: LabServer, *, uta: bool) -> Any:
    """An unmodified ccxt client whose addresses are the lab's; ``uta`` makes it speak v3."""
    exchange = ccxt.pro.bitget({"options": {"uta": True}} if uta else {})
    urls = exchange.urls["api"]
    for name, url in urls.items():
        if isinstance(url, str):
            urls[name] = lab.url("bitget")
    urls["ws"]["public"] = lab.ws("bitget") + "/v2/ws/public"
    urls["ws"]["utaPublic"] = lab.ws("bitget") + "/v3/ws/public"
    return exchange


@pytest.mark.parametrize("uta", [False, True], ids=["v2", "v3"])
async def test_ccxt_and_our_feed_build_the_same_book(
    lab: LabServer, start_native: StartNative, uta: bool
) -> None:
    symbols = ["BTC/USDT", "DOGE/USDT"]
    full = start_native("bitget", symbols, Depth.FULL)
    top = start_native("bitget", symbols, Depth.TOP)
    async with pointed_at(lab, uta=uta) as exchange:
        markets = await exchange.load_markets()
        assert len(markets) == len(books(lab, "bitget"))
        assert markets["BTC/USDT"]["precision"] == {"amount": 1e-6, "price": 0.01}
        assert markets["BTC/USDT"]["limits"]["cost"]["min"] == 1.0
        if not uta:
            assert markets["BTC/USDT"]["taker"] == 0.001
        await stream(exchange, symbols, 8, (full, top))
        lab.freeze()
        for symbol in symbols:
            fetched = await exchange.fetch_order_book(symbol, 100)
            await full.settled(symbol, 1000)
            await top.settled(symbol, 50)
            book = lab.book("bitget", symbol)
            await shows(exchange, symbol, truth(book, 1000 if uta else 500))
            assert sides(fetched) == truth(book, 100)
        assert full.acked() == top.acked() == {"BTCUSDT", "DOGEUSDT"}


async def test_our_feed_and_ccxt_are_told_of_an_unknown_symbol(
    lab: LabServer, start_native: StartNative
) -> None:
    feed = start_native("bitget", {"BTC/USDT": BTC, "ETH/USDT": "NOUSDT"}, Depth.FULL)
    await until(lambda: feed.lane.live() == 1, 10)
    assert refusals(feed) == ["NOUSDT"]
    async with pointed_at(lab, uta=False) as exchange:
        await exchange.load_markets()
        exchange.markets["BTC/USDT"]["id"] = "NOUSDT"
        with pytest.raises(ccxt.BaseError, match="30001"):
            await exchange.watch_order_book("BTC/USDT")
