"""Books out of ccxt: what they become, and what is done about those that are wrong."""

import json
from typing import Any

import msgspec
import pytest

from scanner.steps import Ack, Fetch, Notice, Reconnect, Refused, Reset, Snapshot
from scanner.types import Depth, Market, Proof
from scanner.venues.ccxt_book import CAREFUL, CcxtBook, venue
from scanner.venues.parts import SECOND
from scanner.venues.protocol import Options
from scanner.venues.registry import VENUES, native


def protocol() -> CcxtBook:
    markets = [
        Market(venue="x", id=name, symbol=f"{name}/USD", base=name, quote="USD", taker_fee=0.0)
        for name in ("BTC", "ETH")
    ]
    return CcxtBook(markets, Options(depth=Depth.TOP, rest="", ws=""))


def sent(**fields: Any) -> bytes:
    return json.dumps({"market": "BTC", **fields}).encode()


def test_a_book_is_a_whole_snapshot() -> None:
    book = sent(bids=[["100.5", "1"]], asks=[["100.6", "0.00000002"]], sent_at=7)
    assert protocol().received(book, 1) == [
        Snapshot(
            market="BTC",
            bids=b'[["100.5", "1"]]',
            asks=b'[["100.6", "0.00000002"]]',
            sent_at=7,
        )
    ]


def test_nothing_is_sent_and_every_market_counts_as_subscribed() -> None:
    assert protocol().start(0) == ()
    assert protocol().opened(0) == [Ack("BTC"), Ack("ETH")]
    assert protocol().idle(0) == ()


def test_a_fault_drops_the_book() -> None:
    assert protocol().received(sent(fault="price nan"), 1) == [Reset("BTC", "price nan")]
    assert protocol().received(sent(fault="BadSymbol", refused=True), 1) == [
        Refused("BTC", "BadSymbol"),
        Reset("BTC", "BadSymbol"),
    ]


def test_an_unknown_market_is_a_notice() -> None:
    (step,) = protocol().received(sent(market="XRP"), 1)
    assert isinstance(step, Notice)


@pytest.mark.parametrize("raw", [b"", b"{}", b'{"market":7}', b"[]", b"\xff"])
def test_what_is_no_envelope_cannot_be_read(raw: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        protocol().received(raw, 1)


def test_a_quiet_market_is_asked_for_by_rest_once_at_a_time() -> None:
    x = protocol()
    x.received(sent(), 0)
    later = 60 * SECOND
    assert x.resync("BTC", "silent", later) == [Fetch("book:BTC", "ccxt:BTC")]
    assert x.resync("BTC", "silent", later + SECOND) == ()
    assert x.resync("ETH", "silent", later + SECOND) == [Fetch("book:ETH", "ccxt:ETH")]
    (step,) = x.fetched("book:BTC", 200, sent(bids=[["1", "2"]]), later + 2 * SECOND)
    assert isinstance(step, Snapshot) and step.bids == b'[["1", "2"]]'
    assert x.resync("BTC", "silent", later + 100 * SECOND) == [Fetch("book:BTC", "ccxt:BTC")]
    (step,) = x.fetched("book:BTC", 0, b"", later + 101 * SECOND)
    assert isinstance(step, Notice)
    assert x.resync("BTC", "silent", later + 200 * SECOND) != ()


def test_a_market_that_stays_wrong_while_data_flows_needs_a_new_client() -> None:
    x = protocol()
    for second in (0, 10):
        x.received(sent(), second * SECOND)
        assert not isinstance(x.resync("BTC", "crossed", second * SECOND + 1), Reconnect)
    x.received(sent(), 20 * SECOND)
    assert x.resync("BTC", "crossed", 20 * SECOND + 1) == [
        Reconnect("BTC: crossed, again and again")
    ]


def test_troubles_far_apart_are_not_added_up() -> None:
    x = protocol()
    for minute in range(10):
        at = 2 * minute * 60 * SECOND
        x.received(sent(), at)
        steps = x.resync("BTC", "crossed", at + 1)
        x.fetched("book:BTC", 200, sent(), at + 2)
        assert steps == [Fetch("book:BTC", "ccxt:BTC")]


def test_no_proof_is_claimed() -> None:
    assert set(venue("kraken").proof.values()) == {Proof.NONE}


def test_message_limits_are_the_venues_where_they_are_known_and_careful_ones_elsewhere() -> None:
    known = native("kraken")
    assert known is not None
    limits = venue("kraken").limits
    assert (limits.sends, limits.connects) == (known.limits.sends, known.limits.connects)
    assert venue("htx").limits == CAREFUL
    strictest = min(one.limits.sends for one in map(native, VENUES) if one is not None)
    assert strictest >= CAREFUL.sends
