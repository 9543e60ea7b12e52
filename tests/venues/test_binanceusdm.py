"""Binance USD-M, message by message."""

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
from scanner.venues.binanceusdm import VENUE, BinanceUsdmTickers
from scanner.venues.parts import MILLISECOND, SECOND
from scanner.venues.protocol import Options, VenueProtocol
from tests.venues.harness import build, market, sent
from tests.venues.wire import needs_wire, recorded

AT = 1_790_000_000 * SECOND
HOUR = 3600 * SECOND
E = 1_789_999_999_900
BIDS = '[["91000.10","0.500"],["91000.00","1.200"]]'
ASKS = '[["91000.20","0.300"]]'
URL = "http://r/fapi/v1/depth?symbol=BTCUSDT&limit=1000"
INTERVALS = Fetch("intervals", "http://r/fapi/v1/fundingInfo")


def protocol(*ids: str, depth: Depth = Depth.TOP) -> VenueProtocol:
    return build(VENUE, ids or None, depth, rest="http://r", ws="ws://w")


def tickers(*ids: str) -> BinanceUsdmTickers:
    options = Options(depth=Depth.TOP, rest="http://r", ws="ws://w")
    return BinanceUsdmTickers([market("binanceusdm", name) for name in ids], options)


def stream(name: str, **data: object) -> bytes:
    return json.dumps({"stream": name, "data": data}).encode()


def depth(
    first: int, last: int, previous: int, channel: str = "depth@100ms", family: int = 1
) -> bytes:
    data = {"e": "depthUpdate", "E": E, "T": E - 1, "s": "BTCUSDT", "ps": "BTCUSDT", "st": family}
    ids = {"U": first, "u": last, "pu": previous}
    rows = {"b": json.loads(BIDS), "a": json.loads(ASKS)}
    return stream(f"btcusdt@{channel}", **data, **ids, **rows)


def delta(last: int) -> Delta:
    return Delta(
        market="BTCUSDT",
        bids=b'[["91000.10", "0.500"], ["91000.00", "1.200"]]',
        asks=b'[["91000.20", "0.300"]]',
        sequence=last,
        sent_at=E * MILLISECOND,
    )


def snapshot(last: int) -> bytes:
    return f'{{"lastUpdateId":{last},"E":1,"T":1,"bids":{BIDS},"asks":{ASKS}}}'.encode()


def joined(last: int = 100) -> VenueProtocol:
    made = protocol("BTCUSDT", depth=Depth.FULL)
    assert made.received(depth(90, 95, 89), AT) == [Fetch("depth:BTCUSDT", URL)]
    steps = made.fetched("depth:BTCUSDT", 200, snapshot(last), AT)
    assert [type(step) for step in steps] == [Snapshot]
    return made


def test_books_are_below_public_and_marks_below_market() -> None:
    assert build(VENUE, []).start(0) == [Connect("wss://fstream.binance.com/public/stream")]
    assert tickers().start(0) == [Connect("ws://w/market/stream")]


def test_streams_are_asked_for_in_lower_case() -> None:
    (top,) = sent(protocol("BTCUSDT").opened(AT))
    assert top["params"] == ["btcusdt@depth20@100ms", "btcusdt@bookTicker"]
    (full,) = sent(protocol("BTCUSDT_261225", depth=Depth.FULL).opened(AT))
    assert full["params"] == ["btcusdt_261225@depth@100ms", "btcusdt_261225@bookTicker"]
    (marks,) = sent(tickers("BTCUSDT", "ETHUSDT").opened(AT))
    assert marks == {
        "method": "SUBSCRIBE",
        "params": ["btcusdt@markPrice@1s", "ethusdt@markPrice@1s"],
        "id": 1,
    }


def test_an_ack_is_for_all_markets_of_its_request() -> None:
    made = protocol("BTCUSDT", "ETHUSDT")
    made.opened(AT)
    assert made.received(b'{"result":null,"id":1}', AT) == [Ack("BTCUSDT"), Ack("ETHUSDT")]
    assert made.received(b'{"result":null,"id":1}', AT) == []


def test_a_refused_batch_is_asked_one_by_one() -> None:
    made = protocol("BTCUSDT", "ETHUSDT")
    made.opened(AT)
    error = b'{"error":{"code":2,"msg":"Invalid request"},"id":1}'
    first, second = sent(made.received(error, AT))
    assert (first["params"][0], second["params"][0]) == (
        "btcusdt@depth20@100ms",
        "ethusdt@depth20@100ms",
    )
    flat = b'{"code":2,"msg":"Invalid request","id":3}'
    assert made.received(flat, AT) == [Refused("ETHUSDT", "Invalid request (code 2)")]


def test_a_top_of_twenty_levels_is_a_whole_book_though_it_looks_like_a_change() -> None:
    made = protocol("BTCUSDT")
    assert made.received(depth(90, 95, 89, "depth20@100ms"), AT) == [
        Snapshot(
            market="BTCUSDT",
            bids=b'[["91000.10", "0.500"], ["91000.00", "1.200"]]',
            asks=b'[["91000.20", "0.300"]]',
            sequence=95,
            sent_at=E * MILLISECOND,
        )
    ]
    assert made.received(depth(80, 85, 79, "depth20@100ms"), AT) == ()
    # No chain: what lies between two tops is of no interest.
    assert len(made.received(depth(900, 950, 890, "depth20@100ms"), AT)) == 1


def test_best_prices_are_ordered_by_the_id_of_the_book() -> None:
    made = protocol("BTCUSDT")
    best = {"e": "bookTicker", "u": 400900217, "E": E, "T": E - 2, "s": "BTCUSDT", "st": 1}
    raw = stream("btcusdt@bookTicker", **best, b="91000.10", B="0.500", a="91000.20", A="0.300")
    assert made.received(raw, AT) == [
        Best(
            market="BTCUSDT",
            bid_price="91000.10",
            bid_size="0.500",
            ask_price="91000.20",
            ask_size="0.300",
            order=400900217,
            sent_at=E * MILLISECOND,
        )
    ]


def test_the_first_event_covers_the_id_of_the_snapshot_itself() -> None:
    made = joined(100)
    assert made.received(depth(98, 103, 95), AT) == [delta(103)]
    assert made.received(depth(110, 115, 103), AT) == [delta(115)]


def test_an_event_that_names_the_snapshot_as_its_predecessor_joins() -> None:
    assert joined(100).received(depth(150, 160, 100), AT) == [delta(160)]


def test_an_event_that_ends_at_the_snapshot_adds_nothing_to_it() -> None:
    made = joined(100)
    assert made.received(depth(96, 100, 95), AT) == ()
    assert made.received(depth(101, 104, 100), AT) == [delta(104)]


def test_an_event_that_starts_behind_the_snapshot_does_not_join() -> None:
    made = joined(100)
    reset, fetch = made.received(depth(101, 104, 99), AT)
    assert reset == Reset("BTCUSDT", "update id 99 before 104 is not the last one")
    assert fetch == Fetch("depth:BTCUSDT", URL)


def test_a_gap_is_seen_by_the_predecessor_alone() -> None:
    made = joined(100)
    made.received(depth(98, 103, 95), AT)
    # U follows u by one and yet an event is missing: pu says so.
    assert made.received(depth(104, 106, 105), AT)[0] == Reset(
        "BTCUSDT", "update id 105 before 106 is not the last one"
    )


def test_coin_margined_contracts_of_the_same_name_are_left_out() -> None:
    made = protocol("BTCUSDT")
    for raw in (depth(1, 2, 0, "depth20@100ms", family=2), depth(1, 2, 0, family=2)):
        (notice,) = made.received(raw, AT)
        assert isinstance(notice, Notice)
    mark = stream("btcusdt@markPrice@1s", E=E, s="BTCUSDT", p="1", st=2)
    assert isinstance(tickers("BTCUSDT").received(mark, AT)[0], Notice)


def test_resync_leaves_and_joins_or_fetches() -> None:
    leave, join = sent(protocol("BTCUSDT").resync("BTCUSDT", "crossed", AT))
    assert (leave["method"], join["method"]) == ("UNSUBSCRIBE", "SUBSCRIBE")
    made = joined()
    again, fetch = made.resync("BTCUSDT", "crossed", AT)
    assert (sent([again])[0]["method"], fetch) == ("SUBSCRIBE", Fetch("depth:BTCUSDT", URL))
    assert made.resync("BTCUSDT", "crossed", AT) == ()


def test_a_snapshot_that_does_not_come_is_asked_for_again() -> None:
    made = protocol("BTCUSDT", depth=Depth.FULL)
    made.received(depth(90, 95, 89), AT)
    (notice,) = made.fetched("depth:BTCUSDT", 503, b"", AT)
    assert isinstance(notice, Notice)
    assert made.idle(AT + SECOND) == [Fetch("depth:BTCUSDT", URL)]


MARK = {"e": "markPriceUpdate", "E": E, "s": "BTCUSDT", "p": "91000.12345678", "ap": "91000.2"}


def test_a_mark_names_price_index_rate_and_boundary() -> None:
    raw = stream(
        "btcusdt@markPrice@1s",
        **MARK,
        i="91010.00000000",
        P="91001.1",
        r="0.00038167",
        T=1_790_006_400_000,
        st=1,
    )
    assert tickers("BTCUSDT").received(raw, AT) == [
        DerivativeTicker(
            market="BTCUSDT",
            mark="91000.12345678",
            index="91010.00000000",
            funding_rate="0.00038167",
            next_funding_at=1_790_006_400_000 * MILLISECOND,
            sent_at=E * MILLISECOND,
        )
    ]


def test_intervals_are_those_listed_and_eight_hours_else() -> None:
    made = tickers("BTCUSDT", "LPTUSDT")
    assert made.opened(AT)[-1] == INTERVALS
    listed = [{"symbol": "LPTUSDT", "fundingIntervalHours": 4, "adjustedFundingRateCap": "0.02"}]
    assert made.fetched("intervals", 200, json.dumps(listed).encode(), AT) == [
        DerivativeTicker(market="BTCUSDT", interval=8 * HOUR),
        DerivativeTicker(market="LPTUSDT", interval=4 * HOUR),
    ]
    assert INTERVALS not in made.idle(AT + SECOND)
    assert INTERVALS in made.idle(AT + HOUR + SECOND)


def test_no_interval_is_made_up_while_the_list_is_missing() -> None:
    made = tickers("BTCUSDT")
    made.opened(AT)
    (notice,) = made.fetched("intervals", 0, b"", AT)
    assert isinstance(notice, Notice)
    assert made.idle(AT + SECOND) == [INTERVALS]


def test_open_interest_is_asked_for_in_turn() -> None:
    made = tickers("BTCUSDT", "ETHUSDT")
    made.opened(AT)
    made.fetched("intervals", 200, b"[]", AT)
    assert made.idle(AT + 149 * SECOND) == []
    url = "http://r/fapi/v1/openInterest?symbol="
    assert made.idle(AT + 150 * SECOND) == [Fetch("interest:BTCUSDT", url + "BTCUSDT")]
    assert made.idle(AT + 300 * SECOND) == [Fetch("interest:ETHUSDT", url + "ETHUSDT")]
    body = b'{"symbol":"BTCUSDT","openInterest":"26286.181","time":1}'
    assert made.fetched("interest:BTCUSDT", 200, body, AT) == [
        DerivativeTicker(market="BTCUSDT", open_interest="26286.181")
    ]
    assert made.fetched("interest:BTCUSDT", 429, b"", AT) == ()


def test_an_announced_end_is_not_waited_for() -> None:
    end = (Reconnect("the venue announced that it closes this connection"),)
    for made in (protocol("BTCUSDT"), tickers("BTCUSDT")):
        assert made.received(b'{"e":"serverShutdown","E":1}', AT) == end
        assert made.received(stream("x", e="serverShutdown"), AT) == end


@pytest.mark.parametrize("raw", [b"\xff", b"[]", b'{"stream":"a@bookTicker","data":{"u":"x"}}'])
def test_what_cannot_be_decoded_is_raised(raw: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        protocol("BTCUSDT").received(raw, AT)


@needs_wire
def test_recorded_marks_decode_to_their_exact_text() -> None:
    raws = recorded("binance/usdm.markPrice.2023-04-05.BTCUSDT.jsonl")
    made = tickers("BTCUSDT")
    steps = [made.received(raw, AT) for raw in raws]
    assert len(raws) == 415 and all(len(step) == 1 for step in steps)
    assert steps[0] == [
        DerivativeTicker(
            market="BTCUSDT",
            mark="28155.10000000",
            index="28165.04857143",
            funding_rate="0.00002760",
            next_funding_at=1680652800000 * MILLISECOND,
            sent_at=1680652800010 * MILLISECOND,
        )
    ]
    assert [step[0].mark for step in steps] == [json.loads(raw)["data"]["p"] for raw in raws]
    # The boundary passes within the recording: eight hours lie between the two.
    ends = {step[0].next_funding_at for step in steps}
    assert max(ends) - min(ends) == 8 * HOUR
