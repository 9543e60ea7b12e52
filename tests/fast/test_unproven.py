"""What proves nothing costs the market its book, in both lanes: an update that does not name the
one before it, a book without its checksum, a level that names neither side."""

from __future__ import annotations

import re

import pytest

from scanner.engine.tracker import Thresholds
from scanner.types import BookState, Depth
from scanner.venues.registry import native
from tests.fast.labs import BEGIN, listed, session
from tests.fast.twins import Twin, Twins

WORDS = (b'"buy"', b'"b"', b'"x"', b'""', b'"bidx"', b'"offers"', b"null")
SIDES = [("coinbase", b'"%b"' % good, says) for good in (b"bid", b"offer") for says in WORDS]
PROOFS = [
    ("okx", rb',"prevSeqId":-?\d+', b""),
    ("bitget", rb',"pseq":"?-?\d+"?', b""),
    ("kraken", rb',"checksum":\d+', b""),
]


@pytest.mark.parametrize(("name", "pattern", "instead"), [*SIDES, *PROOFS])
def test_the_market_resyncs_in_both_lanes(name: str, pattern: bytes, instead: bytes) -> None:
    venue = native(name)
    assert venue is not None
    pair = (Twin(False, Thresholds()), Twin(True, Thresholds()))
    twins = Twins(*pair, venue, listed(name, 1), Depth.FULL)
    for method, arguments in session(name, Depth.FULL, 1500, 1):
        raw = arguments[0]
        if method == "received" and b'"update"' in raw and re.search(pattern, raw) and taken(twins):
            before = taken(twins)
            assert twins.received(re.sub(pattern, instead, raw, count=1), BEGIN + 2_000_000_000)
            assert taken(twins) == before
            for lane, twin in zip(twins.lanes, twins.pair, strict=True):
                assert [count.gaps for count in lane.counts.values()] == [1]
                states = [twin.pipeline.store.state(book) for book in lane.books.values()]
                assert BookState.LIVE not in states
            return
        getattr(twins, method)(*arguments)
    pytest.fail("the session has no such update")


def taken(twins: Twins) -> int:
    """How many messages took the fast lane."""
    return sum(count.fast for count in twins.lanes[1].counts.values())
