"""Segments of few rows, and how to make them."""

from __future__ import annotations

import pytest

from scanner.events import Opportunity
from storage import segments, slices, summary
from storage.queries import Filter, packed
from storage.segments import Builder
from tests.storage.events import START
from tests.storage.opportunities import DAY, change, steps, write

LATE = START + 90 * DAY
THRESHOLDS = (
    Filter(min_net_bps=5.0),
    Filter(min_net_bps=7.3),
    Filter(min_profit=1.0),
    Filter(min_profit=40.0),
    Filter(min_duration=10**8),
    Filter(min_duration=3 * 10**9),
    Filter(min_net_bps=4.0, min_profit=0.5),
    Filter(min_net_bps=3.0, min_duration=10**9),
    Filter(min_net_bps=2.0, min_profit=0.1, min_duration=10**7),
)


def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few rows make a segment, and fewer a slice; nothing is too few for slices."""
    monkeypatch.setattr(segments, "ROWS", 250)
    monkeypatch.setattr(segments, "LEAST", 10)
    monkeypatch.setattr(segments, "PART", 120)
    monkeypatch.setattr(slices, "FIRST", 8)
    monkeypatch.setattr(slices, "SLICE", 60)
    monkeypatch.setattr(packed, "EXACT", 0)


def build(url: str, at: int = LATE) -> None:
    builder = Builder()
    for _ in steps(url, lambda connection: builder.step(connection, at)):
        pass


def two_months(url: str, opportunities: list[Opportunity]) -> None:
    """The first 1,400 of them are counted, and those of fifty days in segments."""
    write(url, opportunities)
    assert change(url, lambda c: summary.seal(c, least=1, most=1_400)) == 1_400
    build(url, START + 50 * DAY)


def count(url: str, table: str = "opportunity_segment", where: str = "1 = 1") -> int:
    query = f"SELECT count(*) FROM {table} WHERE {where}"
    return int(change(url, lambda c: c.exec_driver_sql(query).scalar()))


def make_old(url: str) -> None:
    """As if an earlier version had made the segments."""
    change(url, lambda c: c.exec_driver_sql("UPDATE opportunity_segment SET ready = 1"))
