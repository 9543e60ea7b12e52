"""What the simulated venues of contracts refuse, and what their answers look like up close."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from scanner.lab.book import ASK, BID, LabBook, LabMarket
from scanner.lab.contracts import LabContract
from scanner.lab.premium import HOUR
from scanner.lab.seam import Close, Connection, LabVenue, Reply, Request, VenueWorld
from scanner.lab.units import SECOND
from scanner.lab.venues import lab_venue
from tests.lab.clients import AT, MS, said

NAMES = {
    "binanceusdm": "BTCUSDT",
    "okx": "BTC-USDT-SWAP",
    "bybit": "BTCUSDT",
    "hyperliquid": "BTC",
    "gate": "BTC_USDT",
    "bitget": "BTCUSDT",
    "kucoinfutures": "XBTUSDTM",
    "krakenfutures": "PF_XBTUSD",
}


def contract(name: str) -> LabContract:
    """91000/91001 and one level behind each, sizes in whole contracts."""
    market = LabMarket(
        id=name,
        base="BTC",
        quote="USDT",
        price_decimals=1,
        size_decimals=0,
        lot="1",
        tick="0.1",
        min_amount="1",
        min_notional="5",
        taker="0.0005",
        maker="0.0002",
        settle="USDT",
        contract_size="0.001",
        interval=4 * HOUR,
    )
    book = LabBook(market, sequence=100, at=AT)
    for side, ticks in ((BID, 910_000), (BID, 909_990), (ASK, 910_010), (ASK, 910_020)):
        book.set(side, ticks, 7, AT)
    made = LabContract(book, Random(1), AT)
    made.observe(11.42, AT, AT)
    return made


def venue(name: str) -> LabVenue:
    world = VenueWorld(name, {}, {NAMES[name]: contract(NAMES[name])})
    world.base_url, world.ws_url = "http://h", "ws://h"
    return lab_venue(name)(world)


def connected(of: LabVenue, path: str, **query: str) -> Connection:
    found = of.connect(path, query, AT)
    assert not isinstance(found, Reply)
    return found


def get(of: LabVenue, path: str, method: str = "GET", body: bytes = b"", **query: str) -> Any:
    reply = of.rest(Request(method, path, query, {}, body), AT)
    return reply.status, json.loads(reply.body) if reply.body[:1] in "[{n" else reply.body


@pytest.mark.parametrize("name", NAMES)
def test_nonsense_raises_nothing(name: str) -> None:
    of = venue(name)
    for path in ("", "/", "/x", "/info", "/fapi/v1/depth", "/api/v4/futures/usdt/contracts/X"):
        assert isinstance(of.rest(Request("GET", path, {"limit": "x"}), AT), Reply)
        assert isinstance(of.rest(Request("POST", path, {}, {}, b"\xff"), AT), Reply)
    paths = {
        "binanceusdm": "/public/stream",
        "okx": "/ws/v5/public",
        "bybit": "/v5/public/linear",
        "hyperliquid": "/ws",
        "gate": "/v4/ws/usdt",
        "bitget": "/v3/ws/public",
        "kucoinfutures": "/",
        "krakenfutures": "/ws/v1",
    }
    client = connected(of, paths[name])
    for text in ("", "x", "[]", "[" * 5000, '{"op":7}', '{"method":"subscribe"}', '{"event":[]}'):
        client.received(text, AT)
    client.due(AT + SECOND)
    assert isinstance(of.connect("/nowhere", {}, AT), Reply)


def test_a_stream_of_the_other_class_is_acknowledged_and_stays_silent() -> None:
    of = venue("binanceusdm")
    ask = '{"method":"SUBSCRIBE","params":["btcusdt@markPrice@1s","btcusdt@bookTicker"],"id":1}'
    for path, stream in (("/public/stream", "btcusdt@bookTicker"), ("/market/stream", "")):
        client = connected(of, path)
        assert said(client.received(ask, AT)) == [{"result": None, "id": 1}]
        found = [message["stream"] for message in said(client.due(AT + SECOND))]
        assert found == [stream or "btcusdt@markPrice@1s"]


def test_a_top_of_the_book_looks_like_a_change_of_it() -> None:
    client = connected(venue("binanceusdm"), "/public/ws/btcusdt@depth20@100ms")
    (top,) = said(client.due(AT + 200 * MS))
    assert (top["e"], top["u"], top["b"][0]) == ("depthUpdate", 104, ["91000.0", "7"])


def test_only_intervals_that_differ_are_listed() -> None:
    assert get(venue("binanceusdm"), "/fapi/v1/fundingInfo")[1][0]["fundingIntervalHours"] == 4
    assert get(venue("binanceusdm"), "/fapi/v1/depth", symbol="BTCUSDT", limit="7")[0] == 400


def test_an_unknown_coin_closes_the_whole_connection() -> None:
    client = connected(venue("hyperliquid"), "/ws")
    ask = '{"method":"subscribe","subscription":{"type":"l2Book","coin":"%s"}}'
    assert said(client.received(ask % "BTC", AT))[0]["channel"] == "subscriptionResponse"
    assert said(client.received(ask % "BTC", AT))[0]["channel"] == "error"
    assert client.received(ask % "NOPE", AT) == [Close(1011, "")]


def test_a_client_that_is_told_nothing_for_a_minute_is_cut_off() -> None:
    client = connected(venue("hyperliquid"), "/ws")
    client.received('{"method":"ping"}', AT + 30 * SECOND)
    assert client.due(AT + 89 * SECOND) == []
    assert client.due(AT + 90 * SECOND) == [Close(1000, "Inactive")]


def test_sizes_are_whole_contracts_as_numbers() -> None:
    status, body = get(
        venue("gate"), "/api/v4/futures/usdt/order_book", contract="BTC_USDT", with_id="true"
    )
    assert (status, body["id"], body["bids"][0]) == (200, 104, {"p": "91000", "s": 7})
    client = connected(venue("gate"), "/v4/ws/usdt")
    ask = {"time": AT // SECOND, "channel": "futures.obu", "event": "subscribe"}
    client.received(json.dumps(ask | {"payload": ["ob.BTC_USDT.50"]}), AT)
    assert said(client.due(AT))[0]["result"]["b"][0] == ["91000", 7]
    spot = json.dumps(ask | {"channel": "spot.obu", "payload": ["ob.BTC_USDT.50"]})
    assert said(client.received(spot, AT))[0]["error"]["code"] == 2


def test_the_same_name_is_another_market_under_another_kind() -> None:
    client = connected(venue("bitget"), "/v3/ws/public")
    arg = {"topic": "books1", "symbol": "BTCUSDT"}
    for kind, count in (("spot", 0), ("coin-futures", 0), ("usdt-futures", 1)):
        ask = {"op": "subscribe", "args": [{"instType": kind, **arg}]}
        assert said(client.received(json.dumps(ask), AT))[0]["event"] == "subscribe"
        assert len(client.due(AT)) == count


def test_changes_come_one_a_message_each_with_the_next_sequence() -> None:
    of = venue("kucoinfutures")
    token = get(of, "/api/v1/bullet-public", "POST")[1]["data"]["token"]
    client = connected(of, "/", token=token)
    ask = {"id": "1", "type": "subscribe", "topic": "/contractMarket/level2:XBTUSDTM"}
    client.received(json.dumps(ask), AT)
    book = of._contracts["XBTUSDTM"].book  # type: ignore[attr-defined]
    book.set(BID, 910_000, 9, AT + SECOND)
    book.set(ASK, 910_010, 0, AT + SECOND)
    found = [message["data"] for message in said(client.due(AT + SECOND))]
    assert [(one["sequence"], one["change"]) for one in found] == [
        (105, "91000,buy,9"),
        (106, "91001,sell,0"),
    ]


def test_a_forecast_has_the_granularity_of_a_minute() -> None:
    of = venue("kucoinfutures")
    token = get(of, "/api/v1/bullet-public", "POST")[1]["data"]["token"]
    client = connected(of, "/", token=token)
    ask = {"id": "1", "type": "subscribe", "topic": "/contract/instrument:XBTUSDTM"}
    client.received(json.dumps(ask), AT)
    found = {m["subject"]: m["data"]["granularity"] for m in said(client.due(AT))[1:]}
    assert found == {"funding.rate": 60_000, "mark.index.price": 1000}


def test_rates_over_rest_are_money_per_contract() -> None:
    (ticker,) = get(venue("krakenfutures"), "/derivatives/api/v3/tickers")[1]["tickers"]
    assert abs(ticker["fundingRate"]) > 1e-6
    client = connected(venue("krakenfutures"), "/ws/v1")
    ask = {"event": "subscribe", "feed": "ticker", "product_ids": ["pf_xbtusd"]}
    assert said(client.received(json.dumps(ask), AT))[0]["product_ids"] == ["PF_XBTUSD"]
    (told,) = said(client.due(AT))
    ratio = told["funding_rate"] / told["relative_funding_rate"]
    assert ratio == pytest.approx(told["markPrice"])
    bad = json.dumps(ask | {"product_ids": ["PF_NOPE"]})
    assert said(client.received(bad, AT))[0]["message"] == "Invalid product id"


def test_a_ticker_is_whole_at_first_and_then_names_what_is_new() -> None:
    of = venue("bybit")
    client = connected(of, "/v5/public/linear")
    ask = json.dumps({"op": "subscribe", "args": ["tickers.BTCUSDT"], "req_id": "1"})
    (_, first) = said(client.received(ask, AT))
    assert (first["type"], first["data"]["fundingIntervalHour"]) == ("snapshot", "4")
    book = of._world.contracts["BTCUSDT"].book  # type: ignore[attr-defined]
    book.set(BID, 910_000, 9, AT)
    (change,) = said(client.due(AT + SECOND))
    assert change["type"] == "delta"
    assert change["data"] == {"bid1Size": "9", "symbol": "BTCUSDT"}
    assert client.due(AT + 2 * SECOND) == []


def test_an_index_is_subscribed_by_its_own_name() -> None:
    client = connected(venue("okx"), "/ws/v5/public")

    def ask(channel: str, name: str) -> dict[str, Any]:
        arg = {"channel": channel, "instId": name}
        return said(client.received(json.dumps({"op": "subscribe", "args": [arg]}), AT))[0]

    assert ask("index-tickers", "BTC-USDT")["event"] == "subscribe"
    assert ask("index-tickers", "BTC-USDT-SWAP")["code"] == "60018"
    assert ask("funding-rate", "BTC-USDT-SWAP")["event"] == "subscribe"
    data = {m["arg"]["channel"]: m["data"][0] for m in said(client.due(AT))}
    rate = data["funding-rate"]
    assert int(rate["nextFundingTime"]) - int(rate["fundingTime"]) == 4 * 3_600_000
    assert data["index-tickers"]["instId"] == "BTC-USDT"
