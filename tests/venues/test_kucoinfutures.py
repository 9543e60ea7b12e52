"""KuCoin futures, message by message."""

from __future__ import annotations

import json

import msgspec
import pytest

from scanner.steps import (
    Ack,
    Best,
    Connect,
    Delta,
    DerivativeTicker,
    Fetch,
    Notice,
    Reconnect,
    Refused,
    Reset,
    Snapshot,
)
from scanner.types import Depth
from scanner.venues.kucoinfutures import VENUE
from scanner.venues.parts import MILLISECOND, SECOND
from scanner.venues.protocol import VenueProtocol
from tests.venues.harness import build, sent, text
from tests.venues.wire import needs_wire, recorded

AT = 1_790_000_000 * SECOND
MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
TS = 1_789_999_999_084
DUE = 1_790_006_400 * SECOND
BOOK = Fetch("depth:XBTUSDTM", "http://r/api/v1/level2/snapshot?symbol=XBTUSDTM")
DETAILS = Fetch("funding:XBTUSDTM", "http://r/api/v1/contracts/XBTUSDTM")


def protocol(*ids: str, depth: Depth = Depth.TOP) -> VenueProtocol:
    made = build(VENUE, ids or None, depth, rest="http://r", ws="ws://w")
    made.start(AT)
    made.opened(AT)
    return made


def said(topic: str, data: object, subject: str = "", market: str = "XBTUSDTM") -> bytes:
    body = {"type": "message", "topic": f"{topic}:{market}", "subject": subject, "data": data}
    return text(body)


def change(sequence: int, what: str = "91000.1,buy,83") -> bytes:
    data = {"sequence": sequence, "change": what, "timestamp": TS}
    return said("/contractMarket/level2", data, "level2")


def instrument(subject: str, **data: object) -> bytes:
    return said("/contract/instrument", data, subject)


def snapshot(sequence: int) -> bytes:
    rows = {"asks": [[91000.2, 5]], "bids": [[91000.1, 7]], "ts": TS * MILLISECOND}
    return text({"code": "200000", "data": {"symbol": "XBTUSDTM", "sequence": sequence, **rows}})


def details(**changes: object) -> bytes:
    data = {
        "symbol": "XBTUSDTM",
        "multiplier": 0.001,
        "fundingFeeRate": -0.000114,
        "predictedFundingFeeRate": 9.7e-05,
        "fundingRateGranularity": 14_400_000,
        "nextFundingRateTime": 6_399_000,
        "openInterest": "6273644",
    }
    return text({"code": "200000", "data": data | changes})


def test_the_token_leads_to_the_connection() -> None:
    made = build(VENUE, [])
    bullet = "https://api-futures.kucoin.com/api/v1/bullet-public"
    assert made.start(AT) == [Fetch("token", bullet, "POST")]
    server = {"endpoint": "wss://ws-api-futures.kucoin.com/", "pingInterval": 18000}
    body = text({"code": "200000", "data": {"token": "a/b=", "instanceServers": [server]}})
    url = f"wss://ws-api-futures.kucoin.com/?token=a%2Fb%3D&connectId={AT}"
    assert made.fetched("token", 200, body, AT) == [Connect(url)]
    assert isinstance(made.fetched("token", 500, b"", AT)[0], Reconnect)


@pytest.mark.parametrize(("depth", "name"), [(Depth.TOP, "level2Depth50"), (Depth.FULL, "level2")])
def test_nothing_is_subscribed_before_the_welcome(depth: Depth, name: str) -> None:
    made = protocol("XBTUSDTM", "ETHUSDTM", depth=depth)
    topics = [one["topic"] for one in sent(made.received(b'{"id":"1","type":"welcome"}', AT))]
    assert topics == [
        f"/contractMarket/{name}:XBTUSDTM,ETHUSDTM",
        "/contractMarket/tickerV2:XBTUSDTM,ETHUSDTM",
        "/contract/instrument:XBTUSDTM,ETHUSDTM",
    ]


def test_acks_and_refusals_are_told_apart_by_their_id() -> None:
    made = protocol("XBTUSDTM")
    ids = [one["id"] for one in sent(made.received(b'{"type":"welcome"}', AT))]
    assert made.received(text({"id": ids[0], "type": "ack"}), AT) == [Ack("XBTUSDTM")]
    assert made.received(text({"id": ids[1], "type": "ack"}), AT) == ()
    error = {"type": "error", "code": 404, "data": "topic does not exist"}
    assert isinstance(made.received(text(error | {"id": ids[2]}), AT)[0], Notice)
    again = [one["id"] for one in sent(made.received(b'{"type":"welcome"}', AT))]
    refused = made.received(text(error | {"id": again[0]}), AT)
    assert refused == [Refused("XBTUSDTM", '"topic does not exist" (code 404)')]


def test_whole_books_are_ordered_by_their_sequence() -> None:
    made = protocol("XBTUSDTM")

    def book(sequence: int) -> bytes:
        rows = {"asks": [["91000.2", 5]], "bids": [["91000.1", 7]]}
        data = rows | {"sequence": sequence, "timestamp": TS, "ts": TS}
        return said("/contractMarket/level2Depth50", data, "level2")

    assert made.received(book(10), AT) == [
        Snapshot(
            market="XBTUSDTM",
            bids=b'[["91000.1",7]]',
            asks=b'[["91000.2",5]]',
            sequence=10,
            sent_at=TS * MILLISECOND,
        )
    ]
    assert made.received(book(9), AT) == ()


@pytest.mark.parametrize("price", ["91000.1", 91000.1])
def test_best_prices_are_texts_or_numbers_and_their_time_is_in_nanoseconds(price: object) -> None:
    data = {"symbol": "XBTUSDTM", "sequence": 44, "ts": TS * MILLISECOND}
    bid = {"bestBidSize": 260, "bestBidPrice": price}
    raw = said("/contractMarket/tickerV2", data | bid, "tickerV2")
    assert protocol("XBTUSDTM").received(raw, AT) == [
        Best(
            market="XBTUSDTM",
            bid_price="91000.1",
            bid_size="260",
            ask_price="",
            ask_size="",
            order=44,
            sent_at=TS * MILLISECOND,
        )
    ]


def joined() -> VenueProtocol:
    made = protocol("XBTUSDTM", depth=Depth.FULL)
    assert made.received(change(17), AT) == [BOOK]
    steps = made.fetched("depth:XBTUSDTM", 200, snapshot(17), AT)
    assert [type(step) for step in steps] == [Snapshot]
    return made


def test_changes_come_one_by_one_each_with_the_next_sequence() -> None:
    made = joined()
    assert made.received(change(17), AT) == ()
    assert made.received(change(18, "91000.1,buy,83"), AT) == [
        Delta(
            market="XBTUSDTM",
            bids=b'[["91000.1","83"]]',
            sequence=18,
            sent_at=TS * MILLISECOND,
        )
    ]
    (ask,) = made.received(change(19, "91000.2,sell,0"), AT)
    assert (ask.bids, ask.asks) == (b"[]", b'[["91000.2","0"]]')
    assert made.received(change(21), AT) == [
        Reset("XBTUSDTM", "sequence 21 does not follow the last one"),
        BOOK,
    ]


@pytest.mark.parametrize("what", ["91000.1,buy", "91000.1,up,3", "", "1,buy,2,3"])
def test_a_change_of_another_shape_is_malformed(what: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        joined().received(change(18, what), AT)


def test_a_price_that_is_no_number_is_left_to_the_book_to_refuse() -> None:
    (delta,) = joined().received(change(18, '9"1,buy,2'), AT)
    assert json.loads(delta.bids) == [['9"1', "2"]]


@pytest.mark.parametrize("body", [b'{"code":"429000","msg":"too many"}', b"{}"])
def test_a_snapshot_that_is_not_served_is_asked_for_again(body: bytes) -> None:
    made = protocol("XBTUSDTM", depth=Depth.FULL)
    made.received(change(17), AT)
    assert isinstance(made.fetched("depth:XBTUSDTM", 200, body, AT)[0], Notice)
    assert BOOK in made.idle(AT + SECOND)


def test_marks_and_index() -> None:
    raw = instrument(
        "mark.index.price", markPrice=91000.11, indexPrice=91015, granularity=1000, timestamp=TS
    )
    assert protocol("XBTUSDTM").received(raw, AT) == [
        DerivativeTicker(
            market="XBTUSDTM", mark="91000.11", index="91015", sent_at=TS * MILLISECOND
        )
    ]


def test_a_rate_of_a_minutes_granularity_is_a_forecast_not_an_interval_of_a_minute() -> None:
    raw = instrument("funding.rate", granularity=60000, fundingRate=-3.8e-05, timestamp=TS)
    assert protocol("XBTUSDTM").received(raw, AT) == [
        DerivativeTicker(market="XBTUSDTM", predicted="-3.8e-05")
    ]


def test_a_rate_of_the_intervals_granularity_is_paid_at_its_end() -> None:
    made = protocol("XBTUSDTM")
    began = DUE // MILLISECOND - 4 * 3_600_000
    rate = {"granularity": 14_400_000, "fundingRate": 0.000039, "timestamp": began}
    ticker = DerivativeTicker(
        market="XBTUSDTM", funding_rate="0.000039", next_funding_at=DUE, interval=4 * HOUR
    )
    raw = text({"x": rate["fundingRate"]})
    written = raw.decode().partition(":")[2].rstrip("}")
    expected = msgspec.structs.replace(ticker, funding_rate=written)
    assert made.received(instrument("funding.rate", **rate), AT) == [expected]
    # Marks repeat it until then; after it, it is nobody's rate.
    mark = instrument("mark.index.price", markPrice=1, indexPrice=2)
    (before,), (after,) = made.received(mark, DUE - 1), made.received(mark, DUE)
    assert (before.funding_rate, before.next_funding_at) == (written, DUE)
    assert (after.funding_rate, after.next_funding_at, after.interval) == ("", 0, 4 * HOUR)
    # And one that has ended already is none.
    assert made.received(instrument("funding.rate", **rate), DUE) == ()


def test_the_contract_tells_the_rest_and_is_asked_again_now_and_then() -> None:
    made = protocol("XBTUSDTM")
    assert DETAILS in made.idle(AT)
    # 6399 s are left by the venue's clock, an answer's way before 6400 s: full minutes count.
    assert made.fetched("funding:XBTUSDTM", 200, details(), AT + SECOND // 2) == [
        DerivativeTicker(
            market="XBTUSDTM",
            funding_rate="-0.000114",
            predicted="9.7e-05",
            next_funding_at=DUE,
            interval=4 * HOUR,
            open_interest="6273644",
        )
    ]
    made.received(b'{"type":"pong"}', AT + 5 * MINUTE)
    assert DETAILS not in made.idle(AT + 5 * MINUTE)
    assert DETAILS in made.idle(AT + 5 * MINUTE + SECOND)


def test_a_dated_contract_has_no_boundary() -> None:
    body = details(
        nextFundingRateTime=None,
        fundingRateGranularity=None,
        fundingFeeRate=None,
        predictedFundingFeeRate=None,
    )
    (step,) = protocol("XBTMZ26").fetched("funding:XBTUSDTM", 200, body, AT)
    assert step == DerivativeTicker(market="XBTUSDTM", open_interest="6273644")


def test_pings_are_sent_by_the_client() -> None:
    made = protocol("XBTUSDTM")
    made.idle(AT)
    ping = sent(made.idle(AT + 5 * SECOND))
    assert ping == [{"id": str(AT + 5 * SECOND), "type": "ping"}]
    (end,) = made.idle(AT + 16 * SECOND)
    assert isinstance(end, Reconnect)


def test_what_was_not_subscribed_is_noticed() -> None:
    raw = said("/contractMarket/level2", {}, market="X")
    assert isinstance(protocol("XBTUSDTM").received(raw, AT)[0], Notice)


@needs_wire
def test_captured_frames_decode_to_their_exact_text() -> None:
    name = "frames/kucoin-futures.tardis-node.jsonl"
    made, at = build(VENUE, None), 1706068802000 * MILLISECOND
    marks = [s for raw in recorded(name, "mark.index") for s in made.received(raw, at)]
    assert [(step.mark, step.index) for step in marks] == [
        ("39610.11", "39615.44"),
        ("39612.67", "39618"),
    ]
    rates = [s for raw in recorded(name, "funding.rate") for s in made.received(raw, at)]
    assert [(s.funding_rate, s.predicted, s.interval) for s in rates] == [
        ("", "0.000038", 0),
        ("0.000039", "", 8 * HOUR),
        ("0.000038", "", 8 * HOUR),
        ("", "0.000032", 0),
    ]
    full = build(VENUE, None, Depth.FULL)
    raws = recorded(name, "/contractMarket/level2:MYROUSDTM", "170541124239")
    steps = [full.received(raw, at) for raw in raws]
    assert [type(step[0]) if step else None for step in steps] == [Fetch, None, None]
