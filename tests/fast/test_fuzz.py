"""What is malformed ends as in the reference lane; ``tests.fast.fuzz`` does the same for longer."""

from __future__ import annotations

import pytest

from scanner.lab.venues import VENUES
from scanner.types import Depth
from tests.fast.fuzz import Fuzz
from tests.repeats import repeats

CASES = repeats(30, 120)


@pytest.mark.parametrize("depth", list(Depth))
@pytest.mark.parametrize("name", VENUES)
def test_changed_messages_leave_both_lanes_the_same(name: str, depth: Depth) -> None:
    fuzz = Fuzz(name, depth, seed=1)
    fuzz.run(CASES)
    assert 0 < fuzz.taken < CASES
