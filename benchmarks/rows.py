"""What a benchmark finds: rows, and how they are printed and written."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct


class Asked(Struct, frozen=True, kw_only=True):
    """What the command line asks for. ``venues``: those of the benchmarks by venue; none: all."""

    quick: bool = False
    venues: tuple[str, ...] = ()

    @property
    def rounds(self) -> int:
        return 3 if self.quick else 7


class Row(Struct, frozen=True):
    """One median, and how many times ours it is (None: there is nothing of ours beside it)."""

    bench: str
    case: str
    subject: str
    median: float
    unit: str
    ratio_to_ours: float | None


def rows(
    bench: str, case: str, unit: str, found: Mapping[str, Sequence[float]], base: str | None
) -> list[Row]:
    """A row for each subject of a case. ``base``: which one is ours."""
    ours = statistics.median(found[base]) if base else 0.0
    made = []
    for subject, values in found.items():
        median = statistics.median(values)
        made.append(Row(bench, case, subject, median, unit, median / ours if ours else None))
    return made


def in_turn(subjects: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Every subject once a round, so that what else the machine does meets all of them alike; the
    first round warms up."""
    found: dict[str, list[float]] = {subject: [] for subject in subjects}
    for turn in range(rounds + 1):
        for subject, measure in subjects.items():
            value = measure()
            if turn:
                found[subject].append(value)
    return found


def show(made: Iterable[Row]) -> None:
    """Print rows, under a line for each case."""
    last = None
    for row in made:
        if (row.bench, row.case) != last:
            last = (row.bench, row.case)
            print(f"\n{row.bench}: {row.case}", flush=True)
        ratio = "" if row.ratio_to_ours is None else f"{row.ratio_to_ours:9.2f}x"
        print(f"  {row.subject:36}{row.median:14,.3f} {row.unit:14}{ratio}", flush=True)


def write(path: Path, made: Sequence[Row]) -> None:
    """All rows, one JSON object a line."""
    path.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in made))
