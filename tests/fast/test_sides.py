"""A level that names neither side costs the market its book, in both lanes."""

from __future__ import annotations

import pytest

from scanner.engine.tracker import Thresholds
from scanner.types import Depth
from scanner.venues.registry import native
from tests.fast.labs import BEGIN, listed, session
from tests.fast.twins import Twin, Twins

WORDS = [b'"buy"', b'"b"', b'"x"', b'""', b'"bidx"', b'"offers"', b"null"]


@pytest.mark.parametrize("good", [b'"bid"', b'"offer"'])
@pytest.mark.parametrize("says", WORDS)
def test_an_update_with_another_word_resyncs_in_both_lanes(says: bytes, good: bytes) -> None:
    venue = native("coinbase")
    assert venue is not None
    pair = (Twin(False, Thresholds()), Twin(True, Thresholds()))
    twins = Twins(*pair, venue, listed("coinbase", 1), Depth.FULL)
    for method, arguments in session("coinbase", Depth.FULL, 1500, 1):
        raw = arguments[0]
        if method == "received" and b'"update"' in raw and good in raw and twins.share() > 0:
            malformed = raw.replace(good, says, 1)
            fast = sum(count.fast for count in twins.lanes[1].counts.values())
            assert twins.received(malformed, BEGIN + 2_000_000_000)
            assert fast == sum(count.fast for count in twins.lanes[1].counts.values())
            assert [count.gaps for count in twins.lanes[1].counts.values()] == [1]
            return
        getattr(twins, method)(*arguments)
    pytest.fail("the session has no such update")
