"""How the simulated venues count requests, on a clock of their own."""

from __future__ import annotations

from scanner.lab.limits import Budget, Rate


def test_a_rate_holds_in_any_period() -> None:
    rate = Rate(2, 10)
    assert rate.free_at == 0
    assert [rate.take(at) for at in (0, 4, 9, 10, 11, 14)] == [True, True, False, True, False, True]
    assert rate.free_at == 20


def test_a_strict_rate_counts_what_it_refuses() -> None:
    rate = Rate(2, 10, strict=True)
    assert [rate.take(at) for at in (0, 4, 9, 10, 11, 30)] == [
        True,
        True,
        False,
        False,
        False,
        True,
    ]


def test_a_budget_is_whole_again_with_each_period_of_the_clock() -> None:
    budget = Budget(10, 60)
    assert [budget.spend(weight, at) for weight, at in ((6, 1), (4, 59), (1, 59), (10, 60))] == [
        True,
        True,
        False,
        True,
    ]
    assert budget.spent == 10
