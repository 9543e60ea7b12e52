"""A share of what ``python -m tests.storage.crash`` does."""

from __future__ import annotations

from tests.storage.crash import kill_often


def test_killed_at_any_moment_it_keeps_what_it_acknowledged(url: str) -> None:
    known = kill_often(url, times=4, seed=3)
    for seed in range(4, 12):  # on a busy machine none of them may have come to write anything
        if known.opportunities and known.samples:
            break
        known.merge(kill_often(url, times=4, seed=seed))
    assert known.opportunities
    assert known.samples
