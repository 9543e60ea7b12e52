"""Bybit linear, message by message; its books are those of spot (``test_bybit``)."""

from __future__ import annotations

import json

import msgspec
import pytest

from scanner.steps import Ack, Connect, Delta, DerivativeTicker, Notice, Refused, Reset, Snapshot
from scanner.types import Depth
from scanner.venues.bybit_linear import VENUE
from scanner.venues.parts import MILLISECOND, SECOND
from scanner.venues.protocol import VenueProtocol
from tests.venues.harness import build, sent
from tests.venues.wire import needs_wire, recorded

AT = 1_790_000_000 * SECOND
HOUR = 3600 * SECOND
TS = 1786310817583
BTC = {
    "symbol": "BTCUSDT",
    "lastPrice": "65114.30",
    "markPrice": "65117.44",
    "indexPrice": "65137.76",
    "openInterest": "59891.732",
    "fundingIntervalHour": "8",
    "nextFundingTime": "1786320000000",
    "fundingRate": "-0.0001",
    "bid1Price": "65114.20",
}
WHOLE = DerivativeTicker(
    market="BTCUSDT",
    mark="65117.44",
    index="65137.76",
    funding_rate="-0.0001",
    next_funding_at=1786320000000 * MILLISECOND,
    interval=8 * HOUR,
    open_interest="59891.732",
    sent_at=TS * MILLISECOND,
)


def protocol(*ids: str, depth: Depth = Depth.TOP) -> VenueProtocol:
    made = build(VENUE, ids or None, depth, rest="http://r", ws="ws://w")
    made.start(0)
    return made


def ticker(kind: str, ts: int = TS, market: str = "BTCUSDT", **data: str) -> bytes:
    body = {"topic": f"tickers.{market}", "type": kind, "data": data, "cs": 1, "ts": ts}
    return json.dumps(body).encode()


def changed(**fields: object) -> DerivativeTicker:
    return msgspec.structs.replace(WHOLE, **fields)


def test_connects_to_the_linear_stream() -> None:
    assert build(VENUE, []).start(0) == [Connect("wss://stream.bybit.com/v5/public/linear")]


def test_books_and_tickers_are_asked_for_apart() -> None:
    books, tickers = sent(protocol("BTCUSDT", "ETHUSDT").opened(0))
    assert books["args"] == [
        "orderbook.50.BTCUSDT",
        "orderbook.1.BTCUSDT",
        "orderbook.50.ETHUSDT",
        "orderbook.1.ETHUSDT",
    ]
    assert tickers["args"] == ["tickers.BTCUSDT", "tickers.ETHUSDT"]


def test_only_the_books_are_acknowledged() -> None:
    made = protocol("BTCUSDT")
    made.opened(0)
    assert made.received(b'{"success":true,"op":"subscribe","req_id":"2"}', 0) == []
    assert made.received(b'{"success":true,"op":"subscribe","req_id":"1"}', 0) == [Ack("BTCUSDT")]


def test_a_refused_ticker_leaves_the_book_alone() -> None:
    made = protocol("BTCUSDT")
    made.opened(0)
    no = b'{"success":false,"ret_msg":"error:handler not found","op":"subscribe","req_id":"%d"}'
    (notice,) = made.received(no % 2, 0)
    assert isinstance(notice, Notice)
    first, second = sent(made.received(no % 1, 0))
    assert (first["args"], second["args"]) == (["orderbook.50.BTCUSDT"], ["orderbook.1.BTCUSDT"])
    assert made.received(no % 3, 0) == [Refused("BTCUSDT", "error:handler not found")]


def test_a_snapshot_tells_everything() -> None:
    assert protocol("BTCUSDT").received(ticker("snapshot", **BTC), AT) == [WHOLE]


def test_what_a_change_omits_has_stayed_as_it_was() -> None:
    made = protocol("BTCUSDT")
    made.received(ticker("snapshot", **BTC), AT)
    bid_only = ticker("delta", TS + 300, symbol="BTCUSDT", bid1Price="65114.10")
    assert made.received(bid_only, AT) == [changed(sent_at=(TS + 300) * MILLISECOND)]
    mark = ticker("delta", TS + 600, symbol="BTCUSDT", markPrice="65117.43", fundingRate="0")
    expected = changed(mark="65117.43", funding_rate="0", sent_at=(TS + 600) * MILLISECOND)
    assert made.received(mark, AT) == [expected]
    # The change stands from now on; a new snapshot forgets what it does not name.
    assert made.received(bid_only, AT)[0].mark == "65117.43"
    fewer = ticker("snapshot", symbol="BTCUSDT", markPrice="1")
    assert made.received(fewer, AT)[0].funding_rate == ""


def test_a_change_without_its_snapshot_is_nothing() -> None:
    made = protocol("BTCUSDT", "ETHUSDT")
    made.received(ticker("snapshot", **BTC), AT)
    early = ticker("delta", market="ETHUSDT", symbol="ETHUSDT", markPrice="3000")
    assert made.received(early, AT) == ()


def test_a_dated_contract_has_no_funding() -> None:
    dated = BTC | {"fundingRate": "", "nextFundingTime": "0", "fundingIntervalHour": ""}
    (step,) = protocol("BTCUSDT").received(ticker("snapshot", **dated), AT)
    assert (step.funding_rate, step.next_funding_at, step.interval) == ("", 0, 0)


@pytest.mark.parametrize("text", ["x", "-8", "8.5", "９", "9" * 30])
def test_an_interval_that_is_none_is_not_said(text: str) -> None:
    raw = ticker("snapshot", **BTC | {"fundingIntervalHour": text})
    assert protocol("BTCUSDT").received(raw, AT)[0].interval == 0


def test_a_ticker_of_another_market_than_its_topic_is_malformed() -> None:
    with pytest.raises(msgspec.ValidationError):
        protocol("BTCUSDT").received(ticker("snapshot", **BTC | {"symbol": "ETHUSDT"}), AT)


def test_a_ticker_that_was_not_subscribed_is_noticed() -> None:
    raw = ticker("snapshot", market="XUSDT", **BTC | {"symbol": "XUSDT"})
    assert isinstance(protocol("BTCUSDT").received(raw, AT)[0], Notice)


def test_the_book_chain_is_that_of_spot() -> None:
    def book(u: int, kind: str) -> bytes:
        data = {"s": "BTCUSDT", "b": [["65114.2", "1"]], "a": [], "u": u, "seq": 100 + u}
        body = {"topic": "orderbook.50.BTCUSDT", "type": kind, "ts": TS, "data": data, "cts": TS}
        return json.dumps(body).encode()

    made = protocol("BTCUSDT")
    made.opened(0)
    assert isinstance(made.received(book(7, "snapshot"), AT)[0], Snapshot)
    assert isinstance(made.received(book(8, "delta"), AT)[0], Delta)
    reset, leave = made.received(book(10, "delta"), AT)
    assert isinstance(reset, Reset)
    assert sent([leave])[0]["args"] == ["orderbook.50.BTCUSDT", "orderbook.1.BTCUSDT"]


@needs_wire
def test_recorded_tickers_merge_to_what_a_plain_dictionary_holds() -> None:
    raws = recorded("bybit/linear.tickers.2026-08-09.jsonl", '"topic":"tickers.')
    assert len(raws) == 401
    made, held = protocol(), dict[str, dict[str, str]]()
    for raw in raws:
        message = json.loads(raw)
        data = message["data"]
        whole = message["type"] == "snapshot"
        held[data["symbol"]] = data if whole else held[data["symbol"]] | data
        now = held[data["symbol"]]
        assert made.received(raw, AT) == [
            DerivativeTicker(
                market=now["symbol"],
                mark=now["markPrice"],
                index=now["indexPrice"],
                funding_rate=now["fundingRate"],
                next_funding_at=int(now["nextFundingTime"]) * MILLISECOND,
                interval=int(now["fundingIntervalHour"]) * HOUR,
                open_interest=now["openInterest"],
                sent_at=message["ts"] * MILLISECOND,
            )
        ]
