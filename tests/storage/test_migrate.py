"""The schema: how a database comes to it, and which databases are left alone."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine
from sqlalchemy.engine import Connection

from storage import migrate, schema
from storage import rows as rows_of
from storage.batch import BatchWriter, put
from storage.database import VERSION_TABLE, for_reading, for_writing
from storage.draft import Draft
from storage.errors import Foreign, Newer
from storage.location import located
from storage.queries import By, Filter, open_reader
from storage.schema import metadata
from storage.spool import Batch
from tests.storage import quick
from tests.storage.conftest import StartWriter
from tests.storage.events import START, minute, opened, rows, survival, until

MIGRATIONS = Path(migrate.__file__).with_name("migrations")


@pytest.fixture(autouse=True)
def _all_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here they are taken one by one."""
    monkeypatch.setattr(migrate, "_run", quick.real)


def upgraded(url: str) -> None:
    engine = for_writing(located(url))
    with engine.connect() as connection, connection.begin():
        migrate.upgrade(connection)


def test_the_steps_lead_to_the_schema(url: str) -> None:
    upgraded(url)
    with create_engine(located(url)).connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_type": True}
        )
        assert compare_metadata(context, metadata) == []
        assert migrate.version_of(connection) == migrate.HEAD


def test_on_a_file_the_tables_are_the_same_to_the_letter(tmp_path: Path) -> None:
    """Also what Alembic does not compare: keys, WITHOUT ROWID, conditions of indexes."""
    stepped, direct = tmp_path / "stepped.db", tmp_path / "direct.db"
    upgraded(str(stepped))
    engine = create_engine(f"sqlite:///{direct}")
    metadata.create_all(engine)
    query = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE '%version'"

    def tables(path: Path) -> dict[str, str]:
        found = sqlite3.connect(path).execute(query)
        return {name: " ".join(sql.replace("\n", " ").split()) for name, sql in found}

    assert tables(stepped) == tables(direct)


def test_the_last_step_is_the_head() -> None:
    scripts = ScriptDirectory(str(MIGRATIONS))
    assert scripts.get_current_head() == migrate.HEAD
    revisions = [script.revision for script in scripts.walk_revisions()]
    assert revisions == sorted(revisions, reverse=True), "newer ones sort above older ones"


def test_a_second_time_nothing_happens(url: str) -> None:
    upgraded(url)
    upgraded(url)


def test_nothing_is_lost_from_the_version_before(url: str) -> None:
    """What became of those of before is not known, and a later one is followed."""
    engine = for_writing(located(url))
    old, new = opened(1), opened(2, START + 1)
    row = rows_of.opportunity_row(Draft(old, 0, opened=old), "run")
    with engine.connect() as connection:
        with connection.begin():
            migrate._run(connection, "0003")
        with connection.begin():
            put(connection, schema.opportunity, [row])
        with connection.begin():
            migrate.upgrade(connection)
        with connection.begin():
            batch = Batch(since=0, drafts={new.id: Draft(new, 0, opened=new)})
            batch.survivals.append(survival(new))
            BatchWriter("run").write(connection, batch)
    engine.dispose()
    reader = open_reader(url)
    found = {one.id: one.survival for one in reader.opportunities(Filter())}
    assert (found[old.id], len(found[new.id])) == ((), 1)
    (figures,) = reader.latencies(Filter(), By.SYMBOL).values()
    assert figures[0].followed == 1
    reader.close()


def make_newer(connection: Connection) -> None:
    connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = '0999'")
    connection.exec_driver_sql("DROP TABLE sample")


def test_a_newer_database_is_refused(url: str, start: StartWriter) -> None:
    writer = start(url, version="9.1.0")
    until(lambda: writer._link)
    writer.close()
    with for_writing(located(url)).begin() as connection:
        make_newer(connection)
    with for_writing(located(url)).connect() as connection, pytest.raises(Newer) as caught:
        migrate.upgrade(connection)
    assert caught.value.message == "it was changed by a newer crossbook (9.1.0)"
    assert caught.value.remedy == "upgrade crossbook, or name another with --db"
    older = start(url)
    until(lambda: older.state().error)
    assert older.state().error.endswith("it was changed by a newer crossbook (9.1.0)")


def test_a_table_of_ours_that_is_not_ours(url: str) -> None:
    with create_engine(located(url)).begin() as connection:
        connection.exec_driver_sql("CREATE TABLE run (distance INTEGER)")
    with pytest.raises(Foreign), for_writing(located(url)).connect() as connection:
        migrate.upgrade(connection)
    assert rows(url, "SELECT * FROM run") == []


def test_nothing_is_taken_from_where_the_user_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = nowhere\n")
    monkeypatch.chdir(tmp_path)
    upgraded(str(tmp_path / "here.db"))


def test_the_package_may_lie_anywhere(tmp_path: Path) -> None:
    """Also in a folder whose name means something to Alembic's configuration."""
    home = tmp_path / "100%(here)s ünd more"
    for package in ("storage", "scanner"):
        shutil.copytree(
            MIGRATIONS.parents[1] / package,
            home / package,
            ignore=shutil.ignore_patterns("__pycache__", "terminal", "venues", "lab", "books"),
        )
    code = (
        "import sys, time; from storage.writer import Writer; "
        "w = Writer(sys.argv[1], version='1', config_text='', now=time.time_ns); "
        "w.start(); w.close(20); print(w.state().error)"
    )
    path = tmp_path / "a.db"
    told = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        cwd=home,
        env={"PYTHONPATH": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == "\n"
    assert rows(str(path), f"SELECT version_num FROM {VERSION_TABLE}") == [(migrate.HEAD,)]


def test_a_file_is_durable_small_and_read_while_it_is_written(
    tmp_path: Path, start: StartWriter
) -> None:
    path = tmp_path / "a.db"
    writer = start(str(path))
    until(lambda: writer._link)
    link = writer._link
    assert link is not None
    engine = for_writing(located(str(path)))
    with engine.connect() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "auto_vacuum")
        }
        assert settings == {"journal_mode": "wal", "synchronous": 3, "auto_vacuum": 2}
        connection.exec_driver_sql("INSERT INTO route (symbol, buy, sell) VALUES ('a', 'b', 'c')")
        with for_reading(located(str(path))).connect() as reader:
            assert reader.exec_driver_sql("SELECT count(*) FROM route").scalar() == 0
        connection.commit()


def test_it_is_durable_before_it_is_switched_to_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    connect = sqlite3.connect

    def traced(*arguments, **named):  # type: ignore[no-untyped-def]
        raw = connect(*arguments, **named)
        raw.set_trace_callback(said.append)
        return raw

    monkeypatch.setattr(sqlite3.dbapi2, "connect", traced)
    monkeypatch.setattr(sqlite3, "connect", traced)
    upgraded(str(tmp_path / "a.db"))
    assert said.index("PRAGMA synchronous=EXTRA") < said.index("PRAGMA journal_mode=WAL")
    assert said.index("PRAGMA auto_vacuum=2") < said.index("PRAGMA journal_mode=WAL")
    assert said.index("PRAGMA journal_mode=WAL") < said.index("BEGIN IMMEDIATE")


def test_a_server_that_does_not_wait_for_its_disk_is_told_to(url: str) -> None:
    if url.startswith("sqlite"):
        return
    with create_engine(located(url)).connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql(
            f"ALTER DATABASE {located(url).database} SET synchronous_commit = off"
        )
    with for_writing(located(url)).connect() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"


def test_readers_cannot_write(url: str, start: StartWriter) -> None:
    writer = start(url)
    writer(opened())
    writer(minute(START))
    until(lambda: writer._link and not writer.state().waiting)
    with (
        for_reading(located(url)).connect() as connection,
        pytest.raises(Exception, match=r"read-?only"),
    ):
        connection.exec_driver_sql("DELETE FROM opportunity")
