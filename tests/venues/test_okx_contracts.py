"""OKX swaps and futures, message by message; their books are those of spot (``test_okx``)."""

from __future__ import annotations

import json

import msgspec
import pytest

from scanner.steps import Ack, Connect, DerivativeTicker, Notice, Reset, Snapshot
from scanner.types import Depth
from scanner.venues.okx_contracts import VENUE
from scanner.venues.parts import MILLISECOND, SECOND
from scanner.venues.protocol import VenueProtocol
from tests.venues.harness import build, sent
from tests.venues.wire import needs_wire, recorded

AT = 1_790_000_000 * SECOND
HOUR_MS = 3_600_000
SWAP, DATED = "BTC-USDT-SWAP", "BTC-USDT-261225"
DUE = 1_790_006_400_000
TS = 1_789_999_999_000


def protocol(*ids: str, depth: Depth = Depth.TOP) -> VenueProtocol:
    made = build(VENUE, ids or None, depth, rest="http://r", ws="ws://w")
    made.start(AT)
    return made


def data(channel: str, of: str, **fields: str) -> bytes:
    arg = {"channel": channel, "instId": of}
    return json.dumps({"arg": arg, "data": [{"instId": of, **fields}]}).encode()


FUNDING = {
    "instType": "SWAP",
    "fundingRate": "0.0001875391284828",
    "fundingTime": str(DUE),
    "nextFundingRate": "",
    "nextFundingTime": str(DUE + 4 * HOUR_MS),
    "settFundingRate": "-0.0001699799259033",
    "settState": "settled",
    "ts": str(TS),
}


def test_connects_to_the_public_stream() -> None:
    assert build(VENUE, []).start(0) == [Connect("wss://ws.okx.com:8443/ws/v5/public")]


def test_books_first_then_what_is_beside_each_underlying_once() -> None:
    books, beside = sent(protocol(SWAP, DATED).opened(AT))
    assert books["args"] == [
        {"channel": channel, "instId": market}
        for market in (SWAP, DATED)
        for channel in ("books5", "bbo-tbt")
    ]
    assert [(arg["channel"], arg["instId"]) for arg in beside["args"]] == [
        ("mark-price", SWAP),
        ("open-interest", SWAP),
        ("funding-rate", SWAP),
        ("index-tickers", "BTC-USDT"),
        ("mark-price", DATED),
        ("open-interest", DATED),
    ]


def test_only_the_book_is_acknowledged() -> None:
    made = protocol(SWAP)
    made.opened(AT)

    def ack(channel: str) -> bytes:
        arg = {"channel": channel, "instId": SWAP}
        return json.dumps({"event": "subscribe", "arg": arg, "connId": "a"}).encode()

    assert made.received(ack("funding-rate"), AT) == ()
    assert made.received(ack("books5"), AT) == [Ack(SWAP)]


def test_a_refused_channel_beside_leaves_the_book_alone() -> None:
    made = protocol(SWAP)
    made.opened(AT)
    text = f"Wrong URL or channel:funding-rate,instId:{SWAP} doesn't exist"
    error = {"event": "error", "code": "60018", "msg": text, "id": "2"}
    (notice,) = made.received(json.dumps(error).encode(), AT)
    assert isinstance(notice, Notice)


def test_a_rate_its_boundary_the_interval_and_what_was_paid_last() -> None:
    assert protocol(SWAP).received(data("funding-rate", SWAP, **FUNDING), AT) == [
        DerivativeTicker(
            market=SWAP,
            funding_rate="0.0001875391284828",
            settled="-0.0001699799259033",
            next_funding_at=DUE * MILLISECOND,
            interval=4 * HOUR_MS * MILLISECOND,
            sent_at=TS * MILLISECOND,
        )
    ]


def test_a_forecast_is_kept_apart_from_the_rate_that_is_due() -> None:
    raw = data("funding-rate", SWAP, **FUNDING | {"nextFundingRate": "0.00026"})
    (step,) = protocol(SWAP).received(raw, AT)
    assert (step.funding_rate, step.predicted) == ("0.0001875391284828", "0.00026")


def test_what_is_being_settled_is_not_settled() -> None:
    raw = data("funding-rate", SWAP, **FUNDING | {"settState": "processing"})
    assert protocol(SWAP).received(raw, AT)[0].settled == ""


@pytest.mark.parametrize(("due", "after"), [("", "1"), ("5", ""), ("9", "3"), ("x", "y")])
def test_no_interval_is_made_up(due: str, after: str) -> None:
    raw = data("funding-rate", SWAP, **FUNDING | {"fundingTime": due, "nextFundingTime": after})
    assert protocol(SWAP).received(raw, AT)[0].interval == 0


def test_a_message_without_a_rate_is_noticed() -> None:
    raw = data("funding-rate", SWAP, nextFundingRate="0.0003", fundingTime=str(DUE))
    assert isinstance(protocol(SWAP).received(raw, AT)[0], Notice)


def test_mark_and_open_interest() -> None:
    made = protocol(SWAP, DATED)
    raw = data("mark-price", DATED, instType="FUTURES", markPx="91000.5", ts=str(TS))
    assert made.received(raw, AT) == [
        DerivativeTicker(market=DATED, mark="91000.5", sent_at=TS * MILLISECOND)
    ]
    raw = data("open-interest", SWAP, instType="SWAP", oi="2216113.01", oiCcy="22161", ts=str(TS))
    assert made.received(raw, AT) == [
        DerivativeTicker(market=SWAP, open_interest="2216113.01", sent_at=TS * MILLISECOND)
    ]


def test_an_index_is_of_every_contract_on_it() -> None:
    made = protocol(SWAP, DATED, "BTC-USD-SWAP")
    raw = data("index-tickers", "BTC-USDT", idxPx="91010.1", open24h="90000", ts=str(TS))
    assert made.received(raw, AT) == [
        DerivativeTicker(market=market, index="91010.1", sent_at=TS * MILLISECOND)
        for market in (SWAP, DATED)
    ]
    assert made.received(data("index-tickers", "ETH-USDT", idxPx="3000", ts="1"), AT) == []


def test_what_was_not_subscribed_is_left_out() -> None:
    raw = data("mark-price", "ETH-USDT-SWAP", markPx="3000", ts=str(TS))
    assert protocol(SWAP).received(raw, AT) == []


def test_the_book_is_a_chain_of_contracts() -> None:
    made = protocol(SWAP, depth=Depth.FULL)
    made.opened(AT)

    def book(action: str, previous: int, sequence: int) -> bytes:
        row = {"asks": [["91000.1", "5", "0", "1"]], "bids": [["91000", "415", "0", "13"]]}
        ids = {"ts": str(TS), "checksum": 0, "prevSeqId": previous, "seqId": sequence}
        arg = {"channel": "books", "instId": SWAP}
        return json.dumps({"arg": arg, "action": action, "data": [row | ids]}).encode()

    (snapshot,) = made.received(book("snapshot", -1, 10), AT)
    assert isinstance(snapshot, Snapshot)
    assert snapshot.bids == b'[["91000", "415", "0", "13"]]'
    assert made.received(book("update", 10, 9), AT)[0].sequence == 9
    assert isinstance(made.received(book("update", 11, 12), AT)[0], Reset)


@pytest.mark.parametrize("info", [{}, {"ctMult": "1"}, {"ctMult": ""}, None])
def test_a_contract_of_one_value_is_carried(info: object) -> None:
    assert VENUE.carries({"info": info})


def test_a_contract_whose_size_ccxt_does_not_know_is_not_carried() -> None:
    assert not VENUE.carries({"info": {"ctVal": "1", "ctMult": "10"}})


def test_what_cannot_be_decoded_is_raised() -> None:
    with pytest.raises(msgspec.DecodeError):
        protocol(SWAP).received(data("mark-price", SWAP), AT)


@needs_wire
def test_captured_frames_decode_to_their_exact_text() -> None:
    name = "frames/okex-swap.tardis-node.jsonl"
    made = build(VENUE, ["WNCG-USDT-SWAP"])

    def ticker(**fields: object) -> DerivativeTicker:
        return DerivativeTicker(market="WNCG-USDT-SWAP", **fields)  # type: ignore[arg-type]

    steps = {
        channel: [
            s for raw in recorded(name, f'"{channel}"', "WNCG") for s in made.received(raw, 0)
        ]
        for channel in ("mark-price", "index-tickers", "open-interest", "funding-rate")
    }
    assert steps == {
        "mark-price": [ticker(mark="2.1729", sent_at=1640131259180 * MILLISECOND)],
        "index-tickers": [ticker(index="2.1675", sent_at=1640131290649 * MILLISECOND)],
        "open-interest": [ticker(open_interest="644195", sent_at=1640131258756 * MILLISECOND)],
        "funding-rate": [
            ticker(
                funding_rate="0.00048105",
                predicted="0.00114",
                next_funding_at=1640131200000 * MILLISECOND,
            )
        ],
    }
