"""OKX: what the protocol makes of messages in the shapes the venue sends."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from scanner.steps import (
    Ack,
    Best,
    Connect,
    Delta,
    Notice,
    Reconnect,
    Refused,
    Reset,
    Send,
    Snapshot,
    Step,
)
from scanner.types import Depth
from scanner.venues.okx import VENUE
from scanner.venues.parts import SECOND
from scanner.venues.protocol import VenueProtocol
from tests.venues.harness import build

PING = Send("ping", heartbeat=True)
AT = 1_700_000_000 * SECOND
TIME = 1_700_000_000_123
BTC = "BTC-USDT"


def okx(*ids: str, depth: Depth = Depth.FULL) -> VenueProtocol:
    return build(VENUE, ids or (BTC,), depth)


def take(protocol: VenueProtocol, message: object, at: int = AT) -> list[Step]:
    return list(protocol.received(json.dumps(message).encode(), at))


def book(
    action: str | None,
    seq: int | None,
    previous: int | None = None,
    *,
    channel: str = "books",
    market: str = BTC,
    bids: Sequence[Sequence[str]] = (("8476.97", "256", "0", "12"),),
    asks: Sequence[Sequence[str]] = (("8476.98", "415", "0", "13"),),
    ts: int = TIME,
    checksum: int | None = None,
) -> dict[str, Any]:
    data: dict[str, Any] = {"asks": asks, "bids": bids, "ts": str(ts)}
    more = {"checksum": checksum, "prevSeqId": previous, "seqId": seq}
    data |= {key: value for key, value in more.items() if value is not None}
    message: dict[str, Any] = {"arg": {"channel": channel, "instId": market}, "data": [data]}
    return message if action is None else message | {"action": action}


def update(seq: int | None, previous: int | None, **more: Any) -> dict[str, Any]:
    return book("update", seq, previous, **more)


def synced(seq: int = 100, **more: Any) -> VenueProtocol:
    protocol = okx()
    assert isinstance(take(protocol, book("snapshot", seq, -1, **more))[0], Snapshot)
    return protocol


def args(step: object) -> tuple[str, list[tuple[str, str]]]:
    """The verb and the (channel, market) pairs of a request."""
    assert isinstance(step, Send)
    request = json.loads(step.text)
    return request["op"], [(arg["channel"], arg["instId"]) for arg in request["args"]]


LEAVES = ("unsubscribe", [("books", BTC), ("bbo-tbt", BTC)])
JOINS = ("subscribe", [("books", BTC), ("bbo-tbt", BTC)])


def answer(event: str, channel: str = "books", market: str = BTC) -> dict[str, Any]:
    return {"event": event, "arg": {"channel": channel, "instId": market}, "connId": "a4d3ae55"}


def error(code: str, msg: str, number: str | None = "1") -> dict[str, Any]:
    message = {"event": "error", "code": code, "msg": msg, "connId": "a4d3ae55"}
    return message if number is None else message | {"id": number}


def missing(channel: str, market: str = BTC) -> str:
    return (
        f"Wrong URL or channel:{channel},instId:{market} doesn't exist. Please use the correct "
        "URL, channel and parameters referring to API document."
    )


# --- connecting and subscribing -----------------------------------------------------------------


def test_connects_to_the_public_path() -> None:
    assert okx().start(AT) == [Connect("wss://ws.okx.com:8443/ws/v5/public")]


def test_subscribes_depth_and_best_in_batches() -> None:
    ids = [f"C{i}-USDT" for i in range(21)]
    sends = okx(*ids, depth=Depth.TOP).opened(AT)
    assert len(sends) == 2
    assert args(sends[0])[1][:2] == [("books5", "C0-USDT"), ("bbo-tbt", "C0-USDT")]
    assert len(args(sends[0])[1]) == 40
    assert args(sends[1]) == ("subscribe", [("books5", "C20-USDT"), ("bbo-tbt", "C20-USDT")])
    assert [json.loads(s.text)["id"] for s in sends if isinstance(s, Send)] == ["1", "2"]


def test_full_depth_subscribes_books() -> None:
    assert args(okx().opened(AT)[0]) == JOINS


def test_only_the_depth_channel_acknowledges_a_market() -> None:
    protocol = okx()
    assert take(protocol, answer("subscribe", "bbo-tbt") | {"id": "1"}) == []
    assert take(protocol, answer("subscribe") | {"id": "1"}) == [Ack(BTC)]
    assert take(protocol, answer("subscribe", market="X-USDT")) == []


# --- books --------------------------------------------------------------------------------------


def test_books5_is_a_whole_book_each_time() -> None:
    protocol = okx(depth=Depth.TOP)
    message = (
        '{"arg":{"channel":"books5","instId":"BTC-USDT"},"data":[{"asks":[["111.06","55154","0",'
        '"2"],["111.1","3","0","1"]],"bids":[["111.05","57745","0","2"]],"instId":"BTC-USDT",'
        '"ts":"1670324386802","seqId":363996337}]}'
    )
    assert protocol.received(message.encode(), AT) == [
        Snapshot(
            market=BTC,
            bids=b'[["111.05","57745","0","2"]]',
            asks=b'[["111.06","55154","0","2"],["111.1","3","0","1"]]',
            sequence=363996337,
            order=363996337,
            sent_at=1670324386802_000_000,
        )
    ]


def test_bbo_tbt_is_ordered_by_the_same_ids() -> None:
    message = (
        '{"arg":{"channel":"bbo-tbt","instId":"BTC-USDT"},"data":[{"asks":[["111.06","55154","0",'
        '"2"]],"bids":[["111.05","57745","0","2"]],"ts":"1670324386802","seqId":363996337}]}'
    )
    assert okx().received(message.encode(), AT) == [
        Best(
            market=BTC,
            bid_price="111.05",
            bid_size="57745",
            ask_price="111.06",
            ask_size="55154",
            order=363996337,
            sent_at=1670324386802_000_000,
        )
    ]


def test_an_empty_side_of_the_best_is_empty_text() -> None:
    steps = take(okx(), book(None, 5, channel="bbo-tbt", bids=[]))
    assert isinstance(steps[0], Best)
    assert (steps[0].bid_price, steps[0].bid_size) == ("", "")
    assert steps[0].ask_price == "8476.98"


def test_updates_follow_the_snapshot() -> None:
    protocol = okx()
    message = (
        '{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"%s","data":[{"asks":[["8476.98"'
        ',"415","0","13"]],"bids":[["8476.97","0","0","0"]],"ts":"1597026383085","checksum":0,'
        '"prevSeqId":%d,"seqId":%d}]}'
    )
    expected = {
        "market": BTC,
        "bids": b'[["8476.97","0","0","0"]]',
        "asks": b'[["8476.98","415","0","13"]]',
        "sent_at": 1597026383085_000_000,
    }
    assert protocol.received((message % ("snapshot", -1, 123456)).encode(), AT) == [
        Snapshot(sequence=123456, order=123456, **expected)  # type: ignore[arg-type]
    ]
    assert protocol.received((message % ("update", 123456, 123459)).encode(), AT) == [
        Delta(sequence=123459, order=123459, **expected)  # type: ignore[arg-type]
    ]


def test_several_books_in_one_message_all_count() -> None:
    protocol = synced(100)
    message = update(101, 100)
    message["data"] += update(102, 101)["data"]
    assert [step.sequence for step in take(protocol, message) if isinstance(step, Delta)] == [
        101,
        102,
    ]


def test_heartbeat_with_equal_ids_keeps_the_chain() -> None:
    protocol = synced(100)
    beat = take(protocol, update(100, 100, bids=[], asks=[]))
    assert isinstance(beat[0], Delta)
    assert (beat[0].bids, beat[0].sequence) == (b"[]", 100)
    assert isinstance(take(protocol, update(101, 100))[0], Delta)


def test_maintenance_reset_to_a_smaller_id_is_applied() -> None:
    protocol = synced(100)
    take(protocol, book(None, 99, channel="bbo-tbt", ts=TIME + 1))
    reset = take(protocol, update(3, 100, ts=TIME + 10))
    assert isinstance(reset[0], Delta)
    assert (reset[0].sequence, reset[0].order) == (3, 3)
    best = take(protocol, book(None, 4, channel="bbo-tbt", ts=TIME + 11))
    assert isinstance(best[0], Best)
    assert best[0].order == 4
    following = take(protocol, update(5, 3, ts=TIME + 20))
    assert isinstance(following[0], Delta)
    assert following[0].order == 5


def test_books5_goes_on_after_the_ids_start_anew() -> None:
    protocol = okx(depth=Depth.TOP)
    before = take(protocol, book(None, 900, channel="books5"))
    after = take(protocol, book(None, 2, channel="books5", ts=TIME + 100))
    assert isinstance(before[0], Snapshot)
    assert isinstance(after[0], Snapshot)
    assert (before[0].order, after[0].order) == (900, 2)


def test_the_same_seq_id_again_is_a_duplicate() -> None:
    protocol = synced(100)
    assert isinstance(take(protocol, update(102, 100))[0], Delta)
    assert take(protocol, update(102, 100)) == []
    assert isinstance(take(protocol, update(103, 102))[0], Delta)


def test_an_older_whole_book_is_skipped() -> None:
    protocol = synced(100, ts=TIME)
    take(protocol, update(105, 100, ts=TIME + 100))
    assert take(protocol, book("snapshot", 100, -1, ts=TIME)) == []
    assert isinstance(take(protocol, update(106, 105, ts=TIME + 200))[0], Delta)


def test_an_older_best_is_skipped() -> None:
    protocol = synced(100)
    assert take(protocol, book(None, 105, channel="bbo-tbt", ts=TIME + 10))
    assert take(protocol, book(None, 104, channel="bbo-tbt", ts=TIME + 5)) == []


# --- recordings from before the ids -------------------------------------------------------------


@pytest.mark.parametrize("channel", ["books", "books-l2-tbt", "books50-l2-tbt"])
@pytest.mark.parametrize("market", [BTC, "XMR-USDT-SWAP", "TRX-USDT-210924", "BTC-USD-210924-1-P"])
def test_deltas_without_ids_are_taken_unchained(channel: str, market: str) -> None:
    protocol = build(VENUE, None)
    where: dict[str, Any] = {"channel": channel, "market": market}
    message = book("snapshot", None, checksum=-855196043, **where)
    first = protocol.received(json.dumps(message).encode(), AT)
    message = update(None, None, ts=TIME + 9, checksum=144433427, **where)
    second = protocol.received(json.dumps(message).encode(), AT)
    assert isinstance(first[0], Snapshot)
    assert isinstance(second[0], Delta)
    assert (first[0].market, first[0].checksum, first[0].order) == (market, -855196043, TIME)
    assert (second[0].market, second[0].checksum, second[0].order) == (market, 144433427, TIME + 9)


def test_a_checksum_of_zero_is_none() -> None:
    protocol = okx()
    steps = take(protocol, book("snapshot", 100, -1, checksum=0))
    assert isinstance(steps[0], Snapshot)
    assert steps[0].checksum is None


def test_an_update_without_ids_before_any_snapshot_is_a_gap() -> None:
    steps = take(okx(), update(None, None))
    assert isinstance(steps[0], Reset)
    assert args(steps[1]) == LEAVES


def test_an_update_that_names_no_predecessor_breaks_a_chain() -> None:
    assert isinstance(take(synced(100), update(101, None))[0], Reset)


def test_an_older_unchained_update_is_skipped() -> None:
    protocol = build(VENUE, None)
    take(protocol, book("snapshot", None, ts=TIME))
    assert take(protocol, update(None, None, ts=TIME - 1)) == []


@pytest.mark.parametrize("depth", list(Depth))
def test_an_update_that_is_chained_to_nothing_is_no_proof_on_a_live_connection(
    depth: Depth,
) -> None:
    protocol = okx(depth=depth)
    channel = "books" if depth is Depth.FULL else "books5"
    take(protocol, book("snapshot", 100, channel=channel))
    steps = take(protocol, update(101, None, channel=channel, ts=TIME + 1))
    assert isinstance(steps[0], Reset)


def test_a_best_without_an_id_is_not_compared_with_books_that_have_one() -> None:
    assert take(synced(100), book(None, None, channel="bbo-tbt")) == []


# --- gaps and resyncs ---------------------------------------------------------------------------


def test_a_gap_resets_leaves_and_joins_anew() -> None:
    protocol = synced(100)
    reset, leave = take(protocol, update(107, 105))
    assert isinstance(reset, Reset)
    assert reset.market == BTC
    assert args(leave) == LEAVES
    assert take(protocol, update(108, 107)) == []
    (join,) = take(protocol, answer("unsubscribe"))
    assert args(join) == JOINS
    assert take(protocol, answer("unsubscribe", "bbo-tbt")) == []
    assert take(protocol, answer("subscribe")) == [Ack(BTC)]
    assert isinstance(take(protocol, book("snapshot", 120, -1))[0], Snapshot)
    assert isinstance(take(protocol, update(121, 120))[0], Delta)


def test_resync_asks_once_until_the_snapshot() -> None:
    protocol = synced(100)
    (leave,) = protocol.resync(BTC, "checksum", AT)
    assert args(leave) == LEAVES
    assert protocol.resync(BTC, "checksum", AT + 1) == ()
    assert take(protocol, update(101, 100)) == []


def test_a_snapshot_under_way_does_not_end_a_resync() -> None:
    protocol = okx(depth=Depth.TOP)
    protocol.resync(BTC, "malformed", AT)
    assert isinstance(take(protocol, book(None, 7, channel="books5"))[0], Snapshot)
    assert protocol.resync(BTC, "malformed", AT + 5 * SECOND) == ()
    assert args(take(protocol, answer("unsubscribe", "books5"))[0])[0] == "subscribe"


def test_the_snapshot_that_was_asked_for_counts_whatever_its_id() -> None:
    protocol = synced(100)
    take(protocol, update(500, 400))
    take(protocol, answer("unsubscribe"))
    assert isinstance(take(protocol, book("snapshot", 90, -1, ts=TIME - 5))[0], Snapshot)


def test_gaps_in_a_row_are_paced() -> None:
    protocol = synced(100)
    take(protocol, update(107, 105))
    take(protocol, answer("unsubscribe"))
    take(protocol, book("snapshot", 120, -1))
    steps = take(protocol, update(140, 130), AT + SECOND // 10)
    assert [type(step) for step in steps] == [Reset]
    protocol.idle(AT + SECOND // 5)
    late = [step for step in protocol.idle(AT + 2 * SECOND) if step != PING]
    assert [args(step) for step in late] == [LEAVES]


def test_an_unanswered_unsubscribe_leads_to_a_subscribe() -> None:
    protocol = synced(100)
    protocol.resync(BTC, "silent", AT)
    protocol.received(b"pong", AT + 10 * SECOND)
    protocol.idle(AT + 10 * SECOND + 1)
    sent = [s for s in protocol.idle(AT + 11 * SECOND) if s != PING]
    assert [args(step) for step in sent] == [JOINS]


def test_the_hourly_allowance_ends_in_a_new_connection() -> None:
    protocol = okx(*(f"C{i}-USDT" for i in range(20)))
    steps: list[object] = list(protocol.opened(AT))
    for i in range(480):
        steps += protocol.resync(f"C{i % 20}-USDT", "crossed", AT + i * 2 * SECOND)
        take(protocol, book("snapshot", i + 1, -1, market=f"C{i % 20}-USDT"), AT)
        steps += take(protocol, answer("unsubscribe", market=f"C{i % 20}-USDT"), AT)
        take(protocol, book("snapshot", i + 1, -1, market=f"C{i % 20}-USDT"), AT)
        if isinstance(steps[-1], Reconnect):
            break
    assert isinstance(steps[-1], Reconnect)
    assert sum(isinstance(step, Send) for step in steps) == 480


# --- refusals -----------------------------------------------------------------------------------


def test_an_unknown_instrument_is_refused_by_name() -> None:
    protocol = okx(BTC, "NO-USDT")
    protocol.opened(AT)
    (refused,) = take(protocol, error("60018", missing("books", "NO-USDT")))
    assert isinstance(refused, Refused)
    assert refused.market == "NO-USDT"
    assert "60018" in refused.reason
    (notice,) = take(protocol, error("60018", missing("bbo-tbt", "NO-USDT")))
    assert isinstance(notice, Notice)


def test_a_refused_batch_is_retried_one_by_one() -> None:
    protocol = okx(BTC, "ETH-USDT")
    protocol.opened(AT)
    steps = take(protocol, error("60012", "Invalid request"))
    assert [args(step)[1][0][1] for step in steps] == [BTC, "ETH-USDT"]
    assert take(protocol, error("60012", "Invalid request", "3")) == [
        Refused("ETH-USDT", "Invalid request (code 60012)")
    ]


def test_an_error_about_nothing_known_is_refused_as_a_whole() -> None:
    assert take(okx(), error("60012", "Invalid request", None)) == [
        Refused(None, "Invalid request (code 60012)")
    ]


def test_too_frequent_requests_are_sent_again_later() -> None:
    protocol = okx()
    protocol.opened(AT)
    (notice,) = take(protocol, error("60014", "Requests too frequent"))
    assert isinstance(notice, Notice)
    assert [args(step) for step in protocol.idle(AT + SECOND)] == [LEAVES]


def test_a_refused_unsubscribe_leads_to_a_subscribe() -> None:
    protocol = synced(100)
    protocol.resync(BTC, "silent", AT)
    (join,) = take(protocol, error("60018", missing("books")))
    assert args(join) == JOINS
    assert isinstance(take(protocol, error("60018", missing("books"), "2"))[0], Refused)
    assert args(protocol.resync(BTC, "again", AT + 20 * SECOND)[0]) == LEAVES


# --- the connection -----------------------------------------------------------------------------


def test_pong_is_text_and_not_json() -> None:
    assert okx().received(b"pong", AT) == ()


def test_a_quiet_connection_is_pinged_and_then_given_up() -> None:
    protocol = okx()
    protocol.opened(AT)
    assert protocol.idle(AT + 4 * SECOND) == []
    assert protocol.idle(AT + 6 * SECOND) == [PING]
    protocol.received(b"pong", AT + 7 * SECOND)
    assert protocol.idle(AT + 12 * SECOND) == [PING]
    assert isinstance(protocol.idle(AT + 18 * SECOND)[0], Reconnect)


def test_a_busy_connection_is_pinged_well_within_thirty_seconds() -> None:
    protocol = okx()
    protocol.opened(AT)
    pings = []
    for second in range(61):
        take(protocol, book(None, second, channel="bbo-tbt"), AT + second * SECOND)
        pings += [second for step in protocol.idle(AT + second * SECOND) if step == PING]
    assert pings == [20, 40, 60]


def test_the_notice_before_an_upgrade_means_reconnect() -> None:
    notice = {"event": "notice", "code": "64008", "msg": "The connection will soon be closed"}
    assert isinstance(take(okx(), notice)[0], Reconnect)
    assert isinstance(take(okx(), notice | {"code": "64000"})[0], Notice)


def test_an_unknown_market_makes_no_book() -> None:
    for message in (book("snapshot", 1, -1, market="X-Y"), book(None, 1, channel="bbo-tbt")):
        message["arg"]["instId"] = "X-Y"
        assert isinstance(take(okx(), message)[0], Notice)


def test_other_channels_are_ignored() -> None:
    assert take(okx(), {"arg": {"channel": "trades", "instId": BTC}, "data": [{"px": 1}]}) == []
    assert take(okx(), {"arg": {"channel": "candle1m", "instId": BTC}, "data": [["1"]]}) == []


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"pung",
        b"[]",
        b"\xff\xfe",
        b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"snapshot","data":[{"asks":[',
        b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"snapshot","data":[{"ts":"1"}]}',
        b'{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"snapshot","data":{"ts":"1"}}',
        b'{"arg":{"channel":"books5","instId":"BTC-USDT"},"data":[{"bids":[],"asks":[],"ts":"x"}]}',
        b'{"arg":{"channel":"books5","instId":"BTC-USDT"},"data":[{"bids":[],"asks":[],"ts":NaN}]}',
        b'{"arg":{"channel":"books5","instId":"BTC-USDT"},"data":[{"bids":[],"asks":[],"ts":"-1"}]}',
        b'{"arg":{"channel":"books5","instId":"BTC-USDT"},"data":[{"bids":[],"asks":[],"ts":"1",'
        b'"seqId":9223372036854775808}]}',
        b'{"arg":{"channel":"bbo-tbt","instId":"BTC-USDT"},"data":[{"bids":[[1,2]],"asks":[],'
        b'"ts":"1"}]}',
        b'{"arg":{"channel":"bbo-tbt","instId":"BTC-USDT"},"data":[{"bids":[["1"]],"asks":[],'
        b'"ts":"1"}]}',
        b'{"event":"error","msg":"\xff"}',
        b'{"data":' + b"[" * 100_000,
    ],
)
def test_what_cannot_be_read_raises_a_decode_error(raw: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        okx().received(raw, AT)
