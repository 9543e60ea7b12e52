"""Coinbase Advanced Trade, message by message."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.steps import (
    Ack,
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
from scanner.types import Depth, LevelLayout
from scanner.venues.coinbase import VENUE
from scanner.venues.parts import SECOND
from scanner.venues.protocol import VenueProtocol
from tests.venues.harness import build, sent

AT = 1_786_309_548 * SECOND
TIME = "2026-08-09T21:05:48.483587501Z"
SENT_AT = 1_786_309_548_483_588_000
BIDS = (("bid", "65083.66", "0.20371215"), ("bid", "65083.27", "0.02244516"))
ASKS = (("offer", "65083.67", "0.24290402"),)


def protocol(*ids: str, depth: Depth = Depth.TOP) -> VenueProtocol:
    return build(VENUE, ids or None, depth, rest="http://r", ws="ws://w/coinbase")


def rows(*levels: tuple[str, str, str]) -> str:
    return json.dumps(
        [
            {
                "side": side,
                "event_time": "1970-01-01T00:00:00Z",
                "price_level": price,
                "new_quantity": size,
            }
            for side, price, size in levels
        ],
        separators=(",", ":"),
    )


def event(kind: str, updates: str, product: str = "BTC-USD") -> str:
    return f'{{"type":"{kind}","product_id":"{product}","updates":{updates}}}'


def frame(channel: str, sequence: int, *events: str, at: str = TIME) -> bytes:
    return (
        f'{{"channel":"{channel}","client_id":"","timestamp":"{at}","sequence_num":{sequence},'
        f'"events":[{",".join(events)}]}}'
    ).encode()


def snapshot(sequence: int, product: str = "BTC-USD") -> bytes:
    return frame("l2_data", sequence, event("snapshot", rows(*BIDS, *ASKS), product))


def update(sequence: int, *levels: tuple[str, str, str], product: str = "BTC-USD") -> bytes:
    return frame("l2_data", sequence, event("update", rows(*levels), product))


def subscriptions(sequence: int, **channels: list[str]) -> bytes:
    return frame("subscriptions", sequence, json.dumps({"subscriptions": channels}))


def heartbeat(sequence: int) -> bytes:
    beat = '{"current_time":"2026-08-09 21:05:48.85 +0000 UTC m=+41691.26","heartbeat_counter":"7"}'
    return frame("heartbeats", sequence, beat)


def error(message: str) -> bytes:
    return json.dumps({"type": "error", "message": message}).encode()


def asks_for(verb: str, *products: str) -> dict[str, Any]:
    return {"type": verb, "channel": "level2", "product_ids": list(products)}


def live(*ids: str) -> VenueProtocol:
    """A connection that is subscribed and has the snapshots; the next number is len(ids) + 1."""
    made = protocol(*ids)
    made.opened(AT)
    made.received(subscriptions(0, level2=list(ids), heartbeats=["heartbeats"]), AT)
    for number, name in enumerate(ids, 1):
        assert isinstance(made.received(snapshot(number, name), AT)[0], Snapshot)
    return made


# --- connection and subscriptions -------------------------------------------------------------


def test_connects_to_the_bare_host() -> None:
    assert protocol("BTC-USD").start(AT) == [Connect("ws://w/coinbase")]


@pytest.mark.parametrize("depth", Depth)
def test_one_channel_per_message_and_heartbeats_with_it(depth: Depth) -> None:
    steps = protocol("BTC-USD", "ETH-USD", depth=depth).opened(AT)
    assert sent(steps) == [
        {"type": "subscribe", "channel": "heartbeats"},
        asks_for("subscribe", "BTC-USD", "ETH-USD"),
    ]


def test_without_known_markets_nothing_but_heartbeats_is_asked() -> None:
    assert sent(protocol().opened(AT)) == [{"type": "subscribe", "channel": "heartbeats"}]


def test_acks_map_to_products_and_come_once() -> None:
    made = protocol("BTC-USD", "ETH-USD")
    made.opened(AT)
    assert made.received(subscriptions(0, heartbeats=["heartbeats"]), AT) == []
    both = subscriptions(1, heartbeats=["heartbeats"], level2=["ETH-USD", "BTC-USD"])
    assert made.received(both, AT) == [Ack("ETH-USD"), Ack("BTC-USD")]
    again = subscriptions(2, level2=["BTC-USD", "ETH-USD"], ticker=["BTC-USD"])
    assert made.received(again, AT) == []


def test_acks_may_come_after_the_snapshot() -> None:
    made = protocol("BTC-USD")
    made.opened(AT)
    assert isinstance(made.received(snapshot(0), AT)[0], Snapshot)
    assert made.received(subscriptions(1, level2=["BTC-USD"]), AT) == [Ack("BTC-USD")]


def test_an_empty_list_of_subscriptions_acks_nothing() -> None:
    made = protocol("BTC-USD")
    assert made.received(subscriptions(0), AT) == []
    null = frame("subscriptions", 1, '{"subscriptions":{"level2":null}}')
    assert made.received(null, AT) == []


def test_usdc_alias_shares_the_book_of_the_original() -> None:
    usdc = {"id": "BTC-USDC", "info": {"product_id": "BTC-USDC", "alias": "BTC-USD"}}
    usd = {"id": "BTC-USD", "info": {"alias": "", "alias_to": ["BTC-USDC"]}}
    genuine = {"id": "USDT-USDC", "info": {"alias": "", "alias_to": []}}
    assert [VENUE.stream_id(m) for m in (usdc, usd, genuine)] == ["BTC-USD", "BTC-USD", "USDT-USDC"]
    assert VENUE.stream_id({"id": "BTC-USD", "info": None}) == "BTC-USD"
    twice = protocol("BTC-USD", "BTC-USD").opened(AT)
    assert sent(twice)[1] == asks_for("subscribe", "BTC-USD")


# --- refusals ---------------------------------------------------------------------------------


def test_an_unknown_product_alone_is_refused() -> None:
    made = protocol("NOPE-USD")
    made.opened(AT)
    assert made.received(error("invalid product"), AT) == [Refused("NOPE-USD", "invalid product")]


def test_a_refused_batch_is_asked_one_by_one() -> None:
    made = protocol("BTC-USD", "NOPE-USD", "ETH-USD")
    made.opened(AT)
    steps = made.received(error("invalid product"), AT)
    assert isinstance(steps[0], Notice)
    assert sent(steps) == [asks_for("subscribe", "BTC-USD")]
    steps = made.received(subscriptions(0, level2=["BTC-USD"]), AT)
    assert steps[0] == Ack("BTC-USD")
    assert sent(steps) == [asks_for("subscribe", "NOPE-USD")]
    steps = made.received(error("invalid product"), AT)
    assert steps[0] == Refused("NOPE-USD", "invalid product")
    assert sent(steps) == [asks_for("subscribe", "ETH-USD")]
    steps = made.received(subscriptions(1, level2=["BTC-USD", "ETH-USD"]), AT)
    assert steps == [Ack("ETH-USD")]


def test_one_by_one_passes_over_a_product_that_is_never_answered() -> None:
    made = protocol("BTC-USD", "ETH-USD")
    made.opened(AT)
    assert sent(made.received(error("no"), AT)) == [asks_for("subscribe", "BTC-USD")]
    assert sent(made.idle(AT + 4 * SECOND)) == []
    made.received(heartbeat(0), AT + 10 * SECOND)
    steps = made.idle(AT + 11 * SECOND)
    assert sent(steps) == [asks_for("subscribe", "ETH-USD")]


def test_a_batch_refused_for_another_reason_is_not_asked_again_once_acknowledged() -> None:
    made = protocol("BTC-USD", "ETH-USD")
    made.opened(AT)
    assert sent(made.received(error("heartbeats?"), AT)) == [asks_for("subscribe", "BTC-USD")]
    steps = made.received(subscriptions(0, level2=["BTC-USD", "ETH-USD"]), AT)
    assert steps == [Ack("BTC-USD"), Ack("ETH-USD")]


def test_an_error_out_of_the_blue_refuses_the_connection_as_a_whole() -> None:
    made = live("BTC-USD")
    assert made.received(error("rate limit exceeded"), AT) == [Refused(None, "rate limit exceeded")]
    other = b'{"type":"error","message":"Failed to subscribe","reason":"nope"}'
    assert made.received(other, AT) == [Refused(None, "Failed to subscribe nope")]


# --- books ------------------------------------------------------------------------------------


def test_the_layout_names_the_keys_of_the_wire() -> None:
    assert VENUE.layout == LevelLayout(
        price_key="price_level",
        size_key="new_quantity",
        side_key="side",
        bid_value="bid",
        ask_value="offer",
    )


def test_the_data_channel_has_another_name_than_the_subscription() -> None:
    made = protocol("BTC-USD")
    assert made.received(snapshot(0), AT) == [
        Snapshot(market="BTC-USD", mixed=rows(*BIDS, *ASKS).encode(), sequence=0, sent_at=SENT_AT)
    ]
    changes = (("bid", "65083.66", "0"), ("offer", "65083.67", "0.15556334"))
    assert made.received(update(1, *changes), AT) == [
        Delta(market="BTC-USD", mixed=rows(*changes).encode(), sequence=1, sent_at=SENT_AT)
    ]


def test_several_events_in_one_frame() -> None:
    made = live("BTC-USD", "ETH-USD")
    first, second = ("bid", "65000", "1"), ("offer", "1919.49", "0")
    message = frame(
        "l2_data",
        3,
        event("update", rows(first)),
        event("update", rows(second), "ETH-USD"),
        event("snapshot", rows(*ASKS)),
    )
    assert made.received(message, AT) == [
        Delta(market="BTC-USD", mixed=rows(first).encode(), sequence=3, sent_at=SENT_AT),
        Delta(market="ETH-USD", mixed=rows(second).encode(), sequence=3, sent_at=SENT_AT),
        Snapshot(market="BTC-USD", mixed=rows(*ASKS).encode(), sequence=3, sent_at=SENT_AT),
    ]


def test_an_empty_book_is_a_book() -> None:
    made = protocol("BTC-USD")
    for number, updates in enumerate(("[]", "null")):
        steps = made.received(frame("l2_data", number, event("snapshot", updates)), AT)
        assert steps == [Snapshot(market="BTC-USD", mixed=b"[]", sequence=number, sent_at=SENT_AT)]
    assert made.received(frame("l2_data", 2).replace(b"[]", b"null"), AT) == []


def test_a_snapshot_of_five_megabytes_fits() -> None:
    levels = ",".join([rows(("bid", "65083.66", "0.20371215"))[1:-1]] * 50_000)
    message = frame("l2_data", 0, event("snapshot", f"[{levels}]"))
    assert 5_000_000 < len(message) < VENUE.limits.message_bytes
    (step,) = protocol("BTC-USD").received(message, AT)
    assert isinstance(step, Snapshot)
    assert step.mixed == f"[{levels}]".encode()


def test_a_book_that_was_not_subscribed_is_only_noticed() -> None:
    made = live("BTC-USD")
    (step,) = made.received(snapshot(2, "DOGE-USD"), AT)
    assert isinstance(step, Notice)
    assert made.received(update(3, *BIDS), AT)


def test_with_no_markets_given_any_product_is_known() -> None:
    made = protocol()
    steps = made.received(snapshot(0, "XYZ-EUR"), AT)
    assert [type(step) for step in steps] == [Snapshot]
    assert made.received(subscriptions(1, level2=["XYZ-EUR"]), AT) == [Ack("XYZ-EUR")]


def test_times_have_up_to_nine_digits() -> None:
    for text, sent_at in (
        ("2026-08-09T21:05:48Z", 1_786_309_548_000_000_000),
        ("2026-08-09T21:05:48.54Z", 1_786_309_548_540_000_000),
        ("2026-08-09T21:05:48.123456789Z", 1_786_309_548_123_457_000),
        ("0001-01-01T00:00:00Z", 0),
    ):
        (step,) = protocol("BTC-USD").received(
            frame("l2_data", 0, event("snapshot", "[]"), at=text), AT
        )
        assert isinstance(step, Snapshot)
        assert step.sent_at == sent_at


# --- sequence ---------------------------------------------------------------------------------


def test_every_channel_counts() -> None:
    made = live("BTC-USD")
    assert not made.received(heartbeat(2), AT)
    assert not made.received(frame("ticker", 3, '{"type":"update","tickers":[]}'), AT)
    assert not made.received(frame("candles", 4, "17"), AT)
    assert made.received(subscriptions(5, level2=["BTC-USD"]), AT) == []
    assert [type(s) for s in made.received(update(6, *BIDS), AT)] == [Delta]


@pytest.mark.parametrize("lost", ["heartbeat", "update"])
def test_a_gap_in_any_channel_loses_every_book_of_the_connection(lost: str) -> None:
    made = live("BTC-USD", "ETH-USD")
    message = heartbeat(4) if lost == "heartbeat" else update(4, *BIDS)
    reason = "message 4 came after 2"
    assert made.received(message, AT) == [Reset(None, reason), Reconnect(reason)]
    assert not made.received(update(5, *BIDS), AT)
    assert not made.received(update(7, *BIDS), AT)


def test_after_a_gap_only_a_snapshot_brings_a_book_back() -> None:
    made = live("BTC-USD", "ETH-USD")
    made.received(update(9, *BIDS), AT)
    assert [type(s) for s in made.received(snapshot(10), AT)] == [Snapshot]
    assert [type(s) for s in made.received(update(11, *BIDS), AT)] == [Delta]
    steps = made.received(update(12, *BIDS, product="ETH-USD"), AT)
    assert [type(s) for s in steps] == [Reset, Send, Send]
    assert [type(s) for s in made.received(update(14, *BIDS), AT)] == [Reset, Reconnect]


def test_a_duplicate_is_skipped() -> None:
    made = live("BTC-USD")
    message = update(2, ("bid", "65083.66", "1"))
    assert len(made.received(message, AT)) == 1
    assert not made.received(message, AT)
    assert [type(s) for s in made.received(update(3, *BIDS), AT)] == [Delta]


def test_reordered_messages_lose_every_book() -> None:
    made = live("BTC-USD")
    assert [type(s) for s in made.received(update(3, *BIDS), AT)] == [Reset, Reconnect]
    assert not made.received(update(2, *BIDS), AT)


def test_errors_carry_no_number_and_break_no_count() -> None:
    made = live("BTC-USD")
    made.received(error("rate limit"), AT)
    assert [type(s) for s in made.received(update(2, *BIDS), AT)] == [Delta]


def test_changes_before_a_snapshot_ask_for_one_once() -> None:
    made = protocol("BTC-USD")
    made.opened(AT)
    made.received(subscriptions(0, level2=["BTC-USD"]), AT)
    steps = made.received(update(1, *BIDS), AT)
    assert isinstance(steps[0], Reset)
    assert steps[0].market == "BTC-USD"
    assert sent(steps) == [asks_for("unsubscribe", "BTC-USD"), asks_for("subscribe", "BTC-USD")]
    assert not made.received(update(2, *BIDS), AT)
    assert [type(s) for s in made.received(snapshot(3), AT)] == [Snapshot]
    assert [type(s) for s in made.received(update(4, *BIDS), AT)] == [Delta]


def test_an_event_of_unknown_type_resets_its_book() -> None:
    made = live("BTC-USD", "ETH-USD")
    steps = made.received(frame("l2_data", 3, event("trim", rows(*BIDS))), AT)
    assert isinstance(steps[0], Reset)
    assert steps[0].market == "BTC-USD"
    assert not made.received(update(4, *BIDS), AT)
    assert [type(s) for s in made.received(update(5, *BIDS, product="ETH-USD"), AT)] == [Delta]


# --- resync -----------------------------------------------------------------------------------


def test_resync_subscribes_anew_and_waits_for_the_snapshot() -> None:
    made = live("BTC-USD", "ETH-USD")
    steps = made.resync("BTC-USD", "crossed", AT)
    assert sent(steps) == [asks_for("unsubscribe", "BTC-USD"), asks_for("subscribe", "BTC-USD")]
    assert not made.resync("BTC-USD", "crossed", AT)
    assert not made.received(update(3, *BIDS), AT)
    assert [type(s) for s in made.received(update(4, *BIDS, product="ETH-USD"), AT)] == [Delta]
    assert made.received(subscriptions(5, level2=["ETH-USD"]), AT) == []
    assert [type(s) for s in made.received(snapshot(6), AT)] == [Snapshot]
    both = subscriptions(7, level2=["ETH-USD", "BTC-USD"])
    assert made.received(both, AT) == [Ack("BTC-USD")]
    assert [type(s) for s in made.received(update(8, *BIDS), AT)] == [Delta]
    assert len(made.resync("BTC-USD", "crossed", AT)) == 2


def test_resync_of_what_was_refused_does_not_unsubscribe() -> None:
    made = protocol("NOPE-USD")
    made.opened(AT)
    made.received(error("invalid product"), AT)
    assert sent(made.resync("NOPE-USD", "no ack", AT)) == [asks_for("subscribe", "NOPE-USD")]
    assert made.received(error("invalid product"), AT) == [Refused("NOPE-USD", "invalid product")]


def test_an_unanswered_resync_is_repeated() -> None:
    made = live("BTC-USD")
    made.resync("BTC-USD", "crossed", AT)
    number = 2
    asked: list[int] = []
    for second in range(1, 14):
        made.received(heartbeat(number), AT + second * SECOND)
        number += 1
        if sent(made.idle(AT + second * SECOND)):
            asked.append(second)
    assert asked == [12]


# --- silence ----------------------------------------------------------------------------------


def test_a_connection_without_heartbeats_has_no_future() -> None:
    made = live("BTC-USD")
    made.received(heartbeat(2), AT + 1 * SECOND)
    assert made.idle(AT + 6 * SECOND) == []
    (step,) = made.idle(AT + 7 * SECOND)
    assert step == Reconnect("no heartbeat for 5 s")
    assert made.idle(AT + 8 * SECOND) == []


def test_a_snapshot_of_megabytes_may_hold_up_the_heartbeats() -> None:
    made = protocol("BTC-USD")
    made.opened(AT)
    assert made.idle(AT + 29 * SECOND) == []
    assert made.idle(AT + 31 * SECOND) == [Reconnect("no heartbeat for 30 s")]


def test_a_refused_product_makes_nobody_wait_longer() -> None:
    made = protocol("BTC-USD", "NOPE-USD")
    made.opened(AT)
    made.received(error("invalid product"), AT)
    made.received(snapshot(0), AT)
    made.received(subscriptions(1, level2=["BTC-USD"]), AT)
    made.received(error("invalid product"), AT)
    assert not made.idle(AT + 5 * SECOND)
    assert made.idle(AT + 6 * SECOND) == [Reconnect("no heartbeat for 5 s")]


def test_heartbeats_do_not_vouch_for_a_silent_product() -> None:
    made = live("BTC-USD", "ETH-USD")
    assert not any(made.received(heartbeat(number), AT) for number in range(3, 60))


# --- nonsense ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"ping",
        b"[]",
        b"null",
        snapshot(0)[:-20],
        snapshot(0).replace(b'"sequence_num":0', b'"sequence_num":"0"'),
        snapshot(0).replace(b'"sequence_num":0', b'"sequence_num":0.5'),
        snapshot(0).replace(b'"sequence_num":0', b'"sequence_num":9223372036854775808'),
        snapshot(0).replace(b'"sequence_num":0,', b""),
        snapshot(0).replace(b'"BTC-USD"', b"17"),
        snapshot(0).replace(TIME.encode(), b"yesterday"),
        snapshot(0).replace(TIME.encode(), b"2026-08-09T21:05:48"),
        frame("l2_data", 0, '"snapshot"'),
        subscriptions(0, level2=["BTC-USD"]).replace(b'["BTC-USD"]', b'"BTC-USD"'),
        b"\xff\xfe" + snapshot(0),
        snapshot(0).replace(b"BTC", b"\xff\xfe\xff"),
        snapshot(0).replace(b'[{"side"', b"[" * 100_000 + b'[{"side"'),
    ],
)
def test_what_cannot_be_decoded_is_raised(raw: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        protocol("BTC-USD").received(raw, AT)


def test_a_message_of_no_channel_is_noticed() -> None:
    assert [type(s) for s in protocol("BTC-USD").received(b"{}", AT)] == [Notice]
    assert [type(s) for s in protocol("BTC-USD").received(b'{"type":"hi"}', AT)] == [Notice]


def test_nothing_is_fetched() -> None:
    assert [type(s) for s in protocol("BTC-USD").fetched("x", 200, b"{}", AT)] == [Notice]


@given(cut=st.integers(0, len(snapshot(0))), junk=st.binary(max_size=8))
def test_no_damage_raises_anything_else(cut: int, junk: bytes) -> None:
    whole = snapshot(0)
    for raw in (whole[:cut], whole[:cut] + junk + whole[cut:]):
        try:
            steps = protocol("BTC-USD").received(raw, AT)
        except msgspec.DecodeError:
            continue
        assert all(isinstance(step, Step) for step in steps)


@given(st.lists(st.sampled_from("sudghr"), max_size=30))
def test_a_delta_never_comes_without_a_snapshot_and_an_unbroken_count(script: str) -> None:
    """s napshot, u pdate, d uplicate, g ap, h eartbeat, r esync: whatever the order."""
    made = live("BTC-USD")
    number, proven = 1, True
    for act in script:
        if act == "r":
            made.resync("BTC-USD", "told", AT)
            proven = False
            continue
        number += {"d": 0, "g": 2}.get(act, 1)
        raw = {"s": snapshot, "h": heartbeat}.get(act, lambda n: update(n, *BIDS))(number)
        steps = made.received(raw, AT)
        kinds = {type(step) for step in steps}
        proven = proven and act != "g"
        assert (Delta in kinds) == (act == "u" and proven)
        assert (Snapshot in kinds) == (act == "s")
        proven = proven or act == "s"
