"""Gate USDT futures, message by message; their books are those of spot (``test_gate``)."""

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
    Reset,
    Send,
    Snapshot,
)
from scanner.types import Depth
from scanner.venues.gate_futures import VENUE
from scanner.venues.parts import MILLISECOND, SECOND
from scanner.venues.protocol import VenueProtocol
from tests.venues.harness import build, sent, text
from tests.venues.wire import needs_wire, recorded

AT = 1_790_000_000 * SECOND
HOUR = 3600 * SECOND
T = 1_789_999_999_995
DUE = 1_790_006_400
DETAILS = Fetch("funding:BTC_USDT", "http://r/api/v4/futures/usdt/contracts/BTC_USDT")


def protocol(*ids: str, depth: Depth = Depth.TOP) -> VenueProtocol:
    made = build(VENUE, ids or None, depth, rest="http://r", ws="ws://w")
    made.start(AT)
    return made


def update(channel: str, result: object) -> bytes:
    return text({"time": 1, "channel": f"futures.{channel}", "event": "update", "result": result})


def obu(last: int, first: int | None = None, **sides: object) -> bytes:
    ids = {"full": True, "u": last} if first is None else {"U": first, "u": last}
    return update("obu", {"t": T, "s": "BTC_USDT".join(("ob.", ".50")), **ids, **sides})


TICKER = {
    "contract": "BTC_USDT",
    "last": "91000.2",
    "total_size": "153482780",
    "mark_price": "91000.64",
    "index_price": "91003.35",
    "funding_rate": "-0.000021",
    "funding_rate_indicative": "0.0001",
}
SAID = DerivativeTicker(
    market="BTC_USDT",
    mark="91000.64",
    index="91003.35",
    funding_rate="-0.000021",
    predicted="0.0001",
    open_interest="153482780",
)


def details(next_apply: float = DUE, interval: float = 14400, name: str = "BTC_USDT") -> bytes:
    body = {"name": name, "funding_next_apply": next_apply, "funding_interval": interval}
    return json.dumps(body | {"quanto_multiplier": "0.0001"}).encode()


def test_the_stream_and_its_channels_are_those_of_futures() -> None:
    made = build(VENUE, ["BTC_USDT"])
    assert made.start(AT) == [Connect("wss://fx-ws.gateio.ws/v4/ws/usdt")]
    book, best, tickers = sent(made.opened(AT))
    assert (book["channel"], book["payload"]) == ("futures.obu", ["ob.BTC_USDT.50"])
    assert (best["channel"], best["payload"]) == ("futures.book_ticker", ["BTC_USDT"])
    assert (tickers["channel"], tickers["payload"]) == ("futures.tickers", ["BTC_USDT"])


def test_only_the_book_is_acknowledged_and_a_refused_ticker_leaves_it_alone() -> None:
    made = protocol("BTC_USDT")
    made.opened(AT)

    def answer(number: int, channel: str, error: str = "") -> bytes:
        body = {"id": number, "channel": f"futures.{channel}", "event": "subscribe"}
        return text(body | ({"error": {"code": 2, "message": error}} if error else {}))

    assert made.received(answer(1, "obu"), AT) == [Ack("BTC_USDT")]
    assert made.received(answer(2, "book_ticker"), AT) == ()
    (notice,) = made.received(answer(3, "tickers", "unknown contract"), AT)
    assert notice == Notice("BTC_USDT: futures.tickers refused: unknown contract (code 2)")


def test_pings_are_of_futures() -> None:
    made = protocol("BTC_USDT")
    made.opened(AT)
    (ping,) = [step for step in made.idle(AT + 6 * SECOND) if isinstance(step, Send)]
    assert json.loads(ping.text)["channel"] == "futures.ping"


def test_sizes_are_numbers_of_contracts_or_texts() -> None:
    made = protocol("BTC_USDT")
    (whole,) = made.received(obu(10, b=[["91000.1", 1014]], a=[["91000.2", "0.25"]]), AT)
    assert isinstance(whole, Snapshot)
    assert (whole.bids, whole.asks) == (b'[["91000.1",1014]]', b'[["91000.2","0.25"]]')
    # A frame may carry ids only.
    assert made.received(obu(12, 11), AT) == [
        Delta(market="BTC_USDT", sequence=12, order=12, sent_at=T * MILLISECOND)
    ]
    reset, leave = made.received(obu(15, 14), AT)
    assert isinstance(reset, Reset) and sent([leave])[0]["event"] == "unsubscribe"


@pytest.mark.parametrize("size", [2500, "2500"])
def test_best_prices_with_sizes_of_either_kind(size: object) -> None:
    raw = update("book_ticker", {"t": T, "u": 7, "s": "BTC_USDT", "b": "91000.1", "B": size})
    assert protocol("BTC_USDT").received(raw, AT) == [
        Best(
            market="BTC_USDT",
            bid_price="91000.1",
            bid_size="2500",
            ask_price="",
            ask_size="",
            order=7,
            sent_at=T * MILLISECOND,
        )
    ]


@pytest.mark.parametrize("result", [[TICKER], TICKER])
def test_a_ticker_tells_rates_apart(result: object) -> None:
    assert protocol("BTC_USDT").received(update("tickers", result), AT) == [SAID]


def test_a_ticker_with_numbers_is_the_same() -> None:
    raw = b'{"channel":"futures.tickers","event":"update","result":[{"contract":"BTC_USDT",'
    raw += b'"mark_price":91000.64,"funding_rate":null,"total_size":1.5}]}'
    assert protocol("BTC_USDT").received(raw, AT) == [
        DerivativeTicker(market="BTC_USDT", mark="91000.64", open_interest="1.5")
    ]


def test_the_boundary_comes_from_the_contract_and_goes_when_it_has_passed() -> None:
    made = protocol("BTC_USDT")
    made.opened(AT)
    assert DETAILS in made.idle(AT)
    assert made.fetched("funding:BTC_USDT", 200, details(), AT) == ()
    known = msgspec.structs.replace(SAID, next_funding_at=DUE * SECOND, interval=4 * HOUR)
    assert made.received(update("tickers", [TICKER]), AT) == [known]
    passed = msgspec.structs.replace(SAID, interval=4 * HOUR)
    assert made.received(update("tickers", [TICKER]), DUE * SECOND) == [passed]
    assert DETAILS in made.idle((DUE + 2) * SECOND)


def test_details_that_do_not_come_are_asked_for_again() -> None:
    made = protocol("BTC_USDT")
    made.opened(AT)
    made.idle(AT)
    (notice,) = made.fetched("funding:BTC_USDT", 502, b"", AT)
    assert isinstance(notice, Notice)
    assert DETAILS in made.idle(AT + SECOND)


@pytest.mark.parametrize(("due", "interval"), [(0, 0), (-5, -5), (1e300, 1e300)])
def test_no_boundary_is_made_up(due: float, interval: float) -> None:
    made = protocol("BTC_USDT")
    made.fetched("funding:BTC_USDT", 200, details(due, interval), AT)
    assert made.received(update("tickers", [TICKER]), AT) == [SAID]


def test_details_of_another_contract_are_malformed() -> None:
    with pytest.raises(msgspec.ValidationError):
        protocol("BTC_USDT").fetched("funding:BTC_USDT", 200, details(name="ETH_USDT"), AT)


def test_a_ticker_that_was_not_subscribed_is_left_out() -> None:
    raw = update("tickers", [TICKER | {"contract": "ETH_USDT"}])
    assert protocol("BTC_USDT").received(raw, AT) == []


@needs_wire
def test_captured_tickers_decode_to_their_exact_text() -> None:
    raws = recorded("frames/gate-io-futures.tardis-node.jsonl", "futures.tickers", "mark_price")
    made, seen = protocol(), 0
    for raw in raws:
        result = json.loads(raw)["result"]
        if isinstance(result, list) and isinstance(result[0], list):
            with pytest.raises(msgspec.ValidationError):
                made.received(raw, AT)
            continue
        rows = result if isinstance(result, list) else [result]
        steps = made.received(raw, AT)
        assert [(s.market, s.mark, s.index, s.funding_rate, s.predicted) for s in steps] == [
            (
                row["contract"],
                row["mark_price"],
                row["index_price"],
                row["funding_rate"],
                row["funding_rate_indicative"],
            )
            for row in rows
        ]
        seen += len(rows)
    assert seen == 4
