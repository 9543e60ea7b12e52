"""Rows by series: what is asked of a symbol on a venue is what a slow look at all rows gives."""

from __future__ import annotations

import random

import pytest
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from scanner.events import Opportunity
from storage.by_series import SORTED_BY
from storage.queries import By, Filter, by_series, open_reader, tally
from tests.repeats import repeats
from tests.storage.few import THRESHOLDS, count, make_old, small
from tests.storage.opportunities import SYMBOLS, VENUES, change
from tests.storage.test_queries import asked_at_random, right_groups

NAMED = Filter(symbols=(SYMBOLS[0],), venues=(VENUES[0],))


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    small(monkeypatch)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Of how many segments each question read the rows of its series."""
    found: list[int] = []
    add = by_series.add

    def noted(question, first_days):  # type: ignore[no-untyped-def]
        found.append(len(first_days))
        add(question, first_days)

    monkeypatch.setattr(by_series, "add", noted)
    return found


@pytest.mark.parametrize("many", [0, 10**6], ids=["buckets", "values"])
@pytest.mark.parametrize("at_once", [1, 64_000])
def test_groups_are_those_of_the_slow_way(
    url: str,
    stored: list[Opportunity],
    read: list[int],
    monkeypatch: pytest.MonkeyPatch,
    many: int,
    at_once: int,
) -> None:
    for module in (by_series, tally):
        monkeypatch.setattr(module, "EXACT_ROWS", many)
    monkeypatch.setattr(by_series, "AT_ONCE", at_once)
    reader = open_reader(url)
    for asked in THRESHOLDS:
        least = replace(asked, symbols=NAMED.symbols, venues=NAMED.venues)
        for by in By:
            assert right_groups(reader, stored, least, by) is (many > 0)
    assert len(read) == len(THRESHOLDS) * len(By)
    assert min(read) > 1
    for by in (By.HOUR, By.WEEKDAY):
        assert right_groups(reader, stored, NAMED, by) is (many > 0)
    assert len(read) == len(THRESHOLDS) * len(By) + 2


def test_so_are_those_of_filters_of_all_kinds(
    url: str, stored: list[Opportunity], read: list[int]
) -> None:
    reader, rng = open_reader(url), random.Random(11)
    for _ in range(repeats(20, 200)):
        asked = asked_at_random(rng)
        symbols = asked.symbols or (rng.choice(SYMBOLS),)
        if not asked.of_venues:
            asked = replace(asked, sell=(rng.choice(VENUES),))
        right_groups(reader, stored, replace(asked, symbols=symbols), rng.choice([*By]))
    assert read


def test_segments_that_lack_them_are_read_by_day(
    url: str, stored: list[Opportunity], read: list[int]
) -> None:
    def some_are_old(connection: Connection) -> None:
        connection.exec_driver_sql(
            "UPDATE opportunity_segment SET ready = 2 WHERE first_day ="
            " (SELECT min(first_day) FROM opportunity_segment)"
        )

    change(url, some_are_old)
    reader = open_reader(url)
    right_groups(reader, stored, NAMED, By.HOUR)
    make_old(url)
    right_groups(reader, stored, NAMED, By.HOUR)
    assert read == [count(url) - 1, 0]


def test_a_segment_has_every_row_once(url: str, stored: list[Opportunity]) -> None:
    def look(connection: Connection) -> None:
        kept = connection.exec_driver_sql(
            "SELECT first_day, sum(length(hours)), count(DISTINCT number), count(*)"
            f" FROM opportunity_slice WHERE sorted_by = {SORTED_BY} GROUP BY first_day"
        ).all()
        rows = connection.exec_driver_sql("SELECT first_day, rows FROM opportunity_segment").all()
        assert sorted((day, count) for day, count, _, _ in kept) == sorted(map(tuple, rows))
        assert all(different == there for _, _, different, there in kept)

    change(url, look)
