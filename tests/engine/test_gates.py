"""Why not: one fault for each gate, and exactly that reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from scanner.books.lag import UNTOLD
from scanner.books.store import BookStore, Keys
from scanner.engine.bounds import Bounds
from scanner.engine.engine import Engine
from scanner.engine.following import Following
from scanner.engine.gates import Gate
from scanner.engine.ids import Ids
from scanner.engine.rules import Amount, Moving, Rules
from scanner.engine.tracker import Thresholds
from scanner.events import Opportunity, Survival, Suspect
from scanner.steps import Snapshot
from scanner.types import BookState, LevelLayout, Market, Proof
from tests.sinks.alerts.named import gates

KEYS = Keys.of(LevelLayout())
SECOND = 1_000_000_000
AT = 100 * SECOND
Ladder = list[tuple[float, float]]


class Bench:
    """Bought at ``a`` for 100, sold at ``b`` for 101, no fees: flagged, unless something is
    wrong."""

    def __init__(self) -> None:
        self.said: list[Opportunity] = []
        self.suspects: list[Suspect] = []
        self.store = BookStore()
        self.thresholds = Thresholds(min_net_bps=5, min_profit=0, update_interval=0)
        self.bounds = Bounds(max_age=3 * SECOND, max_skew=SECOND)
        self.rules = Rules(currency="USDT", unverified=False)
        self.survived: list[Survival] = []
        self.following = Following(self.store, self.survived.append)
        self.engine = Engine(
            *(self.store, self.thresholds, self.bounds, Ids(lambda n: 0)),
            *(self.said.append, self.rules, self.suspects.append),
            following=self.following,
        )
        self.books: dict[str, int] = {}
        self.sequence = 0

    def add(self, venue: str, symbol: str = "BTC/USDT", proof: Proof = Proof.CHAINED) -> None:
        book = self.books[f"{venue} {symbol}"] = self.store.add()
        base, quote = symbol.split("/")
        market = Market(
            venue=venue, id=symbol, symbol=symbol, base=base, quote=quote, taker_fee=0.0
        )
        self.engine.add(book, market, proof)

    def change(self, venue: str, **terms: Any) -> None:
        book = self.book(venue)
        self.engine.revalue(book, replace(self.engine.markets[book], **terms))

    def book(self, venue: str) -> int:
        return self.books[venue if " " in venue else f"{venue} BTC/USDT"]

    def show(self, venue: str, bids: Ladder, asks: Ladder, at: int = AT) -> None:
        self.sequence += 1
        step = Snapshot(
            market="",
            bids=json.dumps(bids).encode(),
            asks=json.dumps(asks).encode(),
            sequence=self.sequence,
        )
        self.store.snapshot(self.book(venue), step, KEYS, at)
        self.engine.updated(self.book(venue), at)

    def show_both(self, size: float = 1.0, bid: float = 101.0) -> None:
        self.show("a", [(99, size)], [(100, size)])
        self.show("b", [(bid, size)], [(bid + 1, size)])

    def rejects(self) -> dict[str, tuple[int, float]]:
        """Of the route from a to b."""
        return {
            one.gate: (one.count, round(one.best_shortfall_bps, 3))
            for one in self.engine.take_rejects(AT)
            if (one.buy, one.sell) == ("a", "b")
        }


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.add("a")
    bench.add("b")
    return bench


def test_without_a_fault_it_is_flagged(bench: Bench) -> None:
    bench.show_both()
    assert [(one.buy.venue, one.sell.venue) for one in bench.said] == [("a", "b")]
    assert bench.rejects() == {}


def test_nothing_is_counted_that_is_not_positive_before_costs(bench: Bench) -> None:
    bench.show_both(bid=99.5)
    assert bench.rejects() == {}


def fees(bench: Bench) -> None:
    bench.change("a", taker_fee=0.006)
    bench.change("b", taker_fee=0.006)
    bench.show_both()


def threshold(bench: Bench) -> None:
    bench.show_both(bid=100.02)


def profit(bench: Bench) -> None:
    bench.engine.configure(replace(bench.thresholds, min_profit=4.0), bench.bounds)
    bench.show_both()


def lot(bench: Bench) -> None:
    bench.change("b", lot=4.0)
    bench.show_both()


def least_amount(bench: Bench) -> None:
    bench.change("a", min_amount=2.0)
    bench.show_both()


def least_notional(bench: Bench) -> None:
    bench.change("b", min_notional=202.0)
    bench.show_both()


def capital(bench: Bench) -> None:
    bench.change("a", min_amount=0.5)
    rules = replace(bench.rules, capital={"a": Amount({"USDT": 25.0})})
    bench.engine.configure(bench.thresholds, bench.bounds, rules)
    bench.show_both()


def staleness(bench: Bench) -> None:
    bench.show("a", [(99, 1)], [(100, 1)], AT - int(4.5 * SECOND))
    bench.show("b", [(101, 1)], [(102, 1)])


def marked_stale(bench: Bench) -> None:
    bench.show("a", [(99, 1)], [(100, 1)], AT)
    bench.store.set_state(bench.book("a"), BookState.STALE)
    bench.show("b", [(101, 1)], [(102, 1)])


def nobody_knows_how_old(bench: Bench) -> None:
    """What bears no time of the venue, where nothing has told yet how late it is."""
    book = bench.book("a")
    bench.store.as_of([book], UNTOLD)
    bench.show("a", [(99, 1)], [(100, 1)])
    assert bench.store.proven_at(book) == UNTOLD
    bench.show("b", [(101, 1)], [(102, 1)])


def skew(bench: Bench) -> None:
    bench.show("a", [(99, 1)], [(100, 1)], AT - 2 * SECOND)
    bench.show("b", [(101, 1)], [(102, 1)])


def trust(bench: Bench) -> None:
    bench.show("a", [(99, 1)], [(100, 1)])
    bench.store.set_state(bench.book("a"), BookState.SYNCING)
    bench.show("b", [(101, 1)], [(102, 1)])


def identity(bench: Bench) -> None:
    bench.engine.bar(bench.book("a"), bench.book("b"), Gate.IDENTITY)
    bench.show_both()


def quarantine(bench: Bench) -> None:
    bench.engine.bar(bench.book("a"), bench.book("b"), Gate.QUARANTINE)
    bench.show_both()


def transfer(bench: Bench) -> None:
    rules = replace(bench.rules, moving=Moving(withdrawn=True))
    bench.engine.configure(bench.thresholds, bench.bounds, rules)
    bench.show_both()


FAULTS: list[tuple[Callable[[Bench], None], str, float]] = [
    (fees, "fees", 5 - (101 * 0.994 / (100 * 1.006) - 1) * 1e4),
    (threshold, "threshold", 3.0),
    (profit, "profit", 7500.0),
    (lot, "lot", 7500.0),
    (least_amount, "size", 5000.0),
    (least_notional, "size", 5000.0),
    (capital, "capital", 5000.0),
    (transfer, "transfer", 0.0),
    (staleness, "staleness", 5000.0),
    (marked_stale, "staleness", 0.0),
    (nobody_knows_how_old, "staleness", 0.0),
    (skew, "skew", 10_000.0),
    (trust, "trust", 0.0),
    (identity, "identity", 0.0),
    (quarantine, "quarantine", 0.0),
]


@pytest.mark.parametrize(
    ("fault", "gate", "shortfall"), FAULTS, ids=[fault.__name__ for fault, _, _ in FAULTS]
)
def test_one_fault_gives_exactly_its_reason(
    bench: Bench, fault: Callable[[Bench], None], gate: str, shortfall: float
) -> None:
    fault(bench)
    assert bench.said == []
    assert bench.rejects() == {gate: (1, pytest.approx(shortfall, abs=2e-3))}
    assert bench.rejects() == {}


def test_every_gate_has_a_fault_of_its_own() -> None:
    """The others: below, and of what only carries come to, in ``tests.carry.test_stops``."""
    others = {"unverified", "conversion", "funding"}
    assert {gate for _, gate, _ in FAULTS} | others == {gate.value for gate in Gate}


def test_an_alert_names_the_gates_that_can_stop_it(bench: Bench, across: Bench) -> None:
    bench.show_both()
    of_pairs = {Gate(gate) for _, gate, _ in FAULTS} | {Gate.UNVERIFIED}
    assert gates(bench.said[0]) == of_pairs - {Gate.TRANSFER}  # which was not asked for
    across.show("c USDC/USDT", [(0.999, 500)], [(1.0, 500)])
    show_across(across)
    assert gates(across.said[0]) == of_pairs - {Gate.TRANSFER} | {Gate.CONVERSION}


def test_a_book_that_nothing_proves(bench: Bench) -> None:
    bench = Bench()
    bench.add("a", proof=Proof.NONE)
    bench.add("b")
    bench.show_both()
    assert bench.said == []
    assert bench.rejects() == {"unverified": (1, 0.0)}
    bench.engine.configure(bench.thresholds, bench.bounds, replace(bench.rules, unverified=True))
    bench.show_both()
    assert [one.event for one in bench.said] == ["opened"]
    assert bench.said[0].buy.proof == "none"


def test_what_is_barred_closes_and_may_open_again(bench: Bench) -> None:
    bench.show_both()
    a, b = bench.book("a"), bench.book("b")
    bench.engine.bar(a, b, Gate.QUARANTINE)
    bench.engine.tick(AT)
    assert bench.said[-1].reason == "the route is in quarantine"
    bench.engine.bar(a, b, None)
    bench.show_both()
    assert bench.said[-1].event == "opened"


def test_the_least_shortfall_is_kept(bench: Bench) -> None:
    for bid in (100.01, 100.03, 100.02):
        bench.show_both(bid=bid)
    assert bench.rejects()["threshold"][1] == pytest.approx(2.0, abs=2e-3)


@pytest.fixture
def across() -> Bench:
    bench = Bench()
    bench.add("a")
    bench.add("b", "BTC/USDC")
    bench.add("c", "USDC/USDT")
    return bench


def show_across(bench: Bench, bid: float = 101.0, at: int = AT) -> None:
    bench.show("a", [(99, 1)], [(100, 1)])
    bench.show("b BTC/USDC", [(bid, 1)], [(bid + 1, 1)], at)


def test_across_quotes_with_a_conversion(across: Bench) -> None:
    across.show("c USDC/USDT", [(0.999, 500)], [(1.0, 500)])
    show_across(across)
    (found,) = across.said
    assert (found.kind, found.symbol, found.sell.symbol) == ("cross-quote", "BTC/USDT", "BTC/USDC")
    assert found.net_profit == pytest.approx(101 * 0.999 - 100)
    assert found.conversion is not None
    assert (found.conversion.venue, found.conversion.side) == ("c", "sell")
    assert found.conversion.size == pytest.approx(101)


def test_without_a_conversion_there_is_nothing_to_compare(across: Bench) -> None:
    show_across(across)
    assert across.said == []
    assert across.rejects() == {}


def test_a_conversion_that_has_gone(across: Bench) -> None:
    across.show("c USDC/USDT", [(0.999, 500)], [(1.0, 500)])
    across.store.clear(across.book("c USDC/USDT"), BookState.UNSYNCHRONISED)
    across.engine.dropped(across.book("c USDC/USDT"), "gone", AT)
    show_across(across)
    assert across.said == []
    assert across.rejects() == {"conversion": (1, 0.0)}


def test_a_conversion_that_is_too_old(across: Bench) -> None:
    across.show("c USDC/USDT", [(0.999, 500)], [(1.0, 500)], AT - 4 * SECOND)
    show_across(across)
    assert across.said == []
    assert across.rejects() == {"conversion": (1, 0.0)}


def test_a_conversion_that_is_too_far_from_a_leg(across: Bench) -> None:
    across.show("c USDC/USDT", [(0.999, 500)], [(1.0, 500)], AT - 2 * SECOND)
    show_across(across)
    assert across.said == []
    assert across.rejects() == {"conversion": (1, 0.0)}


def test_a_conversion_too_small_for_its_venue(across: Bench) -> None:
    book = across.book("c USDC/USDT")
    across.engine.revalue(book, replace(across.engine.markets[book], min_amount=200.0))
    across.show("c USDC/USDT", [(0.999, 500)], [(1.0, 500)])
    show_across(across)
    assert across.rejects() == {"conversion": (1, 0.0)}


def test_a_conversion_that_costs_too_much(across: Bench) -> None:
    across.show("c USDC/USDT", [(0.98, 500)], [(1.0, 500)])
    show_across(across)
    assert across.rejects() == {}
    book = across.book("c USDC/USDT")
    across.show("c USDC/USDT", [(0.999, 500)], [(1.0, 500)])
    across.engine.revalue(book, replace(across.engine.markets[book], taker_fee=0.02))
    across.show("c USDC/USDT", [(0.999, 500)], [(1.0, 500)])
    show_across(across)
    ((gate, (count, missing)),) = across.rejects().items()
    assert (gate, count) == ("fees", 2)  # both legs changed
    assert missing == pytest.approx(5 - (101 * 0.999 * 0.98 / 100 - 1) * 1e4, abs=2e-3)


def test_what_a_worse_conversion_than_the_best_would_lose(across: Bench) -> None:
    """The sieve goes by the best one, which is too far from a leg in time."""
    across.add("d", "USDC/USDT")
    across.show("c USDC/USDT", [(0.98, 500)], [(1.0, 500)])
    across.show("d USDC/USDT", [(0.999, 500)], [(1.0, 500)], AT - 2 * SECOND)
    show_across(across)
    ((gate, (count, missing)),) = across.rejects().items()
    assert (gate, count) == ("fees", 1)
    assert missing == pytest.approx(5 - (101 * 0.98 / 100 - 1) * 1e4, abs=2e-3)
