"""Which rule an opportunity meets, when, and that it does so once."""

from __future__ import annotations

import time
from typing import Any

import pytest
from msgspec.structs import replace

from scanner.sinks.alerts.rules import Hit, Rules, Watcher, cost
from tests.sinks.alerts.samples import FOUND, SECOND, START, found, one_rule, settings


def watcher(**rule: Any) -> Watcher:
    return Watcher(Rules(one_rule(**rule)))


@pytest.mark.parametrize(
    ("rule", "met"),
    [
        ({}, True),
        ({"min_net_bps": 9.75}, True),
        ({"min_net_bps": 9.76}, False),
        ({"min_profit": 99.9}, True),
        ({"min_profit": 100.0}, False),
        ({"min_size": 1.0}, True),
        ({"min_size": 1.01}, False),
        ({"min_notional": 100_000.4}, True),
        ({"min_notional": 100_000.5}, False),
        ({"symbols": ("BTC/*",)}, True),
        ({"symbols": ("btc/usdt",)}, True),
        ({"symbols": ("ETH/*", "*/USDT")}, True),
        ({"symbols": ("ETH/*",)}, False),
        ({"symbols": ("BTC",)}, False),
        ({"symbols": ("?TC/[TU]SDT",)}, True),
        ({"symbols": ("!BTC/*",)}, False),
        ({"symbols": ("!ETH/*",)}, True),
        ({"symbols": ("*/USDT", "!B*")}, False),
        ({"venues": ("ku*", "okx")}, True),
        ({"venues": ("ku*",)}, False),
        ({"venues": ("!kraken",)}, True),
        ({"buy": ("kucoin",), "sell": ("okx",)}, True),
        ({"buy": ("okx",)}, False),
        ({"sell": ("kucoin",)}, False),
        ({"kinds": ("spot-*",)}, True),
        ({"kinds": ("spot-perp",)}, False),
        ({"enabled": False}, False),
    ],
)
def test_what_meets_a_rule(rule: dict[str, Any], met: bool) -> None:
    assert [hit.rule for hit in watcher(**rule).take(FOUND)] == ["r"] * met


def test_all_rules_that_it_meets_hit() -> None:
    rules = Rules(settings(rules={"a": {}, "b": {"min_net_bps": 50.0}, "c": {"buy": ("kucoin",)}}))
    assert [hit.rule for hit in Watcher(rules).take(FOUND)] == ["a", "c"]


def test_a_rule_hits_an_opportunity_once() -> None:
    watch = watcher()
    assert watch.take(FOUND) == [Hit("r", FOUND, START)]
    assert watch.take(replace(FOUND, event="updated", net_bps=99.0)) == []
    assert watch.take(found(2)) != []


def test_a_rule_hits_when_an_update_meets_it() -> None:
    watch = watcher(min_net_bps=15.0)
    assert watch.take(FOUND) == []
    better = replace(FOUND, event="updated", net_bps=15.0, at=START + SECOND)
    assert watch.take(better) == [Hit("r", better, START + SECOND)]


def test_a_closed_one_is_no_hit_and_is_forgotten() -> None:
    watch = watcher()
    assert watch.take(replace(FOUND, event="closed")) == []
    watch.take(FOUND)
    watch.take(replace(FOUND, event="closed"))
    assert watch._told == {}


class TestDuration:
    def test_an_update_may_come_late_enough(self) -> None:
        watch = watcher(min_duration_s=2.0)
        assert watch.take(FOUND) == []
        later = replace(FOUND, event="updated", at=START + 2 * SECOND)
        assert watch.take(later) == [Hit("r", later, later.at)]
        assert watch.due(START + 9 * SECOND) == []

    def test_without_an_update_it_is_due_all_the_same(self) -> None:
        watch = watcher(min_duration_s=2.0)
        watch.take(FOUND)
        assert watch.due(START + 2 * SECOND - 1) == []
        (hit,) = watch.due(START + 2 * SECOND)
        assert (hit.rule, hit.at, hit.found.at) == ("r", START + 2 * SECOND, START + 2 * SECOND)
        assert hit.found.buy.age_ms == hit.found.sell.age_ms == 2012.5
        assert watch.due(START + 3 * SECOND) == []
        assert watch.take(replace(FOUND, event="updated", at=START + 3 * SECOND)) == []

    def test_the_newest_state_is_told(self) -> None:
        watch = watcher(min_duration_s=2.0)
        watch.take(FOUND)
        watch.take(replace(FOUND, event="updated", at=START + SECOND, net_profit=50.0))
        (hit,) = watch.due(START + 2 * SECOND)
        assert hit.found.net_profit == 50.0

    def test_what_no_longer_meets_the_rule_does_not_count(self) -> None:
        watch = watcher(min_duration_s=2.0, min_net_bps=9.0)
        watch.take(FOUND)
        watch.take(replace(FOUND, event="updated", at=START + SECOND, net_bps=8.0))
        assert watch.due(START + 2 * SECOND) == []

    def test_what_closes_before_is_not_told(self) -> None:
        watch = watcher(min_duration_s=2.0)
        watch.take(FOUND)
        watch.take(replace(FOUND, event="closed", at=START + SECOND))
        assert watch.due(START + 2 * SECOND) == []


def test_other_rules_do_not_tell_again_what_is_told() -> None:
    watch = watcher()
    watch.take(FOUND)
    watch.change(Rules(settings(rules={"r": {"min_profit": 1.0}, "s": {}})))
    update = replace(FOUND, event="updated", at=START + SECOND)
    assert [hit.rule for hit in watch.take(update)] == ["s"]


def test_cost_walks_the_levels() -> None:
    assert cost(FOUND.buy, 1.0) == 0.6 * 100_000 + 0.4 * 100_001
    assert cost(FOUND.buy, 0.5) == 50_000


def test_twenty_rules_take_less_than_twenty_microseconds() -> None:
    rules = {
        f"rule{number}": {
            "min_net_bps": 50.0 + number,
            "min_notional": 10.0,
            "symbols": ("BTC/*", "ETH/*", "!*/EUR"),
            "venues": ("*", "!nobody"),
        }
        for number in range(20)
    }
    watch = Watcher(Rules(settings(rules=rules)))
    events = [found(number, event="updated") for number in range(1000)]
    best = float("inf")
    for _ in range(5):
        begun = time.perf_counter()
        for event in events:
            watch.take(event)
        best = min(best, (time.perf_counter() - begun) / len(events))
    assert best < 20e-6


def test_twenty_rules_that_were_met_are_no_slower() -> None:
    rules = {f"rule{number}": {"min_notional": 10.0} for number in range(20)}
    watch = Watcher(Rules(settings(rules=rules)))
    assert len(watch.take(FOUND)) == 20
    update = replace(FOUND, event="updated")
    best = float("inf")
    for _ in range(5):
        begun = time.perf_counter()
        for _ in range(1000):
            watch.take(update)
        best = min(best, (time.perf_counter() - begun) / 1000)
    assert best < 20e-6
