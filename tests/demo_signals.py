"""Signals the demo at many moments of its start.

    python -m tests.demo_signals [--times N] [--longest SECONDS]

Each start gets SIGINT or SIGTERM, alone or together with every process of its group (Ctrl-C in a
terminal), ``--longest`` seconds after its beginning at most. Whatever it is doing then, it ends
with 0 within five seconds, shows nobody a traceback and leaves no process behind.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
DEMO = [sys.executable, "-c", "from scanner.cli import main; main()", "demo", "--plain", "--db", ""]
PATIENCE = 5.0
# Before that the interpreter itself is starting.
EARLIEST = 0.5

Started = subprocess.Popen[str]


def signalled(number: signal.Signals, *, group: bool, moment: Callable[[Started], object]) -> str:
    """What the demo wrote to standard error, that was signalled when ``moment`` returned; raises if
    it did not end as it must."""
    with TemporaryDirectory() as folder:
        process = subprocess.Popen(
            DEMO,
            cwd=ROOT,
            env={**os.environ, "XDG_DATA_HOME": folder, "XDG_STATE_HOME": folder},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            moment(process)
            (os.killpg if group else os.kill)(process.pid, number)
            _, errors = process.communicate(timeout=PATIENCE)
            left = labs_of(process.pid)
        finally:
            process.kill()
    assert process.returncode == 0, errors
    assert left == [], "the lab outlived the demo"
    for word in ("Traceback", "Error", "Exception", "Warning"):
        assert word not in errors, errors
    return errors


def labs_of(process: int) -> list[int]:
    """The labs that were started by it, or by what has died by now, and still run."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if b"scanner.lab.child" in command and parent in (process, 1):
            found.append(int(folder.name))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=60)
    parser.add_argument("--longest", type=float, default=8.0)
    given = parser.parse_args()
    for number in range(given.times):
        delay = EARLIEST + (given.longest - EARLIEST) * number / given.times
        which = signal.SIGTERM if number & 1 else signal.SIGINT
        signalled(which, group=bool(number & 2), moment=lambda _, delay=delay: time.sleep(delay))
    print(f"{given.times} starts were ended cleanly")


if __name__ == "__main__":
    main()
