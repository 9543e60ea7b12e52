"""Lines leave by a thread of their own; a slow or vanished reader costs lines, never time."""

from __future__ import annotations

import io
import os
import threading
from contextlib import suppress

from scanner.sinks.lines import Lines
from tests.sinks.test_formats import opportunity


class Stuck(io.StringIO):
    """A stream that takes nothing until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()
        self.entered = threading.Event()

    def write(self, text: str) -> int:
        self.entered.set()
        self.go.wait(10)
        return super().write(text)


def form(opportunity: object) -> str:
    return "line"


def never() -> None:
    raise AssertionError("the reader is there")


def test_writes_every_line_before_it_ends() -> None:
    stream = io.StringIO()
    lines = Lines(stream, form, gone=never)
    for _ in range(1000):
        lines(opportunity())
    lines.close()
    assert stream.getvalue() == "line\n" * 1000
    assert lines.dropped == 0


def test_a_stuck_reader_costs_lines_which_are_counted() -> None:
    stream = Stuck()
    lines = Lines(stream, form, gone=never, limit=10)
    lines(opportunity())
    assert stream.entered.wait(5)
    for _ in range(25):
        lines(opportunity())
    assert lines.dropped == 15
    stream.go.set()
    lines.close()
    assert stream.getvalue() == "line\n" * 11


def test_a_reader_that_is_gone_is_told_once_and_nothing_blocks() -> None:
    read, write = os.pipe()
    os.close(read)
    told = threading.Event()
    calls: list[int] = []

    def gone() -> None:
        calls.append(1)
        told.set()

    with suppress(BrokenPipeError), os.fdopen(write, "w", buffering=1) as stream:
        lines = Lines(stream, form, gone=gone, limit=5)
        lines(opportunity())
        assert told.wait(5)
        for _ in range(50):
            lines(opportunity())
        lines.close()
    assert calls == [1]
