"""What became of opportunities: written once, added up once, and found again by what is asked."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from scanner.events import Opportunity, Survival
from storage import migrate, survivals
from storage.after_schema import survival_sum
from storage.batch import BatchWriter
from storage.chores import forget
from storage.database import for_writing
from storage.location import located
from storage.queries import By, Filter, Latency, Moment, open_reader
from storage.retention import DAY, Keep, Retention
from storage.spool import Batch, Spool
from tests.storage import opportunities
from tests.storage.conftest import StartWriter
from tests.storage.events import START, closed, count, opened, rows, survival, suspect, until

DELAYS = (50, 100, 250, 500, 1000)


def fates(found: Sequence[Opportunity], seed: int = 5) -> list[Survival]:
    """Of most of them, at each delay; some unknown."""
    rng = random.Random(seed)
    return [
        survival(
            one, delay, None if rng.random() < 0.1 else round(rng.gauss(1 - delay / 500, 2), 3)
        )
        for one in found
        if rng.random() < 0.9
        for delay in DELAYS
    ]


def write(url: str, told: Sequence[Survival]) -> None:
    engine = for_writing(located(url))
    with engine.connect() as connection:
        with connection.begin():
            migrate.upgrade(connection)
        with connection.begin():
            BatchWriter("run").write(connection, Batch(since=0, survivals=[*told]))
    engine.dispose()


def slowly(
    found: Sequence[Opportunity], told: Sequence[Survival], asked: Filter, by: By
) -> dict[tuple[tuple[str, ...], str], dict[int, tuple[int, int, int, float]]]:
    """Opportunity by opportunity."""
    chosen = {one.id: one for one in found if opportunities.meets(one, asked)}
    sums: dict[tuple[tuple[str, ...], str], dict[int, list[float]]] = defaultdict(dict)
    for fate in told:
        one = chosen.get(fate.id)
        if one is None:
            continue
        names: list[tuple[str, ...]] = {
            By.SYMBOL: [(one.symbol,)],
            By.ROUTE: [(one.buy.venue, one.sell.venue)],
            By.VENUE: [(one.buy.venue,), (one.sell.venue,)],
            By.KIND: [(one.kind,)],
        }[by]
        for name in names:
            figure = sums[name, one.currency].setdefault(fate.delay_ms, [0, 0, 0, 0.0])
            figure[0] += 1
            if fate.net_profit is not None:
                figure[1] += 1
                figure[2] += fate.net_profit > 0
                figure[3] += fate.net_profit
    return {
        key: {delay: (int(f[0]), int(f[1]), int(f[2]), f[3]) for delay, f in figures.items()}
        for key, figures in sums.items()
    }


def agrees(url: str, found: Sequence[Opportunity], told: Sequence[Survival]) -> None:
    day = START // DAY * DAY
    asked = [
        Filter(),
        Filter(symbols=("ETH/BTC",)),
        Filter(venues=("alpha",)),
        Filter(buy=("beta",), kinds=("spot-spot",)),
        Filter(since=day + 3 * DAY),
        Filter(until=day + 40 * DAY),
        Filter(since=day + 3 * DAY + 7, until=day + 47 * DAY - 3),
        Filter(since=day + 5 * DAY + 10**13, until=day + 5 * DAY + 4 * 10**13),
        Filter(since=day + 5 * DAY + 10**13, until=day + 6 * DAY + 4 * 10**13),
        Filter(since=day + 5 * DAY + 10**13, until=day + 40 * DAY + 7 * 10**13),
        Filter(min_net_bps=8.0),
        Filter(min_profit=2.0, symbols=("BTC/USDT",), since=day + 9 * DAY),
    ]
    reader = open_reader(url)
    for one in asked:
        for by in (By.SYMBOL, By.ROUTE, By.VENUE, By.KIND):
            got = {
                key: {
                    part.delay_ms: (
                        part.followed,
                        part.known,
                        part.hits,
                        pytest.approx(part.profit),
                    )
                    for part in parts
                }
                for key, parts in reader.latencies(one, by).items()
            }
            assert got == slowly(found, told, one, by), (one, by)
    assert reader.latencies(Filter(), By.HOUR) == {}
    reader.close()


def test_what_is_asked_is_what_was_told_counted_or_not(url: str) -> None:
    found = opportunities.some(150)
    told = fates(found)
    opportunities.write(url, found)
    write(url, told)
    agrees(url, found, told)
    assert opportunities.change(url, lambda c: survivals.count(c, 300)) == 300
    assert count(url, "survival_sum") > 0
    agrees(url, found, told)
    while opportunities.change(url, survivals.count):
        pass
    assert rows(url, "SELECT count(*) FROM survival WHERE summed = 0") == [(0,)]
    agrees(url, found, told)


def test_what_was_counted_by_the_day_is_counted_by_the_hour_too(url: str) -> None:
    """As the version before left it."""
    found = opportunities.some(80)
    told = fates(found)
    opportunities.write(url, found)
    write(url, told)
    opportunities.change(url, lambda c: survivals.count(c, 300))
    sums = rows(url, "SELECT * FROM survival_sum ORDER BY level, number, series_id")
    for statement in (
        "DELETE FROM survival_sum WHERE level > 2",
        "DROP TABLE opportunity_place",
        "DROP TABLE opportunity_crossing",
        "DROP TABLE opportunity_checkpoint",
        "UPDATE crossbook_version SET version_num = '0004'",
    ):
        opportunities.change(url, lambda c, s=statement: c.exec_driver_sql(s))
    opportunities.change(url, migrate.upgrade)
    again = rows(url, "SELECT * FROM survival_sum ORDER BY level, number, series_id")
    assert [row[:3] for row in again] == [row[:3] for row in sums]
    agrees(url, found, told)
    opportunities.change(url, lambda connection: forget(connection, [one.id for one in found]))
    assert rows(url, "SELECT * FROM survival_sum") == []


def test_what_is_told_or_counted_again_is_there_once(url: str) -> None:
    found = opportunities.some(50)
    told = fates(found)
    opportunities.write(url, found)
    write(url, told)
    assert opportunities.change(url, survivals.count) == len(told)
    write(url, [replace(one, net_profit=99.0) for one in told])
    assert opportunities.change(url, survivals.count) == 0
    agrees(url, found, told)


def test_what_has_no_opportunity_counts_for_nothing(url: str) -> None:
    write(url, [survival(opened())])
    assert opportunities.change(url, survivals.count) == 1
    assert count(url, "survival_sum") == 0
    assert opportunities.change(url, survivals.count) == 0


def test_what_goes_is_taken_off_the_sums(url: str) -> None:
    found = opportunities.some(60, still_open=0)
    told = fates(found)
    opportunities.write(url, found)
    write(url, told)
    while opportunities.change(url, survivals.count):
        pass
    cut = START // DAY * DAY + 30 * DAY
    work = Retention(Keep(days=30), forget)
    while opportunities.change(url, lambda connection: work.step(connection, cut + 30 * DAY)):
        pass
    left = [one for one in found if one.opened_at >= cut]
    assert 0 < len(left) < len(found)
    kept = {one.id for one in left}
    agrees(url, left, [one for one in told if one.id in kept])
    opportunities.change(url, lambda connection: forget(connection, sorted(kept)))
    assert rows(url, f"SELECT * FROM {survival_sum.name}") == []


def test_the_writer_keeps_and_counts_them(url: str, start: StartWriter) -> None:
    writer = start(url)
    first = opened()
    writer(first)
    for delay in DELAYS:
        writer(survival(first, delay, 2.5 - delay / 200))
    writer(survival(first, 2000, None, "the scanner stopped"))
    writer(closed(first, START + 10**9))
    until(lambda: writer._link and not writer.state().waiting)
    reader = open_reader(url)
    (stored,) = reader.opportunities(Filter())
    assert stored.survival[0] == Moment(50, 2.25, 22.5, "")
    assert stored.survival[4:] == (
        Moment(1000, -2.5, -25.0, ""),
        Moment(2000, None, None, "the scanner stopped"),
    )
    detail = reader.one(first.id)
    assert detail is not None and detail.opportunity.survival == stored.survival
    found = reader.latencies(Filter(), By.ROUTE)
    assert found[("alpha", "beta"), "USDT"][0] == Latency(50, 1, 1, 1, 2.25)
    assert found[("alpha", "beta"), "USDT"][5] == Latency(2000, 1, 0, 0, 0.0)
    reader.close()


def test_the_writer_counts_by_itself(url: str, start: StartWriter) -> None:
    first = opened()
    opportunities.write(url, [first])
    write(url, [survival(first)])
    start(url)
    until(lambda: rows(url, "SELECT summed FROM survival") == [(1,)])


# --- waiting --------------------------------------------------------------------------------------


def test_the_newest_of_a_suspect_waits(url: str) -> None:
    spool = Spool(100, lambda: START)
    for state in ("barred", "changed", "released"):
        spool.add(suspect(state=state))
    spool.add(suspect(buy="alpha", sell="beta", state="changed"))
    spool.add(suspect(structural=True))
    spool.add(suspect(structural=True, buy="alpha", sell="beta"))
    assert spool.waiting()[0] == 3
    batch = spool.take(100)
    assert batch is not None and batch.rows == 3
    assert [one.state for one in batch.suspects.values()] == ["changed", "barred", "barred"]
    spool.add(suspect(state="released"))
    spool.given_back()
    again = spool.take(100)
    assert again is not None and again.rows == 3
    assert sorted(one.state for one in again.suspects.values()) == ["barred", "barred", "released"]
    assert [part.table for part in again.parts()] == ["suspect"] * 3
    assert url


def test_within_the_bound_they_go_after_samples_and_before_what_was_flagged() -> None:
    spool = Spool(5, lambda: START)
    first = opened()
    spool.add(first)  # itself, its state, a sample
    spool.add(suspect())
    for delay in DELAYS:
        spool.add(survival(first, delay))
    assert spool.losses == {"sample": 1, "survival": 3}
    batch = spool.take(100)
    assert batch is not None
    assert [one.delay_ms for one in batch.survivals] == [500, 1000]
    assert {part.table for part in batch.parts()} == {"opportunity", "suspect", "survival"}
