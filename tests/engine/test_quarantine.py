"""What prices say of identity: what is too far apart, and what is there for too long."""

from __future__ import annotations

import math

import pytest
from msgspec.structs import replace

from scanner.engine.engine import Engine
from scanner.engine.ids import Ids
from scanner.engine.moves import Moves
from scanner.engine.rules import Rules
from scanner.events import Suspect
from tests.engine.test_gates import AT, SECOND, Bench

HOUR = 3600 * SECOND


class Watched(Bench):
    """Books of one coin that may differ by 5 %, for four hours at most."""

    def __init__(self) -> None:
        super().__init__()
        self.suspects: list[Suspect] = []
        self.rules = Rules(
            currency="USDT", unverified=False, suspect_bps=500.0, structural=4 * HOUR
        )
        self.engine = Engine(
            self.store,
            self.thresholds,
            self.bounds,
            Ids(lambda n: 0),
            self.said.append,
            self.rules,
            self.suspects.append,
        )
        self.add("a")
        self.add("b")

    def quote(self, venue: str, mid: float, at: int) -> None:
        """A book with a spread of 2 bps."""
        self.show(venue, [(mid * 0.9999, 1.0)], [(mid * 1.0001, 1.0)], at)

    def both(self, a: float, b: float, at: int) -> None:
        """Both at once, and the tick after."""
        self.quote("a", a, at)
        self.quote("b", b, at)
        self.engine.tick(at)

    def told(self) -> list[tuple[str, str, str, str]]:
        """But for what only tells again."""
        changes = [one for one in self.suspects if one.state != "held"]
        return [(one.state, one.buy, one.sell, one.reason) for one in changes]


@pytest.fixture
def bench() -> Watched:
    return Watched()


def opened(bench: Bench) -> list[str]:
    return [one.event for one in bench.said]


def test_a_real_spread_of_one_percent_is_flagged_and_nobody_is_suspected(bench: Watched) -> None:
    for second in range(120):
        bench.both(100.0, 101.0, AT + second * SECOND)
    assert opened(bench)[0] == "opened"
    assert "closed" not in opened(bench)
    assert bench.suspects == []
    assert bench.rejects() == {}


@pytest.mark.parametrize("price", [106.0, 137.0, 1_000.0, 100_000.0, 94.0, 0.1])
def test_another_price_is_not_flagged_from_the_very_first_moment(
    bench: Watched, price: float
) -> None:
    bench.quote("a", 100.0, AT)
    bench.quote("b", price, AT)
    assert bench.said == []
    gates = {one.gate for one in bench.engine.take_rejects(AT)}
    assert gates == {"quarantine"}
    bench.engine.tick(AT)
    bench.both(100.0, price, AT + SECOND)
    assert bench.said == []
    assert {one.gate for one in bench.engine.take_rejects(AT)} == {"quarantine"}


def test_what_is_missing_is_what_is_beyond_the_limit(bench: Watched) -> None:
    bench.show("a", [(99, 1)], [(100, 1)])
    bench.show("b", [(107, 1)], [(108, 1)])
    assert bench.rejects() == {"quarantine": (1, pytest.approx(200.0, abs=1e-3))}


def test_at_the_limit_it_is_still_flagged(bench: Watched) -> None:
    bench.show("a", [(99.99, 1)], [(100, 1)])
    bench.show("b", [(104.98, 1)], [(104.99, 1)])
    assert opened(bench) == ["opened"]


@pytest.mark.parametrize(
    ("ratio", "power", "reason"),
    [
        (1000.0, 3, "suspected multiplier of 10^3"),
        (1_060_000.0, 6, "suspected multiplier of 10^6"),
        (3.0, 0, "another coin, or a closed wallet"),
        (1.08, 0, "another coin, or a closed wallet"),
    ],
)
def test_the_evidence_says_what_it_looks_like(
    bench: Watched, ratio: float, power: int, reason: str
) -> None:
    bench.both(100.0, 100.0 * ratio, AT)
    bench.both(100.0, 100.0 * ratio, AT + SECOND)
    assert [replace(one, ratio=0, sell_mid=0) for one in bench.suspects] == [
        Suspect(
            at=AT,
            symbol="BTC/USDT",
            buy="a",
            sell="b",
            ratio=0,
            buy_mid=100.0,
            sell_mid=0,
            power=power,
            moves=0,
            correlation=0.0,
            agreement=0.0,
            reason=reason,
            since=AT,
            state="barred",
        )
    ]
    assert bench.suspects[0].ratio == pytest.approx(ratio)


def test_a_premium_that_grows_past_the_limit_closes_with_that_reason(bench: Watched) -> None:
    bench.both(100.0, 104.0, AT)
    assert opened(bench) == ["opened"]
    bench.both(100.0, 106.0, AT + SECOND)
    assert opened(bench)[-1] == "closed"
    assert bench.said[-1].reason == "the route is in quarantine"
    bench.both(100.0, 104.0, AT + 2 * SECOND)
    assert opened(bench).count("opened") == 1


def test_what_is_open_closes_at_the_tick_that_bars_it(bench: Watched) -> None:
    # The mids are too far apart, the touches are not.
    bench.show("a", [(95, 1)], [(100, 1)], AT)
    bench.show("b", [(101, 1)], [(108, 1)], AT)
    assert opened(bench) == ["opened"]
    bench.engine.tick(AT + SECOND)
    assert bench.said[-1].reason == ("the route is in quarantine: another coin, or a closed wallet")


def test_it_is_released_after_a_minute_within_bounds(bench: Watched) -> None:
    bench.both(100.0, 106.0, AT)
    for second in range(1, 61):
        bench.both(100.0, 101.0, AT + second * SECOND)
    assert bench.said == []
    bench.both(100.0, 106.0, AT + 61 * SECOND)  # and it begins anew
    for second in range(62, 122):
        bench.both(100.0, 101.0, AT + second * SECOND)
    assert bench.said == []
    bench.both(100.0, 101.0, AT + 122 * SECOND)
    assert bench.told()[-1][:3] == ("released", "a", "b")
    bench.both(100.0, 101.0, AT + 123 * SECOND)
    assert opened(bench) == ["opened"]


def test_while_a_book_is_not_live_nothing_is_let_go(bench: Watched) -> None:
    bench.both(100.0, 106.0, AT)
    bench.both(100.0, 101.0, AT + SECOND)
    for second in range(2, 100):
        bench.store.set_state(bench.book("a"), bench.store.state(bench.book("a")).SYNCING)
        bench.engine.tick(AT + second * SECOND)
    assert [one.state for one in bench.suspects] == ["barred"]


@pytest.mark.parametrize(
    ("ratio", "along", "reason"),
    [
        (1000.0, True, "a multiplier of 10^3"),
        (1000.0, False, "another coin"),
        (1.2, True, "a closed wallet"),
        (1.2, False, "another coin"),
    ],
)
def test_whether_they_move_along_settles_it(
    bench: Watched, ratio: float, along: bool, reason: str
) -> None:
    for step in range(40):
        wave = 0.01 * math.sin(step)
        other = wave if along else 0.01 * math.sin(1.7 * step + 1)
        bench.both(100 * (1 + wave), 100 * ratio * (1 + other), AT + step * 10 * SECOND)
    assert [state for state, *_ in bench.told()] == ["barred", "changed"]
    last = next(one for one in bench.suspects if one.state == "changed")
    assert last.reason == reason
    assert last.moves == 30
    assert last.since == AT
    assert (last.correlation > 0.99) is along
    assert (last.agreement > 0.99) is along
    assert bench.said == []


def premium(bench: Watched, seconds: range, b: float = 102.0) -> None:
    for second in seconds:
        bench.both(100.0, b, AT + second * SECOND)


def test_a_premium_that_stays_for_hours_is_structural(bench: Watched) -> None:
    premium(bench, range(0, 4 * 3600, 60))
    assert bench.said[-1].event == "opened"
    premium(bench, range(4 * 3600, 4 * 3600 + 1))
    assert bench.said[-1].event == "closed"
    assert bench.said[-1].reason == "the route is in quarantine: structural premium"
    assert bench.told() == [("barred", "a", "b", "structural premium")]
    assert bench.suspects[0].since == AT
    assert bench.suspects[0].structural
    said = len(bench.said)
    premium(bench, range(4 * 3600 + 1, 5 * 3600, 60))
    assert len(bench.said) == said
    assert "quarantine" in bench.rejects()


def test_the_other_way_round_is_not_structural(bench: Watched) -> None:
    premium(bench, range(0, 4 * 3600 + 1, 60))
    premium(bench, range(4 * 3600 + 1, 4 * 3600 + 2), 98.0)
    assert (bench.said[-1].event, bench.said[-1].buy.venue) == ("opened", "b")


def test_a_structural_premium_is_over_when_it_has_been_gone_for_a_minute(bench: Watched) -> None:
    premium(bench, range(0, 4 * 3600 + 1, 60))
    end = 4 * 3600 + 1
    premium(bench, range(end, end + 60), 100.0)
    premium(bench, range(end + 60, end + 61), 102.0)  # only just not
    assert bench.said[-1].event == "closed"
    premium(bench, range(end + 61, end + 122), 100.0)
    assert bench.told()[-1] == ("released", "a", "b", "structural premium")
    premium(bench, range(end + 122, end + 123))
    assert bench.said[-1].event == "opened"


def test_what_stays_is_told_again_each_minute_with_the_figures_of_then(bench: Watched) -> None:
    for second in range(150):
        bench.both(100.0, 110.0 + second, AT + second * SECOND)
    assert [(one.state, one.at - AT) for one in bench.suspects] == [
        ("barred", 0),
        ("held", 60 * SECOND),
        ("held", 120 * SECOND),
    ]
    last = bench.suspects[-1]
    assert (last.sell_mid, last.since, last.moves, last.structural) == (230.0, AT, 12, False)


def test_a_released_pair_keeps_what_it_was_held_for_and_its_key(bench: Watched) -> None:
    for second in range(62):
        bench.both(100.0, 110.0 if second < 1 else 99.0, AT + second * SECOND)
    barred, _, released = bench.suspects
    assert (barred.buy, barred.sell, released.buy, released.sell) == ("a", "b", "b", "a")
    assert barred.key == released.key == ("BTC/USDT", "a", "b", False)
    assert (released.state, released.since, released.moves) == ("released", AT, 1)


def test_a_premium_that_grows_out_of_bounds_is_another_suspicion(bench: Watched) -> None:
    premium(bench, range(0, 4 * 3600 + 1, 60))
    premium(bench, range(4 * 3600 + 1, 4 * 3600 + 2), 110.0)
    assert bench.told() == [
        ("barred", "a", "b", "structural premium"),
        ("released", "a", "b", "structural premium"),
        ("barred", "a", "b", "another coin, or a closed wallet"),
    ]
    premium(bench, range(4 * 3600 + 2, 4 * 3600 + 63), 102.0)
    assert bench.told()[3:] == [
        ("released", "a", "b", "another coin, or a closed wallet"),
        ("barred", "a", "b", "structural premium"),
    ]
    assert {one.key for one in bench.suspects} == {
        ("BTC/USDT", "a", "b", True),
        ("BTC/USDT", "a", "b", False),
    }


def test_a_premium_that_comes_and_goes_is_none_that_stays(bench: Watched) -> None:
    for hour in range(6):
        premium(bench, range(hour * 3600, hour * 3600 + 3500, 60))
        premium(bench, range(hour * 3600 + 3500, hour * 3600 + 3600, 10), 100.0)
        assert bench.said[-1].event == "closed"
    assert bench.suspects == []


def test_a_book_that_leaves_takes_its_bars_along(bench: Watched) -> None:
    bench.both(100.0, 106.0, AT)
    market = bench.engine.markets[bench.book("b")]
    bench.engine.dropped(bench.book("b"), "renamed", AT)
    bench.engine.rename(bench.book("b"), replace(market, symbol="X/USDT", base="X"))
    bench.engine.tick(AT + SECOND)
    bench.engine.dropped(bench.book("b"), "renamed", AT)
    bench.engine.rename(bench.book("b"), market)
    bench.both(100.0, 101.0, AT + 2 * SECOND)
    assert opened(bench) == ["opened"]


def test_without_a_limit_nothing_is_looked_at(bench: Watched) -> None:
    bench.engine.configure(bench.thresholds, bench.bounds, Rules(unverified=False))
    bench.both(100.0, 1000.0, AT)
    assert opened(bench) == ["opened"]
    assert bench.suspects == []


def test_across_quotes_the_edge_is_bounded_too() -> None:
    bench = Watched()
    bench.rules = replace(bench.rules, assumed={("USDC", "USDT"): 1.0, ("USDT", "USDC"): 1.0})
    bench.engine.configure(bench.thresholds, bench.bounds, bench.rules)
    bench.add("c", "BTC/USDC")
    bench.show("a", [(99.9, 1)], [(100, 1)])
    bench.show("c BTC/USDC", [(106, 1)], [(106.1, 1)])
    assert bench.said == []
    assert {one.gate for one in bench.engine.take_rejects(AT)} == {"quarantine"}


def test_moves_in_which_neither_price_changed_do_not_count() -> None:
    moves = Moves()
    for step in range(50):
        moves.sample(1.0, 2.0, step * 10 * SECOND)
    assert (moves.count, moves.correlation, moves.agreement, moves.together) == (0, 0.0, 0.0, None)
