"""Which venue sends how much to which other, against every choice of routes that there is."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction as F
from random import Random

import pytest

from scanner.engine import assignment
from scanner.engine.assignment import Route, Shipment, assign
from tests.engine.slow_moves import cheapest
from tests.repeats import repeats


def fees(*rows: Sequence[float]) -> list[list[Route]]:
    return [[Route(fee=fee) for fee in row] for row in rows]


def test_the_cheaper_of_two_assignments() -> None:
    """Straight on costs 1 + 4, crosswise 2 + 2."""
    assert assign([1.0, 1.0], [1.0, 1.0], fees([1, 2], [2, 4])) == [
        Shipment(0, 1, 1.0),
        Shipment(1, 0, 1.0),
    ]


def test_a_route_is_paid_once_whatever_goes_along_it() -> None:
    """The nearer source has too little for both: fetching one of them whole from afar costs less
    than to fetch a rest of it, too."""
    assert assign([1.0, 5.0], [1.0, 2.0], fees([1, 1], [3, 3])) == [
        Shipment(0, 0, 1.0),
        Shipment(1, 1, 2.0),
    ]


def test_what_is_there_beyond_what_is_wanted_stays() -> None:
    assert assign([0.3, 0.5], [0.1 + 0.2], fees([2], [1])) == [Shipment(1, 0, 0.3)]


def test_noise_of_floats_is_no_move() -> None:
    assert assign([0.3, 0.1], [0.1 + 0.2, 0.1], fees([1, 1], [1, 1])) == [
        Shipment(0, 0, 0.3),
        Shipment(1, 1, 0.1),
    ]


def test_less_than_can_be_withdrawn_is_sent_only_where_nothing_else_can_be() -> None:
    least = [[Route(fee=1, least=0.9), Route(fee=1)], [Route(fee=5), Route(fee=5)]]
    assert assign([0.5, 1.0], [0.8, 0.2], least) == [
        Shipment(0, 1, 0.2),
        Shipment(1, 0, 0.8),
    ]
    assert assign([0.5], [0.5], [[Route(fee=1, least=0.9)]]) == [Shipment(0, 0, 0.5)]


def test_a_dear_way_that_is_open_goes_before_one_that_is_not() -> None:
    shut = [[Route(closed=True, known=False), Route(known=False)], [Route(fee=9), Route(fee=9)]]
    assert assign([1.0, 2.0], [1.0, 1.0], shut) == [Shipment(1, 0, 1.0), Shipment(1, 1, 1.0)]
    assert assign([1.0, 1.0], [1.0, 1.0], shut) == [Shipment(0, 1, 1.0), Shipment(1, 0, 1.0)]


def test_of_equal_fees_the_fewest_moves_and_then_the_fastest() -> None:
    assert len(assign([1.0, 1.0, 2.0], [1.0, 1.0], fees([0, 0], [0, 0], [0, 0]))) == 2
    times = [[Route(minutes=40.0), Route(minutes=5.0)], [Route(minutes=5.0), Route(minutes=None)]]
    assert assign([1.0, 1.0], [1.0, 1.0], times) == [Shipment(0, 1, 1.0), Shipment(1, 0, 1.0)]


def any_problem(random: Random, routes: int) -> tuple[list[float], list[float], list[list[Route]]]:
    """Amounts that often fit each other exactly, in part or as a whole."""
    sources = random.randint(1, 4)
    targets = random.randint(1, max(1, min(4, routes // sources)))
    coarse = random.random() < 0.5
    wanted = [
        random.randint(1, 6) / 2 if coarse else random.randint(1, 9_999) / 1000
        for _ in range(targets)
    ]
    there = [
        random.randint(1, 6) / 2 if coarse else random.randint(1, 9_999) / 10_000
        for _ in range(sources)
    ]
    short = sum(map(F, map(repr, wanted))) - sum(map(F, map(repr, there)))
    if short > 0:
        there[0] = float(F(repr(there[0])) + short)
    costs = [
        [
            Route(
                closed=random.random() < 0.1,
                known=random.random() < 0.8,
                fee=random.choice([0.0, 0.0005, 0.001, 0.0032, 1.5]),
                minutes=random.choice([None, 5.0, 30.0]),
            )
            for _ in wanted
        ]
        for _ in there
    ]
    return there, wanted, costs


@pytest.mark.parametrize("seed", range(repeats(60, 3_000)))
def test_no_choice_of_routes_costs_less(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of more routes than are tried all in a scan, for want of time alone."""
    monkeypatch.setattr(assignment, "MOST_ROUTES", 16)
    there, wanted, routes = any_problem(Random(seed), 12 if seed % 50 else 16)
    found = assign(there, wanted, routes)
    check(there, wanted, found)
    used = [routes[i][j] for i, j, _ in found]
    paid = grade(used)
    assert paid == cheapest(there, wanted, [[grade([r]) for r in row] for row in routes])


@pytest.mark.parametrize("seed", range(20))
def test_where_there_are_too_many_to_try_all_is_moved_all_the_same(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, wanted, routes = any_problem(Random(seed), 12)
    least = grade([routes[i][j] for i, j, _ in assign(there, wanted, routes)])
    monkeypatch.setattr(assignment, "MOST_ROUTES", 0)
    found = assign(there, wanted, routes)
    check(there, wanted, found)
    assert grade([routes[i][j] for i, j, _ in found]) >= least


def test_six_venues_by_six() -> None:
    there, wanted = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [6.0, 5.0, 4.0, 3.0, 2.0, 1.0]
    routes = [[Route(fee=1.0 + (i + j) % 3) for j in range(6)] for i in range(6)]
    found = assign(there, wanted, routes)
    check(there, wanted, found)
    assert len(found) <= 11


def grade(used: Sequence[Route]) -> tuple[int, int, F, int]:
    """Closed, not known, fees, moves."""
    closed = sum(route.closed for route in used)
    unknown = sum(not route.known and not route.closed for route in used)
    return closed, unknown, sum((F(repr(route.fee)) for route in used), F(0)), len(used)


def check(there: Sequence[float], wanted: Sequence[float], found: Sequence[Shipment]) -> None:
    """All that is wanted comes, nothing is sent that is not there, each route at most once."""
    assert len({(i, j) for i, j, _ in found}) == len(found)
    assert all(amount > 0 for _, _, amount in found)
    for i, has in enumerate(there):
        assert sum(a for source, _, a in found if source == i) <= has * (1 + 1e-9)
    for j, lacks in enumerate(wanted):
        assert sum(a for _, target, a in found if target == j) == pytest.approx(lacks, rel=1e-9)
