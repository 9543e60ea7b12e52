"""Resident memory of a process with books that stand, its engine and its kernels: nothing yet, a
few books, and 20 venues of 500 symbols at depth 50."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from benchmarks.rows import Asked, Row, rows

SIZES = {
    "no books": (0, 0, 0),
    "20 venues x 50 symbols x 50 levels": (20, 50, 50),
    "20 venues x 500 symbols x 50 levels": (20, 500, 50),
    "20 venues x 50 symbols x 400 levels": (20, 50, 400),
}
QUICK = ("no books", "20 venues x 500 symbols x 50 levels")
CHANGES = 20_000


def run(asked: Asked) -> Iterator[Row]:
    """MB in all after changes have come, and kB for each book beyond the bare process."""
    sizes = {name: size for name, size in SIZES.items() if not asked.quick or name in QUICK}
    found = {name: [_resident(*size)] for name, size in sizes.items()}
    yield from rows("memory", "process with books and engine", "MB", found, None)
    (bare,) = found["no books"]
    each = {
        name: [(values[0] - bare) * 1024 / (SIZES[name][0] * SIZES[name][1])]
        for name, values in found.items()
        if SIZES[name][0]
    }
    yield from rows("memory", "of each book", "kB", each, None)


def _resident(venues: int, symbols: int, levels: int) -> float:
    command = [sys.executable, "-m", "benchmarks.memory", *map(str, (venues, symbols, levels))]
    return float(subprocess.run(command, capture_output=True, check=True).stdout)


def resident(process: int | str = "self") -> float:
    """MB of a process, shared libraries included."""
    with open(f"/proc/{process}/statm") as told:
        return int(told.read().split()[1]) * 4096 / 2**20


def main() -> None:
    """In a process of its own: make the books, tell changes, say what it takes."""
    from benchmarks.synthetic import Books

    venues, symbols, levels = map(int, sys.argv[1:])
    made = Books(venues, symbols, levels) if venues else Books(1, 1, 1)
    made.changes(CHANGES if venues else 10).take()
    print(resident())


if __name__ == "__main__":
    main()
