"""A share of what ``python -m tests.storage.crash`` does."""

from __future__ import annotations

from tests.storage.crash import kill_often


def test_killed_at_any_moment_it_keeps_what_it_acknowledged(url: str) -> None:
    known = kill_often(url, times=4, seed=3)
    assert known.opportunities
    assert known.samples
