import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.feeds.plan import plan
from tests.feeds.tiny import market


def test_even_and_in_turn() -> None:
    markets = [market(name) for name in "ABCDEFG"]
    groups = [[m.id for m in group] for group in plan(markets, 3)]
    assert groups == [["A", "D", "G"], ["B", "E"], ["C", "F"]]


def test_a_market_named_twice_is_taken_once() -> None:
    assert [[m.id for m in g] for g in plan([market(n) for n in "ABAC"], 10)] == [["A", "B", "C"]]


def test_nothing_needs_no_connection() -> None:
    assert plan([], 5) == []


def test_a_limit_below_one_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one market"):
        plan([market("A")], 0)


@given(st.integers(0, 60), st.integers(1, 20))
def test_every_market_once_within_the_limit(count: int, limit: int) -> None:
    markets = [market(f"M{number}") for number in range(count)]
    groups = plan(markets, limit)
    sizes = [len(group) for group in groups]
    assert sorted(m.id for g in groups for m in g) == sorted(m.id for m in markets)
    assert all(1 <= size <= limit for size in sizes)
    assert not sizes or max(sizes) - min(sizes) <= 1
    assert len(groups) == -(-count // limit)
    assert plan(markets, limit) == groups
