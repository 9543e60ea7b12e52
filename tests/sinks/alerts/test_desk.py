"""From hits to messages on a virtual clock: recorded first, sent once, also across a restart."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from random import Random
from typing import Any

import pytest
from msgspec.structs import replace

from scanner.configuration.alerts import AlertSettings
from scanner.events import Alert
from scanner.sinks.alerts.channel import Outcome
from scanner.sinks.alerts.desk import Desk, Job
from scanner.sinks.alerts.log import Kept
from scanner.sinks.alerts.rules import Hit
from tests.sinks.alerts.samples import SECOND, START, found, settings

PHONE = {"phone": "tgram://123456789:abc/42"}


class Log:
    """Remembers every version of every alert, and says of each what it is told to."""

    def __init__(self, kept: Kept = Kept.WRITTEN) -> None:
        self.kept = kept
        self.versions: list[Alert] = []
        self.leftovers: list[Alert] | None = []
        self.told: list[Alert] = []
        self.asked: list[tuple[tuple[str, ...], int]] = []

    def note(self, alerts: Sequence[Alert]) -> None:
        self.versions += alerts

    def keep(self, alerts: Sequence[Alert]) -> list[Kept]:
        if self.kept is not Kept.OUTDATED:
            self.versions += alerts
        return [self.kept] * len(alerts)

    def left(self, channels: Collection[str], expired: int) -> Sequence[Alert] | None:
        self.asked.append((tuple(channels), expired))
        leftovers = self.leftovers
        self.leftovers = [] if leftovers else leftovers
        return leftovers

    def sent(self, since: int) -> Sequence[Alert]:
        return [alert for alert in self.told if alert.at >= since]

    @property
    def now(self) -> dict[str, Alert]:
        """The newest version of each."""
        return {alert.id: alert for alert in self.versions}

    def states(self) -> list[tuple[str, str, str]]:
        return [(alert.channel, alert.state, alert.error) for alert in self.now.values()]


class Table:
    """A desk, its log, and a clock."""

    def __init__(self, alerts: AlertSettings, log: Log | None = None) -> None:
        self.log = log or Log()
        self.at = START
        self._ids = 0
        self.desk = Desk(
            alerts,
            self.log,
            new_id=self.new_id,
            rng=Random(1),
            clean=lambda text: text.replace("s3cret", "***"),
        )

    def new_id(self, at: int) -> str:
        self._ids += 1
        return f"alert-{self._ids:04d}"

    def hit(self, number: int = 1, rule: str = "r", symbol: str = "BTC/USDT") -> None:
        self.desk.hit(Hit(rule, found(number, symbol), self.at), self.at)

    def jobs(self, seconds: float = 0) -> list[Job]:
        self.at += int(seconds * SECOND)
        return self.desk.jobs(self.at)

    def answer(self, job: Job, outcome: Outcome, error: str = "") -> None:
        self.desk.answered(job.id, outcome, error, self.at)

    def run(self, seconds: int, outcome: Outcome = Outcome.SENT, error: str = "") -> list[Job]:
        """Go through the time, answering every job at once."""
        made = []
        for _ in range(seconds):
            for job in self.jobs(1):
                made.append(job)
                self.answer(job, outcome, error)
        return made


def rule(**values: Any) -> AlertSettings:
    return settings(channels=PHONE, rules={"r": {"to": ("phone",), "cooldown_s": 0.0, **values}})


class TestRecords:
    def test_it_is_recorded_as_begun_before_the_job_is_given_out(self) -> None:
        table = Table(rule())
        table.hit()
        (job,) = table.jobs()
        begun = table.log.versions[-1]
        assert (begun.id, begun.state, begun.attempts) == (job.id, "pending", 1)
        assert begun.text == job.text
        table.answer(job, Outcome.SENT)
        assert [version.state for version in table.log.versions] == ["pending", "pending", "sent"]
        assert table.log.versions[-1].sent_at == table.at

    def test_a_record_says_what_it_is_about_and_no_url(self) -> None:
        table = Table(rule())
        table.hit()
        (alert,) = table.log.versions
        about = (alert.rule, alert.channel, alert.opportunity_id, alert.symbol, alert.buy)
        assert about == ("r", "phone", "id-1", "BTC/USDT", "kucoin")
        assert "tgram" not in repr(alert)

    def test_what_the_database_has_never_seen_is_sent_all_the_same(self) -> None:
        table = Table(rule(), Log(Kept.UNKNOWN))
        table.hit()
        assert len(table.jobs()) == 1

    def test_what_it_knows_as_waiting_is_held_until_it_can_be_recorded(self) -> None:
        table = Table(rule(), Log(Kept.OUTDATED))
        table.hit()
        assert table.jobs() == []
        assert table.desk.states()[-1].error == "waits for the database"
        assert table.jobs(1) == []
        table.log.kept = Kept.WRITTEN
        (job,) = table.jobs(1)
        assert table.log.now[job.id].attempts == 1

    def test_secrets_do_not_reach_the_record(self) -> None:
        table = Table(rule())
        table.hit()
        (job,) = table.jobs()
        table.answer(job, Outcome.UNKNOWN, "no answer from s3cret")
        assert table.log.states() == [("phone", "failed", "no answer from ***")]
        assert table.desk.states()[-1].error == "no answer from ***"


class TestChannels:
    def test_each_channel_of_a_rule_is_told(self) -> None:
        table = Table(settings(channels=PHONE, rules={"r": {"to": ("terminal", "bell", "phone")}}))
        table.hit()
        assert [job.channel for job in table.jobs()] == ["terminal", "bell", "phone"]

    def test_none_named_is_the_terminal_and_every_channel(self) -> None:
        table = Table(settings(channels=PHONE, rules={"r": {}}))
        table.hit()
        assert [job.channel for job in table.jobs()] == ["terminal", "phone"]

    def test_one_that_fails_holds_up_no_other(self) -> None:
        table = Table(
            settings(
                channels={**PHONE, "desk": "json://127.0.0.1:1/x"},
                rules={"r": {"to": ("phone", "desk"), "cooldown_s": 0.0}},
            )
        )
        sent = []
        for number in range(5):
            table.hit(number)
            for job in table.jobs(1):
                if job.channel == "desk":
                    table.answer(job, Outcome.SENT)
                    sent.append(job)
        assert len(sent) == 5

    def test_a_failing_one_is_seen(self) -> None:
        table = Table(rule())
        table.hit()
        (job,) = table.jobs()
        table.answer(job, Outcome.REFUSED, "error=500")
        phone = table.desk.states()[-1]
        assert (phone.failing, phone.error, phone.waiting) == (True, "error=500", 1)

    def test_a_bad_url_is_seen_before_anything_is_sent(self) -> None:
        table = Table(rule())
        table.desk.trouble("phone", "its URL is none: s3cret")
        assert table.desk.states()[-1].error == "its URL is none: ***"
        table.desk.trouble("gone", "no matter")


class TestRetries:
    def test_attempts_end(self) -> None:
        table = Table(rule())
        table.hit()
        jobs = table.run(300, Outcome.REFUSED, "down")
        assert len(jobs) == 5
        assert table.log.states() == [("phone", "failed", "down")]

    def test_it_gets_through_in_the_end(self) -> None:
        table = Table(rule())
        table.hit()
        table.run(3, Outcome.REFUSED, "down")
        assert len(table.run(60)) == 1
        assert table.log.states() == [("phone", "sent", "")]

    def test_a_job_without_an_answer_is_ended(self) -> None:
        table = Table(rule())
        table.hit()
        (job,) = table.jobs()
        assert table.desk.overdue(table.at + 29 * SECOND) == []
        assert table.desk.overdue(table.at + 30 * SECOND) == [job.id]
        assert table.log.states() == [
            (
                "phone",
                "failed",
                "no answer within 10 s; it may have arrived, so it is not sent again",
            )
        ]
        assert table.run(600) == []

    def test_what_is_too_old_is_given_up(self) -> None:
        table = Table(settings(channels=PHONE, expire_s=5.0, rules={"r": {"to": ("phone",)}}))
        table.hit()
        table.run(4, Outcome.REFUSED, "down")
        table.run(60, Outcome.REFUSED, "down")
        assert table.log.states() == [("phone", "failed", "expired: down")]


class TestHolding:
    def test_a_cooldown_is_recorded(self) -> None:
        table = Table(rule(cooldown_s=60.0))
        table.hit(1)
        table.hit(2)
        assert len(table.jobs()) == 1
        assert table.log.states() == [
            ("phone", "pending", ""),
            ("phone", "suppressed", "cooldown: 60 s left for the same symbol"),
        ]

    def test_a_storm_becomes_a_few_messages(self) -> None:
        table = Table(rule(digest={"after": 2, "window_s": 60.0}))
        for number in range(50):
            table.hit(number)
        jobs = table.run(120)
        assert len(jobs) == 3
        assert jobs[-1].text.startswith("48 more opportunities within 60 s, rule r\n")
        alerts = list(table.log.now.values())
        gathered = [alert for alert in alerts if alert.digest]
        assert len(gathered) == 48
        assert {(a.state, a.error, a.digest) for a in gathered} == {
            ("suppressed", "told in a digest", jobs[-1].id)
        }
        digest = table.log.now[jobs[-1].id]
        assert (digest.state, digest.opportunity_id) == ("sent", "")

    def quiet(self) -> AlertSettings:
        return settings(
            channels=PHONE,
            quiet_hours=("22:00-07:00",),
            time_zone="Europe/Berlin",
            rules={
                "r": {"to": ("terminal", "bell", "phone"), "cooldown_s": 0.0},
                "s": {"to": ("phone",), "cooldown_s": 0.0, "quiet_hours": ("12:00-13:00",)},
            },
        )

    @pytest.mark.parametrize(
        ("time", "rule_name", "told"),
        [
            ("21:59", "r", ["terminal", "bell", "phone"]),
            ("22:00", "r", ["terminal"]),
            ("06:59", "r", ["terminal"]),
            ("07:00", "r", ["terminal", "bell", "phone"]),
            ("12:30", "r", ["terminal", "bell", "phone"]),
            ("12:30", "s", []),
            ("23:00", "s", []),
            ("11:59", "s", ["phone"]),
        ],
    )
    def test_quiet_hours_leave_only_the_terminal(
        self, time: str, rule_name: str, told: list[str]
    ) -> None:
        table = Table(self.quiet())
        local = datetime.fromisoformat(f"2026-11-22T{time}:00+01:00")
        table.at = int(local.timestamp()) * SECOND
        table.hit(rule=rule_name)
        assert [job.channel for job in table.jobs()] == told
        held = [alert for alert in table.log.now.values() if alert.state == "suppressed"]
        assert {alert.error for alert in held} <= {"quiet hours"}
        assert len(held) + len(told) == (3 if rule_name == "r" else 1)

    def test_what_was_quiet_does_not_cool_down(self) -> None:
        table = Table(
            settings(channels=PHONE, quiet_hours=("22:00-07:00",), rules={"r": {"to": ("phone",)}})
        )
        table.at = int(datetime.fromisoformat("2026-11-22T06:59:59+00:00").timestamp()) * SECOND
        table.hit(1)
        assert table.jobs() == []
        table.at += 2 * SECOND
        table.hit(2)
        assert len(table.jobs()) == 1

    def test_a_digest_that_ends_in_quiet_hours_is_held_back(self) -> None:
        table = Table(
            settings(
                channels=PHONE,
                quiet_hours=("22:00-07:00",),
                rules={"r": {"to": ("phone",), "digest": {"after": 0, "window_s": 60.0}}},
            )
        )
        table.at = int(datetime.fromisoformat("2026-11-22T21:59:30+00:00").timestamp()) * SECOND
        table.hit()
        assert table.run(120) == []
        assert table.log.states()[-1] == ("phone", "suppressed", "quiet hours")


class TestRestart:
    def leftover(self, **changes: Any) -> Alert:
        alert = Alert(id="old", rule="r", channel="phone", opportunity_id="x", at=START, text="t")
        return replace(alert, **changes)

    def resumed(self, *leftovers: Alert, after: float = 60) -> Table:
        table = Table(rule())
        table.log.leftovers = list(leftovers)
        table.at += int(after * SECOND)
        table.desk.resume(table.at)
        return table

    def test_what_waited_is_sent(self) -> None:
        table = self.resumed(self.leftover())
        (job,) = table.run(5)
        assert (job.id, job.text) == ("old", "t")
        assert table.log.states() == [("phone", "sent", "")]

    def test_what_was_to_be_tried_again_is_tried_again(self) -> None:
        table = self.resumed(self.leftover(attempts=4, error="down"))
        assert len(table.run(60, Outcome.REFUSED, "still down")) == 1
        assert table.log.states() == [("phone", "failed", "still down")]

    def test_what_was_being_sent_is_not_sent_again(self) -> None:
        table = self.resumed(self.leftover(attempts=1))
        assert table.run(60) == []
        assert table.log.states() == [
            (
                "phone",
                "failed",
                "its run ended while it was being sent; it may have arrived, so it is not sent"
                " again",
            )
        ]

    def test_what_is_too_old_is_given_up(self) -> None:
        table = self.resumed(self.leftover(), after=601)
        assert table.run(60) == []
        assert table.log.states() == [
            ("phone", "failed", "expired: its run ended before it could be sent")
        ]

    def test_only_what_can_be_sent_here_is_taken_over(self) -> None:
        table = self.resumed()
        assert table.log.asked == [(("terminal", "bell", "phone"), START - 540 * SECOND)]

    def test_cooldowns_go_on(self) -> None:
        table = Table(rule(cooldown_s=100.0))
        told = self.leftover(symbol="BTC/USDT", state="sent")
        table.log.told = [told, replace(told, rule="gone"), replace(told, channel="gone")]
        table.at += 60 * SECOND
        table.desk.resume(table.at)
        table.hit()
        assert table.log.states() == [
            ("phone", "suppressed", "cooldown: 40 s left for the same symbol")
        ]

    def test_the_database_may_not_be_ready_yet(self) -> None:
        table = Table(rule(cooldown_s=100.0))
        table.log.leftovers = None
        table.log.told = [self.leftover(symbol="BTC/USDT", state="sent")]
        assert not table.desk.resume(table.at)
        table.log.leftovers = [self.leftover()]
        assert table.desk.resume(table.at)
        table.hit()
        assert [state for _, state, _ in table.log.states()] == ["pending", "suppressed"]

    def test_what_is_gathered_when_the_run_ends_is_left_to_the_next(self) -> None:
        table = Table(rule(digest={"after": 0, "window_s": 60.0}))
        table.hit()
        table.desk.finish(table.at)
        pending = [alert for alert in table.log.now.values() if alert.state == "pending"]
        assert [alert.text.splitlines()[0] for alert in pending] == [
            "1 more opportunity within 60 s, rule r"
        ]


class TestReload:
    def test_a_rule_that_stays_the_same_keeps_its_cooldown(self) -> None:
        table = Table(rule(cooldown_s=60.0))
        table.hit(1)
        table.desk.change(rule(cooldown_s=60.0), table.at)
        table.hit(2)
        assert table.log.states()[-1][1] == "suppressed"

    def test_a_rule_that_is_gone_tells_nothing(self) -> None:
        table = Table(rule())
        table.desk.change(settings(), table.at)
        table.hit()
        assert table.log.versions == []

    def test_what_waits_for_a_channel_that_is_gone_is_given_up(self) -> None:
        table = Table(rule())
        table.hit(1)
        (job,) = table.jobs()
        table.hit(2)
        table.desk.change(settings(), table.at)
        assert [state.name for state in table.desk.states()] == ["terminal", "bell"]
        table.answer(job, Outcome.SENT)
        assert table.log.states() == [
            ("phone", "sent", ""),
            ("phone", "failed", "its channel is no longer in the configuration"),
        ]

    def test_a_new_channel_is_told(self) -> None:
        table = Table(settings(rules={"r": {}}))
        table.desk.change(rule(), table.at)
        table.hit()
        assert [job.channel for job in table.jobs()] == ["phone"]


def test_when_something_is_due() -> None:
    table = Table(rule(digest={"after": 1, "window_s": 60.0}))
    assert table.desk.due is None
    table.hit(1)
    assert table.desk.due is not None
    assert table.desk.due <= table.at
    table.run(1)
    table.hit(2)
    assert table.desk.due == START + 60 * SECOND


def test_when_it_is_busy() -> None:
    table = Table(rule())
    assert not table.desk.busy(table.at + SECOND)
    table.hit()
    assert table.desk.busy(table.at + SECOND)
    (job,) = table.jobs()
    assert table.desk.busy(table.at)
    table.answer(job, Outcome.REFUSED, "down")
    assert not table.desk.busy(table.at + SECOND // 2)
    assert table.desk.busy(table.at + 3 * SECOND)
