"""The samples of ``crossbook alerts test``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from scanner.sinks.alerts.desk import Job
from scanner.sinks.alerts.rules import Rules, Watcher
from scanner.sinks.alerts.trial import Trial, sample, trials
from tests.sinks.alerts.receiver import Receiver, free_port
from tests.sinks.alerts.samples import START, one_rule, settings

Receivers = Callable[..., Receiver]
VENUES = ("alpha", "beta", "gamma")


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"min_net_bps": 250.0, "min_profit": 5000.0, "min_size": 7.0, "min_notional": 1e6},
        {"min_duration_s": 60.0},
        {"symbols": ("ETH/*",)},
        {"symbols": ("PEPE/*",)},
        {"symbols": ("*/EUR", "!BTC/*")},
        {"symbols": ("SOL/USDC",)},
        {"symbols": ("[DS]O?E/USDT",)},
        {"symbols": ("!BTC/USDT",)},
        {"venues": ("b*", "g*")},
        {"buy": ("gamma",), "sell": ("alpha",)},
        {"buy": ("elsewhere",)},
        {"kinds": ("spot-perp",)},
    ],
)
def test_a_sample_meets_its_rule(rule: dict[str, Any]) -> None:
    asked = one_rule(**rule)
    found = sample(asked.rules["r"], VENUES, START)
    assert [hit.rule for hit in Watcher(Rules(asked)).take(found)] == ["r"]
    assert found.buy.venue != found.sell.venue


def run(alerts: Any) -> tuple[dict[tuple[str, str], Trial], list[Job], list[Job]]:
    shown: list[Job] = []
    rung: list[Job] = []
    told = trials(alerts, venues=VENUES, show=shown.append, ring=rung.append, at=START)
    return {(trial.rule, trial.channel): trial for trial in told}, shown, rung


def test_every_channel_of_every_rule_is_tried(receiver: Receivers) -> None:
    good, broken, hanging = receiver(), receiver(500), receiver("hang")
    channels = {
        "good": good.url,
        "broken": broken.url,
        "hanging": hanging.url,
        "down": f"json://me:pa55word@127.0.0.1:{free_port()}/s3cr3t",
        "wrong": "nosuch://s3cr3t-token",
    }
    rules = {
        "all": {"to": ("terminal", "bell", *channels)},
        "two": {"to": ("good",), "symbols": ("ETH/*",)},
        "off": {"to": ("good",), "enabled": False},
    }
    found, shown, rung = run(settings(channels=channels, rules=rules, timeout_s=1.0))
    assert {key: trial.error for key, trial in found.items()} == {
        ("all", "terminal"): "",
        ("all", "bell"): "",
        ("all", "good"): "",
        ("all", "broken"): "Failed to send JSON POST notification: Internal server error.,"
        " error=500.",
        ("all", "hanging"): "no answer within 1 s; it may have arrived, so it is not sent again",
        ("all", "down"): "it cannot be reached: connection refused",
        ("all", "wrong"): "Apprise has no service nosuch://",
        ("two", "good"): "",
    }
    assert (len(shown), len(rung), len(broken.messages), len(hanging.messages)) == (1, 1, 1, 1)
    assert all(text.startswith("TEST ") for text in good.texts)
    assert {text.split()[1] for text in good.texts} == {"BTC/USDT", "ETH/USDT"}


def test_what_would_hold_a_real_one_back_is_said() -> None:
    alerts = settings(quiet_hours=("00:00-24:00",), rules={"r": {"to": ("terminal", "bell")}})
    found, _, rung = run(alerts)
    assert found["r", "terminal"].note == ""
    assert found["r", "bell"].note == "a real one would be held back: quiet hours"
    assert len(rung) == 1


def test_a_rule_that_nothing_can_meet_is_said() -> None:
    found, shown, _ = run(one_rule(symbols=("BTC/*",), venues=("alpha",)))
    assert found["r", "terminal"].note == "no sample fits its patterns: can anything?"
    assert len(shown) == 1
