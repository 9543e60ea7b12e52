"""``crossbook venues --suspects``: what is kept apart, from the scan to the terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from scanner.cli import cli
from scanner.history import suspects
from scanner.sinks.fanout import Fanout
from scanner.sinks.lines import Lines
from tests.storage.events import SECOND, START, suspect
from tests.storage.test_suspects import write

NOW = START + 60 * SECOND


@pytest.fixture(autouse=True)
def _time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanner.clock.now", lambda: NOW)


def call(database: Path, *options: str, columns: int = 160) -> Result:
    arguments = ["venues", "--suspects", "--db", str(database), *options]
    return CliRunner().invoke(cli, arguments, env={"COLUMNS": str(columns)})


@pytest.fixture
def database(tmp_path: Path) -> Path:
    write(
        str(tmp_path / "db"),
        "run",
        suspect(START - 30 * SECOND, sell_mid=2.9),
        suspect(START, state="held", ratio=2.0),
        suspect(
            START,
            structural=True,
            symbol="ETH/KRW",
            buy_mid=100.0,
            sell_mid=103.0,
            ratio=1.03,
            since=START - 5 * 3600 * SECOND,
            moves=0,
        ),
        suspect(
            START - 200 * SECOND,
            symbol="NEIRO/USDT",
            since=START - 290 * SECOND,
            moves=12,
            reason="suspected",
        ),
        suspect(START - SECOND, symbol="PUMP/USDT", state="released"),
    )
    return tmp_path / "db"


def test_the_table(database: Path) -> None:
    result = call(database)
    assert result.exit_code == 0, result.output
    assert [" ".join(line.split()) for line in result.stdout.splitlines()[1:]] == [
        "symbol buy at sell at apart for together because now seen",
        "CAT/USDT beta 1.5 alpha 3 x 2 2.0 min +0.05 over 31, 50% the same way another coin barred"
        " 14:13:20",
        "ETH/KRW beta 100 alpha 103 +3.00% 5.0 h - structural premium barred 14:13:20",
        "NEIRO/USDT beta 1.5 alpha 3 x 2 90.0 s 12 of 30 moves seen suspected unknown 14:10:00",
        "PUMP/USDT beta 1.5 alpha 3 x 2 59.0 s +0.05 over 31, 50% the same way another coin"
        " released 14:13:19",
    ]
    for width in (60, 80, 120):
        lines = call(database, columns=width).stdout.splitlines()
        assert all(len(line) <= width for line in lines[1:])


def test_as_json(database: Path) -> None:
    found = [json.loads(line) for line in call(database, "--json").stdout.splitlines()]
    assert found[0] == {
        "symbol": "CAT/USDT",
        "buy": "beta",
        "sell": "alpha",
        "status": "barred",
        "structural": False,
        "reason": "another coin",
        "since": "2026-09-21T14:12:20.000000Z",
        "seen_at": "2026-09-21T14:13:20.000000Z",
        "buy_mid": 1.5,
        "sell_mid": 3.0,
        "ratio": 2.0,
        "power_of_ten": 0,
        "moves": 31,
        "correlation": 0.05,
        "same_direction": 0.5,
    }
    assert [one["status"] for one in found] == ["barred", "barred", "unknown", "released"]
    assert found[1]["structural"] is True and found[1]["correlation"] is None


def test_since_when(database: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert len(call(database, "--since", "62s", "--json").stdout.splitlines()) == 3
    result = call(database, "--since", "1s")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "nothing was kept apart since 2026-09-21T14:14:19" in caplog.messages


@pytest.mark.parametrize("option", [("--since", "1h"), ("--db", "x.db")])
def test_what_is_only_for_suspects(option: tuple[str, str]) -> None:
    result = CliRunner().invoke(cli, ["venues", *option])
    assert result.exit_code == 2
    assert "--since and --db are for --suspects" in result.stderr


def test_hostile_names_are_escaped(tmp_path: Path) -> None:
    write(str(tmp_path / "db"), "run", suspect(symbol="\x1b[31mX/Y", reason="a\x07b"))
    told = call(tmp_path / "db").stdout
    assert "\x1b" not in told and "\x07" not in told


def test_a_suspect_is_no_line_of_watch(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    with path.open("w") as stream:
        lines = Lines(stream, lambda one: one.id, gone=lambda: None)
        fanout = Fanout()
        fanout.add(lines)
        fanout(suspect())
        lines.close()
    assert path.read_text() == ""
    assert suspects.status(suspect(state="held"), NOW) == "barred"
