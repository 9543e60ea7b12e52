"""The whole of it with real receivers: quick for the scanner, whatever they do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest

from scanner import clock
from scanner.configuration.alerts import AlertSettings
from scanner.engine.ids import Ids
from scanner.events import RouteMinute
from scanner.sinks.alerts.delivery import Alerts
from scanner.sinks.alerts.desk import Job
from scanner.sinks.alerts.log import MemoryLog
from tests.sinks.alerts.receiver import Receiver, free_port
from tests.sinks.alerts.samples import found, settings
from tests.storage.events import opened, survival, suspect

Receivers = Callable[..., Receiver]
PATIENCE = 30.0


class Running:
    """Alerts at work, what they recorded, and what the terminal saw."""

    def __init__(self, alerts: AlertSettings) -> None:
        self.log = MemoryLog()
        self.shown: list[Job] = []
        self.rung: list[Job] = []
        self.show: Callable[[Job], object] = self.shown.append
        self.alerts = Alerts(
            alerts,
            self.log,
            show=self._show,
            ring=self.rung.append,
            new_id=Ids(Random(1).getrandbits).new,
            now=clock.now,
            rng=Random(1),
        )

    def _show(self, job: Job) -> None:
        self.show(job)

    def find(self, number: int = 1, symbol: str = "BTC/USDT", **changes: Any) -> None:
        at = clock.now()
        self.alerts(found(number, symbol, **{"at": at, "opened_at": at, **changes}))

    def channel(self, name: str) -> Any:
        return next(state for state in self.alerts.state().channels if state.name == name)

    def states(self, channel: str) -> list[tuple[str, str]]:
        return [(a.state, a.error) for a in list(self.log.alerts.values()) if a.channel == channel]


@contextmanager
def running(alerts: AlertSettings) -> Iterator[Running]:
    one = Running(alerts)
    one.alerts.start()
    try:
        yield one
    finally:
        one.alerts.close(0.2)


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def hooks(timeout: float = 1.0, **urls: str) -> AlertSettings:
    rule = {"to": tuple(urls), "cooldown_s": 0.0, "digest": {"after": 1000}}
    return settings(channels=urls, timeout_s=timeout, rules={"r": rule})


def test_terminal_and_bell() -> None:
    with running(settings(rules={"r": {"to": ("terminal", "bell")}})) as one:
        one.find()
        until(lambda: one.shown and one.rung)
        assert one.shown[0].text.startswith("BTC/USDT +9.75 bps")
        until(lambda: one.states("terminal") == [("sent", "")])
        assert one.alerts._courier._process is None


def test_a_webhook_gets_it_once(receiver: Receivers) -> None:
    hook = receiver()
    with running(hooks(hook=hook.url)) as one:
        one.find()
        one.find(event="updated", net_bps=50.0)
        until(lambda: one.states("hook") == [("sent", "")])
        one.find(event="updated", net_bps=60.0)
        one.find(2)
        until(lambda: one.channel("hook").sent == 2)
    assert len(hook.texts) == 2
    assert "id id-1" in hook.texts[0]
    assert "id id-2" in hook.texts[1]


def test_an_error_is_tried_again_until_it_gets_through(
    receiver: Receivers, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    hook = receiver(500, 200)
    with running(hooks(hook=hook.url)) as one:
        one.find()
        until(lambda: one.channel("hook").failing)
        assert one.channel("hook").error.endswith("error=500.")
        until(lambda: one.states("hook") == [("sent", "")])
        until(lambda: not one.channel("hook").failing)
    assert len(hook.messages) == 2
    assert [record.getMessage() for record in caplog.records] == [
        "alerts to hook fail: Failed to send JSON POST notification: Internal server error.,"
        " error=500.",
        "alerts to hook get through again",
    ]


@pytest.mark.parametrize(
    ("behaviour", "says"),
    [("hang", "no answer within 1 s"), ("close", "closed without an answer")],
)
def test_without_an_answer_it_is_sent_once_and_said(
    receiver: Receivers, behaviour: str, says: str
) -> None:
    hook = receiver(behaviour, 200)
    with running(hooks(hook=hook.url)) as one:
        one.find()
        until(lambda: one.states("hook") and one.states("hook")[0][0] == "failed")
        until(lambda: one.alerts.state().failing)
        (failing,) = one.alerts.state().failing
        assert failing.name == "hook"
        assert failing.error.startswith(says) or says in failing.error
        assert failing.error.endswith("it may have arrived, so it is not sent again")
    assert len(hook.messages) == 1


def test_bad_ones_hold_up_no_good_one_and_no_secret_shows(receiver: Receivers) -> None:
    good, hanging = receiver(), receiver("hang")
    alerts = hooks(
        good=good.url,
        hanging=hanging.url,
        down=f"json://me:pa55word@127.0.0.1:{free_port()}/s3cr3t-path",
        wrong="tgram://s3cr3t-token",
    )
    with running(alerts) as one:
        for number in range(20):
            one.find(number)
        until(lambda: one.channel("good").sent == 20)
        until(lambda: all(one.channel(name).failing for name in ("hanging", "down", "wrong")))
        said = repr((one.alerts.state(), list(one.log.alerts.values())))
        assert "s3cr3t" not in said
        assert "pa55word" not in said
        assert "it cannot be reached: connection refused" in said


def test_the_scanner_is_never_held_up(receiver: Receivers) -> None:
    hanging = receiver("hang")
    frozen = threading.Event()
    alerts = settings(
        channels={"hanging": hanging.url, "down": f"json://127.0.0.1:{free_port()}/x"},
        timeout_s=1.0,
        rules={"r": {"to": ("terminal", "hanging", "down"), "cooldown_s": 0.0}},
    )
    with running(alerts) as one:
        one.show = lambda job: frozen.wait(PATIENCE)  # a terminal stopped by Ctrl-S
        took = []
        for number in range(3000):
            event = found(number, at=clock.now(), opened_at=clock.now())
            begun = time.perf_counter()
            one.alerts(event)
            took.append(time.perf_counter() - begun)
        took.sort()
        assert took[len(took) // 2] < 50e-6
        assert took[len(took) * 98 // 100] < 0.02  # other threads of this process have their turns
        until(lambda: one.channel("hanging").failing and one.channel("down").failing)
        frozen.set()


def test_a_broken_terminal_is_no_end(caplog: pytest.LogCaptureFixture) -> None:
    def broken(job: Job) -> None:
        raise OSError("the terminal is gone")

    with running(settings(rules={"r": {"to": ("terminal",), "cooldown_s": 0.0}})) as one:
        one.show = broken
        one.find(1)
        until(lambda: one.channel("terminal").failing)
        one.show = one.shown.append
        one.find(2)
        until(lambda: one.shown)


def test_long_enough_open_without_an_update(receiver: Receivers) -> None:
    with running(settings(rules={"r": {"to": ("terminal",), "min_duration_s": 0.3}})) as one:
        one.find()
        assert one.shown == []
        until(lambda: one.shown)
        assert "open for 0." in one.shown[0].text


def test_other_settings_while_running(receiver: Receivers) -> None:
    first, second = receiver(), receiver()
    with running(hooks(hook=first.url)) as one:
        one.find(1)
        until(lambda: first.messages)
        one.alerts.reload(hooks(hook=second.url, other=first.url))
        until(lambda: len(one.alerts.state().channels) == 4)
        one.find(1, event="updated")  # told already
        one.find(2)
        until(lambda: one.channel("hook").sent == 2 and one.channel("other").sent == 1)
    assert (len(first.messages), len(second.messages)) == (2, 1)


def test_closing_sends_what_waits(receiver: Receivers) -> None:
    hook = receiver("slow")
    one = Running(hooks(hook=hook.url))
    one.alerts.start()
    for number in range(3):
        one.find(number)
    one.alerts.close(PATIENCE)
    assert one.states("hook") == [("sent", "")] * 3


def test_closing_does_not_wait_for_what_is_down() -> None:
    one = Running(hooks(hook=f"json://127.0.0.1:{free_port()}/x"))
    one.alerts.start()
    one.find()
    until(lambda: one.states("hook") and one.states("hook")[0][1])
    begun = time.monotonic()
    one.alerts.close(0.5)  # the next attempt is a second away
    assert time.monotonic() - begun < 4
    assert one.states("hook") == [("pending", "it cannot be reached: connection refused")]


def test_closing_is_no_matter_before_the_start_and_twice() -> None:
    one = Running(settings())
    one.alerts.close()
    one.alerts.start()
    one.alerts.close()
    one.alerts.close()


def test_other_events_are_none_of_its_business() -> None:
    one = Running(settings(rules={"r": {}}))
    figures = {"low_bps": 0.0, "high_bps": 0.0, "mean_bps": 0.0, "last_bps": 0.0}
    one.alerts(RouteMinute(at=0, symbol="a", buy="b", sell="c", samples=0, positive=0, **figures))
    one.alerts(suspect())
    one.alerts(survival(opened()))
    assert one.alerts._inbox.empty()


def test_a_flood_is_bounded_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanner.sinks.alerts.delivery.MOST_HITS", 10)
    one = Running(settings(rules={"r": {"to": ("terminal",)}}))  # not started: nothing is taken
    for number in range(25):
        one.find(number)
    assert one.alerts._inbox.qsize() == 10
    assert one.alerts._dropped == 15
