"""Where alerts are recorded before they are sent.

The desk sends nothing that is not recorded, with one exception: while the database cannot be
written at all, an alert that it has never heard of is sent unrecorded, since nothing in it could
make a later run send it again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from enum import Enum
from typing import Protocol

from scanner.events import Alert

log = logging.getLogger(__name__)
REMEMBERED = 10_000


class Kept(Enum):
    """What came of recording an alert."""

    WRITTEN = "it is durable as it is"
    UNKNOWN = "no version of it is durable"
    OUTDATED = "an older version of it is durable"


class AlertLog(Protocol):
    """Records alerts. No method raises."""

    def note(self, alerts: Sequence[Alert]) -> None:
        """Record them, soon."""
        ...

    def keep(self, alerts: Sequence[Alert]) -> list[Kept]:
        """Record them and wait, for a bounded time, until they are durable."""
        ...

    def left(self, channels: Collection[str], expired: int) -> Sequence[Alert] | None:
        """What runs that have ended left pending, each given to one caller only: those for one of
        ``channels``, and any from before ``expired`` (ns). None: it cannot be said yet."""
        ...

    def sent(self, since: int) -> Sequence[Alert]:
        """Those sent from ``since`` (ns) on, by any run."""
        ...


class MemoryLog:
    """When there is no database: it lasts as long as the run."""

    def __init__(self) -> None:
        self.alerts: dict[str, Alert] = {}

    def note(self, alerts: Sequence[Alert]) -> None:
        """Remember the newest of them."""
        for alert in alerts:
            self.alerts.pop(alert.id, None)
            self.alerts[alert.id] = alert
        while len(self.alerts) > REMEMBERED:
            del self.alerts[next(iter(self.alerts))]

    def keep(self, alerts: Sequence[Alert]) -> list[Kept]:
        """Remember them; in memory nothing is pending for another run."""
        self.note(alerts)
        return [Kept.WRITTEN] * len(alerts)

    def left(self, channels: Collection[str], expired: int) -> Sequence[Alert]:
        """Nothing: no run came before this one."""
        return ()

    def sent(self, since: int) -> Sequence[Alert]:
        """Nothing from before this run."""
        return ()


class ToldLog:
    """Another log, and somebody who is told of every alert as it comes to be and changes.

    ``tell`` is called in the thread that sends: it returns at once and never raises.
    """

    def __init__(self, records: AlertLog, tell: Callable[[Alert], object]) -> None:
        self._records = records
        self._tell = tell
        self.left = records.left
        self.sent = records.sent

    def note(self, alerts: Sequence[Alert]) -> None:
        """Record them, and tell."""
        self._records.note(alerts)
        for alert in alerts:
            self._tell(alert)

    def keep(self, alerts: Sequence[Alert]) -> list[Kept]:
        """Record them; that one is about to be sent is no news."""
        return self._records.keep(alerts)


class StoredLog:
    """In the database, by its writer.

    ``write`` takes an alert and returns at once; ``committed`` is to be told of those that have
    become durable, from the writer's thread. ``persisting`` says whether the writer gets anything
    through, so that nobody waits for a database that is away. ``adopt`` and ``sent`` are ``left``
    and ``sent`` of the database; they may raise.
    """

    def __init__(
        self,
        write: Callable[[Alert], None],
        *,
        persisting: Callable[[], bool],
        adopt: Callable[[Collection[str], int], Sequence[Alert] | None],
        sent: Callable[[int], Sequence[Alert]],
        patience: float = 2.0,
    ) -> None:
        self._write = write
        self._persisting = persisting
        self._adopt = adopt
        self._sent = sent
        self._patience = patience
        self._durable: dict[str, Alert] = {}
        self._changed = threading.Condition()

    def committed(self, alerts: Mapping[str, Alert]) -> None:
        """These are durable now."""
        with self._changed:
            for alert in alerts.values():
                self._remember(alert)
            self._changed.notify_all()

    def note(self, alerts: Sequence[Alert]) -> None:
        """Give them to the writer."""
        for alert in alerts:
            self._write(alert)

    def keep(self, alerts: Sequence[Alert]) -> list[Kept]:
        """Give them to the writer and wait until it has committed them."""
        self.note(alerts)
        with self._changed:
            if self._persisting():
                self._changed.wait_for(lambda: self._all_durable(alerts), self._patience)
            return [self._state(alert) for alert in alerts]

    def left(self, channels: Collection[str], expired: int) -> Sequence[Alert] | None:
        """Take over what ended runs left; None while the database cannot be read."""
        if not self._persisting():
            return None
        try:
            alerts = self._adopt(channels, expired)
        except Exception as error:
            log.warning("alerts of earlier runs could not be read: %s", error)
            return None
        if alerts is None:
            return None
        with self._changed:
            for alert in alerts:
                self._remember(alert)
        return alerts

    def sent(self, since: int) -> Sequence[Alert]:
        """Read them; none while the database cannot be read."""
        try:
            return self._sent(since)
        except Exception as error:
            log.warning("the alerts sent lately could not be read: %s", error)
            return ()

    def _all_durable(self, alerts: Sequence[Alert]) -> bool:
        return all(self._durable.get(alert.id) == alert for alert in alerts)

    def _state(self, alert: Alert) -> Kept:
        durable = self._durable.get(alert.id)
        if durable is None:
            return Kept.UNKNOWN
        return Kept.WRITTEN if durable == alert else Kept.OUTDATED

    def _remember(self, alert: Alert) -> None:
        self._durable.pop(alert.id, None)
        if alert.state == "pending":
            self._durable[alert.id] = alert
