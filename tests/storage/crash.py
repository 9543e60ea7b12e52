"""Kills a writer at random moments and looks at what is left.

    python -m tests.storage.crash --times 200 [--url URL] [--seed N]

A process writes events at the demo's rate and prints what has been acknowledged to it as durable.
It is killed (SIGKILL) at a random moment of its life, and started again on the same database. After
each death: nothing acknowledged is lost or other than it was, nothing is there twice, and once the
next run has begun nothing is left open.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, create_engine, text

from scanner.events import Opportunity
from storage.ids import new_id
from storage.location import is_sqlite, located
from storage.spool import Batch
from storage.writer import Limits, Writer
from tests.storage.events import closed, feed_event, minute, opened, until, updated

ROOT = Path(__file__).parents[2]
RATE = 300
TURN = 0.02


class Known(Struct):
    """What has been acknowledged."""

    opportunities: dict[str, tuple[str, int, int, float]] = {}
    samples: set[tuple[str, int]] = set()
    minutes: set[int] = set()
    notes: set[str] = set()

    def add(self, batch: Batch) -> None:
        for key, draft in batch.drafts.items():
            last = draft.last
            self.opportunities[key] = (last.event, last.at, draft.updates, last.net_bps)
        self.samples |= {(sample[0], sample[1]) for sample in batch.samples}
        self.minutes |= {one.at for one in batch.readings}
        self.notes |= {event.reason for _, event in batch.feed_events}

    def merge(self, other: Known) -> None:
        self.opportunities |= other.opportunities
        self.samples |= other.samples
        self.minutes |= other.minutes
        self.notes |= other.notes


# --- the one that is killed -----------------------------------------------------------------------


def write_for_ever(url: str) -> None:
    """Open, update and close opportunities, and print what is durable, a line for each batch."""
    writer = new_writer(url, acknowledge)
    print("started", flush=True)
    writer.start()
    alive: list[Opportunity] = []
    number = 0
    while True:
        for _ in range(int(RATE * TURN)):
            number += 1
            writer(_next(alive))
        writer(feed_event(time.time_ns(), reason=f"{writer.run_id} {number}"))
        writer(minute(time.time_ns()))
        time.sleep(TURN)


def acknowledge(batch: Batch) -> None:
    known = Known()
    known.add(batch)
    print(msgspec.json.encode(known).decode(), flush=True)


def new_writer(url: str, committed: object = None) -> Writer:
    return Writer(
        url,
        version="0.0",
        config_text="",
        now=time.time_ns,
        limits=Limits(batch_seconds=0.02),
        committed=committed,  # type: ignore[arg-type]
    )


def _next(alive: list[Opportunity]) -> Opportunity:
    at, draw = time.time_ns(), random.random()
    if draw < 0.2 or not alive:
        one = replace(opened(at=at, net_bps=5 + 10 * random.random()), id=new_id(at))
        alive.append(one)
    elif draw < 0.8:
        place = random.randrange(len(alive))
        one = alive[place] = updated(alive[place], at, 5 + 10 * random.random())
    else:
        one = closed(alive.pop(random.randrange(len(alive))), at)
    return one


# --- the one that kills, and looks ----------------------------------------------------------------


def life(url: str, seconds: float) -> Known:
    """Let one live for so long after it has started; what it was told is durable."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.storage.crash", "--write", "--url", url],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    assert child.stdout is not None
    started = child.stdout.readline()
    assert started == b"started\n"
    time.sleep(seconds)
    assert child.poll() is None, "it ended by itself"
    child.kill()
    told, _ = child.communicate()
    known = Known()
    for line in told.splitlines(keepends=True):
        if line.endswith(b"\n"):  # the last one may have been cut off by the death
            known.merge(msgspec.json.decode(line, type=Known))
    return known


def begin_and_end_a_run(url: str) -> None:
    """The next start."""
    writer = new_writer(url)
    writer.start()
    until(lambda: writer._link is not None, 20)
    writer.close()


def look(url: str, known: Known) -> None:
    """Compare what is there with what must be there."""
    engine = create_engine(located(url))
    try:
        with engine.connect() as connection:
            _compare(connection, known)
            if is_sqlite(located(url)):
                assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
    finally:
        engine.dispose()


def _compare(connection: Connection, known: Known) -> None:
    def rows(query: str) -> list[tuple[object, ...]]:
        return [tuple(row) for row in connection.execute(text(query))]

    assert rows("SELECT id FROM opportunity WHERE closed_at IS NULL") == []
    query = "SELECT id, updated_at, closed_at, reason, updates, net_bps FROM opportunity"
    there = {row[0]: row[1:] for row in rows(query)}
    for key, (event, at, updates, net_bps) in known.opportunities.items():
        updated_at, closed_at, reason, count, bps = there[key]
        if event == "closed":
            assert (updated_at, closed_at) == (at, at), f"{key}: its end is not as acknowledged"
            assert (reason, count, bps) == ("no net edge left", updates, net_bps)
        else:
            assert updated_at >= at and count >= updates, f"{key}: older than acknowledged"  # type: ignore[operator]
    samples = rows("SELECT opportunity_id, at FROM sample")
    assert known.samples <= set(samples)  # type: ignore[comparison-overlap]
    minutes = rows("SELECT at FROM route_minute")
    notes = [row[0] for row in rows("SELECT reason FROM feed_event")]
    assert known.minutes <= {row[0] for row in minutes}
    assert known.notes <= set(notes)
    for table in (samples, minutes, notes):
        assert len(table) == len(set(table)), "there twice"
    states = rows("SELECT opportunity_id, moment FROM evidence")
    assert len(states) == len(set(states))
    assert {row[0] for row in states} == set(there), "an opportunity without evidence"
    ended = rows("SELECT reason, count(*) FROM run GROUP BY reason")
    assert {row[0] for row in ended} <= {"stopped", "interrupted"}


def kill_often(url: str, times: int, seed: int) -> Known:
    """So many lives and deaths; what all of them were told."""
    chance = random.Random(seed)
    known = Known()
    for number in range(1, times + 1):
        known.merge(life(url, chance.choice((0.05, 0.3, 1.0)) * chance.random()))
        begin_and_end_a_run(url)
        look(url, known)
        if number % 20 == 0:
            print(f"{number} deaths, {len(known.opportunities)} opportunities", flush=True)
    return known


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--url", default="")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    if given.write:
        write_for_ever(given.url)
    with TemporaryDirectory() as folder:
        url = given.url or f"sqlite:///{folder}/crossbook.db"
        known = kill_often(url, given.times, given.seed)
        acknowledged = len(known.samples) + len(known.minutes) + len(known.notes)
        print(
            f"{given.times} deaths: {len(known.opportunities)} opportunities and {acknowledged} "
            "other rows were acknowledged, and all are there, once"
        )


if __name__ == "__main__":
    main()
