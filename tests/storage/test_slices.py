"""Slices: what is asked of all above a figure is what a slow look at all rows gives."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace
from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from scanner.events import Opportunity
from storage import segments, slices, summary
from storage.columns import DAY, hour_of_week
from storage.queries import By, Filter, Reader, open_reader, packed
from storage.queries import slices as queries
from storage.schema import opportunity, opportunity_segment, opportunity_slice
from storage.segments import Builder, Stretch
from storage.series import Wider
from storage.slices import Level, Order
from tests.storage.events import START
from tests.storage.few import LATE, THRESHOLDS, build, count, make_old, small
from tests.storage.opportunities import SYMBOLS, VENUES, change, some, steps, write
from tests.storage.test_queries import right_groups, seal


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    small(monkeypatch)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Order, int]]:
    """The order and the number of segments of every question that slices have answered without
    crossings."""
    found: list[tuple[Order, int]] = []
    add = queries.add

    def noted(question, plan, **named):  # type: ignore[no-untyped-def]
        found.append((plan.order, len(plan.segments)))
        add(question, plan, **named)

    monkeypatch.setattr(queries, "add", noted)
    return found


@pytest.mark.parametrize("spared", [10**9, -(10**9)], ids=["above", "below"])
def test_groups_are_those_of_the_slow_way(
    url: str,
    stored: list[Opportunity],
    read: list[tuple[Order, int]],
    spared: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whether what is above is added, or what is below is taken from all."""
    monkeypatch.setattr(packed, "SPARED", spared)
    make_old(url)
    reader = open_reader(url)
    for asked in THRESHOLDS:
        for by in By:
            right_groups(reader, stored, asked, by)
    assert {order for order, _ in read} == {*Order}
    assert len(read) >= len(THRESHOLDS) * len(By)


def test_few_are_told_exactly(
    url: str, stored: list[Opportunity], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, asked = open_reader(url), Filter(min_net_bps=9.0)
    assert not right_groups(reader, stored, asked, By.ROUTE)
    monkeypatch.setattr(packed, "EXACT", 1_000)
    assert right_groups(reader, stored, asked, By.ROUTE)


def test_a_figure_above_all_and_one_below_all(url: str, stored: list[Opportunity]) -> None:
    reader = open_reader(url)
    assert reader.groups(Filter(min_net_bps=1e9), By.HOUR) == []
    for by in By:
        right_groups(reader, stored, Filter(min_net_bps=-1e9), by)
        right_groups(reader, stored, Filter(min_duration=0), by)


def test_a_threshold_that_many_have_exactly(url: str) -> None:
    """Those at a threshold are in, wherever slices end."""
    stored = [replace(o, peak_net_bps=float(n % 3)) for n, o in enumerate(some(400, still_open=0))]
    write(url, stored)
    seal(url)
    build(url)
    reader = open_reader(url)
    for least in (0.0, 1.0, 1.5, 2.0, 2.5):
        right_groups(reader, stored, Filter(min_net_bps=least), By.VENUE)


def test_a_duration_that_no_float_is(url: str) -> None:
    """Of more than 104 days floats do not know every nanosecond."""
    long = 2**53 + 1
    stored = [replace(o, at=o.opened_at + long + n % 2) for n, o in enumerate(some(60, days=1))]
    stored = [replace(o, event="closed", reason="x") for o in stored]
    write(url, stored)
    seal(url)
    build(url, LATE + 400 * DAY)
    assert count(url) == 1
    reader = open_reader(url)
    for least, share in ((long, 60), (long + 1, 30), (long + 2, 0)):
        groups = reader.groups(Filter(min_duration=least), By.SYMBOL)
        assert sum(g.figures.count for g in groups) == share


# --- what is in them ------------------------------------------------------------------------------


def test_slices_are_in_order_and_have_every_row_once(url: str, stored: list[Opportunity]) -> None:
    def look(connection: Connection) -> None:
        s = opportunity_segment.c
        for first, last, rows, bounds in connection.execute(
            select(s.first_day, s.last_day, s.rows, s.bounds)
        ):
            here = [o for o in stored[:1_400] if first <= o.opened_at // DAY <= last]
            for order, of in zip(Order, segments.bounds_of(bounds), strict=True):
                assert of["rows"].sum() == rows <= len(here)
                assert (of["least"][:-1] >= of["most"][1:]).all()
                assert (of["least"] <= of["most"]).all()
                assert of["rows"][:-1].tolist() == [8, 16, 32, *([60] * len(of))][: len(of) - 1]
                kept = select(func.count()).where(
                    opportunity_slice.c.first_day == first,
                    opportunity_slice.c.sorted_by == int(order),
                )
                assert connection.execute(kept).scalar() == len(of)

    change(url, look)


def test_sums_are_of_all_slices_up_to_theirs() -> None:
    rng = np.random.default_rng(3)
    columns = {
        "series_id": rng.integers(1, 9, 500).astype("<u4"),
        "peak_net_bps": rng.lognormal(1, 1, 500),
        "peak_net_profit": rng.lognormal(1, 2, 500),
        "duration": rng.integers(1, 10**10, 500),
        "opened_at": START + rng.integers(0, 20 * DAY, 500),
    }
    columns |= {
        "hours": hour_of_week(columns["opened_at"]),
        "profit_buckets": np.zeros(500, "<i2"),
        "duration_buckets": np.zeros(500, "<i2"),
    }
    wider = np.arange(9, dtype="<u4") % 3
    rows = slices.keyed(columns, Wider(wider, wider, wider, wider))
    taken = 0
    for one in slices.cut(rows, Order.PROFIT):
        taken += int(one.bound["rows"][0])
        ranked = np.argsort(-columns["peak_net_profit"])[:taken]
        owners, totals = one.sums[Level.SYMBOL_HOUR]
        kept = np.frombuffer(totals, slices.TOTAL)
        hours = columns["opened_at"][ranked] // (DAY // 24) % 24
        for owner, total in zip(np.frombuffer(owners, "<u4"), kept, strict=True):
            mine = ranked[(wider[columns["series_id"][ranked]] == owner) & (hours == total["slot"])]
            assert total["count"] == len(mine)
            assert total["profit"] == pytest.approx(columns["peak_net_profit"][mine].sum())
            assert total["best_bps"] == columns["peak_net_bps"][mine].max()
        assert kept["count"].sum() == taken
    assert taken == 500


# --- when they are made, and when no longer true --------------------------------------------------


def stretches(
    days: list[tuple[int, int]], firsts: list[int]
) -> list[tuple[tuple[int, int, int], bool]]:
    found = segments._stretches(days, firsts)
    return [((one.first, one.last, one.rows), ended) for one, ended in found]


def test_days_are_put_together_until_they_are_many() -> None:
    assert stretches([(n, 100) for n in range(1, 8)], []) == [
        ((1, 3, 300), False),
        ((4, 6, 300), False),
        ((7, 7, 100), False),
    ]
    assert stretches([(1, 5000), (2, 10)], []) == [((1, 1, 5000), False), ((2, 2, 10), False)]


def test_no_segment_is_of_more_than_sixteen_days() -> None:
    assert stretches([(1, 1), (16, 1), (17, 1), (90, 1)], []) == [
        ((1, 16, 2), False),
        ((17, 17, 1), False),
        ((90, 90, 1), False),
    ]


def test_a_gap_between_segments_is_filled_by_itself() -> None:
    assert stretches([(4, 5), (5, 5), (9, 5), (30, 5)], [1, 7, 12]) == [
        ((4, 5, 10), True),
        ((9, 9, 5), True),
        ((30, 30, 5), False),
    ]
    assert Stretch(1, 2, 3).last == 2


def test_days_that_are_not_settled_wait(url: str) -> None:
    write(url, some(900, days=10, still_open=0))
    seal(url)
    build(url, START + 2 * DAY)
    assert count(url) == 0
    build(url, START + 7 * DAY)
    before = count(url)
    assert before > 0
    build(url, START + 30 * DAY)
    assert count(url) > before


def test_what_closes_late_takes_the_segment_away(url: str) -> None:
    stored = some(800, still_open=0)
    write(url, stored[:-1:2])
    seal(url)
    build(url)
    before = count(url)
    write(url, [stored[101]])
    seal(url)
    assert count(url) == before - 1
    assert count(url, "opportunity_slice") > 0
    reader, here = open_reader(url), [*stored[:-1:2], stored[101]]
    right_groups(reader, here, Filter(min_profit=2.0), By.ROUTE)
    build(url)
    assert count(url) == before
    right_groups(reader, here, Filter(min_profit=2.0), By.ROUTE)
    orphans = "first_day NOT IN (SELECT first_day FROM opportunity_segment)"
    for table in segments.TABLES:
        assert count(url, table.name, orphans) == 0


def test_what_is_deleted_is_in_no_segment(url: str) -> None:
    stored = some(900, still_open=0)
    write(url, stored)
    seal(url)
    build(url)
    gone, stored = stored[:130], stored[130:]

    def delete(connection: Connection) -> None:
        ids = [one.id for one in gone]
        summary.forget(connection, ids)
        connection.execute(opportunity.delete().where(opportunity.c.id.in_(ids)))

    before = count(url)
    change(url, delete)
    assert count(url) < before
    for by in By:
        right_groups(open_reader(url), stored, Filter(min_net_bps=3.0), by)


# --- trouble --------------------------------------------------------------------------------------


class _Lost(Exception):
    pass


def test_a_step_that_came_to_nothing_is_made_up_for(url: str) -> None:
    stored = some(600, still_open=0)
    write(url, stored)
    seal(url)
    builder, number = Builder(), 0

    def step(connection: Connection) -> bool:
        more = builder.step(connection, LATE)
        if number == 3:
            raise _Lost  # the commit failed, and with it these slices are gone
        return more

    while True:
        number += 1
        try:
            if not change(url, step):
                break
        except _Lost:
            continue
    assert count(url, where="ready = 3") == count(url) > 1
    right_groups(open_reader(url), stored, Filter(min_net_bps=3.0), By.SYMBOL)


@pytest.mark.parametrize(("where", "time"), [("_days", 2), ("insert", 4)])
def test_what_fails_within_a_step_is_begun_anew(
    url: str, monkeypatch: pytest.MonkeyPatch, where: str, time: int
) -> None:
    """A read, or the first thing that a transaction writes, of which nothing is counted yet."""
    stored = some(600, still_open=0)
    write(url, stored)
    seal(url)
    builder, at, calls = Builder(), LATE, 0
    real = getattr(segments, where)

    def fails(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == time:
            raise _Lost
        return real(*arguments)

    monkeypatch.setattr(segments, where, fails)

    def step(connection: Connection) -> bool:
        return builder.step(connection, at)

    while True:
        try:
            if not change(url, step):
                break
        except _Lost:
            at += 2 * segments.FORSAKEN
    assert at > LATE
    assert count(url, where="ready = 3") == count(url) > 1
    right_groups(open_reader(url), stored, Filter(min_net_bps=3.0), By.SYMBOL)
    for symbol in SYMBOLS:
        asked = Filter(symbols=(symbol,), venues=(VENUES[0],))
        right_groups(open_reader(url), stored, asked, By.HOUR)


def test_half_a_segment_tells_nothing_and_is_taken_over(url: str) -> None:
    stored = some(300, days=5, still_open=0)
    write(url, stored)
    seal(url)
    dead, living, later = Builder(), Builder(), LATE + segments.FORSAKEN // 2
    while not count(url, "opportunity_slice"):
        assert change(url, lambda c: dead.step(c, LATE))
    right_groups(open_reader(url), stored, Filter(min_net_bps=3.0), By.SYMBOL)
    taken = sum(1 for _ in steps(url, lambda c: living.step(c, later)))
    assert count(url, where=f"begun_at = {LATE} AND ready = 0") == 1, "its maker may still live"
    much_later = LATE + 2 * segments.FORSAKEN
    taken += sum(1 for _ in steps(url, lambda c: living.step(c, much_later)))
    assert count(url, where="ready = 0") == 0
    assert taken > 3
    right_groups(open_reader(url), stored, Filter(min_net_bps=3.0), By.SYMBOL)


def test_who_reads_slices_is_told_what_went_wrong(url: str, stored: list[Opportunity]) -> None:
    change(url, lambda c: c.exec_driver_sql("DROP TABLE opportunity_slice"))
    reader: Reader = open_reader(url)
    with pytest.raises(Exception, match="its tables are not as they should be"):
        reader.groups(Filter(min_net_bps=1.0), By.SYMBOL)
