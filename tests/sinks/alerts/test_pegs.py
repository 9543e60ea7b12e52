"""Rules about pegs: when one is told, on a virtual clock, and what is recorded and said of it."""

from __future__ import annotations

from random import Random

import pytest
from msgspec.structs import replace

from scanner.config import validated
from scanner.configuration.alerts import AlertSettings
from scanner.configuration.located import parse
from scanner.errors import ConfigError
from scanner.events import Peg
from scanner.sinks.alerts.desk import Desk
from scanner.sinks.alerts.log import MemoryLog
from scanner.sinks.alerts.pegs import UNHEARD, PegWatcher
from scanner.sinks.alerts.rules import SECOND, Rules
from scanner.sinks.alerts.trial import lost
from tests.sinks.test_formats import opportunity

START = 1_790_000_000 * SECOND
LOST = Peg(
    at=START,
    venue="okx",
    symbol="USDC/USDT",
    bps=-251.0,
    bid_bps=-253.0,
    ask_bps=-249.0,
    size=10_000.0,
)


def settings(**rule: object) -> AlertSettings:
    return AlertSettings.model_validate({"rules": {"peg": {"depeg_bps": 50.0} | rule}})


def seconds(watcher: PegWatcher, peg: Peg, since: int, until: int) -> list[int]:
    """The seconds at which there was a hit, while the peg is told every five."""
    found = []
    for second in range(since, until):
        at = START + second * SECOND
        hits = watcher.take(replace(peg, at=at)) if second % 5 == 0 else watcher.due(at)
        found += [second] * len(hits)
    return found


def test_it_is_told_once_when_it_has_lasted_for_so_long() -> None:
    watcher = PegWatcher(settings(**{"for": "60s"}))
    assert seconds(watcher, LOST, 0, 200) == [60]


def test_both_directions_count_and_less_does_not() -> None:
    for bps, hits in ((50.0, [0]), (-50.0, [0]), (49.9, []), (-49.9, [])):
        assert seconds(PegWatcher(settings()), replace(LOST, bps=bps), 0, 20) == hits


@pytest.mark.parametrize(
    "between", [replace(LOST, bps=-3.0), replace(LOST, bps=0.0, reason="the book is stale")]
)
def test_a_peg_that_is_back_or_unknown_begins_anew(between: Peg) -> None:
    watcher = PegWatcher(settings(**{"for": "1m"}))
    assert seconds(watcher, LOST, 0, 50) == []
    watcher.take(replace(between, at=START + 50 * SECOND))
    assert seconds(watcher, LOST, 55, 200) == [115]
    watcher.take(replace(between, at=START + 200 * SECOND))
    assert seconds(watcher, LOST, 205, 300) == [265]  # and it is told again


def test_what_is_not_heard_of_any_more_is_unknown() -> None:
    watcher = PegWatcher(settings(**{"for": "60s"}))
    watcher.take(LOST)
    assert watcher.due(START + UNHEARD + SECOND) == []
    assert watcher.due(START + 61 * SECOND) == []


def test_patterns_choose_pairs_and_venues() -> None:
    for rule, hits in (
        ({"symbols": ("USDT/*",)}, 0),
        ({"symbols": ("USDC/*",)}, 1),
        ({"venues": ("!okx",)}, 0),
        ({"venues": ("okx",)}, 1),
    ):
        assert len(PegWatcher(settings(**rule)).take(LOST)) == hits


def test_a_rule_about_pegs_is_none_about_opportunities() -> None:
    assert list(Rules(settings()).met(opportunity())) == []
    opportunities = AlertSettings.model_validate({"rules": {"big": {}}})
    assert PegWatcher(opportunities).take(LOST) == []


def test_it_is_recorded_and_sent_like_any_other() -> None:
    log = MemoryLog()
    configured = settings(**{"for": 60})
    desk = Desk(configured, log, new_id=str, rng=Random(1), clean=lambda text: text)
    watcher = PegWatcher(configured)
    watcher.take(LOST)
    at = START + 5 * SECOND
    for second in range(5, 61, 5):
        at = START + second * SECOND
        for hit in watcher.take(replace(LOST, at=at)):
            desk.hit(hit, at)
    (alert,) = log.alerts.values()
    assert (alert.rule, alert.channel, alert.symbol, alert.buy, alert.sell) == (
        *("peg", "terminal", "USDC/USDT"),
        *("okx", "okx"),
    )
    assert alert.state == "pending" and alert.opportunity_id == ""
    (job,) = desk.jobs(at)
    assert job.text.splitlines() == [
        "PEG USDC/USDT -251.0 bps on okx",
        "bid -253.0, ask -249.0 bps from par, for 10,000 USDC, before fees",
        "for 60.0 s",
        "seen 2026-09-21T14:14:20.000Z, rule peg",
    ]


def test_several_come_in_one_message() -> None:
    log = MemoryLog()
    configured = settings(digest={"after": 0, "window_s": 30.0}, cooldown_per="route")
    desk = Desk(configured, log, new_id=lambda at: f"id-{at}", rng=Random(1), clean=str)
    watcher = PegWatcher(configured)
    for place, peg in enumerate((LOST, replace(LOST, venue="median", via="BTC", bps=-260.0))):
        for hit in watcher.take(peg):
            desk.hit(hit, START + place)
    (job,) = desk.jobs(START + 31 * SECOND)
    assert job.text.splitlines()[:3] == [
        "2 more pegs lost within 30 s, rule peg",
        "PEG USDC/USDT -260.0 bps by the median of venues through BTC",
        "PEG USDC/USDT -251.0 bps on okx",
    ]


def test_the_trial_has_a_sample_that_meets_the_rule() -> None:
    rule = dict(settings(symbols=("DAI/*",), **{"for": "60s"}).rules)["peg"]
    found = lost(rule, ("one", "two"), START)
    assert (found.peg.symbol, found.peg.venue, found.peg.bps) == ("DAI/USDT", "one", -62.5)
    assert START - found.since > 60 * SECOND


def rule_in(text: str) -> float:
    document = f"venues: {{okx: , binance: }}\nalerts:\n  rules:\n    peg: {{{text}}}\n"
    config = validated(parse(document, "config.yaml"), {})
    return dict(config.alerts.enabled)["peg"].min_duration_s


@pytest.mark.parametrize(
    ("text", "is_"),
    [("for: 60s", 60), ("for: 1.5m", 90), ("for: 2h", 7200), ("for: 7", 7), ("for: ", 0)],
)
def test_for_is_a_duration(text: str, is_: float) -> None:
    assert rule_in(f"depeg_bps: 50, {text}") == is_


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("for: soon", "is no duration; they look like 60s, 5m or 1h"),
        ("for: -1", "is no duration"),
        ("for: 60s, min_duration_s: 5", "says the same as 'min_duration_s'"),
        ("depeg_bps: 50, min_profit: 5", "a rule with 'depeg_bps' is about pegs"),
        ("depeg_bps: 50, kinds: [parity]", "a rule with 'depeg_bps' is about pegs"),
        ("depeg_bps: -1", "must be at least 0"),
    ],
)
def test_what_makes_no_sense_is_refused(text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        rule_in(text)
