"""The simulated Kraken, alone and against an unmodified ccxt and our own feed."""

from __future__ import annotations

import json
import zlib
from decimal import ROUND_DOWN, Decimal
from random import Random
from typing import Any

import ccxt.pro
import pytest

from scanner.lab.book import LabBook, LabMarket
from scanner.lab.seam import Close, Connection, VenueWorld
from scanner.lab.server import LabServer
from scanner.lab.units import SECOND
from scanner.lab.venues.kraken import KrakenLab, market_id
from scanner.steps import Reset
from scanner.types import Depth
from scanner.venues.kraken import stream_id
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

WHEN = "2026-09-21T14:13:20"


@pytest.fixture
def lab_venues() -> tuple[str, ...]:
    return ("kraken",)


def market(base: str, quote: str) -> LabMarket:
    return lab_market(
        market_id(base, quote),
        base=base,
        quote=quote,
        price_decimals=1,
        size_decimals=8,
        min_amount="0.00005",
        min_notional="0.5",
        taker="0.008",
        maker="0.004",
    )


@pytest.fixture
def book() -> LabBook:
    """45283.5/45285.2 with ten levels a side."""
    return lab_book(market("BTC", "USD"), DOCUMENTED_BIDS, DOCUMENTED_ASKS)


# The example of the venue's own guide to its checksum, and what it gives.
DOCUMENTED_ASKS = (
    "45285.2/0.00100000 45286.4/1.54571953 45286.6/1.54571109 45289.6/1.54560911 "
    "45290.2/0.15890660 45291.8/1.54553491 45294.7/0.04454749 45296.1/0.35380000 "
    "45297.5/0.09945542 45299.5/0.18772827"
)
DOCUMENTED_BIDS = (
    "45283.5/0.10000000 45283.4/1.54582015 45282.1/0.10000000 45281.0/0.10000000 "
    "45280.3/1.54592586 45279.0/0.07990000 45277.6/0.03310103 45277.5/0.30000000 "
    "45277.3/1.54602737 45276.6/0.15445238"
)
DOCUMENTED_CHECKSUM = 3310070434


@pytest.fixture
def venue(book: LabBook) -> KrakenLab:
    other = lab_book(market("DOGE", "EUR"))
    return KrakenLab(VenueWorld("kraken", {"XXBTZUSD": book, "XDGEUR": other}))


def connection(venue: KrakenLab) -> Connection:
    return connected(venue, "/v2")


def ask(venue: KrakenLab, path: str, **query: str) -> Any:
    return asked(venue, path, **query)[1]


def request(method: str, *symbols: str, **params: object) -> str:
    body = {"method": method, "params": {"channel": "book", "symbol": symbols} | params}
    return json.dumps(body | {"req_id": 7})


@pytest.mark.parametrize(
    ("base", "quote", "name"),
    [
        ("BTC", "USD", "XXBTZUSD"),
        ("ETH", "EUR", "XETHZEUR"),
        ("DOGE", "USD", "XDGUSD"),
        ("SOL", "USD", "SOLUSD"),
        ("BTC", "USDT", "XBTUSDT"),
        ("ETH", "BTC", "ETHXBT"),
    ],
)
def test_market_ids_keep_the_old_names_of_old_assets(base: str, quote: str, name: str) -> None:
    assert market_id(base, quote) == name


def test_listing(venue: KrakenLab) -> None:
    pairs = ask(venue, "/0/public/AssetPairs")["result"]
    pair = pairs["XXBTZUSD"]
    assert (pair["altname"], pair["wsname"]) == ("XBTUSD", "XBT/USD")
    assert (pair["base"], pair["quote"]) == ("XXBT", "ZUSD")
    assert (pair["pair_decimals"], pair["lot_decimals"]) == (1, 8)
    assert (pair["fees"], pair["fees_maker"]) == ([[0, 0.8]], [[0, 0.4]])
    assert pairs["XDGEUR"]["wsname"] == "XDG/EUR"
    assert set(ask(venue, "/0/public/Assets")["result"]) == {"XXBT", "ZUSD", "XXDG", "ZEUR"}


@pytest.mark.parametrize("name", ["XXBTZUSD", "XBTUSD", "XBT/USD", "BTC/USD"])
def test_depth_over_rest_cuts_sizes_to_three_decimals(venue: KrakenLab, name: str) -> None:
    sides = ask(venue, "/0/public/Depth", pair=name, count="2")["result"]["XXBTZUSD"]
    since = AT // SECOND
    assert sides == {
        "asks": [["45285.20000", "0.001", since], ["45286.40000", "1.545", since]],
        "bids": [["45283.50000", "0.100", since], ["45283.40000", "1.545", since]],
    }


def test_rest_errors_come_in_a_list(venue: KrakenLab) -> None:
    path = "/0/public/Depth"
    assert ask(venue, path) == {"error": ["EQuery:Unknown asset pair"]}
    wrong = {"error": ["EGeneral:Invalid arguments:count"]}
    for count in ("0", "501", "x", "9" * 5000):
        assert ask(venue, path, pair="XXBTZUSD", count=count) == wrong
    assert ask(venue, "/0/public/Nothing") == {"error": ["EGeneral:Unknown method"]}
    assert ask(venue, "/0/public/SystemStatus")["result"]["status"] == "online"
    assert ask(venue, "/0/public/Time")["result"] == {"unixtime": AT // SECOND}


def test_the_first_frame_is_the_system_status(venue: KrakenLab) -> None:
    (status,) = said(connection(venue).opened(AT))
    assert (status["channel"], status["type"]) == ("status", "update")
    assert status["data"][0]["system"] == "online"


def test_snapshot_with_the_documented_checksum(venue: KrakenLab) -> None:
    ack, snapshot = connection(venue).received(request("subscribe", "BTC/USD"), AT)
    assert json.loads(str(ack)) == {
        "method": "subscribe",
        "result": {"channel": "book", "depth": 10, "snapshot": True, "symbol": "BTC/USD"},
        "success": True,
        "req_id": 7,
        "time_in": f"{WHEN}.000000Z",
        "time_out": f"{WHEN}.000040Z",
    }
    assert isinstance(snapshot, str)
    assert snapshot.startswith(
        '{"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD",'
        '"bids":[{"price":45283.5,"qty":0.10000000},{"price":45283.4,"qty":1.54582015},'
    )
    assert snapshot.endswith(f'"checksum":{DOCUMENTED_CHECKSUM},"timestamp":"{WHEN}.000000Z"}}]}}')


def test_an_update_says_what_changed_with_all_decimals(venue: KrakenLab, book: LabBook) -> None:
    client = connection(venue)
    client.received(request("subscribe", "BTC/USD", depth=25), AT)
    assert client.due(AT + 10 * MS) == []
    book.set(0, 452_835, 0, AT)
    book.set(1, 452_852, 30, AT)
    (update,) = client.due(AT + 20 * MS)
    assert isinstance(update, str)
    assert '"bids":[{"price":45283.5,"qty":0.00000000}]' in update
    assert '"asks":[{"price":45285.2,"qty":0.00000030}]' in update
    assert f'"timestamp":"{WHEN}.020000Z"' in update
    assert '"type":"update"' in update


def test_a_level_pushed_out_is_not_deleted_and_sent_anew_when_it_comes_back(
    venue: KrakenLab, book: LabBook
) -> None:
    client = connection(venue)
    client.received(request("subscribe", "BTC/USD"), AT)
    book.set(1, 452_851, 5, AT)
    (pushing,) = said(client.due(AT + 10 * MS))
    assert pushing["data"][0]["asks"] == [{"price": 45285.1, "qty": 0.00000005}]
    book.set(1, 452_851, 0, AT)
    (back,) = said(client.due(AT + 20 * MS))
    assert back["data"][0]["asks"] == [
        {"price": 45285.1, "qty": 0.0},
        {"price": 45299.5, "qty": 0.18772827},
    ]


def test_a_price_that_changed_twice_stands_twice_and_the_last_counts(
    venue: KrakenLab, book: LabBook
) -> None:
    client = connection(venue)
    client.received(request("subscribe", "BTC/USD"), AT)
    book.set(1, 452_852, 5, AT)
    book.set(1, 452_852, 7, AT)
    (update,) = said(client.due(AT + 10 * MS))
    assert update["data"][0]["asks"] == [
        {"price": 45285.2, "qty": 0.00000005},
        {"price": 45285.2, "qty": 0.00000007},
    ]


def test_changes_beyond_the_depth_are_not_told(venue: KrakenLab, book: LabBook) -> None:
    client = connection(venue)
    client.received(request("subscribe", "BTC/USD"), AT)
    book.set(1, 460_000, 5, AT)
    assert client.due(AT + 10 * MS) == []


class SlowClient:
    """Keeps a book as the venue's guide says, with the text of the numbers."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.sides: tuple[dict[Decimal, str], dict[Decimal, str]] = ({}, {})
        self.rows = 0

    def take(self, frame: str) -> None:
        message = json.loads(frame, parse_float=str)
        (data,) = message["data"]
        for side, name in enumerate(("bids", "asks")):
            levels = self.sides[side]
            for row in data[name]:
                self.rows += 1
                levels[Decimal(row["price"])] = row["qty"]
            for price in [price for price, size in levels.items() if not Decimal(size)]:
                del levels[price]
            for price in self.best(side)[self.depth :]:
                del levels[price]
        assert zlib.crc32(self.digits().encode()) == data["checksum"]

    def best(self, side: int) -> list[Decimal]:
        return sorted(self.sides[side], reverse=side == 0)

    def digits(self) -> str:
        rows = [
            (str(price), self.sides[side][price])
            for side in (1, 0)
            for price in self.best(side)[:10]
        ]
        return "".join(text.replace(".", "").lstrip("0") for row in rows for text in row)


@pytest.mark.parametrize("depth", [10, 25])
def test_a_client_that_cuts_to_the_depth_has_the_true_book_after_every_frame(
    venue: KrakenLab, book: LabBook, depth: int
) -> None:
    random = Random(depth)
    connected = connection(venue)
    client = SlowClient(depth)
    frames = connected.received(request("subscribe", "BTC/USD", depth=depth), AT)[1:]
    for step in range(1, 600):
        for frame in frames:
            client.take(str(frame))
        for side in (0, 1):
            truth = [(Decimal(price), size) for price, size in book.levels(side, depth)]
            assert [(price, client.sides[side][price]) for price in client.best(side)] == truth
        for _ in range(random.randrange(12)):
            side = random.randrange(2)
            ticks = 452_835 - random.randrange(60) if side == 0 else 452_852 + random.randrange(60)
            book.set(side, ticks, random.choice((0, 1, 12_345_678, 250_000_000)), AT)
        frames = connected.due(AT + step * 10 * MS)
    assert client.rows > 500


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (request("subscribe", "XYZ/USD"), "Currency pair not supported XYZ/USD"),
        (request("subscribe", "BTC/USD", depth=11), "Subscription depth not supported"),
        (request("subscribe", "BTC/USD", depth=10.0), "Subscription depth not supported"),
        (request("subscribe", "BTC/USD", symbol="BTC/USD"), "Symbol field must be an array"),
        (request("subscribe", "BTC/USD", symbol=[[]]), "Symbol field must be an array"),
        (request("subscribe", "BTC/USD", channel="spread"), "Unsupported channel: spread"),
        (request("subscribe", "BTC/USD", snapshot=7), "Snapshot field must be a boolean"),
        (request("subscribe"), "Symbol(s) not found"),
        (request("unsubscribe", "BTC/USD"), "Subscription Not Found"),
        ('{"method":"subscribe","params":[]}', "Params field must be an object"),
        ('{"method":"buy"}', "Unsupported method: buy"),
        ("{", "Malformed request"),
        ("[]", "Malformed request"),
        ("[" * 100_000, "Malformed request"),
    ],
)
def test_bad_requests_are_refused(venue: KrakenLab, text: str, error: str) -> None:
    (answer,) = said(connection(venue).received(text, AT))
    assert (answer["error"], answer["success"]) == (error, False)


def test_each_symbol_of_a_request_is_answered_on_its_own(venue: KrakenLab) -> None:
    client = connection(venue)
    outs = said(client.received(request("subscribe", "BTC/USD", "XYZ/USD", "DOGE/EUR"), AT))
    assert [out.get("success") for out in outs] == [True, None, False, True, None]
    assert outs[2]["symbol"] == "XYZ/USD"
    empty = outs[4]["data"][0]
    assert (empty["symbol"], empty["bids"], empty["asks"]) == ("DOGE/EUR", [], [])
    assert empty["checksum"] == 0


def test_a_second_subscription_is_refused_until_the_first_has_ended(venue: KrakenLab) -> None:
    client = connection(venue)
    assert len(client.received(request("subscribe", "BTC/USD", depth=25), AT)) == 2
    (again,) = said(client.received(request("subscribe", "BTC/USD"), AT))
    assert (again["error"], again["symbol"]) == ("Already subscribed", "BTC/USD")
    (left,) = said(client.received(request("unsubscribe", "BTC/USD"), AT))
    assert left["result"] == {"channel": "book", "depth": 25, "symbol": "BTC/USD"}
    assert len(client.received(request("subscribe", "BTC/USD", snapshot=False), AT)) == 1


def test_heartbeats_come_each_quiet_second_once_something_is_subscribed(venue: KrakenLab) -> None:
    client = connection(venue)
    assert client.due(AT + 2 * SECOND) == []
    client.received(request("subscribe", "BTC/USD"), AT + 2 * SECOND)
    assert client.due(AT + 3 * SECOND - 1) == []
    assert said(client.due(AT + 3 * SECOND)) == [{"channel": "heartbeat"}]
    assert client.due(AT + 3 * SECOND + 10 * MS) == []


def test_pings_are_answered(venue: KrakenLab) -> None:
    (pong,) = said(connection(venue).received('{"method":"ping","req_id":3}', AT))
    assert (pong["method"], pong["req_id"]) == ("pong", 3)


def test_a_client_without_subscriptions_is_cut_off_after_a_minute(venue: KrakenLab) -> None:
    assert connection(venue).due(AT + 61 * SECOND) == [Close(1000, "Inactivity")]


def test_too_many_messages_are_refused(venue: KrakenLab) -> None:
    client = connection(venue)
    answers = [said(client.received('{"method":"ping"}', AT))[0] for _ in range(101)]
    assert answers[99]["method"] == "pong"
    assert answers[100] == {"error": "Exceeded msg rate", "success": False}


def test_a_change_of_the_system_is_told_to_every_client(venue: KrakenLab) -> None:
    client = connection(venue)
    venue.system = "cancel_only"
    (status,) = said(client.due(AT + 10 * MS))
    assert status["data"][0]["system"] == "cancel_only"
    assert client.due(AT + 20 * MS) == []


def test_other_paths_are_not_there(venue: KrakenLab) -> None:
    for path in ("/", "/v1", "/v2/x"):
        assert refused(venue, path).status == 404


def pointed_at(lab: LabServer) -> Any:
    """An unmodified ccxt client whose addresses are the lab's."""
    exchange = ccxt.pro.kraken({"enableRateLimit": False})
    exchange.urls["api"]["public"] = lab.url("kraken")
    exchange.urls["api"]["ws"]["publicV2"] = lab.ws("kraken") + "/v2"
    return exchange


async def test_ccxt_and_our_feed_build_the_same_book(
    lab: LabServer, start_native: StartNative
) -> None:
    symbols = ["BTC/USD", "DOGE/USD", "ETH/USDT"]
    same = {symbol: symbol for symbol in symbols}
    full = start_native("kraken", same, Depth.FULL)
    top = start_native("kraken", same, Depth.TOP)
    async with pointed_at(lab) as exchange:
        markets = await exchange.load_markets()
        assert len(markets) == len(books(lab, "kraken"))
        assert {symbol: stream_id(markets[symbol]) for symbol in symbols} == same
        assert markets["BTC/USD"]["precision"]["price"] == 0.1
        assert markets["BTC/USD"]["precision"]["amount"] == 1e-8
        assert (markets["BTC/USD"]["taker"], markets["BTC/USD"]["maker"]) == (0.008, 0.004)
        assert markets["BTC/USD"]["active"] is True
        await stream(exchange, symbols, 10, (full, top), 25)
        lab.freeze()
        for symbol in symbols:
            fetched = await exchange.fetch_order_book(symbol, 500)
            book = lab.book("kraken", symbol)
            await shows(exchange, symbol, truth(book, 25))
            await full.settled(symbol, 1000)
            await top.settled(symbol, 10)
            assert sides(fetched) == [
                [[price, cut(size)] for price, size in side] for side in truth(book, 500)
            ]
        assert full.acked() == top.acked() == set(symbols)
        for feed in (full, top):
            for counts in feed.lane.counts.values():
                assert counts.checksums_ok == counts.snapshots + counts.deltas > 0
                assert (counts.checksums_bad, counts.gaps) == (0, 0)


def cut(size: float) -> float:
    """REST gives three decimals of a size."""
    return float(Decimal(repr(size)).quantize(Decimal("0.001"), ROUND_DOWN))


async def test_a_wrong_checksum_is_mended_by_a_new_subscription(
    lab: LabServer, start_native: StartNative
) -> None:
    feed = start_native("kraken", {"BTC/USD": "BTC/USD"}, Depth.TOP)
    await feed.live()
    data = {"symbol": "BTC/USD", "bids": [], "asks": [], "checksum": 1}
    frame = {"channel": "book", "type": "update", "data": [data]}
    await feed._do(feed.lane.received(json.dumps(frame).encode(), lab.clock()))
    assert feed.lane.live() == 0
    await feed.live()
    counts = feed.lane.counts["BTC/USD"]
    assert (counts.snapshots, counts.checksums_bad) == (2, 1)
    lab.freeze()
    await feed.settled("BTC/USD", 10)


async def test_while_the_system_is_not_online_no_book_is_live(
    lab: LabServer, start_native: StartNative
) -> None:
    feed = start_native("kraken", {"BTC/USD": "BTC/USD", "ETH/USD": "ETH/USD"}, Depth.TOP)
    await feed.live()
    venue = lab._venues["kraken"]
    assert isinstance(venue, KrakenLab)
    venue.system = "maintenance"
    await until(lambda: feed.lane.live() == 0, 5)
    assert Reset(None, "the venue's system is 'maintenance'") in feed.actions
    assert ask(venue, "/0/public/SystemStatus")["result"]["status"] == "maintenance"


async def test_an_unknown_symbol_is_refused_and_the_others_of_its_request_live(
    lab: LabServer, start_native: StartNative
) -> None:
    feed = start_native("kraken", {"BTC/USD": "BTC/USD", "ETH/USD": "NOPE/USD"}, Depth.TOP)
    await until(lambda: feed.lane.live() == 1, 10)
    assert feed.acked() == {"BTC/USD"}
    assert refusals(feed) == ["NOPE/USD"]
