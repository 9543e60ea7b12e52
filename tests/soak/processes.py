"""The commands as a user starts them, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[2]
CROSSBOOK = (sys.executable, "-c", "from scanner.cli import main; main()")
MEGABYTE = 1 << 20


def crossbook(
    *arguments: object, output: int | IO[bytes] = subprocess.PIPE, errors: IO[bytes] | None = None
) -> subprocess.Popen[bytes]:
    """A command of ours, the first of a process group: what it starts can be ended with it."""
    command = [*CROSSBOOK, *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=errors, start_new_session=True)


@contextmanager
def lab(folder: Path, *, seed: int = 1, workers: int | None = None) -> Iterator[Path]:
    """Simulated venues while the block runs; a configuration that points at them."""
    config = folder / "config.yaml"
    process = crossbook("lab", "--seed", seed, "--write-config", config)
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"ready")
        with config.open("a") as file:
            file.write(f"cache_dir: {folder / 'cache'}\n")
            file.write(f"workers: {workers}\n" if workers else "")
        yield config
    finally:
        process.terminate()
        process.wait(10)


def resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def busy(pid: int) -> float:
    """Seconds of processor time that it has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def size(path: Path) -> int:
    """Bytes of a file; 0 if there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
