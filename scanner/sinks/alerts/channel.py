"""The alerts of one channel: which is tried next, when, and how often. Pure: time is given."""

from __future__ import annotations

from collections import deque
from enum import StrEnum
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from scanner.events import Alert
from scanner.sinks.alerts.rules import SECOND

MOST_WAITING = 200
FIRST_PAUSE = 2.0
LONGEST_PAUSE = 60.0
MOST_DOUBLINGS = 10
DOUBT = "it may have arrived, so it is not sent again"


class Outcome(StrEnum):
    """What came of an attempt."""

    SENT = "sent"
    REFUSED = "the receiver has not taken it"
    UNKNOWN = "it may have arrived"
    IMPOSSIBLE = "it can never be sent"


class ChannelState(Struct, frozen=True, kw_only=True):
    """How a channel is doing. ``error`` is that of the last attempt, empty if it went well.

    ``waiting`` includes the one that is being sent; ``sent`` and ``failed`` count this run's.
    """

    name: str
    failing: bool
    error: str
    waiting: int
    sent: int
    failed: int


class Patience(Struct, frozen=True, kw_only=True):
    """``attempts`` at one alert; ``expire``: its longest wait, ``deadline``: an attempt's, ns."""

    attempts: int
    expire: int
    deadline: int


class ChannelQueue:
    """Alerts wait here in order; one at a time is being sent.

    A failed attempt holds up the whole channel, for a time that doubles with each failure in a row
    and is drawn from its upper half: a receiver that is down is not asked by every alert anew.
    """

    def __init__(self, name: str, patience: Patience, rng: Random) -> None:
        self.name = name
        self.patience = patience
        self._rng = rng
        self._waiting: deque[Alert] = deque()
        self._sending: Alert | None = None
        self._begun_at = 0
        self._paused_until = 0
        self._failures = 0
        self._error = ""
        self._sent = 0
        self._failed = 0

    def add(self, alert: Alert) -> Alert:
        """Let it wait; if too many do, it comes back as failed."""
        if len(self._waiting) >= MOST_WAITING:
            return self._given_up(alert, f"{MOST_WAITING} alerts wait for {self.name} already")
        self._waiting.append(alert)
        return alert

    def expired(self, at: int) -> list[Alert]:
        """Those that have waited for too long, as failed; they wait no more."""
        oldest = at - self.patience.expire
        late = [alert for alert in self._waiting if alert.at < oldest]
        if late:
            self._waiting = deque(alert for alert in self._waiting if alert.at >= oldest)
        return [
            self._given_up(alert, "expired: " + (alert.error or "not sent in time"))
            for alert in late
        ]

    def next(self, at: int) -> Alert | None:
        """The alert to be tried now, counted as tried once more; it is to be begun or put back."""
        if self._sending is not None or not self._waiting or at < self._paused_until:
            return None
        alert = self._waiting[0]
        return replace(alert, attempts=alert.attempts + 1, error="")

    def begin(self, alert: Alert, at: int) -> None:
        """``alert``, as ``next`` gave it, is being sent."""
        self._waiting.popleft()
        self._sending, self._begun_at = alert, at

    def hold(self, reason: str, at: int, seconds: float) -> None:
        """Nothing is to be begun for a while."""
        self._error = reason
        self._paused_until = at + int(seconds * SECOND)

    def answered(self, alert_id: str, outcome: Outcome, error: str, at: int) -> Alert | None:
        """What came of the attempt: the alert as it is now. None: it is not the one being sent."""
        alert = self._sending
        if alert is None or alert.id != alert_id:
            return None
        self._sending = None
        self._error = error
        if outcome is Outcome.SENT:
            self._failures, self._paused_until = 0, 0
            self._sent += 1
            return replace(alert, state="sent", sent_at=at, error="")
        pause = self._pause()
        self._failures += 1
        self._paused_until = at + int(pause * SECOND)
        if outcome is Outcome.REFUSED and alert.attempts < self.patience.attempts:
            alert = replace(alert, error=error)
            self._waiting.appendleft(alert)
            return alert
        return self._given_up(alert, error)

    def overdue(self, at: int) -> str:
        """The id of the alert whose attempt takes too long, or nothing."""
        if self._sending is not None and at >= self._begun_at + self.patience.deadline:
            return self._sending.id
        return ""

    @property
    def due(self) -> int | None:
        """When something is to be done here without anything having happened."""
        times = []
        if self._sending is not None:
            times.append(self._begun_at + self.patience.deadline)
        if self._waiting:
            times.append(min(alert.at for alert in self._waiting) + self.patience.expire + 1)
            if self._sending is None:
                times.append(self._paused_until)
        return min(times, default=None)

    @property
    def idle(self) -> bool:
        """Nothing waits, nothing is being sent."""
        return self._sending is None and not self._waiting

    def busy(self, until: int) -> bool:
        """Whether something is being sent, or will be tried before ``until``."""
        return self._sending is not None or bool(self._waiting and self._paused_until < until)

    def drain(self) -> list[Alert]:
        """What waits, which waits no more; the one that is being sent stays."""
        waiting, self._waiting = list(self._waiting), deque()
        return waiting

    def state(self) -> ChannelState:
        """How it is doing."""
        return ChannelState(
            name=self.name,
            failing=bool(self._error),
            error=self._error,
            waiting=len(self._waiting) + (self._sending is not None),
            sent=self._sent,
            failed=self._failed,
        )

    def trouble(self, error: str) -> None:
        """Something is wrong with the channel that no attempt has shown yet."""
        self._error = error

    def _pause(self) -> float:
        ceiling = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(self._failures, MOST_DOUBLINGS))
        return self._rng.uniform(ceiling / 2, ceiling)

    def _given_up(self, alert: Alert, error: str) -> Alert:
        self._failed += 1
        return replace(alert, state="failed", error=error)
