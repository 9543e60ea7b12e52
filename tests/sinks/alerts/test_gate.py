"""Cooldown and digest on a virtual clock."""

from __future__ import annotations

from typing import Any

import pytest

from scanner.events import Opportunity
from scanner.sinks.alerts.gate import KEPT, SHOWN, Gate, Gathered, Pass, Refused
from scanner.sinks.alerts.rules import Hit
from tests.sinks.alerts.samples import SECOND, START, found, leg, one_rule


def gate(**rule: Any) -> Gate:
    return Gate(one_rule(**rule).rules["r"])


def tell(one: Gate, what: Opportunity, seconds: float, digest: str = "d") -> Any:
    at = START + int(seconds * SECOND)
    return one.decide(Hit("r", what, at), digest, at)


class TestCooldown:
    def test_of_a_symbol(self) -> None:
        one = gate(cooldown_s=10.0)
        assert tell(one, found(1), 0) == Pass()
        assert tell(one, found(2), 4) == Refused("cooldown: 6 s left for the same symbol")
        assert tell(one, found(3, "ETH/USDT"), 4) == Pass()
        assert tell(one, found(4), 10) == Pass()

    def test_what_is_held_back_does_not_prolong_it(self) -> None:
        one = gate(cooldown_s=10.0)
        for second in range(0, 10, 2):
            tell(one, found(second), second)
        assert tell(one, found(99), 10) == Pass()

    def test_of_a_route(self) -> None:
        one = gate(cooldown_s=10.0, cooldown_per="route")
        assert tell(one, found(1), 0) == Pass()
        assert tell(one, found(2, sell=leg("kraken", (1.0, 1.0))), 1) == Pass()
        assert isinstance(tell(one, found(3), 2), Refused)

    def test_of_the_rule(self) -> None:
        one = gate(cooldown_s=10.0, cooldown_per="rule")
        assert tell(one, found(1), 0) == Pass()
        assert isinstance(tell(one, found(2, "ETH/USDT"), 1), Refused)

    def test_none(self) -> None:
        one = gate(cooldown_s=0.0)
        assert [tell(one, found(number), 0) for number in range(5)] == [Pass()] * 5

    def test_it_goes_on_after_a_restart(self) -> None:
        one = gate(cooldown_s=10.0)
        one.told("BTC/USDT", START - 4 * SECOND)
        assert isinstance(tell(one, found(1), 5), Refused)
        assert tell(one, found(2), 6) == Pass()

    def test_what_it_remembers_is_bounded(self) -> None:
        one = gate(cooldown_s=1.0, digest={"after": 1000})
        for number in range(3 * KEPT):
            tell(one, found(number, f"S{number}/USDT"), number)
        assert len(one._told_at) <= KEPT + 1


class TestDigest:
    def rule(self) -> Gate:
        return gate(cooldown_s=0.0, digest={"after": 2, "window_s": 60.0})

    def test_the_first_come_alone_the_rest_together(self) -> None:
        one = self.rule()
        verdicts = [tell(one, found(n), n, f"d{n}") for n in range(5)]
        assert verdicts == [Pass(), Pass(), Gathered("d2"), Gathered("d2"), Gathered("d2")]
        assert one.due == START + 60 * SECOND
        assert one.bundle(START + 59 * SECOND) is None
        bundle = one.bundle(START + 60 * SECOND)
        assert bundle is not None
        assert (bundle.name, bundle.count, bundle.seconds) == ("d2", 3, 60.0)
        assert [what.id for what in bundle.best] == ["id-2", "id-3", "id-4"]
        assert one.due is None
        assert one.bundle(START + 61 * SECOND) is None

    def test_then_a_new_window_begins(self) -> None:
        one = self.rule()
        for number in range(3):
            tell(one, found(number), number)
        one.bundle(START + 60 * SECOND)
        assert [tell(one, found(n), 60 + n) for n in range(3)] == [Pass(), Pass(), Gathered("d")]
        assert one.due == START + 120 * SECOND

    def test_a_window_that_ends_early_begins_anew(self) -> None:
        one = self.rule()
        tell(one, found(1), 0)
        assert [tell(one, found(n), 70) for n in range(3)] == [Pass(), Pass(), Gathered("d")]

    def test_at_most_so_many_messages_in_a_storm(self) -> None:
        one = self.rule()
        messages = 0
        for tenth in range(6000):
            messages += tell(one, found(tenth), tenth / 10) == Pass()
            messages += one.bundle(START + tenth * SECOND // 10) is not None
        assert messages <= 10 * (2 + 1)

    def test_all_together(self) -> None:
        one = gate(cooldown_s=0.0, digest={"after": 0, "window_s": 60.0})
        assert tell(one, found(1), 0) == Gathered("d")

    def test_what_is_gathered_is_told_and_cools_down(self) -> None:
        one = gate(cooldown_s=30.0, digest={"after": 0, "window_s": 60.0})
        assert tell(one, found(1), 0) == Gathered("d")
        assert isinstance(tell(one, found(2), 1), Refused)

    def test_the_best_are_named_and_all_are_counted(self) -> None:
        one = gate(cooldown_s=0.0, digest={"after": 0, "window_s": 60.0})
        for number in range(KEPT + 500):
            tell(one, found(number, net_bps=float(number % 1000)), 0)
        bundle = one.bundle(START + 60 * SECOND)
        assert bundle is not None
        assert bundle.count == KEPT + 500
        assert len(bundle.best) == SHOWN
        assert {what.net_bps for what in bundle.best} == {999.0}


@pytest.mark.parametrize("per", ["symbol", "route", "rule"])
def test_time_that_stands_still_is_no_harm(per: str) -> None:
    one = gate(cooldown_s=1.0, cooldown_per=per)
    assert tell(one, found(1), 0) == Pass()
    assert isinstance(tell(one, found(2), 0), Refused)
