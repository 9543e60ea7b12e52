"""Kraken Futures, message by message."""

from __future__ import annotations

import json

import msgspec
import pytest

from scanner.steps import Ack, Connect, Delta, DerivativeTicker, Notice, Refused, Reset, Snapshot
from scanner.venues.krakenfutures import VENUE
from scanner.venues.parts import MILLISECOND, SECOND
from scanner.venues.protocol import VenueProtocol
from tests.venues.harness import build, sent
from tests.venues.wire import needs_wire, recorded

AT = 1_790_000_000 * SECOND
HOUR = 3600 * SECOND
TS = 1_789_999_999_084
DUE = 1_790_002_800_000


def protocol(*ids: str) -> VenueProtocol:
    made = build(VENUE, ids or None)
    made.start(AT)
    made.opened(AT)
    return made


def snapshot(seq: int, market: str = "PF_XBTUSD") -> bytes:
    return (
        f'{{"feed":"book_snapshot","product_id":"{market}","timestamp":{TS},"seq":{seq},'
        '"tickSize":null,"bids":[{"price":91000.5,"qty":1.25},{"price":91000.0,"qty":0.0}],'
        '"asks":[{"price":91001.0,"qty":5e-05}]}'
    ).encode()


def change(seq: int, side: str = "buy", price: str = "91000.0", qty: str = "2.5000") -> bytes:
    return (
        f'{{"feed":"book","product_id":"PF_XBTUSD","side":"{side}","seq":{seq},'
        f'"price":{price},"qty":{qty},"timestamp":{TS}}}'
    ).encode()


def ticker(market: str = "PF_XBTUSD", **changes: object) -> bytes:
    body: dict[str, object] = {
        "time": TS,
        "product_id": market,
        "funding_rate": -0.126108093245,
        "funding_rate_prediction": -0.14,
        "relative_funding_rate": -0.0000156,
        "relative_funding_rate_prediction": 1.7773051388889e-05,
        "next_funding_rate_time": DUE,
        "feed": "ticker",
        "bid": 91000.5,
        "index": 91010.13,
        "suspended": False,
        "openInterest": 488.789,
        "markPrice": 91000.8353,
        "post_only": False,
    }
    return json.dumps(body | changes).encode()


SAID = DerivativeTicker(
    market="PF_XBTUSD",
    mark="91000.8353",
    index="91010.13",
    funding_rate="-1.56e-05",
    predicted="1.7773051388889e-05",
    next_funding_at=DUE * MILLISECOND,
    interval=HOUR,
    open_interest="488.789",
    sent_at=TS * MILLISECOND,
)


def joined() -> VenueProtocol:
    made = protocol("PF_XBTUSD")
    made.received(snapshot(10), AT)
    return made


def test_connects_and_asks_product_by_product() -> None:
    made = build(VENUE, ["PF_XBTUSD", "FI_XBTUSD_261225"])
    assert made.start(AT) == [Connect("wss://futures.kraken.com/ws/v1")]
    requests = sent(made.opened(AT))
    assert requests[0] == {"event": "subscribe", "feed": "book", "product_ids": ["PF_XBTUSD"]}
    assert [one["feed"] for one in requests] == ["book", "ticker"] * 2


def test_only_the_book_is_acknowledged() -> None:
    made = protocol("PF_XBTUSD")
    assert made.received(b'{"event":"info","version":1}', AT) == ()
    word = '{"event":"subscribed","feed":"%s","product_ids":["PF_XBTUSD"]}'
    assert made.received((word % "ticker").encode(), AT) == ()
    assert made.received((word % "book").encode(), AT) == [Ack("PF_XBTUSD")]


def test_a_refusal_names_no_product() -> None:
    made = protocol("PF_XBTUSD")
    error = b'{"event":"error","message":"Invalid product id"}'
    assert made.received(error, AT) == [Refused(None, "Invalid product id")]
    alert = b'{"event":"alert","message":"Bad request"}'
    assert made.received(alert, AT) == [Refused(None, "Bad request")]


def test_the_whole_book_and_then_level_by_level() -> None:
    made = protocol("PF_XBTUSD")
    assert made.received(snapshot(10), AT) == [
        Snapshot(
            market="PF_XBTUSD",
            bids=b'[{"price":91000.5,"qty":1.25},{"price":91000.0,"qty":0.0}]',
            asks=b'[{"price":91001.0,"qty":5e-05}]',
            sequence=10,
            sent_at=TS * MILLISECOND,
        )
    ]
    # Digits stay as they were written.
    assert made.received(change(11), AT) == [
        Delta(
            market="PF_XBTUSD",
            bids=b'[{"price":91000.0,"qty":2.5000}]',
            sequence=11,
            sent_at=TS * MILLISECOND,
        )
    ]
    (ask,) = made.received(change(12, "sell", "91001.0", "0"), AT)
    assert (ask.bids, ask.asks) == (b"[]", b'[{"price":91001.0,"qty":0}]')
    assert made.received(change(12), AT) == ()


def test_a_gap_leads_to_a_new_subscription() -> None:
    made = joined()
    reset, leave = made.received(change(13), AT)
    assert reset == Reset("PF_XBTUSD", "seq 13 does not follow 10")
    assert sent([leave])[0]["event"] == "unsubscribe"
    assert made.received(change(14), AT) == []
    word = b'{"event":"unsubscribed","feed":"book","product_ids":["PF_XBTUSD"]}'
    assert sent(made.received(word, AT))[0]["event"] == "subscribe"
    assert made.received(word, AT) == []
    assert len(made.received(snapshot(5), AT)) == 1
    assert len(made.received(change(6), AT)) == 1


def test_ids_count_for_each_product() -> None:
    made = protocol("PF_XBTUSD", "PF_ETHUSD")
    made.received(snapshot(10), AT)
    made.received(snapshot(700, "PF_ETHUSD"), AT)
    assert len(made.received(change(11), AT)) == 1


def test_a_level_on_no_side_is_malformed() -> None:
    with pytest.raises(msgspec.ValidationError):
        joined().received(change(11, "both"), AT)


def test_the_fraction_counts_not_the_money_per_contract() -> None:
    assert protocol("PF_XBTUSD").received(ticker(), AT) == [SAID]


def test_a_dated_contract_or_one_that_is_not_traded_yet_has_no_funding() -> None:
    (step,) = protocol("PF_XBTUSD").received(ticker(next_funding_rate_time=0), AT)
    assert (step.funding_rate, step.predicted, step.next_funding_at, step.interval) == (
        "",
        "",
        0,
        0,
    )


def test_a_suspended_product_has_no_book_until_a_fresh_one_has_come() -> None:
    made = joined()
    said, reset = made.received(ticker(suspended=True), AT)
    assert reset == Reset("PF_XBTUSD", "trading is suspended")
    assert [type(step) for step in made.received(ticker(suspended=True), AT)] == [type(said)]
    assert made.received(change(11), AT) == ()
    assert made.received(snapshot(20), AT) == ()
    assert made.resync("PF_XBTUSD", "silent", AT) == ()
    _, leave = made.received(ticker(), AT)
    assert sent([leave])[0]["event"] == "unsubscribe"
    assert len(made.received(snapshot(30), AT)) == 1


def test_what_was_not_subscribed_is_noticed() -> None:
    made = protocol("PF_XBTUSD")
    assert isinstance(made.received(ticker("PF_ETHUSD"), AT)[0], Notice)
    assert made.received(b'{"feed":"trade","product_id":"PF_ETHUSD"}', AT) == ()


@pytest.mark.parametrize("raw", [b"\xff", b"[]", b'{"feed":"book","product_id":"PF_XBTUSD"}'])
def test_what_cannot_be_decoded_is_raised(raw: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        protocol("PF_XBTUSD").received(raw, AT)


@needs_wire
def test_captured_tickers_decode_to_their_exact_text() -> None:
    raws = recorded("frames/cryptofacilities.tardis-node.jsonl", '"feed":"ticker"')
    made = build(VENUE, None)
    steps = [made.received(raw, AT)[0] for raw in raws]
    assert [step.market for step in steps] == [json.loads(raw)["product_id"] for raw in raws]
    (bch,) = [step for step in steps if step.market == "PI_BCHUSD"]
    assert bch == DerivativeTicker(
        market="PI_BCHUSD",
        mark="123.83534812969",
        index="123.91",
        funding_rate="-0.000015670191666667",
        predicted="-0.000017773051388889",
        next_funding_at=1680307200000 * MILLISECOND,
        interval=HOUR,
        open_interest="488789",
        sent_at=1680307198986 * MILLISECOND,
    )
