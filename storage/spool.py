"""Rows that wait in memory for the database, within a bound.

The scanner's thread adds, the writer's takes; both hold the lock for microseconds. All events of an
opportunity fold into one draft, so a long wait costs no more than a short one. When the bound is
reached, samples go first, oldest first, then readings, what became of opportunities, feed events,
suspects and alerts; opportunities last.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from typing import TypeVar

from msgspec import Struct

from scanner.events import Alert, FeedEvent, Opportunity, Survival, Suspect
from storage.draft import Draft, Track
from storage.readings import READINGS, TABLES, Reading

T = TypeVar("T")
Sample = tuple[str, int, float, float, float, float]
SuspectKey = tuple[str, str, str, bool]


class Batch(Struct):
    """What one transaction writes. ``since``: when the oldest of it was accepted, ns."""

    since: int
    drafts: dict[str, Draft] = {}
    alerts: dict[str, Alert] = {}
    feed_events: list[tuple[int, FeedEvent]] = []
    samples: list[Sample] = []
    survivals: list[Survival] = []
    suspects: dict[SuspectKey, Suspect] = {}
    readings: list[Reading] = []

    @property
    def rows(self) -> int:
        """How many rows it is."""
        others = (self.alerts, self.feed_events, self.samples, self.survivals, self.suspects)
        return (
            len(self.readings)
            + sum(map(len, others))
            + sum(draft.rows for draft in self.drafts.values())
        )

    def parts(self) -> list[Batch]:
        """The same as batches of one thing each."""
        since = self.since
        return [
            *(Batch(since=since, drafts={key: draft}) for key, draft in self.drafts.items()),
            *(Batch(since=since, alerts={key: alert}) for key, alert in self.alerts.items()),
            *(Batch(since=since, feed_events=[event]) for event in self.feed_events),
            *(Batch(since=since, samples=[sample]) for sample in self.samples),
            *(Batch(since=since, survivals=[survival]) for survival in self.survivals),
            *(Batch(since=since, suspects={key: one}) for key, one in self.suspects.items()),
            *(Batch(since=since, readings=[reading]) for reading in self.readings),
        ]

    @property
    def table(self) -> str:
        """The table of a batch of one thing."""
        if self.drafts:
            return "opportunity"
        if self.alerts:
            return "alert"
        if self.feed_events:
            return "feed_event"
        for table, waiting in (
            ("survival", self.survivals),
            ("suspect", self.suspects),
            ("sample", self.samples),
        ):
            if waiting:
                return table
        return TABLES[type(self.readings[0])].name

    @staticmethod
    def of(since: int, parts: list[Batch]) -> Batch:
        """Several as one."""
        whole = Batch(since=since)
        for part in parts:
            whole.drafts.update(part.drafts)
            whole.alerts.update(part.alerts)
            whole.feed_events += part.feed_events
            whole.samples += part.samples
            whole.survivals += part.survivals
            whole.suspects.update(part.suspects)
            whole.readings += part.readings
        return whole


class Spool:
    """Takes events, gives batches; at most ``limit`` rows wait."""

    def __init__(self, limit: int, now: Callable[[], int]) -> None:
        self._limit = limit
        self._now = now
        self._lock = threading.Lock()
        self._tracks: dict[str, Track] = {}
        self._drafts: OrderedDict[str, Draft] = OrderedDict()
        self._alerts: OrderedDict[str, Alert] = OrderedDict()
        self._feed_events: deque[tuple[int, FeedEvent]] = deque()
        self._samples: deque[Sample] = deque()
        self._survivals: deque[Survival] = deque()
        self._suspects: OrderedDict[SuspectKey, Suspect] = OrderedDict()
        self._readings: deque[Reading] = deque()
        self._numbered = 0
        self._rows = 0
        self._since = 0
        self._out: Batch | None = None
        self._losses: Counter[str] = Counter()

    def add(self, event: object) -> int:
        """Take an event; how many rows wait now. What it does not know it ignores."""
        with self._lock:
            before = self._rows
            match event:
                case Opportunity():
                    self._opportunity(event)
                case FeedEvent():
                    self._numbered += 1
                    self._feed_events.append((self._numbered, event))
                    self._rows += 1
                case Alert():
                    self._rows += event.id not in self._alerts
                    self._alerts[event.id] = event
                case Survival():
                    self._survivals.append(event)
                    self._rows += 1
                case Suspect():
                    self._rows += event.key not in self._suspects
                    self._suspects[event.key] = event
                case _ if isinstance(event, READINGS):
                    self._readings.append(event)
                    self._rows += 1
            if not before and self._rows:
                self._since = self._now()
            while self._rows > self._limit:
                self._drop()
            return self._rows

    def take(self, limit: int) -> Batch | None:
        """The next batch, of about ``limit`` rows; None if nothing waits.

        It stays the spool's until it is ``written`` or ``given_back``.
        """
        with self._lock:
            if not self._rows:
                return None
            batch = Batch(since=self._since)
            room = limit
            while self._drafts and room > 0:
                key, draft = self._drafts.popitem(last=False)
                batch.drafts[key] = draft
                room -= draft.rows
            while self._alerts and room > 0:
                key, alert = self._alerts.popitem(last=False)
                batch.alerts[key] = alert
                room -= 1
            while self._suspects and room > 0:
                what, suspect = self._suspects.popitem(last=False)
                batch.suspects[what] = suspect
                room -= 1
            batch.feed_events = _first(self._feed_events, room)
            room -= len(batch.feed_events)
            batch.samples = _first(self._samples, room)
            room -= len(batch.samples)
            batch.survivals = _first(self._survivals, room)
            room -= len(batch.survivals)
            batch.readings = _first(self._readings, room)
            self._rows -= batch.rows
            self._out = batch
            if not self._rows:
                self._since = 0
            return batch

    def written(self) -> None:
        """The batch that was taken is in the database."""
        with self._lock:
            self._out = None

    def given_back(self) -> None:
        """The batch that was taken is not in the database: it goes before all others."""
        with self._lock:
            batch, self._out = self._out, None
            if batch is None:
                return
            self._since = batch.since
            self._feed_events.extendleft(reversed(batch.feed_events))
            self._samples.extendleft(reversed(batch.samples))
            self._survivals.extendleft(reversed(batch.survivals))
            self._readings.extendleft(reversed(batch.readings))
            self._rows += len(batch.feed_events) + len(batch.samples) + len(batch.readings)
            self._rows += len(batch.survivals)
            for what, suspect in reversed(batch.suspects.items()):
                self._rows += what not in self._suspects
                self._suspects.setdefault(what, suspect)
                self._suspects.move_to_end(what, last=False)
            for key, alert in reversed(batch.alerts.items()):
                self._rows += key not in self._alerts
                self._alerts.setdefault(key, alert)
                self._alerts.move_to_end(key, last=False)
            for key, draft in reversed(batch.drafts.items()):
                later = self._drafts.get(key)
                merged = draft.then(later) if later else draft
                self._rows += merged.rows - (later.rows if later else 0)
                self._drafts[key] = merged
                self._drafts.move_to_end(key, last=False)
            while self._rows > self._limit:
                self._drop()

    def lose(self, table: str) -> None:
        """Count a row that the database will never take."""
        with self._lock:
            self._losses[table] += 1

    def open_ids(self) -> set[str]:
        """The opportunities that are open, or not yet written as closed."""
        with self._lock:
            return {*self._tracks, *self._drafts, *(self._out.drafts if self._out else ())}

    @property
    def losses(self) -> dict[str, int]:
        """Rows given up, by table."""
        with self._lock:
            return dict(self._losses)

    def waiting(self) -> tuple[int, int]:
        """How many rows are not in the database yet, and since when the oldest is here (ns)."""
        with self._lock:
            out = self._out
            if out is None:
                return self._rows, self._since
            return self._rows + out.rows, out.since

    def _opportunity(self, event: Opportunity) -> None:
        track = self._tracks.get(event.id)
        opening = event.event == "opened"
        if track is None:
            track = self._tracks[event.id] = Track()
        if event.event == "closed":
            del self._tracks[event.id]
            self._put(Draft(event, track.updates))
            return
        peak, notable = track.peaks(event)
        if opening:
            self._put(Draft(event, 0, opened=event))
        else:
            track.updates += 1
            self._put(Draft(event, track.updates, peak=event if peak else None))
        if track.sampled(event, notable):
            self._samples.append(
                (event.id, event.at, event.size, event.gross_bps, event.net_bps, event.net_profit)
            )
            self._rows += 1

    def _put(self, draft: Draft) -> None:
        key = draft.last.id
        earlier = self._drafts.get(key)
        if earlier is not None:
            self._rows -= earlier.rows
            draft = earlier.then(draft)
        self._drafts[key] = draft
        self._rows += draft.rows

    def _drop(self) -> None:
        """Give up the least of what waits."""
        if self._samples:
            self._samples.popleft()
            table = "sample"
        elif self._readings:
            table = TABLES[type(self._readings.popleft())].name
        elif self._survivals:
            self._survivals.popleft()
            table = "survival"
        elif self._feed_events:
            self._feed_events.popleft()
            table = "feed_event"
        elif self._suspects:
            self._suspects.popitem(last=False)
            table = "suspect"
        elif self._alerts:
            self._alerts.popitem(last=False)
            table = "alert"
        else:
            _, draft = self._drafts.popitem(last=False)
            self._rows -= draft.rows - 1
            table = "opportunity"
        self._rows -= 1
        self._losses[table] += 1


def _first(queue: deque[T], count: int) -> list[T]:
    count = max(0, min(count, len(queue)))
    return [queue.popleft() for _ in range(count)]
