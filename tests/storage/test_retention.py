"""What is thrown away when it is old or too much, and what never is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from scanner.events import Alert
from storage import migrate, retention, runs
from storage.batch import BatchWriter
from storage.chores import forget
from storage.database import for_writing
from storage.ids import new_id
from storage.location import located
from storage.process import Process
from storage.retention import DAY, HOUR, Keep, Retention
from storage.runs import Run
from storage.spool import Batch, Spool
from tests.storage.events import SECOND, closed, feed_event, minute, opened, updated

NOON = 20_000 * DAY + 12 * HOUR
RUN = Run(id="run", version="1", config="", process=Process("h", 1, ""), started_at=NOON)


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    engine = for_writing(located(url))
    with engine.connect() as connection:
        with connection.begin():
            migrate.upgrade(connection)
        yield connection
    engine.dispose()


def fill(connection: Connection, days: Sequence[int], each: int = 3, end: bool = True) -> None:
    """Of each day (0 is today, 1 yesterday ...) some of everything."""
    spool = Spool(10**6, lambda: NOON)
    for day in days:
        for number in range(each):
            at = NOON - day * DAY + number * SECOND
            one = replace(opened(at=at), id=new_id(at))
            spool.add(one)
            one = updated(one, at + SECOND, 12.0)
            spool.add(one)
            if end:
                spool.add(closed(one, at + 3 * SECOND))
                spool.add(minute(at))
                spool.add(feed_event(at))
                alert = Alert(id=new_id(at), rule="r", channel="c", opportunity_id=one.id, at=at)
                spool.add(alert)
    batch = spool.take(10**6)
    assert batch is not None
    for part in batch.feed_events:
        assert part[0]
    with connection.begin():
        BatchWriter(f"run {days}").write(connection, batch)


def tidy(connection: Connection, keep: Keep, at: int = NOON + HOUR) -> int:
    """As the writer does it; how many steps it took."""
    work = Retention(keep, forget)
    steps = 0
    while True:
        with connection.begin():
            more = work.step(connection, at)
        if not more:
            return steps
        steps += 1


def days(connection: Connection, table: str, column: str = "at") -> dict[int, int]:
    """How many rows there are of each day."""
    with connection.begin():
        found = connection.exec_driver_sql(f"SELECT {column} FROM {table}").scalars().all()
    told: dict[int, int] = {}
    for at in sorted(found, reverse=True):
        day = NOON // DAY - at // DAY
        told[day] = told.get(day, 0) + 1
    return told


def everything(connection: Connection) -> dict[str, dict[int, int]]:
    tables = ("evidence", "sample", "route_minute", "feed_event", "alert")
    found = {table: days(connection, table) for table in tables}
    return {"opportunity": days(connection, "opportunity", "opened_at")} | found


def test_without_bounds_everything_is_kept(url: str) -> None:
    with connected(url) as connection:
        fill(connection, [0, 1, 5000])
        before = everything(connection)
        assert tidy(connection, Keep()) == 0
        assert everything(connection) == before


def test_by_age_all_of_the_old_days_goes(url: str) -> None:
    with connected(url) as connection:
        fill(connection, [0, 1, 2, 3, 4, 9, 40])
        tidy(connection, Keep(days=3))
        kept = everything(connection)
        assert kept["opportunity"] == {0: 3, 1: 3, 2: 3, 3: 3}
        assert kept["evidence"] == {0: 9, 1: 9, 2: 9, 3: 9}
        assert kept["sample"] == {0: 6, 1: 6, 2: 6, 3: 6}
        for table in ("route_minute", "feed_event", "alert"):
            assert kept[table] == {0: 3, 1: 3, 2: 3, 3: 3}
        assert tidy(connection, Keep(days=3)) == 0


def test_what_is_open_stays(url: str) -> None:
    with connected(url) as connection:
        fill(connection, [30], end=False)
        fill(connection, [30])
        tidy(connection, Keep(days=3))
        assert days(connection, "opportunity", "opened_at") == {30: 3}
        assert days(connection, "evidence") == {30: 9}


def test_runs_that_ended_before_go(url: str) -> None:
    with connected(url) as connection:
        with connection.begin():
            for name, ended in (("old", 5 * DAY), ("new", DAY), ("living", None)):
                runs.begin(connection, replace(RUN, id=name), "{}", NOON - 9 * DAY)
                if ended:
                    runs.end(connection, name, "{}", NOON - ended)
        tidy(connection, Keep(days=3))
        with connection.begin():
            left = connection.exec_driver_sql("SELECT id FROM run ORDER BY id").scalars().all()
        assert left == ["living", "new"]


def test_the_summaries_are_told_before_anything_goes(url: str) -> None:
    told: list[int] = []

    def forget(connection: Connection, ids: Sequence[str]) -> None:
        marks = ", ".join(f"'{one}'" for one in ids)
        query = f"SELECT count(*) FROM opportunity WHERE id IN ({marks})"
        assert connection.exec_driver_sql(query).scalar() == len(ids)
        told.append(len(ids))

    with connected(url) as connection:
        fill(connection, [0, 9, 10])
        work = Retention(Keep(days=3), forget)
        for _ in range(10):
            with connection.begin():
                work.step(connection, NOON)
        assert sum(told) == 6


def test_steps_are_small_and_end(url: str) -> None:
    with connected(url) as connection:
        fill(connection, [9], each=1200)
        before = days(connection, "opportunity", "opened_at")
        assert before == {9: 1200}
        assert tidy(connection, Keep(days=3)) >= 3 * 1200 // retention.STEP
        assert everything(connection)["opportunity"] == {}


def test_it_is_looked_at_again_after_a_pause(url: str) -> None:
    with connected(url) as connection:
        work = Retention(Keep(days=3), forget)
        assert work.due(NOON)
        with connection.begin():
            assert not work.step(connection, NOON)
        assert not work.due(NOON + SECOND)
        assert work.due(NOON + retention.PAUSE)


# --- by size --------------------------------------------------------------------------------------


def bulk(connection: Connection, day: int, minutes: int) -> None:
    batch = Batch(
        since=NOON,
        readings=[minute(NOON - day * DAY + n * SECOND, f"C{n % 40}/X") for n in range(minutes)],
    )
    with connection.begin():
        BatchWriter("run").write(connection, batch)


def test_by_size_details_go_before_opportunities(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with connected(str(path)) as connection:
        fill(connection, [0, 1, 2, 3, 4], each=100)
        bulk(connection, 4, 30_000)
        bulk(connection, 2, 14_000)
        opportunities = days(connection, "opportunity", "opened_at")
        assert path_size(connection) > 4 << 20
        tidy(connection, Keep(max_mb=4))
        assert path_size(connection) <= 4 << 20
        assert days(connection, "opportunity", "opened_at") == opportunities
        assert days(connection, "evidence") == {n: 300 for n in range(5)}
        assert days(connection, "sample") == {n: 200 for n in range(4)}
        assert days(connection, "route_minute")[2] == 14_100


def test_by_size_the_oldest_opportunities_go_when_no_detail_is_left(tmp_path: Path) -> None:
    with connected(str(tmp_path / "a.db")) as connection:
        fill(connection, [0, 1, 2, 3, 4, 5], each=350)
        assert path_size(connection) > 5 << 20
        tidy(connection, Keep(max_mb=4))
        kept = everything(connection)
        assert list(kept["opportunity"]) == list(kept["evidence"])
        assert list(kept["opportunity"]) in ([0, 1], [0, 1, 2], [0, 1, 2, 3])
        assert kept["opportunity"][0] == kept["opportunity"][1] == 350
        # of the last 24 hours, before the hour after noon that it is
        assert list(kept["route_minute"]) == [0]
        assert path_size(connection) <= 4 << 20


def test_by_size_the_newest_day_is_never_touched(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with connected(str(tmp_path / "a.db")) as connection:
        fill(connection, [0], each=1000)
        before = everything(connection)
        assert tidy(connection, Keep(max_mb=1)) == 0
        assert everything(connection) == before
        assert "the newest day alone takes" in caplog.text
        assert "database.max_size_mb" in caplog.text


def path_size(connection: Connection) -> int:
    with connection.begin():
        return retention.used_bytes(connection)


def test_the_file_gets_smaller(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with connected(str(path)) as connection:
        fill(connection, [0])
        bulk(connection, 9, 60_000)
        connection.exec_driver_sql("SELECT 1")
        connection.commit()
        before = path_pages(connection)
        steps = tidy(connection, Keep(days=3))
        assert path_pages(connection) < before / 2
        assert steps < 50


def path_pages(connection: Connection) -> int:
    with connection.begin():
        return int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())


def test_on_a_server_the_size_is_estimated(url: str) -> None:
    """A server's files do not shrink: it is the rows that count."""
    if url.startswith("sqlite"):
        return
    with connected(url) as connection:
        bulk(connection, 9, 20_000)
        fill(connection, [0], each=20)
        settle(connection)
        with connection.begin():
            real = "SELECT pg_total_relation_size('route_minute')"
            full, size = path_used(connection), connection.exec_driver_sql(real).scalar_one()
        assert size / 2 < full < size * 2
        tidy(connection, Keep(max_mb=1))
        settle(connection)
        with connection.begin():
            assert path_used(connection) < 1 << 20
        assert list(everything(connection)["opportunity"]) == [0]


def path_used(connection: Connection) -> int:
    return retention.used_bytes(connection)


def settle(connection: Connection) -> None:
    """Have the server count its rows."""
    with connection.begin():
        connection.exec_driver_sql("SELECT pg_stat_force_next_flush()")
    with connection.begin():
        connection.exec_driver_sql("ANALYZE")
