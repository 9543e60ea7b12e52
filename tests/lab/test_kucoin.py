"""The simulated KuCoin, alone and against an unmodified ccxt and our own feed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import ccxt.pro
import pytest

from scanner.lab.book import LabBook
from scanner.lab.seam import Close, Connection, Reply, Request, VenueWorld
from scanner.lab.server import LabServer
from scanner.lab.units import SECOND
from scanner.lab.venues.kucoin import KuCoinLab, market_id
from scanner.steps import Ack, Best, Delta, Fetch, Reset, Send, Snapshot, Step
from scanner.types import Depth, Market, Side
from scanner.venues.kucoin import VENUE
from scanner.venues.protocol import Options
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
    said,
    shows,
    sides,
    stream,
    truth,
)
from tests.lab.conftest import StartNative

BIDS = [["91000.1", "0.5"], ["91000", "1.25"]]
ASKS = [["91000.2", "0.3"], ["91000.4", "2"]]


@pytest.fixture
def lab_venues() -> tuple[str, ...]:
    return ("kucoin",)


@pytest.fixture
def book() -> LabBook:
    """91000.1/91000.2 and one level behind each, sequence 104."""
    market = lab_market(
        "BTC-USDT",
        price_decimals=1,
        size_decimals=8,
        min_notional="0.1",
        taker="0.001",
        maker="0.0008",
    )
    return lab_book(market, "91000.1/0.5 91000/1.25", "91000.2/0.3 91000.4/2")


@pytest.fixture
def venue(book: LabBook) -> KuCoinLab:
    world = VenueWorld("kucoin", {"BTC-USDT": book})
    world.ws_url = "ws://127.0.0.1:7/kucoin"
    return KuCoinLab(world)


def token(venue: KuCoinLab) -> str:
    return str(asked(venue, "/api/v1/bullet-public", "POST")[1]["data"]["token"])


def connection(venue: KuCoinLab, at: int = AT) -> Connection:
    """A client that has been welcomed."""
    found = connected(venue, "/", at, token=token(venue), connectId="me")
    assert said(found.opened(at)) == [{"id": "me", "type": "welcome"}]
    return found


def request(verb: str, topic: str, number: str = "1", **more: object) -> str:
    body = {"id": number, "type": verb, "topic": topic, "privateChannel": False, "response": True}
    return json.dumps(body | more)


def subscribed(venue: KuCoinLab, topic: str) -> Connection:
    client = connection(venue)
    answers = said(client.received(request("subscribe", topic), AT))
    assert answers == [{"id": "1", "type": "ack"}]
    return client


# --- REST ---------------------------------------------------------------------------------------


def test_market_ids_have_a_dash() -> None:
    assert market_id("BTC", "USDT") == "BTC-USDT"


def test_a_token_comes_with_the_address_of_the_stream(venue: KuCoinLab) -> None:
    status, answer = asked(venue, "/api/v1/bullet-public", "POST")
    assert (status, answer["code"]) == (200, "200000")
    assert answer["data"]["instanceServers"] == [
        {
            "endpoint": "ws://127.0.0.1:7/kucoin/",
            "encrypt": False,
            "protocol": "websocket",
            "pingInterval": 18000,
            "pingTimeout": 10000,
        }
    ]
    assert token(venue) != token(venue)
    assert asked(venue, "/api/v1/bullet-public")[0] == 404


def test_depth_over_rest(venue: KuCoinLab) -> None:
    expected = {"time": AT // MS, "sequence": "104", "bids": BIDS, "asks": ASKS}
    for path in ("level2_20", "level2_100"):
        status, answer = asked(venue, f"/api/v1/market/orderbook/{path}", symbol="BTC-USDT")
        assert (status, answer) == (200, {"code": "200000", "data": expected})


def test_rest_errors(venue: KuCoinLab) -> None:
    unknown = asked(venue, "/api/v1/market/orderbook/level2_100", symbol="XYZ-USDT")
    assert unknown == (400, {"code": "900001", "msg": "symbol not exists"})
    status, answer = asked(venue, "/api/v3/market/orderbook/level2", symbol="BTC-USDT")
    assert (status, answer["code"]) == (401, "400001"), "the full book needs a key"
    assert asked(venue, "/api/v1/nothing")[0] == 404


def test_too_heavy_requests_are_refused_until_the_next_half_minute(venue: KuCoinLab) -> None:
    heavy = Request("GET", "/api/v1/market/allTickers")
    statuses = [venue.rest(heavy, AT).status for _ in range(134)]
    assert statuses == [200] * 133 + [429]
    refused = venue.rest(heavy, AT)
    assert json.loads(refused.body)["code"] == "429000"
    assert refused.headers["gw-ratelimit-remaining"] == "0"
    assert venue.rest(heavy, AT + 30 * SECOND).status == 200


# --- the stream ---------------------------------------------------------------------------------


def test_a_wrong_or_old_token_is_refused_and_the_connection_closed(venue: KuCoinLab) -> None:
    for query, at, text in (
        ({}, AT, "token is invalid"),
        ({"token": "2neA"}, AT, "token is invalid"),
        ({"token": token(venue)}, AT + 25 * 3600 * SECOND, "token is expired"),
    ):
        client = venue.connect("/", {**query, "connectId": "me"}, at)
        assert not isinstance(client, Reply)
        error, close = client.opened(at)
        assert isinstance(error, str) and isinstance(close, Close)
        assert json.loads(error) == {"id": "me", "type": "error", "code": 401, "data": text}
    assert isinstance(venue.connect("/nowhere", {}, AT), Reply)


def test_level2_depth_50_is_pushed_at_most_every_100_ms(venue: KuCoinLab, book: LabBook) -> None:
    client = subscribed(venue, "/spotMarket/level2Depth50:BTC-USDT")
    frame = {
        "topic": "/spotMarket/level2Depth50:BTC-USDT",
        "type": "message",
        "subject": "level2",
        "data": {"asks": ASKS, "bids": BIDS, "timestamp": AT // MS},
    }
    assert said(client.due(AT)) == [frame]
    assert client.due(AT + 200 * MS) == [], "nothing changed"
    book.set(1, 910_002, 0, AT + 210 * MS)
    frame["data"] = {"asks": ASKS[1:], "bids": BIDS, "timestamp": AT // MS + 210}
    assert said(client.due(AT + 210 * MS)) == [frame]
    book.set(1, 910_002, 10, AT + 220 * MS)
    assert client.due(AT + 309 * MS) == []
    assert len(client.due(AT + 310 * MS)) == 1


def test_level2_depth_5_has_five_levels(venue: KuCoinLab, book: LabBook) -> None:
    for ticks in range(10):
        book.set(0, 909_900 - ticks, 7, AT)
    (frame,) = said(subscribed(venue, "/spotMarket/level2Depth5:BTC-USDT").due(AT))
    assert [len(frame["data"][side]) for side in ("bids", "asks")] == [5, 2]


def test_level1_is_pushed_when_the_best_changes(venue: KuCoinLab, book: LabBook) -> None:
    client = subscribed(venue, "/spotMarket/level1:BTC-USDT")
    (frame,) = said(client.due(AT))
    assert (frame["subject"], frame["data"]) == (
        "level1",
        {"asks": ASKS[0], "bids": BIDS[0], "timestamp": AT // MS},
    )
    book.set(1, 910_004, 1, AT + 20 * MS)
    assert client.due(AT + 20 * MS) == []
    book.set(0, 910_001, 0, AT + 30 * MS)
    (frame,) = said(client.due(AT + 30 * MS))
    assert frame["data"]["bids"] == BIDS[1] and frame["data"]["timestamp"] == AT // MS + 30


def test_changes_are_contiguous_and_a_range_covers_more_ids_than_rows(
    venue: KuCoinLab, book: LabBook
) -> None:
    client = subscribed(venue, "/market/level2:BTC-USDT")
    assert client.due(AT) == []
    book.set(0, 910_001, 0, AT + MS)
    book.set(1, 910_004, 0, AT + MS)
    book.set(1, 910_004, 70_000_000, AT + MS)
    assert said(client.due(AT + MS)) == [
        {
            "topic": "/market/level2:BTC-USDT",
            "type": "message",
            "subject": "trade.l2update",
            "data": {
                "changes": {
                    "asks": [["91000.4", "0.7", "107"]],
                    "bids": [["91000.1", "0", "105"]],
                },
                "sequenceEnd": 107,
                "sequenceStart": 105,
                "symbol": "BTC-USDT",
                "time": AT // MS + 1,
            },
        }
    ]
    assert client.due(AT + 2 * MS) == []


def test_what_came_and_went_is_a_row_without_a_price(venue: KuCoinLab, book: LabBook) -> None:
    client = subscribed(venue, "/market/level2:BTC-USDT")
    book.set(1, 910_003, 5, AT)
    book.set(1, 910_003, 0, AT)
    book.set(0, 910_001, 1, AT)
    book.set(0, 910_001, 50_000_000, AT)
    (frame,) = said(client.due(AT))
    assert frame["data"]["changes"] == {"asks": [["0", "0", "106"]], "bids": [["0", "0", "108"]]}


def test_an_unknown_symbol_is_acknowledged_and_silent(venue: KuCoinLab) -> None:
    client = subscribed(venue, "/spotMarket/level2Depth50:XYZ-USDT,BTC-USDT")
    (frame,) = said(client.due(AT))
    assert frame["topic"] == "/spotMarket/level2Depth50:BTC-USDT"


def test_unsubscribing_ends_a_topic_and_subscribing_again_starts_it_anew(venue: KuCoinLab) -> None:
    topic = "/spotMarket/level1:BTC-USDT"
    client = subscribed(venue, topic)
    assert len(client.due(AT)) == 1
    assert said(client.received(request("unsubscribe", topic), AT)) == [{"id": "1", "type": "ack"}]
    assert client.received(request("subscribe", topic, response=False), AT) == []
    assert len(client.due(AT)) == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", 400),
        ("[]", 400),
        ("[" * 5000, 400),
        ('{"id": "1", "type": "buy"}', 415),
        ('{"id": "1", "type": "subscribe"}', 400),
        (request("subscribe", "/market/nothing:BTC-USDT"), 404),
        (request("subscribe", "/market/level2:"), 404),
        (request("subscribe", "/market/level2:" + ",".join(f"A{i}-B" for i in range(101))), 509),
    ],
)
def test_bad_requests_are_refused(venue: KuCoinLab, text: str, code: int) -> None:
    (answer,) = said(connection(venue).received(text, AT))
    assert (answer["type"], answer["code"]) == ("error", code)


def test_a_connection_carries_at_most_300_topics(venue: KuCoinLab) -> None:
    client = connection(venue)
    for batch in range(3):
        topics = "/market/level2:" + ",".join(f"A{batch * 100 + i}-B" for i in range(100))
        assert said(client.received(request("subscribe", topics), AT))[0]["type"] == "ack"
    (answer,) = said(client.received(request("subscribe", "/market/level2:BTC-USDT"), AT))
    assert answer["data"] == "exceed max subscription count limitation of 300 per session"


def test_more_than_100_messages_in_ten_seconds_are_refused(venue: KuCoinLab) -> None:
    client = connection(venue)
    ping = json.dumps({"id": "9", "type": "ping"})
    for _ in range(100):
        assert said(client.received(ping, AT)) == [{"id": "9", "type": "pong"}]
    assert said(client.received(ping, AT + 9 * SECOND))[0]["code"] == 509
    assert said(client.received(ping, AT + 10 * SECOND)) == [{"id": "9", "type": "pong"}]


def test_a_silent_client_is_cut_off_after_a_minute_though_data_flows(venue: KuCoinLab) -> None:
    client = subscribed(venue, "/spotMarket/level1:BTC-USDT")
    client.received(json.dumps({"id": "9", "type": "ping"}), AT + 30 * SECOND)
    assert not [o for o in client.due(AT + 89 * SECOND) if isinstance(o, Close)]
    assert isinstance(client.due(AT + 91 * SECOND)[-1], Close)


def test_our_protocol_notices_a_lost_frame_and_fetches_the_book_again(
    venue: KuCoinLab, book: LabBook
) -> None:
    client = connection(venue)
    market = Market(
        venue="kucoin", id="BTC-USDT", symbol="BTC/USDT", base="BTC", quote="USDT", taker_fee=0.001
    )
    protocol = VENUE.make([market], Options(depth=Depth.FULL, rest="", ws=""))

    def converse(steps: Sequence[Step], at: int) -> list[Step]:
        """Bring what is to be sent or fetched to the venue, and its answers back."""
        seen = [step for step in steps if not isinstance(step, Send | Fetch)]
        for step in steps:
            if isinstance(step, Send):
                for out in client.received(step.text, at):
                    seen += converse(protocol.received(str(out).encode(), at), at)
            elif isinstance(step, Fetch):
                path, _, symbol = step.url.partition("?symbol=")
                reply = venue.rest(Request(step.method, path, {"symbol": symbol}), at)
                seen += protocol.fetched(step.tag, reply.status, reply.body.encode(), at)
        return seen

    def pushed(at: int) -> list[Step]:
        outs = [protocol.received(str(out).encode(), at) for out in client.due(at)]
        return [step for steps in outs for step in converse(steps, at)]

    welcome = protocol.received(b'{"id":"me","type":"welcome"}', AT)
    assert converse(welcome, AT) == [Ack("BTC-USDT")]
    assert [type(step) for step in pushed(AT)] == [Best]
    book.set(0, 910_000, 1, AT)
    (snapshot,) = pushed(AT + 10 * MS)
    assert isinstance(snapshot, Snapshot) and (snapshot.sequence, snapshot.live) == (105, False)
    book.set(0, 910_000, 2, AT)
    assert [type(step) for step in pushed(AT + 20 * MS)] == [Delta]
    book.set(0, 910_000, 3, AT)
    assert len(client.due(AT + 30 * MS)) == 1, "this one is lost"
    book.set(0, 910_000, 4, AT)
    reset, snapshot = pushed(AT + 40 * MS)
    assert reset == Reset("BTC-USDT", "sequence 108..108 does not follow the last one")
    assert isinstance(snapshot, Snapshot)
    assert (snapshot.sequence, snapshot.bids) == (
        108,
        b'[["91000.1","0.5"],["91000","0.00000004"]]',
    )


# --- against real clients -----------------------------------------------------------------------


def pointed_at(lab: LabServer) -> Any:
    """An unmodified ccxt client whose addresses are the lab's."""
    exchange = ccxt.pro.kucoin()
    urls = exchange.urls["api"]
    urls["public"] = urls["futuresPublic"] = lab.url("kucoin")
    return exchange


async def test_ccxt_and_our_feed_build_the_same_book(
    lab: LabServer, start_native: StartNative
) -> None:
    symbols = ["BTC/USDT", "DOGE/USDT"]
    full = start_native("kucoin", symbols, Depth.FULL)
    top = start_native("kucoin", symbols, Depth.TOP)
    async with pointed_at(lab) as exchange:
        markets = await exchange.load_markets()
        assert len(markets) == len(books(lab, "kucoin"))
        assert markets["BTC/USDT"]["precision"]["price"] == 0.1
        assert markets["BTC/USDT"]["taker"] == 0.001
        await stream(exchange, symbols, 15, (full, top))
        lab.freeze()
        for symbol in symbols:
            fetched = await exchange.fetch_order_book(symbol, 100)
            book = lab.book("kucoin", symbol)
            await reached(exchange, symbol, book.sequence)
            await full.settled(symbol, 30)
            await top.settled(symbol, 50)
            for side in Side:
                known = full.ladder(symbol, side, 400)
                assert known == full.truth(symbol, side, len(known)), "to its very end"
            assert fetched["nonce"] == book.sequence
            assert sides(fetched) == truth(book, 100)
            seen = sides(exchange.orderbooks[symbol])
            assert [side[:30] for side in seen] == truth(book, 30)
        assert full.acked() == top.acked() == {"BTC-USDT", "DOGE-USDT"}


async def test_ccxt_builds_the_top_of_the_book_from_whole_books(lab: LabServer) -> None:
    async with pointed_at(lab) as exchange:
        for _ in range(5):
            await exchange.watch_order_book("ETH/USDT", 50)
        lab.freeze()
        await shows(exchange, "ETH/USDT", truth(lab.book("kucoin", "ETH/USDT"), 50))


async def test_our_feed_recovers_when_the_venue_drops_it(
    lab: LabServer, start_native: StartNative
) -> None:
    first, second = await recovered(lab, start_native, "kucoin", "ETH/USDT", Depth.FULL, 30)
    assert first.urls != second.urls, "each connection has a token of its own"
