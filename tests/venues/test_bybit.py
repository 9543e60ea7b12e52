"""Bybit v5 spot, message by message."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from scanner.steps import Ack, Best, Connect, Delta, Notice, Reconnect, Refused, Reset, Snapshot
from scanner.types import Depth
from scanner.venues.bybit import TOPIC_CHARACTERS, VENUE
from scanner.venues.parts import SECOND
from scanner.venues.protocol import VenueProtocol
from tests.venues.harness import build, sent

BIDS = '[["65140.4","0.885797"],["65140","0.014"]]'
ASKS = '[["65140.5","0.31"],["65141","1.2"]]'


def protocol(*ids: str, depth: Depth = Depth.TOP) -> VenueProtocol:
    connection = build(VENUE, ids or None, depth, rest="http://r", ws="ws://w")
    connection.start(0)
    return connection


def book(
    u: int,
    kind: str = "delta",
    *,
    seq: int | None = None,
    bids: str = "[]",
    asks: str = "[]",
    market: str = "BTCUSDT",
    levels: int = 50,
) -> bytes:
    return (
        f'{{"topic":"orderbook.{levels}.{market}","ts":1786310816516,"type":"{kind}",'
        f'"data":{{"s":"{market}","b":{bids},"a":{asks},"u":{u},"seq":{seq or 1000 + u}}},'
        f'"cts":1786310816510}}'
    ).encode()


def answer(op: str, number: str | None, error: str = "") -> bytes:
    body: dict[str, Any] = {"success": not error, "ret_msg": error or op, "conn_id": "d9av-4zd1x"}
    if number is not None:
        body["req_id"] = number
    return json.dumps(body | {"op": op}).encode()


def synced(*, at: int = 0) -> VenueProtocol:
    made = protocol("BTCUSDT")
    made.opened(at)
    made.received(book(10, "snapshot", bids=BIDS, asks=ASKS), at)
    return made


def test_connects_to_the_spot_stream() -> None:
    assert build(VENUE, []).start(0) == [Connect("wss://stream.bybit.com/v5/public/spot")]


def test_subscribes_ten_topics_per_request() -> None:
    ids = [f"C{n}USDT" for n in range(6)]
    requests = sent(protocol(*ids).opened(0))
    assert [len(request["args"]) for request in requests] == [10, 2]
    assert requests[0]["op"] == "subscribe"
    first = ["orderbook.50.C0USDT", "orderbook.1.C0USDT", "orderbook.50.C1USDT"]
    assert requests[0]["args"][:3] == first
    assert [request["req_id"] for request in requests] == ["1", "2"]


def test_full_depth_takes_200_levels() -> None:
    (request,) = sent(protocol("BTCUSDT", depth=Depth.FULL).opened(0))
    assert request["args"] == ["orderbook.200.BTCUSDT", "orderbook.1.BTCUSDT"]


def test_topics_of_one_connection_stay_below_the_venues_limit() -> None:
    longest = len('"orderbook.200.","orderbook.1.",') + 2 * len("1000000BABYDOGEUSDT-LONGEST")
    assert VENUE.limits.markets * longest <= TOPIC_CHARACTERS


def test_snapshot_then_delta() -> None:
    made = protocol("BTCUSDT")
    made.opened(0)
    assert made.received(book(10, "snapshot", seq=77, bids=BIDS, asks=ASKS), 0) == [
        Snapshot(
            market="BTCUSDT",
            bids=BIDS.encode(),
            asks=ASKS.encode(),
            sequence=10,
            order=77,
            sent_at=1786310816516 * 1_000_000,
        )
    ]
    rows = '[["65140.4","0"],["65139.6","0.004622"]]'
    assert made.received(book(11, seq=99, bids=rows), 0) == [
        Delta(
            market="BTCUSDT",
            bids=rows.encode(),
            asks=b"[]",
            sequence=11,
            order=99,
            sent_at=1786310816516 * 1_000_000,
        )
    ]


def test_data_may_come_before_its_acknowledgement() -> None:
    made = synced()
    assert made.received(answer("subscribe", "1"), 0) == [Ack("BTCUSDT")]


def test_a_missing_message_is_a_gap_and_asks_for_a_new_snapshot() -> None:
    made = synced()
    reset, *rest = made.received(book(12), 0)
    assert reset == Reset("BTCUSDT", "update id 12 does not follow 10")
    (leave,) = sent(rest)
    topics = ["orderbook.50.BTCUSDT", "orderbook.1.BTCUSDT"]
    assert (leave["op"], leave["args"]) == ("unsubscribe", topics)
    (join,) = sent(made.received(answer("unsubscribe", leave["req_id"]), 0))
    assert (join["op"], join["args"]) == ("subscribe", topics)


def test_deltas_after_a_gap_count_for_nothing_until_the_snapshot() -> None:
    made = synced()
    made.received(book(12), 0)
    assert list(made.received(book(13), 0)) == []
    assert list(made.received(book(99), 0)) == []
    (snapshot,) = made.received(book(100, "snapshot", bids=BIDS, asks=ASKS), 0)
    assert isinstance(snapshot, Snapshot)
    (delta,) = made.received(book(101), 0)
    assert isinstance(delta, Delta)


def test_equal_update_id_is_a_repeat() -> None:
    made = synced()
    assert list(made.received(book(10, bids='[["65140.4","9"]]'), 0)) == []
    assert isinstance(made.received(book(11), 0)[0], Delta)


def test_older_messages_are_skipped_and_move_no_book_backwards() -> None:
    made = synced()
    made.received(book(11), 0)
    assert list(made.received(book(10, seq=1010), 0)) == []
    assert list(made.received(book(9, "snapshot", seq=1009, bids=BIDS, asks=ASKS), 0)) == []
    assert isinstance(made.received(book(12), 0)[0], Delta)


def test_snapshot_at_any_time_replaces_the_book() -> None:
    made = synced()
    (snapshot,) = made.received(book(500, "snapshot", bids=BIDS, asks=ASKS), 0)
    assert isinstance(snapshot, Snapshot)
    assert isinstance(made.received(book(501), 0)[0], Delta)


def test_snapshot_with_smaller_update_id_but_later_seq_replaces_the_book() -> None:
    made = synced()
    (snapshot,) = made.received(book(3, "snapshot", seq=5000, bids=BIDS, asks=ASKS), 0)
    assert isinstance(snapshot, Snapshot)
    assert isinstance(made.received(book(4, seq=5001), 0)[0], Delta)


def test_update_id_1_is_a_service_restart_even_when_it_says_delta() -> None:
    made = synced()
    (snapshot,) = made.received(book(1, "delta", seq=2000, bids=BIDS, asks=ASKS), 0)
    assert isinstance(snapshot, Snapshot)
    assert (snapshot.sequence, snapshot.order, snapshot.bids) == (1, 2000, BIDS.encode())
    assert isinstance(made.received(book(2, seq=2001), 0)[0], Delta)


def test_update_ids_reset_unseen_are_a_gap_not_old_messages() -> None:
    made = synced()
    reset = made.received(book(3, seq=9000), 0)[0]
    assert isinstance(reset, Reset)


def test_best_bid_and_offer_is_ordered_by_seq() -> None:
    made = synced()
    touch = book(7, "snapshot", seq=80, bids='[["65140.4","0.885797"]]', levels=1)
    assert made.received(touch, 0) == [
        Best(
            market="BTCUSDT",
            bid_price="65140.4",
            bid_size="0.885797",
            ask_price="",
            ask_size="",
            order=80,
            sent_at=1786310816516 * 1_000_000,
        )
    ]


def test_best_bid_and_offer_does_not_disturb_the_update_ids_of_the_depth() -> None:
    made = synced()
    made.received(book(4_000, "snapshot", bids=BIDS, asks=ASKS, levels=1), 0)
    assert isinstance(made.received(book(11), 0)[0], Delta)


def test_depth_1_repeats_with_equal_update_id_after_three_quiet_seconds() -> None:
    made = synced()
    for seq in (80, 95):
        (best,) = made.received(book(7, "snapshot", seq=seq, bids=BIDS, asks=ASKS, levels=1), 0)
        assert isinstance(best, Best)
        assert best.order == seq


def test_recording_of_depth_1_alone_is_a_book_of_one_level() -> None:
    made = protocol()
    row = '[["0.6131","17.9"]]'
    (snapshot,) = made.received(
        book(5, "snapshot", bids=row, asks="[]", levels=1, market="BANDUSDT"), 0
    )
    assert isinstance(snapshot, Snapshot)
    assert (snapshot.market, snapshot.depth, snapshot.bids) == ("BANDUSDT", 1, row.encode())


def test_changes_of_depth_1_of_years_ago_are_no_state_of_the_best() -> None:
    row = '[["0.6131","17.9"]]'
    assert list(synced().received(book(8, bids=row, levels=1), 0)) == []
    assert list(protocol().received(book(8, bids=row, levels=1), 0)) == []


def test_recording_takes_any_market_and_any_depth_but_one_topic_per_book() -> None:
    made = protocol()
    (snapshot,) = made.received(book(5, "snapshot", levels=1000, market="SOLUSDT"), 0)
    assert isinstance(snapshot, Snapshot)
    assert list(made.received(book(90, "snapshot", levels=50, market="SOLUSDT"), 0)) == []
    (delta,) = made.received(book(6, levels=1000, market="SOLUSDT"), 0)
    assert isinstance(delta, Delta)
    (best,) = made.received(book(6, "snapshot", levels=1, market="SOLUSDT"), 0)
    assert isinstance(best, Best)


def test_batch_ack_names_each_market_once_and_by_its_depth_topic() -> None:
    made = protocol("BTCUSDT", "ETHUSDT")
    made.opened(0)
    assert made.received(answer("subscribe", "1"), 0) == [Ack("BTCUSDT"), Ack("ETHUSDT")]
    assert list(made.received(answer("subscribe", "1"), 0)) == []


@pytest.mark.parametrize("number", [None, ""])
def test_ack_without_number_is_nobodys(number: str | None) -> None:
    made = protocol("BTCUSDT")
    made.opened(0)
    assert list(made.received(answer("subscribe", number), 0)) == []


def test_failed_batch_is_resent_one_topic_at_a_time() -> None:
    made = protocol("BTCUSDT", "NOPEUSDT")
    made.opened(0)
    error = "Invalid symbol :[orderbook.50.NOPEUSDT]"
    again = sent(made.received(answer("subscribe", "1", error), 0))
    assert [request["args"] for request in again] == [
        ["orderbook.50.BTCUSDT"],
        ["orderbook.1.BTCUSDT"],
        ["orderbook.50.NOPEUSDT"],
        ["orderbook.1.NOPEUSDT"],
    ]
    assert made.received(answer("subscribe", again[0]["req_id"]), 0) == [Ack("BTCUSDT")]
    assert made.received(answer("subscribe", again[1]["req_id"]), 0) == []
    assert made.received(answer("subscribe", again[2]["req_id"], error), 0) == [
        Refused("NOPEUSDT", error)
    ]
    (notice,) = made.received(answer("subscribe", again[3]["req_id"], error), 0)
    assert isinstance(notice, Notice)


def test_already_subscribed_counts_as_accepted() -> None:
    made = protocol("BTCUSDT")
    made.opened(0)
    error = "error:already subscribed,topic:orderbook.1.BTCUSDT"
    again = sent(made.received(answer("subscribe", "1", error), 0))
    assert made.received(answer("subscribe", again[0]["req_id"]), 0) == [Ack("BTCUSDT")]
    assert made.received(answer("subscribe", again[1]["req_id"], error), 0) == []


def test_refusal_without_number_is_known_by_the_topic_it_names() -> None:
    made = protocol("NOPEUSDT")
    made.opened(0)
    error = "error:handler not found,topic:orderbook.50.NOPEUSDT"
    assert made.received(answer("subscribe", None, error), 0) == [Refused("NOPEUSDT", error)]
    assert made.received(answer("subscribe", None, "args size >10"), 0) == [
        Refused(None, "args size >10")
    ]


def test_error_without_operation_is_a_refusal() -> None:
    body = b'{"success":false,"ret_msg":"error:invalid op","conn_id":"x","request":{"op":""}}'
    assert protocol("BTCUSDT").received(body, 0) == [Refused(None, "error:invalid op")]


def resynced(made: VenueProtocol, u: int, at: int) -> None:
    """The venue answers a resync."""
    (leave,) = sent(made.resync("BTCUSDT", "crossed", at))
    made.received(answer("unsubscribe", leave["req_id"]), at)
    made.received(book(u, "snapshot", bids=BIDS, asks=ASKS), at)


def test_one_resync_in_flight_per_market() -> None:
    made = synced()
    (leave,) = sent(made.resync("BTCUSDT", "crossed", 0))
    assert list(made.resync("BTCUSDT", "crossed", SECOND)) == []
    assert list(made.received(book(11), SECOND)) == []
    made.received(answer("unsubscribe", leave["req_id"]), SECOND)
    made.received(book(40, "snapshot", bids=BIDS, asks=ASKS), SECOND)
    assert len(sent(made.resync("BTCUSDT", "crossed", 2 * SECOND))) == 1


def test_resync_goes_on_whatever_the_venue_says_to_the_unsubscribe() -> None:
    made = synced()
    (leave,) = sent(made.resync("BTCUSDT", "crossed", 0))
    error = "error:not subscribed,topic:orderbook.50.BTCUSDT"
    (join,) = sent(made.received(answer("unsubscribe", leave["req_id"], error), 0))
    assert join["op"] == "subscribe"


def test_refused_resync_is_over_and_may_be_asked_again() -> None:
    made = synced()
    (leave,) = sent(made.resync("BTCUSDT", "silent", 0))
    (join,) = sent(made.received(answer("unsubscribe", leave["req_id"]), 0))
    error = "Invalid symbol :[orderbook.50.BTCUSDT]"
    again = sent(made.received(answer("subscribe", join["req_id"], error), 0))
    assert made.received(answer("subscribe", again[0]["req_id"], error), 0) == [
        Refused("BTCUSDT", error)
    ]
    assert len(sent(made.resync("BTCUSDT", "silent", 2 * SECOND))) == 1


def test_unanswered_resync_is_asked_again() -> None:
    made = synced()
    made.resync("BTCUSDT", "crossed", 0)
    asked: list[tuple[int, str]] = []
    for tenth in range(300):
        at = tenth * SECOND // 10
        made.received(b'{"success":true,"ret_msg":"pong","conn_id":"x","op":"ping"}', at)
        asked += [(tenth, step["op"]) for step in sent(made.idle(at)) if step["op"] != "ping"]
    assert [op for _, op in asked] == ["subscribe", "unsubscribe"]
    assert asked[0][0] in range(100, 110)


def test_answered_resync_is_not_asked_again() -> None:
    made = synced()
    resynced(made, 40, 0)
    for second in range(1, 30):
        made.received(book(40 + second), second * SECOND)
        ops = {request["op"] for request in sent(made.idle(second * SECOND))}
        assert ops <= {"ping"}


def test_pings_every_twenty_seconds() -> None:
    made = protocol("BTCUSDT")
    made.opened(0)
    pings = []
    for second in range(1, 62):
        made.received(b'{"op":"pong","args":["1757405570352"],"conn_id":"x"}', second * SECOND)
        pings += [second for request in sent(made.idle(second * SECOND)) if request["op"] == "ping"]
    assert pings == [20, 40, 60]


def test_silence_is_probed_and_then_given_up() -> None:
    made = synced()
    assert list(made.idle(4 * SECOND)) == []
    assert sent(made.idle(5 * SECOND)) == [{"op": "ping"}]
    (step,) = made.idle(10 * SECOND)
    assert isinstance(step, Reconnect)


def test_other_topics_are_none_of_our_business() -> None:
    made = protocol("BTCUSDT")
    tickers = b'{"topic":"tickers.BTCUSDT","ts":1,"type":"snapshot","cs":2,"data":{"symbol":"B"}}'
    rpi = b'{"topic":"orderbook.rpi.BTCUSDT","ts":1,"type":"delta","data":{"s":"BTCUSDT"}}'
    assert list(made.received(tickers, 0)) == []
    assert list(made.received(rpi, 0)) == []


def test_unknown_market_is_noticed_and_touches_no_book() -> None:
    (notice,) = protocol("BTCUSDT").received(book(5, "snapshot", market="XRPUSDT"), 0)
    assert isinstance(notice, Notice)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"garbage",
        b"[]",
        b'{"topic":"orderbook.50.BTCUSDT"',
        b'{"topic":"orderbook.50.BTCUSDT"}',
        book(-1, "snapshot"),
        book(11, "whatever"),
        book(11, seq=2**63),
        book(11).replace(b'"u":11', b'"u":"11"'),
        book(11).replace(b'"u":11', b'"u":11.5'),
        book(11).replace(b'"s":"BTCUSDT"', b'"s":"ETHUSDT"'),
        book(11).replace(b"1786310816516", b"99999999999999999"),
        book(11, "snapshot", levels=1, bids='[["1"]]'),
        book(11, "snapshot", levels=1).replace(b'"s":"BTCUSDT"', b'"s":"ETHUSDT"'),
        book(11)[:-30],
        book(11, bids="[" * 100_000),
    ],
)
def test_nonsense_raises(raw: bytes) -> None:
    made = synced()
    with pytest.raises(msgspec.DecodeError):
        made.received(raw, 0)


def test_ids_above_the_precision_of_doubles_stay_exact() -> None:
    made = protocol("BTCUSDT")
    (snapshot,) = made.received(book(2**53 + 1, "snapshot", seq=2**53 + 3), 0)
    assert isinstance(snapshot, Snapshot)
    assert (snapshot.sequence, snapshot.order) == (2**53 + 1, 2**53 + 3)
    assert isinstance(made.received(book(2**53 + 2, seq=2**53 + 5), 0)[0], Delta)
