"""KuCoin: real payload shapes, exact steps, and each trap of the protocol under its own name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.steps import (
    Ack,
    Best,
    Connect,
    Delta,
    Fetch,
    Notice,
    Reconnect,
    Refused,
    Reset,
    Send,
    Snapshot,
)
from scanner.types import Depth
from scanner.venues.kucoin import INCOMPARABLE, VENUE
from scanner.venues.parts import MILLISECOND, SECOND
from scanner.venues.protocol import VenueProtocol
from tests.venues.harness import build, sent, text

AT = 1_729_816_058 * SECOND
BULLET = {
    "code": "200000",
    "data": {
        "token": "2neAiu+YvAU/6ZDX==.9g==",
        "instanceServers": [
            {
                "endpoint": "wss://ws-api-spot.kucoin.com/",
                "encrypt": True,
                "protocol": "websocket",
                "pingInterval": 18000,
                "pingTimeout": 10000,
            }
        ],
    },
}


def protocol(
    *names: str, depth: Depth = Depth.TOP, rest: str = VENUE.rest, ws: str = VENUE.ws
) -> VenueProtocol:
    return build(VENUE, names or ("BTC-USDT",), depth, rest=rest, ws=ws)


def welcome(kucoin: VenueProtocol) -> list[dict[str, Any]]:
    """Open the connection; the subscriptions that follow the welcome."""
    assert list(kucoin.opened(AT)) == []
    return sent(kucoin.received(text({"id": "7", "type": "welcome"}), AT))


def message(topic: str, data: object, subject: str = "level2") -> bytes:
    return text({"type": "message", "topic": topic, "subject": subject, "data": data})


def depth_50(time: int, bid: str = "68145.7", name: str = "BTC-USDT") -> bytes:
    return message(
        f"/spotMarket/level2Depth50:{name}",
        {
            "asks": [["68145.8", "0.51236847"], ["68146", "1.5"]],
            "bids": [[bid, "1.29267802"]],
            "timestamp": time,
        },
    )


def changes(
    first: int,
    last: int,
    bids: Sequence[Sequence[str]] = (),
    asks: Sequence[Sequence[str]] = (),
    time: int | None = 1663747970273,
) -> bytes:
    data = {
        "changes": {"asks": list(asks), "bids": list(bids)},
        "sequenceEnd": last,
        "sequenceStart": first,
        "symbol": "BTC-USDT",
    }
    if time is not None:
        data["time"] = time
    return message("/market/level2:BTC-USDT", data, "trade.l2update")


def book(sequence: object, time: int = 1663747970100) -> bytes:
    return text(
        {
            "code": "200000",
            "data": {
                "time": time,
                "sequence": sequence,
                "bids": [["18891.9", "0.2"], ["18891", "1"]],
                "asks": [["18906", "0.5"]],
            },
        }
    )


# --- the way to the stream ----------------------------------------------------------------------


def test_the_token_is_fetched_before_the_connection() -> None:
    kucoin = protocol()
    assert list(kucoin.start(AT)) == [
        Fetch("token", "https://api.kucoin.com/api/v1/bullet-public", "POST")
    ]
    assert list(kucoin.fetched("token", 200, text(BULLET), AT)) == [
        Connect(
            "wss://ws-api-spot.kucoin.com/"
            f"?token=2neAiu%2BYvAU%2F6ZDX%3D%3D.9g%3D%3D&connectId={AT}"
        )
    ]


@pytest.mark.parametrize(
    ("endpoint", "address"),
    [
        ("wss://ws-api-spot.kucoin.com/endpoint", "ws://127.0.0.1:9/kucoin/endpoint"),
        ("wss://ws-api-spot.kucoin.com/", "ws://127.0.0.1:9/kucoin/"),
        ("ws://127.0.0.1:9/kucoin/endpoint", "ws://127.0.0.1:9/kucoin/endpoint"),
    ],
)
def test_a_configured_address_wins_over_the_endpoint_that_came(endpoint: str, address: str) -> None:
    kucoin = protocol(rest="http://127.0.0.1:9/kucoin", ws="ws://127.0.0.1:9/kucoin")
    answer = json.loads(text(BULLET))
    answer["data"]["instanceServers"][0]["endpoint"] = endpoint
    (connect,) = kucoin.fetched("token", 200, text(answer), AT)
    assert isinstance(connect, Connect)
    assert connect.url.partition("?")[0] == address
    assert "token=2neAiu%2BYvAU" in connect.url


@pytest.mark.parametrize("status", [0, 429, 503])
def test_without_a_token_the_connection_has_no_future(status: int) -> None:
    steps = protocol().fetched("token", status, b"<html>", AT)
    assert list(steps) == [Reconnect(f"no token served (HTTP {status})")]


def test_a_token_answer_with_another_code_has_no_future_either() -> None:
    answer = text({"code": "429000", "msg": "Too Many Requests"})
    (step,) = protocol().fetched("token", 200, answer, AT)
    assert isinstance(step, Reconnect)


@pytest.mark.parametrize("endpoint", ["javascript:alert(1)", "wss://", "wss://a b/", "wss://a/?x"])
def test_an_endpoint_that_is_none_is_not_followed(endpoint: str) -> None:
    answer = json.loads(text(BULLET))
    answer["data"]["instanceServers"][0]["endpoint"] = endpoint
    with pytest.raises(msgspec.ValidationError):
        protocol().fetched("token", 200, text(answer), AT)


def test_nothing_is_subscribed_before_the_welcome() -> None:
    kucoin = protocol("BTC-USDT", "ETH-USDT")
    assert list(kucoin.opened(AT)) == []
    assert sent(kucoin.received(text({"id": "7", "type": "welcome"}), AT)) == [
        {
            "id": "/spotMarket/level2Depth50#1",
            "type": "subscribe",
            "topic": "/spotMarket/level2Depth50:BTC-USDT,ETH-USDT",
            "privateChannel": False,
            "response": True,
        },
        {
            "id": "/spotMarket/level1#2",
            "type": "subscribe",
            "topic": "/spotMarket/level1:BTC-USDT,ETH-USDT",
            "privateChannel": False,
            "response": True,
        },
    ]


def test_a_subscription_names_at_most_100_symbols() -> None:
    names = [f"C{number}-USDT" for number in range(130)]
    subscriptions = welcome(protocol(*names, depth=Depth.FULL))
    assert [s["topic"].partition(":")[0] for s in subscriptions] == [
        "/market/level2",
        "/spotMarket/level1",
    ] * 2
    sizes = [len(s["topic"].split(",")) for s in subscriptions]
    assert sizes == [100, 100, 30, 30]


def test_no_welcome_ends_the_connection() -> None:
    kucoin = protocol()
    kucoin.opened(AT)
    assert Reconnect not in [type(step) for step in kucoin.idle(AT + 9 * SECOND)]
    assert [type(step) for step in kucoin.idle(AT + 11 * SECOND)] == [Reconnect]


# --- answers ------------------------------------------------------------------------------------


def test_an_ack_of_the_depth_topic_is_one_for_each_market() -> None:
    kucoin = protocol("BTC-USDT", "ETH-USDT")
    depth, best = welcome(kucoin)
    assert list(kucoin.received(text({"id": best["id"], "type": "ack"}), AT)) == []
    assert list(kucoin.received(text({"id": depth["id"], "type": "ack"}), AT)) == [
        Ack("BTC-USDT"),
        Ack("ETH-USDT"),
    ]
    assert list(kucoin.received(text({"id": depth["id"], "type": "ack"}), AT)) == []


def test_a_refused_batch_is_tried_one_by_one() -> None:
    kucoin = protocol("BTC-USDT", "XXX-USDT")
    depth, _ = welcome(kucoin)
    error = {"id": depth["id"], "type": "error", "code": 404, "data": "topic does not exist"}
    again = sent(kucoin.received(text(error), AT))
    assert [s["topic"] for s in again] == [
        "/spotMarket/level2Depth50:BTC-USDT",
        "/spotMarket/level2Depth50:XXX-USDT",
    ]
    assert list(kucoin.received(text({"id": again[0]["id"], "type": "ack"}), AT)) == [
        Ack("BTC-USDT")
    ]
    error["id"] = again[1]["id"]
    assert list(kucoin.received(text(error), AT)) == [
        Refused("XXX-USDT", '"topic does not exist" (code 404)')
    ]


def test_a_refused_best_bid_and_offer_leaves_the_book_alone() -> None:
    kucoin = protocol()
    _, best = welcome(kucoin)
    error = {"id": best["id"], "type": "error", "code": 404, "data": "topic does not exist"}
    assert [type(step) for step in kucoin.received(text(error), AT)] == [Notice]


def test_an_error_that_answers_no_request_is_refused_as_a_whole() -> None:
    error = {"id": "x", "type": "error", "code": 415, "data": "type is not supported"}
    assert list(protocol().received(text(error), AT)) == [
        Refused(None, '"type is not supported" (code 415)')
    ]


def test_an_expired_token_asks_for_a_new_connection() -> None:
    error = {"id": "1", "type": "error", "code": 401, "data": "token is expired"}
    (step,) = protocol().received(text(error), AT)
    assert isinstance(step, Reconnect)


# --- heartbeat ----------------------------------------------------------------------------------


def test_the_client_pings_at_the_interval_that_came_with_the_token_though_data_flows() -> None:
    kucoin = protocol()
    kucoin.fetched("token", 200, text(BULLET), AT)
    welcome(kucoin)
    pings = []
    for second in range(1, 60):
        now = AT + second * SECOND
        kucoin.received(depth_50(1729816058000 + second), now)
        pings += [(second, body) for body in sent(kucoin.idle(now))]
    assert [second for second, _ in pings] == [18, 36, 54]
    assert all(body["type"] == "ping" and body["id"] for _, body in pings)


def test_an_unanswered_ping_ends_the_connection() -> None:
    kucoin = protocol()
    welcome(kucoin)
    steps = [type(step) for second in range(1, 12) for step in kucoin.idle(AT + second * SECOND)]
    assert Send in steps
    assert steps[-1] is Reconnect


def test_a_pong_keeps_a_quiet_connection() -> None:
    kucoin = protocol()
    welcome(kucoin)
    for second in range(1, 100):
        now = AT + second * SECOND
        for step in kucoin.idle(now):
            assert isinstance(step, Send)
            pong = {"id": json.loads(step.text)["id"], "type": "pong"}
            assert list(kucoin.received(text(pong), now)) == []


# --- top ----------------------------------------------------------------------------------------


def test_depth_50_is_a_whole_book_ordered_by_its_time() -> None:
    kucoin = protocol()
    assert list(kucoin.received(depth_50(1729816058766), AT)) == [
        Snapshot(
            market="BTC-USDT",
            bids=b'[["68145.7","1.29267802"]]',
            asks=b'[["68145.8","0.51236847"],["68146","1.5"]]',
            sequence=1729816058766,
            sent_at=1729816058766 * MILLISECOND,
        )
    ]


def test_an_older_book_is_skipped_and_one_of_the_same_time_is_not() -> None:
    kucoin = protocol()
    kucoin.received(depth_50(1729816058766), AT)
    assert list(kucoin.received(depth_50(1729816058765), AT)) == []
    assert len(kucoin.received(depth_50(1729816058766, bid="68145.6"), AT)) == 1


def test_level_1_is_the_best_bid_and_offer_in_the_same_order() -> None:
    data = {
        "asks": ["68145.8", "0.51236847"],
        "bids": ["68145.7", "1.29267802"],
        "timestamp": 1729816058766,
    }
    best = message("/spotMarket/level1:BTC-USDT", data, "level1")
    assert list(protocol().received(best, AT)) == [
        Best(
            market="BTC-USDT",
            bid_price="68145.7",
            bid_size="1.29267802",
            ask_price="68145.8",
            ask_size="0.51236847",
            order=1729816058766,
            sent_at=1729816058766 * MILLISECOND,
        )
    ]


@pytest.mark.parametrize("empty", [None, [], ["0", "0"], ["", ""]])
def test_an_empty_side_of_level_1_has_no_price(empty: object) -> None:
    data = {"asks": ["68145.8", "0.5"], "bids": empty, "timestamp": 1729816058766}
    (best,) = protocol().received(message("/spotMarket/level1:BTC-USDT", data, "level1"), AT)
    assert isinstance(best, Best)
    assert (best.bid_price, best.bid_size, best.ask_price) == ("", "", "68145.8")


def test_resync_subscribes_anew_once_at_a_time() -> None:
    kucoin = protocol()
    welcome(kucoin)
    requests = sent(kucoin.resync("BTC-USDT", "silent", AT))
    assert [(r["type"], r["topic"]) for r in requests] == [
        ("unsubscribe", "/spotMarket/level2Depth50:BTC-USDT"),
        ("subscribe", "/spotMarket/level2Depth50:BTC-USDT"),
    ]
    assert list(kucoin.received(text({"id": requests[0]["id"], "type": "ack"}), AT)) == []
    assert list(kucoin.received(text({"id": requests[1]["id"], "type": "ack"}), AT)) == [
        Ack("BTC-USDT")
    ]
    assert list(kucoin.resync("BTC-USDT", "silent", AT + SECOND)) == []
    kucoin.received(depth_50(1), AT + 2 * SECOND)
    assert len(kucoin.resync("BTC-USDT", "silent", AT + 3 * SECOND)) == 2


def test_a_resync_without_an_answer_is_tried_again() -> None:
    kucoin = protocol()
    kucoin.resync("BTC-USDT", "silent", AT)
    topics = []
    for second in range(1, 14):
        now = AT + second * SECOND
        kucoin.received(text({"id": "1", "type": "pong"}), now)
        topics += [s["type"] for s in sent(kucoin.idle(now)) if s["type"] != "ping"]
    assert topics == ["unsubscribe", "subscribe"]


# --- full ---------------------------------------------------------------------------------------


def synced(last: int = 100) -> VenueProtocol:
    """A protocol whose book stands at ``last`` with a snapshot and one change."""
    kucoin = protocol(depth=Depth.FULL)
    assert list(kucoin.received(changes(last, last), AT)) == [
        Fetch(
            "depth:BTC-USDT",
            "https://api.kucoin.com/api/v1/market/orderbook/level2_100?symbol=BTC-USDT",
        )
    ]
    steps = kucoin.fetched("depth:BTC-USDT", 200, book(str(last - 1)), AT)
    assert [type(step) for step in steps] == [Snapshot, Delta]
    return kucoin


def test_the_first_change_asks_for_the_snapshot_and_later_ones_wait() -> None:
    kucoin = protocol(depth=Depth.FULL)
    assert [type(s) for s in kucoin.received(changes(98, 99), AT)] == [Fetch]
    assert list(kucoin.received(changes(100, 101), AT)) == []
    steps = kucoin.fetched("depth:BTC-USDT", 200, book("99"), AT)
    assert list(steps) == [
        Snapshot(
            market="BTC-USDT",
            bids=b'[["18891.9","0.2"],["18891","1"]]',
            asks=b'[["18906","0.5"]]',
            sequence=99,
            order=1663747970100,
            sent_at=1663747970100 * MILLISECOND,
            live=False,
        ),
        Delta(
            market="BTC-USDT",
            sequence=101,
            order=1663747970273,
            sent_at=1663747970273 * MILLISECOND,
            received_at=AT,
            rows_after=99,
        ),
    ]


def test_rows_not_above_the_snapshot_are_skipped_in_the_change_that_reaches_behind_it() -> None:
    asks = [["18906", "0.00331", "14103845"]]
    bids = [["18891.9", "0.15688", "14103847"]]
    kucoin = protocol(depth=Depth.FULL)
    kucoin.received(changes(14103844, 14103847, bids, asks), AT)
    steps = kucoin.fetched("depth:BTC-USDT", 200, book("14103845"), AT)
    (_, delta) = steps
    assert isinstance(delta, Delta)
    assert (delta.rows_after, delta.sequence) == (14103845, 14103847)
    assert delta.asks == b'[["18906","0.00331","14103845"]]'
    assert delta.bids == b'[["18891.9","0.15688","14103847"]]'


def test_that_change_may_also_come_after_the_snapshot() -> None:
    kucoin = protocol(depth=Depth.FULL)
    kucoin.received(changes(90, 91), AT)
    assert len(kucoin.fetched("depth:BTC-USDT", 200, book("99"), AT)) == 1
    assert list(kucoin.received(changes(92, 99), AT)) == []
    (delta,) = kucoin.received(changes(98, 103), AT)
    assert isinstance(delta, Delta) and delta.rows_after == 99
    (delta,) = kucoin.received(changes(104, 104), AT)
    assert isinstance(delta, Delta) and delta.rows_after == 0


def test_a_range_may_cover_more_ids_than_rows() -> None:
    kucoin = synced(100)
    (delta,) = kucoin.received(changes(101, 109, asks=[["18906", "1", "105"]]), AT)
    assert isinstance(delta, Delta) and delta.sequence == 109


def test_a_row_of_price_zero_only_advances_the_sequence() -> None:
    kucoin = synced(100)
    (delta,) = kucoin.received(changes(101, 101, asks=[["0", "0", "101"]]), AT)
    assert isinstance(delta, Delta) and delta.asks == b'[["0","0","101"]]'
    assert VENUE.layout.zero_price_skips


def test_to_a_change_without_a_time_no_best_bid_and_offer_is_compared() -> None:
    kucoin = synced(100)
    (delta,) = kucoin.received(changes(101, 101, time=None), AT)
    assert isinstance(delta, Delta)
    assert (delta.order, delta.sent_at) == (INCOMPARABLE, 0)


def test_sequences_above_2_to_the_53_stay_exact() -> None:
    last = 2**53 + 1
    kucoin = synced(last)
    (delta,) = kucoin.received(changes(last + 1, last + 2), AT)
    assert isinstance(delta, Delta) and delta.sequence == last + 2


def test_a_gap_resets_the_book_and_asks_for_one_snapshot() -> None:
    kucoin = synced(100)
    steps = kucoin.received(changes(102, 103), AT)
    assert [type(step) for step in steps] == [Reset, Fetch]
    assert steps[0] == Reset("BTC-USDT", "sequence 102..103 does not follow the last one")
    assert list(kucoin.received(changes(105, 106), AT)) == []
    steps = kucoin.fetched("depth:BTC-USDT", 200, book("105"), AT)
    assert [type(step) for step in steps] == [Snapshot, Delta]


def test_repeated_and_older_changes_are_skipped() -> None:
    kucoin = synced(100)
    assert list(kucoin.received(changes(100, 100), AT)) == []
    assert list(kucoin.received(changes(98, 99), AT)) == []
    assert len(kucoin.received(changes(101, 101), AT)) == 1


def test_a_snapshot_older_than_the_stream_is_fetched_again_with_patience() -> None:
    kucoin = protocol(depth=Depth.FULL)
    kucoin.opened(AT)
    kucoin.received(changes(100, 100), AT)
    steps = kucoin.fetched("depth:BTC-USDT", 200, book("50"), AT)
    assert [type(step) for step in steps] == [Notice]
    assert list(kucoin.idle(AT)) == []
    assert [type(step) for step in kucoin.idle(AT + SECOND)] == [Fetch]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, b'{"code":"429000","msg":"Too many requests"}'),
        (200, b'{"code":"429000","msg":"Too many requests"}'),
        (200, b'{"code":"200000","data":null}'),
        (200, b'{"code":"200000","data":{"time":1,"sequence":null,"bids":null,"asks":null}}'),
        (0, b""),
    ],
)
def test_a_snapshot_that_is_not_served_is_asked_for_again(status: int, body: bytes) -> None:
    kucoin = protocol(depth=Depth.FULL)
    kucoin.opened(AT)
    kucoin.received(changes(100, 100), AT)
    steps = kucoin.fetched("depth:BTC-USDT", status, body, AT)
    assert [type(step) for step in steps] == [Notice]
    assert [type(step) for step in kucoin.idle(AT + SECOND)] == [Fetch]


def test_a_side_of_a_snapshot_may_be_null() -> None:
    kucoin = protocol(depth=Depth.FULL)
    kucoin.received(changes(100, 100), AT)
    body = text({"code": "200000", "data": {"sequence": "99", "bids": None, "asks": []}})
    snapshot = kucoin.fetched("depth:BTC-USDT", 200, body, AT)[0]
    assert isinstance(snapshot, Snapshot)
    assert (snapshot.bids, snapshot.asks, snapshot.order) == (b"[]", b"[]", INCOMPARABLE)


def test_resync_of_the_full_book_subscribes_anew_and_fetches() -> None:
    kucoin = synced(100)
    steps = kucoin.resync("BTC-USDT", "crossed", AT)
    assert [type(step) for step in steps] == [Send, Send, Fetch]
    assert [(r["type"], r["topic"]) for r in sent(steps)] == [
        ("unsubscribe", "/market/level2:BTC-USDT"),
        ("subscribe", "/market/level2:BTC-USDT"),
    ]
    assert list(kucoin.resync("BTC-USDT", "crossed", AT)) == []
    assert list(kucoin.received(changes(120, 121), AT)) == []
    steps = kucoin.fetched("depth:BTC-USDT", 200, book("119"), AT)
    assert [type(step) for step in steps] == [Snapshot, Delta]


def deep(last: int = 100) -> VenueProtocol:
    """A synced protocol over a snapshot that was cut at 100 levels: 1000 to 901, 1001 to 1100."""
    kucoin = protocol(depth=Depth.FULL)
    kucoin.received(changes(last, last), AT)
    kucoin.fetched("depth:BTC-USDT", 200, hundred(last - 1), AT)
    return kucoin


def hundred(sequence: int, middle: int = 1000) -> bytes:
    bids = [[str(middle - i), "1"] for i in range(100)]
    asks = [[str(middle + 1 + i), "1"] for i in range(100)]
    data = {"time": 1, "sequence": str(sequence), "bids": bids, "asks": asks}
    return text({"code": "200000", "data": data})


def test_levels_beyond_the_snapshot_are_unknown_and_left_out() -> None:
    raw = changes(101, 102, [["900.9", "5", "101"], ["901", "5", "102"]], [["1101", "5", "102"]])
    (delta,) = deep().received(raw, AT)
    assert isinstance(delta, Delta)
    assert (delta.bids, delta.asks) == (b'[["901","5","102"]]', b"[]")


def test_levels_beyond_the_snapshot_are_left_out_of_waiting_changes_too() -> None:
    kucoin = protocol(depth=Depth.FULL)
    kucoin.received(changes(100, 100, asks=[["1101", "5", "100"]]), AT)
    (_, delta) = kucoin.fetched("depth:BTC-USDT", 200, hundred(99), AT)
    assert isinstance(delta, Delta) and delta.asks == b"[]"


def test_a_price_that_leaves_the_middle_of_the_snapshot_has_it_renewed_in_one_step() -> None:
    kucoin = deep()
    fall = changes(101, 101, asks=[["950.5", "2", "101"]])
    assert [type(step) for step in kucoin.received(fall, AT)] == [Delta, Fetch]
    assert [type(s) for s in kucoin.received(changes(102, 103, [["890", "1", "103"]]), AT)] == [
        Delta
    ]
    kucoin.received(changes(104, 104, [["949", "0", "104"], ["849", "1", "104"]], time=9), AT)
    (snapshot,) = kucoin.fetched("depth:BTC-USDT", 200, hundred(101, middle=949), AT)
    assert isinstance(snapshot, Snapshot)
    assert (snapshot.sequence, snapshot.order, snapshot.live) == (104, 9, True)
    bids = json.loads(snapshot.bids)
    assert (bids[0], bids[-1], len(bids)) == (["948", "1"], ["850", "1"], 99)
    assert json.loads(snapshot.asks)[0] == ["950", "1"]
    (delta,) = kucoin.received(changes(105, 105, [["860", "7", "105"], ["849", "7", "105"]]), AT)
    assert isinstance(delta, Delta) and delta.bids == b'[["860","7","105"]]'


def test_a_renewing_snapshot_ahead_of_the_stream_is_joined_by_it() -> None:
    kucoin = deep()
    kucoin.received(changes(101, 101, asks=[["950.5", "2", "101"]]), AT)
    (snapshot,) = kucoin.fetched("depth:BTC-USDT", 200, hundred(103, middle=949), AT)
    assert isinstance(snapshot, Snapshot) and (snapshot.sequence, snapshot.live) == (103, True)
    assert list(kucoin.received(changes(102, 102), AT)) == []
    assert [type(step) for step in kucoin.received(changes(103, 104), AT)] == [Delta]


def test_a_renewing_snapshot_from_before_it_was_asked_for_is_fetched_again() -> None:
    kucoin = deep()
    kucoin.opened(AT)
    kucoin.received(changes(101, 101, asks=[["950.5", "2", "101"]]), AT)
    steps = kucoin.fetched("depth:BTC-USDT", 200, hundred(99, middle=949), AT)
    assert [type(step) for step in steps] == [Notice]
    assert [type(step) for step in kucoin.received(changes(102, 102), AT)] == [Delta]
    assert [type(step) for step in kucoin.idle(AT + SECOND)] == [Fetch]
    (snapshot,) = kucoin.fetched("depth:BTC-USDT", 200, hundred(101, middle=949), AT)
    assert isinstance(snapshot, Snapshot) and snapshot.sequence == 102


def test_a_gap_while_the_snapshot_is_renewed_waits_for_it() -> None:
    kucoin = deep()
    kucoin.received(changes(101, 101, asks=[["950.5", "2", "101"]]), AT)
    assert [type(step) for step in kucoin.received(changes(103, 103), AT)] == [Reset]
    steps = kucoin.fetched("depth:BTC-USDT", 200, hundred(102, middle=949), AT)
    assert [type(step) for step in steps] == [Snapshot, Delta]


# --- what does not belong -----------------------------------------------------------------------


def test_a_market_that_was_not_subscribed_gives_no_book_step() -> None:
    steps = protocol().received(depth_50(1729816058766, name="ETH-USDT"), AT)
    assert [type(step) for step in steps] == [Notice]


def test_any_market_is_taken_where_the_subscriptions_are_unknown() -> None:
    kucoin = build(VENUE, None, Depth.FULL)
    assert [type(step) for step in kucoin.received(changes(5, 5), AT)] == [Fetch]
    assert sent(kucoin.received(text({"id": "7", "type": "welcome"}), AT)) == []


def test_other_topics_are_ignored_and_other_types_noticed() -> None:
    data = {"sequence": "1613277183873", "bestAsk": "242.951", "bestBid": "242.654"}
    ticker = message("/market/ticker:BTC-USDT", data, "trade.ticker")
    assert list(protocol().received(ticker, AT)) == []
    assert [type(s) for s in protocol().received(b'{"type":"notice"}', AT)] == [Notice]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b'{"data":' + b"[" * 100_000,
        b'{"topic":"\xff"}',
        depth_50(1729816058766)[:-9],
        depth_50(-1),
        depth_50(10**18),
        changes(-5, 1),
        changes(1, 2**63),
        changes(1, 2).replace(b'"sequenceEnd":2', b'"sequenceEnd":"2"'),
        message("/spotMarket/level1:BTC-USDT", {"asks": ["1"], "bids": ["1", "2"], "timestamp": 1}),
        message("/spotMarket/level1:BTC-USDT", {"asks": [1.5, 2], "bids": None, "timestamp": 1}),
    ],
)
def test_what_cannot_be_read_raises_and_nothing_else(raw: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        protocol(depth=Depth.FULL).received(raw, AT)


SHAPES = [
    depth_50(1729816058766),
    changes(101, 102, [["1", "2", "101"]]),
    text({"id": "/market/level2#1", "type": "ack"}),
    text({"id": "1", "type": "error", "code": 404, "data": "topic does not exist"}),
    text(BULLET),
    book("100"),
]


@given(st.sampled_from(SHAPES), st.integers(0, 400), st.binary(max_size=6), st.integers(0, 6))
def test_mutilated_messages_raise_nothing_but_decode_errors(
    shape: bytes, place: int, bytes_in: bytes, bytes_out: int
) -> None:
    raw = shape[:place] + bytes_in + shape[place + bytes_out :]
    kucoin = synced(100)
    for feed in (
        lambda: kucoin.received(raw, AT),
        lambda: kucoin.fetched("token", 200, raw, AT),
        lambda: kucoin.fetched("depth:BTC-USDT", 200, raw, AT),
    ):
        try:
            feed()
        except msgspec.DecodeError:
            continue
