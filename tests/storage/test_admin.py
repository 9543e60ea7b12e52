"""A database brought up to date, made smaller, copied."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from storage import admin, migrate
from storage.database import for_writing
from storage.errors import Damaged, LocationError, Locked, Newer, Unreachable
from storage.location import located
from tests.storage.conftest import StartWriter
from tests.storage.events import SECOND, START, closed, feed_event, minute, opened, rows, until
from tests.storage.postgres import Server


def filled(url: str, start: StartWriter) -> None:
    writer = start(url)
    for number in range(20):
        writer(opened(number))
        writer(minute(START + number))
        writer(feed_event())
        writer(closed(opened(number), START + SECOND))
    until(lambda: writer._link and not writer.state().waiting)
    writer.close()


def contents(url: str) -> dict[str, list[tuple[object, ...]]]:
    tables = ("run", "opportunity", "evidence", "sample", "route", "route_minute", "feed_event")
    return {table: sorted(rows(url, f"SELECT * FROM {table}")) for table in tables}


def test_upgrade_says_from_where_to_where(url: str) -> None:
    assert admin.upgrade(url) == ("", migrate.HEAD)
    assert admin.upgrade(url) == (migrate.HEAD, migrate.HEAD)


def test_upgrade_makes_the_folder(tmp_path: Path) -> None:
    admin.upgrade(str(tmp_path / "one" / "two" / "a.db"))
    assert (tmp_path / "one" / "two" / "a.db").exists()


def test_vacuum_keeps_everything(url: str, start: StartWriter) -> None:
    filled(url, start)
    before = contents(url)
    admin.vacuum(url)
    assert contents(url) == before


def test_vacuum_makes_a_file_smaller(tmp_path: Path, start: StartWriter) -> None:
    path = tmp_path / "a.db"
    filled(str(path), start)
    with for_writing(located(str(path))).begin() as connection:
        connection.exec_driver_sql("CREATE TABLE big AS SELECT zeroblob(3000000)")
        connection.exec_driver_sql("DROP TABLE big")
    before = path.stat().st_size
    admin.vacuum(str(path))
    assert path.stat().st_size < before - 2_500_000


def test_vacuum_of_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Unreachable):
        admin.vacuum(str(tmp_path / "a.db"))
    assert not (tmp_path / "a.db").exists()


def test_vacuum_of_what_is_being_written(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    admin.upgrade(str(path))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Locked):
        admin.vacuum(str(path))
    other.close()


def test_a_copy_has_everything(url: str, start: StartWriter, tmp_path: Path) -> None:
    filled(url, start)
    target = tmp_path / "copy.db"
    admin.export(url, target)
    assert contents(str(target)) == contents(url)
    filled(str(target), start)
    assert len(rows(str(target), "SELECT id FROM run")) == 2


def test_a_copy_overwrites_nothing(url: str, start: StartWriter, tmp_path: Path) -> None:
    filled(url, start)
    target = tmp_path / "letter.txt"
    target.write_text("dear")
    with pytest.raises(LocationError, match="it is there already; name a new file"):
        admin.export(url, target)
    assert target.read_text() == "dear"


def test_what_cannot_be_copied_leaves_nothing(tmp_path: Path, server: Server) -> None:
    path, target = tmp_path / "a.db", tmp_path / "copy.db"
    path.write_text("dear diary " * 1000)
    with pytest.raises(Damaged):
        admin.export(str(path), target)
    with pytest.raises(Unreachable):
        admin.export(server.url("nowhere"), target)
    assert not target.exists()


def test_a_newer_one_is_left_alone(url: str, start: StartWriter, tmp_path: Path) -> None:
    filled(url, start)
    with for_writing(located(url)).begin() as connection:
        connection.exec_driver_sql("UPDATE crossbook_version SET version_num = '0999'")
    for action in (admin.upgrade, admin.vacuum, lambda u: admin.export(u, tmp_path / "copy.db")):
        with pytest.raises(Newer, match="newer crossbook"):
            action(url)
