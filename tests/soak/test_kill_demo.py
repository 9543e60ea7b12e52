"""A share of what ``python -m tests.soak.kill_demo`` does."""

from __future__ import annotations

import random
from pathlib import Path

from tests.soak.kill_demo import kill_often, told
from tests.soak.processes import lab


def test_killed_at_any_moment_a_watch_keeps_what_it_showed(tmp_path: Path) -> None:
    with lab(tmp_path, workers=1) as config:
        report = kill_often(tmp_path, [("watch", "--config", config)] * 2, random.Random(7))
    assert sum(report.deaths.values()) == 2
    assert report.runs
    assert report.compared, told(report)
    assert report.opportunities == report.closed > 0
