"""The simulated Gate, alone and against an unmodified ccxt and our own feed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import aiohttp
import ccxt.pro
import pytest

from scanner.lab.book import LabBook
from scanner.lab.seam import Close, Connection, Request, VenueWorld
from scanner.lab.server import LabServer
from scanner.lab.units import SECOND
from scanner.lab.venues.gate import GateLab, market_id
from scanner.steps import Ack, Best, Delta, Reset, Send, Snapshot, Step
from scanner.types import Depth, Market
from scanner.venues.gate import VENUE
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
    refused,
    said,
    sides,
    stream,
    truth,
)
from tests.lab.conftest import StartNative

BIDS = [["91000.1", "0.5"], ["91000", "1.25"]]
ASKS = [["91000.2", "0.3"], ["91000.4", "2"]]


@pytest.fixture
def lab_venues() -> tuple[str, ...]:
    return ("gate",)


@pytest.fixture
def book() -> LabBook:
    """91000.1/91000.2 and one level behind each, update id 104."""
    market = lab_market(
        "BTC_USDT",
        price_decimals=1,
        size_decimals=6,
        min_notional="3",
        taker="0.002",
        maker="0.0015",
    )
    return lab_book(market, "91000.1/0.5 91000/1.25", "91000.2/0.3 91000.4/2")


@pytest.fixture
def venue(book: LabBook) -> GateLab:
    return GateLab(VenueWorld("gate", {"BTC_USDT": book}))


def connection(venue: GateLab) -> Connection:
    found = connected(venue, "/ws/v4/")
    assert found.opened(AT) == []
    return found


def request(event: str, channel: str, *payload: object, at: int = AT, **more: object) -> str:
    body = {"time": at // SECOND, "channel": channel, "event": event, "payload": payload}
    return json.dumps(body | more)


def refusal(client: Connection, text: str) -> dict[str, Any]:
    (answer,) = said(client.received(text, AT))
    assert answer["result"] == {"status": "fail"}
    return answer["error"]  # type: ignore[no-any-return]


def subscribed(venue: GateLab, channel: str, *payload: str) -> Connection:
    client = connection(venue)
    (answer,) = said(client.received(request("subscribe", channel, *payload), AT))
    assert answer["result"] == {"status": "success"} and "error" not in answer
    return client


# --- REST ---------------------------------------------------------------------------------------


def test_market_ids_have_an_underscore() -> None:
    assert market_id("BTC", "USDT") == "BTC_USDT"


def test_depth_over_rest(venue: GateLab) -> None:
    path = "/api/v4/spot/order_book"
    book = {"current": AT // MS, "update": AT // MS, "asks": ASKS, "bids": BIDS}
    assert asked(venue, path, currency_pair="BTC_USDT") == (200, book)
    with_id = asked(venue, path, currency_pair="BTC_USDT", with_id="true", limit="1")[1]
    assert (with_id["id"], with_id["asks"]) == (104, ASKS[:1])


def test_rest_errors(venue: GateLab) -> None:
    path = "/api/v4/spot/order_book"
    status, answer = asked(venue, path, currency_pair="XYZ_USDT")
    assert (status, answer["label"]) == (400, "INVALID_CURRENCY_PAIR")
    assert asked(venue, path)[1]["label"] == "MISSING_REQUIRED_PARAM"
    for limit in ("0", "-1", "x", "1001"):
        status, answer = asked(venue, path, currency_pair="BTC_USDT", limit=limit)
        assert (status, answer["label"]) == (400, "INVALID_PARAM_VALUE")
    assert asked(venue, "/api/v4/nothing")[0] == asked(venue, "/spot/order_book")[0] == 404
    assert venue.rest(Request("POST", path, {"currency_pair": "BTC_USDT"}), AT).status == 404


def test_fee_rates_are_in_percent(venue: GateLab) -> None:
    (pair,) = asked(venue, "/api/v4/spot/currency_pairs")[1]
    assert (pair["fee"], pair["maker_fee_rate"]) == ("0.2", "0.15")
    assert (pair["precision"], pair["amount_precision"]) == (1, 6)


def test_more_than_200_requests_in_ten_seconds_are_refused(venue: GateLab) -> None:
    time = Request("GET", "/api/v4/spot/time")
    statuses = [venue.rest(time, AT).status for _ in range(201)]
    assert statuses == [200] * 200 + [429]
    answer = venue.rest(time, AT + 9 * SECOND)
    assert json.loads(answer.body)["label"] == "TOO_MANY_REQUESTS"
    assert answer.headers["X-Gate-RateLimit-Reset-Timestamp"] == str(AT // SECOND + 10)
    assert asked(venue, "/api/v4/spot/currency_pairs")[0] == 200, "each endpoint counts alone"
    assert venue.rest(time, AT + 10 * SECOND).status == 200


# --- the stream ---------------------------------------------------------------------------------


def test_answers_echo_the_request(venue: GateLab) -> None:
    client = connection(venue)
    text = request("subscribe", "spot.obu", "ob.BTC_USDT.50", id=7)
    (answer,) = said(client.received(text, AT))
    identities = {answer.pop(key) for key in ("conn_id", "trace_id", "requestId")}
    assert all(identities) and len(identities) == 2
    assert answer == {
        "time": AT // SECOND,
        "time_ms": AT // MS,
        "id": 7,
        "channel": "spot.obu",
        "event": "subscribe",
        "payload": ["ob.BTC_USDT.50"],
        "result": {"status": "success"},
    }


def test_the_whole_book_comes_first_and_changes_follow(venue: GateLab, book: LabBook) -> None:
    client = subscribed(venue, "spot.obu", "ob.BTC_USDT.50")
    assert said(client.due(AT)) == [
        {
            "channel": "spot.obu",
            "result": {
                "t": AT // MS,
                "full": True,
                "s": "ob.BTC_USDT.50",
                "u": 104,
                "b": BIDS,
                "a": ASKS,
            },
            "time_ms": AT // MS,
            "event": "update",
        }
    ]
    book.set(0, 910_001, 0, AT + MS)
    book.set(1, 910_004, 70, AT + MS)
    assert client.due(AT + 19 * MS) == []
    (frame,) = said(client.due(AT + 20 * MS))
    assert frame["result"] == {
        "t": AT // MS + 1,
        "s": "ob.BTC_USDT.50",
        "U": 105,
        "u": 106,
        "b": [["91000.1", "0"]],
        "a": [["91000.4", "0.00007"]],
    }
    assert client.due(AT + 60 * MS) == []


def test_a_change_outside_the_window_advances_the_id_in_a_frame_without_sides(
    venue: GateLab, book: LabBook
) -> None:
    for ticks in range(60):
        book.set(0, 909_000 - ticks, 7, AT)
    client = subscribed(venue, "spot.obu", "ob.BTC_USDT.50")
    (whole,) = said(client.due(AT))
    assert [len(whole["result"][side]) for side in "ba"] == [50, 2]
    book.set(0, 908_941, 9, AT)
    (frame,) = said(client.due(AT + 20 * MS))
    assert frame["result"] == {"t": AT // MS, "s": "ob.BTC_USDT.50", "U": 165, "u": 165}
    book.set(0, 910_001, 0, AT)
    (frame,) = said(client.due(AT + 40 * MS))
    assert frame["result"]["b"] == [["91000.1", "0"], ["90895.2", "0.000007"]]


def test_400_levels_are_pushed_at_most_every_100_ms(venue: GateLab, book: LabBook) -> None:
    client = subscribed(venue, "spot.obu", "ob.BTC_USDT.400")
    assert len(client.due(AT)) == 1
    book.set(0, 910_001, 0, AT)
    assert client.due(AT + 99 * MS) == []
    assert len(client.due(AT + 100 * MS)) == 1


def test_the_whole_book_comes_again(venue: GateLab, book: LabBook) -> None:
    client = subscribed(venue, "spot.obu", "ob.BTC_USDT.50")
    client.due(AT)
    book.set(0, 910_001, 0, AT)
    (frame,) = said(client.due(AT + 30 * SECOND))
    assert frame["result"]["full"] and frame["result"]["u"] == 105


def test_an_unknown_book_is_acknowledged_and_silent(venue: GateLab) -> None:
    client = subscribed(venue, "spot.obu", "ob.XYZ_USDT.50", "ob.BTC_USDT.50")
    (frame,) = said(client.due(AT))
    assert frame["result"]["s"] == "ob.BTC_USDT.50"


def test_a_second_subscription_of_one_book_is_refused(venue: GateLab) -> None:
    client = subscribed(venue, "spot.obu", "ob.BTC_USDT.50")
    again = request("subscribe", "spot.obu", "ob.BTC_USDT.50")
    assert refusal(client, again) == {"code": 2, "message": "Alert sub ob.BTC_USDT.50"}
    client.due(AT)
    leave = request("unsubscribe", "spot.obu", "ob.BTC_USDT.50")
    for text in (leave, again):
        (answer,) = said(client.received(text, AT))
        assert answer["result"] == {"status": "success"}
    assert said(client.due(AT))[0]["result"]["full"]


def test_book_ticker_says_the_best_whenever_it_changes(venue: GateLab, book: LabBook) -> None:
    client = subscribed(venue, "spot.book_ticker", "BTC_USDT")
    ticker = {"t": AT // MS, "u": 104, "s": "BTC_USDT", "b": "91000.1", "B": "0.5"}
    (frame,) = said(client.due(AT))
    assert frame["channel"] == "spot.book_ticker"
    assert frame["result"] == ticker | {"a": "91000.2", "A": "0.3"}
    book.set(1, 910_004, 1, AT)
    assert client.due(AT + MS) == []
    book.set(1, 910_002, 0, AT + MS)
    book.set(1, 910_004, 0, AT + MS)
    (frame,) = said(client.due(AT + MS))
    assert frame["result"] == ticker | {"t": AT // MS + 1, "u": 107, "a": "", "A": ""}


def test_an_unknown_pair_refuses_the_whole_book_ticker_request(venue: GateLab) -> None:
    client = connection(venue)
    text = request("subscribe", "spot.book_ticker", "BTC_USDT", "XYZ_USDT")
    assert refusal(client, text) == {"code": 2, "message": "unknown currency pair: XYZ_USDT"}
    assert client.due(AT) == []


def test_the_older_channel_bridges_to_its_snapshot(venue: GateLab, book: LabBook) -> None:
    """Through our own decoder: what it makes of channel and REST together is the true book."""
    client = subscribed(venue, "spot.order_book_update", "BTC_USDT", "100ms")
    protocol = VENUE.make(None, Options(depth=Depth.TOP, rest="", ws=""))
    book.set(0, 910_001, 0, AT)
    (first,) = client.due(AT)
    assert json.loads(str(first))["result"] == {
        "t": AT // MS,
        "e": "depthUpdate",
        "E": AT // SECOND,
        "s": "BTC_USDT",
        "U": 105,
        "u": 105,
        "b": [["91000.1", "0"]],
        "a": [],
    }
    (fetch,) = protocol.received(str(first).encode(), AT)
    body = venue.rest(
        Request(
            "GET",
            fetch.url.partition("?")[0],  # type: ignore[union-attr]
            {"currency_pair": "BTC_USDT", "limit": "100", "with_id": "true"},
        ),
        AT,
    ).body
    assert [type(s) for s in protocol.fetched("depth:BTC_USDT", 200, body.encode(), AT)] == [
        Snapshot
    ]
    book.set(1, 910_002, 0, AT)
    (second,) = client.due(AT + 100 * MS)
    (delta,) = protocol.received(str(second).encode(), AT)
    assert isinstance(delta, Delta)
    assert (delta.asks, delta.sequence) == (b'[["91000.2","0"]]', 106)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", 1),
        ("[]", 1),
        ("[" * 5000, 1),
        (request("subscribe", "spot.nothing", "BTC_USDT"), 2),
        (request("subscribe", "spot.obu", "ob.BTC_USDT.51"), 2),
        (request("subscribe", "spot.obu"), 2),
        (request("subscribe", "spot.obu", 7), 2),
        (request("buy", "spot.obu", "ob.BTC_USDT.50"), 2),
        (request("subscribe", "spot.order_book_update", "BTC_USDT", "1ms"), 2),
        (request("subscribe", "spot.order_book_update", "BTC_USDT"), 2),
        (request("subscribe", "spot.obu", *(f"ob.A{i}_B.50" for i in range(2001))), 2),
        (request("subscribe", "spot.obu", "ob.BTC_USDT.50", at=AT - 61 * SECOND), 2),
    ],
)
def test_bad_requests_are_refused(venue: GateLab, text: str, code: int) -> None:
    assert refusal(connection(venue), text)["code"] == code


def test_pings_are_answered(venue: GateLab) -> None:
    (pong,) = said(connection(venue).received('{"time": 1, "channel": "spot.ping"}', AT))
    assert (pong["channel"], pong["event"], pong["result"]) == ("spot.pong", "", None)


def test_a_silent_connection_without_subscriptions_ends_after_30_s(venue: GateLab) -> None:
    client = connection(venue)
    client.received('{"time": 1, "channel": "spot.ping"}', AT + 10 * SECOND)
    assert client.due(AT + 40 * SECOND) == []
    assert isinstance(client.due(AT + 41 * SECOND)[-1], Close)
    watching = subscribed(venue, "spot.book_ticker", "BTC_USDT")
    assert not [out for out in watching.due(AT + 90 * SECOND) if isinstance(out, Close)]


def test_other_paths_are_not_there(venue: GateLab) -> None:
    assert refused(venue, "/nowhere").status == 404


def test_our_protocol_notices_a_lost_frame_and_has_the_book_sent_again(
    venue: GateLab, book: LabBook
) -> None:
    client = connection(venue)
    market = Market(
        venue="gate", id="BTC_USDT", symbol="BTC/USDT", base="BTC", quote="USDT", taker_fee=0.002
    )
    protocol = VENUE.make([market], Options(depth=Depth.TOP, rest="", ws=""))

    def converse(steps: Sequence[Step], at: int) -> list[Step]:
        """Bring what is to be sent to the venue, and its answers back."""
        seen = [step for step in steps if not isinstance(step, Send)]
        for step in steps:
            if isinstance(step, Send):
                for out in client.received(step.text, at):
                    seen += converse(protocol.received(str(out).encode(), at), at)
        return seen

    def pushed(at: int) -> list[Step]:
        outs = [protocol.received(str(out).encode(), at) for out in client.due(at)]
        return [step for steps in outs for step in converse(steps, at)]

    assert converse(protocol.opened(AT), AT) == [Ack("BTC_USDT")]
    assert [type(step) for step in pushed(AT)] == [Snapshot, Best]
    book.set(0, 910_000, 1, AT)
    assert [type(step) for step in pushed(AT + 20 * MS)] == [Delta]
    book.set(0, 910_000, 2, AT)
    assert len(client.due(AT + 40 * MS)) == 1, "this one is lost"
    book.set(0, 910_000, 3, AT)
    assert pushed(AT + 60 * MS) == [
        Reset("BTC_USDT", "update ids 107..107 do not follow 105"),
        Ack("BTC_USDT"),
    ]
    (snapshot,) = pushed(AT + 70 * MS)
    assert isinstance(snapshot, Snapshot)
    assert (snapshot.sequence, snapshot.bids) == (107, b'[["91000.1","0.5"],["91000","0.000003"]]')


# --- against real clients -----------------------------------------------------------------------


def pointed_at(lab: LabServer) -> Any:
    """An unmodified ccxt client whose addresses are the lab's."""
    exchange = ccxt.pro.gate()
    urls = exchange.urls["api"]
    for section in urls["public"]:
        urls["public"][section] = lab.url("gate") + "/api/v4"
    urls["spot"] = lab.ws("gate") + "/ws/v4/"
    return exchange


@pytest.mark.parametrize("levels", [50, 400])
async def test_ccxt_and_our_feed_build_the_same_book(
    lab: LabServer, start_native: StartNative, levels: int
) -> None:
    symbols = ["BTC/USDT", "DOGE/USDT"]
    ours = start_native("gate", symbols, Depth.TOP if levels == 50 else Depth.FULL)
    async with pointed_at(lab) as exchange:
        markets = await exchange.load_markets()
        assert len(markets) == len(books(lab, "gate"))
        assert markets["BTC/USDT"]["precision"] == {"price": 0.1, "amount": 0.000001}
        assert (markets["BTC/USDT"]["taker"], markets["BTC/USDT"]["maker"]) == (0.002, 0.002)
        await stream(exchange, symbols, 15, (ours,), levels)
        lab.freeze()
        for symbol in symbols:
            fetched = await exchange.fetch_order_book(symbol, levels)
            book = lab.book("gate", symbol)
            await reached(exchange, symbol, book.sequence)
            await ours.settled(symbol, levels)
            assert fetched["nonce"] == book.sequence
            expected = truth(book, levels)
            assert sides(fetched) == sides(exchange.orderbooks[symbol]) == expected
        assert ours.acked() == {"BTC_USDT", "DOGE_USDT"}


async def test_ccxt_sees_the_refusal_of_an_unknown_pair(lab: LabServer) -> None:
    async with pointed_at(lab) as exchange:
        await exchange.load_markets()
        exchange.markets["BTC/USDT"]["id"] = "XYZ_USDT"
        with pytest.raises(ccxt.BadRequest, match="unknown currency pair"):
            await exchange.watch_bids_asks(["BTC/USDT"])


async def test_rest_over_a_real_socket(lab: LabServer) -> None:
    url = lab.url("gate") + "/api/v4/spot/order_book?currency_pair=XYZ_USDT"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        assert response.status == 400
        assert (await response.json())["label"] == "INVALID_CURRENCY_PAIR"


async def test_our_feed_recovers_when_the_venue_drops_it(
    lab: LabServer, start_native: StartNative
) -> None:
    await recovered(lab, start_native, "gate", "ETH/USDT", Depth.TOP, 50)
