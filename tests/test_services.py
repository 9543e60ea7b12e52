"""What runs beside a scan, put together as a run does."""

from __future__ import annotations

import time

import pytest

from scanner import clock
from scanner.config import builtin
from scanner.frame import Kind, Query
from scanner.services import services
from scanner.sinks.fanout import Fanout
from scanner.window import Window
from tests.sinks.alerts.samples import found, one_rule


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
