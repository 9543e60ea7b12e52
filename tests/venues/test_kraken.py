"""Kraken v2, message by message."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scanner.books.store import BookStore, Keys
from scanner.steps import Ack, Connect, Delta, Notice, Reconnect, Refused, Reset, Snapshot
from scanner.types import ChecksumRule, Depth, LevelLayout
from scanner.venues.kraken import VENUE
from scanner.venues.parts import SECOND
from scanner.venues.protocol import VenueProtocol
from tests.venues.harness import build, sent, text
from tests.venues.wire import WIRE, needs_wire

BIDS = '[{"price":64525.0,"qty":0.53807066},{"price":64524.2,"qty":0.03095975}]'
ASKS = '[{"price":64525.1,"qty":0.00000010},{"price":64526.1,"qty":0.00005100}]'
WHEN = "2026-07-19T17:54:39.768901Z"
WHEN_NS = 1_784_483_679_768_901_000


def protocol(*ids: str, depth: Depth = Depth.TOP) -> VenueProtocol:
    connection = build(VENUE, ids or None, depth, rest="http://r", ws="ws://w")
    connection.start(0)
    return connection


def item(
    symbol: str = "BTC/USD", *, bids: str = "[]", asks: str = "[]", checksum: str = "1848203113"
) -> str:
    return (
        f'{{"symbol":"{symbol}","bids":{bids},"asks":{asks},"checksum":{checksum},'
        f'"timestamp":"{WHEN}"}}'
    )


def book(kind: str, *items: str) -> bytes:
    return f'{{"channel":"book","type":"{kind}","data":[{",".join(items)}]}}'.encode()


def status(system: str) -> bytes:
    data = {"version": "2.0.10", "system": system, "api_version": "v2", "connection_id": 1}
    return json.dumps({"channel": "status", "type": "update", "data": [data]}).encode()


def accepted(symbol: str, number: int, *, depth: int = 25, channel: str = "book") -> bytes:
    result = {"channel": channel, "depth": depth, "snapshot": True, "symbol": symbol}
    body = {"method": "subscribe", "req_id": number, "result": result, "success": True}
    return json.dumps(body | {"time_in": WHEN, "time_out": WHEN}).encode()


def refused(error: str, symbol: str | None = None, number: int | None = None) -> bytes:
    body: dict[str, Any] = {"error": error, "method": "subscribe", "success": False}
    if symbol is not None:
        body["symbol"] = symbol
    if number is not None:
        body["req_id"] = number
    return json.dumps(body | {"time_in": WHEN, "time_out": WHEN}).encode()


def left(symbol: str, number: int, error: str = "") -> bytes:
    body: dict[str, Any] = {"method": "unsubscribe", "req_id": number, "success": not error}
    if error:
        return json.dumps(body | {"symbol": symbol, "error": error}).encode()
    result = {"channel": "book", "depth": 25, "symbol": symbol}
    return json.dumps(body | {"result": result}).encode()


def synced(*ids: str) -> VenueProtocol:
    made = protocol(*(ids or ("BTC/USD",)))
    made.opened(0)
    for symbol in ids or ("BTC/USD",):
        made.received(book("snapshot", item(symbol, bids=BIDS, asks=ASKS)), 0)
    return made


def test_connects_to_v2() -> None:
    assert build(VENUE, []).start(0) == [Connect("wss://ws.kraken.com/v2")]


@pytest.mark.parametrize(("depth", "levels"), [(Depth.TOP, 10), (Depth.FULL, 1000)])
def test_subscribes_to_the_book(depth: Depth, levels: int) -> None:
    assert sent(protocol("BTC/USD", "ETH/USD", depth=depth).opened(0)) == [
        {
            "method": "subscribe",
            "params": {
                "channel": "book",
                "symbol": ["BTC/USD", "ETH/USD"],
                "depth": levels,
                "snapshot": True,
            },
            "req_id": 1,
        }
    ]


def test_many_markets_are_subscribed_in_several_requests() -> None:
    requests = sent(protocol(*(f"C{n}/USD" for n in range(120))).opened(0))
    assert [len(request["params"]["symbol"]) for request in requests] == [50, 50, 20]


def test_declares_how_levels_are_written_and_hashed() -> None:
    assert VENUE.layout == LevelLayout(price_key="price", size_key="qty")
    assert VENUE.checksum is ChecksumRule.DIGITS_10


def test_snapshot_keeps_the_text_of_its_numbers_and_the_subscribed_depth() -> None:
    made = protocol("BTC/USD")
    made.opened(0)
    assert made.received(book("snapshot", item(bids=BIDS, asks=ASKS)), 0) == [
        Snapshot(
            market="BTC/USD",
            bids=BIDS.encode(),
            asks=ASKS.encode(),
            sent_at=WHEN_NS,
            checksum=1848203113,
            depth=10,
        )
    ]


def test_update() -> None:
    rows = '[{"price":64525.3,"qty":0.00000000},{"price":64532.8,"qty":1.23479983}]'
    assert synced().received(book("update", item(asks=rows, checksum="2175437505")), 0) == [
        Delta(
            market="BTC/USD",
            bids=b"[]",
            asks=rows.encode(),
            sent_at=WHEN_NS,
            checksum=2175437505,
        )
    ]


def test_price_twice_in_one_frame_stays_in_order() -> None:
    rows = '[{"price":64525.3,"qty":0.1},{"price":64525.3,"qty":0.20000000}]'
    (delta,) = synced().received(book("update", item(asks=rows)), 0)
    assert isinstance(delta, Delta)
    assert delta.asks == rows.encode()


def test_several_items_in_one_frame() -> None:
    made = synced("BTC/USD", "ETH/USD")
    frame = book("update", item("ETH/USD", bids=BIDS), item("BTC/USD", asks=ASKS))
    first, second = made.received(frame, 0)
    assert isinstance(first, Delta)
    assert isinstance(second, Delta)
    assert (first.market, first.bids) == ("ETH/USD", BIDS.encode())
    assert (second.market, second.asks) == ("BTC/USD", ASKS.encode())


def test_update_may_come_without_a_time() -> None:
    raw = b'{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","checksum":7}]}'
    assert synced().received(raw, 0) == [Delta(market="BTC/USD", checksum=7)]


@pytest.mark.parametrize("kind", ["snapshot", "update"])
@pytest.mark.parametrize("checksum", ["", ',"checksum":null'])
def test_a_book_without_a_checksum_proves_nothing(kind: str, checksum: str) -> None:
    book = f'{{"symbol":"BTC/USD","bids":[],"asks":[]{checksum}}}'
    raw = f'{{"channel":"book","type":"{kind}","data":[{book}]}}'.encode()
    with pytest.raises(msgspec.ValidationError):
        synced().received(raw, 0)


def test_update_before_the_snapshot_counts_for_nothing() -> None:
    made = protocol("BTC/USD")
    made.opened(0)
    assert list(made.received(book("update", item(asks=ASKS)), 0)) == []


def test_ack_comes_for_each_symbol() -> None:
    made = protocol("BTC/USD", "ETH/USD")
    made.opened(0)
    assert made.received(accepted("BTC/USD", 1), 0) == [Ack("BTC/USD")]
    assert made.received(accepted("ETH/USD", 1), 0) == [Ack("ETH/USD")]


def test_ack_of_another_channel_is_no_ack_of_the_book() -> None:
    assert list(protocol("BTC/USD").received(accepted("BTC/USD", 1, channel="ticker"), 0)) == []


def test_unknown_symbol_is_refused_alone() -> None:
    made = protocol("BTC/USD", "XYZ/USD")
    made.opened(0)
    error = "Currency pair not supported XYZ/USD"
    assert made.received(refused(error, "XYZ/USD", 1), 0) == [Refused("XYZ/USD", error)]
    assert made.received(accepted("BTC/USD", 1), 0) == [Ack("BTC/USD")]


def test_request_refused_as_a_whole_is_retried_one_by_one() -> None:
    made = protocol("BTC/USD", "ETH/USD")
    made.opened(0)
    again = sent(made.received(refused("Malformed request", None, 1), 0))
    assert [request["params"]["symbol"] for request in again] == [["BTC/USD"], ["ETH/USD"]]
    last = refused("Malformed request", None, again[1]["req_id"])
    assert made.received(last, 0) == [Refused("ETH/USD", "Malformed request")]
    assert made.received(refused("Malformed request"), 0) == [Refused(None, "Malformed request")]


def test_exceeded_message_rate_is_not_answered_with_more_messages() -> None:
    made = protocol("BTC/USD", "ETH/USD")
    made.opened(0)
    assert made.received(refused("Exceeded msg rate", None, 1), 0) == [
        Refused("BTC/USD", "Exceeded msg rate"),
        Refused("ETH/USD", "Exceeded msg rate"),
    ]


def test_already_subscribed_counts_as_accepted() -> None:
    made = protocol("BTC/USD")
    made.opened(0)
    assert made.received(refused("Already subscribed", "BTC/USD", 1), 0) == [Ack("BTC/USD")]


def test_error_without_method_is_a_refusal() -> None:
    raw = b'{"error":"Unsupported event","success":false}'
    assert protocol("BTC/USD").received(raw, 0) == [Refused(None, "Unsupported event")]


@pytest.mark.parametrize("error", ["", "Subscription Not Found"])
def test_resync_unsubscribes_first_for_a_second_subscription_is_refused(error: str) -> None:
    made = synced()
    (leave,) = sent(made.resync("BTC/USD", "checksum", 0))
    assert leave["method"] == "unsubscribe"
    assert leave["params"] == {"channel": "book", "symbol": ["BTC/USD"], "depth": 10}
    (join,) = sent(made.received(left("BTC/USD", leave["req_id"], error), 0))
    assert join["method"] == "subscribe"
    assert join["params"] == leave["params"] | {"snapshot": True}
    assert list(made.received(left("BTC/USD", leave["req_id"]), 0)) == []


def test_updates_of_the_old_subscription_are_dropped_until_the_new_snapshot() -> None:
    made = synced()
    made.resync("BTC/USD", "checksum", 0)
    assert list(made.received(book("update", item(asks=ASKS)), 0)) == []
    (snapshot,) = made.received(book("snapshot", item(bids=BIDS, asks=ASKS)), 0)
    assert isinstance(snapshot, Snapshot)
    (delta,) = made.received(book("update", item(asks=ASKS)), 0)
    assert isinstance(delta, Delta)


def test_one_resync_in_flight_per_market() -> None:
    made = synced()
    (leave,) = sent(made.resync("BTC/USD", "checksum", 0))
    assert list(made.resync("BTC/USD", "checksum", SECOND)) == []
    made.received(left("BTC/USD", leave["req_id"]), SECOND)
    made.received(book("snapshot", item(bids=BIDS, asks=ASKS)), SECOND)
    assert len(made.resync("BTC/USD", "checksum", 2 * SECOND)) == 1


def test_refused_resync_is_over_and_may_be_asked_again() -> None:
    made = synced()
    (leave,) = sent(made.resync("BTC/USD", "silent", 0))
    (join,) = sent(made.received(left("BTC/USD", leave["req_id"]), 0))
    error = "Currency pair not supported BTC/USD"
    assert made.received(refused(error, "BTC/USD", join["req_id"]), 0) == [
        Refused("BTC/USD", error)
    ]
    assert len(sent(made.resync("BTC/USD", "silent", 2 * SECOND))) == 1


def test_unanswered_resync_is_asked_again() -> None:
    made = synced()
    made.resync("BTC/USD", "checksum", 0)
    asked: list[tuple[int, str]] = []
    for tenth in range(300):
        at = tenth * SECOND // 10
        made.received(b'{"channel":"heartbeat"}', at)
        asked += [(tenth, step["method"]) for step in sent(made.idle(at))]
    assert [method for _, method in asked] == ["subscribe", "unsubscribe"]
    assert asked[0][0] in range(100, 110)


def test_system_not_online_drops_every_book() -> None:
    made = synced()
    assert list(made.received(status("online"), 0)) == []
    assert made.received(status("cancel_only"), 0) == [
        Reset(None, "the venue's system is 'cancel_only'")
    ]
    assert list(made.received(status("cancel_only"), 0)) == []
    assert list(made.received(book("update", item(asks=ASKS)), 0)) == []
    assert list(made.received(book("snapshot", item(bids=BIDS, asks=ASKS)), 0)) == []
    assert list(made.resync("BTC/USD", "silent", 0)) == []


def test_system_online_again_starts_every_book_anew() -> None:
    made = synced("BTC/USD", "ETH/USD")
    made.received(status("maintenance"), 0)
    (step,) = made.received(status("online"), 0)
    assert isinstance(step, Reconnect)
    assert list(made.received(book("update", item(asks=ASKS)), 0)) == []


def test_maintenance_right_after_connecting_keeps_books_out() -> None:
    made = protocol("BTC/USD")
    made.opened(0)
    made.received(status("post_only"), 0)
    assert list(made.received(book("snapshot", item(bids=BIDS, asks=ASKS)), 0)) == []


def test_silence_is_probed_and_then_given_up() -> None:
    made = synced()
    assert list(made.idle(2 * SECOND)) == []
    assert sent(made.idle(3 * SECOND)) == [{"method": "ping"}]
    (step,) = made.idle(6 * SECOND)
    assert isinstance(step, Reconnect)


def test_heartbeats_and_pongs_are_signs_of_life() -> None:
    made = synced()
    pong = b'{"method":"pong","req_id":42,"time_in":"%s","time_out":"%s"}'
    for second in range(1, 30):
        heard = b'{"channel":"heartbeat"}' if second % 2 else pong % (WHEN.encode(), WHEN.encode())
        assert list(made.received(heard, second * SECOND)) == []
        assert list(made.idle(second * SECOND)) == []
    assert sent(made.idle(30 * SECOND)) == [{"method": "ping"}]


def test_other_channels_are_none_of_our_business() -> None:
    ticker = b'{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":99.9}]}'
    instrument = b'{"channel":"instrument","type":"snapshot","data":{"assets":[],"pairs":[]}}'
    assert list(synced().received(ticker, 0)) == []
    assert list(synced().received(instrument, 0)) == []


def test_unknown_market_is_noticed_and_the_rest_of_the_frame_taken() -> None:
    frame = book("update", item("XRP/USD", asks=ASKS), item("BTC/USD", asks=ASKS))
    notice, delta = synced().received(frame, 0)
    assert isinstance(notice, Notice)
    assert isinstance(delta, Delta)


def test_recording_takes_the_depth_from_its_acknowledgement() -> None:
    made = protocol()
    made.received(accepted("BTC/USD", 1, depth=100), 0)
    (snapshot,) = made.received(book("snapshot", item(bids=BIDS, asks=ASKS)), 0)
    assert isinstance(snapshot, Snapshot)
    assert snapshot.depth == 100


@pytest.mark.parametrize(("levels", "depth"), [(2, 10), (10, 10), (11, 25), (1000, 1000)])
def test_recording_without_acknowledgement_takes_the_depth_from_its_snapshot(
    levels: int, depth: int
) -> None:
    rows = ",".join(f'{{"price":{100 - n}.0,"qty":1.0}}' for n in range(levels))
    (snapshot,) = protocol().received(book("snapshot", item(bids=f"[{rows}]")), 0)
    assert isinstance(snapshot, Snapshot)
    assert snapshot.depth == depth


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"garbage",
        b'[170,[["0.0113","2.5","1561939201.5","s","l",""]],"trade","LTC/XBT"]',
        b'{"channel":"book"',
        book("weird", item()),
        book("update", item(checksum="-1")),
        book("update", item(checksum="4294967296")),
        book("update", item(checksum='"1848203113"')),
        book("update", item()).replace(WHEN.encode(), b"yesterday"),
        book("update", item()).replace(WHEN.encode(), b"2026-07-19T17:54:39"),
        book("update", '{"bids":[],"asks":[]}'),
        book("update", item(bids="[" * 100_000)),
        book("update", item()).replace(b"BTC/USD", b"\xff\xfe"),
        b'{"channel":"book","type":"update","data":{}}',
        b'{"channel":"status","type":"update","data":[{"system":7}]}',
    ],
)
def test_nonsense_raises(raw: bytes) -> None:
    made = synced()
    with pytest.raises(msgspec.DecodeError):
        made.received(raw, 0)


@pytest.mark.parametrize("when", [b"9999-12-31T23:59:59Z", b"0001-01-01T00:00:00Z"])
def test_absurd_times_stay_within_64_bits(when: bytes) -> None:
    (delta,) = synced().received(book("update", item()).replace(WHEN.encode(), when), 0)
    assert isinstance(delta, Delta)
    assert 0 <= delta.sent_at < 2**63


@pytest.mark.parametrize(
    ("symbol", "wsname", "expected"),
    [
        ("BTC/USD", "XBT/USD", "BTC/USD"),
        ("DOGE/EUR", "XDG/EUR", "DOGE/EUR"),
        ("ETH/BTC", "ETH/XBT", "ETH/BTC"),
        ("LUNC/USD", "LUNA/USD", "LUNA/USD"),
        ("LUNA/USD", "LUNA2/USD", "LUNA2/USD"),
        ("AAPLx/USD", "AAPLx/USD", "AAPLx/USD"),
    ],
)
def test_stream_id_is_the_v2_symbol(symbol: str, wsname: str, expected: str) -> None:
    market = {"id": "X", "symbol": symbol, "wsId": wsname, "info": {"wsname": wsname}}
    assert VENUE.stream_id(market) == expected


def test_stream_id_without_a_wsname_is_the_symbol() -> None:
    assert VENUE.stream_id({"id": "SOLUSD", "symbol": "SOL/USD", "info": {}}) == "SOL/USD"


@needs_wire
def test_checksums_that_the_venue_sent() -> None:
    """Each best ten levels a side and what Kraken said of them; sizes as ``1.0E-7`` among them."""
    notations = set()
    lines = Path(WIRE, "frames/kraken-v2.checksum-vectors.2026-07-21.jsonl").read_text("utf-8")
    for line in lines.splitlines():
        vector = json.loads(line)["vector"]
        bids, asks = vector["local_book_bids"], vector["local_book_asks"]
        notations |= {"E" in size for _, size in bids + asks}
        store = BookStore()
        book = store.add(keeps_text=True, decimals=(1, 8))
        whole = Snapshot(market="BTC/USD", bids=text(bids), asks=text(asks), sequence=0)
        store.snapshot(book, whole, Keys.of(LevelLayout()), 10)
        assert store.checksum(book, ChecksumRule.DIGITS_10) == vector["expected_checksum"], line
    assert notations == {False, True}
