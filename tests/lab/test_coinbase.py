"""The simulated Coinbase, alone and against an unmodified ccxt and our own feed."""

from __future__ import annotations

import json
from typing import Any

import ccxt.pro
import pytest

from scanner.lab.book import LabBook, LabMarket
from scanner.lab.seam import Close, Connection, Reply, Request, VenueWorld
from scanner.lab.server import LabServer
from scanner.lab.units import SECOND
from scanner.lab.venues.coinbase import CoinbaseLab, market_id
from scanner.lab.venues.coinbase_metadata import rfc3339
from scanner.steps import Reconnect, Refused, Reset
from scanner.types import Depth
from scanner.venues.coinbase import VENUE
from tests.lab.clients import (
    AT,
    MS,
    asked,
    books,
    connected,
    lab_book,
    lab_market,
    recovered,
    refusals,
    said,
    shows,
    sides,
    stream,
    truth,
)
from tests.lab.conftest import StartNative
from tests.lab.native import until

TIME = "2026-09-21T14:13:20Z"
PRODUCTS = "/api/v3/brokerage/market/products"
BOOK = "/api/v3/brokerage/market/product_book"


@pytest.fixture
def lab_venues() -> tuple[str, ...]:
    return ("coinbase",)


def market(base: str, quote: str) -> LabMarket:
    return lab_market(
        market_id(base, quote),
        base=base,
        quote=quote,
        price_decimals=2,
        size_decimals=8,
        taker="0.012",
        maker="0.006",
    )


@pytest.fixture
def book() -> LabBook:
    """91000.1/91000.25 and one level behind each, last change 104."""
    return lab_book(market("BTC", "USD"), "91000.1/0.5 91000/1.2", "91000.25/0.3 91000.35/2")


@pytest.fixture
def venue(book: LabBook) -> CoinbaseLab:
    other = LabBook(market("ETH", "EUR"), at=AT)
    return CoinbaseLab(VenueWorld("coinbase", {"BTC-USD": book, "ETH-EUR": other}))


@pytest.fixture
def client(venue: CoinbaseLab) -> Connection:
    return connected(venue, "/")


def request(verb: str, channel: str, *products: str) -> str:
    return json.dumps({"type": verb, "product_ids": products, "channel": channel})


def row(side: str, price: str, size: str, when: str = TIME) -> dict[str, str]:
    return {"side": side, "event_time": when, "price_level": price, "new_quantity": size}


WHOLE = {
    "type": "snapshot",
    "product_id": "BTC-USD",
    "updates": [
        row("bid", "91000.1", "0.5"),
        row("bid", "91000", "1.2"),
        row("offer", "91000.25", "0.3"),
        row("offer", "91000.35", "2"),
    ],
}


# --- REST -------------------------------------------------------------------------------------


def test_market_ids_are_product_ids_and_celo_is_cgld() -> None:
    assert market_id("BTC", "USD") == "BTC-USD"
    assert market_id("CELO", "USD") == "CGLD-USD"


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (AT, TIME),
        (AT + 1, "2026-09-21T14:13:20.000000001Z"),
        (AT + 48_120_000, "2026-09-21T14:13:20.04812Z"),
    ],
)
def test_times_have_no_trailing_zeros(at: int, text: str) -> None:
    assert rfc3339(at) == text


def test_products_list_the_usdc_names_of_usd_markets(venue: CoinbaseLab) -> None:
    status, body = asked(venue, PRODUCTS)
    assert status == 200
    assert body["num_products"] == 3
    listed = {p["product_id"]: (p["alias"], p["alias_to"]) for p in body["products"]}
    assert listed == {
        "BTC-USD": ("", ["BTC-USDC"]),
        "ETH-EUR": ("", []),
        "BTC-USDC": ("BTC-USD", []),
    }
    futures = asked(venue, PRODUCTS, product_type="FUTURE")
    assert futures == (200, {"products": [], "num_products": 0})
    assert asked(venue, PRODUCTS + "/BTC-USDC")[1]["quote_currency_id"] == "USDC"


def test_product_book(venue: CoinbaseLab) -> None:
    assert asked(venue, BOOK, product_id="BTC-USD") == (
        200,
        {
            "pricebook": {
                "product_id": "BTC-USD",
                "bids": [
                    {"price": "91000.1", "size": "0.5"},
                    {"price": "91000", "size": "1.2"},
                ],
                "asks": [
                    {"price": "91000.25", "size": "0.3"},
                    {"price": "91000.35", "size": "2"},
                ],
                "time": TIME,
            },
            "last": "91000.1",
            "mid_market": "91000.175",
            "spread_bps": "0.016483484785",
            "spread_absolute": "0.15",
        },
    )
    one = asked(venue, BOOK, product_id="BTC-USDC", limit="1")[1]["pricebook"]
    assert one["product_id"] == "BTC-USD"
    assert [len(one["bids"]), len(one["asks"])] == [1, 1]
    empty = asked(venue, BOOK, product_id="ETH-EUR")[1]
    assert (empty["pricebook"]["bids"], empty["mid_market"]) == ([], "")


def test_rest_errors(venue: CoinbaseLab) -> None:
    text = "valid product_id is required"
    refusal = {"error": "INVALID_ARGUMENT", "error_details": text, "message": text}
    assert asked(venue, BOOK, product_id="XYZ-USD") == (400, refusal)
    assert asked(venue, BOOK) == (400, refusal)
    assert asked(venue, PRODUCTS + "/XYZ-USD")[0] == 404
    assert venue.rest(Request("GET", "/nothing"), AT).status == 404
    assert venue.rest(Request("POST", PRODUCTS), AT).status == 405


def test_currencies_rates_and_time(venue: CoinbaseLab) -> None:
    assert [c["id"] for c in asked(venue, "/v2/currencies")[1]["data"]] == ["EUR", "USD"]
    crypto = asked(venue, "/v2/currencies/crypto")[1]["data"]
    assert [c["code"] for c in crypto] == ["BTC", "ETH", "USDC"]
    rates = asked(venue, "/v2/exchange-rates")[1]["data"]["rates"]
    assert rates["USD"] == "1.0"
    assert rates["BTC"].startswith("0.0000109889989131880074857")
    assert asked(venue, "/v2/time")[1]["data"] == {"iso": TIME, "epoch": AT // SECOND}
    assert asked(venue, "/api/v3/brokerage/time")[1]["epochMillis"] == str(AT // MS)


# --- streams ----------------------------------------------------------------------------------


def test_the_snapshot_comes_before_the_acknowledgement(client: Connection) -> None:
    first, second = said(client.received(request("subscribe", "level2", "BTC-USD"), AT))
    assert first == {
        "channel": "l2_data",
        "timestamp": TIME,
        "sequence_num": 0,
        "events": [WHOLE],
    }
    assert second == {
        "channel": "subscriptions",
        "timestamp": TIME,
        "sequence_num": 1,
        "events": [{"subscriptions": {"level2": ["BTC-USD"]}}],
    }


def test_updates_come_at_once_and_only_the_last_size_of_a_price(
    client: Connection, book: LabBook
) -> None:
    client.received(request("subscribe", "level2", "BTC-USD"), AT)
    assert client.due(AT + 10 * MS) == []
    later = AT + 20 * MS
    book.set(0, 9_100_010, 0, later)
    book.set(1, 9_100_035, 0, later)
    book.set(1, 9_100_035, 70_000_000, later)
    (message,) = said(client.due(later))
    when = "2026-09-21T14:13:20.02Z"
    assert message == {
        "channel": "l2_data",
        "timestamp": when,
        "sequence_num": 2,
        "events": [
            {
                "type": "update",
                "product_id": "BTC-USD",
                "updates": [
                    row("bid", "91000.1", "0", when),
                    row("offer", "91000.35", "0.7", when),
                ],
            }
        ],
    }
    assert client.due(AT + 30 * MS) == []


def test_one_count_over_all_channels(client: Connection) -> None:
    outs = client.received(request("subscribe", "heartbeats"), AT)
    outs += client.received(request("subscribe", "level2", "BTC-USD"), AT)
    outs += client.received(request("subscribe", "ticker", "BTC-USD"), AT)
    outs += client.received(request("subscribe", "level2", "nope"), AT)
    outs += client.due(AT) + client.due(AT + SECOND)
    messages = said(outs)
    assert [m.get("sequence_num") for m in messages] == [0, 1, 2, 3, None, 4, 5]
    assert messages[3]["events"][0]["subscriptions"] == {
        "ticker": ["BTC-USD"],
        "level2": ["BTC-USD"],
        "heartbeats": ["heartbeats"],
    }
    assert messages[-1]["events"] == [
        {
            "current_time": "2026-09-21 14:13:21 +0000 UTC m=+1.000000000",
            "heartbeat_counter": 1,
        }
    ]


def test_an_alias_is_answered_under_its_original(client: Connection) -> None:
    both = request("subscribe", "level2", "BTC-USDC", "BTC-USD")
    first, second = said(client.received(both, AT))
    assert first["events"] == [WHOLE]
    assert second["events"][0]["subscriptions"] == {"level2": ["BTC-USD"]}


def test_unsubscribing_and_subscribing_anew_gives_a_fresh_snapshot(
    client: Connection, book: LabBook
) -> None:
    client.received(request("subscribe", "level2", "BTC-USD"), AT)
    (answer,) = said(client.received(request("unsubscribe", "level2", "BTC-USD"), AT))
    assert answer["events"] == [{"subscriptions": {}}]
    book.set(1, 9_100_035, 0, AT)
    assert client.due(AT + 10 * MS) == []
    first, _ = said(client.received(request("subscribe", "level2", "BTC-USD"), AT))
    assert first["sequence_num"] == 3
    assert first["events"][0]["updates"] == WHOLE["updates"][:3]


def test_unsubscribing_without_products_ends_the_channel(client: Connection) -> None:
    for channel in ("level2", "ticker"):
        client.received(request("subscribe", channel, "BTC-USD", "ETH-EUR"), AT)
    (answer,) = said(client.received(request("unsubscribe", "ticker", "BTC-USD"), AT))
    assert answer["events"][0]["subscriptions"]["ticker"] == ["ETH-EUR"]
    (answer,) = said(client.received(request("unsubscribe", "ticker"), AT))
    assert answer["events"] == [{"subscriptions": {"level2": ["BTC-USD", "ETH-EUR"]}}]
    (answer,) = said(client.received(request("unsubscribe", "level2"), AT))
    assert answer["events"] == [{"subscriptions": {}}]


def test_one_unknown_product_refuses_the_whole_request(client: Connection) -> None:
    both = request("subscribe", "level2", "BTC-USD", "XYZ-USD")
    assert said(client.received(both, AT)) == [
        {"type": "error", "message": "XYZ-USD is not a valid product"}
    ]
    assert client.due(AT + SECOND) == []


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "[" * 100_000,
        "{}",
        '{"type":"buy","channel":"level2"}',
        '{"type":"subscribe","channel":7}',
        '{"type":"subscribe","channel":["level2"]}',
        '{"type":"subscribe","channel":"level2","product_ids":"BTC-USD"}',
        '{"type":"subscribe","channel":"level2","product_ids":[7]}',
        request("subscribe", "l2_data", "BTC-USD"),
        request("subscribe", "user", "BTC-USD"),
        request("subscribe", "level2", *(f"A{i}-USD" for i in range(1001))),
    ],
)
def test_bad_requests_are_refused(client: Connection, text: str) -> None:
    (answer,) = said(client.received(text, AT))
    assert answer["type"] == "error"


def test_too_many_messages_are_refused(client: Connection) -> None:
    answers = [client.received(request("subscribe", "heartbeats"), AT) for _ in range(21)]
    assert said(answers[20]) == [{"type": "error", "message": "rate limit exceeded"}]
    assert said(answers[19])[0]["channel"] == "subscriptions"
    later = client.received(request("subscribe", "heartbeats"), AT + SECOND // 4)
    assert said(later)[0]["channel"] == "subscriptions"


def test_too_many_connections_are_refused(venue: CoinbaseLab) -> None:
    refused = [isinstance(venue.connect("/", {}, AT), Reply) for _ in range(9)]
    assert refused == [False] * 8 + [True]
    assert not isinstance(venue.connect("/", {}, AT + SECOND), Reply)
    elsewhere = venue.connect("/elsewhere", {}, AT + SECOND)
    assert isinstance(elsewhere, Reply) and elsewhere.status == 404


def test_who_does_not_subscribe_within_five_seconds_is_disconnected(client: Connection) -> None:
    assert client.opened(AT) == []
    assert client.due(AT + 5 * SECOND) == []
    (close,) = client.due(AT + 5 * SECOND + MS)
    assert isinstance(close, Close)


def test_a_quiet_connection_without_heartbeats_is_closed(client: Connection) -> None:
    client.received(request("subscribe", "level2", "BTC-USD"), AT)
    assert client.due(AT + 75 * SECOND) == []
    (close,) = client.due(AT + 76 * SECOND)
    assert isinstance(close, Close)
    client.received(request("subscribe", "heartbeats"), AT)
    assert all(isinstance(out, str) for out in client.due(AT + 76 * SECOND))


def test_what_can_no_longer_be_told_shows_as_a_gap(client: Connection, book: LabBook) -> None:
    client.received(request("subscribe", "level2", "BTC-USD"), AT)
    for number in range(20_001):
        book.set(0, 9_000_000, 1 + number, AT)
    assert client.due(AT) == []
    book.set(0, 9_000_000, 0, AT)
    assert said(client.due(AT))[0]["sequence_num"] == 3


# --- over real sockets ------------------------------------------------------------------------


def pointed_at(lab: LabServer) -> Any:
    """An unmodified ccxt client whose addresses are the lab's."""
    exchange = ccxt.pro.coinbase()
    exchange.urls["api"]["rest"] = lab.url("coinbase")
    exchange.urls["api"]["ws"] = lab.ws("coinbase")
    return exchange


async def test_ccxt_and_our_feed_build_the_same_book(
    lab: LabServer, start_native: StartNative
) -> None:
    symbols = ["BTC/USD", "DOGE/USD", "ETH/EUR"]
    feeds = [start_native("coinbase", symbols, depth) for depth in Depth]
    async with pointed_at(lab) as exchange:
        markets = await exchange.load_markets()
        assert {m["id"] for m in markets.values()} >= set(books(lab, "coinbase"))
        assert markets["BTC/USD"]["precision"] == {"amount": 1e-08, "price": 0.01}
        assert markets["BTC/USD"]["limits"]["cost"]["min"] == 1.0
        await stream(exchange, symbols, 8, feeds)
        lab.freeze()
        for symbol in symbols:
            fetched = await exchange.fetch_order_book(symbol)
            expected = truth(lab.book("coinbase", symbol))
            assert sides(fetched) == expected
            for feed in feeds:
                await feed.settled(symbol, 1000)
            await shows(exchange, symbol, expected)
        for feed in feeds:
            assert feed.acked() == {"BTC-USD", "DOGE-USD", "ETH-EUR"}
            assert not any(isinstance(a, Reset | Refused | Reconnect) for a in feed.actions)


async def test_usdc_products_are_the_usd_books_to_ccxt_and_to_us(lab: LabServer) -> None:
    async with pointed_at(lab) as exchange:
        markets = await exchange.load_markets()
        assert VENUE.stream_id(markets["BTC/USDC"]) == "BTC-USD"
        assert VENUE.stream_id(markets["BTC/USD"]) == "BTC-USD"
        assert VENUE.stream_id(markets["BTC/EUR"]) == "BTC-EUR"
        book = await exchange.watch_order_book("BTC/USDC")
        assert book["symbol"] == "BTC/USD"


async def test_an_unknown_product_does_not_keep_the_others_out(
    lab: LabServer, start_native: StartNative
) -> None:
    names = {"BTC/USD": "BTC-USD", "ETH/USD": "NOPE-USD", "SOL/USD": "SOL-USD"}
    native = start_native("coinbase", names, Depth.TOP)
    await until(lambda: native.lane.live() == 2, 10)
    assert native.acked() == {"BTC-USD", "SOL-USD"}
    assert refusals(native) == ["NOPE-USD"]


async def test_our_feed_recovers_when_the_venue_drops_it(
    lab: LabServer, start_native: StartNative
) -> None:
    await recovered(lab, start_native, "coinbase", "ETH/USD", Depth.TOP, 500)
