"""Rules about the hedge book: when one is told, what is recorded and said of it."""

from __future__ import annotations

from random import Random

import pytest
from msgspec.structs import replace

from scanner.config import validated
from scanner.configuration.alerts import AlertSettings
from scanner.configuration.located import parse
from scanner.errors import ConfigError
from scanner.hedge_events import HedgedCoin, HedgedShort, HedgeState
from scanner.sinks.alerts.desk import Desk
from scanner.sinks.alerts.hedges import HedgeWatcher
from scanner.sinks.alerts.log import MemoryLog
from scanner.sinks.alerts.rules import SECOND, Rules
from scanner.sinks.alerts.trial import astray
from tests.sinks.terminal.frames import hedge
from tests.sinks.test_formats import opportunity

START = 1_790_000_000 * SECOND
BTC, ETH = hedge()
SHORT, DARK = BTC.shorts[0], ETH.shorts[0]


def settings(**rule: object) -> AlertSettings:
    return AlertSettings.model_validate({"rules": {"hedge": rule}})


def state(*coins: HedgedCoin, second: int = 0) -> HedgeState:
    return HedgeState(at=START + second * SECOND, coins=coins)


def with_short(**changes: object) -> HedgedCoin:
    return replace(BTC, shorts=(replace(SHORT, **changes),))


def seconds(watcher: HedgeWatcher, coin: HedgedCoin, since: int, until: int) -> list[int]:
    """The seconds at which there was a hit, while this is told every second."""
    return [
        second for second in range(since, until) for _ in watcher.take(state(coin, second=second))
    ]


@pytest.mark.parametrize(
    ("drift", "hits"),
    [(10.0, 1), (-10.0, 1), ((1 - 0.9) * 100, 1), (9.99, 0), (-9.99, 0), (None, 0)],
)
def test_drift_counts_in_both_directions(drift: float | None, hits: int) -> None:
    found = HedgeWatcher(settings(drift_pct=10.0)).take(state(replace(BTC, drift_pct=drift)))
    assert len(found) == hits


@pytest.mark.parametrize(("hedged", "hits"), [(0.9, 1), (0.0, 0), (None, 0)])
def test_what_is_sold_without_a_holding_drifts(hedged: float | None, hits: int) -> None:
    naked = replace(BTC, amount=0.0, hedged=hedged, drift_pct=None)
    assert len(HedgeWatcher(settings(drift_pct=50.0)).take(state(naked))) == hits


@pytest.mark.parametrize(
    ("distance", "hits"), [(15.0, 1), (3.0, 1), (-2.0, 1), (15.01, 0), (None, 0)]
)
def test_margin_counts_up_to_the_distance(distance: float | None, hits: int) -> None:
    coin = with_short(distance_pct=distance)
    assert len(HedgeWatcher(settings(margin_pct=15.0)).take(state(coin))) == hits


@pytest.mark.parametrize(("rate", "hits"), [(-1e-9, 1), (0.0, 0), (0.0001, 0), (None, 0)])
def test_funding_is_against_a_short_that_pays(rate: float | None, hits: int) -> None:
    coin = with_short(rate=rate)
    assert len(HedgeWatcher(settings(funding_against=True)).take(state(coin))) == hits


def test_it_is_told_once_when_it_has_lasted_for_so_long() -> None:
    watcher = HedgeWatcher(settings(drift_pct=5.0, **{"for": "60s"}))
    assert seconds(watcher, BTC, 0, 200) == [60]


@pytest.mark.parametrize("between", [0.0, None])
def test_what_is_in_balance_again_or_unknown_begins_anew(between: float | None) -> None:
    watcher = HedgeWatcher(settings(drift_pct=5.0, **{"for": "60s"}))
    assert seconds(watcher, BTC, 0, 50) == []
    assert seconds(watcher, replace(BTC, drift_pct=between), 50, 51) == []
    assert seconds(watcher, BTC, 51, 200) == [111]
    assert watcher.take(state(second=200)) == []  # it is in the book no more
    assert seconds(watcher, BTC, 201, 300) == [261]


def test_each_short_counts_for_itself() -> None:
    other = replace(SHORT, venue="gate")
    both = replace(BTC, shorts=(SHORT, other))
    hits = HedgeWatcher(settings(funding_against=True)).take(state(both, ETH))
    assert [hit.found.buy.venue for hit in hits] == ["okx", "gate"]


def test_two_shorts_on_one_contract_do_not_end_each_other() -> None:
    far = replace(SHORT, distance_pct=80.0)
    both = replace(BTC, shorts=(replace(SHORT, distance_pct=5.0), far))
    watcher = HedgeWatcher(settings(margin_pct=10.0, **{"for": 5}))
    assert seconds(watcher, both, 0, 30) == [5]


def test_patterns_choose_coins_contracts_and_venues() -> None:
    for rule, hits in (
        ({"drift_pct": 1.0, "symbols": ("ETH",)}, 0),
        ({"drift_pct": 1.0, "symbols": ("btc",)}, 1),
        ({"funding_against": True, "symbols": ("BTC/USDC:*",)}, 0),
        ({"funding_against": True, "symbols": ("BTC/*",)}, 1),
        ({"funding_against": True, "venues": ("!okx",)}, 0),
        ({"margin_pct": 60.0, "venues": ("okx",)}, 1),
    ):
        assert len(HedgeWatcher(settings(**rule)).take(state(BTC))) == hits


def test_a_rule_about_hedges_is_none_about_opportunities() -> None:
    assert list(Rules(settings(drift_pct=1.0)).met(opportunity())) == []
    assert HedgeWatcher(settings()).take(state(BTC)) == []


def test_a_change_of_rules_does_not_tell_again() -> None:
    watcher = HedgeWatcher(settings(drift_pct=5.0))
    assert len(watcher.take(state(BTC))) == 1
    watcher.change(settings(drift_pct=6.0))
    assert watcher.take(state(BTC, second=1)) == []


def told(rule: dict[str, object], *coins: HedgedCoin, seconds: int = 61) -> tuple[MemoryLog, str]:
    """What the desk records and sends of a book that stands so for a minute."""
    log = MemoryLog()
    configured = settings(**rule)
    desk = Desk(configured, log, new_id=lambda at: f"id-{at}", rng=Random(1), clean=str)
    watcher = HedgeWatcher(configured)
    at = START
    for second in range(seconds):
        at = START + second * SECOND
        for hit in watcher.take(state(*coins, second=second)):
            desk.hit(hit, at)
    (job,) = desk.jobs(at)
    return log, job.text


def test_drift_is_recorded_and_sent_like_any_other() -> None:
    log, text = told({"drift_pct": 10.0, "for": "60s"}, BTC)
    (alert,) = log.alerts.values()
    assert (alert.rule, alert.channel, alert.symbol) == ("hedge", "terminal", "BTC")
    assert (alert.buy, alert.sell, alert.opportunity_id) == ("", "", "")
    assert text.splitlines() == [
        "HEDGE BTC drift +10.00 %: hold 1, short 0.9, net delta +0.1 BTC",
        "spot 95,000.00, contracts 85,671.00 USDT",
        "for 60.0 s",
        "seen 2026-09-21T14:14:20.000Z, rule hedge",
    ]


def test_margin_says_where_it_ends() -> None:
    log, text = told({"margin_pct": 60.0}, BTC, seconds=1)
    (alert,) = log.alerts.values()
    assert (alert.symbol, alert.buy) == ("BTC/USDT:USDT", "okx")
    assert text.splitlines() == [
        "HEDGE BTC/USDT:USDT on okx +56.80 % from liquidation: price 95,190, liquidated near"
        " 149,253.73",
        "0.9 BTC sold at 100,000, result +4,329.00 USDT",
        "for 0.0 s",
        "seen 2026-09-21T14:13:20.000Z, rule hedge",
    ]


def test_funding_says_what_is_paid_next() -> None:
    _, text = told({"funding_against": True}, BTC, seconds=1)
    assert text.splitlines()[:4] == [
        "HEDGE BTC/USDT:USDT on okx pays funding: the rate is -0.0100 %",
        "the short pays 8.57 USDT at the next payment, as the rate stands",
        "funding since opening +12.30 USDT",
        "0.9 BTC sold at 100,000, result +4,329.00 USDT",
    ]


def test_funding_by_the_entry_price_is_told_as_about() -> None:
    _, text = told({"funding_against": True}, with_short(at_entry=3), seconds=1)
    said = "funding since opening about +12.30 USDT, in part by the entry price"
    assert text.splitlines()[2] == said


def test_what_is_unknown_is_said_to_be() -> None:
    dark = with_short(value=None, funding=None, profit=None, coins=None)
    _, text = told({"funding_against": True}, dark, seconds=1)
    assert text.splitlines()[1:4] == [
        "the short pays an unknown amount of USDT at the next payment, as the rate stands",
        "funding since opening unknown",
        "unknown BTC sold at 100,000, result unknown USDT",
    ]


def test_the_cooldown_holds_back_what_comes_again() -> None:
    log = MemoryLog()
    configured = settings(drift_pct=5.0, cooldown_s=100.0)
    desk = Desk(configured, log, new_id=lambda at: f"id-{at}", rng=Random(1), clean=str)
    watcher = HedgeWatcher(configured)
    calm = replace(BTC, drift_pct=0.0)
    for second, coin in ((0, BTC), (10, calm), (20, BTC), (30, calm), (120, BTC)):
        at = START + second * SECOND
        for hit in watcher.take(state(coin, second=second)):
            desk.hit(hit, at)
    assert [(alert.state, alert.error) for alert in log.alerts.values()] == [
        ("pending", ""),
        ("suppressed", "cooldown: 80 s left for the same symbol"),
        ("pending", ""),
    ]


def test_several_come_in_one_message_the_worst_first() -> None:
    log = MemoryLog()
    configured = settings(drift_pct=5.0, digest={"after": 0, "window_s": 30.0})
    desk = Desk(configured, log, new_id=lambda at: f"id-{at}", rng=Random(1), clean=str)
    more = replace(ETH, drift_pct=-20.0, hedged=12.0, delta=-2.0)
    for hit in HedgeWatcher(configured).take(state(BTC, more)):
        desk.hit(hit, START)
    (job,) = desk.jobs(START + 31 * SECOND)
    assert job.text.splitlines()[:3] == [
        "2 more hedges astray within 30 s, rule hedge",
        "HEDGE ETH drift -20.00 %: hold 10, short 12, net delta -2 ETH",
        "HEDGE BTC drift +10.00 %: hold 1, short 0.9, net delta +0.1 BTC",
    ]


@pytest.mark.parametrize(
    "rule", [{"drift_pct": 8.0}, {"margin_pct": 8.0}, {"funding_against": True}]
)
def test_the_trial_has_a_sample_that_meets_the_rule(rule: dict[str, object]) -> None:
    configured = settings(**rule, **{"for": "60s"})
    found = astray(dict(configured.enabled)["hedge"], ("one", "two"), START)
    assert START - found.since > 60 * SECOND
    watcher = HedgeWatcher(configured)
    watcher.take(HedgeState(at=found.since, coins=(found.coin,)))
    (hit,) = watcher.take(HedgeState(at=START, coins=(found.coin,)))
    assert hit.found == found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("drift_pct: 5, min_profit: 5", "a rule with 'drift_pct' is about the hedge book"),
        ("funding_against: true, kinds: [loop]", "a rule with 'funding_against' is about"),
        ("drift_pct: 5, margin_pct: 5", "is one more than 'drift_pct': make two rules of it"),
        ("depeg_bps: 5, margin_pct: 5", "is one more than 'depeg_bps'"),
        ("drift_pct: 5, venues: [okx]", "is about a coin on all of them"),
        ("margin_pct: -1", "must be at least 0"),
        ("funding_against: 1", "must be"),
    ],
)
def test_what_makes_no_sense_is_refused(text: str, told: str) -> None:
    document = f"venues: {{okx: , binance: }}\nalerts:\n  rules:\n    hedge: {{{text}}}\n"
    with pytest.raises(ConfigError, match=told):
        validated(parse(document, "config.yaml"), {})


def test_names_from_outside_are_harmless() -> None:
    bad = HedgedShort(venue="\x1b[2J", symbol="*x*\n", quote="<b>", entry=1.0, rate=-0.1)
    _, text = told({"funding_against": True}, replace(BTC, coin="[c](d)", shorts=(bad,)), seconds=1)
    assert all(line.isprintable() for line in text.splitlines())
    assert not set(text) & set("<>[]()*_`")
