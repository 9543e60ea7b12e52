"""Kills a demo at random moments and looks at what is left.

    python -m tests.soak.kill_demo --times 200 --demos 40

Of the ``--times`` lives, ``--demos`` are the real ``crossbook demo --json --db ...``, the others
``crossbook watch`` on a lab that stays up (a demo takes seconds to start). Each writes the database
that the one before left, and is killed (SIGKILL, with all that it has started) at a moment drawn
from its start to some seconds after its first flag.

*Acknowledged* is what another process has read from the database before the kill: a commit of the
writer is the only promise that it makes to anybody, and a reader who has seen a row may have acted
on it. (A line on standard output comes before its commit; how many lines had not got there, and how
old the oldest of them was, is told.) After each death, and again once the next run has begun:

- every acknowledged row is there, at least as new as it was seen, and what was closed is unchanged;
- nothing is there twice: ids, states, samples and events are unique, and groups count each once;
- what the newest line said of an opportunity is what the database says, to the digit;
- nothing is open that is not of the run that lives, and SQLite finds nothing wrong with the file.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from msgspec import Struct, field

from storage.queries import By, Filter, open_reader
from tests.soak.processes import ROOT, crossbook, lab

LONGEST_START = 120.0
WARM = (sys.executable, "-c", "from scanner.warm import warm_alone; warm_alone()")
FIGURES = ("size", "gross_bps", "net_bps", "net_profit")
# Every table whose rows have to stay, with what never changes once it is there.
LASTING = {
    "evidence": "opportunity_id || ' ' || moment",
    "sample": "opportunity_id || ' ' || at",
    "feed_event": "run_id || ' ' || number",
    "route_minute": "route_id || ' ' || at",
    "run": "id",
}


class Seen(Struct):
    """What was read from a database: opportunities as (opened_at, updated_at, closed_at, reason,
    updates, net_bps), and the keys of other tables."""

    opportunities: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    keys: dict[str, set[str]] = field(default_factory=dict)


class Report(Struct):
    """What many deaths came to. ``unwritten``: lines that had not reached the database; ``oldest``:
    how long before the kill the oldest of them was printed, s."""

    deaths: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    opportunities: int = 0
    closed: int = 0
    others: int = 0
    lines: int = 0
    compared: int = 0
    unwritten: int = 0
    oldest: float = 0.0

    def add(self, other: Report) -> None:
        self.deaths += other.deaths
        for name in ("runs", "opportunities", "closed", "others", "lines", "compared", "unwritten"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.oldest = max(self.oldest, other.oldest)


class Life:
    """One process that writes a database, read from outside while it lives."""

    def __init__(self, database: Path, arguments: Sequence[object], log: Path) -> None:
        self.lines: list[tuple[float, dict[str, Any]]] = []
        self._database = database
        self._log = log.open("wb")
        self.process = crossbook(*arguments, "--json", "--db", database, errors=self._log)
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.endswith(b"\n"):  # the last one may have been cut off by the death
                self.lines.append((time.monotonic(), json.loads(line)))

    def until_killed(self, moment: float, after_first_flag: bool, seen: Seen) -> float:
        """Let it live for ``moment`` seconds, from its start or its first flag; when it died."""
        try:
            self._live(moment, after_first_flag, seen)
            look(self._database, seen)
        finally:
            died = time.monotonic()
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self._reading.join(10)
        self._log.close()
        return died

    def _live(self, moment: float, after_first_flag: bool, seen: Seen) -> None:
        begin, end = time.monotonic(), None
        while end is None or time.monotonic() < end:
            if end is None and (self.lines or not after_first_flag):
                end = time.monotonic() + moment
            assert self.process.poll() is None, f"it ended by itself: {self._log.name}"
            assert time.monotonic() < begin + LONGEST_START, f"no flag: {self._log.name}"
            look(self._database, seen)
            time.sleep(0.02)


def look(database: Path, seen: Seen) -> None:
    """Read what is there now, in one transaction."""
    if not database.exists():
        return
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=20)) as reader:
        try:
            reader.execute("BEGIN")
            found = reader.execute(
                "SELECT id, opened_at, updated_at, closed_at, reason, updates, net_bps"
                " FROM opportunity"
            ).fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):
                return  # it has not come so far
            raise
        keys = {
            table: [row[0] for row in reader.execute(f"SELECT {key} FROM {table}")]
            for table, key in LASTING.items()
        }
    for table, theirs in keys.items():
        assert len(theirs) == len(set(theirs)), f"{table}: something is there twice"
        lost = seen.keys.get(table, set()) - set(theirs)
        assert not lost, f"{table}: {len(lost)} acknowledged rows are lost, such as {min(lost)}"
        seen.keys[table] = set(theirs)
    there = {row[0]: row[1:] for row in found}
    assert len(there) == len(found), "an opportunity is there twice"
    for one, was in seen.opportunities.items():
        assert one in there, f"opportunity {one} was acknowledged and is lost"
        now = there[one]
        if was[2] is not None:
            assert now == was, f"opportunity {one} has changed after its end: {was} {now}"
        else:
            assert now[1] >= was[1] and now[4] >= was[4], f"opportunity {one} is older than it was"
    seen.opportunities = there


def after_death(database: Path, seen: Seen) -> None:
    """What must hold of the file that a dead process has left."""
    if not database.exists():
        return
    look(database, seen)
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=20)) as reader:
        assert reader.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def after_start(database: Path, seen: Seen, run: str) -> None:
    """What must hold once the next run has begun."""
    look(database, seen)
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=20)) as reader:
        left = reader.execute(
            "SELECT count(*) FROM opportunity WHERE closed_at IS NULL AND run_id <> ?", (run,)
        )
        assert left.fetchone() == (0,), "a dead run's opportunities are still open"
        reasons = reader.execute("SELECT DISTINCT reason FROM run WHERE id <> ?", (run,))
        assert {row[0] for row in reasons} <= {"interrupted", "stopped"}
    if seen.opportunities:
        groups = open_reader(str(database)).groups(Filter(), By.SYMBOL)
        counted = sum(group.figures.count for group in groups)
        assert counted == len(seen.opportunities), "groups count some twice, or not at all"


def compare(
    database: Path, lines: Sequence[tuple[float, dict[str, Any]]], died: float, report: Report
) -> None:
    """Hold what was printed against what is kept."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=20)) as reader:
        names = ", ".join(("id", "updated_at", "updates", *FIGURES, "closed_at"))
        try:
            found = reader.execute(f"SELECT {names} FROM opportunity").fetchall()
        except sqlite3.OperationalError:
            found = []
    there = {row[0]: row[1:] for row in found}
    events: Counter[str] = Counter()
    for printed, line in lines:
        report.lines += 1
        one = there.get(line["id"])
        number = events[line["id"]] - (line["event"] == "closed")  # as `updates` counts
        events[line["id"]] += 1
        if one is None or one[1] < number or (line["event"] == "closed") > (one[-1] is not None):
            report.unwritten += 1
            report.oldest = max(report.oldest, died - printed)
        elif line["event"] == "closed" or (one[-1] is None and one[1] == number):
            kept = dict(zip(FIGURES, one[2:-1], strict=True))
            assert kept == {name: line[name] for name in FIGURES}, (line, kept)
            report.compared += 1


def newest_run(database: Path) -> str:
    """The id of the run that began last; empty if there is none."""
    if not database.exists():
        return ""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=20)) as reader:
        try:
            row = reader.execute("SELECT id FROM run ORDER BY id DESC LIMIT 1").fetchone()
        except sqlite3.OperationalError:
            return ""
    return row[0] if row else ""


def kill_often(folder: Path, lives: Sequence[Sequence[object]], chance: random.Random) -> Report:
    """One death after the other on the same database; the last run ends as it should."""
    database, seen, report = folder / "crossbook.db", Seen(), Report()
    for number, arguments in enumerate(lives):
        before = newest_run(database)
        life = Life(database, arguments, folder / f"log-{number}")
        starting = chance.random() < 0.25
        moment = chance.random() * (6.0 if starting else 4.0)
        died = life.until_killed(moment, not starting, seen)
        after_death(database, seen)
        run = newest_run(database)
        if run != before:
            report.runs += 1
            after_start(database, seen, run)
        if database.exists():
            compare(database, life.lines, died, report)
        when = "while it started" if starting else "while it flagged"
        report.deaths[f"{arguments[0]} {when}"] += 1
        print(f"{number + 1:4} {arguments[0]} {when}: {len(seen.opportunities)} kept", flush=True)
    ended = crossbook(*lives[-1], "--json", "--db", database, "--seconds", 3)
    ended.communicate(timeout=LONGEST_START)
    assert ended.returncode == 0
    after_start(database, seen, "")
    report.opportunities = len(seen.opportunities)
    report.closed = sum(one[2] is not None for one in seen.opportunities.values())
    report.others = sum(map(len, seen.keys.values()))
    return report


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--demos", type=int, default=None, help="how many are demos (all)")
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where databases and logs are to stay")
    given = parser.parse_args()
    demos = given.times if given.demos is None else min(given.demos, given.times)
    with TemporaryDirectory(prefix="crossbook-kill-") as name:
        folder = given.folder or Path(name)
        report = run(folder, given.times, demos, given.at_once, given.seed)
    print(told(report))
    return 0


def run(folder: Path, times: int, demos: int, at_once: int, seed: int) -> Report:
    """So many deaths, of some databases at once."""
    chance = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(WARM, cwd=ROOT, check=True)  # a life that compiles has no flags to be killed at
    os.environ["TMPDIR"] = str(folder)  # what a killed demo leaves behind
    with lab(folder) if demos < times else nullcontext() as config:
        lives: list[tuple[object, ...]] = [
            *(("demo", "--seed", chance.randrange(1, 99)) for _ in range(demos)),
            *(("watch", "--config", config) for _ in range(times - demos)),
        ]
        chance.shuffle(lives)
        with ThreadPoolExecutor(at_once) as pool:
            parts = []
            for number in range(at_once):
                own = folder / str(number)
                own.mkdir(parents=True, exist_ok=True)
                task = pool.submit(
                    kill_often, own, lives[number::at_once], random.Random(chance.random())
                )
                parts.append(task)
            report = Report()
            for task in parts:
                report.add(task.result())
    return report


def told(report: Report) -> str:
    """In words."""
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(report.deaths.items()))
    return (
        f"{sum(report.deaths.values())} kills ({kinds}), {report.runs} of them of a run that had "
        f"begun.\n{report.opportunities} opportunities ({report.closed} closed) and "
        f"{report.others} other rows were acknowledged: none lost, none changed after its end, "
        f"none twice, none left open.\n{report.lines} lines were printed; {report.compared} newest "
        f"states agree to the digit; {report.unwritten} lines had not reached the database, the "
        f"oldest of them printed {report.oldest * 1e3:.0f} ms before the kill."
    )


if __name__ == "__main__":
    sys.exit(main())
