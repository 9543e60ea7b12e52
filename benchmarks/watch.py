"""CPU and memory of ``crossbook watch`` over the lab, at its normal rate and where its books are
asked to change 10 and 100 times as often.

All processes of ``watch`` are counted, the lab's are not. What is asked is not what comes: channels
that a venue paces do not speak more often then, they say more, and the lab, one process, gives what
it can. So each case says what ``watch`` received, by its own metrics.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar
from urllib.request import urlopen

import msgspec
from msgspec import Struct

from benchmarks.memory import resident
from benchmarks.rows import Asked, Row, rows
from scanner.lab.contract_listings import CONTRACTS, Contracts
from scanner.lab.listings import LISTINGS, Listing

TICKS = os.sysconf("SC_CLK_TCK")
RATES = (1, 10, 100)
# Connections are paced: some open only after ten seconds, and kernels are still warmed then.
SETTLES = 20.0

Pace = TypeVar("Pace", Listing, Contracts)


class Seen(Struct):
    """Of one case, each over the time it was watched."""

    cpu: float
    memory: float
    messages: float
    megabytes: float
    lab: float


CASES = {
    "messages": ("messages received", "msgs/s"),
    "megabytes": ("received", "MB/s"),
    "cpu": ("CPU of all its processes", "% of a core"),
    "memory": ("memory of all its processes", "MB"),
    "lab": ("CPU of the lab, which is not counted", "% of a core"),
}


def run(asked: Asked) -> Iterator[Row]:
    """What came and what it cost once it is settled, memory at the end; in haste at 1x alone. The
    ratios are to 1x: of ``100x asked`` that of the messages is how many times came.

    A rate at which ``watch`` does not get so far is left out, and said.
    """
    seconds = 5.0 if asked.quick else 40.0
    found: dict[str, Seen] = {}
    for rate in RATES[:1] if asked.quick else RATES:
        name = f"{rate}x asked"
        with (
            tempfile.TemporaryDirectory() as folder,
            lab(rate, Path(folder) / "lab.yaml") as (config, process),
        ):
            try:
                found[name] = _watched(config, process, seconds)
            except RuntimeError as error:
                print(f"{name} is left out: {error}", flush=True)
    base = f"{RATES[0]}x asked"
    for field, (case, unit) in CASES.items():
        values = {name: [getattr(seen, field)] for name, seen in found.items()}
        yield from rows("watch", case, unit, values, base if base in found else None)


@contextmanager
def lab(rate: int, config: Path) -> Iterator[tuple[Path, int]]:
    """A lab whose books are asked to change ``rate`` times as often as they do by themselves: its
    configuration and its process."""
    command = [sys.executable, "-m", "benchmarks.watch", str(rate), str(config)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield config, process.pid
    finally:
        process.terminate()
        process.wait()


def _watched(config: Path, source: int, seconds: float) -> Seen:
    """Raises ``RuntimeError`` with its last words if ``watch`` ends by itself. ``source``: the
    process of the lab."""
    command = [sys.executable, "-c", "from scanner.cli import main; main()", "watch", "--plain"]
    command += ["--config", str(config), "--metrics", "0"]
    command += ["--seconds", str(SETTLES + seconds + 20), "--db", str(config.parent / "found.db")]
    told = config.parent / "said"
    with open(told, "wb") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said)
        try:
            time.sleep(SETTLES)
            known = {one: _spent(one) for one in family(process.pid)}
            before, spent_there = _received(told), _spent(source)
            since = time.monotonic()
            time.sleep(seconds)
            now = {one: _spent(one) for one in family(process.pid)}
            after, spent_there = _received(told), _spent(source) - spent_there
            took = time.monotonic() - since
            if after[0] == before[0]:
                raise RuntimeError("nothing was received any more")
            spent = sum(value - known.get(one, 0.0) for one, value in now.items())
            return Seen(
                cpu=100 * spent / took,
                memory=sum(map(resident, now)),
                messages=(after[0] - before[0]) / took,
                megabytes=(after[1] - before[1]) / took / 1e6,
                lab=100 * spent_there / took,
            )
        except OSError:
            raise RuntimeError(told.read_text().rstrip().rpartition("\n")[2]) from None
        finally:
            process.terminate()
            process.wait()


def _received(told: Path) -> tuple[float, float]:
    """Messages and bytes so far, of the metrics whose address ``watch`` told; OSError where there
    are none."""
    address = re.search(r"http://127\.0\.0\.1:\d+/metrics", told.read_text())
    if address is None:
        raise OSError
    with urlopen(address[0], timeout=10) as answer:
        text = answer.read().decode()
    return _sum(text, "messages"), _sum(text, "received_bytes")


def _sum(text: str, name: str) -> float:
    values = re.findall(rf"^crossbook_{name}_total{{.*}} (\S+)$", text, re.MULTILINE)
    return sum(map(float, values))


def family(process: int) -> list[int]:
    """A process and all that it started, directly or not."""
    found = [process]
    for one in found:
        for children in Path(f"/proc/{one}/task").glob("*/children"):
            found += map(int, children.read_text().split())
    return found


def _spent(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _faster(pace: Pace, rate: int) -> Pace:
    return msgspec.structs.replace(pace, activity=pace.activity * rate)


def main() -> None:
    """The lab, in a process of its own."""
    from scanner.lab.command import run_lab

    rate, config = int(sys.argv[1]), Path(sys.argv[2])
    for name, listing in list(LISTINGS.items()):
        LISTINGS[name] = _faster(listing, rate)
    for name, contracts in list(CONTRACTS.items()):
        CONTRACTS[name] = tuple(_faster(row, rate) for row in contracts)
    sys.exit(run_lab(write_config=config))


if __name__ == "__main__":
    main()
