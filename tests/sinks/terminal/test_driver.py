"""What goes to the terminal goes from a thread of its own."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator

import pytest

from scanner.sinks.terminal.driver import Outlet

Pipe = tuple[int, int]


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """(where one reads, where one writes); it takes 64 KiB before it has to be read."""
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            continue


def test_everything_is_written_in_order(pipe: Pipe) -> None:
    outlet = Outlet(pipe[1], lambda: None)
    expected = "".join(f"{i}▲;" for i in range(100))
    for i in range(100):
        outlet.write(f"{i}▲;")
    outlet.close()
    outlet.wait()
    assert os.read(pipe[0], 65536).decode() == expected


def test_writing_never_waits(pipe: Pipe) -> None:
    outlet = Outlet(pipe[1], lambda: None)
    begun = time.monotonic()
    for _ in range(1000):
        outlet.write("x" * 1000)
    assert time.monotonic() - begun < 0.5
    assert outlet.waiting > 900
    outlet.close()
    outlet.wait(seconds=0.05)
    assert time.monotonic() - begun < 1
    taken = 0
    while taken < 1_000_000:
        taken += len(os.read(pipe[0], 65536))
    outlet.wait()
    assert outlet.waiting == 0


def test_a_terminal_that_is_gone_is_told_of_once(pipe: Pipe) -> None:
    os.close(pipe[0])
    told = threading.Event()
    times: list[int] = []
    outlet = Outlet(pipe[1], lambda: (times.append(1), told.set()))
    for _ in range(10):
        outlet.write("x")
    outlet.close()
    outlet.wait()
    assert told.is_set() and times == [1]
    assert outlet.waiting == 0


def test_a_text_that_is_no_unicode_is_written_somehow(pipe: Pipe) -> None:
    outlet = Outlet(pipe[1], lambda: None)
    outlet.write("a\ud800b")
    outlet.close()
    outlet.wait()
    assert os.read(pipe[0], 10) == b"a?b"
