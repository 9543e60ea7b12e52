"""Alerts that a run left pending: taken over by one other, and by none while it lives."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from scanner.events import Alert
from storage.alerts import adopt
from storage.queries import open_reader
from storage.writer import Writer
from tests.storage.conftest import StartWriter
from tests.storage.events import SECOND, START, until

EARLY = START - 600 * SECOND


@dataclass
class Runs:
    url: str
    start: StartWriter

    def begin(self) -> Writer:
        writer = self.start(self.url)
        until(lambda: adopt(self.url, writer.run_id, [], 0) is not None)
        return writer

    def ended(self, *alerts: Alert) -> None:
        """A run that leaves these and comes to its end."""
        writer = self.begin()
        for alert in alerts:
            writer(alert)
        writer.close()


def alert(number: int, at: int = START, **changes: str | int) -> Alert:
    given = {"rule": "r", "channel": "phone", "opportunity_id": "o", "text": "two\nlines"}
    return Alert(**{"id": f"a{number}", "at": at, **given, **changes})  # type: ignore[arg-type]


def test_what_an_ended_run_left_goes_to_one_other(url: str, start: StartWriter) -> None:
    runs = Runs(url, start)
    left = [alert(1), alert(2, attempts=2, error="down")]
    runs.ended(*left, alert(3, state="sent"), alert(4, state="suppressed"))
    one, other = runs.begin(), runs.begin()
    assert adopt(url, one.run_id, ["phone"], EARLY) == left
    assert adopt(url, other.run_id, ["phone"], EARLY) == []
    assert adopt(url, one.run_id, ["phone"], EARLY) == []


def test_and_to_the_next_when_that_ends_too(url: str, start: StartWriter) -> None:
    runs = Runs(url, start)
    runs.ended(alert(1))
    second = runs.begin()
    adopt(url, second.run_id, ["phone"], EARLY)
    second.close()
    third = runs.begin()
    assert adopt(url, third.run_id, ["phone"], EARLY) == [alert(1)]


def test_what_a_living_run_is_to_send_stays_its_own(url: str, start: StartWriter) -> None:
    runs = Runs(url, start)
    living, other = runs.begin(), runs.begin()
    living(alert(1))
    until(lambda: living.state().written)
    assert adopt(url, other.run_id, ["phone"], EARLY) == []


def test_only_what_can_be_sent_or_is_too_old(url: str, start: StartWriter) -> None:
    runs = Runs(url, start)
    old = alert(2, at=EARLY - 1, channel="desk")
    runs.ended(alert(1, channel="desk"), old, alert(3))
    run = runs.begin().run_id
    assert adopt(url, run, ["phone"], EARLY) == [old, alert(3)]


def test_nothing_is_said_before_the_run_has_begun(url: str, start: StartWriter) -> None:
    assert adopt(url, "a run", ["phone"], EARLY) is None
    Runs(url, start).begin()
    assert adopt(url, "a run", ["phone"], EARLY) is None


def test_no_file_is_made_by_looking(tmp_path: Path) -> None:
    assert adopt(f"sqlite:///{tmp_path / 'none.db'}", "a run", ["phone"], EARLY) is None
    assert list(tmp_path.iterdir()) == []


def test_many_at_once_share_without_a_double(url: str, start: StartWriter) -> None:
    runs = Runs(url, start)
    runs.ended(*(alert(number) for number in range(50)))
    others = [runs.begin().run_id for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        shares = list(pool.map(lambda run: adopt(url, run, ["phone"], EARLY), others))
    taken = [one.id for share in shares for one in share or ()]
    assert sorted(taken) == sorted(f"a{number}" for number in range(50))


def test_what_was_taken_over_is_recorded_on(url: str, start: StartWriter) -> None:
    runs = Runs(url, start)
    runs.ended(alert(1))
    writer = runs.begin()
    (left,) = adopt(url, writer.run_id, ["phone"], EARLY) or ()
    writer(alert(1, state="sent", sent_at=time.time_ns()))
    writer.close()
    (found,) = open_reader(url).alerts(states=["sent"], channels=["phone"], rules=["r"])
    assert (found.id, found.text, left.state) == ("a1", "two\nlines", "pending")
    assert open_reader(url).alerts(states=["pending"]) == []
    assert open_reader(url).alerts(channels=["desk"]) == []
