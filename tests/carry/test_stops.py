"""Why not: one fault for each gate of a carry, and exactly that reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from scanner.books import layout as L
from scanner.engine.bounds import Bounds
from scanner.engine.gates import Gate
from scanner.engine.rules import Amount, Holding
from scanner.engine.tracker import Thresholds
from scanner.types import BookState, MarketKind, Proof
from tests.carry.test_carries import START, Desk, quote, ticker
from tests.sinks.alerts.named import gates

SECOND = 1_000_000_000
ROUTE = ("BTC/USDT>BTC/USDT:USDT", "coin", "perp")


class Case:
    """A coin and a perpetual that pays: flagged, unless something is wrong."""

    def __init__(self, *, proof: Proof = Proof.SNAPSHOTS, **rules: Any) -> None:
        self.more: dict[str, object] = rules.pop("more", {})
        self.thresholds: dict[str, float] = rules.pop("thresholds", {})
        self.price: float = rules.pop("price", 99.99)
        self.told: dict[str, object] = rules.pop("told", {})
        self.desk = Desk("spot-perp", proof=proof, **rules)
        asked = {"min_net_bps": 1.0, "update_interval": 0, **self.thresholds}
        self.desk.pipeline.configure(Thresholds(**asked), Bounds())  # type: ignore[arg-type]

    def run(self, fault: Callable[[Case], None] | None = None) -> dict[tuple[str, ...], tuple]:
        """What was counted of the route on the first look."""
        coin = self.desk.lane("coin", MarketKind.SPOT)
        perp = self.desk.lane("perp", MarketKind.PERPETUAL, **self.more)
        ticker(perp, START, **{"mark": str(self.price), **self.told})
        quote(coin, 99.99, 100.01, START)
        quote(perp, self.price, self.price + 0.02, START)
        if fault is not None:
            fault(self)
        self.look(START)
        return {
            (one.symbol, one.buy, one.sell, one.gate): (one.count, one.best_shortfall_bps)
            for one in self.desk.pipeline.engine.take_rejects(START)
        }

    def look(self, at: int) -> None:
        """Every coin has its turn within a second."""
        for tenth in range(10):
            self.desk.pipeline.carries.tick(at + tenth * SECOND // 10)


def test_without_a_fault_it_is_flagged_and_nothing_counted() -> None:
    case = Case()
    assert case.run() == {}
    assert case.desk.told == [("opened", "spot-perp")]


def test_what_does_not_look_good_is_not_counted() -> None:
    assert Case(told={"funding_rate": "-0.001"}).run() == {}


def syncing(case: Case) -> None:
    case.desk.pipeline.store.set_state(1, BookState.SYNCING)


def stale(case: Case) -> None:
    case.desk.pipeline.store.set_state(1, BookState.STALE)


def skewed(case: Case) -> None:
    case.desk.pipeline.configure(Thresholds(min_net_bps=1), Bounds(max_skew=SECOND))
    case.desk.pipeline.store.array(L.META)[L.DEPTH_AT] -= 2 * SECOND  # of the coin


STOPS: list[tuple[str, Case, Callable[[Case], None] | None]] = [
    ("fees", Case(more={"taker_fee": 0.05}), None),
    ("threshold", Case(thresholds={"min_net_bps": 5_000.0}), None),
    ("threshold", Case(holding=Holding(min_net_apr=0.5)), None),
    ("profit", Case(thresholds={"min_profit": 1e6}), None),
    ("capital", Case(more={"min_amount": 0.5}, capital={"coin": Amount({"USDT": 25.0})}), None),
    ("lot", Case(more={"lot": 100.0}), None),
    ("size", Case(more={"min_amount": 100.0}), None),
    ("trust", Case(), syncing),
    ("staleness", Case(), stale),
    ("skew", Case(), skewed),
    ("unverified", Case(proof=Proof.NONE, unverified=False), None),
    (
        "funding",
        Case(holding=Holding(reverts=True), told={"funding_rate": ""}, price=101.0),
        None,
    ),
    ("quarantine", Case(holding=Holding(reverts=True), price=115.0), None),
]


@pytest.mark.parametrize(("gate", "case", "fault"), STOPS)
def test_one_fault_gives_exactly_its_reason(
    gate: str, case: Case, fault: Callable[[Case], None] | None
) -> None:
    found = case.run(fault)
    assert case.desk.said == []
    counted = {key: count for key, (count, _) in found.items() if key[:3] == ROUTE}
    assert counted == {(*ROUTE, gate): 1}


def test_an_alert_names_the_gates_that_can_stop_it() -> None:
    case = Case()
    case.run()
    (found,) = case.desk.said
    assert gates(found) == {Gate(gate) for gate, _, _ in STOPS}
    # a dated contract pays no funding, so none had to be known
    assert found.carry is not None
    dated = replace(found, kind="spot-future", carry=replace(found.carry, sell_interval_h=0.0))
    assert gates(dated) == gates(found) - {Gate.FUNDING}


def test_what_is_missing_is_told() -> None:
    found = Case(thresholds={"min_net_bps": 5_000.0}).run()
    assert 0 < found[*ROUTE, Gate.THRESHOLD][1] < 5_000
    assert Case(thresholds={"min_profit": 1e6}).run()[*ROUTE, "profit"][1] == pytest.approx(
        1e4, rel=1e-4
    )
