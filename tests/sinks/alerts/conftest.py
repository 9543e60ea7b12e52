"""Receivers that end with the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.sinks.alerts.receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Callable[..., Receiver]]:
    """Makes receivers; see ``Receiver`` for how they can behave."""
    made: list[Receiver] = []

    def make(*behaviour: int | str) -> Receiver:
        made.append(Receiver(*behaviour))
        return made[-1]

    yield make
    for one in made:
        one.close()
