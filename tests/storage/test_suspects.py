"""What is kept apart: a row for each and each run, and the newest of all is told."""

from __future__ import annotations

from scanner.events import Suspect
from storage import migrate
from storage.batch import BatchWriter
from storage.database import for_writing
from storage.location import located
from storage.queries import open_reader
from storage.spool import Batch
from tests.storage.conftest import StartWriter
from tests.storage.events import SECOND, START, count, suspect, until


def write(url: str, run: str, *told: Suspect) -> None:
    """Each in a batch of its own."""
    engine = for_writing(located(url))
    with engine.connect() as connection:
        with connection.begin():
            migrate.upgrade(connection)
        for one in told:
            with connection.begin():
                BatchWriter(run).write(connection, Batch(since=0, suspects={one.key: one}))
    engine.dispose()


def test_each_is_there_once_as_it_was_told_of_last(url: str) -> None:
    write(url, "run", suspect(START, state="barred"), suspect(START + SECOND, state="held"))
    write(url, "run", suspect(START + 2 * SECOND, buy="alpha", sell="beta", state="released"))
    write(url, "later", suspect(START + 3 * SECOND, sell_mid=4.5, moves=40, correlation=0.9))
    assert count(url, "suspect") == 2, "a row for each run"
    reader = open_reader(url)
    assert reader.suspects(0) == [
        suspect(START + 3 * SECOND, sell_mid=4.5, ratio=3.0, moves=40, correlation=0.9)
    ]
    assert reader.suspects(START + 4 * SECOND) == []
    reader.close()


def test_the_writer_keeps_them(url: str, start: StartWriter) -> None:
    writer = start(url)
    told = [suspect(power=3), suspect(structural=True)]
    for one in told:
        writer(one)
    until(lambda: writer._link and not writer.state().waiting)
    reader = open_reader(url)
    assert sorted(reader.suspects(0), key=lambda one: one.structural) == told
    reader.close()
