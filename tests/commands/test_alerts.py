"""``crossbook alerts``: what its user reads."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from typer.testing import CliRunner, Result

from scanner.commands.alerts import alerts, as_json, as_table
from scanner.events import Alert
from tests.sinks.alerts.receiver import Receiver, free_port

START = 1_700_000_000_123_456_000
ALERT = Alert(
    id="a1",
    rule="big",
    channel="phone",
    opportunity_id="o1",
    symbol="BTC/USDT",
    buy="alpha",
    sell="beta",
    at=START,
    state="sent",
    attempts=1,
    sent_at=START + 1_000_000_000,
    text="BTC/USDT +9.75 bps\nmore",
)
CONFIG = """\
venues:
  kraken:
  bitget:
alerts:
  timeout_s: 1
  channels:
    hook: {url}
  rules:
    big:
      to: [terminal, hook]
    off:
      enabled: false
"""


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """Commands start the log of their process, which here is the tests'."""
    root = logging.getLogger()
    handlers, level, raising = root.handlers[:], root.level, logging.raiseExceptions
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.raiseExceptions = raising
    logging.captureWarnings(False)


@pytest.fixture
def hook() -> Iterator[Receiver]:
    one = Receiver()
    yield one
    one.close()


def config(folder: Path, url: str, text: str = CONFIG) -> str:
    path = folder / "config.yaml"
    path.write_text(text.format(url=url))
    return str(path)


def crossbook(*arguments: str) -> Result:
    return CliRunner().invoke(alerts, arguments, prog_name="crossbook alerts")


class TestTest:
    def test_what_arrives_is_said(self, hook: Receiver, tmp_path: Path) -> None:
        result = crossbook("test", "--config", config(tmp_path, hook.url))
        assert result.exit_code == 0
        lines = result.stdout.splitlines()
        assert lines[0].startswith("TEST BTC/USDT +10.00 bps = +0.1000 USDT: buy kraken 100,")
        assert lines[-3:] == ["big  terminal  sent", "big  hook      sent", "off  not in force"]
        assert [text.splitlines()[0] for text in hook.texts] == [lines[0]]

    def test_one_that_fails_fails_the_command(self, tmp_path: Path) -> None:
        url = f"json://me:pa55word@127.0.0.1:{free_port()}/s3cr3t"
        result = crossbook("test", "--config", config(tmp_path, url))
        assert result.exit_code == 1
        assert "big  hook      FAILED: it cannot be reached: connection refused" in result.stdout
        assert "s3cr3t" not in result.output
        assert "pa55word" not in result.output

    def test_without_rules_there_is_nothing_to_test(self, tmp_path: Path) -> None:
        path = config(tmp_path, "", "venues: {{kraken: , bitget: }}\n")
        result = crossbook("test", "--config", path)
        assert result.exit_code == 2
        assert result.stderr == (
            "crossbook: the configuration has no alert rules in force; docs/alerts.md shows how"
            " they look\n"
        )

    def test_a_broken_configuration_is_told_with_its_line(self, tmp_path: Path) -> None:
        result = crossbook("test", "--config", config(tmp_path, "no url"))
        assert result.exit_code == 2
        assert result.stderr == (
            f"crossbook: {tmp_path}/config.yaml:7: alerts.channels.hook: must be an Apprise URL"
            " such as json://host:port\n"
        )


class TestList:
    @pytest.fixture
    def db(self, tmp_path: Path) -> str:
        """A database with alerts of all kinds, from an hour apart."""
        from scanner import clock
        from storage.writer import Writer

        url = f"sqlite:///{tmp_path / 'crossbook.db'}"
        writer = Writer(url, version="1", config_text="", now=clock.now)
        writer.start()
        hour = 3_600_000_000_000
        now = clock.now()
        writer(replace(ALERT, id="a1", at=now - 3 * hour))
        writer(replace(ALERT, id="a2", at=now - 2 * hour, state="failed", error="down"))
        writer(replace(ALERT, id="a3", at=now - hour, channel="desk", rule="small"))
        writer(replace(ALERT, id="a4", at=now - hour // 2, state="suppressed", error="cooldown"))
        writer.close()
        return url

    def listed(self, db: str, *arguments: str) -> list[str]:
        result = crossbook("list", "--db", db, "--format", "json", *arguments)
        assert result.exit_code == 0, result.output
        return [row["id"] for row in json.loads(result.stdout)]

    def test_newest_first(self, db: str) -> None:
        assert self.listed(db) == ["a3", "a2", "a1"]

    @pytest.mark.parametrize(
        ("arguments", "ids"),
        [
            (["--since", "150m"], ["a3", "a2"]),
            (["--limit", "1"], ["a3"]),
            (["--rule", "big"], ["a2", "a1"]),
            (["--rule", "big", "--rule", "small"], ["a3", "a2", "a1"]),
            (["--channel", "desk"], ["a3"]),
            (["--state", "failed", "--state", "pending"], ["a2"]),
            (["--state", "suppressed"], ["a4"]),
            (["--state", "pending"], []),
        ],
    )
    def test_filters(self, db: str, arguments: list[str], ids: list[str]) -> None:
        assert self.listed(db, *arguments) == ids

    def test_a_table(self, db: str) -> None:
        result = crossbook("list", "--db", db)
        assert result.exit_code == 0
        assert [line[21:] for line in result.stdout.splitlines()] == [
            "state       rule     channel  what",
            "sent        small    desk     BTC/USDT +9.75 bps",
            "failed      big      phone    BTC/USDT +9.75 bps",
            "down",
            "sent        big      phone    BTC/USDT +9.75 bps",
        ]

    def test_a_time_that_is_none(self, db: str) -> None:
        result = crossbook("list", "--db", db, "--since", "yesterday")
        assert result.exit_code == 2
        assert result.stderr.startswith("crossbook: 'yesterday' is no time; they look like 30m")

    def test_a_database_that_is_not_there(self, tmp_path: Path) -> None:
        result = crossbook("list", "--db", str(tmp_path / "none.db"))
        assert result.exit_code == 1
        assert result.stderr.startswith(f"crossbook: {tmp_path}/none.db: there is no such database")


def test_json_has_every_field() -> None:
    digest = Alert(id="d", rule="big", channel="phone", at=START, text="2 more", state="pending")
    assert json.loads(as_json([ALERT, digest])) == [
        {
            "id": "a1",
            "at": "2023-11-14T22:13:20.123456Z",
            "rule": "big",
            "channel": "phone",
            "state": "sent",
            "opportunity_id": "o1",
            "symbol": "BTC/USDT",
            "buy": "alpha",
            "sell": "beta",
            "digest": None,
            "attempts": 1,
            "sent_at": "2023-11-14T22:13:21.123456Z",
            "text": "BTC/USDT +9.75 bps\nmore",
            "error": None,
        },
        {
            "id": "d",
            "at": "2023-11-14T22:13:20.123456Z",
            "rule": "big",
            "channel": "phone",
            "state": "pending",
            "opportunity_id": None,
            "symbol": None,
            "buy": None,
            "sell": None,
            "digest": None,
            "attempts": 0,
            "sent_at": None,
            "text": "2 more",
            "error": None,
        },
    ]


def test_nothing_to_show() -> None:
    assert as_json([]) == "[]"
    assert list(as_table([])) == ["no alerts"]


def test_what_was_tried_often_says_so() -> None:
    failed = replace(ALERT, state="failed", attempts=5, error="down")
    assert list(as_table([failed]))[-1].strip() == "down (tried 5 times)"


def test_a_table_is_safe_for_a_terminal() -> None:
    evil = "\x1b[2J\u202e"
    hostile = replace(ALERT, rule=evil, channel=evil, text=evil, error=evil)
    assert all(line.isprintable() for line in as_table([hostile]))
