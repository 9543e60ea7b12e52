"""Broken files: what is said, how soon, and what has become of the rows afterwards."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from sqlalchemy import event

from storage import link as link_module
from storage.database import for_writing
from storage.writer import Limits
from tests.storage.conftest import StartWriter
from tests.storage.events import (
    ID,
    SECOND,
    START,
    closed,
    count,
    minute,
    opened,
    rows,
    until,
)
from tests.storage.watching import all_written, goes_on, ready, trouble

ROOT = Path(__file__).parents[2]


# --- a file ---------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "crossbook.db"


def test_locked_by_another_process(file: Path, start: StartWriter) -> None:
    writer = start(str(file))
    ready(writer)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    goes_on(writer)
    state = trouble(writer)
    assert state.error == f"{file}: it is locked by another process"
    assert state.remedy == "end the other program that has it open for writing"
    assert state.waiting == 5 * (3 + 1 + 2 + 2)
    other.execute("COMMIT")
    ready(writer)
    all_written(str(file), 5)
    other.close()


def test_a_full_disk(file: Path, start: StartWriter, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = [160]  # enough for the tables, and for little in them

    def small(url):  # type: ignore[no-untyped-def]
        engine = for_writing(url)
        event.listen(
            engine, "connect", lambda raw, _: raw.execute(f"PRAGMA max_page_count={pages[0]}")
        )
        return engine

    monkeypatch.setattr(link_module, "for_writing", small)
    writer = start(str(file))
    ready(writer)
    for number in range(2000):
        writer(minute(START + 100 + number))
        writer(opened(number % 200, at=START + number))
    state = trouble(writer)
    assert state.error == f"{file}: its disk is full"
    assert state.remedy == "make room on its disk, or lower database.max_size_mb"
    pages[0] = 100_000
    ready(writer)
    assert count(str(file), "route_minute") == 2000
    assert count(str(file), "opportunity") == 200


READ_ONLY = """
    import os, sys, time
    from storage.writer import Writer
    from tests.storage.events import opened
    if os.getuid() == 0:
        os.setuid(65534)
    writer = Writer(sys.argv[1], version="1", config_text="", now=time.time_ns)
    writer(opened())
    writer.start()
    while not writer.state().error:
        time.sleep(0.01)
    print(writer.state().error)
    print(writer.state().remedy)
    writer.close(0.1)
"""


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_that_may_not_be_written(
    file: Path, start: StartWriter, tmp_path_factory: pytest.TempPathFactory, there: bool
) -> None:
    if there:
        start(str(file)).close()
    else:
        file.parent.mkdir()
    file.parent.chmod(0o555)
    for path in file.parent.iterdir():
        path.chmod(0o444)
    for folder in (file.parents[1], *file.parents[1].parents):
        if folder.stat().st_mode & 0o005 != 0o005:
            folder.chmod(0o755)
    child = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(READ_ONLY), str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    file.parent.chmod(0o755)
    error, remedy = child.stdout.splitlines()
    if there:
        assert error == f"{file}: it may not be written"
        assert remedy == "give yourself the right to write the file and its folder"
    else:
        assert error == f"{file}: it cannot be opened"
        assert remedy == "see that it is there and may be opened, or name another with --db"
    assert "1 opportunit" not in child.stderr
    assert "rows were not written" in child.stderr


def test_no_database_at_all(file: Path, start: StartWriter) -> None:
    file.parent.mkdir()
    file.write_text("dear diary, " * 1000)
    writer = start(str(file))
    goes_on(writer)
    state = trouble(writer)
    assert state.error == f"{file}: it is not a SQLite database"
    assert state.remedy == ("move it away (a new one is then begun) or put a backup in its place")
    assert file.read_text().startswith("dear diary")
    file.rename(file.with_suffix(".old"))
    ready(writer)
    all_written(str(file), 5)


def test_a_damaged_file(file: Path, start: StartWriter) -> None:
    first = start(str(file))
    for number in range(3000):
        first(minute(START + number))
    ready(first)
    first.close()
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    file.write_bytes(content)
    writer = start(str(file))
    goes_on(writer)
    assert trouble(writer).error == f"{file}: it is damaged"
    for path in file.parent.iterdir():
        path.unlink()
    ready(writer)
    all_written(str(file), 5)


def test_another_programs_database(file: Path, start: StartWriter) -> None:
    file.parent.mkdir()
    theirs = sqlite3.connect(file)
    theirs.execute("CREATE TABLE songs (title TEXT)")
    theirs.commit()
    before = file.read_bytes()
    writer = start(str(file))
    assert trouble(writer).error == f"{file}: it belongs to another program"
    assert trouble(writer).remedy == "name another with --db: this one is left as it is"
    theirs.close()
    assert file.read_bytes() == before


def test_a_folder_deleted_under_it(file: Path, start: StartWriter) -> None:
    writer = start(str(file))
    last = opened(1)
    writer(last)
    ready(writer)
    shutil.rmtree(file.parent)
    trouble(writer)  # also when there is nothing to write
    goes_on(writer)
    until(lambda: writer.state().error == f"{file}: its folder is not there")
    assert not file.parent.exists()  # what is mounted there may only be away
    file.parent.mkdir()
    writer(closed(last, START + SECOND))
    ready(writer)
    all_written(str(file), 6)
    assert rows(str(file), "SELECT opened_at, closed_at FROM opportunity ORDER BY id")[0] == (
        START,
        START + SECOND,
    )


@pytest.mark.parametrize("ending", ["", "-wal"])
def test_a_file_deleted_under_it(file: Path, start: StartWriter, ending: str) -> None:
    writer = start(str(file))
    ready(writer)
    Path(f"{file}{ending}").unlink()
    assert trouble(writer).error == f"{file}: its file was moved or deleted"
    goes_on(writer)
    ready(writer)
    all_written(str(file), 5)


# --- any -----------------------------------------------------------------------------------------


def test_a_lost_table_is_said(url: str, start: StartWriter) -> None:
    writer = start(url)
    ready(writer)
    engine = for_writing(writer._url)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE sample")
    goes_on(writer)
    assert "its tables are not as they should be" in trouble(writer).error


def test_what_has_to_be_dropped_is_counted_and_said(file: Path, start: StartWriter) -> None:
    file.parent.mkdir()
    file.write_text("not a database")
    writer = start(str(file), limits=Limits(waiting_rows=100, batch_seconds=0.02))
    trouble(writer)
    lives = [opened(number) for number in range(60)]
    for one in lives:
        writer(one)
    for number in range(50):
        writer(minute(START + number))
    for one in lives[:10]:
        writer(closed(one, START + SECOND))
    state = writer.state()
    assert state.waiting == 100
    # All samples and summaries have gone, and twice ten of the oldest opportunities: for the last
    # ones, and for the ends of the first ones.
    assert state.losses == {"sample": 60, "route_minute": 50, "opportunity": 20}
    assert state.dropped == 130
    file.unlink()
    ready(writer)
    assert count(str(file), "opportunity") == 60 - 20 + 10
    writer.close()
    ((dropped,),) = rows(str(file), "SELECT dropped FROM run")
    assert json.loads(dropped) == state.losses


def test_an_end_that_was_dropped_is_made_up_for(file: Path, start: StartWriter) -> None:
    writer = start(str(file), limits=Limits(waiting_rows=6, batch_seconds=0.02))
    first, second = opened(1), opened(2)
    writer(first)
    ready(writer)
    writer(second)
    ready(writer)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writer(closed(first, START + 5 * SECOND))
    for number in range(10, 14):
        writer(opened(number))
    trouble(writer)
    other.execute("COMMIT")
    other.close()
    ready(writer)
    until(lambda: rows(str(file), "SELECT 1 FROM opportunity WHERE reason = 'interrupted'"))
    query = "SELECT id, closed_at, reason FROM opportunity WHERE id <= :two ORDER BY id"
    assert rows(str(file), query.replace(":two", f"'{ID.format(2)}'")) == [
        (ID.format(1), START, "interrupted"),
        (ID.format(2), None, ""),
    ]


def test_closing_does_not_wait_for_a_dead_database(file: Path, start: StartWriter) -> None:
    file.parent.mkdir()
    file.write_text("not a database")
    writer = start(str(file))
    writer(opened())
    trouble(writer)
    began = time.monotonic()
    writer.close(0.5)
    assert time.monotonic() - began < 1.5
