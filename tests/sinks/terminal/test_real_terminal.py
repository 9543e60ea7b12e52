"""On a real pseudo terminal: it is given back as it was, it may change its size, stop reading, or
go away; whatever it does, what shares the event loop is not held up."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
ENTER, LEAVE, CURSOR = b"\x1b[?1049h", b"\x1b[?1049l", b"\x1b[?25h"


class Held:
    """A process on a terminal of ours."""

    def __init__(self, report: Path, *, seconds: float, controlling: bool, loop: str) -> None:
        self.report = report
        self.master, self._slave = pty.openpty()
        self.resize(80, 24)
        self.before = termios.tcgetattr(self._slave)
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        environment.pop("NO_COLOR", None)
        command = [sys.executable, "-m", "tests.sinks.terminal.standalone"]
        self.process = subprocess.Popen(
            [*command, str(report), str(seconds), loop, "controlling" if controlling else ""],
            cwd=ROOT,
            env=environment,
            stdin=self._slave,
            stdout=self._slave,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self.seen = b""

    def resize(self, width: int, height: int) -> None:
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def read(self, until: bytes = b"", seconds: float = 15.0) -> bytes:
        """What comes until ``until`` has been seen, or for so long."""
        since, deadline = len(self.seen), time.monotonic() + seconds
        while time.monotonic() < deadline and not (until and until in self.seen[since:]):
            if select.select([self.master], [], [], 0.05)[0]:
                with suppress(OSError):
                    data = os.read(self.master, 65536)
                    self._answer(data)
                    self.seen += data
            elif self.process.poll() is not None:
                break
        return self.seen[since:]

    def _answer(self, data: bytes) -> None:
        """As a terminal does: the colour of its ground, and what it is."""
        if b"\x1b]11;?" in data:
            os.write(self.master, b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\\x1b[?62;c")

    def attributes(self) -> list[Any]:
        return termios.tcgetattr(self._slave)

    def release(self) -> None:
        """The terminal goes away."""
        for end in (self.master, self._slave):
            with suppress(OSError):
                os.close(end)

    def told(self) -> dict[str, Any]:
        """What the process has reported; it has to end by itself."""
        _, errors = self.process.communicate(timeout=15)
        assert (self.process.returncode, errors.decode()) == (0, "")
        report: dict[str, Any] = json.loads(self.report.read_text())
        return report


@contextmanager
def held(
    folder: Path, *, seconds: float = 30, controlling: bool = True, loop: str = "asyncio"
) -> Iterator[Held]:
    terminal = Held(folder / "report.json", seconds=seconds, controlling=controlling, loop=loop)
    try:
        terminal.read(until=b"S01/USDT")
        assert ENTER in terminal.seen
        yield terminal
    finally:
        terminal.release()
        if terminal.process.poll() is None:
            terminal.process.kill()
            terminal.process.communicate()


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_the_terminal_is_given_back_as_it_was(tmp_path: Path, loop: str) -> None:
    pytest.importorskip(loop)
    with held(tmp_path, loop=loop) as terminal:
        assert terminal.attributes() != terminal.before
        os.write(terminal.master, b"q")
        left = terminal.read()
        assert LEAVE in left and left.rindex(CURSOR) > 0
        assert terminal.attributes() == terminal.before
        assert not terminal.told()["stopped"]


def test_a_light_terminal_gets_the_light_theme(tmp_path: Path) -> None:
    with held(tmp_path, seconds=0.5) as terminal:
        terminal.read()
        assert b"48;2;251;252;253" in terminal.seen
        assert terminal.told()["stopped"]


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_another_size(tmp_path: Path, loop: str) -> None:
    pytest.importorskip(loop)
    with held(tmp_path, loop=loop) as terminal:
        for width, height in ((200, 60), (20, 5), (120, 40)):
            terminal.resize(width, height)
            os.kill(terminal.process.pid, signal.SIGWINCH)
            terminal.read(seconds=0.4)
        assert b"near misses" in terminal.seen or b"SYMBOL" in terminal.seen
        os.write(terminal.master, b"q")
        terminal.read()
        terminal.told()


@pytest.mark.parametrize("controlling", [True, False], ids=["SIGHUP", "EIO"])
def test_a_terminal_that_closes_ends_it(tmp_path: Path, controlling: bool) -> None:
    with held(tmp_path, controlling=controlling) as terminal:
        terminal.release()
        begun = time.monotonic()
        told = terminal.told()
        assert time.monotonic() - begun < 5
        assert not told["stopped"] and told["longest"] < 1


def test_a_terminal_that_stops_reading_holds_up_nothing(tmp_path: Path) -> None:
    with held(tmp_path, seconds=2.5) as terminal:
        told = terminal.told()  # nothing has been read since
        assert told["stopped"]
        assert told["longest"] < 1
        assert told["seconds"] < 8
