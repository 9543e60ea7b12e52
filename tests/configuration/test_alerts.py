"""``alerts:`` as its author writes it, and what he reads when it is wrong."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from scanner.configuration.alerts import AlertRule, AlertSettings
from scanner.configuration.explain import explained
from scanner.configuration.located import parse
from scanner.configuration.model import Model
from scanner.errors import ConfigError

GOOD = """\
alerts:
  time_zone: Europe/Berlin
  quiet_hours: [22:00-07:00, 'sat,sun 00:00-24:00']
  channels:
    phone: tgram://123456789:abc/42
    desk: json://127.0.0.1:9000/hook
  rules:
    big:
      min_net_bps: 20
      symbols: [BTC/*, '!BTC/EUR']
      to: [terminal, bell, phone]
      cooldown_per: route
      digest: {after: 2, window_s: 30}
    all:
"""


class Whole(Model):
    alerts: AlertSettings = AlertSettings()


def settings(text: str) -> AlertSettings:
    document = parse(text, "config.yaml")
    try:
        return Whole.model_validate(document.value).alerts
    except ValidationError as invalid:
        raise explained(invalid, document, Whole) from None


def test_a_whole_section() -> None:
    found = settings(GOOD)
    big = found.rules["big"]
    assert (big.min_net_bps, big.symbols, big.cooldown_per) == (
        20.0,
        ("BTC/*", "!BTC/EUR"),
        "route",
    )
    assert (big.digest.after, big.digest.window_s) == (2, 30.0)
    assert found.rules["all"] == AlertRule()
    assert found.targets(big) == ("terminal", "bell", "phone")
    assert found.targets(found.rules["all"]) == ("terminal", "phone", "desk")
    assert len(found.hours) == 2
    assert str(found.zone) == "Europe/Berlin"


def test_nothing_is_needed() -> None:
    found = settings("alerts:\n")
    assert found == AlertSettings()
    assert list(found.enabled) == []
    assert str(found.zone) == "UTC"


def test_a_rule_can_be_switched_off() -> None:
    assert list(settings("alerts: {rules: {a: {enabled: false}}}").enabled) == []


def test_a_url_is_never_shown() -> None:
    found = settings(GOOD)
    assert "123456789" not in f"{found!r} {found} {found.model_dump()}"
    assert found.channels["phone"].get_secret_value() == "tgram://123456789:abc/42"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "bell, phone]",
            "bell, phon]",
            "config.yaml:11: alerts.rules.big.to.2: there is no channel 'phon';"
            " did you mean 'phone'?",
        ),
        (
            "bell, phone]",
            "bell, xyz]",
            "config.yaml:11: alerts.rules.big.to.2: there is no channel 'xyz';"
            " there are terminal, bell, phone, desk",
        ),
        (
            "json://127.0.0.1:9000/hook",
            "127.0.0.1:9000/s3cret",
            "config.yaml:6: alerts.channels.desk: must be an Apprise URL such as json://host:port",
        ),
        (
            "desk: json",
            "bell: json",
            "config.yaml:6: alerts.channels.bell: 'bell' is there already; choose another name",
        ),
        (
            "desk: json",
            "my desk: json",
            "config.yaml:6: alerts.channels.my desk: a name here is of letters, digits, '-' and"
            " '_'",
        ),
        (
            "22:00-07:00",
            "22-7",
            "config.yaml:3: alerts.quiet_hours.0: must look like 22:00-07:00 or"
            " sat,sun 00:00-24:00",
        ),
        (
            "Europe/Berlin",
            "Europe/Berln",
            "config.yaml:2: alerts.time_zone: 'Europe/Berln' is no time zone; they look like"
            " Europe/Berlin",
        ),
        (
            "Europe/Berlin",
            "/etc/passwd",
            "config.yaml:2: alerts.time_zone: '/etc/passwd' is no time zone; they look like"
            " Europe/Berlin",
        ),
        (
            "[BTC/*, '!BTC/EUR']",
            "[]",
            "config.yaml:10: alerts.rules.big.symbols: names no pattern, so that nothing would"
            " fit; for example [BTC/*, '*/USDT', '!DOGE/*']",
        ),
        (
            "'!BTC/EUR'",
            "'!'",
            "config.yaml:10: alerts.rules.big.symbols.1: must be a pattern such as BTC/*, or"
            " !BTC/* for all but those",
        ),
        (
            "min_net_bps: 20",
            "min_net_bsp: 20",
            "config.yaml:9: alerts.rules.big.min_net_bsp: unknown key; did you mean 'min_net_bps'?",
        ),
        (
            "cooldown_per: route",
            "cooldown_per: venue",
            "config.yaml:12: alerts.rules.big.cooldown_per: must be one of"
            " 'symbol', 'route' or 'rule', not 'venue'",
        ),
        (
            "min_net_bps: 20",
            "min_net_bps: -1",
            "config.yaml:9: alerts.rules.big.min_net_bps: must be at least 0.0, not -1",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(old: str, new: str, told: str) -> None:
    with pytest.raises(ConfigError) as error:
        settings(GOOD.replace(old, new, 1))
    assert str(error.value) == told
    assert "s3cret" not in str(error.value)
