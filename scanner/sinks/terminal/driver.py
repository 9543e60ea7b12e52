"""The terminal itself, and its end: one that is slow or gone never holds up the scanner.

Textual's own driver writes through a short queue that blocks the event loop when the terminal does
not read (a stalled ssh, say), ends with a traceback when it is gone, and reads on at full speed
after an end of file. The loop is shared with the feeds here, so none of that will do.
"""

from __future__ import annotations

import sys
import threading
from codecs import getincrementaldecoder
from collections.abc import Callable
from contextlib import suppress
from os import read, write
from queue import SimpleQueue
from selectors import EVENT_READ, DefaultSelector
from typing import TYPE_CHECKING

from textual._xterm_parser import XTermParser
from textual.drivers.linux_driver import LinuxDriver

if TYPE_CHECKING:
    from textual.app import App

CHUNK = 4096
POLL = 0.1
LAST_WRITE = 1.0


class Outlet:
    """Writes to the terminal from a thread of its own; ``write`` returns at once, always.

    ``waiting`` texts are on their way: who draws frames should not add to them. When the terminal
    is gone, ``gone`` is called once, from the thread, and the rest is dropped.
    """

    def __init__(self, target: int, gone: Callable[[], object]) -> None:
        self._target = target
        self._gone = gone
        self._queue: SimpleQueue[str | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="terminal", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many texts have not been taken yet."""
        return self._queue.qsize()

    def write(self, text: str) -> None:
        """Have ``text`` written."""
        self._queue.put(text)

    def close(self) -> None:
        """Nothing more comes."""
        self._queue.put(None)

    def wait(self, seconds: float = LAST_WRITE) -> None:
        """After ``close``: until all is written, but no longer than that."""
        self._thread.join(seconds)

    def _run(self) -> None:
        # Past the buffer of the stream: a thread that is stuck in there holds its lock to the end.
        try:
            while (text := self._queue.get()) is not None:
                data = memoryview(text.encode("utf-8", "replace"))
                while data:
                    data = data[write(self._target, data) :]
        except OSError:
            self._gone()
            while self._queue.get() is not None:
                pass


class TerminalDriver(LinuxDriver):
    """Textual's driver for a POSIX terminal, on standard input and output."""

    def __init__(self, app: App[object], **options: object) -> None:
        super().__init__(app, **options)  # type: ignore[arg-type]
        assert sys.__stdout__ is not None, "a driver needs a terminal"
        self._file = sys.__stdout__
        self._target = sys.__stdout__.fileno()
        self._outlet: Outlet | None = None

    @property
    def busy(self) -> bool:
        """Whether the terminal has not taken yet what was sent before."""
        return self._outlet is not None and self._outlet.waiting > 0

    def start_application_mode(self) -> None:
        """Take over the terminal."""
        if self._outlet is None:
            self._outlet = Outlet(self._target, self._gone)
        super().start_application_mode()  # type: ignore[no-untyped-call]

    def write(self, data: str) -> None:
        """Have ``data`` written; never waits."""
        if self._outlet is not None:
            self._outlet.write(data)

    def close(self) -> None:
        """The terminal has been given back."""
        super().close()
        if self._outlet is not None:
            self._outlet.close()

    def wait(self) -> None:
        """After ``close``: until the terminal has taken the last of it, if it ever does."""
        if self._outlet is not None:
            self._outlet.wait()

    def run_input_thread(self) -> None:
        """Keys and mouse, until the end of the application or of the terminal."""
        parser = XTermParser(self._debug)
        decode = getincrementaldecoder("utf-8")(errors="replace").decode
        with DefaultSelector() as selector:
            selector.register(self.fileno, EVENT_READ)
            while not self.exit_event.is_set():
                if selector.select(POLL):
                    try:
                        data = read(self.fileno, CHUNK)
                    except OSError:
                        data = b""
                    if not data:
                        self._gone()
                        return
                    for message in parser.feed(decode(data)):
                        self.process_message(message)
                for message in parser.tick():
                    self.process_message(message)

    def _gone(self) -> None:
        """Nobody is there any more. Called from a thread, at the very end perhaps too late."""
        with suppress(RuntimeError):
            self._app.call_later(self._app.exit)
