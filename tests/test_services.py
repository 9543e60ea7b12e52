"""What runs beside a scan, put together as a run does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scanner import clock
from scanner.config import builtin
from scanner.services import services
from scanner.sinks.fanout import Fanout
from scanner.view.frame import Kind, Query, ServiceLine
from scanner.view.window import Window
from storage.queries import open_reader
from tests.sinks.alerts.receiver import Receiver
from tests.sinks.alerts.samples import found, one_rule, settings
from tests.storage.events import until


def test_an_alert_is_one_line_in_the_log_and_on_the_screen(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    config = builtin().model_copy(update={"alerts": one_rule()})
    fanout, view = Fanout(), Window(lambda query: (), ())
    line = "BTC/USDT +9.75 bps = +99.9000 USDT: buy kucoin 100,000, sell okx 100,200"
    with services(config, "", fanout, view):
        fanout(found(at=clock.now(), opened_at=clock.now()))
        deadline = time.monotonic() + 10
        while not (events := view.frame(clock.now(), Query()).events):
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert [(event.kind, event.subject, event.text) for event in events] == [
        (Kind.ALERT, "r", line)
    ]
    assert f"alert r: {line}" in caplog.messages


@pytest.fixture
def hooks() -> Iterator[dict[str, Receiver]]:
    """Webhooks, one of which never answers."""
    made = {"good": Receiver(), "stuck": Receiver("hang")}
    yield made
    for one in made.values():
        one.close()


def test_a_webhook_gets_the_alert_and_one_that_hangs_is_named_in_the_health_line(
    hooks: dict[str, Receiver], tmp_path: Path
) -> None:
    alerts = settings(
        channels={name: hook.url for name, hook in hooks.items()},
        timeout_s=1.0,
        rules={"r": {"to": tuple(hooks), "cooldown_s": 0.0}},
    )
    config = builtin().model_copy(update={"alerts": alerts})
    database, fanout = str(tmp_path / "a.db"), Fanout()
    told = "no answer within 1 s; it may have arrived, so it is not sent again"
    with services(config, database, fanout, Window(lambda query: (), ())) as running:
        for number in (1, 2, 3):
            fanout(found(number, at=clock.now(), opened_at=clock.now()))
        until(lambda: len(hooks["good"].messages) == 3, 30)
        until(lambda: not running.alerts_line().good, 30)
        assert running.alerts_line() == ServiceLine("alerts", False, f"stuck: {told}")
        assert running.database_line().good
    stored = [(alert.channel, alert.state, alert.error) for alert in open_reader(database).alerts()]
    assert stored.count(("good", "sent", "")) == 3
    assert ("stuck", "failed", told) in stored
