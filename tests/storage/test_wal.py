"""A long read of a file: it holds up nothing, and what grows meanwhile shrinks again."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from storage import database, wal
from storage.ids import new_id
from storage.link import Link
from storage.location import located
from storage.process import this_process
from storage.runs import Run
from storage.spool import Spool
from tests.storage.events import SECOND, START, count, opened

ROWS = 500
READER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], uri=True)
found = connection.execute("SELECT id FROM opportunity")
found.fetchone()
print("in the middle", flush=True)
sys.stdin.read()
print(1 + len(found.fetchall()))
"""


@contextmanager
def linked(file: Path) -> Iterator[Link]:
    run = Run(id=new_id(START), version="1", config="", process=this_process(), started_at=START)
    link = Link(located(str(file)), run, {}, START)
    try:
        yield link
    finally:
        link.close()


def write(link: Link, batches: int) -> None:
    spool = Spool(10 * ROWS, lambda: START)
    for _ in range(batches):
        for _ in range(ROWS):
            spool.add(replace(opened(), id=new_id(START)))
        batch = spool.take(10 * ROWS)
        assert batch is not None and batch.rows
        link.write(batch)
        spool.written()


def reading(file: Path) -> subprocess.Popen[str]:
    """A process that is in the middle of a read."""
    child = subprocess.Popen(
        [sys.executable, "-c", READER, f"file:{file}?mode=ro"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "in the middle\n"
    return child


def test_a_read_that_lasts_holds_up_no_commit_and_the_log_shrinks_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "storage.wal")
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.0)  # a wait for the reader is a failure
    monkeypatch.setattr(wal, "KEPT", 2 << 20)
    monkeypatch.setattr(wal, "NOTICE", 4 << 20)
    file = tmp_path / "a.db"
    with linked(file) as link:
        write(link, 1)
        child = reading(file)
        write(link, 8)
        grown = wal.size(file)
        assert grown > wal.NOTICE
        for _ in range(2):
            link.beat({}, START + SECOND)
        assert count(str(file), "opportunity") == 9 * ROWS, "others see what is new"
        seen, _ = child.communicate()
        assert seen == f"{ROWS}\n", "it saw one moment"
        write(link, 2)
        assert wal.size(file) <= wal.KEPT
        link.beat({}, START + 2 * SECOND)
    assert caplog.messages == [
        f"{file}-wal has grown to {grown >> 20} MB: a program has been reading the database for "
        "long, and until it ends the file can only grow; nothing is lost",
        f"{file}-wal has shrunk to 2 MB",
    ]
    assert wal.size(file) == 0


class Reads:
    """Short reads, of which each begins before the last one ends."""

    def __init__(self, file: Path) -> None:
        self._next, self._last = (
            sqlite3.connect(
                f"file:{file}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
            )
            for _ in range(2)
        )

    def go_on(self) -> None:
        self._next.execute("BEGIN")
        self._next.execute("SELECT count(*) FROM run").fetchall()
        if self._last.in_transaction:
            self._last.execute("COMMIT")
        self._next, self._last = self._last, self._next

    def until(self, enough: threading.Event) -> None:
        while not enough.wait(0.005):
            self.go_on()

    def close(self) -> None:
        self._next.close()
        self._last.close()


def test_short_reads_without_a_gap_do_not_let_the_log_grow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wal, "KEPT", 1 << 20)
    monkeypatch.setattr(wal, "PATIENCE", 10_000)
    file = tmp_path / "a.db"
    enough = threading.Event()
    with linked(file) as link:
        write(link, 1)
        reads = Reads(file)
        reader = threading.Thread(target=reads.until, args=(enough,))
        reads.go_on()
        for _ in range(8):
            write(link, 1)
            reads.go_on()  # here and not in the thread, which may be kept from it for long
        grown = wal.size(file)
        assert grown > 6 << 20, "by itself it does"
        reader.start()
        try:
            monkeypatch.setattr(wal, "LARGE", 4 << 20)
            link.beat({}, START + SECOND)
            write(link, 1)
            assert wal.size(file) < 4 << 20
        finally:
            enough.set()
            reader.join()
            reads.close()


def test_a_log_that_goes_on_growing_is_told_of_at_each_doubling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(wal, "NOTICE", 1 << 20)
    file = tmp_path / "a.db"
    connection, watch, told = sqlite3.connect(":memory:"), wal.Watch(file), []
    for megabytes in (0, 1, 1, 2, 3, 4, 0, 1):
        wal.log_of(file).write_bytes(bytes(megabytes << 20))
        caplog.clear()
        watch.look(connection, START)
        told.append(len(caplog.messages))
    assert told == [0, 1, 0, 1, 0, 1, 0, 1]
