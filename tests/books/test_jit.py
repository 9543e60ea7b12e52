"""Compiled kernels are kept for as long as no source of any kernel has changed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from scanner.books import jit

CALLEE = """
from scanner.books.jit import inlined

@inlined
def answer():
    return {}
"""
KERNEL = """
import sys
from scanner.books import jit
from scanner.engine.callee import answer

@jit.kernel
def ask():
    return answer()

print(ask(), sum(ask.stats.cache_hits.values()), jit.cache_folder())
"""


def package(folder: Path) -> Path:
    """A package with the scanner's own way of compiling and one kernel; the file of what it
    calls."""
    for name in ("books", "engine"):
        (folder / "scanner" / name).mkdir(parents=True)
        (folder / "scanner" / name / "__init__.py").touch()
    (folder / "scanner/__init__.py").touch()
    (folder / "scanner/books/jit.py").write_bytes(Path(jit.__file__).read_bytes())
    (folder / "scanner/books/kernels.py").write_text(KERNEL)
    return folder / "scanner/engine/callee.py"


def run(folder: Path, cache: Path | None = None) -> tuple[int, int, Path]:
    """What a fresh process has for an answer, how often it took a kernel as it was kept, where."""
    inherited = {key: value for key, value in os.environ.items() if "NUMBA" not in key}
    environment = {"PYTHONPATH": str(folder), "XDG_CACHE_HOME": str(cache or folder / "cache")}
    told = subprocess.run(
        [sys.executable, "-m", "scanner.books.kernels"],
        cwd=folder,
        env=inherited | environment,
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    answer, hits, kept = told.stdout.split()
    return int(answer), int(hits), Path(kept)


def test_a_kernel_whose_callee_has_changed_is_compiled_anew(tmp_path: Path) -> None:
    callee = package(tmp_path)
    callee.write_text(CALLEE.format(1))
    first = run(tmp_path)
    assert first[:2] == (1, 0)
    assert list(first[2].rglob("*.nbi")), "it was kept"
    assert run(tmp_path) == (1, 1, first[2])
    callee.write_text(CALLEE.format(2))
    second = run(tmp_path)
    assert second[:2] == (2, 0)
    assert second[2] != first[2]


def test_a_second_place_of_the_package_has_a_folder_of_its_own(tmp_path: Path) -> None:
    """What the first has compiled is no use to it, so its folder must not say that all is there."""
    folders = set()
    for place in ("one", "two"):
        package(tmp_path / place).write_text(CALLEE.format(1))
        answer, hits, folder = run(tmp_path / place, tmp_path / "cache")
        assert (answer, hits) == (1, 0)
        folders.add(folder)
    assert len(folders) == 2
