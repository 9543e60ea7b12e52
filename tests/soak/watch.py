"""Watches the lab for long, and watches the watcher: memory, database, log of the database, lag.

    python -m tests.soak.watch --minutes 60

A line every half minute, and a verdict: memory that still grows after the first third, a log of
the database that is not reset, rows that wait or are given up. Exit code 1 if something is wrong.
"""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import urlopen

import numpy as np
from msgspec import Struct

from tests.soak.processes import MEGABYTE, busy, crossbook, lab, resident, size

# What is wrong: growth of memory (MB an hour, after the first third), a log that is larger than
# what it is cut to when it is reset, a lag of seconds.
GROWTH, LOG, LAG = 8.0, 80 * MEGABYTE, 2.0


class Sample(Struct, frozen=True):
    """The process and its database at one moment: seconds since the start, bytes, rows."""

    at: float
    memory: int
    processor: float
    database: int
    log: int
    lag: float
    written: float
    waiting: float
    dropped: float
    persisting: float
    opened: float
    messages: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--every", type=float, default=30, help="seconds between two lines")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with TemporaryDirectory(prefix="crossbook-soak-") as name:
        taken = []
        for sample in watched(Path(name), given.minutes * 60, given.every, given.seed):
            taken.append(sample)
            print(told(sample), flush=True)
    wrong = list(complaints(taken))
    print("\n".join(wrong) or f"nothing wrong; memory {growth(taken):+.1f} MB an hour")
    return 1 if wrong else 0


def watched(folder: Path, seconds: float, every: float, seed: int) -> Iterator[Sample]:
    """Samples of a watch that runs for so long, with a database in the folder."""
    database, port = folder / "crossbook.db", free_port()
    with lab(folder, seed=seed) as config, (folder / "log").open("wb") as errors:
        arguments = ("--config", config, "--db", database, "--metrics", port, "--json")
        process = crossbook("watch", *arguments, output=subprocess.DEVNULL, errors=errors)
        try:
            while not answers(port):
                alive(process, folder)
            begin = time.monotonic()
            while (at := time.monotonic() - begin) < seconds:
                time.sleep(min(every, max(0.5, seconds - at)))
                alive(process, folder)
                yield sample(process.pid, port, database, time.monotonic() - begin)
        finally:
            process.terminate()
            process.wait(10)


def answers(port: int) -> bool:
    """Does it serve its metrics yet?"""
    time.sleep(0.5)
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def alive(process: subprocess.Popen[bytes], folder: Path) -> None:
    if process.poll() is not None:
        raise SystemExit(f"it ended: {(folder / 'log').read_text()[-2000:]}")


def sample(pid: int, port: int, database: Path, at: float) -> Sample:
    """How it is now."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return Sample(
        at=at,
        memory=resident(pid),
        processor=busy(pid),
        database=size(database),
        log=size(database.with_name(f"{database.name}-wal")),
        lag=metric(text, "crossbook_database_lag_seconds"),
        written=metric(text, "crossbook_database_rows_total"),
        waiting=metric(text, "crossbook_queue_length", "database"),
        dropped=metric(text, "crossbook_queue_dropped_total"),
        persisting=metric(text, "crossbook_database_persisting"),
        opened=metric(text, "crossbook_opportunities_total", "opened"),
        messages=metric(text, "crossbook_messages_total"),
    )


def metric(text: str, name: str, label: str = "") -> float:
    """The sum of a metric over its labels, or those that hold ``label``."""
    lines = (line for line in text.splitlines() if line.split("{")[0].split(" ")[0] == name)
    return sum(float(line.rpartition(" ")[2]) for line in lines if label in line)


def complaints(taken: Sequence[Sample]) -> Iterator[str]:
    """What is wrong."""
    if (grown := growth(taken)) > GROWTH:
        yield f"its memory grows by {grown:.1f} MB an hour"
    if (log := max(one.log for one in taken)) > LOG:
        yield f"the write-ahead log came to {log / MEGABYTE:.0f} MB"
    if (lag := max(one.lag for one in taken)) > LAG:
        yield f"rows waited for {lag:.1f} s"
    if dropped := taken[-1].dropped:
        yield f"{dropped:.0f} rows were given up"
    if not all(one.persisting for one in taken):
        yield "it said NOT PERSISTING"
    if not taken[-1].written:
        yield "it wrote nothing"


def growth(taken: Sequence[Sample]) -> float:
    """By how many MB an hour its memory grows, once it has settled."""
    late = [one for one in taken if one.at >= taken[-1].at / 3]
    if len(late) < 3:
        return 0.0
    times, sizes = [one.at / 3600 for one in late], [one.memory / MEGABYTE for one in late]
    return float(np.polyfit(times, sizes, 1)[0])


def told(one: Sample) -> str:
    """A line about it."""
    return (
        f"{one.at / 60:6.1f} min  memory {one.memory / MEGABYTE:6.1f} MB  "
        f"processor {one.processor / one.at:4.0%}  database {one.database / MEGABYTE:6.1f} MB  "
        f"log {one.log / MEGABYTE:5.1f} MB  lag {one.lag * 1e3:5.0f} ms  "
        f"{one.written:,.0f} rows, {one.waiting:.0f} wait, {one.opened:,.0f} opened, "
        f"{one.messages:,.0f} messages"
    )


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
