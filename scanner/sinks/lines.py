"""Lines to a stream from a thread of their own, so that a slow reader never delays the scan."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Full, Queue
from typing import TextIO

from scanner.events import Opportunity


class Lines:
    """Writes each opportunity as one line; at most ``limit`` lines wait, more are dropped.

    ``dropped`` counts those. When the reader has closed its end, ``gone`` is called once, from the
    thread.
    """

    def __init__(
        self,
        stream: TextIO,
        form: Callable[[Opportunity], str],
        *,
        gone: Callable[[], object],
        limit: int = 10_000,
    ) -> None:
        self._stream = stream
        self._form = form
        self._gone = gone
        self._queue: Queue[Opportunity | None] = Queue(limit)
        self.dropped = 0
        self._thread = threading.Thread(target=self._write, name="lines", daemon=True)
        self._thread.start()

    def __call__(self, event: object) -> None:
        """Take an event; what is no ``Opportunity`` has no line."""
        if not isinstance(event, Opportunity):
            return
        try:
            self._queue.put_nowait(event)
        except Full:
            self.dropped += 1

    @property
    def waiting(self) -> int:
        """How many lines wait to be written."""
        return self._queue.qsize()

    def close(self, seconds: float = 2.0) -> None:
        """Write what waits, for at most ``seconds``."""
        try:
            self._queue.put(None, timeout=seconds)
        except Full:
            return
        self._thread.join(seconds)

    def _write(self) -> None:
        try:
            while (opportunity := self._queue.get()) is not None:
                self._stream.write(self._form(opportunity) + "\n")
                if self._queue.empty():
                    self._stream.flush()
        except (OSError, ValueError):
            self._gone()
            while self._queue.get() is not None:
                pass
