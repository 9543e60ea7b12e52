"""Recording before sending, with a writer that commits, is late, or is away."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Sequence
from typing import Any

from msgspec.structs import replace

from scanner.events import Alert
from scanner.sinks.alerts.log import REMEMBERED, Kept, MemoryLog, StoredLog, ToldLog
from tests.sinks.alerts.samples import START

ALERT = Alert(id="a1", rule="r", channel="phone", at=START)


class Database:
    """A writer that commits when it is told to, or by itself."""

    def __init__(self, *, commits: bool = True, persisting: bool = True) -> None:
        self.commits = commits
        self.persisting = persisting
        self.taken: list[Alert] = []
        self.waiting: dict[str, Alert] = {}
        self.leftovers: list[Alert] = []
        self.log = StoredLog(
            self.write,
            persisting=lambda: self.persisting,
            adopt=self.adopt,
            sent=lambda since: [],
            patience=0.2,
        )

    def write(self, alert: Alert) -> None:
        self.taken.append(alert)
        self.waiting[alert.id] = alert
        if self.commits:
            threading.Timer(0.01, self.commit).start()

    def commit(self) -> None:
        waiting, self.waiting = self.waiting, {}
        self.log.committed(waiting)

    def adopt(self, channels: Collection[str], expired: int) -> Sequence[Alert]:
        return self.leftovers


def timed(call: Any, *arguments: Any) -> tuple[Any, float]:
    begun = time.monotonic()
    result = call(*arguments)
    return result, time.monotonic() - begun


def test_it_waits_until_it_is_durable() -> None:
    database = Database()
    other = replace(ALERT, id="a2")
    assert database.log.keep([ALERT, other]) == [Kept.WRITTEN, Kept.WRITTEN]
    assert database.taken == [ALERT, other]


def test_but_not_for_ever() -> None:
    database = Database(commits=False)
    kept, seconds = timed(database.log.keep, [ALERT])
    assert kept == [Kept.UNKNOWN]
    assert 0.15 < seconds < 2


def test_and_not_at_all_while_nothing_gets_through() -> None:
    database = Database(commits=False, persisting=False)
    kept, seconds = timed(database.log.keep, [ALERT])
    assert kept == [Kept.UNKNOWN]
    assert seconds < 0.1
    assert database.taken == [ALERT]


def test_an_older_version_that_is_durable_is_known() -> None:
    database = Database(commits=False)
    database.log.note([ALERT])
    database.commit()
    database.persisting = False
    assert database.log.keep([replace(ALERT, attempts=1)]) == [Kept.OUTDATED]


def test_what_was_taken_over_is_durable() -> None:
    database = Database(commits=False)
    database.leftovers = [ALERT]
    assert database.log.left(["phone"], START) == [ALERT]
    assert database.log.keep([replace(ALERT, attempts=1)]) == [Kept.OUTDATED]


def test_nothing_is_taken_over_from_a_database_that_is_away() -> None:
    database = Database(persisting=False)
    database.leftovers = [ALERT]
    assert database.log.left(["phone"], START) is None


def test_a_database_that_fails_to_be_read_does_no_harm() -> None:
    def fails(*_: Any) -> Sequence[Alert]:
        raise OSError("disk on fire")

    log = StoredLog(lambda alert: None, persisting=lambda: True, adopt=fails, sent=fails)
    assert log.left([], 0) is None
    assert log.sent(0) == ()


def test_settled_ones_are_forgotten() -> None:
    database = Database()
    database.log.committed({"a1": ALERT})
    database.log.committed({"a1": replace(ALERT, state="sent")})
    assert database.log._durable == {}


def test_somebody_is_told_of_every_change() -> None:
    told: list[Alert] = []
    records = MemoryLog()
    log = ToldLog(records, told.append)
    sent = replace(ALERT, state="sent")
    log.note([ALERT])
    assert log.keep([ALERT]) == [Kept.WRITTEN]
    log.note([sent])
    assert told == [ALERT, sent]
    assert list(records.alerts.values()) == [sent]
    assert (log.left(["phone"], START), log.sent(0)) == ((), ())


def test_in_memory() -> None:
    log = MemoryLog()
    assert log.keep([ALERT]) == [Kept.WRITTEN]
    log.note([replace(ALERT, state="sent")])
    assert [alert.state for alert in log.alerts.values()] == ["sent"]
    assert (log.left(["phone"], START), log.sent(0)) == ((), ())


def test_memory_is_bounded() -> None:
    log = MemoryLog()
    log.note([replace(ALERT, id=f"a{number}") for number in range(REMEMBERED + 10)])
    assert len(log.alerts) == REMEMBERED
    assert "a0" not in log.alerts
