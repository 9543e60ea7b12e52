"""docs/alerts.md tells the truth."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.main import get_command

from scanner.commands.alerts import alerts
from scanner.configuration.alerts import AlertSettings
from scanner.configuration.environment import substituted
from scanner.configuration.located import parse
from scanner.configuration.model import Model
from tests.sinks.alerts.test_text import TEXT

DOCUMENT = (Path(__file__).parents[1] / "docs" / "alerts.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", DOCUMENT, re.M | re.S)


class Whole(Model):
    alerts: AlertSettings


def test_the_example_is_valid() -> None:
    text, *others = [text for kind, text in BLOCKS if kind == "yaml"]
    environment = {"TELEGRAM_URL": "tgram://123456789:abc/42"}
    document = substituted(parse(text, "docs/alerts.md"), environment)
    settings = Whole.model_validate(document.value).alerts
    assert list(settings.rules) == ["big", "lasting"]
    assert settings.targets(settings.rules["lasting"]) == ("hook",)
    for text in others:
        assert Whole.model_validate(parse(text, "docs/alerts.md").value).alerts.rules


def test_the_sample_is_what_an_alert_says() -> None:
    (text,) = [text for _, text in BLOCKS if text.startswith("BTC/USDT +")]
    # The gates are told where the legs say how their books were proven, which the sample's do not.
    told = [line for line in text.splitlines() if not line.startswith(("passed ", "  "))]
    assert told[:-1] == TEXT.splitlines()[:-1]
    assert re.sub(r"\S+Z", "", text.splitlines()[-1]) == re.sub(r"\S+Z", "", TEXT.splitlines()[-1])


def test_every_command_and_option_is_named() -> None:
    for name, command in get_command(alerts).commands.items():  # type: ignore[attr-defined]
        assert f"`crossbook alerts {name}`" in DOCUMENT
        for parameter in command.params:
            option = parameter.opts[0]
            assert f"`{option}" in DOCUMENT or option == "--config"


@pytest.mark.parametrize("channel", ["tgram", "discord", "mailtos", "dbus", "json", "jsons"])
def test_common_services_are_named(channel: str) -> None:
    assert f"`{channel}://" in DOCUMENT


def test_every_service_that_is_named_exists() -> None:
    import apprise

    known = {
        scheme
        for service in apprise.Apprise().details(show_disabled=True)["schemas"]
        for scheme in (*(service["protocols"] or ()), *(service["secure_protocols"] or ()))
    }
    assert set(re.findall(r"`(\w+)://", DOCUMENT)) <= known
