"""CPU and memory of ``crossbook watch`` over the lab, at its normal rate and where its books change
10 and 100 times as often (channels that a venue paces do not speak more often then; they say more).

All processes of ``watch`` are counted, the lab's is not.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from benchmarks.memory import resident
from benchmarks.rows import Asked, Row, rows

TICKS = os.sysconf("SC_CLK_TCK")
RATES = (1, 10, 100)
# Connections are paced: some open only after ten seconds, and kernels are still warmed then.
SETTLES = 20.0


def run(asked: Asked) -> Iterator[Row]:
    """Percent of one core once it is settled, and MB in all at the end; in haste at 1x alone.

    A rate at which the lab, one process, does not even list its markets in time is left out, and
    said.
    """
    seconds = 5.0 if asked.quick else 40.0
    cpu: dict[str, list[float]] = {}
    memory: dict[str, list[float]] = {}
    for rate in RATES[:1] if asked.quick else RATES:
        with (
            tempfile.TemporaryDirectory() as folder,
            lab(rate, Path(folder) / "lab.yaml") as config,
        ):
            name = f"lab at {rate}x"
            try:
                cpu[name], memory[name] = _watched(config, seconds)
            except RuntimeError as error:
                print(f"{name} is left out: {error}", flush=True)
    base = f"lab at {RATES[0]}x"
    yield from rows("watch", "CPU of all its processes", "% of a core", cpu, base)
    yield from rows("watch", "memory of all its processes", "MB", memory, base)


@contextmanager
def lab(rate: int, config: Path) -> Iterator[Path]:
    """A lab whose books change ``rate`` times as often as they do by themselves."""
    command = [sys.executable, "-m", "benchmarks.watch", str(rate), str(config)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield config
    finally:
        process.terminate()
        process.wait()


def _watched(config: Path, seconds: float) -> tuple[list[float], list[float]]:
    """CPU and memory; raises ``RuntimeError`` with its last words if ``watch`` ends by itself."""
    command = [sys.executable, "-c", "from scanner.cli import main; main()", "watch", "--plain"]
    command += ["--config", str(config)]
    command += ["--seconds", str(SETTLES + seconds + 20), "--db", str(config.parent / "found.db")]
    with open(config.parent / "said", "wb") as said:
        process = subprocess.Popen(command, stdout=said, stderr=said)
        try:
            time.sleep(SETTLES)
            known = {one: _spent(one) for one in family(process.pid)}
            since = time.monotonic()
            time.sleep(seconds)
            took = time.monotonic() - since
            if process.poll() is not None:
                last = (config.parent / "said").read_text().rstrip().rpartition("\n")[2]
                raise RuntimeError(last)
            now = {one: _spent(one) for one in family(process.pid)}
            spent = sum(value - known.get(one, 0.0) for one, value in now.items())
            return [100 * spent / took], [sum(map(resident, now))]
        finally:
            process.terminate()
            process.wait()


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


def main() -> None:
    """The lab, in a process of its own."""
    from scanner.lab import listings
    from scanner.lab.command import run_lab

    rate, config = int(sys.argv[1]), Path(sys.argv[2])
    for name, listing in list(listings.LISTINGS.items()):
        faster = msgspec.structs.replace(listing, activity=listing.activity * rate)
        listings.LISTINGS[name] = faster
    sys.exit(run_lab(write_config=config))


if __name__ == "__main__":
    main()
