"""Questions to a database: every answer is what a slow look at all rows gives."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.engine import Connection

from scanner.events import Opportunity
from storage import summary, totals
from storage.queries import By, Filter, Reader, Sort, listing, open_reader, packed
from storage.schema import opportunity
from tests.repeats import repeats
from tests.storage.events import START
from tests.storage.opportunities import (
    DAY,
    SYMBOLS,
    VENUES,
    change,
    grouped,
    meets,
    quantile,
    some,
    write,
)

FIGURE: dict[Sort, Callable[[Opportunity], float]] = {
    Sort.OPENED: lambda o: o.opened_at,
    Sort.DURATION: lambda o: o.at - o.opened_at,
    Sort.NET_BPS: lambda o: o.peak_net_bps,
    Sort.PROFIT: lambda o: o.peak_net_profit,
}


def asked_at_random(rng: random.Random) -> Filter:
    def now_and_then(value: object, part: float = 0.3) -> object | None:
        return value if rng.random() < part else None

    since = now_and_then(START + rng.randrange(60 * DAY))
    whole_span = now_and_then((START // DAY // 16 + 2) * 16 * DAY, 0.2)
    values = {
        "symbols": now_and_then(tuple(rng.sample(SYMBOLS, rng.choice((1, 1, 2))))) or (),
        "venues": now_and_then((rng.choice(VENUES),)) or (),
        "buy": now_and_then((rng.choice(VENUES),), 0.15) or (),
        "sell": now_and_then((rng.choice(VENUES),), 0.15) or (),
        "kinds": now_and_then(("spot-spot",), 0.1) or (),
        "since": whole_span or since,
        "until": now_and_then(START + rng.randrange(60 * DAY)),
        "min_net_bps": now_and_then(rng.choice((0, 5, 10.0, 7.3))),
        "min_profit": now_and_then(rng.choice((0.5, 3, 40)), 0.15),
        "min_duration": now_and_then(rng.choice((10**8, 10**9, 10**10)), 0.15),
    }
    return Filter(**values)  # type: ignore[arg-type]


def right_groups(reader: Reader, stored: list[Opportunity], asked: Filter, by: By) -> bool:
    """Compare with the slow way; are the quantiles exact?"""
    expected = grouped((o for o in stored if meets(o, asked)), by)
    found = reader.groups(asked, by)
    assert {(*g.names.values(), g.currency) for g in found} == set(expected)
    for group in found:
        theirs = expected[*group.names.values(), group.currency]
        figures, off = group.figures, 1e-12 if group.exact else 0.0100001
        profits = [o.peak_net_profit for o in theirs]
        best = max(profits)
        lasted = [o.at - o.opened_at for o in theirs if o.event == "closed"]
        assert figures.count == len(theirs)
        assert figures.total_profit == pytest.approx(math.fsum(profits), rel=1e-12)
        assert figures.best_profit == best
        assert figures.best_bps == max(o.peak_net_bps for o in theirs)
        assert group.best_id in {o.id for o in theirs if o.peak_net_profit == best}
        assert figures.median_profit == pytest.approx(quantile(profits, 0.5), rel=off)
        if lasted:
            assert figures.median_duration == pytest.approx(quantile(lasted, 0.5), rel=off)
            assert figures.p90_duration == pytest.approx(quantile(lasted, 0.9), rel=off)
        else:
            assert math.isnan(figures.median_duration) and math.isnan(figures.p90_duration)
    return all(group.exact for group in found)


def right_list(
    reader: Reader, stored: list[Opportunity], asked: Filter, sort: Sort, limit: int, reverse: bool
) -> None:
    matching = [o for o in stored if meets(o, asked)]
    ranked = [o for o in matching if sort is not Sort.DURATION or o.event == "closed"]
    expected = sorted((FIGURE[sort](o) for o in ranked), reverse=not reverse)[:limit]
    found = reader.opportunities(asked, sort, limit, ascending=reverse)
    by_id = {o.id: o for o in matching}
    figures = [FIGURE[sort](by_id[one.id]) for one in found]
    assert figures[: len(expected)] == expected
    assert len(found) == min(limit, len(matching))
    assert len({one.id for one in found}) == len(found)


def seal(url: str, most: int = 10_000) -> int:
    return int(change(url, lambda c: summary.seal(c, least=1, most=most)))


def roll(url: str, at: int) -> None:
    def all_of_it(connection: Connection) -> None:
        while totals.roll(connection, at):
            pass

    change(url, all_of_it)


@pytest.fixture
def stored(begin_with: Callable[[str, Callable[[str], object]], None]) -> list[Opportunity]:
    """Two months of them, most counted in the summaries, the rest not yet."""
    opportunities = some(1_200)

    def fill(url: str) -> None:
        write(url, opportunities)
        assert seal(url, 700) == 700
        assert seal(url, 300) == 300
        roll(url, START + 40 * DAY)

    begin_with("two-months", fill)
    return opportunities


@pytest.mark.parametrize("exact_rows", [0, 10_000])
def test_groups_are_those_of_the_slow_way(
    url: str, stored: list[Opportunity], exact_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "EXACT", exact_rows)
    rng, reader = random.Random(2), open_reader(url)
    exact = {
        right_groups(reader, stored, asked_at_random(rng), rng.choice([*By]))
        for _ in range(repeats(12, 60))
    }
    assert exact == ({True} if exact_rows else {True, False})


@pytest.mark.parametrize(
    "steps",
    [((10, 10), (300, 200)), ((1, 1),), ((10_000, 10_000),)],
    ids=["mixed", "packed", "rows"],
)
def test_lists_are_those_of_the_slow_way(
    url: str,
    stored: list[Opportunity],
    steps: tuple[tuple[int, int], ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(listing, "STEPS", steps)
    rng, reader = random.Random(3), open_reader(url)
    for _ in range(repeats(10, 40)):
        asked, sort, limit = asked_at_random(rng), rng.choice([*Sort]), rng.choice((1, 20, 200))
        right_list(reader, stored, asked, sort, limit, rng.random() < 0.3)


def test_many_rows_are_told_from_histograms(
    url: str, stored: list[Opportunity], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.queries.tally.EXACT_ROWS", 100)
    reader = open_reader(url)
    assert not right_groups(reader, stored, Filter(min_profit=0.1), By.VENUE)
    assert not right_groups(reader, stored, Filter(min_profit=0.1), By.WEEKDAY)


def test_nothing_stored_nothing_told(url: str) -> None:
    write(url, [])
    reader = open_reader(url)
    assert reader.opportunities(Filter()) == []
    assert [*reader.every(Filter())] == []
    assert all(reader.groups(Filter(), by) == [] for by in By)
    assert reader.groups(Filter(min_profit=1.0), By.HOUR) == []
    assert reader.one("x") is None
    assert reader.info().opportunities == 0


def test_all_of_them_come_page_by_page(
    url: str, stored: list[Opportunity], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.queries.reader.PAGE", 400)
    reader, asked = open_reader(url), Filter(venues=("alpha",))
    matching = {o.id: o for o in stored if meets(o, asked)}
    for sort in Sort:
        for reverse in (False, True):
            found = [one.id for one in reader.every(asked, sort, ascending=reverse)]
            assert sorted(found) == sorted(matching)
            ranked = [
                FIGURE[sort](matching[one])
                for one in found
                if sort is not Sort.DURATION or matching[one].event == "closed"
            ]
            assert ranked == sorted(ranked, reverse=not reverse)


def test_what_opened_at_the_same_moment_is_not_lost_between_pages(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.queries.reader.PAGE", 2)
    same = [o for o in some(20, days=1e-9, still_open=0)]
    write(url, same)
    found = [one.id for one in open_reader(url).every(Filter())]
    assert found == sorted((o.id for o in same), reverse=True)


# --- the summaries -----------------------------------------------------------------------------


def test_what_is_counted_is_final(url: str) -> None:
    opportunities = some(50, still_open=0)
    write(url, opportunities)
    assert seal(url) == 50
    assert seal(url) == 0
    write(url, [o for o in some(50, still_open=50)])  # the same ones, open again
    reader = open_reader(url)
    assert {one.event for one in reader.opportunities(Filter())} == {"closed"}
    assert sum(g.figures.count for g in reader.groups(Filter(), By.SYMBOL)) == 50


def test_few_are_not_counted_yet(url: str) -> None:
    write(url, some(50, still_open=10))
    assert change(url, lambda c: summary.seal(c, least=41)) == 0
    assert change(url, lambda c: summary.seal(c, least=40)) == 40


@pytest.mark.parametrize("rolled", [False, True])
def test_what_is_deleted_is_no_longer_counted(
    url: str, rolled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "EXACT", 0)
    stored, rng = some(900, still_open=0), random.Random(4)
    write(url, stored)
    seal(url, 800)
    late = START + 400 * DAY
    roll(url, late if rolled else 0)

    def delete(connection: Connection, count: int) -> None:
        gone = [stored.pop(0).id for _ in range(count)] + [stored.pop(100).id]
        summary.forget(connection, gone)
        connection.execute(opportunity.delete().where(opportunity.c.id.in_(gone)))

    for count in (1, 150, 300):
        change(url, lambda c, n=count: delete(c, n))
        reader = open_reader(url)
        for by in By:
            right_groups(reader, stored, Filter(), by)
        right_groups(reader, stored, asked_at_random(rng), By.SYMBOL)
        roll(url, late if rolled else 0)
    seal(url)
    for by in By:
        right_groups(open_reader(url), stored, Filter(), by)


def test_what_closes_late_is_added_where_it_belongs(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packed, "EXACT", 0)
    stored = some(800, still_open=0)
    write(url, stored[::2])
    seal(url)
    roll(url, START + 400 * DAY)
    write(url, stored[1::2])
    seal(url)
    reader = open_reader(url)
    assert not right_groups(reader, stored, Filter(), By.ROUTE)
    assert not right_groups(reader, stored, Filter(), By.HOUR)


def test_only_spans_that_are_over_join_an_era(url: str) -> None:
    write(url, some(500, days=40, still_open=0))
    seal(url)

    def rolled(connection: Connection) -> int:
        return len(connection.exec_driver_sql("SELECT span FROM opportunity_rolled").fetchall())

    roll(url, START)
    assert change(url, rolled) == 0
    roll(url, START + 20 * DAY)
    assert 0 < change(url, rolled) <= 8
    roll(url, START + 80 * DAY)
    assert change(url, rolled) in (12, 16)


def test_a_file_can_be_read_while_it_is_written(tmp_path: Path) -> None:
    url = str(tmp_path / "busy.db")
    stored = some(300, still_open=0)
    write(url, stored[:200])
    reader = open_reader(url)
    pages = reader.every(Filter())
    first = next(pages)
    write(url, stored[200:])  # does not wait for the reader, who is in the middle of it
    assert first.id == stored[199].id
    assert len([first, *pages]) == 200
    assert len(reader.opportunities(Filter(), limit=1000)) == 300
