"""Hyperliquid, message by message."""

from __future__ import annotations

import json

import msgspec
import pytest

from scanner.steps import (
    Ack,
    Best,
    Connect,
    DerivativeTicker,
    Notice,
    Reconnect,
    Refused,
    Send,
    Snapshot,
)
from scanner.types import Depth
from scanner.venues.hyperliquid import VENUE
from scanner.venues.parts import MILLISECOND, SECOND
from scanner.venues.protocol import VenueProtocol
from tests.venues.harness import build, sent, text
from tests.venues.wire import needs_wire, recorded

HOUR = 3600 * SECOND
AT = 1_790_000_000 * SECOND
TIME = 1708622398623
BIDS = [{"px": "50000", "sz": "0.1", "n": 2}, {"px": "49999", "sz": "3", "n": 1}]
ASKS = [{"px": "50001", "sz": "0.2", "n": 1}]


def protocol(*ids: str, depth: Depth = Depth.TOP) -> VenueProtocol:
    made = build(VENUE, ids or None, depth)
    made.start(AT)
    made.opened(AT)
    return made


def said(channel: str, **data: object) -> bytes:
    return text({"channel": channel, "data": data})


def book(time: int, coin: str = "BTC") -> bytes:
    return said("l2Book", coin=coin, time=time, levels=[BIDS, ASKS])


def answer(method: str, kind: str = "l2Book", coin: str = "BTC") -> bytes:
    subscription = {"type": kind, "coin": coin, "fast": True}
    return said("subscriptionResponse", method=method, subscription=subscription)


def test_connects_and_subscribes_each_coin_three_times() -> None:
    made = build(VENUE, ["BTC", "kPEPE"])
    assert made.start(AT) == [Connect("wss://api.hyperliquid.xyz/ws")]
    requests = sent(made.opened(AT))
    assert requests[:3] == [
        {"method": "subscribe", "subscription": {"type": "l2Book", "coin": "BTC", "fast": True}},
        {"method": "subscribe", "subscription": {"type": "bbo", "coin": "BTC"}},
        {"method": "subscribe", "subscription": {"type": "activeAssetCtx", "coin": "BTC"}},
    ]
    assert len(requests) == 6 and requests[3]["subscription"]["coin"] == "kPEPE"


def test_a_connection_never_mixes_the_two_books_of_a_coin() -> None:
    made = build(VENUE, ["BTC"], Depth.FULL)
    assert sent(made.opened(AT))[0]["subscription"] == {"type": "l2Book", "coin": "BTC"}
    (leave,) = sent(made.resync("BTC", "crossed", AT))
    assert leave == {"method": "unsubscribe", "subscription": {"type": "l2Book", "coin": "BTC"}}


def test_only_the_book_is_acknowledged() -> None:
    made = protocol("BTC")
    assert made.received(answer("subscribe", "bbo"), AT) == ()
    assert made.received(answer("subscribe"), AT) == [Ack("BTC")]


def test_every_book_is_whole_and_only_an_older_one_is_skipped() -> None:
    made = protocol("BTC")
    expected = Snapshot(
        market="BTC",
        bids=text(BIDS),
        asks=text(ASKS),
        sequence=TIME,
        sent_at=TIME * MILLISECOND,
    )
    assert made.received(book(TIME), AT) == [expected]
    assert made.received(book(TIME), AT) == [expected]
    assert made.received(book(TIME - 1), AT) == ()
    assert len(made.received(book(TIME + 5000), AT)) == 1


def test_best_prices_are_ordered_by_the_time_of_the_block() -> None:
    made = protocol("BTC")
    raw = said("bbo", coin="BTC", time=TIME, bbo=[BIDS[0], ASKS[0]])
    assert made.received(raw, AT) == [
        Best(
            market="BTC",
            bid_price="50000",
            bid_size="0.1",
            ask_price="50001",
            ask_size="0.2",
            order=TIME,
            sent_at=TIME * MILLISECOND,
        )
    ]
    (one_sided,) = made.received(said("bbo", coin="BTC", time=TIME, bbo=[None, ASKS[0]]), AT)
    assert (one_sided.bid_price, one_sided.bid_size, one_sided.ask_price) == ("", "", "50001")


def test_rates_are_for_an_hour_and_paid_at_the_next_full_one() -> None:
    ctx = {
        "dayNtlVlm": "1169046.29406",
        "markPx": "14.3161",
        "oraclePx": "14.32",
        "funding": "-0.0000125",
        "openInterest": "688.11",
        "midPx": None,
    }
    at = 1_790_002_800 * SECOND + 17
    assert at // SECOND % 3600 == 0
    assert protocol("HYPE").received(said("activeAssetCtx", coin="HYPE", ctx=ctx), at) == [
        DerivativeTicker(
            market="HYPE",
            mark="14.3161",
            index="14.32",
            funding_rate="-0.0000125",
            next_funding_at=1_790_006_400 * SECOND,
            interval=HOUR,
            open_interest="688.11",
        )
    ]


def test_resync_leaves_waits_for_the_word_and_joins() -> None:
    made = protocol("BTC")
    made.received(book(TIME), AT)
    (leave,) = sent(made.resync("BTC", "crossed", AT))
    assert leave["method"] == "unsubscribe"
    assert made.resync("BTC", "crossed", AT) == ()
    (join,) = sent(made.received(answer("unsubscribe"), AT))
    assert (join["method"], join["subscription"]["fast"]) == ("subscribe", True)
    # What comes after it counts, whatever its time.
    assert len(made.received(book(TIME - 60_000), AT)) == 1
    assert sent(made.idle(AT + 11 * SECOND)) == [{"method": "ping"}]


def test_an_unanswered_leave_is_followed_by_a_join() -> None:
    made = protocol("BTC")
    made.resync("BTC", "crossed", AT)
    made.received(b'{"channel":"pong"}', AT + 11 * SECOND)
    made.idle(AT + 11 * SECOND)
    requests = sent(made.idle(AT + 12 * SECOND))
    assert [one["method"] for one in requests] == ["subscribe"]


def test_pings_come_before_the_venue_would_close() -> None:
    made = protocol("BTC")
    assert made.idle(AT + 9 * SECOND) == []
    assert made.idle(AT + 10 * SECOND) == [Send('{"method":"ping"}', heartbeat=True)]
    assert made.received(b'{"channel":"pong"}', AT + 10 * SECOND) == ()
    (end,) = made.idle(AT + 36 * SECOND)
    assert isinstance(end, Reconnect)


def test_what_was_not_subscribed_is_noticed() -> None:
    made = protocol("BTC")
    ctx = said("activeAssetCtx", coin="ETH", ctx={})
    best = said("bbo", coin="ETH", time=1, bbo=[None, None])
    for raw in (book(TIME, "ETH"), ctx, best, b'{"channel":"odd","data":[]}'):
        assert [type(step) for step in made.received(raw, AT)] == [Notice]
    error = text({"channel": "error", "data": 'Already subscribed: {"type":"bbo"}'})
    assert made.received(error, AT) == [Refused(None, 'Already subscribed: {"type":"bbo"}')]


@pytest.mark.parametrize(
    "raw", [b"\xff", said("l2Book", coin="BTC", time=1, levels=[[]]), said("bbo", coin="BTC")]
)
def test_what_cannot_be_decoded_is_raised(raw: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        protocol("BTC").received(raw, AT)


def test_the_stream_knows_a_contract_by_its_coin() -> None:
    assert VENUE.stream_id({"id": "0", "baseName": "kPEPE"}) == "kPEPE"


@needs_wire
def test_recorded_contexts_decode_to_their_exact_text() -> None:
    (raw,) = recorded("hyperliquid/perp.allDexsAssetCtxs.2026.jsonl.gz")
    contexts = json.loads(raw)["data"]["ctxs"][0][1]
    made = build(VENUE, None)
    for ctx in contexts:
        (step,) = made.received(said("activeAssetCtx", coin="X", ctx=ctx), AT)
        told = (step.mark, step.index, step.funding_rate, step.open_interest)
        assert told == (ctx["markPx"], ctx["oraclePx"], ctx["funding"], ctx["openInterest"])
    assert contexts[0]["funding"] == "-0.0000015186"
