"""Bitget USDT futures, message by message; their books are those of spot (``test_bitget``)."""

from __future__ import annotations

import json

import msgspec
import pytest

from scanner.steps import Ack, Connect, DerivativeTicker, Fetch, Notice, Refused, Reset, Snapshot
from scanner.types import Depth
from scanner.venues.bitget_futures import VENUE
from scanner.venues.parts import MILLISECOND, SECOND
from scanner.venues.protocol import VenueProtocol
from tests.venues.harness import build, sent, text
from tests.venues.wire import needs_wire, recorded

AT = 1_790_000_000 * SECOND
HOUR = 3600 * SECOND
DUE_MS = 1_790_006_400_000
TS = 1_789_999_999_084
URL = "http://r/api/v2/mix/market/current-fund-rate?productType=USDT-FUTURES&symbol=BTCUSDT"
ASK = Fetch("funding:BTCUSDT", URL)


def protocol(*ids: str, depth: Depth = Depth.TOP) -> VenueProtocol:
    made = build(VENUE, ids or None, depth, rest="http://r", ws="ws://w")
    made.start(AT)
    return made


def message(
    topic: str, data: object, action: str = "snapshot", kind: str = "usdt-futures"
) -> bytes:
    arg = {"instType": kind, "topic": topic, "symbol": "BTCUSDT"}
    return text({"action": action, "arg": arg, "data": [data], "ts": TS})


TICKER = {
    "lastPrice": "91000.3",
    "indexPrice": "91011.4381686055379793",
    "markPrice": "91000.3",
    "fundingRate": "-0.00003",
    "openInterest": "29539.3825",
    "nextFundingTime": str(DUE_MS),
}
SAID = DerivativeTicker(
    market="BTCUSDT",
    mark="91000.3",
    index="91011.4381686055379793",
    funding_rate="-0.00003",
    next_funding_at=DUE_MS * MILLISECOND,
    open_interest="29539.3825",
)


def rate(interval: str = "4", symbol: str = "BTCUSDT", code: str = "00000") -> bytes:
    data = [{"symbol": symbol, "fundingRate": "-0.000013", "fundingRateInterval": interval}]
    return text({"code": code, "msg": "success", "data": [data[0] | {"nextUpdate": str(DUE_MS)}]})


def test_books_and_tickers_are_asked_for_apart_under_their_kind() -> None:
    made = build(VENUE, ["BTCUSDT"])
    assert made.start(AT) == [Connect("wss://ws.bitget.com/v3/ws/public")]
    books, tickers = sent(made.opened(AT))
    assert books["args"] == [
        {"instType": "usdt-futures", "topic": "books50", "symbol": "BTCUSDT"},
        {"instType": "usdt-futures", "topic": "books1", "symbol": "BTCUSDT"},
    ]
    assert tickers["args"] == [{"instType": "usdt-futures", "topic": "ticker", "symbol": "BTCUSDT"}]


def test_only_the_book_is_acknowledged_and_a_refused_ticker_leaves_it_alone() -> None:
    made = protocol("BTCUSDT")
    made.opened(AT)

    def word(event: str, topic: str) -> bytes:
        arg = {"instType": "usdt-futures", "topic": topic, "symbol": "BTCUSDT"}
        return text({"event": event, "arg": arg, "code": 30001, "msg": "doesn't exist"})

    assert made.received(word("subscribe", "ticker"), AT) == ()
    assert isinstance(made.received(word("error", "ticker"), AT)[0], Notice)
    assert made.received(word("subscribe", "books50"), AT) == [Ack("BTCUSDT")]
    assert isinstance(made.received(word("error", "books50"), AT)[0], Refused)


def test_a_ticker_of_spot_under_the_same_name_is_none_of_ours() -> None:
    made = protocol("BTCUSDT")
    assert made.received(message("ticker", TICKER, kind="spot"), AT) == ()
    book = {"a": [["91000.4", "1"]], "b": [], "seq": 5, "pseq": 0, "ts": str(TS)}
    (notice,) = made.received(message("books50", book, kind="spot"), AT)
    assert isinstance(notice, Notice)
    assert isinstance(made.received(message("books50", book), AT)[0], Snapshot)


def test_a_ticker_by_the_names_of_v3_and_of_v2() -> None:
    made = protocol("BTCUSDT")
    assert made.received(message("ticker", TICKER), AT) == [SAID]
    arg = {"instType": "USDT-FUTURES", "channel": "ticker", "instId": "BTCUSDT"}
    older = {k: v for k, v in TICKER.items() if k != "openInterest"}
    older |= {"holdingAmount": "8572031.1", "instId": "BTCUSDT", "ts": str(TS)}
    raw = text({"action": "snapshot", "arg": arg, "data": [older], "ts": TS})
    expected = {"open_interest": "8572031.1", "sent_at": TS * MILLISECOND}
    assert made.received(raw, AT) == [msgspec.structs.replace(SAID, **expected)]


def test_the_interval_comes_over_rest() -> None:
    made = protocol("BTCUSDT")
    made.opened(AT)
    assert ASK in made.idle(AT)
    assert made.fetched("funding:BTCUSDT", 200, rate(), AT) == ()
    expected = msgspec.structs.replace(SAID, interval=4 * HOUR)
    assert made.received(message("ticker", TICKER), AT) == [expected]


@pytest.mark.parametrize(
    ("status", "body"),
    [(503, b""), (200, rate(code="40034")), (200, rate(symbol="ETHUSDT")), (200, b"{}")],
)
def test_no_interval_is_made_up(status: int, body: bytes) -> None:
    made = protocol("BTCUSDT")
    made.opened(AT)
    made.idle(AT)
    assert isinstance(made.fetched("funding:BTCUSDT", status, body, AT)[0], Notice)
    assert made.received(message("ticker", TICKER), AT) == [SAID]
    assert ASK in made.idle(AT + SECOND)


def test_an_update_without_a_predecessor_says_that_the_venue_started_anew() -> None:
    made = protocol("BTCUSDT", depth=Depth.FULL)
    made.opened(AT)
    book = {"a": [["91000.4", "1"]], "b": [["91000", "2"]], "ts": str(TS)}
    assert isinstance(
        made.received(message("books", book | {"seq": 5, "pseq": 0}), AT)[0], Snapshot
    )
    good = message("books", book | {"seq": 2**53 + 1, "pseq": 5}, "update")
    assert made.received(good, AT)[0].sequence == 2**53 + 1
    anew = message("books", book | {"seq": 9, "pseq": 0}, "update")
    assert isinstance(made.received(anew, AT)[0], Reset)


@needs_wire
def test_captured_tickers_decode_to_their_exact_text() -> None:
    raws = recorded("frames/bitget-futures.tardis-node.jsonl", '"ticker"', "markPrice")
    made, seen = build(VENUE, None), 0
    for raw in raws:
        parsed = json.loads(raw)
        row, arg = parsed["data"][0], parsed["arg"]
        (step,) = made.received(raw, AT)
        assert (step.market, step.mark, step.index, step.funding_rate, step.open_interest) == (
            arg.get("symbol") or arg["instId"],
            row["markPrice"],
            row["indexPrice"],
            row["fundingRate"],
            row.get("openInterest") or row["holdingAmount"],
        )
        assert step.next_funding_at == int(row["nextFundingTime"]) * MILLISECOND
        seen += 1
    assert seen == 3
