"""Bitget: what the protocol makes of messages in the shapes the venue sends (v3, v2, v1)."""

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
from scanner.venues.bitget import VENUE
from scanner.venues.parts import SECOND
from scanner.venues.protocol import VenueProtocol
from tests.venues.harness import build

PING = Send("ping", heartbeat=True)
AT = 1_777_000_000 * SECOND
TIME = 1_777_000_000_123
BTC = "BTCUSDT"


def bitget(*ids: str, depth: Depth = Depth.FULL) -> VenueProtocol:
    return build(VENUE, ids or (BTC,), depth)


def recorded() -> VenueProtocol:
    return build(VENUE, None)


def take(protocol: VenueProtocol, message: object, at: int = AT) -> list[Step]:
    return list(protocol.received(json.dumps(message).encode(), at))


def arg(topic: str = "books", market: str = BTC, kind: str = "spot") -> dict[str, str]:
    return {"instType": kind, "topic": topic, "symbol": market}


def book(
    action: str,
    seq: int | str | None,
    previous: int | None = None,
    *,
    topic: str = "books",
    market: str = BTC,
    kind: str = "spot",
    bids: Sequence[Sequence[str]] = (("76794", "0.062194"),),
    asks: Sequence[Sequence[str]] = (("76794.01", "1.049783"),),
    ts: int = TIME,
    checksum: int | None = None,
) -> dict[str, Any]:
    data: dict[str, Any] = {"a": asks, "b": bids, "ts": str(ts)}
    more = {"checksum": checksum, "pseq": previous, "seq": seq}
    data |= {key: value for key, value in more.items() if value is not None}
    where = arg(topic, market, kind)
    return {"action": action, "arg": where, "data": [data], "ts": ts + 4}


def snapshot(seq: int | str, **more: Any) -> dict[str, Any]:
    return book("snapshot", seq, 0, **more)


def update(seq: int, previous: int | None, **more: Any) -> dict[str, Any]:
    return book("update", seq, previous, **more)


def old(action: str, checksum: int, ts: int = TIME, kind: str = "sp") -> dict[str, Any]:
    """A v1 message, as recordings of 2022 have it."""
    where = {"instType": kind, "channel": "books", "instId": BTC}
    sides = {"asks": [["2.4400", "195.6669"]], "bids": [["2.4390", "0"]]}
    return {"action": action, "arg": where, "data": [sides | {"checksum": checksum, "ts": str(ts)}]}


def synced(seq: int = 100, **more: Any) -> VenueProtocol:
    protocol = bitget()
    assert isinstance(take(protocol, snapshot(seq, **more))[0], Snapshot)
    return protocol


def args(step: object) -> tuple[str, list[tuple[str, str]]]:
    """The verb and the (topic, symbol) pairs of a request."""
    assert isinstance(step, Send)
    request = json.loads(step.text)
    assert all(a["instType"] == "spot" for a in request["args"])
    return request["op"], [(a["topic"], a["symbol"]) for a in request["args"]]


LEAVES = ("unsubscribe", [("books", BTC), ("books1", BTC)])
JOINS = ("subscribe", [("books", BTC), ("books1", BTC)])


def answer(event: str, topic: str = "books", market: str = BTC) -> dict[str, Any]:
    return {"event": event, "arg": arg(topic, market)}


def error(code: int, msg: str = "no", where: dict[str, str] | None = None) -> dict[str, Any]:
    message: dict[str, Any] = {"event": "error", "code": code, "msg": msg, "op": "subscribe"}
    return message if where is None else message | {"arg": where}


# --- connecting and subscribing -----------------------------------------------------------------


def test_connects_to_the_v3_path() -> None:
    assert bitget().start(AT) == [Connect("wss://ws.bitget.com/v3/ws/public")]


def test_no_more_than_twenty_arguments_and_4096_bytes_in_one_frame() -> None:
    ids = [f"LONGNAME{i}USDT" for i in range(25)]
    sends = bitget(*ids, depth=Depth.TOP).opened(AT)
    assert [len(args(send)[1]) for send in sends] == [20, 20, 10]
    assert args(sends[0])[1][:2] == [("books50", ids[0]), ("books1", ids[0])]
    assert all(isinstance(send, Send) and len(send.text) <= 4096 for send in sends)


def test_full_depth_subscribes_books() -> None:
    assert args(bitget().opened(AT)[0]) == JOINS


def test_only_the_depth_topic_acknowledges_a_market() -> None:
    protocol = bitget()
    assert take(protocol, answer("subscribe", "books1")) == []
    assert take(protocol, answer("subscribe")) == [Ack(BTC)]
    assert take(protocol, answer("subscribe", market="XUSDT")) == []


# --- books --------------------------------------------------------------------------------------


def test_books50_is_a_whole_book_each_time() -> None:
    message = (
        '{"action":"snapshot","arg":{"instType":"spot","topic":"books50","symbol":"BTCUSDT"},"data"'
        ':[{"a":[["76794.01","1.049783"],["76794.05","0.002881"]],"b":[["76794","0.062194"]],'
        '"seq":451275591390,"pseq":0,"ts":"1777362656332"}],"ts":1777362656336}'
    )
    assert bitget(depth=Depth.TOP).received(message.encode(), AT) == [
        Snapshot(
            market=BTC,
            bids=b'[["76794","0.062194"]]',
            asks=b'[["76794.01","1.049783"],["76794.05","0.002881"]]',
            sequence=451275591390,
            order=451275591390,
            sent_at=1777362656332_000_000,
        )
    ]


def test_books1_is_the_best_ordered_by_the_same_ids() -> None:
    message = (
        '{"action":"snapshot","arg":{"instType":"spot","topic":"books1","symbol":"BTCUSDT"},"data"'
        ':[{"a":[["76671.23","0.41581"]],"b":[["76671.22","0.531211"]],"checksum":0,'
        '"seq":451057506670,"pseq":0,"ts":"1777358880105"}],"ts":1777358880106}'
    )
    assert bitget().received(message.encode(), AT) == [
        Best(
            market=BTC,
            bid_price="76671.22",
            bid_size="0.531211",
            ask_price="76671.23",
            ask_size="0.41581",
            order=451057506670,
            sent_at=1777358880105_000_000,
        )
    ]


def test_an_empty_side_of_the_best_is_empty_text() -> None:
    steps = take(bitget(), snapshot(5, topic="books1", asks=[]))
    assert isinstance(steps[0], Best)
    assert (steps[0].ask_price, steps[0].ask_size) == ("", "")
    assert steps[0].bid_price == "76794"


def test_updates_follow_the_snapshot() -> None:
    protocol = synced(100)
    assert take(protocol, update(107, 100, bids=[["76794", "0"]], asks=[])) == [
        Delta(
            market=BTC,
            bids=b'[["76794", "0"]]',
            asks=b"[]",
            sequence=107,
            order=107,
            sent_at=TIME * 1_000_000,
        )
    ]
    assert isinstance(take(protocol, update(108, 107))[0], Delta)


def test_ids_beyond_two_to_the_53_and_in_text() -> None:
    protocol = bitget()
    large = 1343064377779269632
    first = take(protocol, snapshot(str(large)))
    assert isinstance(first[0], Snapshot)
    assert first[0].sequence == large
    assert isinstance(take(protocol, update(large + 1, large))[0], Delta)
    assert isinstance(take(protocol, update(large + 3, large))[0], Reset)


def test_v2_frames_are_understood() -> None:
    message = (
        '{"action":"%s","arg":{"instType":"SPOT","channel":"%s","instId":"BTCUSDT"},"data":[{"asks"'
        ':[["26274.9","0.0009"]],"bids":[["26274.8","0.0009"]],"ts":"1695710946294","seq":%d,'
        '"pseq":%d}],"ts":1695710946294}'
    )
    protocol = bitget()
    whole = protocol.received((message % ("snapshot", "books", 123, 0)).encode(), AT)
    change = protocol.received((message % ("update", "books", 125, 123)).encode(), AT)
    best = protocol.received((message % ("snapshot", "books1", 126, 0)).encode(), AT)
    assert isinstance(whole[0], Snapshot)
    assert (whole[0].bids, whole[0].sequence) == (b'[["26274.8","0.0009"]]', 123)
    assert isinstance(change[0], Delta)
    assert change[0].asks == b'[["26274.9","0.0009"]]'
    assert isinstance(best[0], Best)
    assert (best[0].bid_price, best[0].order) == ("26274.8", 126)


@pytest.mark.parametrize("kind", ["sp", "mc"])
def test_v1_deltas_are_taken_unchained_with_their_checksum(kind: str) -> None:
    protocol = recorded()
    first = take(protocol, old("snapshot", 1706649304, kind=kind))
    second = take(protocol, old("update", -1408694506, TIME + 150, kind))
    assert isinstance(first[0], Snapshot)
    assert isinstance(second[0], Delta)
    assert (first[0].checksum, first[0].order) == (1706649304, TIME)
    assert (second[0].checksum, second[0].order) == (-1408694506, TIME + 150)
    assert second[0].bids == b'[["2.4390", "0"]]'
    assert take(protocol, old("update", 1, TIME + 100, kind)) == [], "older than what was seen"


def test_a_v1_update_before_any_snapshot_is_a_gap() -> None:
    steps = take(recorded(), old("update", 5))
    assert isinstance(steps[0], Reset)


def test_a_checksum_of_zero_is_none() -> None:
    steps = take(bitget(), snapshot(100, checksum=0))
    assert isinstance(steps[0], Snapshot)
    assert steps[0].checksum is None


def test_contracts_of_the_same_name_are_not_the_spot_market() -> None:
    protocol = bitget()
    assert isinstance(take(protocol, snapshot(100, kind="usdt-futures"))[0], Notice)
    assert isinstance(take(recorded(), snapshot(100, kind="usdt-futures"))[0], Snapshot)


# --- the chain ----------------------------------------------------------------------------------


def test_an_update_with_pseq_zero_means_that_the_venue_restarted() -> None:
    protocol = synced(100)
    reset, leave = take(protocol, update(3, 0))
    assert isinstance(reset, Reset)
    assert args(leave) == LEAVES
    take(protocol, answer("unsubscribe"))
    after = take(protocol, snapshot(5, ts=TIME + 500))
    assert isinstance(after[0], Snapshot)
    assert after[0].order == 5


def test_a_gap_resets_leaves_and_joins_anew() -> None:
    protocol = synced(100)
    reset, leave = take(protocol, update(107, 105))
    assert isinstance(reset, Reset)
    assert reset.market == BTC
    assert args(leave) == LEAVES
    assert take(protocol, update(108, 107)) == []
    (join,) = take(protocol, answer("unsubscribe"))
    assert args(join) == JOINS
    assert take(protocol, answer("unsubscribe", "books1")) == []
    assert isinstance(take(protocol, snapshot(120))[0], Snapshot)
    assert isinstance(take(protocol, update(121, 120))[0], Delta)


def test_an_update_before_its_snapshot_is_a_gap() -> None:
    assert isinstance(take(bitget(), update(7, 5))[0], Reset)


def test_an_update_without_pseq_breaks_a_chain() -> None:
    assert isinstance(take(synced(100), update(101, None))[0], Reset)


@pytest.mark.parametrize(("depth", "topic"), [(Depth.FULL, "books"), (Depth.TOP, "books50")])
def test_an_update_that_is_chained_to_nothing_is_no_proof_on_a_live_connection(
    depth: Depth, topic: str
) -> None:
    protocol = bitget(depth=depth)
    take(protocol, book("snapshot", 100, topic=topic))
    steps = take(protocol, update(101, None, topic=topic, ts=TIME + 1))
    assert isinstance(steps[0], Reset)


def test_the_last_seq_again_is_a_duplicate() -> None:
    protocol = synced(100)
    assert isinstance(take(protocol, update(102, 100))[0], Delta)
    assert take(protocol, update(102, 100)) == []
    assert isinstance(take(protocol, update(103, 102))[0], Delta)


def test_an_older_whole_book_or_best_is_skipped() -> None:
    protocol = bitget(depth=Depth.TOP)
    for topic in ("books50", "books1"):
        assert take(protocol, snapshot(105, topic=topic, ts=TIME + 20))
        assert take(protocol, snapshot(104, topic=topic, ts=TIME)) == []


def test_resync_asks_once_until_the_snapshot() -> None:
    protocol = synced(100)
    assert args(protocol.resync(BTC, "crossed", AT)[0]) == LEAVES
    assert protocol.resync(BTC, "crossed", AT + 1) == ()
    assert take(protocol, update(101, 100)) == []
    take(protocol, answer("unsubscribe"))
    take(protocol, snapshot(110))
    assert args(protocol.resync(BTC, "crossed", AT + 2 * SECOND)[0]) == LEAVES


def test_an_unanswered_unsubscribe_leads_to_a_subscribe() -> None:
    protocol = synced(100)
    protocol.resync(BTC, "silent", AT)
    protocol.received(b"pong", AT + 10 * SECOND)
    protocol.idle(AT + 10 * SECOND + 1)
    sent = [s for s in protocol.idle(AT + 11 * SECOND) if s != PING]
    assert [args(step) for step in sent] == [JOINS]


def test_the_hourly_allowance_ends_in_a_new_connection() -> None:
    protocol = bitget()
    steps: list[Step] = list(protocol.opened(AT))
    for i in range(240):
        steps += protocol.resync(BTC, "crossed", AT + i * 2 * SECOND)
        steps += take(protocol, answer("unsubscribe"))
        take(protocol, snapshot(i + 1))
        if isinstance(steps[-1], Reconnect):
            break
    assert isinstance(steps[-1], Reconnect)
    assert sum(isinstance(step, Send) for step in steps) == 240


# --- refusals -----------------------------------------------------------------------------------


def test_an_unknown_symbol_is_refused_by_name() -> None:
    protocol = bitget(BTC, "NOUSDT")
    protocol.opened(AT)
    text = "instType:spot,topic:books,symbol:NOUSDT doesn't exist"
    assert take(protocol, error(30001, text, arg(market="NOUSDT"))) == [
        Refused("NOUSDT", f"{text} (code 30001)")
    ]
    steps = take(protocol, error(30001, text, arg("books1", "NOUSDT")))
    assert isinstance(steps[0], Notice)


def test_v2_refusals_are_understood() -> None:
    where = {"instType": "SPOT", "channel": "books", "instId": BTC}
    steps = take(bitget(), error(30001, "doesn't exist", where))
    assert steps == [Refused(BTC, "doesn't exist (code 30001)")]


def test_a_refused_batch_is_retried_one_by_one() -> None:
    protocol = bitget(BTC, "ETHUSDT", "XRPUSDT")
    protocol.opened(AT)
    take(protocol, answer("subscribe", market="ETHUSDT"))
    steps = take(protocol, error(30016, "Param error"))
    assert [args(step)[1][0][1] for step in steps] == [BTC, "XRPUSDT"]
    assert take(protocol, error(30016, "Param error")) == [Refused(BTC, "Param error (code 30016)")]
    take(protocol, answer("subscribe", market="XRPUSDT"))
    assert take(protocol, error(30016, "Param error")) == [
        Refused(None, "Param error (code 30016)")
    ]


def test_too_many_requests_are_sent_again_later() -> None:
    protocol = bitget()
    protocol.opened(AT)
    assert isinstance(take(protocol, error(30006, "request too many"))[0], Notice)
    assert [args(step) for step in protocol.idle(AT + SECOND)] == [LEAVES]


def test_over_the_limit_means_reconnect() -> None:
    assert isinstance(take(bitget(), error(30007, "request over limit"))[0], Reconnect)


def test_a_refused_unsubscribe_leads_to_a_subscribe() -> None:
    protocol = synced(100)
    protocol.resync(BTC, "silent", AT)
    (join,) = take(protocol, error(30001, "doesn't exist", arg()))
    assert args(join) == JOINS


def test_an_error_about_a_market_of_others_is_refused_as_a_whole() -> None:
    steps = take(bitget(), error(30001, "doesn't exist", arg(market="XUSDT")))
    assert steps == [Refused(None, "doesn't exist (code 30001)")]


# --- the connection -----------------------------------------------------------------------------


def test_pong_is_text_and_not_json() -> None:
    assert bitget().received(b"pong", AT) == ()


def test_a_quiet_connection_is_pinged_and_then_given_up() -> None:
    protocol = bitget()
    protocol.opened(AT)
    assert protocol.idle(AT + 9 * SECOND) == []
    assert protocol.idle(AT + 10 * SECOND) == [PING]
    assert protocol.idle(AT + 11 * SECOND) == []
    assert protocol.idle(AT + 20 * SECOND) == [PING]
    assert isinstance(protocol.idle(AT + 25 * SECOND)[0], Reconnect)


def test_a_busy_connection_is_pinged_within_thirty_seconds() -> None:
    protocol = bitget()
    protocol.opened(AT)
    pings = []
    for second in range(61):
        take(protocol, snapshot(second, topic="books1"), AT + second * SECOND)
        pings += [second for step in protocol.idle(AT + second * SECOND) if step == PING]
    assert pings == [20, 40, 60]


def test_an_unknown_market_makes_no_book() -> None:
    assert isinstance(take(bitget(), snapshot(1, market="XUSDT"))[0], Notice)
    assert isinstance(take(bitget(), snapshot(1, market="XUSDT", topic="books1"))[0], Notice)


def test_other_topics_are_ignored() -> None:
    trade = {"action": "snapshot", "arg": arg("publicTrade"), "data": [{"p": "1"}], "ts": 1}
    assert take(bitget(), trade) == []
    assert take(bitget(), answer("subscribe", "publicTrade")) == []


def test_a_message_that_names_no_channel_is_noted() -> None:
    assert isinstance(take(bitget(), {"event": "login", "code": 0})[0], Notice)


WHERE = b'{"action":"snapshot","arg":{"instType":"spot","topic":"books","symbol":"BTCUSDT"},"data":'


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"pung",
        b"[]",
        b"\xff\xfe",
        WHERE + b'[{"a":[',
        WHERE + b'[{"ts":"1"}]}',
        WHERE + b'[{"a":[],"ts":"1"}]}',
        WHERE + b'{"a":[],"b":[],"ts":"1"}}',
        WHERE + b'[{"a":[],"b":[],"ts":"x"}]}',
        WHERE + b'[{"a":[],"b":[],"ts":"-1"}]}',
        WHERE + b'[{"a":[],"b":[],"ts":NaN}]}',
        WHERE + b'[{"a":[],"b":[],"ts":"1","seq":9223372036854775808}]}',
        WHERE.replace(b"books", b"books1") + b'[{"a":[[1,2]],"b":[],"ts":"1"}]}',
        WHERE.replace(b"books", b"books1") + b'[{"a":[["1"]],"b":[],"ts":"1"}]}',
        WHERE.replace(b"books", b"books1") + b'[{"a":[],"ts":"1"}]}',
        b'{"event":"error","msg":"\xff"}',
        b'{"data":' + b"[" * 100_000,
    ],
)
def test_what_cannot_be_read_raises_a_decode_error(raw: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        bitget().received(raw, AT)
