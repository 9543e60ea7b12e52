"""The oracle is worth nothing if it would let a broken stream pass."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.oracle.book import Book, Seen, Wrong, digits_10, interleaved_25
from tests.oracle.recording import Frame
from tests.oracle.venues import DECODERS

KRAKEN_ASKS = """45285.2 0.00100000 45286.4 1.54571953 45286.6 1.54571109 45289.6 1.54560911
45290.2 0.15890660 45291.8 1.54553491 45294.7 0.04454749 45296.1 0.35380000 45297.5 0.09945542
45299.5 0.18772827"""
KRAKEN_BIDS = """45283.5 0.10000000 45283.4 1.54582015 45282.1 0.10000000 45281.0 0.10000000
45280.3 1.54592586 45279.0 0.07990000 45277.6 0.03310103 45277.5 0.30000000 45277.3 1.54602737
45276.6 0.15445238"""


def _pairs(text: str) -> list[tuple[str, str]]:
    words = text.split()
    return list(zip(words[::2], words[1::2], strict=True))


def test_the_checksums_give_the_values_that_venues_publish() -> None:
    assert digits_10(Book(_pairs(KRAKEN_BIDS), _pairs(KRAKEN_ASKS))) == 3310070434
    book = Book([("3366.1", "7"), ("3366", "6")], [("3366.8", "9"), ("3368", "8")])
    assert interleaved_25(book) == -1881014294


def test_a_checksum_takes_the_digits_as_they_were_sent() -> None:
    """Of a size of 1e-7 neither the notation nor a trailing zero may be lost or won."""
    tiny = Book([("1.0", "0.00000010")], [])
    assert digits_10(tiny) == digits_10(Book([(Decimal("1.0"), Decimal("1.0E-7"))], []))
    assert digits_10(tiny) != digits_10(Book([("1.0", "0.0000001")], []))


def frames(*messages: Any) -> list[Frame]:
    """Messages as frames; a pair is the URL of a request and its answer."""
    return [
        Frame(i, float(i), True, message[0], json.dumps(message[1]))
        if isinstance(message, tuple)
        else Frame(i, float(i), False, "", json.dumps(message))
        for i, message in enumerate(messages)
    ]


def _binance(first: int, last: int) -> Any:
    data = {"s": "AB", "U": first, "u": last, "b": [["1", "2"]], "a": []}
    return {"stream": "ab@depth@100ms", "data": data}


def _usdm(first: int, last: int) -> Any:
    message = _binance(first, last)
    return message | {"data": message["data"] | {"pu": first}}


def _kucoin(first: int, last: int) -> Any:
    rows = {"bids": [["1", "2", str(last)]], "asks": []}
    data = {"symbol": "A-B", "sequenceStart": first, "sequenceEnd": last, "changes": rows}
    return {"topic": "/market/level2:A-B", "data": data}


def _gate(first: int, last: int) -> Any:
    result = {"s": "A_B", "U": first, "u": last, "b": [["1", "2"]], "a": []}
    return {"channel": "spot.order_book_update", "event": "update", "result": result}


def _bybit(first: int, last: int) -> Any:
    data = {"s": "AB", "u": last, "seq": last, "b": [["1", "2"]], "a": []}
    return {"topic": "orderbook.50.AB", "type": "delta" if first else "snapshot", "data": data}


def _coinbase(first: int, last: int) -> Any:
    update = {"side": "bid", "price_level": "1", "new_quantity": "2"}
    event = {"type": "update" if first else "snapshot", "product_id": "A-B", "updates": [update]}
    return {"channel": "l2_data", "sequence_num": last, "events": [event]}


def _okx(first: int, last: int) -> Any:
    data = {"bids": [["1", "2"]], "asks": [], "seqId": last, "prevSeqId": first or -1}
    arg = {"channel": "books", "instId": "A-B"}
    return {"arg": arg, "action": "update" if first else "snapshot", "data": [data]}


def _bitget(first: int, last: int) -> Any:
    data = {"bids": [["1", "2"]], "asks": [], "seq": last, "pseq": first}
    arg = {"channel": "books", "instId": "AB"}
    return {"arg": arg, "action": "update" if first else "snapshot", "data": [data]}


def _kraken_futures(first: int, last: int) -> Any:
    if not first:
        return {"feed": "book_snapshot", "product_id": "A", "seq": last, "bids": [], "asks": []}
    level = {"side": "buy", "price": 1, "qty": 2}
    return {"feed": "book", "product_id": "A", "seq": last, **level}


EMPTY = {"bids": [], "asks": []}
BINANCE = ("https://x/depth?symbol=AB", EMPTY | {"lastUpdateId": 4})
KUCOIN = ("https://x/level2?symbol=A-B", {"data": EMPTY | {"sequence": "4"}})
GATE = ("https://x/order_book?currency_pair=A_B", EMPTY | {"id": 4})


@pytest.mark.parametrize(
    ("venue", "start", "make", "good", "bad"),
    [
        ("binance", BINANCE, _binance, [(4, 5), (6, 8)], (10, 11)),
        ("binance", BINANCE, _binance, [], (6, 7)),
        ("binance", BINANCE, _usdm, [(4, 5), (5, 8)], (9, 11)),
        ("kucoin", KUCOIN, _kucoin, [(4, 5), (6, 8)], (10, 11)),
        ("kucoin", KUCOIN, _kucoin, [], (6, 7)),
        ("gate", GATE, _gate, [(4, 5), (6, 8)], (10, 11)),
        ("gate", GATE, _gate, [], (6, 7)),
        ("bybit", _bybit(0, 4), _bybit, [(5, 5), (6, 6)], (8, 8)),
        ("coinbase", _coinbase(0, 4), _coinbase, [(5, 5), (6, 6)], (8, 8)),
        ("okx", _okx(0, 4), _okx, [(4, 7), (7, 9)], (8, 10)),
        ("bitget", _bitget(0, 4), _bitget, [(4, 7), (7, 9)], (8, 10)),
        ("kraken-futures", _kraken_futures(0, 4), _kraken_futures, [(5, 5), (6, 6)], (8, 8)),
    ],
)
def test_a_missing_message_is_noticed(
    venue: str, start: Any, make: Callable[[int, int], Any], good: list, bad: tuple
) -> None:
    decode = DECODERS[venue]
    whole = frames(start, *(make(*ids) for ids in good))
    assert len(list(decode(whole))) == 1 + len(good)
    with pytest.raises(Wrong):
        list(decode(frames(start, *(make(*ids) for ids in good), make(*bad))))


@pytest.mark.parametrize("venue", ["okx", "bitget"])
def test_a_wrong_checksum_is_noticed(venue: str) -> None:
    def snapshot(checksum: int) -> list[Frame]:
        data = {"bids": [["3366.1", "7"]], "asks": [], "checksum": checksum}
        arg = {"channel": "books", "instId": "AB"}
        return frames({"arg": arg, "action": "snapshot", "data": [data]})

    right = interleaved_25(Book([("3366.1", "7")], []))
    (seen,) = DECODERS[venue](snapshot(right))
    assert isinstance(seen, Seen)
    assert (seen.bids, seen.checked) == ({Decimal("3366.1"): Decimal(7)}, True)
    with pytest.raises(Wrong):
        list(DECODERS[venue](snapshot(right + 1)))


def test_a_wrong_kraken_checksum_is_noticed_and_the_book_is_cut() -> None:
    ack = {"channel": "book", "depth": 2, "symbol": "A/B"}
    ack_frame = {"method": "subscribe", "result": ack}

    def book(checksum: int) -> Any:
        bids = [{"price": 3 - i, "qty": 1.5} for i in range(3)]
        data = {"symbol": "A/B", "bids": bids, "asks": [], "checksum": checksum}
        return {"channel": "book", "type": "snapshot", "data": [data]}

    right = digits_10(Book([("3", "1.5"), ("2", "1.5")], []))
    (seen,) = DECODERS["kraken-v2"](frames(ack_frame, book(right)))
    assert isinstance(seen, Seen)
    assert sorted(seen.bids) == [2, 3]
    with pytest.raises(Wrong):
        list(DECODERS["kraken-v2"](frames(ack_frame, book(right + 1))))
