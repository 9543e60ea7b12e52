"""Crossings and checkpoints: what is above least figures is what a slow look at all rows gives."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from scanner.events import Opportunity
from storage import checkpoints, crossings, segments, slices
from storage.chores import forget
from storage.columns import DAY
from storage.histogram import TOTAL
from storage.owners import Of, owners_of
from storage.queries import By, Filter, open_reader, packed
from storage.queries import crossed as with_crossings
from storage.queries import slices as queries
from storage.retention import Keep, Retention
from storage.segments import Builder
from storage.series import Wider
from storage.slices import Order
from tests.repeats import repeats
from tests.storage.events import START
from tests.storage.few import LATE, THRESHOLDS, build, count, make_old, small
from tests.storage.opportunities import change, some, steps, write
from tests.storage.test_queries import asked_at_random, right_groups, seal

NEW = ("opportunity_place", "opportunity_crossing", "opportunity_checkpoint")


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    small(monkeypatch)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of segments of every question that slices have answered without crossings."""
    found: list[int] = []
    add = queries.add

    def noted(question, plan, **named):  # type: ignore[no-untyped-def]
        found.append(len(plan.segments))
        add(question, plan, **named)

    monkeypatch.setattr(queries, "add", noted)
    return found


@pytest.fixture
def crossed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Of, int]]:
    """The kind and the number of segments of every question that crossings and checkpoints have
    answered."""
    found: list[tuple[Of, int]] = []
    add = with_crossings.add

    def noted(question, segments, of):  # type: ignore[no-untyped-def]
        found.append((of, len(segments)))
        add(question, segments, of)

    monkeypatch.setattr(with_crossings, "add", noted)
    return found


def test_groups_are_those_of_the_slow_way(
    url: str,
    stored: list[Opportunity],
    read: list[int],
    crossed: list[tuple[Of, int]],
) -> None:
    reader = open_reader(url)
    for asked in THRESHOLDS:
        for by in By:
            right_groups(reader, stored, asked, by)
    of_all_figures = len(By)
    assert len(read) == of_all_figures
    assert {of for of, _ in crossed} == {*Of}
    assert len(crossed) == (len(THRESHOLDS) - 1) * len(By)


def test_whichever_way_is_taken_to_what_is_above_two_figures(
    url: str, stored: list[Opportunity], monkeypatch: pytest.MonkeyPatch
) -> None:
    ways = with_crossings._ways

    def only(chosen, one, other, both):  # type: ignore[no-untyped-def]
        return iter([[*ways(one, other, both)][chosen]])

    reader, rng = open_reader(url), random.Random(7)
    for chosen in range(6):
        monkeypatch.setattr(with_crossings, "_ways", partial(only, chosen))
        for _ in range(repeats(6, 40)):
            figures = {
                "min_net_bps": round(rng.lognormvariate(2, 1), 3),
                "min_profit": round(rng.lognormvariate(1, 2), 4),
                "min_duration": int(rng.lognormvariate(0, 2) * 1e9),
            }
            figures.pop(rng.choice([*figures]))
            right_groups(reader, stored, Filter(**figures), rng.choice([*By]))


@pytest.mark.parametrize("old", [True, False])
def test_so_are_those_of_filters_of_all_kinds(
    url: str,
    stored: list[Opportunity],
    read: list[int],
    crossed: list[tuple[Of, int]],
    old: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(packed, "SORTED", 0)  # never the rows of a symbol in place of slices
    monkeypatch.setattr(packed, "ROW_BY_ROW", 0)
    if old:
        make_old(url)
    reader, rng = open_reader(url), random.Random(5)
    for number in range(repeats(30, 300)):
        monkeypatch.setattr(packed, "SPARED", (-(10**9), 10**9)[number % 2])
        asked = asked_at_random(rng)
        if not asked.thresholds:
            asked = replace(asked, min_net_bps=rng.choice((1.0, 5.0, 9.9)))
        right_groups(reader, stored, asked, rng.choice([*By]))
    assert len(read) + len(crossed) > repeats(15, 150)
    assert bool(crossed) is not old


@pytest.mark.parametrize("seed", range(repeats(3, 30)))
def test_rows_and_filters_at_random(tmp_path: Path, seed: int) -> None:
    """Few values, which many share, and segments that come to an end anywhere."""
    rng, url = random.Random(seed), str(tmp_path / "a.db")
    few = rng.choice((3, 20, 10**6))
    stored = [
        replace(
            one,
            peak_net_bps=float(round(one.peak_net_bps * few) / few),
            peak_net_profit=float(round(one.peak_net_profit * few) / few),
        )
        for one in some(rng.randrange(200, 900), days=rng.randrange(5, 60), seed=seed)
    ]
    write(url, stored)
    seal(url, rng.randrange(150, 900))
    build(url, START + rng.randrange(10, 90) * DAY)
    reader = open_reader(url)
    for _ in range(25):
        one = rng.choice(stored)  # a figure that is somebody's
        asked = replace(
            asked_at_random(rng),
            min_net_bps=rng.choice((None, one.peak_net_bps)),
            min_profit=rng.choice((None, one.peak_net_profit)),
            min_duration=rng.choice((None, one.at - one.opened_at)),
        )
        right_groups(reader, stored, asked, rng.choice([*By]))


# --- what is in them ------------------------------------------------------------------------------


def rows_at_random(count: int) -> tuple[slices.Rows, Wider]:
    rng = np.random.default_rng(3)
    columns = {
        "series_id": rng.integers(1, 9, count).astype("<u4"),
        "peak_net_bps": np.round(rng.lognormal(1, 1, count), 1),
        "peak_net_profit": rng.normal(1, 2, count),
        "duration": rng.integers(1, 10**10, count),
        "hours": rng.integers(0, 168, count).astype("u1"),
        "profit_buckets": rng.integers(-5, 40, count).astype("<i2"),
        "duration_buckets": rng.integers(10, 60, count).astype("<i2"),
    }
    of = np.arange(9, dtype="<u4")
    wider = Wider(of % 3, of % 2, of * 0 + 7, of)
    return slices.keyed(columns, wider), wider


def test_crossings_are_of_what_two_orders_have_in_common() -> None:
    rows, wider = rows_at_random(400)
    profit, symbol = rows.columns["peak_net_profit"], wider.symbol[rows.columns["series_id"]]
    seen = 0
    for one in crossings.crossings(rows, owners_of(rows, wider)):
        if one.kind != Of.SYMBOL:
            continue
        seen += 1
        first = rows.ranking(Order(one.sorted_by)).number <= one.number
        for upto in range(1, len(rows.ranking(Order(one.crossed_by)).slices) + 1):
            both = first & (rows.ranking(Order(one.crossed_by)).number < upto)
            if one.crossed_by == one.sorted_by:
                both = first
            owners, totals = crossings.above(one.others, one.owners, one.totals, upto)
            assert totals.dtype == TOTAL
            assert totals["count"].sum() == both.sum()
            for owner in set(owners.tolist()):
                mine = both & (symbol == owner)
                theirs = totals[owners == owner]
                assert theirs["count"].sum() == mine.sum()
                assert theirs["profit"].sum() == pytest.approx(profit[mine].sum(), rel=1e-12)
                assert theirs["best_profit"].max() == profit[mine].max()
    assert seen == 6 * len(rows.ranking(Order.PROFIT).slices)


def test_checkpoints_are_histograms_of_all_slices_up_to_theirs() -> None:
    rows, wider = rows_at_random(400)
    hours = rows.columns["hours"] % 24
    seen = set()
    for one in checkpoints.checkpoints(rows, owners_of(rows, wider)):
        if one.kind != Of.HOUR:
            continue
        seen.add((one.sorted_by, one.number))
        above = rows.ranking(Order(one.sorted_by)).number <= one.number
        found = checkpoints.histograms(one.profit_keys, one.profit_buckets, one.profit_counts)
        assert set(found.keys["owner"]) == {7}
        place = 0
        for _, slot, buckets in found.keys.tolist():
            mine = rows.columns["profit_buckets"][above & (hours == slot)]
            values, counts = np.unique(mine, return_counts=True)
            assert found.buckets[place : place + buckets].tolist() == values.tolist()
            assert found.counts[place : place + buckets].tolist() == counts.tolist()
            place += buckets
        assert place == len(found.buckets)
    slices_of = len(rows.ranking(Order.PROFIT).slices)
    assert seen == {(order, number) for order in Order for number in checkpoints.numbers(slices_of)}


def test_the_nearest_checkpoint_is_the_one_fewest_rows_away() -> None:
    rows = np.array([1, 2, 4, 8, 8, 8, 8])
    ends = [0, *(number + 1 for number in checkpoints.numbers(len(rows)))]
    for after in range(len(rows) + 1):
        found = checkpoints.nearest(rows, after)
        away = {end: abs(rows[:end].sum() - rows[:after].sum()) for end in ends}
        assert away[found] == min(away.values())


def test_a_byte_numbers_the_slices_of_however_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    for rows in (1, 7, 8, 9, 1_000, 10**6, 10**8):
        assert len(slices._ends(rows)) < 255
    assert slices._ends(8) == []
    assert slices._ends(9) == [8]


# --- how they come, and go ------------------------------------------------------------------------


def test_segments_of_before_are_made_anew_one_by_one(url: str, stored: list[Opportunity]) -> None:
    """And at every moment the answer is right."""
    make_old(url)
    change(url, lambda c: [c.exec_driver_sql(f"DELETE FROM {table}") for table in NEW])
    there, builder, fewest = count(url), Builder(), 99
    reader, asked = open_reader(url), THRESHOLDS[6]
    ready = "SELECT count(*) FROM opportunity_segment WHERE ready > 0"
    made = steps(url, lambda c: builder.step(c, START + 50 * DAY))
    for number, connection in enumerate(made, 1):
        fewest = min(fewest, connection.exec_driver_sql(ready).scalar() or 0)
        if number % 20 == 0:
            right_groups(reader, stored, asked, By.VENUE)
    assert fewest == there - 1
    assert count(url, where="ready = 3") == there
    right_groups(reader, stored, asked, By.VENUE)


def test_what_is_too_old_goes_with_all_that_is_kept_beside_it(
    url: str, stored: list[Opportunity]
) -> None:
    """Not a row is left of a segment whose opportunities have gone, and the rest is right."""
    retention = Retention(Keep(days=30), forget)
    for _ in steps(url, lambda c: retention.step(c, START + 60 * DAY)):
        pass
    left = [
        one
        for one in stored
        if one.opened_at // DAY >= (START + 60 * DAY) // DAY - 30 or one.event != "closed"
    ]
    assert 0 < count(url) < 5
    orphans = "first_day NOT IN (SELECT first_day FROM opportunity_segment)"
    for table in segments.TABLES:
        assert count(url, table.name, orphans) == 0
    for asked in THRESHOLDS[::3]:
        right_groups(open_reader(url), left, asked, By.HOUR)
    build(url, START + 60 * DAY)
    for asked in THRESHOLDS[::3]:
        right_groups(open_reader(url), left, asked, By.HOUR)


KILLED = """
import sys
from pytest import MonkeyPatch
from storage.database import for_writing
from storage.location import located
from storage.segments import Builder
from tests.storage.few import LATE, small

small(MonkeyPatch())
builder = Builder()
with for_writing(located(sys.argv[1])).connect() as connection:
    more = True
    while more:
        with connection.begin():
            more = builder.step(connection, LATE + int(sys.argv[2]))
            print("step", flush=True)
"""


def test_whoever_is_killed_while_filling_is_made_up_for(url: str) -> None:
    """At a moment that falls within a transaction as often as not."""
    stored, rng = some(500, days=20, still_open=0), random.Random(1)
    write(url, stored)
    seal(url)
    at = 0
    for life in range(repeats(2, 20)):
        at += 2 * segments.FORSAKEN
        child = subprocess.Popen(
            [sys.executable, "-c", KILLED, url, str(at)],
            cwd=Path(__file__).parents[2],
            stdout=subprocess.PIPE,
        )
        assert child.stdout is not None
        for _ in range(rng.randrange(2, 40)):
            child.stdout.readline()
        child.send_signal(signal.SIGKILL)
        child.communicate()
        right_groups(open_reader(url), stored, THRESHOLDS[(3 * life) % 9], By.SYMBOL)
    build(url, LATE + at + 2 * segments.FORSAKEN)
    assert count(url, where="ready = 3") == count(url) > 0
    for asked in THRESHOLDS:
        right_groups(open_reader(url), stored, asked, By.ROUTE)
