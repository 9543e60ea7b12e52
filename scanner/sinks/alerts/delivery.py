"""The alerts of a running scanner: a sink, and the thread that does what comes of it.

The scanner's thread only compares an event with the rules (microseconds) and queues the rare hit.
Recording, sending and waiting happen elsewhere.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from queue import Empty, SimpleQueue
from random import Random
from time import monotonic
from typing import TypeAlias

from msgspec import Struct

from scanner.configuration.alerts import BELL, TERMINAL, AlertSettings
from scanner.events import Opportunity, Peg
from scanner.hedge_events import HedgeState
from scanner.redact import Redactor, credentials
from scanner.sinks.alerts.channel import ChannelState, Outcome
from scanner.sinks.alerts.courier import Courier
from scanner.sinks.alerts.desk import Desk, Job
from scanner.sinks.alerts.hedges import HedgeWatcher
from scanner.sinks.alerts.here import Here
from scanner.sinks.alerts.log import AlertLog
from scanner.sinks.alerts.pegs import PegWatcher
from scanner.sinks.alerts.rules import SECOND, Hit, Rules, Watcher
from scanner.sinks.alerts.wire import Answer

log = logging.getLogger(__name__)
MOST_HITS = 10_000
LONGEST_SLEEP = 0.25
TAKEOVER = 30 * SECOND

# What the thread is told: a hit, what came of a job, other settings, or by when to end (monotonic).
Item: TypeAlias = Hit | Answer | AlertSettings | float


class AlertsState(Struct, frozen=True, kw_only=True):
    """How alerts are doing. ``dropped``: hits that came faster than they could be recorded."""

    channels: tuple[ChannelState, ...]
    dropped: int

    @property
    def failing(self) -> tuple[ChannelState, ...]:
        """The channels whose last attempt failed."""
        return tuple(channel for channel in self.channels if channel.failing)


class Alerts:
    """A sink for events; it takes ``Opportunity``, ``Peg`` and ``HedgeState`` and ignores the
    rest.

    ``show`` is given what is to be seen in the terminal and ``ring`` what is to be heard there,
    both from a thread of their own. ``new_id`` makes sortable ids for a time, ``now()`` gives ns.
    """

    def __init__(
        self,
        settings: AlertSettings,
        records: AlertLog,
        *,
        show: Callable[[Job], object],
        ring: Callable[[Job], object],
        new_id: Callable[[int], str],
        now: Callable[[], int],
        rng: Random,
    ) -> None:
        self._settings = settings
        self._now = now
        self._redact = Redactor()
        self._watcher = Watcher(Rules(settings))
        self._pegs = PegWatcher(settings)
        self._hedges = HedgeWatcher(settings)
        self._watching = threading.Lock()
        self._desk = Desk(settings, records, new_id=new_id, rng=rng, clean=self._redact)
        self._inbox: SimpleQueue[Item] = SimpleQueue()
        self._courier = Courier(self._inbox.put)
        self._here = Here({TERMINAL: show, BELL: ring}, self._inbox.put)
        self._takeover_at = 0
        self._dropped = 0
        self._deadline: float | None = None
        self._state = AlertsState(channels=self._desk.states(), dropped=0)
        self._thread = threading.Thread(target=self._work, name="alerts", daemon=True)

    def start(self) -> None:
        """Begin: take over what earlier runs left, look at the channels."""
        self._thread.start()

    def __call__(self, event: object) -> None:
        """Take an event; returns at once and never raises."""
        match event:
            case Opportunity():
                with self._watching:
                    hits = self._watcher.take(event)
            case Peg():
                with self._watching:
                    hits = self._pegs.take(event)
            case HedgeState():
                with self._watching:
                    hits = self._hedges.take(event)
            case _:
                return
        for hit in hits:
            if self._inbox.qsize() >= MOST_HITS:
                self._dropped += 1
            else:
                self._inbox.put(hit)

    def state(self) -> AlertsState:
        """How it is doing, as of a moment ago."""
        return self._state

    def reload(self, settings: AlertSettings) -> None:
        """Other settings from here on. What is open and has been told is not told again."""
        rules = Rules(settings)
        with self._watching:
            self._watcher.change(rules)
            self._pegs.change(settings)
            self._hedges.change(settings)
        self._inbox.put(settings)

    def close(self, seconds: float = 5.0) -> None:
        """Send what waits for at most ``seconds``; what is left stays recorded as pending."""
        if not self._thread.is_alive():
            return
        self._inbox.put(monotonic() + seconds)
        self._thread.join(seconds + 5.0)

    # --- the thread -----------------------------------------------------------------------------

    def _work(self) -> None:
        self._guarded(lambda: self._use(self._settings))
        while not self._over():
            self._guarded(self._turn)
        self._courier.close()
        self._here.close()
        self._guarded(lambda: self._take(self._waiting()))

    def _over(self) -> bool:
        """It is to end, and what could still be sent in time has been."""
        if self._deadline is None:
            return False
        left = self._deadline - monotonic()
        return left <= 0 or not self._desk.busy(self._now() + int(left * SECOND))

    def _guarded(self, step: Callable[[], None]) -> None:
        """Whatever goes wrong with one alert must not end all of them."""
        try:
            step()
        except Exception:
            log.exception("alerts: a step failed")

    def _turn(self) -> None:
        self._take(self._sleep())
        at = self._now()
        with self._watching:
            ripe = [*self._watcher.due(at), *self._pegs.due(at)]
        for hit in ripe:
            self._desk.hit(hit, at)
        if at >= self._takeover_at:
            self._takeover_at = at + (TAKEOVER if self._desk.resume(at) else SECOND)
        for alert_id in self._desk.overdue(at):
            self._courier.abandon(alert_id)
        if self._deadline is None or monotonic() < self._deadline:
            for job in self._desk.jobs(at):
                (self._here if job.channel in (TERMINAL, BELL) else self._courier).send(job)
        self._report(AlertsState(channels=self._desk.states(), dropped=self._dropped))

    def _report(self, state: AlertsState) -> None:
        """Show the state, and log what has changed in it for the worse or the better."""
        before = {channel.name for channel in self._state.failing}
        for channel in state.channels:
            if channel.failing and channel.name not in before:
                log.warning("alerts to %s fail: %s", channel.name, channel.error)
            elif not channel.failing and channel.name in before:
                log.info("alerts to %s get through again", channel.name)
        self._state = state

    def _take(self, items: Iterable[Item]) -> None:
        for item in items:
            at = self._now()
            match item:
                case Hit():
                    self._desk.hit(item, at)
                case Answer(id="", outcome=None):
                    pass
                case Answer(id=""):
                    self._desk.trouble(item.channel, item.error)
                case Answer(outcome=Outcome() as outcome):
                    self._desk.answered(item.id, outcome, item.error, at)
                case AlertSettings():
                    self._desk.change(item, at)
                    self._use(item)
                case float():
                    self._deadline = item
                    self._desk.finish(at)

    def _use(self, settings: AlertSettings) -> None:
        urls = {name: url.get_secret_value() for name, url in settings.channels.items()}
        for url in urls.values():
            self._redact.learn((url, *credentials(url)))
        self._courier.use(urls, settings.timeout_s)

    def _sleep(self) -> list[Item]:
        """Wait for something to happen, and take all that has."""
        try:
            first = self._inbox.get(timeout=self._pause())
        except Empty:
            return []
        return [first, *self._waiting()]

    def _waiting(self) -> list[Item]:
        items: list[Item] = []
        with suppress(Empty):
            while len(items) < MOST_HITS:
                items.append(self._inbox.get_nowait())
        return items

    def _pause(self) -> float:
        due = self._desk.due
        if due is None:
            return LONGEST_SLEEP
        return min(LONGEST_SLEEP, max(0.0, (due - self._now()) / SECOND))
