"""What a scan is doing, as Prometheus metrics. They are put together when somebody asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from scanner import __version__
from scanner.events import Opportunity
from scanner.feeds.health import ConnectionState
from scanner.view.scan_state import ScanState, WorkersState

if TYPE_CHECKING:
    from scanner.sinks.alerts.delivery import AlertsState
    from storage.records import WriterState

PREFIX = "crossbook_"
CONNECTION = ("venue", "connection")


class Lines(Protocol):
    """A queue of lines to be printed."""

    @property
    def waiting(self) -> int: ...

    @property
    def dropped(self) -> int: ...


class Sources(Struct, frozen=True, kw_only=True):
    """Whom to ask; ``None``: there is no such thing in this run."""

    scan: Callable[[], ScanState]
    workers: Callable[[], WorkersState] | None = None
    lines: Lines | None = None
    writer: Callable[[], WriterState] | None = None
    alerts: Callable[[], AlertsState] | None = None


class Metrics:
    """A sink that counts opportunities, and the text of all metrics."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._events: Counter[str] = Counter()
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def __call__(self, event: object) -> None:
        """Count an event."""
        if isinstance(event, Opportunity):
            self._events[event.event] += 1

    def text(self) -> bytes:
        """Everything, in Prometheus' text format."""
        return generate_latest(self._registry)

    def describe(self) -> list[Metric]:
        """What the registry would otherwise find out by asking for everything."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Everything there is to tell."""
        yield _gauge("info", "The version that runs.", ("version",), [((__version__,), 1)])
        scan = self._sources.scan()
        yield from _connections(scan)
        yield from _books(scan)
        yield from self._opportunities(scan)
        yield from self._queues()
        if self._sources.workers is not None:
            yield from _workers(self._sources.workers())
        if self._sources.writer is not None:
            yield from _database(self._sources.writer())
        if self._sources.alerts is not None:
            yield from _alerts(self._sources.alerts())

    def _opportunities(self, scan: ScanState) -> Iterator[Metric]:
        counts = [((event,), self._events[event]) for event in ("opened", "updated", "closed")]
        still_open = [((), scan.open)]
        yield _counter("opportunities", "Events told of.", ("event",), counts)
        yield _gauge("opportunities_open", "Opportunities that are open.", (), still_open)

    def _queues(self) -> Iterator[Metric]:
        waiting, dropped = [], []
        if (lines := self._sources.lines) is not None:
            waiting.append((("lines",), lines.waiting))
            dropped.append((("lines",), lines.dropped))
        if self._sources.writer is not None:
            state = self._sources.writer()
            waiting.append((("database",), state.waiting))
            dropped.append((("database",), state.dropped))
        if self._sources.alerts is not None:
            alerts = self._sources.alerts()
            waiting.append((("alerts",), sum(channel.waiting for channel in alerts.channels)))
            dropped.append((("alerts",), alerts.dropped))
        yield _gauge("queue_length", "What waits.", ("queue",), waiting)
        yield _counter("queue_dropped", "What was given up.", ("queue",), dropped)


def _connections(scan: ScanState) -> Iterator[Metric]:
    health = {(health.venue, str(health.connection)): health for health in scan.connections}
    is_open = [(key, h.state is ConnectionState.OPEN) for key, h in health.items()]
    heard = [(key, h.heard_at / 1e9) for key, h in health.items() if h.heard_at]
    yield _gauge("connection_open", "1 while the connection stands.", CONNECTION, is_open)
    yield _counter(
        "messages", "Messages received.", CONNECTION, [(k, h.messages) for k, h in health.items()]
    )
    yield _counter(
        "received_bytes", "Bytes received.", CONNECTION, [(k, h.bytes) for k, h in health.items()]
    )
    yield _counter(
        "reconnects",
        "Tries to connect after the first.",
        CONNECTION,
        [(k, h.reconnects) for k, h in health.items()],
    )
    silent = [(key, h.silent_since > 0) for key, h in health.items()]
    yield _gauge(
        "connection_silent", "1 while it gives less than it does else.", CONNECTION, silent
    )
    yield _gauge("last_message_timestamp_seconds", "When the last message came.", CONNECTION, heard)


def _books(scan: ScanState) -> Iterator[Metric]:
    books = [
        ((venue, state), count)
        for venue, states in scan.books.items()
        for state, count in states.items()
    ]
    yield _gauge("books", "Books by state.", ("venue", "state"), books)
    yield _counter(
        "gaps",
        "Books lost on a connection that went on.",
        ("venue",),
        [((venue,), count) for venue, count in scan.gaps.items()],
    )
    yield _gauge(
        "lag_seconds",
        "Median time from the venue's timestamps to ours, clocks as they are.",
        ("venue",),
        [((venue,), lag / 1e3) for venue, lag in scan.lags.items()],
    )


def _workers(state: WorkersState) -> Iterator[Metric]:
    yield _gauge("workers", "Processes that scan.", (), [((), state.running)])
    yield _counter("worker_restarts", "Workers started again.", (), [((), state.restarts)])
    yield _counter(
        "frames_dropped",
        "Frames for the screen that were given up.",
        (),
        [((), state.frames_dropped)],
    )


def _database(state: WriterState) -> Iterator[Metric]:
    yield _gauge(
        "database_persisting",
        "1 while what is found reaches the database within moments.",
        (),
        [((), state.persisting)],
    )
    yield _gauge(
        "database_lag_seconds", "Age of the oldest row that waits.", (), [((), state.lag_ms / 1e3)]
    )
    yield _counter("database_rows", "Rows written by this run.", (), [((), state.written)])


def _alerts(state: AlertsState) -> Iterator[Metric]:
    channels = state.channels
    yield _gauge(
        "alerts_failing",
        "1 while a channel's last attempt failed.",
        ("channel",),
        [((channel.name,), channel.failing) for channel in channels],
    )
    told = [((channel.name, "sent"), channel.sent) for channel in channels]
    told += [((channel.name, "failed"), channel.failed) for channel in channels]
    yield _counter("alerts", "Alerts by what came of them.", ("channel", "outcome"), told)


Samples = Sequence[tuple[tuple[str, ...], float]]


def _gauge(name: str, told: str, labels: Sequence[str], samples: Samples) -> Metric:
    metric = GaugeMetricFamily(PREFIX + name, told, labels=labels)
    for values, value in samples:
        metric.add_metric(values, value)
    return metric


def _counter(name: str, told: str, labels: Sequence[str], samples: Samples) -> Metric:
    metric = CounterMetricFamily(PREFIX + name, told, labels=labels)
    for values, value in samples:
        metric.add_metric(values, value)
    return metric
