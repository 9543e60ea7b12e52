"""The limit: the same job in C, where there is a compiler, and plain passes over the bytes."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from shutil import which

import numpy as np
from numba import njit

SOURCES = Path(__file__).parent / "native"
REPEATS = 20


def compiled(name: str, folder: Path) -> Path | None:
    """The program ``native/<name>.c``, built in ``folder``; None where there is no compiler."""
    compiler = which("gcc") or which("cc")
    if compiler is None:
        return None
    made = folder / name
    flags = ["-O3", "-march=native", "-w", "-o", made]
    subprocess.run([compiler, *flags, SOURCES / f"{name}.c"], check=True)
    return made


def books(folder: Path) -> Path | None:
    """The program that goes through a session as ``benchmarks.peers`` has it."""
    return compiled("books", folder)


@njit
def _sum(text):  # type: ignore[no-untyped-def]
    total = 0
    for k in range(len(text)):
        total += text[k]
    return total


@njit
def _quotes(text):  # type: ignore[no-untyped-def]
    total = 0
    for k in range(len(text)):
        total += text[k] == 34
    return total


def passes(frames: list[bytes]) -> dict[str, Callable[[], float]]:
    """us of CPU a message for looking once at each byte, and for comparing each."""
    text = np.frombuffer(b"".join(frames), np.uint8)

    def timed(go: Callable[[np.ndarray], int]) -> Callable[[], float]:
        go(text)

        def measure() -> float:
            since = time.process_time()
            for _ in range(REPEATS):
                go(text)
            return (time.process_time() - since) / REPEATS / len(frames) * 1e6

        return measure

    return {"a sum of the bytes": timed(_sum), "a count of the quotes": timed(_quotes)}
