"""The commands: what they hand over, what they say when something is wrong, how they end."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from scanner import __version__
from scanner.cli import cli
from scanner.commands.later import LATER, Later
from scanner.config import Config, builtin
from scanner.errors import CrossbookError, InternalError, VenueError
from scanner.markets import NoMarkets
from scanner.venues.registry import CONTRACTS, VENUES

ROOT = Path(__file__).parents[1]
PARSED_HERE = ["demo", "watch", "lab", "replay", "venues"]
COMMANDS = [*PARSED_HERE, *LATER]
HEAVY = {
    *("aiohttp", "asyncio", "ccxt", "msgspec", "numba", "numpy", "pydantic", "sqlalchemy"),
    *("textual", "yaml"),
}


def crossbook(*arguments: str) -> Result:
    """A command within this process."""
    return CliRunner().invoke(cli, arguments, prog_name="crossbook")


def python(code: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        text=True,
        stderr=subprocess.PIPE,
        check=False,
        timeout=60,
        **options,
    )


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
def handed_over(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the commands hand over, in place of doing it."""
    calls: list[dict[str, Any]] = []

    def record(*positional: Any, **named: Any) -> int:
        calls.append({"positional": positional, **named})
        return 0

    monkeypatch.setattr("scanner.app.watch", record)
    monkeypatch.setattr("scanner.demo.demo", record)
    monkeypatch.setattr("scanner.lab.command.run_lab", record)
    monkeypatch.setattr("scanner.commands.replay.run_replay", record)
    return calls


def test_help_names_every_command() -> None:
    result = crossbook("--help")
    assert result.exit_code == 0
    for command in COMMANDS:
        assert f"\n  {command} " in result.output


@pytest.mark.parametrize("name", LATER)
def test_a_command_that_is_loaded_later_says_the_same_before(name: str) -> None:
    stub = Later(name, callback=None, help=LATER[name][2], rich_markup_mode=None)
    assert stub.get_short_help_str(200) == stub.load().get_short_help_str(200)


@pytest.mark.parametrize("command", PARSED_HERE)
def test_every_command_has_help_and_takes_a_configuration(command: str) -> None:
    result = crossbook(command, "--help")
    assert result.exit_code == 0
    assert "--config PATH" in result.output


def test_help_loads_nothing_heavy() -> None:
    code = f"import sys; import scanner.cli; print(*({HEAVY!r} & set(sys.modules)))"
    assert python(code, stdout=subprocess.PIPE).stdout.split() == []


def test_version() -> None:
    result = crossbook("--version")
    assert (result.exit_code, result.output) == (0, f"crossbook {__version__}\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["fly"],
        ["db"],
        ["db", "fly"],
        ["check", "--config", "no/such/file.yaml"],
        ["demo", "--metrics", "65536"],
        ["demo", "--sede", "1"],
        ["demo", "--seed", "one"],
        ["demo", "--seconds", "-1"],
        ["demo", "--seconds", "nan"],
        ["demo", "--seconds", "inf"],
        ["demo", "--plain", "--json"],
        ["watch", "surplus"],
        ["watch", "--config", "no/such/file.yaml"],
        ["lab", "--port", "65536"],
        ["lab", "--speed", "0"],
        ["lab", "recording.jsonl"],
        ["replay"],
        ["venues", "--config", "."],
    ],
)
def test_a_usage_error_ends_with_2_and_says_so_on_standard_error(
    arguments: list[str], handed_over: list[dict[str, Any]]
) -> None:
    result = crossbook(*arguments)
    assert result.exit_code == 2
    assert result.stderr
    assert "Traceback" not in result.output
    assert handed_over == []


@pytest.mark.parametrize("command", [*PARSED_HERE, "check", "history", "db info", "alerts list"])
def test_a_wrong_configuration_ends_every_command_with_2_and_one_line(
    command: str, tmp_path: Path, handed_over: list[dict[str, Any]]
) -> None:
    wrong = tmp_path / "c.yaml"
    wrong.write_text("venues:\n  okx:\n    depht: full\n")
    arguments = [*command.split(), *(["x"] if command == "replay" else [])]
    result = crossbook(*arguments, "--config", str(wrong))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == (
        f"crossbook: {wrong}:3: venues.okx.depht: unknown key; did you mean 'depth'?\n"
    )
    assert handed_over == []


def test_watch_hands_over_the_configuration_of_this_folder_or_the_built_in_one(
    handed_over: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert crossbook("watch").exit_code == 0
    (tmp_path / "config.yaml").write_text("venues: {gate: }")
    options = ["--json", "--seconds", "1.5", "--db", "a.db", "--metrics", "0"]
    assert crossbook("watch", *options).exit_code == 0
    built_in, own = handed_over
    assert built_in["positional"][0].venues == builtin().venues
    assert (built_in["source"], built_in["output"]) == (None, "plain")
    [config] = own["positional"]
    assert isinstance(config, Config)
    assert list(config.venues) == ["gate"]
    assert own["source"] == Path("config.yaml")
    assert (own["output"], own["seconds"], own["db"], own["metrics"]) == ("json", 1.5, "a.db", 0)


def test_without_a_command_it_watches(
    handed_over: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert crossbook().exit_code == 0
    [call] = handed_over
    assert call["positional"][0].venues == builtin().venues


@pytest.mark.parametrize("wrapped", [False, True])
def test_without_a_command_and_without_an_exchange_it_says_so_and_is_the_demo(
    wrapped: bool,
    handed_over: list[dict[str, Any]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unreachable(*_: Any, **__: Any) -> int:
        error = NoMarkets("no markets")
        raise ExceptionGroup("tasks", [error]) if wrapped else error

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("scanner.app.watch", unreachable)
    result = crossbook()
    assert result.exit_code == 0
    assert "warning: NO EXCHANGE CAN BE REACHED, so this is the demo: no markets" in result.stderr
    [call] = handed_over
    assert (call["positional"], call["seed"]) == ((None,), 1)
    assert crossbook("watch").exit_code == 1


def test_without_a_command_other_errors_stay_errors(
    handed_over: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text("venues: {gaet: }")
    result = crossbook()
    assert (result.exit_code, handed_over) == (2, [])
    assert "did you mean 'gate'?" in result.stderr


def test_the_screen_is_for_terminals_and_lines_for_all_else(
    handed_over: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert crossbook("demo").exit_code == 0
    for name in ("stdin", "stdout"):
        stream = type(f"Terminal{name}", (), {"isatty": lambda self: True, "flush": lambda self: 0})
        monkeypatch.setattr(f"scanner.cli.sys.{name}", stream())
    for arguments in ([], ["--plain"], ["--json"]):
        with pytest.raises(SystemExit):
            cli(["demo", *arguments])
    assert [call["output"] for call in handed_over] == ["plain", "screen", "plain", "json"]


def test_demo_hands_over_what_it_was_told(handed_over: list[dict[str, Any]]) -> None:
    assert crossbook("demo").exit_code == 0
    result = crossbook("demo", "--seed", "5", "--seconds", "2", "--plain", "--truth", "t.jsonl")
    assert result.exit_code == 0
    nothing = {"db": None, "metrics": None, "source": None, "output": "plain"}
    first, second = handed_over
    assert first == {"positional": (None,), "seed": 1, "seconds": None, "truth": None, **nothing}
    assert second == first | {"seed": 5, "seconds": 2.0, "truth": Path("t.jsonl")}


def test_lab_takes_several_recordings_after_one_serve(handed_over: list[dict[str, Any]]) -> None:
    arguments = ["lab", "--serve", "a", "b", "--speed", "10", "--port", "8000", "--truth", "t"]
    assert crossbook(*arguments, "--write-config", "w.yaml").exit_code == 0
    assert handed_over == [
        {
            "positional": (),
            "seed": 1,
            "port": 8000,
            "truth": Path("t"),
            "serve": [Path("a"), Path("b")],
            "speed": 10.0,
            "write_config": Path("w.yaml"),
            "depeg": False,
        }
    ]


def test_replay_hands_over_its_paths(handed_over: list[dict[str, Any]]) -> None:
    assert crossbook("replay", "a", "b", "--json").exit_code == 0
    assert handed_over == [
        {"positional": ([Path("a"), Path("b")],), "config": None, "output": "json"}
    ]


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (VenueError("gate", "no answer"), 1, "crossbook: gate: no answer\n"),
        (InternalError("lost \x1b[2J count"), 1, "crossbook: lost \\x1b[2J count\n"),
        (
            ExceptionGroup(
                "tasks", [ValueError("x"), ExceptionGroup("", [CrossbookError("ours")])]
            ),
            1,
            "crossbook: ours\n",
        ),
        (
            ZeroDivisionError("by nothing"),
            1,
            "crossbook: unexpected ZeroDivisionError: by nothing"
            " ('crossbook --debug ...' shows where it arose)\n",
        ),
        (KeyboardInterrupt(), 0, "crossbook: stopped\n"),
        (BrokenPipeError(), 0, ""),
    ],
)
def test_how_a_command_ends(
    error: BaseException, code: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> int:
        raise error

    monkeypatch.setattr("scanner.demo.demo", fail)
    monkeypatch.setattr("scanner.commands.common.close_output", lambda: None)
    result = crossbook("demo")
    assert (result.exit_code, result.stderr) == (code, said)


def test_debug_shows_where_an_unexpected_error_arose_without_secrets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: Any, **__: Any) -> int:
        raise ZeroDivisionError("at postgresql://me:hunter2@h/d")

    monkeypatch.setattr("scanner.demo.demo", fail)
    result = crossbook("--debug", "demo")
    assert result.exit_code == 1
    assert "Traceback" in result.stderr and ", in fail" in result.stderr
    assert "ZeroDivisionError: at postgresql://me:***@h/d" in result.stderr
    assert "hunter2" not in result.stderr


def test_a_reader_that_leaves_ends_a_command_quietly() -> None:
    code = (
        "import os, sys; r, w = os.pipe(); os.close(r); os.dup2(w, 1);"
        "from scanner.cli import main; sys.argv = ['crossbook', 'venues']; main()"
    )
    ended = python(code)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_sigterm_ends_a_command_like_sigint() -> None:
    code = (
        "import os, signal, scanner.cli as c;"
        "c.named_config = lambda *_: os.kill(os.getpid(), signal.SIGTERM);"
        "import sys; sys.argv = ['crossbook', 'venues']; c.main()"
    )
    ended = python(code, stdout=subprocess.PIPE)
    assert (ended.returncode, ended.stderr) == (0, "crossbook: stopped\n")


def test_venues_are_listed_for_people() -> None:
    output = crossbook("venues").output
    for name in VENUES:
        assert f"({name})\n" in output
    assert "configured" not in output


def test_venues_are_listed_for_programs_with_their_configuration(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(
        "venues: {okx: {taker_fee: 0.001, endpoints: {rest: 'http://h'}}, gate: {enabled: false},"
        " htx: }"
    )
    rows = [
        json.loads(line)
        for line in crossbook("venues", "--config", str(path), "--json").stdout.splitlines()
    ]
    used = {row["id"]: row["configured"] for row in rows if not row["contracts"]}
    assert list(used) == [*VENUES, "htx"]
    assert [row["id"] for row in rows if row["contracts"]] == list(CONTRACTS)
    assert used["okx"]["endpoints"] == {"rest": "http://h", "ws": None}
    assert (used["gate"]["enabled"], used["htx"]["feed"], used["bybit"]) == (False, "ccxt", None)
    text = crossbook("venues", "--config", str(path)).output
    assert "configured: feed native, depth top, rest http://h, taker fee 0.1000%\n" in text
    assert "configured: no (enabled: false)\n" in text
