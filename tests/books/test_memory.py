"""Views of memory: the same values with and without checks, and checks that stop what they must."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import numpy as np
from scanner.books.jit import kernel
from scanner.books.memory import move, put_word, slot, view, word

@kernel
def at(table_address, i):
    return slot(view(table_address, 2, np.int64), 0, np.int16)[i]

@kernel
def moved(address, to, start, count):
    numbers = view(address, 5, np.float64)
    move(numbers, to, start, count)

@kernel
def written(address):
    text = view(address, 12, np.uint8)
    put_word(text, 3, word(text, 1))

numbers = np.arange(-2, 4, dtype=np.int16)
table = np.array([numbers.ctypes.data, 5])
reals = np.arange(5.0)
moved(reals.ctypes.data, 1, 0, 4)
moved(reals.ctypes.data, 0, 2, 2)
text = np.frombuffer(bytearray(b"abcdefghijkl"), np.uint8)
written(text.ctypes.data)
print([int(at(table.ctypes.data, i)) for i in range(5)], reals.tolist(), text.tobytes().decode())
try:
    print(at(table.ctypes.data, 5))
except IndexError:
    print("stopped")
"""


@pytest.mark.parametrize(("checked", "beyond"), [("0", "3"), ("1", "stopped")])
def test_what_lies_beyond_a_view_is_refused_where_indices_are_checked(
    tmp_path: Path, checked: str, beyond: str
) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    inherited = {key: value for key, value in os.environ.items() if "NUMBA" not in key}
    told = subprocess.run(
        [sys.executable, program],
        env=inherited | {"NUMBA_BOUNDSCHECK": checked, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert told.stdout.splitlines() == [
        "[-2, -1, 0, 1, 2] [1.0, 2.0, 1.0, 2.0, 3.0] abcbcdefghil",
        beyond,
    ]
