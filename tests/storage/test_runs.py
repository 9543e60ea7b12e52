"""What runs that died left behind, and what living ones keep."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy.engine import Connection

from storage import migrate, runs
from storage.batch import put
from storage.database import for_writing
from storage.location import located
from storage.process import Process, lives, this_process
from storage.rows import opportunity_row
from storage.runs import Run
from storage.schema import opportunity
from storage.spool import Draft
from tests.storage import beginning
from tests.storage.conftest import StartWriter
from tests.storage.events import ID, SECOND, START, closed, opened, rows, until, updated

NOW = START + 1000 * SECOND
DEAD = Process(this_process().host, 4_000_000, "a boot 1")
ELSEWHERE = Process("another machine", 1, "a boot 1")


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    engine = for_writing(located(url))
    with engine.connect() as connection, connection.begin():
        migrate.upgrade(connection)
        yield connection


def begin(connection: Connection, name: str, process: Process, heartbeat_at: int) -> None:
    """A run that has an opportunity open: opened at START, updated at START + 10 s."""
    new = Run(id=name, version="1", config="", process=process, started_at=START)
    runs.begin(connection, new, "{}", heartbeat_at)


def leave_open(connection: Connection, run: str, number: int) -> None:
    last = updated(opened(number), START + 10 * SECOND, 11.0)
    put(connection, opportunity, [opportunity_row(Draft(last, 1), run)])


def state(connection: Connection, number: int) -> tuple[object, ...]:
    query = f"SELECT closed_at, duration, reason FROM opportunity WHERE id = '{ID.format(number)}'"
    return tuple(connection.exec_driver_sql(query).one())


def test_what_the_dead_left_open_ends_when_they_were_last_known_to_live(url: str) -> None:
    with connected(url) as connection:
        begin(connection, "early", DEAD, START + 30 * SECOND)
        begin(connection, "late", DEAD, START + 5 * SECOND)
        leave_open(connection, "early", 1)
        leave_open(connection, "late", 2)
        leave_open(connection, "of no run", 3)
        assert runs.close_leftovers(connection, "mine", NOW) == 3
        assert state(connection, 1) == (START + 30 * SECOND, 30 * SECOND, "interrupted")
        assert state(connection, 2) == (START + 10 * SECOND, 10 * SECOND, "interrupted")
        assert state(connection, 3) == (START + 10 * SECOND, 10 * SECOND, "interrupted")
        ended = connection.exec_driver_sql("SELECT id, ended_at, reason FROM run ORDER BY id")
        assert [tuple(row) for row in ended] == [
            ("early", START + 30 * SECOND, "interrupted"),
            ("late", START + 5 * SECOND, "interrupted"),
        ]
        assert runs.close_leftovers(connection, "mine", NOW) == 0


def test_what_the_living_have_open_stays_open(url: str) -> None:
    with connected(url) as connection:
        begin(connection, "here", this_process(), START)
        begin(connection, "there", ELSEWHERE, NOW - 59 * SECOND)
        for number, run in enumerate(("here", "there", "mine")):
            leave_open(connection, run, number)
        assert runs.close_leftovers(connection, "mine", NOW) == 0
        assert runs.close_leftovers(connection, "mine", NOW + 2 * SECOND) == 1
        assert [state(connection, n)[2] for n in range(3)] == ["", "interrupted", ""]


def test_one_taken_for_dead_says_that_it_lives(url: str) -> None:
    with connected(url) as connection:
        begin(connection, "there", ELSEWHERE, START)
        leave_open(connection, "there", 1)
        assert runs.close_leftovers(connection, "mine", NOW) == 1
        runs.beat(connection, "there", "{}", NOW)
        leave_open(connection, "there", 1)
        assert state(connection, 1) == (None, None, "")
        assert connection.exec_driver_sql("SELECT ended_at, reason FROM run").one() == (None, "")


def test_what_was_closed_keeps_its_reason(url: str) -> None:
    with connected(url) as connection:
        begin(connection, "early", DEAD, NOW)
        last = closed(opened(), START + SECOND)
        put(connection, opportunity, [opportunity_row(Draft(last, 0), "early")])
        assert runs.close_leftovers(connection, "mine", NOW) == 0
        assert state(connection, 1) == (START + SECOND, SECOND, "no net edge left")


def test_two_writers_on_one_database(url: str, start: StartWriter) -> None:
    first, second = start(url), start(url)
    for writer, number in ((first, 1), (second, 2)):
        until(lambda writer=writer: writer._link)  # type: ignore[misc]
        writer(opened(number))
    until(lambda: len(rows(url, "SELECT id FROM opportunity")) == 2)
    third = start(url)
    until(lambda: third._link)
    assert rows(url, "SELECT DISTINCT reason FROM opportunity") == [("",)]


def test_several_processes_begin_at_once(url: str) -> None:
    context = multiprocessing.get_context("spawn")
    gate = context.Barrier(3)
    everyone = [context.Process(target=beginning.begin, args=(url, gate, n)) for n in range(3)]
    for one in everyone:
        one.start()
    for one in everyone:
        one.join(30)
    assert [one.exitcode for one in everyone] == [0] * 3
    assert len(rows(url, "SELECT id FROM opportunity WHERE closed_at IS NOT NULL")) == 3
    assert rows(url, "SELECT version_num FROM crossbook_version") == [(migrate.HEAD,)]
    assert rows(url, "SELECT DISTINCT reason FROM run") == [("stopped",)]


# --- processes ------------------------------------------------------------------------------------


def test_this_process_lives() -> None:
    assert lives(this_process()) is True


def test_a_process_that_has_ended_does_not() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process = Process(this_process().host, child.pid, _token(child.pid))
    assert lives(process) is True
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert lives(process) is False  # though its parent has not asked after it yet
    child.communicate()
    assert lives(process) is False


def test_a_later_process_of_the_same_number_is_another() -> None:
    mine = this_process()
    assert lives(Process(mine.host, mine.pid, mine.token + "0")) is False


def test_what_is_elsewhere_cannot_be_seen() -> None:
    assert lives(ELSEWHERE) is None


def _token(pid: int) -> str:
    from storage import process

    return process._token(pid)


@pytest.mark.parametrize("pid", [2**22 + 5])
def test_no_such_process(pid: int) -> None:
    assert lives(Process(this_process().host, pid, "x")) is False
