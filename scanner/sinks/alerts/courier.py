"""Carries messages to their receivers by way of a process of its own.

Apprise and its hundred services stay out of the scanner's process: a library that hangs, leaks or
dies there takes nothing with it, and what hangs can be killed. A process that holds a lost message
gets no more work; it is killed once its other messages are through.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

import msgspec

from scanner.sinks.alerts import text
from scanner.sinks.alerts.channel import DOUBT, Outcome
from scanner.sinks.alerts.desk import Job
from scanner.sinks.alerts.wire import Answer, Order, Ready

COMMAND = (sys.executable, "-P", "-m", "scanner.sinks.alerts.sending")
ROOT = Path(__file__).parents[3]
LAST_WORDS = 1.0


class Courier:
    """Sends jobs to Apprise URLs; ``answer`` is called from other threads, once for each job,
    unless it is abandoned. Its own methods are for one thread."""

    def __init__(self, answer: Callable[[Answer], None]) -> None:
        self._answer = answer
        self._urls: Mapping[str, str] = {}
        self._timeout = 10.0
        self._process: _Process | None = None
        self._condemned: list[_Process] = []

    def use(self, urls: Mapping[str, str], timeout: float) -> None:
        """From here on these are the channels; URLs that are new are looked at, and one that is
        no good is answered for under its channel's name, with no id."""
        new = [name for name, url in urls.items() if self._urls.get(name) != url]
        self._urls, self._timeout = dict(urls), timeout
        for name in new:
            self._give(Order(id="", channel=name, url=urls[name], timeout=timeout))

    def send(self, job: Job) -> None:
        """Have it sent."""
        self._give(
            Order(
                id=job.id,
                channel=job.channel,
                url=self._urls[job.channel],
                title=text.title(job.text),
                body=job.text,
                timeout=self._timeout,
            )
        )

    def abandon(self, job_id: str) -> None:
        """Nobody waits for that one any more; what hangs on it is killed."""
        for process in (*self._condemned, self._process):
            if process is None or not process.forget(job_id):
                continue
            if process is self._process:
                self._process = None
                self._condemned.append(process)
        self._bury()

    def close(self) -> None:
        """End the processes; what is not answered within a moment is not."""
        processes = [*self._condemned, *([self._process] if self._process else [])]
        self._process, self._condemned = None, []
        for process in processes:
            process.end()

    def _give(self, order: Order) -> None:
        self._bury()
        if self._process is None or not self._process.alive:
            if self._process is not None:
                self._process.end()
            self._process = _Process(self._answer)
        self._process.give(order)

    def _bury(self) -> None:
        for process in [process for process in self._condemned if not process.busy]:
            process.end()
            self._condemned.remove(process)


class _Process:
    """One process, and the thread that hears its answers."""

    def __init__(self, answer: Callable[[Answer], None]) -> None:
        self._answer = answer
        self._given: dict[tuple[str, str], Order] = {}
        self._lock = threading.Lock()
        self._ready = False
        self._error = ""
        self._process: subprocess.Popen[bytes] | None = None
        try:
            self._process = self._started()
        except OSError as error:
            self._error = f"no process could be started: {error}"
        self.alive = self._process is not None
        if self._process is not None:
            listen = threading.Thread(
                target=self._listen, args=(self._process,), name="alert answers", daemon=True
            )
            listen.start()

    @property
    def busy(self) -> bool:
        """Whether it has orders that it has not answered."""
        with self._lock:
            return self.alive and bool(self._given)

    def give(self, order: Order) -> None:
        """Have it carried out."""
        with self._lock:
            self._given[order.channel, order.id] = order
            alive = self.alive
        if alive and self._process is not None:
            stdin = self._process.stdin
            assert stdin is not None
            with suppress(OSError):  # it has died: the listener sees that too
                stdin.write(msgspec.json.encode(order) + b"\n")
                stdin.flush()
        else:
            self._lost()

    def forget(self, job_id: str) -> bool:
        """Wait no more for that one; whether it was here."""
        with self._lock:
            keys = [key for key in self._given if key[1] == job_id]
            for key in keys:
                del self._given[key]
        return bool(keys)

    def end(self) -> None:
        """Close its input, which ends it; after a moment, by force."""
        process = self._process
        if process is None:
            return
        assert process.stdin is not None
        with suppress(OSError):
            process.stdin.close()
        try:
            process.wait(LAST_WORDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    @staticmethod
    def _started() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # A Ctrl-C in the terminal is for the scanner, which decides when this ends.
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        with suppress(OSError, ValueError), process.stdout:
            self._hear(process.stdout)
        with self._lock:
            self.alive = False
        self._lost()

    def _hear(self, stdout: IO[bytes]) -> None:
        hello = msgspec.json.decode(stdout.readline() or b'{"error":""}', type=Ready)
        self._error = hello.error
        self._ready = not hello.error
        decoder = msgspec.json.Decoder(Answer)
        for line in stdout:
            answer = decoder.decode(line)
            with self._lock:
                known = self._given.pop((answer.channel, answer.id), None)
            if known is not None:
                self._answer(answer)

    def _lost(self) -> None:
        """It is gone: what it was given is of unknown fate, or was never taken up."""
        with self._lock:
            orders, self._given = list(self._given.values()), {}
        for order in orders:
            if self._ready:
                outcome, error = Outcome.UNKNOWN, f"the process that sends died; {DOUBT}"
            else:
                outcome, error = Outcome.REFUSED, self._error or "the process that sends died"
            self._answer(Answer(id=order.id, channel=order.channel, outcome=outcome, error=error))
