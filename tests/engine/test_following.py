"""What became of an opportunity: exact figures at exact moments, or why there are none."""

from __future__ import annotations

from bisect import bisect_left
from random import Random

import pytest
from msgspec.structs import replace

from scanner.engine.bounds import Bounds
from scanner.engine.following import STOOD_STILL
from scanner.engine.rules import Rules
from scanner.engine.terms import Terms, value
from scanner.engine.tracker import Thresholds
from scanner.events import DELAYS_MS
from scanner.types import FeeIn
from tests.carry import test_carries as carries
from tests.engine.test_gates import Bench as Across
from tests.engine.test_gates import show_across
from tests.repeats import repeats
from tests.test_pipeline import OPTIONS, SECOND, Desk, market, say, venue

MS = 1_000_000
AT = SECOND


def ticked(desk: Desk, until_ms: int, since_ms: int = 0) -> None:
    """The ticks of a worker."""
    for ms in range(since_ms, until_ms + 1, 100):
        desk.pipeline.tick(AT + ms * MS)


def figures(desk: Desk) -> dict[int, float | str | None]:
    """Of the first that was flagged."""
    first = desk.said[0].id
    return {one.delay_ms: one.reason or one.net_profit for one in desk.survived if one.id == first}


def test_a_spread_that_stays_is_worth_the_same_at_every_moment() -> None:
    desk = Desk()
    desk.flag()
    ticked(desk, 1000)
    (opened,) = desk.said
    assert [(one.delay_ms, one.at) for one in desk.survived] == [
        (delay, AT + delay * MS) for delay in DELAYS_MS
    ]
    for one in desk.survived:
        assert (one.id, one.symbol, one.reason) == (opened.id, "BTC/USDT", "")
        assert (
            (one.net_profit, one.net_bps)
            == (opened.net_profit, opened.net_bps)
            == (
                9.0,
                9 / 101 * 1e4,
            )
        )


def test_a_message_counts_from_its_own_time_on() -> None:
    desk = Desk()
    desk.flag()
    say(desk.b, [[110, 0], [105, 1]], first=2, last=2, at=AT + 50 * MS - 1)
    say(desk.b, [[105, 0], [99, 1]], first=3, last=3, at=AT + 100 * MS)
    say(desk.b, [[99, 0], [90, 1]], first=4, last=4, at=AT + 250 * MS + 1)
    ticked(desk, 1000, since_ms=500)
    assert figures(desk) == {50: 4.0, 100: 4.0, 250: -2.0, 500: -11.0, 1000: -11.0}
    assert desk.said[-1].event == "closed", "it is followed all the same"


def test_one_call_may_bring_several_moments() -> None:
    desk = Desk()
    desk.flag()
    say(desk.a, [[100, 1]], [[103, 1]], last=2, at=AT + 300 * MS)
    assert figures(desk) == {50: 9.0, 100: 9.0, 250: 9.0}
    assert desk.pipeline.following.due == AT + 500 * MS


def test_nothing_followed_is_nothing_due() -> None:
    desk = Desk()
    assert desk.pipeline.following.due > 1 << 62
    desk.flag()
    ticked(desk, 1000)
    assert desk.pipeline.following.due > 1 << 62


def test_the_size_and_the_fees_are_those_of_the_flag() -> None:
    desk = Desk()
    fee = replace(market("b"), taker_fee=0.01, sell_fee_in=FeeIn.QUOTE)
    desk.pipeline.engine.revalue(desk.b.books["BTC/USDT"], fee)
    desk.flag()
    desk.pipeline.engine.revalue(desk.b.books["BTC/USDT"], replace(fee, taker_fee=0.5))
    say(desk.a, asks=[[101, 0], [101.5, 0.25], [102, 9]], first=2, last=2, at=AT + MS)
    ticked(desk, 100)
    paid, received = 0.25 * 101.5 + 0.75 * 102, 110 * 0.99
    assert figures(desk) == {50: received - paid, 100: received - paid}
    assert desk.survived[0].net_bps == pytest.approx((received - paid) / paid * 1e4, rel=1e-12)


def test_less_than_the_size_is_unknown_not_less() -> None:
    desk = Desk()
    desk.flag()
    say(desk.a, asks=[[101, 0.5], [150, 0.25]], first=2, last=2, at=AT + MS)
    ticked(desk, 100)
    assert figures(desk)[50] == "less than its size is shown on a"
    assert desk.survived[0].net_profit is None and desk.survived[0].net_bps is None


def test_a_book_that_is_not_live_is_unknown_and_one_that_came_back_is_known() -> None:
    desk = Desk()
    desk.flag()
    desk.b.closed("cut", AT + 60 * MS)
    again = desk.pipeline.lane(venue("b"), [market("b")], OPTIONS)
    again.start(AT + 110 * MS)
    again.opened(AT + 120 * MS)
    say(again, [[104, 1]], [[111, 1]], at=AT + 260 * MS)
    ticked(desk, 1000, since_ms=300)
    lost = "a book is syncing"
    assert figures(desk) == {
        50: 9.0,
        100: "a book is unsynchronised",
        250: lost,
        500: 3.0,
        1000: 3.0,
    }


def test_a_book_that_became_too_old_is_unknown() -> None:
    desk = Desk()
    say(desk.a, [[100, 1]], [[101, 1]], at=AT)
    say(desk.b, [[110, 1]], [[111, 1]], at=AT + 900 * MS)
    say(desk.b, [[110, 2]], first=2, last=2, at=AT + 1010 * MS)
    ticked(desk, 2000, since_ms=1000)
    skewed = "the books are too far apart in time"
    assert figures(desk) == {50: 9.0, 100: 9.0, 250: skewed, 500: skewed, 1000: skewed}


def test_a_book_is_as_old_as_it_was_at_that_moment() -> None:
    desk = Desk()
    desk.pipeline.configure(Thresholds(min_net_bps=1), Bounds(max_age=SECOND, max_skew=SECOND))
    say(desk.a, [[100, 1]], [[101, 1]], at=AT)
    say(desk.b, [[110, 1]], [[111, 1]], at=AT + 950 * MS)
    ticked(desk, 2100, since_ms=1040)
    old = "a book is stale"
    assert figures(desk) == {50: 9.0, 100: old, 250: old, 500: old, 1000: old}


def test_prices_too_far_apart_to_be_of_one_thing_are_no_profit() -> None:
    desk = Desk(rules=Rules(suspect_bps=500.0))
    desk.flag_within(500.0)
    say(desk.b, [[150, 1]], [[151, 1]], last=2, at=AT + MS)
    ticked(desk, 100)
    assert figures(desk)[50] == "the prices are too far apart to be of one thing"


def test_a_process_that_stood_still_knows_nothing_of_meanwhile() -> None:
    desk = Desk()
    desk.flag()
    desk.pipeline.tick(AT + 900 * MS)
    assert figures(desk) == {50: STOOD_STILL, 100: STOOD_STILL, 250: STOOD_STILL, 500: 9.0}


def test_what_the_end_cuts_off_is_unknown() -> None:
    desk = Desk()
    desk.flag()
    desk.pipeline.finish("the scanner stopped", AT + 120 * MS)
    stopped = "the scanner stopped"
    assert figures(desk) == {50: 9.0, 100: 9.0, 250: stopped, 500: stopped, 1000: stopped}
    assert desk.pipeline.following.due > 1 << 62


def test_a_book_that_is_scanned_no_more_ends_it() -> None:
    desk = Desk()
    desk.flag()
    desk.pipeline.carry([market("a")], AT + 60 * MS)
    gone = "it is scanned no more"
    assert figures(desk) == {50: 9.0, 100: gone, 250: gone, 500: gone, 1000: gone}


def test_each_opening_is_followed_for_itself() -> None:
    desk = Desk()
    desk.flag()
    say(desk.b, [[110, 0], [100, 1]], first=2, last=2, at=AT + 20 * MS)
    say(desk.b, [[105, 1]], first=3, last=3, at=AT + 40 * MS)
    ticked(desk, 1100)
    first, second = (one.id for one in desk.said if one.event == "opened")
    order = [(one.id, one.delay_ms) for one in desk.survived]
    assert order == [
        *((one, delay) for delay in DELAYS_MS for one in (first, second)),
    ]
    assert {one.net_profit for one in desk.survived} == {4.0}


# --- conversions and carries ----------------------------------------------------------------------


def test_a_conversion_is_made_at_the_rate_of_then() -> None:
    bench = Across()
    for place in (("a",), ("b", "BTC/USDC"), ("c", "USDC/USDT")):
        bench.add(*place)
    at = 100 * SECOND
    bench.show("c USDC/USDT", [(0.999, 500)], [(1.0, 500)], at)
    show_across(bench)
    bench.following.settle(at + 50 * MS)
    bench.show("c USDC/USDT", [(0.9, 500)], [(1.0, 500)], at + 60 * MS)
    bench.following.settle(at + 100 * MS)
    bench.show("c USDC/USDT", [(0.9, 50)], [(1.0, 500)], at + 110 * MS)
    bench.following.settle(at + 250 * MS)
    told = [one.reason or one.net_profit for one in bench.survived]
    assert told == [
        pytest.approx(101 * 0.999 - 100),
        pytest.approx(101 * 0.9 - 100),
        "less than its size is shown on c",
    ]


def test_a_carry_is_entered_at_the_prices_of_then() -> None:
    desk = carries.Desk()
    coin, perp = carries.opened(desk)
    (opened, *_) = desk.said
    known = [one for one in desk.survived if one.delay_ms == 50]
    assert known[0].net_profit == pytest.approx(opened.net_profit, rel=1e-12)
    assert known[0].net_bps == pytest.approx(opened.net_bps, rel=1e-12)
    assert [one.delay_ms for one in desk.survived] == list(DELAYS_MS)[: len(desk.survived)]
    assert coin is not perp


# --- against books that are kept apart ------------------------------------------------------------


@pytest.mark.parametrize("seed", range(repeats(8, 20)))
def test_it_is_what_the_books_of_that_moment_say(seed: int) -> None:
    """All that was ever shown is kept, and looked up afterwards by time."""
    random, desk, at = Random(seed), Desk(), AT
    shown: dict[str, list[tuple[int, list[list[float]], list[list[float]]]]] = {"a": [], "b": []}
    fee = random.choice([0.0, 0.0005])
    terms = {}
    for name, lane in (("a", desk.a), ("b", desk.b)):
        there = replace(market(name), taker_fee=fee)
        terms[name] = Terms.of(there)
        desk.pipeline.engine.revalue(lane.books["BTC/USDT"], there)
    for last in range(2, 400):
        at += random.choice([1, 7, 13, 29, 50, 100]) * MS
        name = random.choice("ab")
        middle = 100 + random.randint(-20, 20) / 10
        bids = [[middle - 0.1 * (k + 1), random.randint(1, 9)] for k in range(4)]
        asks = [[middle + 0.1 * (k + 1), random.randint(1, 9)] for k in range(4)]
        lane = desk.a if name == "a" else desk.b
        say(lane, bids, asks, last=last, at=at)
        shown[name].append((at, bids, asks))
        if random.random() < 0.3:
            desk.pipeline.tick(at)
    flags = {one.id: one for one in desk.said if one.event == "opened"}
    known = 0
    for one in desk.survived:
        flag = flags[one.id]
        buy = shown[flag.buy.venue][bisect_left(shown[flag.buy.venue], (one.at,)) - 1]
        sell = shown[flag.sell.venue][bisect_left(shown[flag.sell.venue], (one.at,)) - 1]
        asks, bids = ([(p, s) for p, s in side] for side in (buy[2], sell[1]))
        enough = min(sum(s for _, s in asks), sum(s for _, s in bids)) >= flag.size
        old = one.at - min(buy[0], sell[0]) > 3 * SECOND or abs(buy[0] - sell[0]) > SECOND
        if one.net_profit is None:
            assert one.reason == STOOD_STILL or not enough or old, one
            continue
        assert enough and not old
        cost = value(asks, flag.size) * terms[flag.buy.venue].buy_quote
        brought = value(bids, flag.size) * terms[flag.sell.venue].sell_quote
        assert one.net_profit == pytest.approx(brought - cost, rel=1e-9, abs=1e-9)
        known += 1
    assert known > 50
