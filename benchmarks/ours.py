"""Ours as a subject: the two lanes over the same session, message by message and by reads."""

from __future__ import annotations

import time
from typing import Literal

import msgspec
import numpy as np

from benchmarks.corpus import BEGIN, SECOND, Outcome, Session, connected, outcome, pipeline
from scanner.lane import Lane

Way = Literal["reads", "one", "reference"]
READ = 32
VENUES = 5


class Ours:
    """The session told to connections of ``VENUES`` venues that trade the same; when the books
    stand, one of them alone goes on, and each message is scanned against the others.

    ``share`` (of the fast lane) and ``books`` are those of the last round.
    """

    def __init__(self, session: Session, way: Way) -> None:
        self._session = session
        self._way = way
        raws = session.frames
        self._raws = raws
        self._memory = np.frombuffer(b"".join(raws), np.uint8)
        self._ends = np.cumsum([len(raw) for raw in raws], dtype=np.int64)
        self._starts = self._ends - np.array([len(raw) for raw in raws], np.int64)
        self.share = 0.0
        self.books: Outcome = {}

    def round(self) -> float:
        """us of CPU a message."""
        venue = self._session.venue
        if self._way == "reference":
            venue = msgspec.structs.replace(venue, wire=None)
        through = pipeline()
        for number in range(VENUES):
            lane = connected(through, venue, self._session.markets, self._session.depth, number)
            for method, arguments in self._session.calls[: self._session.begun]:
                getattr(lane, method)(*arguments)
        before = [sum(x) for x in zip((0, 0), *_counted(lane), strict=True)]
        since = time.process_time()
        self._go(lane)
        spent = time.process_time() - since
        messages, fast = (
            sum(x) - y for x, y in zip(zip(*_counted(lane), strict=True), before, strict=True)
        )
        self.share = fast / max(messages, 1)
        self.books = outcome(through, lane)
        return spent / len(self._raws) * 1e6

    def _go(self, lane: Lane) -> None:
        at = BEGIN + 3600 * SECOND
        if self._way != "reads":
            for raw in self._raws:
                lane.received(raw, at)
            return
        memory, starts, ends = (a.ctypes.data for a in (self._memory, self._starts, self._ends))
        for first in range(0, len(self._raws), READ):
            count = min(READ, len(self._raws) - first)
            lane.received_many(memory, starts + 8 * first, ends + 8 * first, count, at)


def _counted(lane: Lane) -> list[tuple[int, int]]:
    return [(counts.messages, counts.fast) for counts in lane.counts.values()]
