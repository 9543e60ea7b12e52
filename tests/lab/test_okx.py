"""The simulated OKX, alone and against an unmodified ccxt and our own feed."""

from __future__ import annotations

import json
from typing import Any

import ccxt.pro
import pytest

from scanner.lab.book import LabBook
from scanner.lab.seam import Close, Connection, Request, VenueWorld
from scanner.lab.server import LabServer
from scanner.lab.units import SECOND
from scanner.lab.venues.okx import OkxLab, market_id
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

BTC = "BTC-USDT"
STREAM = "/ws/v5/public"


@pytest.fixture
def lab_venues() -> tuple[str, ...]:
    return ("okx",)


@pytest.fixture
def book() -> LabBook:
    """91000.1/91000.2 and one level behind each, last update id 104."""
    market = lab_market(BTC, price_decimals=1, size_decimals=8, taker="0.0015", maker="0.001")
    return lab_book(market, "91000.1/0.5 91000/1.2", "91000.2/0.3 91001/2")


@pytest.fixture
def venue(book: LabBook) -> OkxLab:
    return OkxLab(VenueWorld("okx", {BTC: book}))


@pytest.fixture
def client(venue: OkxLab) -> Connection:
    return connected(venue, STREAM)


def ask(venue: OkxLab, path: str, **query: str) -> tuple[int, Any]:
    return asked(venue, "/api/v5" + path, **query)


def request(op: str, *channels: str, market: str = BTC, **more: object) -> str:
    args = [{"channel": channel, "instId": market} for channel in channels]
    return json.dumps({"op": op, "args": args, **more})


BIDS = [["91000.1", "0.5", "0", "1"], ["91000", "1.2", "0", "1"]]
ASKS = [["91000.2", "0.3", "0", "1"], ["91001", "2", "0", "1"]]


def test_market_ids_have_a_dash() -> None:
    assert market_id("BTC", "USDT") == BTC


def test_books_over_rest_have_no_trailing_zeros(venue: OkxLab) -> None:
    data = {"asks": ASKS, "bids": BIDS, "ts": str(AT // MS)}
    assert ask(venue, "/market/books", instId=BTC, sz="400") == (
        200,
        {"code": "0", "data": [data], "msg": ""},
    )
    assert ask(venue, "/market/books", instId=BTC)[1]["data"][0]["bids"] == BIDS[:1]
    assert ask(venue, "/market/books-full", instId=BTC, sz="5000")[1]["data"] == [data]


def test_instruments(venue: OkxLab) -> None:
    (spot,) = ask(venue, "/public/instruments", instType="SPOT")[1]["data"]
    assert (spot["instId"], spot["state"], spot["tickSz"]) == (BTC, "live", "0.1")
    assert (spot["lotSz"], spot["minSz"]) == ("0.00000001", "0.00001")
    for kind in ("SWAP", "FUTURES"):
        assert ask(venue, "/public/instruments", instType=kind)[1]["data"] == []
    assert ask(venue, "/public/instruments", instType="OPTION", uly="BTC-USD")[1]["data"] == []


def test_rest_errors(venue: OkxLab) -> None:
    assert ask(venue, "/public/instruments")[1]["code"] == "50014"
    assert ask(venue, "/public/instruments", instType="OPTION")[1]["code"] == "50014"
    assert ask(venue, "/public/instruments", instType="X")[1]["code"] == "51000"
    assert ask(venue, "/market/books")[1]["code"] == "50014"
    assert ask(venue, "/market/books", instId="X-Y")[1]["code"] == "51001"
    for size in ("0", "401", "-1", "x", "²"):
        assert ask(venue, "/market/books", instId=BTC, sz=size)[1]["code"] == "51000"
    assert ask(venue, "/asset/currencies")[0] == 401
    assert ask(venue, "/nowhere")[0] == 404
    assert ask(venue, "/public/time")[1]["data"] == [{"ts": str(AT // MS)}]


def test_more_than_forty_books_in_two_seconds_are_refused(venue: OkxLab) -> None:
    book = Request("GET", "/api/v5/market/books", {"instId": BTC})
    assert [venue.rest(book, AT).status for _ in range(41)] == [200] * 40 + [429]
    assert venue.rest(book, AT + 2 * SECOND).status == 200


def test_each_argument_is_acknowledged_with_the_id_of_the_request(client: Connection) -> None:
    answers = said(client.received(request("subscribe", "bbo-tbt", "books", id="1512"), AT))
    assert answers == [
        {
            "id": "1512",
            "event": "subscribe",
            "arg": {"channel": channel, "instId": BTC},
            "connId": "00000001",
        }
        for channel in ("bbo-tbt", "books")
    ]
    assert "id" not in said(client.received(request("unsubscribe", "books"), AT))[0]


def test_books_start_whole_and_name_the_id_before(client: Connection, book: LabBook) -> None:
    client.received(request("subscribe", "books"), AT)
    data = {
        "asks": ASKS,
        "bids": BIDS,
        "ts": str(AT // MS),
        "checksum": 0,
        "prevSeqId": -1,
        "seqId": 104,
    }
    message = {"arg": {"channel": "books", "instId": BTC}, "action": "snapshot", "data": [data]}
    assert said(client.due(AT)) == [message]
    book.set(0, 910_001, 0, AT)
    book.set(1, 910_002, 10_000_000, AT)
    assert client.due(AT + 99 * MS) == []
    (update,) = said(client.due(AT + 100 * MS))
    assert update["action"] == "update"
    assert update["data"] == [
        {
            "asks": [["91000.2", "0.1", "0", "1"]],
            "bids": [["91000.1", "0", "0", "0"]],
            "ts": str(AT // MS + 100),
            "checksum": 0,
            "prevSeqId": 104,
            "seqId": 106,
        }
    ]


def test_books_say_a_heartbeat_after_a_minute_without_change(
    client: Connection, book: LabBook
) -> None:
    client.received(request("subscribe", "books"), AT)
    client.due(AT)
    client.received("ping", AT + 29 * SECOND)
    client.received("ping", AT + 58 * SECOND)
    assert client.due(AT + 60 * SECOND - 1) == []
    (beat,) = said(client.due(AT + 60 * SECOND))
    assert beat["data"][0] == {
        "asks": [],
        "bids": [],
        "ts": str(AT // MS + 60_000),
        "checksum": 0,
        "prevSeqId": 104,
        "seqId": 104,
    }
    book.set(0, 909_000, 1, AT)
    assert said(client.due(AT + 61 * SECOND))[0]["data"][0]["prevSeqId"] == 104


def test_what_came_and_went_between_updates_is_not_said(client: Connection, book: LabBook) -> None:
    client.received(request("subscribe", "books"), AT)
    client.due(AT)
    book.set(0, 909_000, 5, AT)
    book.set(0, 909_000, 0, AT)
    assert client.due(AT + 100 * MS) == []
    book.set(0, 909_000, 5, AT)
    (update,) = said(client.due(AT + 200 * MS))
    assert (update["data"][0]["prevSeqId"], update["data"][0]["seqId"]) == (104, 107)


def test_books_keep_400_levels_and_delete_what_is_pushed_out(
    client: Connection, book: LabBook
) -> None:
    for i in range(500):
        book.set(0, 900_000 - i, 100, AT)
    client.received(request("subscribe", "books"), AT)
    (whole,) = said(client.due(AT))
    assert len(whole["data"][0]["bids"]) == 400
    last = whole["data"][0]["bids"][-1][0]
    book.set(0, 905_000, 100, AT)
    (update,) = said(client.due(AT + 100 * MS))
    assert update["data"][0]["bids"] == [[last, "0", "0", "0"], ["90500", "0.000001", "0", "1"]]


def test_bbo_and_books5_are_whole_and_come_when_they_change(
    client: Connection, book: LabBook
) -> None:
    client.received(request("subscribe", "bbo-tbt", "books5"), AT)
    best, five = said(client.due(AT))
    assert best == {
        "arg": {"channel": "bbo-tbt", "instId": BTC},
        "data": [{"asks": ASKS[:1], "bids": BIDS[:1], "ts": str(AT // MS), "seqId": 104}],
    }
    assert five["data"][0] == {
        "asks": ASKS,
        "bids": BIDS,
        "ts": str(AT // MS),
        "instId": BTC,
        "seqId": 104,
    }
    book.set(0, 910_000, 7, AT)
    assert client.due(AT + 20 * MS) == [], "the best did not change"
    book.set(0, 910_001, 7, AT)
    (best,) = said(client.due(AT + 30 * MS))
    assert best["data"][0]["seqId"] == 106
    (five,) = said(client.due(AT + 100 * MS))
    assert five["data"][0]["seqId"] == 106


def test_unsubscribing_ends_a_channel_and_subscribing_anew_starts_whole(
    client: Connection, book: LabBook
) -> None:
    client.received(request("subscribe", "books"), AT)
    client.due(AT)
    book.set(0, 910_000, 7, AT)
    client.received(request("subscribe", "books"), AT)
    assert said(client.due(AT + SECOND))[0]["action"] == "update", "it was subscribed already"
    client.received(request("unsubscribe", "books"), AT)
    book.set(0, 910_000, 8, AT)
    assert client.due(AT + 2 * SECOND) == []
    client.received(request("subscribe", "books"), AT)
    (whole,) = said(client.due(AT + 2 * SECOND))
    assert (whole["action"], whole["data"][0]["prevSeqId"]) == ("snapshot", -1)


def test_an_unknown_instrument_is_refused_by_name(client: Connection) -> None:
    text = request("subscribe", "books", market="X-Y", id="7")
    (error,) = said(client.received(text, AT))
    assert (error["event"], error["code"], error["id"]) == ("error", "60018", "7")
    assert "channel:books,instId:X-Y doesn't exist" in error["msg"]
    assert said(client.received(request("subscribe", "nothing"), AT))[0]["code"] == "60018"


def test_tick_by_tick_books_need_a_login(client: Connection) -> None:
    for channel in ("books-l2-tbt", "books50-l2-tbt"):
        assert said(client.received(request("subscribe", channel), AT))[0]["code"] == "60011"
    assert said(client.received(request("login"), AT))[0]["code"] == "60005"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "60012"),
        ("[]", "60012"),
        ("[" * 5000, "60012"),
        ('{"op":"buy","args":[{}]}', "60012"),
        ('{"op":"subscribe"}', "60012"),
        ('{"op":"subscribe","args":[]}', "60012"),
        ('{"op":"subscribe","args":[7]}', "60013"),
        ('{"op":"subscribe","args":[{"channel":7,"instId":"BTC-USDT"}]}', "60013"),
        (request("subscribe", *["books"] * 2000), "60013"),
    ],
)
def test_bad_requests_are_refused(client: Connection, text: str, code: str) -> None:
    (answer,) = said(client.received(text, AT))
    assert (answer["event"], answer["code"]) == ("error", code)


def test_more_than_480_requests_an_hour_are_refused(client: Connection) -> None:
    for _ in range(480):
        assert said(client.received(request("subscribe", "books"), AT))[0]["event"] == "subscribe"
    assert said(client.received(request("unsubscribe", "books"), AT))[0]["code"] == "60014"
    later = AT + 3600 * SECOND
    assert said(client.received(request("subscribe", "books"), later))[0]["event"] == "subscribe"


def test_a_connection_without_data_for_thirty_seconds_is_closed(client: Connection) -> None:
    assert client.received("ping", AT + 20 * SECOND) == ["pong"]
    assert client.due(AT + 49 * SECOND) == []
    assert client.due(AT + 50 * SECOND) == [Close(4004, "No data received in 30s.")]


def test_a_fourth_connection_within_a_second_is_refused(venue: OkxLab) -> None:
    for _ in range(3):
        connected(venue, STREAM)
    assert refused(venue, STREAM).status == 429
    connected(venue, STREAM, AT + SECOND)


def test_other_paths_are_not_there(venue: OkxLab) -> None:
    assert refused(venue, "/ws/v5/nowhere").status == 404


def pointed_at(lab: LabServer) -> Any:
    """An unmodified ccxt client whose addresses are the lab's."""
    exchange = ccxt.pro.okx()
    exchange.urls["api"]["rest"] = lab.url("okx")
    exchange.urls["api"]["ws"] = lab.ws("okx") + "/ws/v5"
    return exchange


async def test_ccxt_and_our_feed_build_the_same_book(
    lab: LabServer, start_native: StartNative
) -> None:
    symbols = ["BTC/USDT", "DOGE/USDT"]
    full = start_native("okx", symbols, Depth.FULL)
    top = start_native("okx", symbols, Depth.TOP)
    async with pointed_at(lab) as exchange:
        markets = await exchange.load_markets()
        assert len(markets) == len(books(lab, "okx"))
        assert markets["BTC/USDT"]["precision"] == {"amount": 1e-8, "price": 0.1}
        assert markets["BTC/USDT"]["limits"]["amount"]["min"] == 0.00001
        await stream(exchange, symbols, 8, (full, top))
        lab.freeze()
        for symbol in symbols:
            fetched = await exchange.fetch_order_book(symbol, 400)
            await full.settled(symbol, 400)
            await top.settled(symbol, 5)
            expected = truth(lab.book("okx", symbol), 400)
            await shows(exchange, symbol, expected)
            assert sides(fetched) == expected
        assert full.acked() == top.acked() == {"BTC-USDT", "DOGE-USDT"}


async def test_our_feed_and_ccxt_are_told_of_an_unknown_instrument(
    lab: LabServer, start_native: StartNative
) -> None:
    feed = start_native("okx", {"BTC/USDT": BTC, "ETH/USDT": "NO-USDT"}, Depth.FULL)
    await until(lambda: feed.lane.live() == 1, 10)
    assert refusals(feed) == ["NO-USDT"]
    async with pointed_at(lab) as exchange:
        await exchange.load_markets()
        exchange.markets["BTC/USDT"]["id"] = "NO-USDT"
        with pytest.raises(ccxt.BaseError, match="60018"):
            await exchange.watch_order_book("BTC/USDT")


async def test_our_feed_resyncs_on_the_open_connection(
    lab: LabServer, start_native: StartNative
) -> None:
    feed = start_native("okx", ["ETH/USDT"], Depth.FULL)
    await feed.live()
    await feed._do(feed.lane._resync("ETH-USDT", "asked by a test", lab.clock()))
    await until(lambda: feed.lane.counts["ETH-USDT"].snapshots == 2, 5)
    lab.freeze()
    await feed.settled("ETH/USDT", 400)
