"""When funding is paid next: asked for once, again after each payment, and never made up."""

from __future__ import annotations

from scanner.steps import Fetch
from scanner.venues.boundaries import UNKNOWN, Boundaries, Boundary
from scanner.venues.parts import SECOND

AT = 1_790_000_000 * SECOND
HOUR = 3600 * SECOND


def asking(*markets: str) -> Boundaries:
    made = Boundaries(lambda market: f"http://r/{market}")
    made.start(markets, AT)
    return made


def fetch(market: str) -> Fetch:
    return Fetch(f"funding:{market}", f"http://r/{market}")


def test_each_market_is_asked_for_once() -> None:
    made = asking("A", "B")
    assert made.due(AT) == [fetch("A"), fetch("B")]
    assert made.due(AT + SECOND) == []
    assert made.of("A", AT) == UNKNOWN


def test_an_answer_is_true_until_its_boundary_has_passed_and_then_asked_for_again() -> None:
    made = asking("A")
    made.due(AT)
    soon = AT + HOUR // 2
    made.found("A", Boundary(soon, 4 * HOUR), AT)
    assert made.of("A", soon - 1) == Boundary(soon, 4 * HOUR)
    assert made.of("A", soon) == Boundary(0, 4 * HOUR)
    assert made.due(soon) == []
    assert made.due(soon + 2 * SECOND) == [fetch("A")]


def test_a_boundary_that_has_passed_already_is_not_asked_for_at_once() -> None:
    made = asking("A")
    made.due(AT)
    made.found("A", Boundary(AT - SECOND, HOUR), AT)
    assert made.of("A", AT) == Boundary(0, HOUR)
    assert made.due(AT + 14 * SECOND) == []
    assert made.due(AT + 15 * SECOND) == [fetch("A")]


def test_an_answer_that_names_none_is_asked_for_again_in_a_while() -> None:
    made = asking("A")
    made.due(AT)
    made.found("A", UNKNOWN, AT)
    assert made.due(AT + HOUR - 1) == []
    assert made.due(AT + HOUR) == [fetch("A")]


def test_what_fails_or_stays_unanswered_is_repeated() -> None:
    made = asking("A")
    made.due(AT)
    made.failed("A", AT)
    assert made.due(AT) == []
    assert made.due(AT + SECOND) == [fetch("A")]
    made.due(AT + 12 * SECOND)
    assert made.due(AT + 14 * SECOND) == [fetch("A")]


def test_an_answer_is_asked_for_again_now_and_then() -> None:
    made = Boundaries(lambda market: f"http://r/{market}", every=60 * SECOND)
    made.start(["A"], AT)
    made.due(AT)
    made.found("A", Boundary(AT + HOUR, HOUR), AT)
    assert made.due(AT + 59 * SECOND) == []
    assert made.due(AT + 60 * SECOND) == [fetch("A")]
