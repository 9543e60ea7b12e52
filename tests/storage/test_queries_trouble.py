"""Databases that cannot be read: what the person at the terminal is told."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from storage.errors import (
    Damaged,
    DatabaseError,
    Foreign,
    LocationError,
    Locked,
    Newer,
    Unreachable,
)
from storage.location import located
from storage.queries import By, Filter, Sort, TooSlow, open_reader
from tests.storage.opportunities import change, some, write
from tests.storage.postgres import Server


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "crossbook.db"
    write(str(path), some(200))
    return path


def refused(path: Path | str) -> DatabaseError:
    with pytest.raises(DatabaseError) as caught:
        open_reader(str(path)).opportunities(Filter())
    return caught.value


def test_there_is_none(tmp_path: Path) -> None:
    error = refused(tmp_path / "none.db")
    assert isinstance(error, Unreachable)
    assert "none.db: there is no such database yet; it is made by" in str(error)
    assert not (tmp_path / "none.db").exists()


def test_it_is_a_folder(tmp_path: Path) -> None:
    assert isinstance(refused(tmp_path), DatabaseError)


def test_it_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear Sir, " * 500)
    error = refused(path)
    assert isinstance(error, Damaged)
    assert "letter.txt: it is not a SQLite database; move it away" in str(error)


def test_it_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    path.touch()
    error = refused(path)
    assert isinstance(error, Foreign)
    assert "there is nothing of crossbook in it" in str(error)


def test_it_is_of_another_program(tmp_path: Path) -> None:
    path = tmp_path / "music.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE run (title TEXT)")
    error = refused(path)
    assert isinstance(error, Foreign)
    assert "music.db" in str(error)


def test_it_is_of_a_newer_version(url: str) -> None:
    write(url, [])
    change(url, lambda c: c.execute(text("UPDATE crossbook_version SET version_num = '9999'")))
    error = refused(url)
    assert isinstance(error, Newer)
    assert "upgrade crossbook" in str(error)


def test_it_is_of_an_older_version(url: str) -> None:
    write(url, [])
    change(url, lambda c: c.execute(text("UPDATE crossbook_version SET version_num = '0001'")))
    error = refused(url)
    assert "it is of an older version (0001); 'crossbook db upgrade' brings it up to date" in str(
        error
    )


@pytest.mark.parametrize("kept", [0.3, 0.7, 0.95])
def test_its_end_is_missing(file: Path, kept: float) -> None:
    with file.open("r+b") as broken:
        broken.truncate(int(file.stat().st_size * kept))
    assert isinstance(_any_answer(file), Damaged)


def test_its_middle_is_overwritten(file: Path) -> None:
    size = file.stat().st_size
    with file.open("r+b") as broken:
        for page in range(4096 * 3, size, 4096):
            broken.seek(page)
            broken.write(b"\xff" * 200)
    assert isinstance(_any_answer(file), Damaged)


def _any_answer(path: Path) -> DatabaseError:
    """The first error that a few questions meet."""
    with pytest.raises(DatabaseError) as caught:
        reader = open_reader(str(path))
        for sort in Sort:
            reader.opportunities(Filter(), sort, 300)
        for by in By:
            reader.groups(Filter(), by)
        reader.spreads("BTC/USDT", 0, 1)
        reader.alerts()
        list(reader.every(Filter()))
    return caught.value


def test_it_is_locked_by_another_process(file: Path) -> None:
    other = sqlite3.connect(file)
    other.execute("PRAGMA locking_mode=EXCLUSIVE")
    other.execute("BEGIN EXCLUSIVE")
    error = refused(file)
    other.close()
    assert isinstance(error, Locked)
    assert "it is locked by another process" in str(error)


def test_it_may_not_be_read(file: Path) -> None:
    if os.getuid() == 0:  # who may read everything: a link that leads nowhere has the same effect
        file.unlink()
        file.symlink_to("/proc/1/nothing")
    else:
        file.chmod(0)
    assert isinstance(refused(file), Unreachable)


def test_a_copy_without_its_log_is_read(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    folder.mkdir()
    shutil.copy(file, folder)
    folder.chmod(0o555)
    found = open_reader(str(folder / file.name)).opportunities(Filter(), limit=300)
    assert len(found) == 200


def test_an_url_that_is_none() -> None:
    with pytest.raises(LocationError) as caught:
        open_reader("mysql://localhost/x")
    assert caught.value.exit_code == 2


def test_a_server_that_is_not_there(server: Server) -> None:
    error = refused("postgresql://crossbook:secret@127.0.0.1:1/test")
    assert isinstance(error, Unreachable)
    assert "secret" not in str(error)


def test_an_answer_that_takes_too_long(url: str) -> None:
    write(url, some(300))
    reader = open_reader(url, seconds=0.1)
    if located(url).get_backend_name() == "sqlite":
        slow = (
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
        )
    else:
        slow = "SELECT pg_sleep(5)"
    with pytest.raises(TooSlow) as caught, reader._transaction() as connection:
        connection.execute(text(slow))
    assert "the answer takes longer than 0.1 s; ask for less" in str(caught.value)
    assert len(reader.opportunities(Filter())) == 50


def test_a_reader_cannot_write(url: str) -> None:
    write(url, some(5))
    with pytest.raises(DatabaseError), open_reader(url)._transaction() as connection:
        connection.execute(text("DELETE FROM opportunity"))
    assert len(open_reader(url).opportunities(Filter())) == 5


def test_a_long_look_does_not_stop_the_server(server: Server) -> None:
    url = server.new()
    write(url, some(20))
    engine = create_engine(located(url))
    with open_reader(url)._transaction() as reading:
        count = text("SELECT count(*) FROM opportunity")
        assert reading.execute(count).scalar() == 20
        write(url, some(30, seed=2))
        assert reading.execute(count).scalar() == 20
        with engine.connect() as other:
            assert other.execute(count).scalar() > 20
    engine.dispose()
