"""From hits to messages: what is told, through which channel, when, and what is recorded of it.

Pure but for the log that it is given: time comes as an argument, and an attempt is a ``Job`` that
somebody else carries out. The order is always: record, send, record what came of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from scanner.configuration.alerts import TERMINAL, AlertRule, AlertSettings
from scanner.configuration.hours import within
from scanner.events import Alert
from scanner.sinks.alerts import text
from scanner.sinks.alerts.channel import DOUBT, ChannelQueue, ChannelState, Outcome, Patience
from scanner.sinks.alerts.gate import Bundle, Gate, Gathered, Refused, same
from scanner.sinks.alerts.log import AlertLog, Kept
from scanner.sinks.alerts.rules import SECOND, Hit

INTERRUPTED = f"its run ended while it was being sent; {DOUBT}"
DATABASE_PAUSE = 2.0
# A receiver has the time that the settings give it; beyond twice that and the start of a process,
# whoever carries the attempt out has lost control of it.
GRACE = 10.0


class Job(Struct, frozen=True, kw_only=True):
    """An attempt to be made now. ``at``: when the alert arose, ns."""

    id: str
    rule: str
    channel: str
    at: int
    text: str


class Desk:
    """All rules' gates and all channels' queues."""

    def __init__(
        self,
        settings: AlertSettings,
        log: AlertLog,
        *,
        new_id: Callable[[int], str],
        rng: Random,
        clean: Callable[[str], str],
    ) -> None:
        """``clean`` takes secrets out of what a failed attempt says."""
        self._log = log
        self._new_id = new_id
        self._rng = rng
        self._clean = clean
        self._gates: dict[tuple[str, str], Gate] = {}
        self._queues: dict[str, ChannelQueue] = {}
        self._settings = settings
        self._resumed = False
        self._rules: Mapping[str, AlertRule] = {}
        self._use(settings)

    # --- what happens ---------------------------------------------------------------------------

    def resume(self, at: int) -> bool:
        """Go on where ended runs left off: with their cooldowns, the first time, and with what they
        could not send any more, unless it was being sent, or is too old. False: not yet."""
        expired = at - int(self._settings.expire_s * SECOND)
        left = self._log.left(tuple(self._queues), expired)
        if left is None:
            return False
        if not self._resumed:
            self._remember(at)
            self._resumed = True
        self._log.note([self._taken_over(alert, expired) for alert in left])
        return True

    def hit(self, hit: Hit, at: int) -> None:
        """A rule has something to tell."""
        rule = self._rules.get(hit.rule)
        if rule is None:
            return
        told = text.of_hit(hit)
        alerts = [
            self._decided(self._alert(hit, channel, told, at), hit, at)
            for channel in self._settings.targets(rule)
        ]
        self._log.note(alerts)

    def answered(self, alert_id: str, outcome: Outcome, error: str, at: int) -> None:
        """What came of a job."""
        for queue in self._queues.values():
            alert = queue.answered(alert_id, outcome, self._clean(error), at)
            if alert is not None:
                self._log.note([alert])
                return

    def trouble(self, channel: str, error: str) -> None:
        """Something is wrong with a channel, seen before anything was sent through it."""
        if channel in self._queues:
            self._queues[channel].trouble(self._clean(error))

    def change(self, settings: AlertSettings, at: int) -> None:
        """Other settings from here on. What waits for a channel that is gone is given up."""
        self._flush(at, all_of_them=True)
        self._use(settings)

    def finish(self, at: int) -> None:
        """The run ends: what is gathered is made ready to be sent, by this run or the next."""
        self._flush(at, all_of_them=True)

    # --- what is to be done ---------------------------------------------------------------------

    def jobs(self, at: int) -> list[Job]:
        """The attempts to be made now, recorded as begun."""
        self._flush(at)
        for queue in self._queues.values():
            self._log.note(queue.expired(at))
        ready = [(q, alert) for q in self._queues.values() if (alert := q.next(at)) is not None]
        if not ready:
            return []
        jobs = []
        kept = self._log.keep([alert for _, alert in ready])
        for (queue, alert), what in zip(ready, kept, strict=True):
            if what is Kept.OUTDATED:
                queue.hold("waits for the database", at, DATABASE_PAUSE)
                continue
            queue.begin(alert, at)
            jobs.append(_job(alert))
        return jobs

    def overdue(self, at: int) -> list[str]:
        """The ids of jobs from which nothing has been heard for too long; they are to be ended,
        and are recorded as of unknown outcome."""
        ids = [late for queue in self._queues.values() if (late := queue.overdue(at))]
        for alert_id in ids:
            self.answered(alert_id, Outcome.UNKNOWN, self._too_late(), at)
        return ids

    @property
    def due(self) -> int | None:
        """When ``jobs`` or ``overdue`` may have something to say."""
        times = [gate.due for gate in self._gates.values()]
        times += [queue.due for queue in self._queues.values()]
        return min((time for time in times if time is not None), default=None)

    def busy(self, until: int) -> bool:
        """Whether something is being sent, or will be tried before ``until``."""
        return any(queue.busy(until) for queue in self._queues.values())

    def states(self) -> tuple[ChannelState, ...]:
        """How each channel is doing."""
        known = self._settings.known
        return tuple(queue.state() for name, queue in self._queues.items() if name in known)

    # --- within ---------------------------------------------------------------------------------

    def _remember(self, at: int) -> None:
        longest = max((rule.cooldown_s for rule in self._rules.values()), default=0.0)
        for alert in self._log.sent(at - int(longest * SECOND)) if longest else ():
            gate = self._gates.get((alert.rule, alert.channel))
            if gate is not None:
                per = self._rules[alert.rule].cooldown_per
                gate.told(same(per, alert.symbol, alert.buy, alert.sell), alert.at)

    def _taken_over(self, alert: Alert, expired: int) -> Alert:
        queue = self._queues.get(alert.channel)
        if alert.attempts and not alert.error:
            return _failed(alert, INTERRUPTED)
        if queue is None or alert.at < expired:
            return _failed(alert, "expired: its run ended before it could be sent")
        return queue.add(alert)

    def _use(self, settings: AlertSettings) -> None:
        self._settings = settings
        old, self._rules = self._rules, dict(settings.enabled)
        patience = Patience(
            attempts=settings.attempts,
            expire=int(settings.expire_s * SECOND),
            deadline=int((2 * settings.timeout_s + GRACE) * SECOND),
        )
        gates, names = {}, dict.fromkeys(settings.known)
        for name, rule in self._rules.items():
            for channel in settings.targets(rule):
                kept = self._gates.get((name, channel)) if old.get(name) == rule else None
                gates[name, channel] = kept or Gate(rule)
        self._gates = gates
        for name, queue in list(self._queues.items()):
            if name not in names:
                gone = "its channel is no longer in the configuration"
                self._log.note([_failed(alert, gone) for alert in queue.drain()])
                if queue.idle:
                    del self._queues[name]
        for name in names:
            queue = self._queues.setdefault(name, ChannelQueue(name, patience, self._rng))
            queue.patience = patience

    def _alert(self, hit: Hit, channel: str, told: str, at: int) -> Alert:
        found = hit.found
        return Alert(
            id=self._new_id(at),
            rule=hit.rule,
            channel=channel,
            opportunity_id=found.id,
            symbol=found.symbol,
            buy=found.buy.venue,
            sell=found.sell.venue,
            at=at,
            text=told,
        )

    def _decided(self, alert: Alert, hit: Hit, at: int) -> Alert:
        """The alert as it is to be recorded; if it is to be sent, it waits from here on."""
        if self._quiet(alert.rule, alert.channel, at):
            return _suppressed(alert, "quiet hours")
        verdict = self._gates[alert.rule, alert.channel].decide(hit, self._new_id(at), at)
        match verdict:
            case Refused(reason):
                return _suppressed(alert, reason)
            case Gathered(digest):
                return _suppressed(alert, "told in a digest", digest)
        return self._queues[alert.channel].add(alert)

    def _quiet(self, rule: str, channel: str, at: int) -> bool:
        if channel == TERMINAL:
            return False
        hours = self._settings.hours + self._rules[rule].hours
        return within(hours, self._settings.zone, at)

    def _flush(self, at: int, *, all_of_them: bool = False) -> None:
        """Digests whose windows have ended become alerts."""
        alerts = []
        for (rule, channel), gate in self._gates.items():
            due = gate.due
            if due is not None and (all_of_them or due <= at):
                bundle = gate.bundle(due)
                assert bundle is not None
                alerts.append(self._digest(rule, channel, bundle, at))
        self._log.note(alerts)

    def _digest(self, rule: str, channel: str, bundle: Bundle, at: int) -> Alert:
        told = text.of_bundle(rule, bundle, at)
        alert = Alert(id=bundle.name, rule=rule, channel=channel, at=at, text=told)
        if self._quiet(rule, channel, at):
            return _suppressed(alert, "quiet hours")
        return self._queues[channel].add(alert)

    def _too_late(self) -> str:
        return f"no answer within {self._settings.timeout_s:g} s; {DOUBT}"


def _job(alert: Alert) -> Job:
    return Job(id=alert.id, rule=alert.rule, channel=alert.channel, at=alert.at, text=alert.text)


def _failed(alert: Alert, error: str) -> Alert:
    return replace(alert, state="failed", error=error)


def _suppressed(alert: Alert, reason: str, digest: str = "") -> Alert:
    return replace(alert, state="suppressed", error=reason, digest=digest)
