"""One stream of events to many sinks."""

from __future__ import annotations

import logging
from collections.abc import Callable

log = logging.getLogger(__name__)
Sink = Callable[[object], object]


class Fanout:
    """Gives every event to every sink. One that fails is logged, once, and left out from then on:
    the others and the scan go on."""

    def __init__(self) -> None:
        self._sinks: list[Sink] = []

    def add(self, sink: Sink) -> None:
        """The sink hears of everything from now on; it must return at once."""
        self._sinks.append(sink)

    def __call__(self, event: object) -> None:
        for sink in tuple(self._sinks):
            try:
                sink(event)
            except Exception:
                self._sinks.remove(sink)
                log.exception("%s failed and gets no more events", type(sink).__name__)
